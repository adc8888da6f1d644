"""Modes covered by a model of data whose modes are known: Gaussian mixtures and Stacked MNIST."""

import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.neighbours import nearest


def reverse_kl(counts) -> float:
  """KL(q || uniform), nats, of the frequencies q of counts [K].

  It is 0 if all are equal and log K if all samples are in one mode. N samples of the uniform
  distribution itself give about (K - 1) / (2 N), for N well above K.
  """
  from scipy.special import xlogy  # Late: 0.1 s, and the first step of training does not need it.

  q = np.asarray(counts, np.float64) / np.sum(counts)
  return float(np.sum(xlogy(q, q * q.size)))


def gaussian_modes(samples, means, sd, share: float = 0.0) -> dict[str, float]:
  """{"modes", "high_quality", "reverse_kl"} of samples [N, D] for a mixture of K Gaussians.

  The mixture has means [K, D] and standard deviations [] or [K]. A sample is of high quality if it
  lies within 3 sd of the nearest mean (1 - exp(-4.5) = 98.9 % of the true distribution does in two
  dimensions); a mode is found if it has at least one such sample, and at least `share` of its N / K
  expected ones. `reverse_kl` is of the high-quality samples over the modes, log K if there is none.
  As in VEEGAN (1705.07761) and PacGAN (1712.04086).
  """
  K = len(means)
  distance, index = (a[:, 0] for a in nearest(samples, means))
  good = distance <= 3 * np.broadcast_to(sd, K)[index]
  counts = np.bincount(index[good], minlength=K)
  found = counts >= max(1, share * len(index) / K)
  return {
    "modes": int(found.sum()),
    "high_quality": float(good.mean()),
    "reverse_kl": reverse_kl(counts) if counts.any() else float(np.log(K)),
  }


def stacked_modes(digits, classes: int = 10) -> dict[str, float]:
  """{"modes", "reverse_kl"} of stacked images with these predicted classes, digits [N, 3].

  There are classes³ modes, 1,000 for MNIST. The count needs N well above that (25,600 in Metz et
  al. 2017, 1611.02163, and 26,000 in PacGAN).
  """
  digits = np.asarray(digits)
  if digits.ndim != 2 or digits.min() < 0 or digits.max() >= classes:
    raise UserError(
      f"predicted classes of shape {digits.shape}: "
      f"expected [N, 3] of integers from 0 to {classes - 1}"
    )
  channels = digits.shape[1]
  mode = np.ravel_multi_index(tuple(digits.T), (classes,) * channels)
  counts = np.bincount(mode, minlength=classes**channels)
  return {"modes": int(np.count_nonzero(counts)), "reverse_kl": reverse_kl(counts)}
