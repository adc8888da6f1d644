"""A plain PixelCNN misses some of the earlier pixels; two stacks, diagonals and attention do not.

Deck A says of the family that each pixel is "affected from all pixels above and to the left". The
Jacobian of one pixel's conditional distribution with respect to all pixels shows what a network can
depend on: with random weights the derivative by a pixel that matters at all is not 0. The plain
PixelCNN has a blind spot above to the right, a Row LSTM with a narrow first kernel sees a triangle,
and a transformer with a sparse pattern sees all, but in two layers.

Verdict: "all pixels" holds for four networks of six.
"""

import jax
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.figures.autoregressive import influence
from genjax_zoo.figures.pictures import plot
from genjax_zoo.models.autoregressive import (
  gated_pixelcnn,
  pixel_transformer,
  pixelcnn,
  pixelcnn_pp,
  pixelrnn,
)
from genjax_zoo.sharding import jit

SIZE = 16
ROW, COLUMN = 9, 6
PIXEL = ROW * SIZE + COLUMN
DATA = {"image": Field((SIZE, SIZE, 1), np.uint8, 2)}
MODELS = {
  "PixelCNN": lambda: pixelcnn.model(DATA, width=16, blocks=9, first=3),
  "gated PixelCNN": lambda: gated_pixelcnn.model(DATA, width=16, layers=12, first=3),
  "PixelCNN++": lambda: pixelcnn_pp.model(DATA, width=16, blocks=2, scales=3),
  "Row LSTM": lambda: pixelrnn.model(DATA, width=16, layers=2, first=3),
  "Diagonal BiLSTM": lambda: pixelrnn.model(DATA, lstm="diagonal", width=16, layers=2, first=3),
  "strided transformer": lambda: pixel_transformer.model(
    DATA, width=32, layers=2, pattern="strided"
  ),
}


def random_influence(model):
  """How much each pixel changes the conditional of PIXEL, the mean of four noise images [H, W]."""
  k_params, k_x = jax.random.split(jax.random.key(0))
  x = jax.random.uniform(k_x, (4, SIZE * SIZE))
  params, _ = jit(model.init)(k_params, {"image": x.reshape(-1, SIZE, SIZE, 1)})
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(k_params, len(leaves))
  # Some weights are 0 at initialization, and none may be.
  leaves = [p + 0.1 * jax.random.normal(k, p.shape) for k, p in zip(keys, leaves)]
  conditionals = model.parts["conditionals"]
  strength = jit(lambda params, x: influence(conditionals, params, {}, x, {}, PIXEL))
  return np.asarray(strength(tree.unflatten(leaves), x)).reshape(SIZE, SIZE)


def lesson(smoke):
  names = list(MODELS)[: 2 if smoke else None]
  maps = {name: random_influence(MODELS[name]()) for name in names}
  earlier = np.arange(SIZE * SIZE).reshape(SIZE, SIZE) < PIXEL
  results = {}
  for name, values in maps.items():
    matters = values > 0
    results[name] = {
      "share of earlier pixels that matter": float(matters[earlier].mean()),
      "later pixels that matter": int(matters[~earlier].sum()),
    }

  def paint(*axes):
    for ax, (name, values) in zip(axes, maps.items()):
      with np.errstate(divide="ignore"):
        decades = np.log10(values / values.max())
      ax.set_facecolor("black")
      ax.imshow(np.where(values > 0, decades, np.nan), vmin=-6, vmax=0)
      ax.scatter(COLUMN, ROW, marker="s", color="red")
      ax.set(title=name, xticks=[], yticks=[])

  caption = (
    "The derivative of the red pixel's conditional by each pixel: its size on a logarithmic scale "
    "of six decades; black is 0."
  )
  return results, [(plot(paint, len(maps), 2.6), caption)]
