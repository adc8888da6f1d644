"""A small image classifier: the feature network of the quality measures, and of conditional samples
the judge of their class.

  loss = -log softmax(logits(features(image)))[label]

Convolutions of `widths` channels, all but the first of stride 2, then a dense layer of `features`
units with ReLU, whose outputs the quality measures take, and a linear layer for the logits. In
training, images are shifted at random by up to `shift` pixels.

It is a `Model` without `sample`: the same loop, configs and checkpoints serve it. Departures from
the papers' feature networks: it is trained on the data that are measured (Inception has not been
trained on digits), and small enough to be committed with the code.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model
from genjax_zoo.nn.conv import Conv


class Classifier(nn.Module):
  """Images [B, H, W, C] in [0, 1] -> (features [B, features], logits [B, classes])."""

  classes: int
  widths: tuple[int, ...]
  features: int

  @nn.compact
  def __call__(self, x):
    first, *others = self.widths
    x = nn.relu(Conv(first, (3, 3))(2 * x - 1))
    for width in others:
      x = Conv(width, (3, 3), strides=(2, 2))(x)
      x = nn.relu(nn.GroupNorm(num_groups=8)(x))
    features = nn.relu(nn.Dense(self.features)(x.reshape(len(x), -1)))
    return features, nn.Dense(self.classes)(features)


def shift_randomly(images, key, most: int):
  """Images [B, H, W, C], each shifted by integers in [-most, most], its edges repeated."""
  padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
  corners = jax.random.randint(key, (len(images), 2), 0, 2 * most + 1)

  def crop(image, corner):
    return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), images.shape[1:])

  return jax.vmap(crop)(padded, corners)


def model(
  data, *, widths: tuple[int, ...] = (32, 64, 64), features: int = 64, shift: int = 2
) -> Model:
  """A classifier of "image" by "label"; its parts "features" and "logits" need no label."""
  white = data["image"].num_values - 1
  net = Classifier(data["label"].num_values, widths, features)

  def apply(params, images):
    """(features, logits) of integer images [B, H, W, C]."""
    return net.apply({"params": params}, images.astype(jnp.float32) / white)

  def init(key, batch):
    return {**net.init(key, batch["image"].astype(jnp.float32))["params"]}, {}

  def loss(params, state, batch, key, train):
    images = batch["image"]
    if train and shift:
      images = shift_randomly(images, key, shift)
    _, logits = apply(params, images)
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
    correct = (logits.argmax(-1) == batch["label"]).astype(jnp.float32)
    return nats, ({}, {"accuracy": correct})

  def features_part(params, state, batch):
    return apply(params, batch["image"])[0]

  def logits_part(params, state, batch):
    return apply(params, batch["image"])[1]

  return Model(init, loss, parts={"features": features_part, "logits": logits_part})
