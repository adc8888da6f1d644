"""Sampling, compiled and spread over the devices."""

import functools

import jax
from jax.sharding import NamedSharding, PartitionSpec as P
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.sharding import gather, jit, replicated


# Keys of the config's section `sample` that are not options of the model's `sample`.
NOT_OPTIONS = "n", "seed"


def sample_options(config) -> dict:
  """The config's options of the model's `sample`."""
  return {k: v for k, v in config["sample"].items() if k not in NOT_OPTIONS}


def sampler(model: Model, mesh, n: int, **options):
  """A compiled `(weights, state, key, given={}) -> batch` of n samples, NumPy arrays in the form of
  the data.

  n is rounded up to the device count inside, so that each device computes its share. Options that
  are floats are traced, so a sweep over them compiles once; the rest are static. `given` holds n
  rows of each entry of `model.given`, and of others that the model may be given. Raises UserError
  when one is missing or the model can't sample.
  """
  if model.sample is None:
    raise UserError("this model can't sample")
  padded = -(-n // mesh.size) * mesh.size
  traced = {k: v for k, v in options.items() if isinstance(v, float)}
  draw = compiled(
    model.sample, mesh, padded, tuple((k, v) for k, v in options.items() if k not in traced)
  )

  def sample(params, state, key, given={}):
    if missing := [k for k in model.given if k not in given]:
      raise UserError(
        f"sampling needs given[{missing[0]!r}], {n} rows of the data's {missing[0]!r}"
      )
    if wrong := [k for k, x in given.items() if len(x) != n]:
      raise UserError(
        f"sampling {n} needs {n} rows of given[{wrong[0]!r}], not {len(given[wrong[0]])}"
      )
    rows = {k: np.resize(np.asarray(x), (padded, *np.shape(x)[1:])) for k, x in given.items()}
    with jax.set_mesh(mesh):
      batch = draw(params, state, key, jax.device_put(rows, replicated(mesh)), traced)
    return jax.tree.map(lambda x: x[:n], gather(batch))

  return sample


@functools.lru_cache(maxsize=64)
def compiled(sample, mesh, n: int, static: tuple):
  """`sample` of n, compiled once for its static options, each device drawing its share."""
  return jit(
    lambda params, state, key, given, traced: sample(
      params, state, key, n, given, **dict(static), **traced
    ),
    out_shardings=NamedSharding(mesh, P("data")),
  )
