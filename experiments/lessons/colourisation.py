"""Pixels coloured independently don't agree; coloured one by one they do, and are far likelier.

Deck D colours photographs by classifying each pixel. In this lesson digits are printed in one of 8
inks, drawn for each image, and a network conditioned on the gray image predicts the colours. The
true distribution of the colours has an entropy of log 8 = 2.08 nats an image, all of it in the
first pixel of ink; independent pixels can do no better than log 8 for every pixel of ink. Two
transformers are compared: one is autoregressive, with each pixel's gray level before its colour;
the other is the same network with colours left out of its input, so that each pixel is classified
from gray levels alone.

On test images (seed 0): independently 56.26 nats (the best possible is 56.15) and 7.8 inks in a
sample; one after the other 2.23 nats and 1.1 inks in a sample.

Verdict: holds: 2.2 nats an image one after the other, 56 independently.
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

INKS = 8
NUM_VALUES = 17
INK_FROM = 4  # A pixel of at least this gray level has ink.
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
CONDITIONED_ON = {"each pixel alone": "gray", "one after the other": "gray and colours"}


def print_in_colours(gray, rng):
  """uint8 [N, 8, 8, 2]: gray images and their colours, 0 where there is no ink."""
  colour = (gray >= INK_FROM) * rng.integers(1, INKS + 1, (len(gray), 1, 1, 1))
  return np.concatenate([gray, colour], -1).astype(np.uint8)


def to_rgb(images):
  """Floats [N, 8, 8, 3] of images with colours [N, 8, 8, 2]."""
  gray, colour = images[..., :1] / (NUM_VALUES - 1), images[..., 1].astype(int)
  hue = HUES[np.clip(colour - 1, 0, INKS - 1)] / 255
  hue = np.where(colour[..., None] > 0, hue, 1.0)
  return hue * (1 - 0.5 * (1 - gray)) ** 0.5


def colour_logits(model, params, image, alone):
  """(log p of the colours, nats [B, 64], their logits), given gray levels and earlier colours.

  With `alone` they are given gray levels only.
  """
  x = image.reshape(len(image), -1).astype(jnp.int32)
  network_input = x.at[:, 1::2].set(0) if alone else x
  logits = model.parts["conditionals"](params, {}, network_input, {})[:, 1::2]
  return categorical_log_prob(x[:, 1::2], logits), logits


def fit(model, images, alone, steps):
  """Parameters after `steps` batches of `images`, trained on the colours' log-likelihood."""

  def loss(params, state, batch, key, train):
    nats, _ = colour_logits(model, params, batch["image"], alone)
    return -nats.sum(-1), ({}, {})

  tx = optax.adamw(optax.cosine_decay_schedule(2e-3, steps), weight_decay=0.01)
  learner = descend(model._replace(loss=loss), tx, ema=0.99)

  def step(ts, key):
    k_rows, k_step = jax.random.split(key)
    batch = {"image": images[jax.random.randint(k_rows, (BATCH,), 0, len(images))]}
    return learner.step(ts, batch, k_step)

  ts = jit(learner.init)(jax.random.key(0), {"image": images[:BATCH]})
  keys = jax.random.split(jax.random.key(1), steps)
  return jit(lambda ts, keys: jax.lax.scan(step, ts, keys)[0])(ts, keys).weights


def colourise(model, params, image, alone, key):
  """The images with colours sampled pixel by pixel."""
  n = len(image)

  def pixel(i, x):
    _, logits = colour_logits(model, params, x, alone)
    colour = jax.random.categorical(jax.random.fold_in(key, i), logits[:, i])
    return x.reshape(n, -1).at[:, 2 * i + 1].set(colour.astype(x.dtype)).reshape(x.shape)

  return jax.lax.fori_loop(0, 64, pixel, image.at[..., 1].set(0))


def lesson(smoke):
  steps, n = (10, 8) if smoke else (800, 64)
  digits, rng = load("digits"), np.random.default_rng(0)
  train = jnp.asarray(print_in_colours(digits.splits["train"]["image"], rng))
  test = print_in_colours(digits.splits["test"]["image"], rng)
  data = {"image": Field((8, 8, 2), np.uint8, NUM_VALUES)}
  model = pixel_transformer.model(data, width=64, layers=2, heads=4)

  results, images = {}, {"truth": test[:n]}
  for name in CONDITIONED_ON:
    alone = CONDITIONED_ON[name] == "gray"
    params = fit(model, train, alone, steps)
    log_prob = jit(lambda params: colour_logits(model, params, jnp.asarray(test), alone)[0])
    sample = jit(
      lambda params: colourise(model, params, jnp.asarray(test[:n]), alone, jax.random.key(2))
    )
    images[name] = np.asarray(sample(params))
    colour = images[name][..., 1].reshape(n, -1)
    results[name] = {
      "nats an image": float(-log_prob(params).sum(-1).mean()),
      "inks in a sample": float(np.mean([len(set(x[x > 0])) for x in colour])),
      "inks over all samples": len(set(colour[colour > 0])),
    }
  ink_pixels = float((test[..., 1] > 0).sum((1, 2)).mean())
  results["truth"] = {
    "one after the other": math.log(INKS),
    "each pixel alone": ink_pixels * math.log(INKS),
  }
  columns = min(n, 12)
  rows = np.concatenate([to_rgb(x[:columns]) for x in images.values()])
  caption = f"Row by row: {', '.join(images)}, given the same gray images."
  return results, [(grid(rows, columns=columns), caption)]
