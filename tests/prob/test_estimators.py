"""Estimators of d E f(z) against the exact gradient, in expectation and in variance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import estimators
from genjax_zoo.prob.distributions import bernoulli_log_prob, normal_log_prob

N = 200_000
KEY = jax.random.key(0)


def agrees(draws, exact):
  """Asserts that the mean of draws [N, D] is within 4 standard errors, small ones, of exact [D]."""
  error = draws.std(0) / np.sqrt(len(draws))
  assert (np.abs(draws.mean(0) - exact) < 4 * error + 1e-6).all(), (draws.mean(0), exact, error)
  assert (error < 0.2 * np.abs(exact).max()).all(), "too noisy to compare"


def gaussian(kind, mean, log_s):
  """Gradients [N, 2] by (mean, log s) of E (z - 1)², z ~ N(mean, s²)."""
  f = lambda z: (z - 1) ** 2

  def surrogate(theta, key):
    z = theta[0] + jnp.exp(theta[1]) * jax.random.normal(key, (2,))
    if kind == "pathwise":
      return f(z).mean()
    z = jax.lax.stop_gradient(z)
    baselines = {"leave_one_out": estimators.leave_one_out(f(z)), "none": 0.0, "constant": 3.0}
    baseline = baselines[kind]
    return estimators.score_function(f(z), normal_log_prob(z, theta[0], theta[1]), baseline).mean()

  return jax.jit(jax.vmap(jax.grad(surrogate), (None, 0)))(
    jnp.array([mean, log_s]), jax.random.split(KEY, N)
  )


@pytest.mark.parametrize("kind", ["pathwise", "none", "constant", "leave_one_out"])
def test_gaussian_gradients_agree_with_the_closed_form(kind):
  mean, log_s = 0.3, 0.2  # E (z - 1)² = (mean - 1)² + s².
  agrees(np.asarray(gaussian(kind, mean, log_s)), np.array([2 * (mean - 1), 2 * np.exp(2 * log_s)]))


def test_the_pathwise_gradient_varies_least():
  variance = {
    kind: np.asarray(gaussian(kind, 4.0, -2.0)).var(0)
    for kind in ("pathwise", "leave_one_out", "none")
  }
  assert (100 * variance["pathwise"] < variance["none"]).all()
  assert (variance["leave_one_out"] < variance["none"]).all()


def bernoulli(kind, logits, temperature=0.5):
  """Gradients [N, D] by logits of E f(b), b ~ Bernoulli(logits)."""
  f = lambda b: (b * jnp.arange(1.0, 4.0)[None]).sum(-1) ** 2

  def surrogate(logits, key):
    soft = estimators.bernoulli_relaxed(key, jnp.stack([logits] * 2), temperature)
    hard = (soft > 0.5).astype(jnp.float32)
    if kind == "relaxed":
      return f(soft).mean()
    if kind == "straight_through":
      return f(estimators.straight_through(hard, soft)).mean()
    log_p = bernoulli_log_prob(hard, logits[None]).sum(-1)
    baseline = estimators.leave_one_out(f(hard)) if kind == "leave_one_out" else 0.0
    return estimators.score_function(f(hard), log_p, baseline).mean()

  return np.asarray(
    jax.jit(jax.vmap(jax.grad(surrogate), (None, 0)))(logits, jax.random.split(KEY, N))
  )


def exact_bernoulli(logits):
  b = (np.arange(8)[:, None] >> np.arange(3)[None]) & 1
  f = (b * np.arange(1.0, 4.0)).sum(-1) ** 2
  return jax.grad(lambda l: (jnp.exp(bernoulli_log_prob(b, l[None]).sum(-1)) * f).sum())(logits)


@pytest.mark.parametrize("kind", ["none", "leave_one_out"])
def test_bernoulli_score_function_agrees_with_enumeration(kind):
  logits = jnp.array([0.2, -0.5, 1.0])
  agrees(bernoulli(kind, logits), np.asarray(exact_bernoulli(logits)))


@pytest.mark.parametrize("kind", ["relaxed", "straight_through"])
def test_the_biased_estimators_are_close_and_vary_less(kind):
  logits = jnp.array([0.2, -0.5, 1.0])
  exact, draws = np.asarray(exact_bernoulli(logits)), bernoulli(kind, logits)
  mean = draws.mean(0)
  assert (np.abs(mean - exact) < 0.3 * np.abs(exact).max()).all()
  assert (np.sign(mean) == np.sign(exact)).all()
  assert (draws.var(0) < bernoulli("none", logits).var(0)).all()


def test_straight_through_is_hard_forward_and_soft_backward():
  soft, hard = jnp.array([0.2, 0.9]), jnp.array([0.0, 1.0])
  value, pull = jax.vjp(lambda s: estimators.straight_through(hard, s), soft)
  np.testing.assert_array_equal(value, hard)
  np.testing.assert_array_equal(pull(jnp.array([3.0, 5.0]))[0], [3.0, 5.0])


def test_relaxed_draws_have_the_right_class():
  logits = jnp.array([0.2, -0.5, 1.0])
  ones = jax.vmap(lambda k: estimators.bernoulli_relaxed(k, logits, 0.3) > 0.5)(
    jax.random.split(KEY, N)
  ).mean(0)
  np.testing.assert_allclose(ones, jax.nn.sigmoid(logits), atol=0.005)


def test_the_running_mean_converges():
  baseline = jnp.zeros(())
  for _ in range(200):
    baseline = estimators.running_mean(baseline, jnp.array([1.0, 3.0]), 0.9)
  np.testing.assert_allclose(baseline, 2.0, rtol=1e-6)


def test_the_baseline_of_a_draw_is_the_mean_of_the_others():
  f = jnp.array([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])
  expected = [[4.0, 40.0], [3.5, 35.0], [1.5, 15.0]]
  np.testing.assert_allclose(estimators.leave_one_out(f), expected, rtol=1e-6)


def test_a_score_function_has_the_value_f_and_the_gradient_of_its_formula():
  theta = jnp.array([0.5, -1.0, 2.0])
  surrogate = lambda theta: estimators.score_function(theta**2, 3 * theta, 0.7)
  np.testing.assert_allclose(surrogate(theta), theta**2)
  gradient = jax.grad(lambda theta: surrogate(theta).sum())(theta)
  np.testing.assert_allclose(gradient, 2 * theta + 3 * (theta**2 - 0.7), rtol=1e-6)


def test_the_running_mean_forgets_a_hundredth_a_step():
  found = estimators.running_mean(jnp.float32(2.0), jnp.array([[5.0, 7.0], [9.0, 15.0]]))
  np.testing.assert_allclose(found, 0.99 * 2 + 0.01 * 9, rtol=1e-6)


def test_relaxed_bits_are_logistic_noise_at_the_temperature():
  key, logits = jax.random.key(0), jnp.array([0.2, -0.5])
  bits = estimators.bernoulli_relaxed(key, logits, 0.5)
  expected = 1 / (1 + np.exp(-(logits + jax.random.logistic(key, (2,))) / 0.5))
  np.testing.assert_allclose(bits, expected, rtol=1e-5)


@pytest.mark.parametrize("rows", [1000, 2])
def test_the_importance_bound_is_the_log_of_the_mean_weight(rows):
  log_weight = lambda key: jax.random.normal(key, (3,)) + jnp.arange(3.0)
  found = estimators.importance_bound(log_weight, KEY, 4, rows)
  weights = np.stack([np.exp(log_weight(key)) for key in jax.random.split(KEY, 4)])
  np.testing.assert_allclose(found, np.log(weights.mean(0)), rtol=1e-5)
