"""Inpainting by partial convolutions (Liu 2018, arXiv:1804.07723): no game, a regression.

A U-Net whose convolutions look at known pixels alone (nn/partial_conv.py) is trained on images with
random holes, and learns the hole's content as far as its surroundings say it:

  loss = mean |x - out| known + hole mean |x - out| (1 - known)      [eq. 3, 7]

It is one answer, near the median of all that fit: smooth where the surroundings don't say what was
there. The deck shows it beside GANs; it is none.

Departures: no perceptual, style and total-variation losses, which need a network of photographs; no
batch normalisation; holes are straight strokes (prob/holes.py).

Errata of the slides: docs/errata.md#partial_convolution
"""

import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._form import mean_of, to_floats
from genjax_zoo.models._inpainting import image_entry, inpainting_model
from genjax_zoo.nn.partial_conv import PartialUNet
from genjax_zoo.prob.holes import HOLES


def hole_loss(x, made, known, hole: float):
  """mean |x - made| known + hole mean |x - made| (1 - known), means over all pixels, [B]."""
  error = jnp.abs(x - made)
  return mean_of(error * known) + hole * mean_of(error * (1 - known))


def model(
  data, *, holes: str = "strokes", widths: tuple[int, ...] = (32, 64, 64), hole: float = 6.0
) -> Model:
  """Inpaints the images of `data`; `holes` are "strokes", the "centre" or the "lower" half.

  Raises UserError for data without images, and for other holes.
  """
  name, field = image_entry(data, holes)
  net = PartialUNet(widths)

  def fill(params, state, x, known):
    return net.apply({"params": params["net"]}, x, known)

  def init(key, batch):
    x = to_floats(batch[name], field)
    return {"net": net.init(key, x, jnp.ones((*x.shape[:3], 1)))["params"]}, {}

  def loss(params, state, batch, key, train):
    x = to_floats(batch[name], field)
    known = HOLES[holes](key, *x.shape[:3])
    made = fill(params, state, x * known, known)
    return hole_loss(x, made, known, hole), ({}, {})

  return inpainting_model(data, holes, init, fill)._replace(loss=loss)
