"""The entry of a batch that is modelled, as floats in [-1, 1] and back."""

from collections.abc import Mapping

import jax.numpy as jnp

from genjax_zoo.core import Field, UserError

ENTRIES = "target", "image", "x", "points", "video"  # A target is made of an image.


def entry(data: Mapping[str, Field]) -> tuple[str, Field]:
  """The name and Field of the entry that is modelled: the first of ENTRIES that there is.

  Raises UserError for data with none.
  """
  for name in ENTRIES:
    if name in data:
      return name, data[name]
  if "image_a" in data:
    raise UserError(
      "the model is of one domain, and the data are of two, image_a and image_b: take cyclegan to "
      "translate between them, folder:PATH for one of them, or pairs:PATH where there are pairs"
    )
  known = " or ".join(map(repr, ENTRIES))
  raise UserError(
    f"the model is of {known}, and the data have {', '.join(data)}: choose other data, or a model "
    "of these"
  )


def image_of(data: Mapping[str, Field]) -> Field:
  """The Field of "image". Raises UserError for data without images."""
  if "image" not in data:
    raise UserError(
      f"the model is of 'image', and the data have {', '.join(data)}: choose other data, or a "
      "model of these"
    )
  return data["image"]


def mean_of(x):
  """Means over all but the first axis, [B]."""
  return x.reshape(len(x), -1).mean(-1)


def to_floats(x, field: Field):
  """Integers in [0, num_values) scaled to [-1, 1], the range of tanh; real numbers unchanged."""
  x = x.astype(jnp.float32)
  return 2 * x / (field.num_values - 1) - 1 if field.num_values else x


def to_data(x, field: Field):
  """The inverse of `to_floats`, in the data's dtype: gray levels are clipped and rounded."""
  if field.num_values:
    x = jnp.round((jnp.clip(x, -1, 1) + 1) / 2 * (field.num_values - 1))
  return x.astype(field.dtype)
