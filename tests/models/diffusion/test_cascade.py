"""Cascades: exact stages sample the exact distribution, and no augmentation is plain SR3."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import cascade, edm, sr3
from tests.models.diffusion.test_sr3 import COV, KEY, MEAN, POOL, REAL, N, exact_network

FIELDS = {"image": Field((4, 4, 3), np.uint8, 256), "tokens": Field((2,), np.int32, 5)}
OPTIONS = dict(factor=2, network=dict(name="dit", width=8, depth=1, patch=2), augment=0.5)
EMPTY = ({}, {})


def base_of(sample, given={}):
  """A base that samples so, and has no weights."""
  return Model(lambda key, batch: EMPTY, sample=sample, given=given, calls=lambda steps=3: steps)


@pytest.mark.parametrize("error", [0.0, 0.6])
def test_exact_stages_sample_the_exact_distribution(error, monkeypatch):
  """Whatever the augmentation; and this takes a part of the error of a base away.

  x is N(MEAN, COV), and the base's low is N(POOL x, .) moved by `error`. Given low + s eps the mean
  of x moves by gain error, where the gain falls with s.
  """
  monkeypatch.setattr(edm, "network_functions", exact_network)
  variance = POOL @ COV @ POOL

  def sample(params, state, key, n, given={}):
    low = POOL @ MEAN + error + variance**0.5 * jax.random.normal(key, (n, 1, 1, 1))
    return {"image": low}

  model = cascade.model(REAL, base=base_of(sample), up=sr3.model(REAL, factor=2, augment=1.0))
  _, state = model.init(KEY, {}, {"base": EMPTY, "up": EMPTY})
  options = dict(up_steps=40)
  draw = jax.jit(lambda s: model.sample(*EMPTY[:1], state, KEY, N, up_augmentation=s, **options))
  for s in (0.0, 0.7):
    x = np.asarray(draw(s)["image"]).reshape(N, 4)
    gain = COV @ POOL / (variance + s**2)
    np.testing.assert_allclose(x.mean(0), MEAN + gain * error, atol=0.06)
    np.testing.assert_allclose(np.cov(x.T), COV, atol=0.08)


@pytest.fixture(scope="module")
def batch():
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (4, 4, 4, 3)).astype(np.uint8)
  return {"image": images, "tokens": rng.integers(1, 5, (4, 2)).astype(np.int32)}


def test_without_augmentation_it_is_plain_super_resolution(batch):
  """Of what its base samples, and with the key that it has left; both get the condition."""
  up = sr3.model(FIELDS, condition=("tokens",), **OPTIONS)
  low = jnp.asarray(batch["image"][:, :2, :2])

  def sample(params, state, key, n, given):
    return {"image": low[:n] + given["tokens"][:, :1, None, None].astype(jnp.uint8)}

  params, _ = jax.jit(up.init)(KEY, batch)
  stages = {"base": EMPTY, "up": (jax.tree.map(lambda p: p + 0.1, params), {})}
  base = base_of(sample, {"tokens": FIELDS["tokens"]})
  model = cascade.model(FIELDS, base=base, up=up)
  _, state = model.init(KEY, batch, stages)
  given = {"tokens": batch["tokens"]}
  seen = given | sample({}, {}, KEY, 4, given)
  seen["low"] = seen.pop("image")
  _, k_up = jax.random.split(KEY)
  steps = dict(up_steps=4)
  draw = jax.jit(lambda s: model.sample({}, state, KEY, 4, given, up_augmentation=s, **steps))
  plain = jax.jit(lambda: up.sample(*stages["up"], k_up, 4, seen, steps=4)["image"])
  np.testing.assert_array_equal(draw(0.0)["image"], plain())
  assert (np.asarray(draw(0.5)["image"]) != np.asarray(plain())).any()
  assert model.given.keys() == {"tokens"}
  assert model.calls(steps=5, up_steps=4) == 5 + 7  # Of Heun's rule the last step is Euler's.


def test_stages_that_do_not_fit_are_named(batch):
  up = sr3.model(FIELDS, **OPTIONS)
  large = lambda params, state, key, n, given={}: {"image": jnp.zeros((n, 4, 4, 3), jnp.uint8)}
  model = cascade.model(FIELDS, base=base_of(large), up=up)
  with pytest.raises(UserError, match=r"base samples images \(4, 4, 3\), .* \(2, 2, 3\)"):
    model.init(KEY, batch, {"base": EMPTY, "up": EMPTY})
  with pytest.raises(UserError, match="as up a model such as sr3"):
    cascade.model(FIELDS, base=up, up=base_of(large))


def test_augmentation_of_a_second_stage_that_had_none_is_refused():
  """Where the calls are counted, before anything is trained, and in sampling."""
  plain = sr3.model(FIELDS, **OPTIONS | dict(augment=0.0))
  model = cascade.model(FIELDS, base=base_of(None)._replace(sample=len), up=plain)
  with pytest.raises(UserError, match=r"model\.augment"):
    model.calls(up_augmentation=0.1)
  with pytest.raises(UserError, match=r"model\.augment"):
    plain.sample({}, {}, KEY, 1, {"low": jnp.zeros((1, 2, 2, 3))}, augmentation=0.1)
