"""DC-IGN: what is clamped to which mean, turning, and measures against their references."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import dc_ign

KEY = jax.random.key(0)
DATA = {"views": Field((4, 3, 3, 1), np.uint8, 256, kind="video")}
RNG = np.random.default_rng(0)
BATCH = {"views": RNG.integers(0, 256, (5, 4, 3, 3, 1)).astype(np.uint8)}
SIZE = dict(latent=3, azimuth=1, hidden=(6,))


@pytest.fixture(scope="module")
def made():
  model = dc_ign.model(DATA, invariance=2.0, **SIZE)
  params, _ = model.init(KEY, BATCH)
  return model, params, {"own": jnp.array([[0.5], [-1.0], [2.0], [0.0]])}


def test_latents_of_what_does_not_vary_are_clamped_to_their_mean():
  mean = RNG.normal(size=(5, 4, 3)).astype("f4")
  turns = np.array([True, False, True, False, False])
  kept = np.asarray(dc_ign.clamp(mean, 1, turns))
  for i in range(5):
    for view in range(4):
      own, rest = mean[i, view, :1], mean[i, view, 1:]
      if turns[i]:
        rest = mean[i, :, 1:].mean(0)
      else:
        own = mean[:, view, :1].mean(0)
      np.testing.assert_allclose(kept[i, view], [*own, *rest], rtol=1e-5, atol=1e-6)


def test_a_turned_view_keeps_its_rest_and_takes_the_azimuths():
  z = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
  own = jnp.array([[7.0], [8.0]])
  found = dc_ign.turned(z, own, 1)
  np.testing.assert_array_equal(found, [[[7, 2, 3], [8, 2, 3]], [[7, 5, 6], [8, 5, 6]]])


def test_the_loss_is_the_sum_of_its_terms_and_both_kinds_of_batches_occur(made):
  model, params, state = made
  loss = jax.jit(lambda key, beta: model.loss(params, state, BATCH, key, train=True, beta=beta))
  total, (changes, m) = loss(KEY, 0.5)
  wanted = m["reconstruction"] + 0.5 * m["kl"] + 2 * m["spread"]
  np.testing.assert_allclose(total, wanted, rtol=1e-5)
  mean = model.encode(params, state, BATCH, KEY)["z"]
  spread = {
    kind: ((mean - dc_ign.clamp(mean, 1, jnp.full(5, kind))) ** 2).sum(-1).mean(1)
    for kind in (True, False)
  }
  is_turned = np.isclose(m["spread"], spread[True], rtol=1e-4)
  assert (is_turned | np.isclose(m["spread"], spread[False], rtol=1e-4)).all()
  found = np.stack([loss(jax.random.key(i), 0.5)[1][1]["spread"] for i in range(40)])
  # 200 fair coins, five standard deviations.
  assert abs(np.isclose(found, spread[True][None], rtol=1e-4).mean() - 0.5) < 5 * 0.5 / 200**0.5
  own = 0.99 * state["own"] + 0.01 * mean[..., :1].mean(0)
  np.testing.assert_allclose(changes["own"], own, rtol=1e-4, atol=1e-6)


def test_in_evaluation_and_without_clamping_nothing_is_clamped(made):
  model, params, state = made
  _, (changes, m) = model.loss(params, state, BATCH, KEY, train=False)
  assert changes == {} and not m["spread"].any()
  plain = dc_ign.model(DATA, clamped=False, **SIZE)
  _, (_, m) = plain.loss(params, state, BATCH, KEY, train=True)
  assert not m["spread"].any()


def test_the_error_is_of_the_other_views_from_each_one(made):
  model, params, state = made
  found = model.evaluate(params, state, BATCH, KEY)["turned_error"]
  z = model.encode(params, state, BATCH, KEY)["z"]
  x = BATCH["views"] / 255
  for i in range(5):
    errors = []
    for source in range(4):
      views = dc_ign.turned(z[i, source][None], state["own"], 1)
      views = model.parts["mean"](params, state, {"z": views})[0]
      errors += [((views[t] - x[i, t]) ** 2).mean() for t in range(4) if t != source]
    np.testing.assert_allclose(found[i], np.mean(errors), rtol=1e-4)


def test_samples_are_the_given_object_turned(made):
  """With a posterior that has no noise they are what is decoded of its mean."""
  model, params, state = made
  given = model.observe(params, state, BATCH, jax.random.key(3))
  is_a_view = (BATCH["views"] == np.asarray(given["view"])[:, None]).all((2, 3, 4))
  assert is_a_view.any(1).all() and len({*is_a_view.argmax(1)}) > 1
  last = params["encoder"]["layers_1"]["Dense_1"]
  bias = last["bias"].at[3:].set(-60.0)
  kernel = last["kernel"].at[:, 3:].set(0)
  sure = jax.tree.map(lambda x: x, params)
  sure["encoder"]["layers_1"]["Dense_1"] = {"bias": bias, "kernel": kernel}
  sampled = model.sample(sure, state, KEY, 5, given)["views"]
  z = model.encode(sure, state, BATCH, KEY)["z"]
  z = jnp.take_along_axis(z, jnp.asarray(is_a_view.argmax(1))[:, None, None], 1)[:, 0]
  wanted = model.decode(sure, state, {"z": dc_ign.turned(z, state["own"], 1)}, KEY)["views"]
  np.testing.assert_array_equal(sampled, wanted)


def test_the_share_of_the_azimuth_is_that_of_a_linear_regression():
  z = RNG.normal(size=(20, 4, 3)).astype("f4")
  angle = np.pi / 2 * np.arange(4)
  target = np.tile(np.stack([np.cos(angle), np.sin(angle)], -1), (20, 1))
  z[..., 0] += np.cos(angle)
  found = dc_ign.azimuth_explained(1, {"z": z})
  for name, x in {"azimuth_own": z[..., :1], "azimuth_rest": z[..., 1:]}.items():
    x = x.reshape(80, -1)
    wanted = LinearRegression().fit(x, target).score(x, target)
    np.testing.assert_allclose(found[name], wanted, atol=1e-4)
  assert found["azimuth_own"] > 0.15 > found["azimuth_rest"]


def test_data_without_views_are_refused():
  with pytest.raises(UserError, match="turntable=True"):
    dc_ign.model({"image": Field((3, 3, 1), np.uint8, 256)})
