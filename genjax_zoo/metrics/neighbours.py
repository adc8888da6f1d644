"""Nearest neighbours of samples in a training set, and a measure of memorisation by them."""

from collections.abc import Callable
import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import centred, feature_sets, row_blocks, squared_distances


@functools.partial(jax.jit, static_argnums=2)
def search(queries, reference, k):
  """Distances [B, k], exactly 0 for a copy, and indices [B, k] of the k nearest reference rows."""
  _, index = jax.lax.top_k(-squared_distances(queries, reference), k)
  distance = jnp.linalg.norm(queries[:, None] - reference[index], axis=-1)
  return distance, index


def nearest(
  queries, reference, k: int = 1, progress: Callable = iter
) -> tuple[np.ndarray, np.ndarray]:
  """Distances and indices [N, k] of the k rows of reference [M, D] nearest to queries [N, D].

  Euclidean distances, nearest first. Memory is bounded for all N and M; `progress` wraps the list
  of blocks of queries. Raises UserError for fewer than k references.
  """
  reference, queries = feature_sets(reference=reference, query=queries)
  if len(reference) < k:
    raise UserError(
      f"the reference set has {len(reference)} samples: {k} neighbours need at least {k}"
    )
  reference, queries = centred(reference, queries)
  blocks = row_blocks(len(queries), max(len(reference), k * reference.shape[1]))
  parts = [jax.device_get(search(queries[rows], reference, k)) for rows in progress(blocks)]
  return np.concatenate([d for d, _ in parts]), np.concatenate([i for _, i in parts])


def memorisation(samples, train, test, progress: Callable = iter) -> dict[str, float]:
  """How near samples are to the training set, compared with how near test examples are.

  "nearest_sample" and "nearest_test" are the median distances to the nearest training example, and
  "ratio" is that of the two, below 1 for a model that copies. "closer" is the probability that a
  sample is nearer to the training set than a test example is, ties halved: 1/2 without
  memorisation, 1 for copies (the statistic of Meehan et al. 2020, 2004.05675, eq. 1). A blurred or
  badly fitted model may show the opposite, so read it beside a measure of quality.
  """
  # Late: a second, and the first step of training does not need it.
  from scipy.stats import rankdata

  of_samples = nearest(samples, train, progress=progress)[0][:, 0]
  of_test = nearest(test, train, progress=progress)[0][:, 0]
  n, m = len(of_samples), len(of_test)
  # The statistic of Mann and Whitney; midranks halve the ties.
  ranks = rankdata(np.concatenate([of_samples, of_test]))[:n]
  closer = 1 - (ranks.sum() - n * (n + 1) / 2) / (n * m)
  sample, other = np.median(of_samples), np.median(of_test)
  if other > 0:
    ratio = sample / other
  else:  # Test examples are copies of training examples.
    ratio = np.inf if sample > 0 else 1.0
  return {
    "nearest_sample": float(sample),
    "nearest_test": float(other),
    "ratio": float(ratio),
    "closer": float(closer),
  }
