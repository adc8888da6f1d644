"""The conditional VAE: a distribution of images for each class."""

import itertools

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.latent_variable import cvae

DATA = {"image": Field((2, 2, 1), np.uint8, 2), "label": Field((), np.int32, 3)}


def test_probabilities_sum_to_one_in_each_class():
  images = np.array(list(itertools.product(range(2), repeat=4)), np.uint8).reshape(-1, 2, 2, 1)
  model = cvae.model(DATA, latent=1, hidden=(4,))
  params, _ = model.init(jax.random.key(0), {"image": images})
  params = jax.tree.map(lambda p: p + 0.5 * jax.random.normal(jax.random.key(1), p.shape), params)

  @jax.jit
  def log_prob(label):
    batch = {"image": images, "label": label}
    return model.log_prob(params, {}, batch, jax.random.key(2), k=3000)

  p = [np.exp(log_prob(np.full(16, c))) for c in (0, 2)]
  np.testing.assert_allclose(np.sum(p, 1), 1, atol=0.03)
  assert np.abs(p[0] - p[1]).max() > 0.05


def test_the_label_is_given_to_samples_and_is_a_latent():
  model = cvae.model(DATA, latent=1, hidden=(4,))
  assert dict(model.given) == {"label": DATA["label"]} and set(model.latents) == {"z", "label"}
  batch = {"image": np.zeros((5, 2, 2, 1), np.uint8), "label": np.arange(5) % 3}
  params, _ = model.init(jax.random.key(0), batch)
  z = model.encode(params, {}, batch, None)
  np.testing.assert_array_equal(z["label"], batch["label"])
  # By hand: the one-hot label decides all, the latent nothing.
  kernel = np.zeros((4, 4), np.float32)
  kernel[1:, 0] = 1, -1, 1
  zeros = jax.tree.map(np.zeros_like, params["decoder"])
  layers = zeros["layers_0"]
  layers["Dense_0"]["kernel"] = kernel
  layers["Dense_1"]["kernel"] = np.ones((4, 4), np.float32)
  layers["Dense_1"]["bias"] = np.full(4, -0.5, np.float32)
  params = params | {"decoder": zeros}
  out = model.sample(params, {}, jax.random.key(1), 3, {"label": np.arange(3)}, noise=False)[
    "image"
  ]
  np.testing.assert_array_equal(out.reshape(3, 4), [[1] * 4, [0] * 4, [1] * 4])


@pytest.mark.parametrize("condition", [("label",), ("image",), ()])
def test_a_condition_that_is_no_label_raises(condition):
  data = {"image": DATA["image"]} if condition == ("label",) else DATA
  with pytest.raises(UserError, match="label"):
    cvae.model(data, condition=condition)


def test_the_label_shifts_what_the_encoder_says():
  model = cvae.model(DATA, latent=2, hidden=(4,))
  batch = {"image": np.ones((3, 2, 2, 1), np.uint8), "label": np.arange(3)}
  params, _ = model.init(jax.random.key(0), batch)
  shifts = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
  terms = lambda params: model.parts["elbo_terms"](params, {}, batch, jax.random.key(1))[1]
  for shifted, plain, of_class in zip(
    terms(params | {"class": shifts}), terms(params), np.split(shifts, 2, 1)
  ):
    np.testing.assert_allclose(shifted - plain, of_class, atol=1e-5)
