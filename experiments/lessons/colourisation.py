"""Pixels coloured each for itself don't agree; coloured one after the other, they do, and are far
more likely.

Deck D colours photographs by classifying each pixel. Here digits are printed in one of 8 inks,
drawn for each, and a net sees the gray image up to a pixel that it colours: the true law of the
colours is log 8 = 2.08 nats an image, all in the first pixel of ink; the best that pixels can do
alone is log 8 for every pixel of ink. Two transformers see the same: one has each pixel's gray
level before its colour in its order, and is autoregressive; the other is the same network with
colours left out of its input, so that each is classified from gray levels alone.

On test images (seed 0): alone 56.26 nats, of 56.15 at best, and 7.8 inks in a sample; one after the
other 2.23 nats, and 1.1 inks in a sample.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax

from genjax_zoo.core import Field, descend
from genjax_zoo.data import load
from genjax_zoo.figures.pictures import grid
from genjax_zoo.models.autoregressive import pixel_transformer
from genjax_zoo.prob.distributions import categorical_log_prob
from genjax_zoo.sharding import jit

INKS, LEVELS, INK = 8, 17, 4  # A pixel this bright is of ink.
HUES = np.array(
  [
    (230, 60, 60),
    (240, 150, 40),
    (220, 210, 50),
    (80, 190, 80),
    (60, 200, 200),
    (70, 110, 230),
    (150, 80, 210),
    (230, 110, 190),
  ]
)
BATCH = 32


def printed(gray, rng):
  """uint8 [N, 8, 8, 2]: gray images and their colours, 0 where there is no ink."""
  colour = (gray >= INK) * rng.integers(1, INKS + 1, (len(gray), 1, 1, 1))
  return np.concatenate([gray, colour], -1).astype(np.uint8)


def shown(images):
  """Floats [N, 8, 8, 3] of printed images."""
  gray, colour = images[..., :1] / (LEVELS - 1), images[..., 1].astype(int)
  return (
    np.where(colour[..., None] > 0, HUES[np.clip(colour - 1, 0, INKS - 1)] / 255, 1.0)
    * (1 - 0.5 * (1 - gray)) ** 0.5
  )


def trained(loss, model, images, steps):
  """Parameters after so many steps on batches of `images`."""
  model = model._replace(loss=loss)
  learner = descend(
    model, optax.adamw(optax.cosine_decay_schedule(2e-3, steps), weight_decay=0.01), ema=0.99
  )

  def step(ts, key):
    k_rows, k_step = jax.random.split(key)
    batch = {"image": images[jax.random.randint(k_rows, (BATCH,), 0, len(images))]}
    return learner.step(ts, batch, k_step)

  ts = jit(learner.init)(jax.random.key(0), {"image": images[:BATCH]})
  keys = jax.random.split(jax.random.key(1), steps)
  return jit(lambda ts, keys: jax.lax.scan(step, ts, keys)[0])(ts, keys).weights


def lesson(smoke):
  data, rng, steps = load("digits"), np.random.default_rng(0), 10 if smoke else 800
  train, test = (printed(data.splits[split]["image"], rng) for split in ("train", "test"))
  images, n = jnp.asarray(train), 8 if smoke else 64
  model = pixel_transformer.model(
    {"image": Field((8, 8, 2), np.uint8, LEVELS)}, width=64, layers=2, heads=4
  )

  def colours(params, image, alone):
    """nats [B, 64] of the colours given gray levels, and perhaps the colours before; and their
    logits.
    """
    x = image.reshape(len(image), -1).astype(jnp.int32)
    logits = model.parts["numbers"](params, x.at[:, 1::2].set(0) if alone else x, {})[:, 1::2]
    return categorical_log_prob(x[:, 1::2], logits), logits

  def coloured(params, image, alone, key):
    """The images with colours drawn pixel by pixel."""

    def pixel(i, x):
      drawn = jax.random.categorical(jax.random.fold_in(key, i), colours(params, x, alone)[1][:, i])
      return x.reshape(n, -1).at[:, 2 * i + 1].set(drawn.astype(x.dtype)).reshape(x.shape)

    return jax.lax.fori_loop(0, 64, pixel, image.at[..., 1].set(0))

  numbers, pictures = {}, {"truth": test[:n]}
  for name, alone in ("each pixel alone", True), ("one after the other", False):
    loss = lambda params, state, batch, key, train, alone=alone: (
      -colours(params, batch["image"], alone)[0].sum(-1),
      ({}, {}),
    )
    params = trained(loss, model, images, steps)
    nats = jit(lambda params: colours(params, jnp.asarray(test), alone)[0])(params)
    drawn = np.asarray(
      jit(lambda params: coloured(params, jnp.asarray(test[:n]), alone, jax.random.key(2)))(params)
    )
    inks = [len(set(x[x > 0])) for x in drawn[..., 1].reshape(n, -1)]
    numbers[name] = {
      "nats an image": float(-nats.sum(-1).mean()),
      "inks in a sample": float(np.mean(inks)),
      "inks over all samples": len(set(drawn[..., 1][drawn[..., 1] > 0])),
    }
    pictures[name] = drawn
  ink = float((test[..., 1] > 0).sum((1, 2)).mean())
  numbers["truth"] = {
    "one after the other": math.log(INKS),
    "each pixel alone": ink * math.log(INKS),
  }
  images = np.concatenate([shown(x[: min(n, 12)]) for x in pictures.values()])
  return numbers, [
    (
      grid(images, columns=min(n, 12)),
      f"Row by row: {', '.join(pictures)}, given the same gray images.",
    )
  ]
