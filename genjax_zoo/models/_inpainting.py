"""What models that fill holes in images share: what they are given, their measures, their Model."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError, nearest as nearest_name
from genjax_zoo.models._form import entry, to_data, to_floats
from genjax_zoo.prob.holes import HOLES, nearest


def image_entry(data, holes: str) -> tuple[str, Field]:
  """The name and Field of the images that are inpainted.

  Raises UserError for data without gray levels, and for unknown `holes`.
  """
  name, field = entry(data)
  if len(field.shape) != 3 or not field.num_values:
    raise UserError(f"inpainting is of images [H, W, C]; {name!r} has the shape {field.shape}")
  if holes not in HOLES:
    raise UserError(
      f"unknown model.holes={holes!r}{nearest_name(holes, HOLES)}; there are {', '.join(HOLES)}"
    )
  return name, field


def filled(x, known, made):
  """x [B, H, W, C] where it is known [B, H, W, 1], else what was made."""
  return jnp.where(known > 0, x, made)


def hole_psnr(x, made, known):
  """(PSNR of all pixels, that of the unknown ones), dB [B]; images in [-1, 1], clipped to it."""
  square = ((x - jnp.clip(made, -1, 1)) / 2) ** 2
  hole = jnp.broadcast_to(1 - known, x.shape)
  decibels = lambda error: -10 * jnp.log10(jnp.maximum(error, 1e-10))
  total = (square * hole).sum((1, 2, 3))
  return decibels(square.mean((1, 2, 3))), decibels(total / jnp.maximum(hole.sum((1, 2, 3)), 1))


def inpainting_model(data, holes: str, init: Callable, fill: Callable) -> Model:
  """The Model that is given images with holes, and "known" [H, W, 1], 1 where there is none.

  fill(params, state, x, known) -> images [B, H, W, C] as `to_floats` returns them; x is 0, gray,
  where it is not known. Evaluation measures PSNR, also that in the hole, beside the baseline that
  takes the nearest known pixel.
  """
  name, field = image_entry(data, holes)
  h, w, _ = field.shape
  given = {name: field, "known": Field((h, w, 1), np.uint8, 2, kind="image")}

  def cut(batch, key):
    """(images, which pixels of them are known)."""
    x = to_floats(batch[name], field)
    return x, HOLES[holes](key, len(x), h, w)

  def restored(params, state, x, known):
    return filled(x, known, fill(params, state, x * known, known))

  def observe(params, state, batch, key):
    x, known = cut(batch, key)
    return {name: to_data(x * known, field), "known": known.astype(jnp.uint8)}

  def sample(params, state, key, n, given):
    x, known = to_floats(given[name], field), given["known"].astype(jnp.float32)
    return {name: to_data(restored(params, state, x, known), field)}

  def evaluate(params, state, batch, key):
    x, known = cut(batch, key)
    psnr, in_hole = hole_psnr(x, restored(params, state, x, known), known)
    baseline, baseline_in_hole = hole_psnr(x, nearest(x, known), known)
    return {
      "psnr": psnr,
      "psnr_baseline": baseline,
      "hole_psnr": in_hole,
      "hole_psnr_baseline": baseline_in_hole,
    }

  def restorations(params, state, batch, key):
    x, known = cut(batch, key)
    made = restored(params, state, x, known)
    rows = {"corrupted": x * known, "baseline": nearest(x, known), "restored": made}
    return {k: (v + 1) / 2 for k, v in rows.items()}

  parts = {"restorations": restorations}
  return Model(init, sample=sample, evaluate=evaluate, given=given, observe=observe, parts=parts)
