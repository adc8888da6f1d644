"""A small image classifier: the feature network of the quality measures, and of conditional samples
the judge of their class.

  loss = -log softmax(logits(features(image)))[label]

or, where what it reads is a sequence such as a caption, the mean of that of all its places.

Convolutions of `widths` channels, all but the first of stride 2, then a dense layer of `features`
units with ReLU, whose outputs the quality measures take, and a linear layer for the logits. In
training, images are shifted at random by up to `shift` pixels. The frames of a video are the
channels of one image, so that its first layer sees motion.

It is a `Model` without `sample`: the same loop, configs and checkpoints serve it. Departures from
the papers' feature networks: it is trained on the data that are measured (Inception has not been
trained on digits), and small enough to be committed with the code.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model, UserError
from genjax_zoo.nn.conv import Conv


class Classifier(nn.Module):
  """Images [B, H, W, C] in [0, 1] -> (features [B, features], logits [B, outputs])."""

  outputs: int
  widths: tuple[int, ...]
  features: int

  @nn.compact
  def __call__(self, x):
    first, *others = self.widths
    x = nn.relu(Conv(first, (3, 3))(2 * x - 1))
    self.sow("intermediates", "maps", x)  # For perceptual losses; stored only if asked for.
    for width in others:
      x = Conv(width, (3, 3), strides=(2, 2))(x)
      x = nn.relu(nn.GroupNorm(num_groups=8)(x))
      self.sow("intermediates", "maps", x)
    features = nn.relu(nn.Dense(self.features)(x.reshape(len(x), -1)))
    return features, nn.Dense(self.outputs)(features)


def shift_randomly(images, key, most: int):
  """Images [B, H, W, C], each shifted by integers in [-most, most], its edges repeated."""
  padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
  corners = jax.random.randint(key, (len(images), 2), 0, 2 * most + 1)

  def crop(image, corner):
    return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), images.shape[1:])

  return jax.vmap(crop)(padded, corners)


def frames_as_channels(video):
  """Videos [B, T, H, W, C] as images [B, H, W, T * C]; images stay as they are."""
  if video.ndim == 4:
    return video
  b, t, h, w, c = video.shape
  return video.transpose(0, 2, 3, 1, 4).reshape(b, h, w, t * c)


def check(data, *names: str):
  """Raises UserError unless the data have entries of these names, all of integers."""
  for name in names:
    if name not in data or not data[name].num_values:
      has = ", ".join(k for k, field in data.items() if field.num_values) or "none"
      raise UserError(f"classifier wants integers {name!r}; the data's entries of integers: {has}")


def model(
  data,
  *,
  widths: tuple[int, ...] = (32, 64, 64),
  features: int = 64,
  shift: int = 2,
  target: str = "label",
) -> Model:
  """A classifier of "image", or "video", by its `target`; the parts need no target.

  A target is one class, logits [B, classes], or a sequence of L, logits [B, L, classes]. Raises
  UserError for data without images or without classes of this name.
  """
  name = "video" if "video" in data else "image"
  check(data, name, target)
  white = data[name].num_values - 1
  wanted = data[target]
  net = Classifier(math.prod(wanted.shape) * wanted.num_values, widths, features)

  def prepared(batch):
    return frames_as_channels(batch[name])

  def apply(params, images):
    """(features, logits) of integer images [B, H, W, C]."""
    found, logits = net.apply({"params": params}, images.astype(jnp.float32) / white)
    return found, logits.reshape(len(images), *wanted.shape, wanted.num_values)

  def init(key, batch):
    return {**net.init(key, prepared(batch).astype(jnp.float32))["params"]}, {}

  def loss(params, state, batch, key, train):
    images = prepared(batch)
    if train and shift:
      images = shift_randomly(images, key, shift)
    _, logits = apply(params, images)
    places = tuple(range(1, logits.ndim - 1))
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, batch[target]).mean(places)
    correct = (logits.argmax(-1) == batch[target]).all(places).astype(jnp.float32)
    return nats, ({}, {"accuracy": correct})

  def features_part(params, state, batch):
    return apply(params, prepared(batch))[0]

  def logits_part(params, state, batch):
    return apply(params, prepared(batch))[1]

  def score(params, state, images, given):
    """log p(target | image), [B]; of a sequence, of all of it."""
    log_p = jax.nn.log_softmax(logits_part(params, state, {name: images}))
    own = jnp.take_along_axis(log_p, given[target][..., None], -1)
    return own.reshape(len(images), -1).sum(1)

  def maps(params, state, x):
    _, found = net.apply({"params": params}, (x + 1) / 2, mutable=["intermediates"])
    return list(found["intermediates"]["maps"])

  parts = {"features": features_part, "logits": logits_part, "maps": maps, "score": score}
  return Model(init, loss, parts=parts)
