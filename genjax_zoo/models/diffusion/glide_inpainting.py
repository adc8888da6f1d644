"""Inpainting by words, as in GLIDE (Nichol 2021, arXiv:2112.10741, section 4.3).

A trained text-to-image model gets more input channels, the image with its holes blanked and the
mask of what is known, and is trained further on images in which random regions are erased:

  loss = the denoising loss of x_t, given the caption, known x_0 and known

The new weights of the first layer start at 0, so that at first the model is the one it comes from.
A sample has the known pixels as they are given. RePaint (`prob.samplers.repaint`) fills holes with
the model as it was: it sees the known part with noise alone, and needs several passes at every
noise level until both parts agree.

Departures: EDM's noise levels and preconditioning (edm.py), as of the first stage.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models._form import to_data, to_floats
from genjax_zoo.models._inpainting import filled, image_entry
from genjax_zoo.models.diffusion import edm
from genjax_zoo.prob.holes import HOLES

CONTEXT = "context"
OTHER = "stages.first has another network: take its arguments"


def widened(old, new, pixels: int):
  """The parameters `old`, with weights 0 for the inputs that `new` has besides; shapes of `new`.

  The two differ in the inputs of one layer alone: `pixels` pixels, of each its channels, of which
  the old ones come first. Raises UserError for other differences.
  """

  def leaf(old, new):
    if old.shape == new.shape:
      return old
    without_inputs = lambda shape: (*shape[:-2], shape[-1])
    if old.ndim < 2 or without_inputs(old.shape) != without_inputs(new.shape):
      raise UserError(OTHER)
    kernel = old.reshape(*old.shape[:-2], pixels, -1, old.shape[-1])
    more = new.shape[-2] // pixels - kernel.shape[-2]
    padding = [(0, 0)] * (kernel.ndim - 2) + [(0, more), (0, 0)]
    return jnp.pad(kernel, padding).reshape(new.shape)

  if jax.tree.structure(old) != jax.tree.structure(new):
    raise UserError(OTHER)
  return jax.tree.map(leaf, old, new)


def model(
  data,
  *,
  first: Model,
  holes: str = "box",
  sd: float = 0.5,
  mean: float = -1.2,
  spread: float = 1.2,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = ("tokens",),
  drop: float = 0.1,
) -> Model:
  """Inpainting of images with `holes`, started from the model `first`, an `edm`.

  Its arguments must be those of `first`; `drop` is of the entries of `condition` alone, the known
  pixels are always given. Raises UserError for unknown holes and for another network.
  """
  name, field = image_entry(data, holes)
  height, width, channels = field.shape
  given_fields = condition_fields(data, condition)
  levels = dict(sd=sd, mean=mean, spread=spread, low=low, high=high)
  inner = edm.model(
    {**data, CONTEXT: Field((height, width, channels + 1), np.float32)},
    **levels,
    network=network,
    condition=(*condition, CONTEXT),
    drop=dict.fromkeys(condition, drop),
  )

  def init(key, batch, frozen):
    old, _ = frozen["first"]
    new = jax.eval_shape(inner.init, key, batch)[0]
    flat = network.get("name") == "mlp"
    return widened(old, new, height * width if flat else network.get("patch", 1) ** 2), {}

  def with_context(batch, x, known):
    """What the network is given: the known pixels, 0 elsewhere, and which they are."""
    return {**batch, CONTEXT: jnp.concatenate([x * known, known], -1)}

  def loss(params, state, batch, key, train):
    k_holes, key = jax.random.split(key)
    x = to_floats(batch[name], field)
    known = HOLES[holes](k_holes, len(x), height, width)
    return inner.loss(params, state, with_context(batch, x, known), key, train)

  def observe(params, state, batch, key):
    x = to_floats(batch[name], field)
    known = HOLES[holes](key, len(x), height, width)
    entries = {k: batch[k] for k in condition}
    return entries | {name: to_data(x * known, field), "known": known.astype(jnp.uint8)}

  def sample(params, state, key, n, given={}, **options):
    """n images that equal given[name] where given["known"]; the options are those of `edm`."""
    x, known = to_floats(given[name], field), given["known"].astype(jnp.float32)
    entries = {k: given[k] for k in condition}
    made = inner.sample(params, state, key, n, with_context(entries, x, known), **options)[name]
    return {name: filled(given[name], known, made)}

  known_field = Field((height, width, 1), np.uint8, 2, kind="image")
  return Model(
    init,
    loss,
    sample,
    given=given_fields | {name: field, "known": known_field},
    observe=observe,
    calls=inner.calls,
  )
