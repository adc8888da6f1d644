"""The EBM: its loss contrasts data with samples, its buffer holds the chains."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.energy import ebm
from genjax_zoo.nn.spectral import normalised

IMAGES = {"image": Field((4, 4, 1), np.uint8, 17)}


def setup(**options):
  model = ebm.model(
    IMAGES, **{"network": "mlp", "hidden": (8,), "buffer": 50, "steps": 5} | options
  )
  image = np.random.default_rng(0).integers(17, size=(12, 4, 4, 1)).astype(np.uint8)
  batch = {"image": jnp.asarray(image), "weight": jnp.ones(12)}
  return model, batch, *jax.jit(model.init)(jax.random.key(0), batch)


def test_chains_go_on_from_the_buffer():
  """Without steps, noise and restarts the buffer stays; restarts replace the rows they are of."""
  still = dict(step_size=0.0, noise=0.0)
  model, batch, params, state = setup(restart=0.0, **still)
  changes = model.loss(params, state, batch, jax.random.key(1), train=True)[1][0]
  np.testing.assert_array_equal(changes["buffer"], state["buffer"])
  model, batch, params, state = setup(restart=1.0, **still)
  changes = model.loss(params, state, batch, jax.random.key(1), train=True)[1][0]
  moved = (np.asarray(changes["buffer"] != state["buffer"])).any((1, 2, 3))
  assert 6 <= moved.sum() <= 12  # At most one row an example, fewer where rows are drawn twice.
  assert np.abs(changes["buffer"]).max() <= 1


def test_chains_go_downhill():
  model, batch, params, state = setup(restart=0.0, noise=0.0, step_size=0.5, steps=20)
  changes = model.loss(params, state, batch, jax.random.key(1), train=True)[1][0]
  energy = lambda x: model.parts["energy"](params, state, x)
  moved = (np.asarray(changes["buffer"] != state["buffer"])).any((1, 2, 3))
  assert (energy(changes["buffer"]) <= energy(state["buffer"]) + 1e-5).all() and moved.any()


def test_loss_is_the_contrast_and_the_size_of_energies():
  model, batch, params, state = setup(l2=0.7)
  loss, (changes, metrics) = model.loss(params, state, batch, jax.random.key(1), train=True)
  real, fake = metrics["real_energy"], metrics["model_energy"]
  np.testing.assert_allclose(loss, real - fake + 0.7 * (real**2 + fake**2), rtol=1e-5)
  grads = jax.grad(lambda p: model.loss(p, state, batch, jax.random.key(1), train=True)[0].mean())(
    params
  )
  _, u = normalised(params["energy"], state["u"])
  jax.tree.map(np.testing.assert_array_equal, changes["u"], u)
  # dE / dbias = 1: the contrast is without effect on it.
  bias = grads["energy"]["layers_1"]["Dense_1"]["bias"]
  np.testing.assert_allclose(bias, 0.7 * 2 * (real + fake).mean(), rtol=1e-4)


def test_a_fraction_of_the_chains_restarts_from_noise():
  buffer = jnp.full((50, 4, 4, 1), 2.0)  # Outside of the range of noise.
  rows, x = ebm.chain_starts(buffer, jax.random.key(0), 4000, restart=0.25)
  restarted = (x <= 1).all((1, 2, 3))
  assert restarted.mean() == pytest.approx(0.25, abs=0.03)
  assert (x[~restarted] == 2).all() and set(np.unique(rows)) == set(range(50))
  assert np.abs(x[restarted].mean()) < 0.02 and x[restarted].min() >= -1


def test_dequantized_levels_fill_the_interval_between_their_neighbours():
  """Two gray levels, -1 and 1, with noise of width 2: uniform on [-2, 2]."""
  x = jnp.tile(jnp.array([-1.0, 1.0]), 5000)
  y = ebm.dequantized(x, jax.random.key(0), 2)
  assert (jnp.sign(y) == x).all() and np.abs(y).max() <= 2
  assert y.std() == pytest.approx(4 / 12**0.5, rel=0.02)


def test_evaluation_leaves_the_chains_and_sampling_starts_where_asked():
  model, batch, params, state = setup(steps=0)
  assert model.evaluate(params, state, batch, jax.random.key(1)).keys() == {
    "real_energy",
    "model_energy",
  }
  sampled = model.sample(params, state, jax.random.key(2), 9)["image"]
  pool = np.round((np.asarray(state["buffer"]) + 1) / 2 * 16)
  assert all((pool == x).all((1, 2, 3)).any() for x in np.asarray(sampled))
  with pytest.raises(UserError, match=r"sample\.start"):
    model.sample(params, state, jax.random.key(2), 9, start="data")
  with pytest.raises(UserError, match="needs images"):
    ebm.model({"x": Field((2,), np.float32)})


def test_a_chain_moves_by_half_the_step_down_the_gradient():
  model, batch, params, state = setup(restart=0.0, noise=0.0, step_size=6.0, steps=1)

  @jax.jit
  def step(x):
    _, (changes, _) = model.loss(params, state, batch, jax.random.key(1), train=True)
    energy = lambda x: model.parts["energy"](params, state | {"u": changes["u"]}, x).sum()
    return changes["buffer"], jnp.clip(x - 3 * jax.grad(energy)(x), -1, 1)

  found, expected = map(np.asarray, step(state["buffer"]))
  moved = (found != state["buffer"]).any((1, 2, 3))
  assert moved.any() and np.abs(expected - state["buffer"])[moved].max() > 0.01
  np.testing.assert_allclose(found[moved], expected[moved], atol=1e-5)


def test_no_gradient_flows_through_the_chains():
  model, batch, params, state = setup(l2=0.7, step_size=6.0, buffer=5000)
  key = jax.random.key(1)
  k_data, k_start, _ = jax.random.split(key, 3)
  x = ebm.dequantized(2 * batch["image"] / 16 - 1, k_data, 17)
  rows, _ = ebm.chain_starts(state["buffer"], k_start, 12, 0.05)
  # Where two chains are of the same row, the buffer keeps one of them.
  assert len(np.unique(rows)) == 12, "take another key"

  @jax.jit
  @functools.partial(jax.grad, has_aux=True)
  def gradient(params):
    loss, (changes, _) = model.loss(params, state, batch, key, train=True)
    return loss.mean(), changes

  found, changes = gradient(params)

  @jax.jit
  @jax.grad
  def expected(params):
    energy = lambda x: model.parts["energy"](params, state | {"u": changes["u"]}, x)
    return ebm.contrastive_loss(energy(x), energy(changes["buffer"][rows]), 0.7).mean()

  chex.assert_trees_all_close(found, expected(params), rtol=1e-3, atol=1e-4)
