"""What a chain of conditionals depends on, and how it completes half an image."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.data.dataset import main_entry
from genjax_zoo.figures.common import columns_of, first_rows, floats, has_images, main
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.sample import given_of, sample_options
from genjax_zoo.sharding import jit

EXAMPLES = 8  # Images over which influences are averaged.
ROWS = 4  # Completions of each image.
DECADES = 4  # Of the scale of a heat map.


def has_conditionals(run, dataset) -> bool:
  """Whether the model gives the conditionals of an image's pixels."""
  return has_images(dataset) and "conditionals" in run.model.parts


def completions(run, dataset, test, encoded):
  """Test images, and completions of their upper halves."""
  if not has_conditionals(run, dataset):
    return None
  if "given" not in inspect.signature(run.model.sample).parameters:
    return None
  name = main_entry(dataset.fields)
  columns = min(columns_of(dataset, 12), len(test[name]))
  first = first_rows(test, columns)
  given = {name: first[name]} | given_of(run, first)
  tiled = {k: np.tile(x, (ROWS, *[1] * (x.ndim - 1))) for k, x in given.items()}
  completed = run.sample(ROWS * columns, given=tiled, **sample_options(run.config))
  images = np.concatenate([floats(first, dataset), floats(completed, dataset)])
  caption = "Completions: test images and, below each, samples given its upper half."
  return grid(images, columns=columns), caption


def influence(conditionals, params, state, images, context, at: int):
  """|d parameters of p(x_at | x_<at) / d x_j|, the mean over images [N, D] and parameters, [D]."""

  def parameters(x, context):
    context = jax.tree.map(lambda v: v[None], context)
    return conditionals(params, state, x[None], context)[0, at]

  slopes = jax.vmap(jax.jacrev(parameters))(images, context)
  return jnp.abs(slopes).mean((0, 1))


def receptive_field(run, dataset, test, encoded):
  """How much the conditional distribution of one pixel depends on each other pixel."""
  if not has_conditionals(run, dataset):
    return None
  H, W, C = main(test, dataset).shape[1:]
  row, column = H // 2, W // 2
  at = (row * W + column) * C
  conditionals = run.model.parts["conditionals"]
  first = first_rows(test, EXAMPLES)
  images = main(first, dataset).reshape(-1, H * W * C).astype(np.float32)

  def slopes(params, state, images, context):
    return influence(conditionals, params, state, images, context, at)

  found = jit(slopes)(run.weights, run.state, images, given_of(run, first))
  strength = np.asarray(found).reshape(H, W, C).sum(-1)
  relative = strength / max(strength.max(), 1e-30)
  title = f"pixel ({row}, {column})"
  caption = (
    f"Receptive field: how much the distribution of the red pixel depends on each other one, mean "
    f"of {EXAMPLES} images; black is not at all."
  )
  return plot(lambda ax: heat(ax, relative, title, (row, column)), 1, 3.5), caption


def heat(ax, values, title, present):
  """A map of values [H, W] in [0, 1] on a logarithmic scale, 0 in black, and one pixel in red."""
  ax.set_facecolor("black")
  with np.errstate(divide="ignore"):
    ax.imshow(np.where(values > 0, np.log10(values), np.nan), vmin=-DECADES, vmax=0)
  ax.scatter(*present[::-1], marker="s", s=20, color="red")
  ax.set(title=title, xticks=[], yticks=[])


def attention(run, dataset, test, encoded):
  """The attention of each layer's heads from one pixel."""
  if "attention" not in run.model.parts or not has_images(dataset):
    return None
  H, W, C = main(test, dataset).shape[1:]
  row, column = H // 2, W // 2
  at = (row * W + column) * C

  def from_one(params, state, batch):
    layers = run.model.parts["attention"](params, state, batch)
    return jnp.stack([weights[:, :, at].mean(0) for weights in layers])  # [layers, heads, D]

  mean = np.asarray(jit(from_one)(run.weights, run.state, first_rows(test, EXAMPLES)))
  maps = mean.reshape(*mean.shape[:2], H, W, C).sum(-1)
  layers, heads = maps.shape[:2]

  def paint(*axes):
    for i, ax in enumerate(axes):
      layer, head = divmod(i, heads)
      heat(ax, maps[layer, head], f"layer {layer + 1}, head {head + 1}", (row, column))

  caption = f"Attention of the red pixel's token, the mean over {EXAMPLES} test images."
  return plot(paint, layers * heads, 1.8), caption
