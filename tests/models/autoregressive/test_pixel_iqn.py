"""PixelIQN: its loss has quantiles as minima, its samples follow them, caches change nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, descend
from genjax_zoo.models.autoregressive import pixel_iqn
from tests.models.autoregressive.test_autoregressive import RGB, depends, labels, perturbed


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.8])
def test_the_least_loss_is_at_the_quantile(tau):
  y = np.random.default_rng(0).gamma(2.0, size=5001)
  q = np.linspace(0, 6, 2001)
  loss = jax.vmap(lambda q: pixel_iqn.quantile_huber(y - q, tau, 1e-3).mean())(q)
  np.testing.assert_allclose(q[np.argmin(loss)], np.quantile(y, tau), atol=0.01)


def test_small_errors_cost_their_square_and_large_ones_their_size():
  rho = lambda d: pixel_iqn.quantile_huber(jnp.float32(d), 0.3, 0.5)
  np.testing.assert_allclose(rho(0.2), 0.3 * 0.2**2 / 2 / 0.5, rtol=1e-6)
  np.testing.assert_allclose(rho(-3.0), 0.7 * (3 - 0.25), rtol=1e-6)
  np.testing.assert_allclose(jax.grad(rho)(0.5 - 1e-6), jax.grad(rho)(0.5 + 1e-6), rtol=1e-4)


@pytest.mark.slow
def test_causal_and_cached():
  model = pixel_iqn.model(RGB, width=24, layers=2, first=5, embedding=8, condition=("label",))
  params, n = perturbed(model, RGB, scale=0.3), 8
  i = np.arange(6)
  np.testing.assert_array_equal(depends(model, params, RGB), i[:, None] > i[None])

  def sample(cached):
    given = labels(model, n)
    draw = jax.jit(lambda key: model.sample(params, {}, key, n, given, cached=cached))
    return draw(jax.random.key(0))["image"]

  np.testing.assert_array_equal(sample(cached=True), sample(cached=False))
  assert sample(cached=True).std() > 0


@pytest.mark.slow
def test_quantiles():
  """They are integers in the range of the data, and those of a new model are uniform."""
  model = pixel_iqn.model(RGB, width=24, layers=2, first=5, embedding=8)
  params, _ = jax.jit(model.init)(jax.random.key(0), {})
  x, tau = jnp.zeros((5, 6), jnp.int32), jnp.array([0.0, 0.3, 0.4, 0.7, 1.0])
  quantiles = jax.jit(model.parts["quantiles"])(params, {}, x, jnp.tile(tau[:, None], 6), {})
  np.testing.assert_array_equal(quantiles, np.tile([[0], [0], [1], [2], [2]], 6))


@pytest.mark.slow
def test_samples_have_the_frequencies_of_the_data():
  """The second of two pixels copies the first with probability 0.8: they are not independent."""
  data, rng, n = {"image": Field((1, 2, 1), np.uint8, 4)}, np.random.default_rng(1), 4096
  first = rng.choice(4, size=n, p=[0.1, 0.2, 0.3, 0.4])
  second = np.where(rng.random(n) < 0.8, first, rng.integers(4, size=n))
  images = np.stack([first, second], -1).astype(np.uint8).reshape(n, 1, 2, 1)
  model = pixel_iqn.model(data, width=16, layers=2, first=3, embedding=32)
  learner = descend(model, optax.adam(optax.cosine_decay_schedule(3e-3, 1500)))

  def step(ts, key):
    return learner.step(ts, {"image": jax.random.choice(key, images, (512,))}, key)

  ts = learner.init(jax.random.key(0), {"image": images})
  keys = jax.random.split(jax.random.key(1), 1500)
  ts, _ = jax.jit(lambda ts: jax.lax.scan(step, ts, keys))(ts)
  samples = jax.jit(lambda key: model.sample(ts.params, {}, key, n))(jax.random.key(2))["image"]

  def frequencies(pixels):
    return np.histogram2d(*pixels.reshape(n, 2).T, bins=4)[0] / n

  np.testing.assert_allclose(frequencies(samples), frequencies(images), atol=0.03)
