"""A plain PixelCNN does not see all pixels before the present one; two stacks, diagonals and
attention do.

Deck A says of the family that each pixel is "affected from all pixels above and to the left". The
Jacobian of one pixel's numbers in all pixels tells what a network can know: with random weights a
pixel that matters at all has a derivative that is not 0. The plain PixelCNN has a blind spot above
to the right, a Row LSTM with a narrow first kernel sees a triangle, and a transformer with a sparse
pattern all, but in two steps.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.figures.pictures import plot
from genjax_zoo.models.autoregressive import (
  gated_pixelcnn,
  pixel_transformer,
  pixelcnn,
  pixelcnn_pp,
  pixelrnn,
)
from genjax_zoo.sharding import jit

SIZE, PIXEL = 16, (9, 6)
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


def influence(model):
  """How much each pixel moves the numbers of PIXEL, the mean over four noise images, [SIZE, SIZE]."""
  k_params, k_x = jax.random.split(jax.random.key(0))
  x = jax.random.uniform(k_x, (4, SIZE * SIZE))
  params, _ = jit(model.init)(k_params, {"image": x.reshape(-1, SIZE, SIZE, 1)})
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(k_params, len(leaves))  # No weight may be 0, as some are at first.
  params = tree.unflatten([p + 0.1 * jax.random.normal(k, p.shape) for k, p in zip(keys, leaves)])
  numbers = lambda x: model.parts["numbers"](params, x[None], {})[0, PIXEL[0] * SIZE + PIXEL[1]]
  slopes = jit(jax.vmap(jax.jacrev(numbers)))(x)
  return np.asarray(jnp.abs(slopes).mean((0, 1))).reshape(SIZE, SIZE)


def lesson(smoke):
  maps = {name: influence(make()) for name, make in list(MODELS.items())[: 2 if smoke else None]}
  i, present = np.arange(SIZE * SIZE).reshape(SIZE, SIZE), PIXEL[0] * SIZE + PIXEL[1]
  numbers = {}
  for name, map in maps.items():
    seen = map > 0
    numbers[name] = {
      "share of earlier pixels seen": float(seen[i < present].mean()),
      "later pixels seen": int(seen[i >= present].sum()),
    }

  def paint(*axes):
    for ax, (name, map) in zip(axes, maps.items()):
      with np.errstate(divide="ignore"):
        shown = np.log10(map / map.max())
      ax.set_facecolor("black")
      ax.imshow(np.where(map > 0, shown, np.nan), vmin=-6, vmax=0)
      ax.scatter(PIXEL[1], PIXEL[0], marker="s", color="red")
      ax.set(title=name, xticks=[], yticks=[])

  caption = "What the red pixel's law depends on: the derivative's size, in logarithms over six decades; black is none."
  return numbers, [(plot(paint, len(maps), 2.6), caption)]
