"""Real numbers in the user's units, standardised for every model in one place.

No model may depend on whether a table is in metres or in millimetres; an optimizer's step and a
small constant in a network do. So a model sees

  y = (x - mean) / sd

with the fixed `mean` and `sd` of its Field, and what it returns is in the user's units again:

  log p(x) = log p(y) - sum log sd

In the user's units are batches, given entries, samples and what is decoded; and log p, of
`Model.log_prob` and of the parts in NATS. Of y are a loss, its metrics, and the floats x of
`Model.parts`, to which noise of standard deviation 1 is added.

`build` wraps a learner by `standardized`, and the earlier stages that its constructor gets by
`restored`: these then take and return the y of this model, in whatever units they were trained.
"""

from collections.abc import Callable, Mapping
import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import PARTS, Field, Learner, Model
from genjax_zoo.data.dataset import main_entry

# The arguments of the functions of a Model, as PARTS has those of its parts.
ARGUMENTS = PARTS | {
  "init": "key, batch",
  "loss": "params, state, batch",
  "sample": "params, state, key, n, given",
  "log_prob": "params, state, batch",
  "encode": "params, state, batch",
  "decode": "params, state, latents",
  "evaluate": "params, state, batch",
  "observe": "params, state, batch",
}
ENTRIES = "batch", "given", "context", "latents"  # Arguments that are {name of an entry: rows}.
OF_DATA = "sample", "decode", "encode", "observe"  # What they return has entries of the data.
NATS = "log_prob", "log_joint", "log_component", "log_given"  # They return log p of the data, nats.


class Affine(NamedTuple):
  """The map y = (x - shift) / scale of an entry whose examples have `shape`, by its last axis."""

  shift: tuple[float, ...]
  scale: tuple[float, ...]
  shape: tuple[int, ...]

  def forward(self, x):
    """y of x [B, *shape]."""
    return (x - along_last(self.shift, x)) / along_last(self.scale, x)

  def inverse(self, y):
    """x of y [B, *shape]."""
    return y * along_last(self.scale, y) + along_last(self.shift, y)

  @property
  def inverted(self) -> "Affine":
    """The Affine of the inverse map."""
    shift = tuple(-m / s for m, s in zip(self.shift, self.scale))
    return Affine(shift, tuple(1 / s for s in self.scale), self.shape)

  @property
  def log_det(self) -> float:
    """log |det dy/dx|."""
    repeats = math.prod(self.shape) / len(self.scale)
    return -repeats * sum(map(math.log, self.scale))


def along_last(values, x):
  """Values [D] as float32 that broadcast over x [..., D]."""
  return np.reshape(np.asarray(values, np.float32), (*[1] * (jnp.ndim(x) - 1), -1))


def affines(fields: Mapping[str, Field]) -> dict[str, Affine]:
  """{name: the Affine that standardises it} of the entries that have a mean and an sd."""
  return {k: Affine(f.mean, f.sd, f.shape) for k, f in fields.items() if f.sd}


def floats(x, field: Field):
  """Real numbers [B, ...] of an entry as a model sees them."""
  return Affine(field.mean, field.sd, field.shape).forward(x) if field.sd else x


def standardized(learner: Learner, fields: Mapping[str, Field]) -> Learner:
  """The learner of batches in the user's units, from one of standardised batches."""
  maps = affines(fields)
  if not maps:
    return learner

  def init(key, batch, *frozen):
    return learner.init(key, forward(maps, batch), *frozen)

  def step(ts, batch, key):
    return learner.step(ts, forward(maps, batch), key)

  return Learner(init, step, mapped(learner.model, maps, main_entry(fields)))


def restored(model: Model, fields: Mapping[str, Field]) -> Model:
  """The model of standardised batches, from one of batches in the user's units."""
  maps = {name: affine.inverted for name, affine in affines(fields).items()}
  return mapped(model, maps, main_entry(fields)) if maps else model


def mapped(model: Model, maps: Mapping[str, Affine], main: str) -> Model:
  """The model of x from that of y, for the `maps` of entries; log p is of the entry `main`."""
  wrap = functools.partial(mapped_function, maps=maps, main=main)
  functions = {name: getattr(model, name) for name in Model._fields if name in ARGUMENTS}
  wrapped = {name: wrap(name, f) for name, f in functions.items() if f is not None}
  return model._replace(**wrapped, parts={name: wrap(name, f) for name, f in model.parts.items()})


def mapped_function(name: str, f: Callable, maps: Mapping[str, Affine], main: str) -> Callable:
  """One function of a model: its arguments are mapped by their names, what it returns by its own.

  The signature, from which options are read, stays that of `f`.
  """
  arguments = ARGUMENTS.get(name, "").split(", ")
  log_det = maps[main].log_det if main in maps else 0.0

  def argument(key, value):
    if key in ENTRIES and isinstance(value, Mapping):
      return forward(maps, value)
    if key == "c" and isinstance(value, Mapping):  # {name: (value, known)}.
      return {k: (forward(maps, {k: v})[k], known) for k, (v, known) in value.items()}
    return value

  @functools.wraps(f)
  def call(*args, **options):
    first = [argument(key, value) for key, value in zip(arguments, args)]
    options = {key: argument(key, value) for key, value in options.items()}
    found = f(*first, *args[len(first) :], **options)
    if name in OF_DATA:
      return {k: maps[k].inverse(y) if k in maps else y for k, y in found.items()}
    if name in NATS:
      return found + log_det
    if name == "mean" and main in maps:
      return maps[main].inverse(found)
    if name == "elbo_terms":
      z, posterior, terms = found
      return z, posterior, terms | {"reconstruction": terms["reconstruction"] - log_det}
    return found

  return call


def forward(maps: Mapping[str, Affine], batch: Mapping) -> dict:
  """A batch with y in place of x."""
  return {k: maps[k].forward(x) if k in maps else x for k, x in batch.items()}


def without_units(fields: Mapping[str, Field]) -> dict[str, Field]:
  """The fields as a model gets them: standardised numbers need no mean and no sd."""
  return {name: field._replace(mean=(), sd=()) for name, field in fields.items()}
