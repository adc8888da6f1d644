"""Inception Score: how sure a classifier is of each sample, and how evenly it predicts classes."""

import numpy as np

from genjax_zoo.core import UserError


def inception_score(probabilities, splits: int = 10, seed: int = 0) -> tuple[float, float]:
  """Mean and standard deviation over `splits` random parts of exp(E_x KL(p(y | x) || p(y))).

  Salimans et al. 2016 (1606.03498), of probabilities [N, C]. It goes from 1 (the classifier says
  the same of all samples, or is sure of none) to C. It never looks at real data, ignores diversity
  within a class, and grows with N / splits: use the N of the number compared with, 50,000 in
  papers. Raises UserError where the rows are no probabilities or too few.
  """
  from scipy.special import xlogy  # Late: 0.1 s, and the first step of training does not need it.

  p = np.asarray(probabilities, np.float64)
  if p.ndim != 2 or len(p) < splits:
    raise UserError(
      f"class probabilities of shape {p.shape}: {splits} splits need [N, C] with N >= {splits}"
    )
  sums = p.sum(1)
  if not (p.min() >= 0 and np.allclose(sums, 1, atol=1e-3)):
    raise UserError(
      f"rows sum to between {sums.min():.3g} and {sums.max():.3g}: "
      "pass softmax probabilities, not logits"
    )
  scores = []
  for part in np.array_split(np.random.default_rng(seed).permutation(p), splits):
    marginal = part.mean(0, keepdims=True)
    information = np.sum(xlogy(part, part)) / len(part) - np.sum(xlogy(marginal, marginal))
    scores.append(np.exp(information))
  return float(np.mean(scores)), float(np.std(scores))
