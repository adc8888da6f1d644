"""FactorVAE: permuting keeps the marginals alone; the critic finds a known total correlation."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from genjax_zoo.core import Field
from genjax_zoo.models.latent_variable import factor_vae


def test_permuting_keeps_marginals_and_removes_correlations():
  z = jax.random.normal(jax.random.key(0), (1000, 1)) * jnp.ones((1, 3))
  permuted = factor_vae.permute(jax.random.key(1), z)
  np.testing.assert_array_equal(np.sort(permuted, 0), np.sort(z, 0))
  assert np.abs(np.corrcoef(permuted.T) - np.eye(3)).max() < 0.15


def test_the_critic_estimates_the_total_correlation_of_gaussians():
  """Latents of correlation r have a total correlation of -log(1 - r²) / 2; the encoder is fixed."""
  r = 0.9
  steps = 600
  data = {"x": Field((2,), np.float32)}
  frozen = optax.sgd(0.0)
  adam = optax.adam(optax.cosine_decay_schedule(3e-3, steps))
  learner = factor_vae.learner(
    data,
    {"gen": frozen, "critic": adam},
    latent=2,
    hidden=(),
    likelihood="gaussian",
    critic=(64, 64),
    gamma=7.0,
  )

  def draw(key):
    z = jax.random.normal(key, (1024, 2))
    return {"x": z @ jnp.array([[1, r], [0, (1 - r**2) ** 0.5]])}

  ts = learner.init(jax.random.key(0), draw(jax.random.key(1)))
  kernel = jnp.eye(2, 4)  # z = x, almost without noise.
  encoder = jax.tree.map(
    lambda p: kernel if p.ndim == 2 else jnp.array([0.0, 0, -9, -9]), ts.params["gen"]["encoder"]
  )
  ts = ts.replace(params=ts.params | {"gen": ts.params["gen"] | {"encoder": encoder}})

  def step(ts, key):
    k_x, k_step = jax.random.split(key)
    return learner.step(ts, draw(k_x), k_step)

  ts, metrics = jax.jit(lambda ts, keys: jax.lax.scan(step, ts, keys))(
    ts, jax.random.split(jax.random.key(2), steps)
  )
  np.testing.assert_allclose(
    metrics["total_correlation"][-100:].mean(), -np.log(1 - r**2) / 2, rtol=0.1
  )
  loss = metrics["reconstruction"] + metrics["kl"] + 7 * metrics["total_correlation"]
  np.testing.assert_allclose(metrics["gen_loss"], loss, rtol=1e-4)


def test_a_density_of_integers_is_dequantized_as_in_the_vae():
  data = {"image": Field((2, 2, 1), np.uint8, 4)}
  tx = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  assert factor_vae.learner(data, tx, likelihood="gaussian").model.dequantization == "uniform"


def test_the_vae_descends_its_loss_with_gamma_times_the_critic():
  """A step of stochastic gradient descent; the posterior is so narrow that z is its mean."""
  data = {"x": Field((2,), np.float32)}
  learner = factor_vae.learner(
    data,
    {"gen": optax.sgd(1.0), "critic": optax.sgd(0.0)},
    latent=2,
    hidden=(),
    likelihood="gaussian",
    critic=(4,),
    gamma=7.0,
  )
  batch = {"x": jax.random.normal(jax.random.key(0), (6, 2))}
  ts = jax.jit(learner.init)(jax.random.key(1), batch)
  gen = jax.tree.map(lambda p: 0.5 * p + 0.1, ts.params["gen"])
  narrow = jnp.array([0.1, -0.2, -30.0, -30.0])
  gen["encoder"]["layers_1"]["Dense_0"]["bias"] = narrow
  ts = ts.replace(params=ts.params | {"gen": gen})
  critic = ts.params["critic"]

  def dense(params, x):
    return x @ params["kernel"] + params["bias"][None]

  def loss(gen):
    z, logvar = jnp.split(dense(gen["encoder"]["layers_1"]["Dense_0"], batch["x"]), 2, -1)
    mean = dense(gen["decoder"]["layers_0"]["Dense_0"], z)
    log_scale = gen["log_scale"][None]
    squares = ((batch["x"] - mean) * jnp.exp(-log_scale)) ** 2
    reconstruction = (squares / 2 + log_scale + jnp.log(2 * jnp.pi) / 2).sum(-1)
    kl = (z**2 + jnp.exp(logvar) - 1 - logvar).sum(-1) / 2
    h = jax.nn.leaky_relu(dense(critic["Dense_0"], z), 0.2)
    logits = dense(critic["Dense_1"], h)[:, 0]
    return (reconstruction + kl + 7 * logits).mean()

  after, metrics = jax.jit(learner.step)(ts, batch, jax.random.key(2))
  np.testing.assert_allclose(metrics["gen_loss"], loss(gen), rtol=1e-4)
  expected = jax.tree.map(lambda p, g: p - g, gen, jax.grad(loss)(gen))
  chex.assert_trees_all_close(after.params["gen"], expected, rtol=1e-3, atol=1e-3)
