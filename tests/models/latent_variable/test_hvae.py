"""The hierarchy's bounds against log p by quadrature, and its two gradients against each other."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import hvae
from genjax_zoo.prob.distributions import bernoulli_log_prob, normal_log_prob

DATA = {"image": Field((1, 3, 1), np.uint8, 2)}
ALL = np.array(list(itertools.product((0, 1), repeat=3)), np.uint8).reshape(8, 1, 3, 1)


def made(**options):
  """A model of two one-dimensional latents, with parameters far from those at initialisation."""
  model = hvae.model(DATA, **dict(latent=(1, 1), hidden=(4, 4), depth=1) | options)
  params, state = model.init(jax.random.key(0), {"image": ALL})
  noise = iter(jax.random.split(jax.random.key(1), 100))
  stir = lambda scale: lambda p: p + scale * jax.random.normal(next(noise), p.shape)
  # The encoder stays broad: no importance weight outweighs all others.
  scales = {"encoder": 0.1, "decoder": 0.3}
  return model, {k: jax.tree.map(stir(scale), params[k]) for k, scale in scales.items()}, state


def exact(params):
  """log p(x) of all images by a double sum over z1 and z2, [8]."""
  z = jnp.linspace(-20, 20, 2001)
  dense = lambda p, x, act=lambda x: x: act(x @ p["kernel"] + p["bias"][None])
  net = lambda p, x: dense(p["Dense_1"], dense(p["Dense_0"], x, jnp.tanh))
  mean, log_s = jnp.split(net(params["decoder"][1], z[:, None]), 2, -1)
  joint = normal_log_prob(z[None], mean, log_s) + normal_log_prob(z, 0.0, 0.0)[:, None]  # [z2, z1]
  prior = jax.nn.logsumexp(joint, 0) + 2 * np.log(z[1] - z[0])
  logits = net(params["decoder"][0], z[:, None])
  x = ALL.reshape(8, 1, 3).astype(np.float32)
  return jax.nn.logsumexp(bernoulli_log_prob(x, logits[None]).sum(-1) + prior[None], 1)


def test_bounds_rise_to_the_exact_likelihood():
  model, params, state = made()
  batch, log_p = {"image": ALL}, exact(params)
  np.testing.assert_allclose(jax.nn.logsumexp(log_p), 0.0, atol=1e-3)
  bound = jax.jit(model.log_prob, static_argnames="k")
  keys = jax.random.split(jax.random.key(2), 400)
  bounds = [
    np.asarray(jax.lax.map(lambda key: bound(params, state, batch, key, k=k), keys))
    for k in (1, 5, 25)
  ]
  means, error = [b.mean() for b in bounds], bounds[0].mean(1).std() / 20
  assert means[0] + 3 * error < means[1] < means[2] < log_p.mean() + 0.01
  np.testing.assert_allclose(bound(params, state, batch, keys[0], k=100_000), log_p, atol=0.05)
  elbo = lambda key: -model.loss(params, state, batch, key, train=True)[0]
  np.testing.assert_allclose(jax.lax.map(elbo, keys).mean(), means[0], atol=4 * error)
  metrics = model.loss(params, state, batch, keys[0], train=True, beta=0.5)[1][1]
  np.testing.assert_allclose(metrics["elbo"], elbo(keys[0]), rtol=1e-4)  # A bound, in warm-up too.
  parts = metrics["reconstruction"] + metrics["kl1"] + metrics["kl2"]
  np.testing.assert_allclose(metrics["elbo"], -parts, rtol=1e-4)


@pytest.mark.parametrize("beta", [1.0, pytest.param(0.5, marks=pytest.mark.slow)])
def test_both_gradients_agree_in_expectation_and_dreg_varies_less(beta):
  found = {}
  for dreg in (False, True):
    model, params, state = made(k=8, dreg=dreg)
    loss = lambda p, key: model.loss(p, state, {"image": ALL}, key, train=True, beta=beta)[0].mean()
    grads = jax.lax.map(
      lambda key: jax.grad(loss)(params, key),
      jax.random.split(jax.random.key(3), 4000),
      batch_size=50,
    )
    found[dreg] = {
      k: np.concatenate([g.reshape(4000, -1) for g in jax.tree.leaves(grads[k])], 1) for k in grads
    }
  for part in ("encoder", "decoder"):
    a, b = found[False][part], found[True][part]
    error = np.sqrt((a.var(0) + b.var(0)) / 4000)
    assert (np.abs(a.mean(0) - b.mean(0)) < 4.5 * error + 1e-6).all(), part
  assert (
    beta < 1 or found[True]["encoder"].var(0).sum() < 0.8 * found[False]["encoder"].var(0).sum()
  )
  np.testing.assert_allclose(found[True]["decoder"], found[False]["decoder"], rtol=1e-3, atol=1e-4)


def test_samples_follow_the_model():
  model, params, state = made()
  mean = model.parts["mean"](params, state, {"z1": np.zeros((2, 1), np.float32)})
  assert mean.shape == (2, 1, 3, 1) and (mean > 0).all() and (mean < 1).all()
  cold = model.sample(params, state, jax.random.key(0), 5, temperature=0.0, noise=False)["image"]
  assert (cold == cold[:1]).all()


def test_frequencies_of_samples_are_the_probabilities():
  model, params, state = made()
  params["decoder"] = jax.tree.map(lambda p: 2 * p, params["decoder"])
  p, n = np.exp(exact(params)), 40_000
  x = model.sample(params, state, jax.random.key(3), n)["image"]
  frequency = np.bincount(np.asarray(x).reshape(n, 3) @ [4, 2, 1], minlength=8) / n
  assert p.max() > 2 * p.min() and (np.abs(frequency - p) < 4.5 * np.sqrt(p / n)).all()


def test_wrong_data_and_sizes_raise():
  with pytest.raises(UserError, match=r"data\.binarize"):
    hvae.model({"image": Field((2, 2, 1), np.uint8, 17)})
  with pytest.raises(UserError, match="one each"):
    hvae.model(DATA, latent=(3,), hidden=(4, 4))


def test_the_loss_of_one_draw_is_its_elbo_with_the_kl_times_beta():
  model, params, state = made(k=1)
  loss, (_, found) = jax.jit(
    lambda key: model.loss(params, state, {"image": ALL}, key, True, beta=0.3)
  )(jax.random.key(1))
  expected = found["reconstruction"] + 0.3 * (found["kl1"] + found["kl2"])
  np.testing.assert_allclose(loss, expected, rtol=1e-4)


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_dreg_weighs_each_draw_by_its_formula(beta):
  """((1 - beta) W + beta W²) d log w / d z  d z / d encoder, and W d log w / d decoder."""
  nets = hvae.hierarchy((1, 1), (3, 3), 1, 3, jnp.tanh)
  x, key, k = jnp.array([[[0.0, 1.0, 1.0]]]), jax.random.key(1), 4
  rng = np.random.default_rng(0)
  z = jnp.zeros((1, 1))
  shapes = {
    "encoder": jax.eval_shape(lambda: hvae.init_networks(nets.up, key, [x[0], z])),
    "decoder": jax.eval_shape(lambda: hvae.init_networks(nets.down, key, [z, z])),
  }
  params = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), p.dtype), shapes)

  def through_draws(encoder):
    zs = hvae.infer(nets, encoder, x, key, k)
    return hvae.log_weight(nets, params, x, zs, beta)[:, 0]

  def bound(params):
    zs = hvae.infer(nets, params["encoder"], x, key, k)
    return hvae.dreg_bound(nets, params, x, zs, beta)[0]

  def of_decoder(decoder):
    zs = hvae.infer(nets, params["encoder"], x, key, k)
    return hvae.log_weight(nets, params | {"decoder": decoder}, x, zs, beta)[:, 0]

  log_w, of_z, of_p, (value, found) = jax.device_get(
    jax.jit(
      lambda p: (
        through_draws(p["encoder"]),
        jax.jacrev(through_draws)(p["encoder"]),
        jax.jacrev(of_decoder)(p["decoder"]),
        jax.value_and_grad(bound)(p),
      )
    )(params)
  )
  W = np.exp(log_w) / np.exp(log_w).sum()
  sums = lambda weights, jacobian: jax.tree.map(lambda j: np.tensordot(weights, j, 1), jacobian)
  np.testing.assert_allclose(value, np.log(np.exp(log_w).mean()), rtol=1e-5)
  weights = (1 - beta) * W + beta * W**2
  expected = {"encoder": sums(weights, of_z), "decoder": sums(W, of_p)}
  chex.assert_trees_all_close(found, expected, rtol=1e-3, atol=1e-4)
