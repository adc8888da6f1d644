"""How near images are to the true ones: PSNR, SSIM, sharpness, and a distance in a feature network.

All take images [N, H, W, C] or videos [N, T, H, W, C] of integers in [0, num_values), and return a
number for each example, [N]; the ratios are one number of all.
"""

import numpy as np

from genjax_zoo.metrics.features import Features

WINDOW = 7  # Pixels of a side of SSIM's window.


def psnr(true, restored, num_values: int) -> np.ndarray:
  """-10 log10(mean squared error of values in [0, 1]) in dB, [N]; 100 where the two are equal."""
  difference = (np.asarray(true, np.float64) - restored) / (num_values - 1)
  error = np.mean(difference**2, axis=tuple(range(1, difference.ndim)))
  return -10 * np.log10(np.maximum(error, 1e-10))  # Equal images would be infinitely near.


def ssim(true, restored, num_values: int) -> np.ndarray:
  """The structural similarity (Wang et al. 2004, eq. 13), [N]; 1 where the two are equal.

  Means and covariances are those of 7 x 7 windows, uniformly weighted and unbiased, and the mean is
  over the windows that lie inside the image and over channels: as scikit-image computes it. Smaller
  images have windows of their own size, or of one less where that is even.
  """
  from scipy.ndimage import uniform_filter  # Late: 0.1 s, and training does not need it.

  a = np.asarray(true, np.float64)
  b = np.asarray(restored, np.float64)
  side = min(WINDOW, *a.shape[-3:-1])
  side -= 1 - side % 2
  inside = slice(side // 2, -(side // 2) or None)
  size = [1] * (a.ndim - 3) + [side, side, 1]

  def mean(x):
    return uniform_filter(x, size)[..., inside, inside, :]

  unbiased = side**2 / max(side**2 - 1, 1)
  mean_a, mean_b = mean(a), mean(b)
  variance_a = unbiased * (mean(a * a) - mean_a**2)
  variance_b = unbiased * (mean(b * b) - mean_b**2)
  covariance = unbiased * (mean(a * b) - mean_a * mean_b)
  c1 = (0.01 * (num_values - 1)) ** 2
  c2 = (0.03 * (num_values - 1)) ** 2
  luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
  structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
  return np.mean(luminance * structure, axis=tuple(range(1, a.ndim)))


def low_error(low, images) -> np.ndarray:
  """How far images are, at the resolution of `low`, from it: the mean absolute difference, [N].

  In gray levels. low is [N, h, w, C], and images are averaged over blocks of pixels to its size.
  """
  n, height, width, channels = low.shape
  side = images.shape[2] // width
  blocks = np.asarray(images, np.float64).reshape(n, height, -1, width, side, channels)
  return np.abs(blocks.mean((2, 4)) - low).mean((1, 2, 3))


def gradient_ratio(true, restored) -> float:
  """The mean absolute difference of neighbouring pixels over that of the true images.

  1 where images are as sharp as the true ones, 0 where they are flat.
  """

  def differences(x):
    x = np.asarray(x, np.float64)
    return np.abs(np.diff(x, axis=-3)).mean() + np.abs(np.diff(x, axis=-2)).mean()

  return float(differences(restored) / differences(true))


def laplacian_ratio(true, restored) -> float:
  """The mean squared Laplacian over that of the true images.

  The Laplacian is a pixel's four neighbours less four times itself, of all pixels but those of the
  border: what remains of the finest detail, while `gradient_ratio` is of edges too.
  """

  def energy(x):
    x = np.asarray(x, np.float64)
    vertical = np.diff(x, 2, axis=-3)[..., :, 1:-1, :]
    horizontal = np.diff(x, 2, axis=-2)[..., 1:-1, :, :]
    return np.mean((vertical + horizontal) ** 2)

  return float(energy(restored) / energy(true))


def perceptual(true: dict, restored: dict, features: Features) -> np.ndarray:
  """1 - cosine of the features of two batches, [N]: 0 for equal ones, 1 for unrelated ones.

  It is the idea of LPIPS (Zhang et al. 2018) in a network of this project, named by its hash: one
  layer, unweighted. Numbers of other networks are other numbers.
  """
  a = features.extract(true)[0].astype(np.float64)
  b = features.extract(restored)[0].astype(np.float64)
  norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
  return 1 - np.sum(a * b, 1) / np.maximum(norms, 1e-12)
