"""What a chain of conditionals knows of the past, and how it goes on from half an image."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.common import columns_of, floats
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.sample import sample_options
from genjax_zoo.sharding import jit

EXAMPLES, ROWS = 8, 4  # So many images are looked at, and so many ways to go on shown.


def chained(run, dataset) -> bool:
  """Whether the model gives the conditionals of an image's pixels."""
  return "image" in dataset.fields and "numbers" in run.model.parts


def completions(run, dataset, test, encoded):
  """Test images, and ways to go on from their upper halves."""
  if not chained(run, dataset) or "given" not in inspect.signature(run.model.sample).parameters:
    return None
  columns = min(columns_of(dataset, 12), len(test["image"]))
  given = {
    k: np.tile(test[k][:columns], (ROWS, *[1] * (test[k].ndim - 1)))
    for k in ("image", *run.model.given)
  }
  drawn = run.sample(ROWS * columns, given=given, **sample_options(run.config))
  images = np.concatenate(
    [floats({"image": test["image"][:columns]}, dataset), floats(drawn, dataset)]
  )
  return grid(
    images, columns=columns
  ), "Completions: test images and, below each, samples that were given its upper half."


def receptive_field(run, dataset, test, encoded):
  """How much each pixel moves what the model says of one pixel."""
  if not chained(run, dataset):
    return None
  H, W, C = dataset.fields["image"].shape
  row, column = H // 2, W // 2
  at = (row * W + column) * C

  def slopes(params, batch):
    def numbers(x, context):
      return run.model.parts["numbers"](params, x[None], jax.tree.map(lambda v: v[None], context))[
        0, at
      ]

    x = batch["image"].reshape(-1, H * W * C).astype(jnp.float32)
    return jnp.abs(jax.vmap(jax.jacrev(numbers))(x, {k: batch[k] for k in run.model.given})).mean(
      (0, 1)
    )

  seen = np.asarray(
    jit(slopes)(run.weights, {k: test[k][:EXAMPLES] for k in ("image", *run.model.given)})
  )
  seen = seen.reshape(H, W, C).sum(-1)
  paint = lambda ax: heat(
    ax, seen / max(seen.max(), 1e-30), f"pixel ({row}, {column})", (row, column)
  )
  caption = f"Receptive field: how much each pixel moves the red one's law, mean of {EXAMPLES} images; black is none."
  return plot(paint, 1, 3.5), caption


def heat(ax, values, title, present):
  """A map of values [H, W] in [0, 1], 0 black, by their logarithm over four decades."""
  ax.set_facecolor("black")
  with np.errstate(divide="ignore"):
    ax.imshow(np.where(values > 0, np.log10(values), np.nan), vmin=-4, vmax=0)
  ax.scatter(*present[::-1], marker="s", s=20, color="red")
  ax.set(title=title, xticks=[], yticks=[])


def attention(run, dataset, test, encoded):
  """Where each layer's heads look from one pixel."""
  if "attention" not in run.model.parts:
    return None
  H, W, C = dataset.fields["image"].shape
  row, column = H // 2, W // 2
  weights = lambda params, batch: run.model.parts["attention"](params, batch["image"])[
    :, :, :, (row * W + column) * C
  ]
  # [layers, heads, D]
  mean = np.asarray(jit(weights)(run.weights, {"image": test["image"][:EXAMPLES]})).mean(1)
  maps = mean.reshape(*mean.shape[:2], H, W, C).sum(-1)
  named = [
    (f"layer {l + 1}, head {h + 1}", maps[l, h])
    for l in range(len(maps))
    for h in range(maps.shape[1])
  ]

  def paint(*axes):
    for ax, (title, values) in zip(axes, named):
      heat(ax, values, title, (row, column))

  return plot(
    paint, len(named), 1.8
  ), f"Attention of the red pixel's token, the mean over {EXAMPLES} test images."
