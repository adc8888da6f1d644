"""Models that fill holes: what they keep and are measured by, and their losses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.models._inpainting import filled, hole_psnr
from genjax_zoo.models.discriminative import partial_convolution
from genjax_zoo.models.discriminative.partial_convolution import hole_loss
from genjax_zoo.models.gans import context_encoder
from genjax_zoo.models.gans.context_encoder import hole_error
from genjax_zoo.prob.holes import HOLES, nearest

FIELD = Field((8, 8, 3), np.uint8, 256, kind="image")
DATA = {"image": FIELD}
STILL = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
KEY, N = jax.random.key(0), 4
IMAGES = {"image": jax.random.randint(KEY, (N, 8, 8, 3), 0, 256).astype(jnp.uint8)}
softplus = lambda x: np.logaddexp(0, x)


@functools.cache
def made(name):
  """(model, its parameters) of either."""
  if name == "partial_convolution":
    model = partial_convolution.model(DATA, widths=(4, 4))
    return model, jax.jit(model.init)(KEY, IMAGES)[0]
  options = {"widths": (4, 4), "latent": 5, "critic": (4,), "holes": "strokes"}
  learner = context_encoder.learner(DATA, STILL, **options)
  return learner.model, jax.jit(learner.init)(KEY, IMAGES).params


@pytest.mark.parametrize("name", ["partial_convolution", "context_encoder"])
def test_what_is_known_is_kept_and_the_hole_is_not_looked_at(name):
  model, params = made(name)
  given = model.observe(params, {}, IMAGES, KEY)
  known = np.asarray(given["known"] > 0)
  assert set(given) == set(model.given) and given["known"].dtype == np.uint8
  sample = jax.jit(lambda given: model.sample(params, {}, KEY, N, given)["image"])
  made_of = sample(given)
  np.testing.assert_array_equal(np.where(known, made_of, 0), np.where(known, IMAGES["image"], 0))
  np.testing.assert_array_equal(sample(given | IMAGES), made_of)
  assert (np.asarray(given["image"])[~known.repeat(3, -1)] == 128).all()
  # Evaluation cuts the same holes with the same key, and measures what was sampled.
  found = jax.jit(model.evaluate)(params, {}, IMAGES, KEY)
  x, y = (to_floats(image, FIELD) for image in (IMAGES["image"], made_of))
  hole = 1 - known.astype("f4")
  error = (((x - y) / 2) ** 2 * hole).sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3)))
  np.testing.assert_allclose(found["hole_psnr"], -10 * np.log10(error), atol=0.02)
  assert (found["psnr"] > found["hole_psnr"]).all()
  rows = jax.jit(model.parts["restorations"])(params, {}, IMAGES, KEY)
  np.testing.assert_allclose(2 * rows["baseline"] - 1, nearest(x, known.astype("f4")), atol=1e-6)


def test_psnr_of_all_pixels_and_of_the_hole():
  """A quarter missing, 0.2 of the range away: 20 log10 5 dB there, 4 times less error in all."""
  x = jnp.zeros((1, 4, 4, 1))
  known = jnp.ones((1, 4, 4, 1)).at[0, 0].set(0)
  whole, hole = hole_psnr(x, filled(x, known, x + 0.4), known)
  np.testing.assert_allclose(hole, 20 * np.log10(5), rtol=1e-5)
  np.testing.assert_allclose(whole - hole, 10 * np.log10(4), rtol=1e-5)
  elsewhere = jnp.where(known > 0, 0.8, 0.4)
  np.testing.assert_allclose(hole_psnr(x, elsewhere, known)[1], hole, rtol=1e-5)
  np.testing.assert_allclose(hole_psnr(x + 1, x + 9, known)[1], 100)  # Clipped as pixels are.


def test_the_loss_of_partial_convolution_weighs_the_hole():
  x, y = jax.random.normal(KEY, (2, 3, 4, 4, 2))
  known = jax.random.bernoulli(KEY, 0.7, (3, 4, 4, 1)).astype(jnp.float32)
  away = np.abs(x - y)
  weights = np.where(known > 0, 1, 6)
  expected = (away * weights).mean((1, 2, 3))
  np.testing.assert_allclose(hole_loss(x, y, known, 6.0), expected, rtol=1e-5)
  model, params = made("partial_convolution")
  loss, _ = jax.jit(lambda key: model.loss(params, {}, IMAGES, key, True))(KEY)
  x, known = to_floats(IMAGES["image"], FIELD), HOLES["strokes"](KEY, N, 8, 8)
  given = {"image": IMAGES["image"], "known": known}
  again = jax.jit(lambda: model.sample(params, {}, KEY, N, given)["image"])()
  in_hole = 6 * np.abs(x - to_floats(again, FIELD)).mean((1, 2, 3))
  assert (loss > in_hole - 0.05).all() and loss.shape == (N,)


def test_the_losses_of_the_context_encoder():
  options = {"widths": (4, 4), "latent": 5, "critic": (4,), "adversarial": 0.3}
  learner = context_encoder.learner(DATA, STILL, **options)
  ts = jax.jit(learner.init)(KEY, IMAGES)
  _, metrics = jax.jit(learner.step)(ts, IMAGES, KEY)
  known = HOLES["centre"](KEY, N, 8, 8)
  given = {"image": IMAGES["image"], "known": known}
  made = jax.jit(lambda: learner.model.sample(ts.params, {}, KEY, N, given)["image"])()
  x, y = to_floats(IMAGES["image"], FIELD), to_floats(made, FIELD)
  error = ((x - y) ** 2)[:, 2:6, 2:6].mean()
  np.testing.assert_allclose(metrics["hole_error"], error, atol=0.01)
  np.testing.assert_allclose(hole_error(x, y, known).mean(), error, rtol=1e-4)
  real, fake = metrics["real_logit"], metrics["fake_logit"]
  # Logits of an untrained critic are nearly equal: the mean of softplus is that of the mean.
  expected = softplus(-real) + softplus(fake)
  np.testing.assert_allclose(metrics["critic_loss"], expected, rtol=0.02)
  expected = metrics["hole_error"] + 0.3 * softplus(-fake)
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=0.02)


@pytest.mark.parametrize(
  "data, holes, message",
  [
    (DATA, "stroke", "did you mean 'strokes'"),
    ({"x": Field((2,), np.float32)}, "strokes", "inpainting is of images"),
  ],
)
def test_what_cannot_be_inpainted_is_refused(data, holes, message):
  with pytest.raises(UserError, match=message):
    partial_convolution.model(data, holes=holes)
  with pytest.raises(UserError, match=message):
    context_encoder.learner(data, STILL, holes=holes)
