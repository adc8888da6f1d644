"""Frechet distance: closed forms, scipy, other programs, streaming, bias 1/n, degenerate sets."""

import functools

import numpy as np
import pytest
import scipy.linalg

from genjax_zoo.core import UserError
from genjax_zoo.metrics.frechet import fid, frechet_distance, gaussian_frechet, merge, moments
from tests.metrics.references import SETS, features, quality


def covariance(rng, d):
  root = rng.normal(size=(d, d))
  return root @ root.T / d


def test_commuting_covariances_have_a_closed_form():
  rng = np.random.default_rng(0)
  turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
  a, b, m, n = rng.uniform(0, 2, 6), rng.uniform(0, 2, 6), rng.normal(size=6), rng.normal(size=6)
  found = gaussian_frechet(m, turn @ np.diag(a) @ turn.T, n, turn @ np.diag(b) @ turn.T)
  np.testing.assert_allclose(
    found, ((m - n) ** 2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rtol=1e-10
  )


def test_rank_one_covariances_have_a_closed_form():
  rng = np.random.default_rng(1)
  u, v, zero = rng.normal(size=5), rng.normal(size=5), np.zeros(5)
  found = gaussian_frechet(zero, np.outer(u, u), zero, np.outer(v, v))
  np.testing.assert_allclose(found, u @ u + v @ v - 2 * abs(u @ v), rtol=1e-6)
  cov = covariance(rng, 5)
  np.testing.assert_allclose(
    gaussian_frechet(u, np.zeros((5, 5)), v, cov), ((u - v) ** 2).sum() + np.trace(cov)
  )


@pytest.mark.parametrize("seed", range(3))
def test_equals_scipys_square_root_and_is_symmetric(seed):
  rng = np.random.default_rng(seed)
  a, b, m, n = (
    covariance(rng, 30),
    2 * covariance(rng, 30),
    rng.normal(size=30),
    rng.normal(size=30),
  )
  expected = ((m - n) ** 2).sum() + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
  np.testing.assert_allclose(gaussian_frechet(m, a, n, b), expected, rtol=1e-8)
  np.testing.assert_allclose(gaussian_frechet(n, b, m, a), expected, rtol=1e-8)


@pytest.mark.parametrize("d, seed", SETS)
def test_equals_torch_fidelity_and_pytorch_fid(d, seed):
  found = fid(*features(d, seed))
  np.testing.assert_allclose(found, quality()[f"fid_torch_fidelity_{d}"], rtol=1e-5)
  np.testing.assert_allclose(found, quality()[f"fid_pytorch_fid_{d}"], rtol=1e-5)


def test_a_translation_costs_its_square_and_equal_sets_nothing():
  x = np.random.default_rng(2).normal(size=(100, 7)).astype("f4")
  np.testing.assert_allclose(fid(x, x + 3), 7 * 9, rtol=1e-5)
  assert fid(x, x) < 1e-10
  assert fid(np.ones((9, 4)), np.ones((9, 4))) == 0
  assert fid(np.ones((9, 4)), np.zeros((9, 4))) == 4


def test_moments_of_batches_are_those_of_the_whole():
  x = 1000 + np.random.default_rng(3).normal(size=(9000, 5)).astype("f4")
  cuts = np.split(x, [1, 40, 41, 5000])
  for found in (moments(x), functools.reduce(merge, map(moments, cuts))):
    assert found.count == 9000
    np.testing.assert_allclose(found.mean, x.mean(0, dtype="f8"), rtol=1e-12)
    np.testing.assert_allclose(
      found.covariance, np.cov(x.astype("f8"), rowvar=False), rtol=1e-9, atol=1e-12
    )


def test_the_estimate_falls_as_one_over_n():
  """For two samples of N(0, I), to second order in m and S: n E[d^2] -> 2 D + D (D + 1) / 2."""
  d, rng = 8, np.random.default_rng(4)
  for n in (500, 4000):
    mean = np.mean([fid(*rng.normal(size=(2, n, d))) for _ in range(60)])
    np.testing.assert_allclose(n * mean, 2 * d + d * (d + 1) / 2, rtol=0.08)


def test_too_few_samples_are_refused_by_name():
  x = np.random.default_rng(5).normal(size=(40, 30))
  fid(x, x[:31])
  with pytest.raises(
    UserError, match="the fake set has 30 samples: a Frechet distance of 30 features needs 31"
  ):
    fid(x, x[:30])
  with pytest.raises(UserError, match="the real set has 1 samples"):
    frechet_distance(moments(x[:1]), moments(x))


def test_progress_sees_every_block():
  blocks_of = []
  moments(np.zeros((10_000, 2)), lambda blocks: blocks_of.extend(blocks) or blocks)
  assert len(blocks_of) == 3
