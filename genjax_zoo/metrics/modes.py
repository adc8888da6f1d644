"""Modes found by a model of data whose modes are known: Gaussian mixtures and Stacked MNIST."""

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.neighbours import nearest


def reverse_kl(counts) -> float:
  """KL(q || uniform) in nats of the frequencies q of counts [K]: 0 if all are equal, log K if one
  has all.

  From N samples of the uniform distribution itself about (K - 1) / (2 N) is expected, for N well
  above K.
  """
  from scipy.special import xlogy  # Late: 0.1 s, and the first step of training does not need it.

  q = np.asarray(counts, np.float64) / np.sum(counts)
  return float(np.sum(xlogy(q, q * q.size)))


def gaussian_modes(samples, means, sd, share: float = 0.0) -> dict[str, float]:
  """{"modes", "high_quality", "reverse_kl"} of samples [N, D] of a mixture with means [K, D] and sd
  [] or [K].

  A sample is of high quality if it lies within 3 sd of the nearest mean (1 - exp(-4.5) = 98.9 % of
  the truth do in two dimensions); a mode is found if it has at least one such sample, and at least
  `share` of the N / K that are its due. `reverse_kl` is of the high-quality samples over the modes,
  log K if there is none. As in VEEGAN (1705.07761) and PacGAN (1712.04086).
  """
  distance, index = (a[:, 0] for a in nearest(samples, means))
  good = distance <= 3 * np.broadcast_to(sd, len(means))[index]
  counts = np.bincount(index[good], minlength=len(means))
  found = counts >= max(1, share * len(index) / len(means))
  divergence = reverse_kl(counts) if counts.any() else float(np.log(len(means)))
  return {"modes": int(found.sum()), "high_quality": float(good.mean()), "reverse_kl": divergence}


def stacked_modes(digits, classes: int = 10) -> dict[str, float]:
  """{"modes", "reverse_kl"} of the classes predicted for each channel of stacked images, digits [N,
  3]: of 1,000 modes.

  The count needs N well above 1,000 (25,600 in the papers: Metz et al. 2017, 1611.02163; PacGAN
  26,000).
  """
  digits = np.asarray(digits)
  if digits.ndim != 2 or digits.min() < 0 or digits.max() >= classes:
    raise UserError(
      f"predicted classes of shape {digits.shape}: expected [N, 3] of integers from 0 to {classes - 1}"
    )
  channels = digits.shape[1]
  mode = np.ravel_multi_index(tuple(digits.T), (classes,) * channels)
  counts = np.bincount(mode, minlength=classes**channels)
  return {"modes": int(np.count_nonzero(counts)), "reverse_kl": reverse_kl(counts)}
