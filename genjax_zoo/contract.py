"""Whether a model keeps the contract of core.py, found by its shapes alone, before it is trained.

For models of one's own: those of the zoo are held to it by the tests, and tracing them again would
take seconds.
"""

from collections.abc import Mapping
import inspect

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Learner, Model, UserError, nearest
from genjax_zoo.data.dataset import main_entry

KINDS = "exact", "lower_bound", "estimate"


def check(name: str, learner: Learner, fields: Mapping[str, Field], n: int, frozen=()):
  """Raises UserError, one sentence, for what a learner's model returns against the contract.

  `n` is the size of a batch, `frozen` are the earlier stages as `init` takes them. Only shapes are
  computed.
  """
  shaped = lambda fields: {k: jax.ShapeDtypeStruct((n, *f.shape), f.dtype) for k, f in fields}
  batch = shaped(fields.items()) | {"weight": jax.ShapeDtypeStruct((n,), jnp.float32)}
  key = jax.random.key(0)
  model = learner.model
  ts = jax.eval_shape(learner.init, key, batch, *frozen)
  weights = ts.weights, ts.state
  try:
    if model.loss:
      check_loss(jax.eval_shape(train(model.loss), *weights, batch, key), ts.state, n)
    if model.log_prob:
      check_kinds(model)
      check_numbers("log_prob", jax.eval_shape(model.log_prob, *weights, batch, key), n)
    if model.sample:
      given = shaped(model.given.items())
      samples = jax.eval_shape(n_samples(model.sample, n), *weights, key, given)
      check_batch("sample", samples, fields, n)
    if model.encode:
      latents = jax.eval_shape(model.encode, *weights, batch, key)
      check_latents(latents, model.latents, n)
      if model.decode:
        check_batch("decode", jax.eval_shape(model.decode, *weights, latents, key), fields, n)
  except UserError as e:
    raise UserError(f"model {name!r}: {e}") from e


def train(loss):
  """A loss as it is called in training."""
  return lambda params, state, batch, key: loss(params, state, batch, key, train=True)


def n_samples(sample, n: int):
  """(params, state, key, given) -> n samples. Raises UserError where `sample` takes no `given`."""
  if "given" not in inspect.signature(sample).parameters:
    raise UserError("sample must take what it is given: sample(params, state, key, n, given={})")
  return lambda params, state, key, given: sample(params, state, key, n, given=given)


def form(x) -> str:
  """What a function returned, in words."""
  if hasattr(x, "shape"):
    return f"{x.dtype} {list(x.shape)}"
  return f"a {type(x).__name__} of {len(x)}" if isinstance(x, (tuple, list)) else type(x).__name__


def check_kinds(model: Model):
  """Raises UserError unless it is known what `log_prob` returns."""
  if not model.likelihood or not set(model.likelihood.values()) <= set(KINDS):
    raise UserError(
      'log_prob needs Model(likelihood={"exact": "exact"}), an estimator and its kind: '
      f"{', '.join(KINDS)}; it is {dict(model.likelihood)}"
    )


def check_numbers(what: str, x, n: int):
  """Raises UserError unless x is a real number for each of n examples."""
  if not hasattr(x, "shape") or x.shape != (n,):
    advice = {
      (): "leave the mean over the batch to the training",
      (1,): "keep the axis of the batch",
    }.get(getattr(x, "shape", None), "sum over the other axes of an example")
    raise UserError(
      f"{what} must be a number for each of {n} examples, [{n}], not {form(x)}: {advice}"
    )
  if not jnp.issubdtype(x.dtype, jnp.floating):
    raise UserError(f"{what} must be real numbers, not {form(x)}")


def check_loss(returned, state: Mapping, n: int):
  """Raises UserError unless a loss returns (loss [B], (changes of state, metrics))."""
  pair = isinstance(returned, tuple) and len(returned) == 2
  if not pair or not isinstance(returned[1], tuple) or len(returned[1]) != 2:
    found = f"(loss, {form(returned[1])})" if pair else form(returned)
    raise UserError(
      f"loss must return (loss [B], (changes of state, metrics)), not {found}: "
      "return loss, ({}, {}) where there are neither"
    )
  loss, (changes, metrics) = returned
  check_numbers("the loss", loss, n)
  if not isinstance(changes, Mapping) or not isinstance(metrics, Mapping):
    raise UserError(
      f"changes of state and metrics must be dicts, not {form(changes)} and {form(metrics)}"
    )
  for name, x in changes.items():
    if name not in state:
      raise UserError(f"the loss changes state[{name!r}]{nearest(name, state)}, which init lacks")
    if jax.tree.map(form, x) != jax.tree.map(form, state[name]):
      raise UserError(
        f"the loss makes state[{name!r}] {jax.tree.map(form, x)}, which is "
        f"{jax.tree.map(form, state[name])}"
      )
  for name, x in metrics.items():
    for part in x if isinstance(x, tuple) else (x,):
      if not hasattr(part, "shape") or part.shape[:1] != (n,):
        raise UserError(
          f"the metric {name!r} must be a number for each of {n} examples, [{n}], not {form(part)}"
        )


def check_batch(what: str, batch, fields: Mapping[str, Field], n: int):
  """Raises UserError unless a batch has entries of the data, in their shapes and types."""
  if not isinstance(batch, Mapping):
    main = main_entry(fields)
    raise UserError(f"{what} must return a dict, {{{main!r}: array}}, not {form(batch)}")
  for name, x in batch.items():
    if name not in fields:
      raise UserError(f"{what} returns {name!r}{nearest(name, fields)}, which the data lack")
    field = fields[name]
    wanted = jax.ShapeDtypeStruct((n, *field.shape), field.dtype)
    if not hasattr(x, "shape") or x.shape != wanted.shape:
      raise UserError(f"{what} returns {name} {form(x)}, and the data's is {form(wanted)}")
    if x.dtype != wanted.dtype:
      values = f", integers in [0, {field.num_values})" if field.num_values else ""
      raise UserError(
        f"{what} returns {name} {form(x)}, and the data's is {form(wanted)}{values}: "
        f"scale and round it, then .astype(data[{name!r}].dtype)"
      )


def check_latents(latents, fields: Mapping[str, Field], n: int):
  """Raises UserError unless latents are a dict of arrays [B, ...], in the form of `fields`."""
  if not isinstance(latents, Mapping):
    raise UserError(f'encode must return a dict of latents, {{"z": array}}, not {form(latents)}')
  for name, x in latents.items():
    for leaf in jax.tree.leaves(x):
      if leaf.shape[:1] != (n,):
        raise UserError(f"encode returns {name} {form(leaf)}: its first axis must be the batch's")
  if fields and latents.keys() != fields.keys():
    raise UserError(
      f"encode returns {', '.join(latents)}, and Model(latents=...) names {', '.join(fields)}"
    )
  if fields:
    check_batch("encode", latents, fields, n)
