"""The losses of a denoising diffusion GAN, for players of a few numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion import denoising_diffusion_gan as ddgan
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.models.diffusion._space import space_of
from genjax_zoo.prob import schedules
from genjax_zoo.prob.schedules import NoiseLevel

POINTS = {"x": Field((2,), np.float32)}
KEY = jax.random.key(0)
X_S, X_T = np.random.default_rng(0).normal(size=(2, 8, 2)).astype(np.float32)
LEVEL = NoiseLevel(jnp.full(8, 0.8), jnp.full(8, 0.6))


def logits(critic, x_s, x_t, t):
  """Quadratic in x_s, linear in x_t."""
  return critic * (x_s**2).sum(-1) + 0.4 * x_t.sum(-1)


def generate(gen, x_t, t, z):
  return gen * x_t


@pytest.mark.parametrize("r1", [0.0, 3.0])
def test_the_critic_judges_x_s_and_is_penalised_there(r1, monkeypatch):
  """x_s' is 0.5 x_t: the posterior is replaced by x0_hat itself."""
  networks = ddgan.Networks(
    generate, logits, lambda key, batch: ({"gen": jnp.array(0.5), "critic": jnp.array(0.3)}, {})
  )
  monkeypatch.setattr(ddgan, "player_networks", lambda *args: networks)
  monkeypatch.setattr(ddgan, "neighbours", lambda chain, x0, key: (X_S, X_T, LEVEL, LEVEL))
  monkeypatch.setattr(ddgan, "reverse", lambda x0, x, s, t, key: x0)
  tx = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  learner = ddgan.learner(POINTS, tx, z_dim=0, r1=r1)
  batch = {"x": jnp.zeros((8, 2))}
  _, metrics = jax.jit(learner.step)(learner.init(KEY, batch), batch, KEY)
  real = 0.3 * (X_S**2).sum(-1) + 0.4 * X_T.sum(-1)
  fake = 0.3 * ((0.5 * X_T) ** 2).sum(-1) + 0.4 * X_T.sum(-1)
  slope = (0.6 * X_S) ** 2
  critic_loss = np.logaddexp(0, -real) + np.logaddexp(0, fake) + r1 / 2 * slope.sum(-1)
  np.testing.assert_allclose(metrics["critic_loss"], critic_loss.mean(), rtol=1e-5)
  np.testing.assert_allclose(metrics["gen_loss"], np.logaddexp(0, -fake).mean(), rtol=1e-5)
  np.testing.assert_allclose(metrics["real_logit"], real.mean(), rtol=1e-5)


def test_the_critic_s_network_is_given_both_points_and_the_level():
  """Its logit is the mean of its outputs."""
  network = {"name": "mlp", "hidden": (8,)}
  networks = ddgan.player_networks(space_of(POINTS), network, 3)
  params, _ = jax.jit(networks.init)(KEY, {"x": jnp.zeros((8, 2))})
  params = jax.tree.map(lambda p: p + 0.5 * jax.random.normal(KEY, p.shape), params)
  module = make_network(network, (4,))
  pair = jnp.concatenate([X_S, X_T], -1)
  noise = jnp.log(LEVEL.sigma / LEVEL.alpha)
  expected = jax.jit(module.apply)({"params": params["critic"]}, pair, noise).mean(-1)
  found = jax.jit(networks.logits)(params["critic"], X_S, X_T, LEVEL)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_noise_that_is_given_is_that_of_the_chain():
  noise = (0.3, 1.0, 4.0)
  chain = ddgan.noise_chain(3, noise)
  np.testing.assert_allclose(chain.sigma / chain.alpha, [0, *noise], rtol=1e-5)
  np.testing.assert_allclose(chain.alpha**2 + chain.sigma**2, 1, rtol=1e-5)
  default = ddgan.noise_chain(4, ())
  np.testing.assert_allclose(default.alpha, schedules.vp(jnp.linspace(0, 1, 5)).alpha)
