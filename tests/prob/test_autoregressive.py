"""The chain rule's pieces with their constants: heads, restricted distributions, the order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax, softmax

from genjax_zoo.prob.autoregressive import (
  ancestral,
  fixed_values,
  head,
  mixture_parameters,
  restrict,
  sampler,
)

P = np.array([0.15, 0.5, 0.05, 0.3])
LOGITS = jnp.log(jnp.asarray(P, jnp.float32))


def kept(**options):
  """The distribution that is sampled from."""
  return softmax(np.asarray(restrict(LOGITS, **options), np.float64))


@pytest.mark.parametrize(
  "options, expected",
  [
    ({}, P),
    (dict(temperature=2.0), P**0.5 / (P**0.5).sum()),
    (dict(temperature=0.5), P**2 / (P**2).sum()),
    (dict(top_k=1), [0, 1, 0, 0]),
    (dict(top_k=2), [0, 0.5 / 0.8, 0, 0.3 / 0.8]),
    (dict(top_k=9), P),
    # The fewest values whose total probability reaches top_p.
    (dict(top_p=0.49), [0, 1, 0, 0]),
    (dict(top_p=0.79), [0, 0.5 / 0.8, 0, 0.3 / 0.8]),
    (dict(top_p=0.81), [0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95]),
    (dict(top_p=0.96), P),
    # Of the two values that top_k keeps, the first has 0.625.
    (dict(top_k=2, top_p=0.6), [0, 1, 0, 0]),
    (dict(top_k=2, top_p=0.65), [0, 0.5 / 0.8, 0, 0.3 / 0.8]),
    # Temperature comes first: P² has the total 0.365, and 0.25 / 0.365 = 0.685.
    (dict(temperature=0.5, top_p=0.68), [0, 1, 0, 0]),
    (dict(temperature=0.5, top_p=0.69), [0, 0.25 / 0.34, 0, 0.09 / 0.34]),
  ],
)
def test_restricted_distributions(options, expected):
  np.testing.assert_allclose(kept(**options), expected, rtol=1e-5, atol=1e-7)


def test_every_row_is_restricted_alone():
  rows = jnp.stack([LOGITS, LOGITS[::-1], 3 * LOGITS])
  for options in {"top_p": 0.81}, {"top_k": 2}, {"top_k": 3, "top_p": 0.6}:
    found = restrict(rows, **options)
    for row, alone in zip(rows, found):
      np.testing.assert_allclose(restrict(row, **options), alone, rtol=1e-6)


def test_samples_come_with_their_log_probability_under_the_restriction():
  choose = sampler(head(4), temperature=2.0, top_k=3)
  outputs = jnp.broadcast_to(LOGITS, (20_000, 4))
  x, nats = choose(jax.random.key(0), outputs)
  expected = np.where(P > 0.1, P**0.5, 0)
  expected /= expected.sum()
  np.testing.assert_allclose(np.bincount(x, minlength=4) / 20_000, expected, atol=0.015)
  np.testing.assert_allclose(nats, np.log(expected[x]), rtol=1e-5)


def test_heads_are_their_distributions():
  outputs = jax.random.normal(jax.random.key(0), (5, 6))
  one = np.asarray(outputs[:, :1], np.float64)
  bernoulli = head(2)
  assert bernoulli.outputs == 1 and head(6).outputs == 6 and head(6, mixtures=2).outputs == 6
  for x in (0, 1):
    expected = stats.bernoulli.logpmf(x, 1 / (1 + np.exp(-one[:, 0])))
    found = bernoulli.log_prob(jnp.full(5, x), outputs[:, :1])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
  np.testing.assert_allclose(bernoulli.logits(outputs[:, :1])[:, 1:], one, rtol=1e-6)
  found = head(6).log_prob(jnp.arange(5), outputs)
  expected = log_softmax(np.asarray(outputs, np.float64), -1)[range(5), range(5)]
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_mixture_of_logistics_is_scored_and_sampled_alike():
  """Three gray levels, at -1, 0 and 1: cells end at -1/2 and 1/2, and the scales are exp(s - 2)."""
  outputs = np.array([0.3, -0.4, -0.2, 0.6, 1.0, 2.0], np.float32)  # 2 logits, means, log scales.
  weights = softmax(np.float64(outputs[:2]))
  below = stats.logistic.cdf(
    np.array([[-0.5], [0.5]]), np.float64(outputs[2:4]), np.exp(outputs[4:] - 2.0)
  )
  expected = np.diff(below @ weights, prepend=0, append=1)
  mixture = head(3, mixtures=2)
  found = mixture.log_prob(jnp.arange(3), jnp.broadcast_to(outputs, (3, 6)))
  np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)
  np.testing.assert_allclose(jnp.exp(mixture.logits(outputs)), expected, rtol=1e-5)
  np.testing.assert_array_equal(mixture_parameters(outputs)[2], outputs[4:] - 2)


@pytest.mark.parametrize("order", [None, (2, 0, 1)])
def test_each_dimension_is_conditioned_on_those_before_it_in_the_order(order):
  """x_i = 1 + the sum of those before, with log p = -i: so x tells what each was conditioned on."""
  seen = [2, 0, 1] if order else [0, 1, 2]
  keep = jnp.array([[False, False, False], [True, False, False]])
  x = jnp.where(keep, 7, 0)

  def conditional(carry, x, i):
    return (1 + x.sum(1))[:, None], carry + 1

  def sample(key, outputs):
    return outputs[:, 0], -outputs[:, 0].astype(jnp.float32)

  positions = None if order is None else jnp.array(order)
  found, nats = ancestral(jax.random.key(0), conditional, 0, x, keep, sample, positions)
  free = np.zeros(3, int)
  free[seen] = 1, 2, 4
  fixed = np.array([7, 0, 0])
  for i in seen:
    fixed[i] = 7 if i == 0 else 1 + fixed.sum()
  np.testing.assert_array_equal(found, [free, fixed])
  # What is kept adds nothing to log p.
  np.testing.assert_array_equal(nats, [-free.sum(), -fixed[1:].sum()])


def test_each_dimension_has_its_own_noise():
  halves = lambda carry, x, i: (jnp.zeros((64, 1)), carry)
  x, keep = jnp.zeros((64, 3), int), jnp.zeros((64, 3), bool)
  found, nats = ancestral(jax.random.key(0), halves, (), x, keep, sampler(head(2)))
  assert len(np.unique(found, axis=0)) == 8
  np.testing.assert_allclose(nats, -3 * np.log(2), rtol=1e-5)


def test_what_is_fixed():
  image = np.arange(12).reshape(2, 2, 3)
  x, keep = fixed_values({"image": image}, "image", 2, (2, 3))
  np.testing.assert_array_equal(x, image.reshape(2, 6))
  np.testing.assert_array_equal(keep, [[1, 1, 1, 0, 0, 0]] * 2)
  places = np.zeros((2, 2, 3), int)
  places[1, 1, 2] = 5
  _, keep = fixed_values({"image": image, "keep": places}, "image", 2, (2, 3))
  np.testing.assert_array_equal(keep, places.reshape(2, 6) == 5)
  x, keep = fixed_values({"label": image}, "image", 2, (2, 3))
  assert x.shape == keep.shape == (2, 6) and not x.any() and not keep.any()
