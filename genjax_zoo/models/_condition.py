"""Conditions: what a model is given beside what it models, by one mechanism for every network.

A condition is c = {name: (value [B, ...], known [B])}, {} for an unconditional model. An entry with
known = 0 is not given: its value is zeros, and no network looks at it. The null condition is the
same dict with every flag 0, so that it can differ by entry and by example. What an entry is, a
label, a caption, an image, its Field says; `nn.condition` makes network inputs of it.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, UserError, nearest


def condition_fields(data: Mapping[str, Field], names: tuple[str, ...] | None) -> dict[str, Field]:
  """{name: Field} of the entries that a model is conditioned on, in the order of `names`.

  None is the label, where the data have one. Raises UserError for an entry that the data lack.
  """
  if names is None:
    names = ("label",) if "label" in data else ()
  for name in names:
    if name not in data:
      raise UserError(
        f"model.condition={names}: the data have no {name!r}{nearest(name, data)}; "
        f"they have {', '.join(data)}; --config.model.condition= takes none"
      )
  return {name: data[name] for name in names}


def label_classes(fields: Mapping[str, Field]) -> int:
  """The number of classes of a condition that is one label; 0 without a condition.

  Raises UserError for any other condition: of networks that take labels alone.
  """
  if not fields:
    return 0
  field = next(iter(fields.values()))
  if len(fields) > 1 or field.shape or not field.num_values:
    raise UserError(
      f"model.condition={tuple(fields)}: this model can be conditioned on one label of known "
      "classes, and on nothing else"
    )
  return field.num_values


def condition_of(fields: Mapping[str, Field], given: Mapping, n: int) -> dict:
  """The condition of n examples, of a batch or of what is given; what is missing is null."""

  def entry(name, field):
    if name in given:
      return jnp.asarray(given[name]), jnp.ones(n)
    return jnp.zeros((n, *field.shape), field.dtype), jnp.zeros(n)

  return {name: entry(name, field) for name, field in fields.items()}


def drop(c: dict, key, p: float | Mapping[str, float]) -> dict:
  """The condition with entries left out at random, for classifier-free guidance.

  (Ho & Salimans 2022, arXiv:2207.12598.) With one probability p an example keeps or loses all its
  entries at once; {name: probability} drops each on its own.
  """

  def dropped(entry, key, p):
    value, known = entry
    return masked(value, known * ~jax.random.bernoulli(key, p, known.shape))

  if isinstance(p, Mapping):
    keys = dict(zip(c, jax.random.split(key, max(len(c), 1))))
    return {name: dropped(c[name], keys[name], p.get(name, 0.0)) for name in c}
  return {name: dropped(c[name], key, p) for name in c} if p else c


def null(c: dict) -> dict:
  """The null condition in the form of c: nothing is given."""
  return {name: masked(value, jnp.zeros_like(known)) for name, (value, known) in c.items()}


def masked(value, known) -> tuple:
  """An entry whose value is zeros wherever it is not known."""
  seen = known.reshape(-1, *[1] * (value.ndim - 1)) > 0
  return jnp.where(seen, value, jnp.zeros_like(value)), known
