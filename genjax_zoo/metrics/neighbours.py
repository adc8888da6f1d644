"""Nearest neighbours of samples in a training set, and what they say about memorisation."""

from collections.abc import Callable
import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.metrics.distances import feature_sets, row_blocks, squared_distances, to_floats


@functools.partial(jax.jit, static_argnums=2)
def search(queries, reference, k):
  """Distances [B, k] and indices [B, k] of the k nearest rows of `reference`; the distances are
  exact, 0 for a copy.
  """
  _, index = jax.lax.top_k(-squared_distances(queries, reference), k)
  distance = jnp.linalg.norm(queries[:, None] - reference[index], axis=-1)
  return distance, index


def nearest(
  queries, reference, k: int = 1, progress: Callable = iter
) -> tuple[np.ndarray, np.ndarray]:
  """Distances [N, k] and indices [N, k] of the k rows of `reference` [M, D] nearest to each of
  `queries` [N, D].

  Euclidean, nearest first. Memory is bounded whatever N and M; `progress` wraps the list of blocks
  of queries.
  """
  reference, queries = feature_sets(reference=reference, query=queries)
  if len(reference) < k:
    raise UserError(
      f"the reference set has {len(reference)} samples: {k} neighbours need at least {k}"
    )
  reference, queries = to_floats(reference, queries)
  blocks = row_blocks(len(queries), max(len(reference), k * reference.shape[1]))
  parts = [jax.device_get(search(queries[rows], reference, k)) for rows in progress(blocks)]
  return np.concatenate([d for d, _ in parts]), np.concatenate([i for _, i in parts])


def memorisation(samples, train, test, progress: Callable = iter) -> dict[str, float]:
  """How near samples lie to the training set, measured by how near unseen data lie.

  {"nearest_sample", "nearest_test"}: the median distance to the nearest training example;
  {"ratio"}: of the two, below 1 for a model that copies; {"closer"}: the chance that a sample is
  nearer to the training set than a test example is, ties halved: 1/2 without memorisation, 1 for
  copies (the statistic of Meehan et al. 2020, 2004.05675, eq. 1). A blurred or badly fitted model
  may show the opposite, so read it beside a measure of quality.
  """
  # Late: a second, and the first step of training does not need it.
  from scipy.stats import rankdata

  ours, theirs = (nearest(x, train, progress=progress)[0][:, 0] for x in (samples, test))
  n, m = len(ours), len(theirs)
  ranks = rankdata(np.concatenate([ours, theirs]))[:n]  # Mann-Whitney: midranks halve the ties.
  ours, theirs, closer = (
    np.median(ours),
    np.median(theirs),
    1 - (ranks.sum() - n * (n + 1) / 2) / (n * m),
  )
  ratio = ours / theirs if theirs > 0 else np.inf if ours > 0 else 1.0
  return {
    "nearest_sample": float(ours),
    "nearest_test": float(theirs),
    "ratio": float(ratio),
    "closer": float(closer),
  }
