"""What is modelled of a batch, as floats about zero and back."""

import jax.numpy as jnp

from genjax_zoo.core import Field


def entry(data) -> tuple[str, Field]:
  """The name and the Field of what a model of images or points is of: "image", or else "x"."""
  name = "image" if "image" in data else "x"
  return name, data[name]


def centred(x, field: Field):
  """Integers in [0, levels) as floats in [-1, 1], the range of tanh; real numbers as they are."""
  x = x.astype(jnp.float32)
  return 2 * x / (field.levels - 1) - 1 if field.levels else x


def in_form(x, field: Field):
  """The reverse of `centred`, in the form of the data: gray levels clipped and rounded."""
  return (
    jnp.round((jnp.clip(x, -1, 1) + 1) / 2 * (field.levels - 1)) if field.levels else x
  ).astype(field.dtype)
