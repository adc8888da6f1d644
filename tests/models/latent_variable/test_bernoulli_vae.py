"""Binary latents can be enumerated: bounds and gradients against the exact ones."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import bernoulli_vae
from genjax_zoo.prob.distributions import bernoulli_log_prob

DATA = {"image": Field((1, 3, 1), np.uint8, 2)}
BATCH = {"image": np.array(list(itertools.product((0, 1), repeat=3)), np.uint8).reshape(8, 1, 3, 1)}
BITS = jnp.array(list(itertools.product((0.0, 1.0), repeat=2)))  # All z of two bits, [4, 2].


def made(**options):
  model = bernoulli_vae.model(DATA, latent=2, hidden=(4,), **options)
  params, state = model.init(jax.random.key(0), BATCH)
  noise = iter(jax.random.split(jax.random.key(1), 100))
  params = jax.tree.map(lambda p: p + 0.5 * jax.random.normal(next(noise), p.shape), params)
  return model, params, state


def net(p, x):
  hidden = jax.nn.gelu(x @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"][None])
  return hidden @ p["Dense_1"]["kernel"] + p["Dense_1"]["bias"][None]


def terms(params):
  """log p(x, z) and log q(z | x) of all x and z, [8, 4] each."""
  x = BATCH["image"].reshape(8, 1, 3).astype(np.float32)
  log_p = bernoulli_log_prob(x, net(params["decoder"], BITS)[None]).sum(-1)
  log_q = bernoulli_log_prob(BITS[None], net(params["encoder"], x[:, 0])[:, None]).sum(-1)
  return log_p + bernoulli_log_prob(BITS, params["prior"][None]).sum(-1)[None], log_q


def exact_loss(params):
  joint, log_q = terms(params)
  return (jnp.exp(log_q) * (log_q - joint)).sum(-1)


def test_the_likelihood_is_a_sum_over_all_bits():
  model, params, state = made()
  log_p = jax.nn.logsumexp(terms(params)[0], -1)
  np.testing.assert_allclose(jax.nn.logsumexp(log_p), 0.0, atol=1e-5)
  bound = model.log_prob(params, state, BATCH, jax.random.key(0), k=20_000)
  np.testing.assert_allclose(bound, log_p, atol=0.02)
  assert (exact_loss(params) > -log_p).all()


def test_frequencies_of_samples_are_the_probabilities():
  model, params, state = made()
  p, n = np.exp(jax.nn.logsumexp(terms(params)[0], -1)), 40_000
  x = model.sample(params, state, jax.random.key(3), n)["image"]
  frequency = np.bincount(np.asarray(x).reshape(n, 3) @ [4, 2, 1], minlength=8) / n
  assert p.max() > 2 * p.min() and (np.abs(frequency - p) < 4.5 * np.sqrt(p / n)).all()
  likelier = model.sample(params, state, jax.random.key(3), 500, noise=False)["image"]
  means = model.parts["mean"](params, state, {"z": BITS})
  assert set(map(bytes, np.asarray(likelier))) <= set(map(bytes, np.asarray(means > 0.5, np.uint8)))


@pytest.mark.parametrize("estimator", ["score", "running", "leave_one_out"])
def test_losses_and_gradients_are_those_of_the_exact_bound(estimator):
  model, params, state = made(estimator=estimator, k=4)
  state = {k: x + 3.0 for k, x in state.items()}  # A running mean, as if of earlier steps.
  f = jax.value_and_grad(lambda p, key: model.loss(p, state, BATCH, key, train=True)[0].mean())
  draws = jax.lax.map(
    lambda key: f(params, key), jax.random.split(jax.random.key(2), 4000), batch_size=200
  )
  exact = jax.value_and_grad(lambda p: exact_loss(p).mean())(params)
  for a, b in zip(jax.tree.leaves(draws), jax.tree.leaves(exact)):
    a = np.asarray(a, np.float64)
    assert (np.abs(a.mean(0) - b) < 4.5 * a.std(0) / np.sqrt(len(a)) + 1e-5).all()


def test_a_running_baseline_changes_in_training():
  model, params, state = made(estimator="running")
  changes = model.loss(params, state, BATCH, jax.random.key(0), train=True)[1][0]
  assert changes.keys() == {"baseline"} and 0 < float(changes["baseline"]) < 1


def test_evaluation_of_relaxed_models_is_of_bits():
  model, params, state = made(estimator="relaxed", k=4000)
  loss, _ = model.loss(params, state, BATCH, jax.random.key(0), train=False)
  np.testing.assert_allclose(loss, exact_loss(params), atol=0.1)
  other, *_ = made(estimator="score", k=4000)
  bits, _ = other.loss(params, state, BATCH, jax.random.key(0), train=False)
  np.testing.assert_allclose(loss, bits, rtol=1e-6)


def test_impossible_estimators_raise():
  for options, message in [
    (dict(estimator="scor"), "unknown"),
    (dict(estimator="leave_one_out", k=1), "other draws"),
  ]:
    with pytest.raises(UserError, match=message):
      bernoulli_vae.model(DATA, **options)


@pytest.mark.parametrize("estimator", ["relaxed", "straight_through"])
def test_training_on_relaxed_bits_is_by_their_formula(estimator):
  """z = sigmoid((logits + logistic noise) / temperature), or that rounded, with its gradient."""
  model, params, state = made(estimator=estimator, k=3, temperature=0.7)
  key, x = jax.random.key(5), BATCH["image"].reshape(8, 3).astype(np.float32)
  noise = jax.random.logistic(key, (3, 8, 2))

  def loss(params):
    logits = net(params["encoder"], x)
    soft = jax.nn.sigmoid((logits[None] + noise) / 0.7)
    # Rounding adds a constant.
    rounding = jax.lax.stop_gradient((soft > 0.5) - soft)
    z = soft + rounding if estimator == "straight_through" else soft
    log_p = bernoulli_log_prob(x[None], net(params["decoder"], z.reshape(24, 2)).reshape(3, 8, 3))
    q, prior = jax.nn.sigmoid(logits), jax.nn.sigmoid(params["prior"])[None]
    kl = (q * jnp.log(q / prior) + (1 - q) * jnp.log((1 - q) / (1 - prior))).sum(-1)
    return (-log_p.sum(-1).mean(0) + kl).mean()

  trained = lambda p: model.loss(p, state, BATCH, key, train=True)[0].mean()
  found, expected = jax.jit(
    lambda p: (jax.value_and_grad(trained)(p), jax.value_and_grad(loss)(p))
  )(params)
  chex.assert_trees_all_close(found, expected, rtol=1e-4, atol=1e-5)
