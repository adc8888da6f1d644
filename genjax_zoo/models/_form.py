"""What is modelled of a batch, as floats about zero and back."""

import jax.numpy as jnp

from genjax_zoo.core import Field


def entry(data) -> tuple[str, Field]:
  """The name and the Field of what a model of images or points is of: "image", or else "x"."""
  name = "image" if "image" in data else "x"
  return name, data[name]


def to_floats(x, field: Field):
  """Integers in [0, levels) as floats in [-1, 1], the range of tanh; real numbers as they are."""
  x = x.astype(jnp.float32)
  return 2 * x / (field.num_values - 1) - 1 if field.num_values else x


def to_data(x, field: Field):
  """The reverse of `to_floats`, in the form of the data: gray levels clipped and rounded."""
  return (
    jnp.round((jnp.clip(x, -1, 1) + 1) / 2 * (field.num_values - 1)) if field.num_values else x
  ).astype(field.dtype)
