"""A small image classifier: the feature net of the quality measures, and the judge of conditional
samples.

  loss = -log softmax(logits(features(image)))[label]

After convolutions of `widths` channels, all but the first of stride 2, a dense layer of `features`
units with ReLU is what measures look at, and a linear layer gives the logits. Images are shifted at
random by up to `shift` pixels in training.

It is a `Model` that can't sample: the same loop, configs and checkpoints train it. Departures from
what the papers use as a feature net: its own data (Inception has seen no digits), and a size that
is committed with the code.
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
    x = nn.relu(Conv(self.widths[0], (3, 3))(2 * x - 1))
    for width in self.widths[1:]:
      x = nn.GroupNorm(num_groups=8)(Conv(width, (3, 3), strides=(2, 2))(x))
      x = nn.relu(x)
    features = nn.relu(nn.Dense(self.features)(x.reshape(len(x), -1)))
    return features, nn.Dense(self.classes)(features)


def shifted(images, key, most: int):
  """Images [B, H, W, C], each moved by its own integers in [-most, most] along both axes, edges
  repeated.
  """
  padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
  corner = jax.random.randint(key, (len(images), 2), 0, 2 * most + 1)
  crop = lambda x, c: jax.lax.dynamic_slice(x, (c[0], c[1], 0), images.shape[1:])
  return jax.vmap(crop)(padded, corner)


def model(
  data, *, widths: tuple[int, ...] = (32, 64, 64), features: int = 64, shift: int = 2
) -> Model:
  """A classifier of "image" by "label".

  parts["features"] and parts["logits"], (params, state, batch) -> [B, ...]; `batch` needs no label
  there.
  """
  levels = data["image"].num_values
  net = Classifier(data["label"].num_values, widths, features)

  def apply(params, images):
    return net.apply({"params": params}, images.astype(jnp.float32) / (levels - 1))

  def init(key, batch):
    return {**net.init(key, batch["image"].astype(jnp.float32))["params"]}, {}

  def loss(params, state, batch, key, train):
    images = shifted(batch["image"], key, shift) if train and shift else batch["image"]
    _, logits = apply(params, images)
    label = batch["label"]
    correct = (logits.argmax(-1) == label).astype(jnp.float32)
    return optax.softmax_cross_entropy_with_integer_labels(logits, label), (
      {},
      {"accuracy": correct},
    )

  parts = {
    "features": lambda params, state, batch: apply(params, batch["image"])[0],
    "logits": lambda params, state, batch: apply(params, batch["image"])[1],
  }
  return Model(init, loss, parts=parts)
