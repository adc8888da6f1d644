"""Sampling, compiled and sharded over the devices."""

from collections.abc import Mapping

import jax
from jax.extend.core import Literal
from jax.sharding import NamedSharding, PartitionSpec as P
import numpy as np

from genjax_zoo.core import Model, UserError, observed
from genjax_zoo.sharding import compiled, gather, placed, replicated

# Keys of the config's section `sample` that are not options of the model's `sample`.
NOT_OPTIONS = "n", "seed", "given"


def sample_options(config) -> dict:
  """The config's options of the model's `sample`."""
  return {k: v for k, v in config["sample"].items() if k not in NOT_OPTIONS}


def given_of(run, batch, seed: int = 0) -> dict:
  """What a run's `sample` is given of the examples of a batch, {name: [B, ...]}; {} for nothing."""
  return observed(run.model, run.weights, run.state, batch, jax.random.key(seed))


def sampler(model: Model, mesh, n: int, **options):
  """A compiled `(weights, state, key, given={}) -> batch` of n samples, NumPy arrays.

  Their keys, shapes and dtypes are those of the data. Inside, n is rounded up to a multiple of the
  number of devices, which compute equal shares. Options that are floats, or dicts of them, are
  traced, so that a sweep over them compiles once; the others are static. `given` holds n rows of
  each entry of `model.given`, and of others that the model can be given. Raises UserError where one
  is missing or has no use, and when the model can't sample.
  """
  if model.sample is None:
    raise UserError("this model can't sample")
  padded = -(-n // mesh.size) * mesh.size
  traced = {k: v for k, v in options.items() if isinstance(v, (float, Mapping))}
  static = {k: v for k, v in options.items() if k not in traced}
  draw = compiled(model.sample, NamedSharding(mesh, P("data")), n=padded, **static)

  def sample(params, state, key, given={}):
    check_given(model, given, n)
    params, state, key = placed((params, state, key), mesh)
    rows = {k: np.resize(np.asarray(x), (padded, *np.shape(x)[1:])) for k, x in given.items()}
    rows = jax.device_put(rows, replicated(mesh))
    with jax.set_mesh(mesh):
      if given.keys() - model.given.keys():
        check_used(model, draw.trace(params, state, key, given=rows, **traced), given)
      batch = draw(params, state, key, given=rows, **traced)
    return jax.tree.map(lambda x: x[:n], gather(batch))

  return sample


def check_given(model: Model, given, n: int):
  """Raises UserError unless `given` has n rows of all that the model needs."""
  for name, field in model.given.items():
    if name not in given:
      names = f", or names such as {field.names[0]!r}" if field.names else ""
      others = ", ".join(map(repr, sorted(given.keys() - model.given.keys())))
      raise UserError(
        f"sampling needs given[{name!r}], one or {n} rows of the data's {name!r}{names}"
        + (f"; the model makes no use of {others}" if others else "")
      )
  for name, x in given.items():
    if len(x) != n:
      raise UserError(f"sampling {n} needs {n} rows of given[{name!r}], not {len(x)}")


def check_used(model: Model, traced, given):
  """Raises UserError for an entry of `given` that a traced `sample` doesn't read."""
  program = traced.jaxpr.jaxpr
  read = set()
  for equation in program.eqns:
    read |= {x for x in equation.invars if not isinstance(x, Literal)}
  leaves = jax.tree_util.tree_leaves_with_path(traced.in_avals)
  for (path, _), variable in zip(leaves, program.invars, strict=True):
    # A path is (arguments or keywords, "given", name).
    section = jax.tree_util.keystr(path[1:-1])
    if section == "['given']" and variable not in read:
      takes = ", ".join(model.given) or "nothing"
      raise UserError(f"the model makes no use of given[{path[-1].key!r}]; it is given {takes}")
