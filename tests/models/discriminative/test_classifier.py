"""The classifier: random shifts, and the loss and accuracy of its own logits."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
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
