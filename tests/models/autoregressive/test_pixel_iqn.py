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
  model = pixel_iqn.model(RGB, width=24, layers=2, first=5, embedding=8, conditional=True)
  params, n = perturbed(model, RGB, scale=0.3), 8
  i = np.arange(6)
  np.testing.assert_array_equal(depends(model, params, RGB), i[:, None] > i[None])
  draw = lambda **options: jax.jit(
    lambda key: model.sample(params, {}, key, n, labels(model, n), **options)
  )
  cached, naive = (draw(cached=c)(jax.random.key(0))["image"] for c in (True, False))
  np.testing.assert_array_equal(cached, naive)
  assert cached.std() > 0


@pytest.mark.slow
def test_samples_have_the_frequencies_of_the_data():
  """Of two pixels, the second a copy of the first with probability 0.8: what no independent pixels
  can be.
  """
  data, rng, n = {"image": Field((1, 2, 1), np.uint8, 4)}, np.random.default_rng(1), 4096
  first = rng.choice(4, size=n, p=[0.1, 0.2, 0.3, 0.4])
  second = np.where(rng.random(n) < 0.8, first, rng.integers(4, size=n))
  batch = {"image": np.stack([first, second], -1).astype(np.uint8).reshape(n, 1, 2, 1)}
  model = pixel_iqn.model(data, width=16, layers=2, first=3, embedding=32)
  learner = descend(model, optax.adam(optax.cosine_decay_schedule(3e-3, 1500)))
  step = lambda ts, key: learner.step(
    ts, jax.tree.map(lambda x: jax.random.choice(key, x, (512,)), batch), key
  )
  ts = learner.init(jax.random.key(0), batch)
  ts, _ = jax.jit(lambda ts: jax.lax.scan(step, ts, jax.random.split(jax.random.key(1), 1500)))(ts)
  x = jax.jit(lambda key: model.sample(ts.params, {}, key, n))(jax.random.key(2))["image"].reshape(
    n, 2
  )
  drawn, true = (
    np.histogram2d(a, b, bins=4)[0] / n for a, b in ((x[:, 0], x[:, 1]), (first, second))
  )
  np.testing.assert_allclose(drawn, true, atol=0.03)
