"""pix2pix: its losses from its own parts, its optimum without a critic, what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.models.gans import pix2pix
from genjax_zoo.nn.patch_critic import PatchCritic

FIELD = Field((8, 8, 3), np.uint8, 256, kind="image")
CLASSES = Field((8, 8), np.int32, 4, kind="segmentation")
DATA = {"target": FIELD, "image": FIELD._replace(shape=(8, 8, 1)), "map": CLASSES}
STILL = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
SMALL = {"widths": (4, 4), "critic": (4,), "dropout": 0.0}
KEY, N = jax.random.key(0), 4
softplus = lambda x: np.logaddexp(0, x)


@functools.cache
def batch():
  rng = np.random.default_rng(0)
  draw = lambda field: rng.integers(field.num_values, size=(N, *field.shape)).astype(field.dtype)
  return {name: jnp.asarray(draw(field)) for name, field in DATA.items()} | {"weight": jnp.ones(N)}


def sampler(learner, ts):
  """A compiled (given, key) -> targets."""
  model = learner.model
  return jax.jit(lambda given, key=KEY: model.sample(ts.params, {}, key, N, given)["target"])


def test_losses_are_those_of_the_paper():
  """The critic sees the pair of given and made image; L1 is in [-1, 1]."""
  learner = pix2pix.learner(DATA, STILL, l1=7.0, adversarial=0.3, **SMALL)
  ts = jax.jit(learner.init)(KEY, batch())
  _, metrics = jax.jit(learner.step)(ts, batch(), KEY)
  made = sampler(learner, ts)(batch())
  y = to_floats(batch()["target"], FIELD)
  error = np.abs(y - to_floats(made, FIELD)).mean()
  np.testing.assert_allclose(metrics["l1"], error, atol=2e-3)  # `made` is rounded.
  x = to_floats(batch()["image"], DATA["image"])
  known = jnp.ones((N, 8, 8, 1))
  critic = {"params": ts.params["critic"]}
  look = lambda y: PatchCritic((4,)).apply(critic, jnp.concatenate([x, known, y], -1))
  real, fake = look(y), look(to_floats(made, FIELD))
  expected = (softplus(-real) + softplus(fake)).mean()
  np.testing.assert_allclose(metrics["critic_loss"], expected, rtol=3e-3)
  expected = 0.3 * softplus(-fake).mean() + 7 * metrics["l1"]
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=3e-3)
  assert np.abs(real - fake).max() > 0.01
  evaluated = jax.jit(learner.model.evaluate)(ts.params, {}, batch(), KEY)["l1"]
  np.testing.assert_allclose(evaluated.mean(), metrics["l1"], rtol=1e-4)


def test_a_map_of_classes_and_an_image_may_both_be_given_and_dropout_is_the_noise():
  options = SMALL | {"dropout": 0.5}
  learner = pix2pix.learner(DATA, STILL, condition=("map", "image"), **options)
  ts = jax.jit(learner.init)(KEY, batch())
  one = batch()
  sample = sampler(learner, ts)
  assert set(learner.model.given) == {"map", "image"}
  for name in learner.model.given:
    changed = one | {name: one[name][::-1]}
    assert (sample(one) != sample(changed)).any((1, 2, 3)).all()
  assert (sample(one) != sample(one, jax.random.key(1))).any((1, 2, 3)).all()


def test_without_a_critic_the_best_is_the_median_of_what_fits():
  """One input with three targets, -1 twice and 1 once: the median is -1, the mean -1/3."""
  image = jnp.zeros((6, 8, 8, 1), jnp.uint8)
  target = jnp.array([0, 0, 255] * 2, jnp.uint8)[:, None, None, None] * jnp.ones((1, 8, 8, 3), "u1")
  data = {"target": target, "image": image, "weight": jnp.ones(6)}
  tx = {"gen": optax.adam(3e-2), "critic": optax.sgd(0.0)}
  learner = pix2pix.learner(DATA, tx, adversarial=0.0, l1=1.0, **SMALL)
  ts = jax.jit(learner.init)(KEY, data)
  body = lambda ts, key: learner.step(ts, data, key)
  ts, metrics = jax.jit(lambda ts: jax.lax.scan(body, ts, jax.random.split(KEY, 150)))(ts)
  made = sampler(learner, ts)({"image": image[:N]})
  assert int(made.max()) < 20
  np.testing.assert_allclose(metrics["l1"][-1], 2 / 3, atol=0.03)


@pytest.mark.parametrize(
  "data, options",
  [
    ({"image": FIELD}, {}),
    (DATA, {"condition": ()}),
    ({"x": Field((2,), np.float32), "image": FIELD}, {"condition": ("x",)}),
  ],
)
def test_data_without_pairs_are_refused(data, options):
  with pytest.raises(UserError, match="take data of pairs, such as outlines or pairs:PATH"):
    pix2pix.learner(data, STILL, **options)
