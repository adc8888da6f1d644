"""DDLS: with the optimal critic its samples have the data's distribution, for any generator."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, Model, UserError, descend, unroll
from genjax_zoo.models.energy import ddls
from genjax_zoo.models.gans import sngan
from genjax_zoo.nn.spectral import normalised

PLANE = {"x": Field((2,), np.float32)}
# The data are N(MEAN, SD²), the generator's samples N(0, I).
MEAN = jnp.array([1.0, -0.5])
SD = jnp.array([0.6, 0.9])


def gan(logit):
  """A GAN with G(z) = z and the critic logit(params, x)."""

  def init(key, batch):
    return {"gen": {}, "critic": {"a": jnp.zeros(2), "b": jnp.zeros(2), "c": jnp.zeros(1)}}, {}

  def critic(params, state, batch):
    return logit(params["critic"], batch["x"])

  return Model(
    init,
    decode=lambda params, state, latents, key: {"x": latents["z"]},
    parts={
      "critic": critic,
      "realism": lambda params, state, latents: critic(params, state, {"x": latents["z"]}),
      "prior": lambda params, state, key, n: {"z": jax.random.normal(key, (n, 2))},
    },
  )


def quadratic(params, x):
  """log p / q of two Gaussians is a quadratic: a x² + b x + c."""
  return (params["a"][None] * x**2 + params["b"][None] * x).sum(-1) + params["c"][0]


def frozen(first, batch):
  return {"first": first.init(jax.random.key(0), batch)}


def test_samples_of_the_optimal_critic_have_the_datas_distribution():
  best = {"a": (1 - SD**-2) / 2, "b": MEAN / SD**2, "c": jnp.zeros(1)}
  batch = {"x": jnp.zeros((4, 2)), "weight": jnp.ones(4)}
  model = ddls.model(PLANE, first=gan(quadratic))
  _, state = model.init(jax.random.key(0), batch, frozen(gan(quadratic), batch))
  params = {"critic": best}
  out = model.sample(params, state, jax.random.key(1), 20_000, steps=300, step_size=0.02)
  x = out["x"]
  np.testing.assert_allclose(x.mean(0), MEAN, atol=0.03)
  np.testing.assert_allclose(x.std(0), SD, rtol=0.03)

  def total_energy(z):
    return model.parts["latent_energy"](params, state, {"z": z}).sum()

  gradient = jax.grad(total_energy)(x[:9])
  np.testing.assert_allclose(gradient, (x[:9] - MEAN[None]) / SD[None] ** 2, rtol=1e-3, atol=1e-3)


def test_calibration_finds_the_optimal_critic():
  """Training the critic alone recovers log p / q, and with it the data's moments."""
  model = ddls.model(PLANE, first=gan(quadratic))
  learner = descend(model, optax.adam(0.02))

  def draw(key):
    x = MEAN[None] + SD[None] * jax.random.normal(key, (256, 2))
    return {"x": x, "weight": jnp.ones(256)}

  batch = draw(jax.random.key(0))
  ts = learner.init(jax.random.key(0), batch, frozen(gan(quadratic), batch))
  step = lambda ts, _, key: learner.step(ts, draw(key), jax.random.fold_in(key, 1))
  ts, _ = jax.jit(unroll(step, jax.random.key(1), 2000))(ts, None)
  x = model.sample(ts.weights, ts.state, jax.random.key(2), 10_000, steps=300, step_size=0.02)["x"]
  np.testing.assert_allclose(x.mean(0), MEAN, atol=0.1)
  np.testing.assert_allclose(x.std(0), SD, atol=0.1)


def test_energy_and_loss_have_their_forms():
  model = ddls.model(PLANE, first=gan(quadratic))
  batch = {"x": jax.random.normal(jax.random.key(1), (5, 2)), "weight": jnp.ones(5)}
  _, state = model.init(jax.random.key(0), batch, frozen(gan(quadratic), batch))
  params = {"critic": {"a": jnp.array([0.3, -0.2]), "b": MEAN, "c": jnp.ones(1)}}
  key, logit = jax.random.key(2), lambda x: quadratic(params["critic"], x)
  z = jax.random.normal(key, (5, 2))  # As the GAN's prior draws it.
  found = model.parts["latent_energy"](params, state, {"z": z})
  np.testing.assert_allclose(found, (z**2).sum(1) / 2 - logit(z), rtol=1e-5)
  loss, _ = model.loss(params, state, batch, key, train=True)
  expected = jax.nn.softplus(-logit(batch["x"])) + jax.nn.softplus(logit(z))
  np.testing.assert_allclose(loss, expected, rtol=1e-5)


def singular_values(params, u):
  """The largest singular value of every kernel of a critic under its constraint."""
  weights, _ = normalised(params, u, iterations=0)
  kernels = [w for w in jax.tree.leaves(weights) if w.ndim > 1]
  return [np.linalg.norm(np.reshape(w, (-1, w.shape[-1])), 2) for w in kernels]


def test_the_critic_of_an_sngan_keeps_spectral_norms_of_one():
  """They are estimated by vectors that follow the kernels, also when DDLS trains these."""
  data = {"image": Field((4, 4, 1), np.uint8, 17)}
  first = sngan.learner(data, dict.fromkeys(("gen", "critic")), latent=2, widths=(4,)).model
  image = np.random.default_rng(0).choice([0, 16], (16, 4, 4, 1), p=[0.8, 0.2]).astype(np.uint8)
  batch = {"image": image, "weight": np.ones(16)}
  gan_params, gan_state = first.init(jax.random.key(0), batch)
  _, u = normalised(gan_params["critic"], gan_state["u"], iterations=100)
  learner = descend(ddls.model(data, first=first), optax.adam(3e-3))
  ts = learner.init(jax.random.key(1), batch, {"first": (gan_params, {"u": u})})
  ts, metrics = jax.jit(
    unroll(lambda ts, _, key: learner.step(ts, batch, key), jax.random.key(2), 300)
  )(ts, None)
  start, end = (jax.tree.leaves(p["critic"]) for p in (gan_params, ts.params))
  assert max(np.abs(a - b).max() for a, b in zip(start, end)) > 0.2
  assert metrics["loss"][-1] < metrics["loss"][0]
  np.testing.assert_allclose(singular_values(ts.params["critic"], ts.state["u"]), 1, atol=0.05)
  # Evaluation leaves the vectors as they are.
  _, (changes, _) = learner.model.loss(ts.params, ts.state, batch, jax.random.key(3), train=False)
  assert changes == {}


def test_a_stage_that_is_no_gan_is_refused():
  with pytest.raises(UserError, match=r"stages\.first is no GAN"):
    ddls.model(PLANE, first=Model(init=None))
