"""The classifier: random shifts, and the loss and accuracy of its own logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.discriminative import classifier

DATA = {"image": Field((8, 8, 1), np.uint8, 17), "label": Field((), np.int32, 3)}


def test_images_are_shifted_by_all_offsets_up_to_the_most():
  image = jnp.arange(64).reshape(8, 8, 1)
  images = jnp.broadcast_to(image, (300, 8, 8, 1))
  shifted = np.asarray(classifier.shift_randomly(images, jax.random.key(0), 1))
  # Row and column that are now in an inner place tell the offset of each image.
  offsets = {divmod(int(x) - int(image[4, 4, 0]) + 9, 8) for x in shifted[:, 4, 4, 0]}
  assert offsets == {(i, j) for i in range(3) for j in range(3)}
  np.testing.assert_array_equal(classifier.shift_randomly(images, jax.random.key(0), 0), images)


def test_loss_and_accuracy_are_those_of_the_logits():
  rng = np.random.default_rng(0)
  batch = {"image": rng.integers(0, 17, (6, 8, 8, 1)).astype(np.uint8), "label": np.arange(6) % 3}
  model = classifier.model(DATA, widths=(8, 8), features=5)
  params, state = model.init(jax.random.key(0), batch)
  assert model.parts["features"](params, state, batch).shape == (6, 5)
  logits = model.parts["logits"](params, state, batch)
  loss, (_, metrics) = model.loss(params, state, batch, jax.random.key(1), train=False)
  expected = -jax.nn.log_softmax(logits)[jnp.arange(6), batch["label"]]
  np.testing.assert_allclose(loss, expected, rtol=1e-5)
  np.testing.assert_array_equal(metrics["accuracy"], logits.argmax(-1) == batch["label"])
  score = model.parts["score"](params, state, batch["image"], batch)
  np.testing.assert_allclose(score, -loss, rtol=1e-6)


def test_data_without_the_target_are_refused():
  with pytest.raises(UserError, match="'tokens'; the data's entries of integers: image, label"):
    classifier.model(DATA, target="tokens")


def test_a_reader_reads_every_word_of_a_caption():
  fields = DATA | {"tokens": Field((2,), np.int32, 5)}
  rng = np.random.default_rng(0)
  batch = {
    "image": rng.integers(0, 17, (6, 8, 8, 1)).astype(np.uint8),
    "tokens": rng.integers(0, 5, (6, 2)).astype(np.int32),
  }
  model = classifier.model(fields, widths=(8, 8), features=5, shift=0, target="tokens")
  params, state = model.init(jax.random.key(0), batch)
  logits = model.parts["logits"](params, state, batch)
  assert logits.shape == (6, 2, 5)
  loss, (_, metrics) = model.loss(params, state, batch, jax.random.key(1), train=False)
  nats = -np.take_along_axis(jax.nn.log_softmax(logits), batch["tokens"][..., None], -1)
  np.testing.assert_allclose(loss, nats[..., 0].mean(1), rtol=1e-5)
  score = model.parts["score"](params, state, batch["image"], batch)
  np.testing.assert_allclose(score, -nats.sum((1, 2)), rtol=1e-5)
  right = (np.asarray(logits).argmax(-1) == batch["tokens"]).all(1)
  np.testing.assert_array_equal(metrics["accuracy"], right)


def test_the_frames_of_a_video_are_channels():
  video = np.arange(2 * 3 * 4 * 5 * 2).reshape(2, 3, 4, 5, 2)
  images = classifier.frames_as_channels(video)
  assert images.shape == (2, 4, 5, 6)
  np.testing.assert_array_equal(images[1, 2, 3], video[1, :, 2, 3].reshape(-1))


def test_feature_maps_are_those_of_the_network_for_images_as_floats():
  model = classifier.model(DATA, widths=(8, 16), features=5, shift=0)
  x = jnp.linspace(-1, 1, 2 * 64).reshape(2, 8, 8, 1)
  batch = {"image": jnp.zeros((2, 8, 8, 1), jnp.uint8), "label": jnp.zeros(2, jnp.int32)}
  params, state = model.init(jax.random.key(0), batch)
  maps = model.parts["maps"](params, state, x)
  assert [m.shape for m in maps] == [(2, 8, 8, 8), (2, 4, 4, 16)]
  kernel, bias = params["Conv_0"]["kernel"], params["Conv_0"]["bias"]
  centre = (x[:, 3:6, 3:6, :, None] * kernel[None]).sum((1, 2, 3)) + bias[None]
  np.testing.assert_allclose(maps[0][:, 4, 4], jnp.maximum(centre, 0), atol=1e-5)
