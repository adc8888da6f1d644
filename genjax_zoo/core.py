"""The whole contract between models, training and everything else.

A model is a tuple of pure functions of (params, state); a learner says how it is trained. The loop
knows `Learner.init` and `Learner.step`; evaluation, sampling and later stages know `Model`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flax import struct
import jax
import jax.numpy as jnp
import optax

from genjax_zoo.errors import UserError as UserError, nearest as nearest  # Part of the contract.
from genjax_zoo.sharding import spread as spread, whole

PyTree = Any


class Field(NamedTuple):
  """What data say of one entry of a batch, without the batch axis."""

  shape: tuple[int, ...]
  dtype: Any
  levels: int | None = None  # Integers in [0, levels): gray levels, classes, vocabulary.


class Model(NamedTuple):
  """A generative model: what it is. None where it can't.

  A batch is a dict of arrays with a leading axis B: `{"image": uint8 [B, H, W, C], "label": [B]}`.
  """

  init: Callable  # (key, batch[, frozen]) -> (params, state), params a dict
  # (params, state, batch, key, train, **scheduled) -> (loss [B], (changes, metrics [B]))
  loss: Callable | None = None
  sample: Callable | None = None  # (params, state, key, n, given={}, **options) -> batch
  log_prob: Callable | None = None  # (params, state, batch, key, **options) -> nats [B]
  encode: Callable | None = None  # (params, state, batch, key) -> {name: latents}
  decode: Callable | None = None  # (params, state, {name: latents}, key) -> batch
  evaluate: Callable | None = None  # (params, state, batch, key) -> metrics {name: [B]}
  likelihood: Mapping[
    str, str
  ] = {}  # {estimator: "exact" | "lower_bound" | "estimate"}, the default first
  given: tuple[str, ...] = ()  # Entries of a batch that `sample` needs: ("label",).
  dequantization: str | None = (
    None  # "uniform", "variational": how a density bounds log p of integers
  )
  # (**options of sample) -> network evaluations of one sample
  calls: Callable = lambda **options: 1
  parts: Mapping[
    str, Callable
  ] = {}  # What other models build on: "denoise", "critic", "log_joint", "logits".


class Learner(NamedTuple):
  """A way to train a model: all that the loop sees."""

  init: Callable  # (key, batch[, frozen]) -> TrainState
  step: Callable  # (TrainState, batch, key) -> (TrainState, metrics [])
  model: Model  # Everything outside training calls it with (ts.weights, ts.state).


@struct.dataclass
class TrainState:
  """All that training changes; what a checkpoint holds, `state["frozen"]` aside."""

  step: jax.Array  # int32 []
  params: dict
  state: dict = struct.field(
    default_factory=dict
  )  # Batch statistics, codebooks, buffers; "frozen": earlier stages.
  opt: PyTree = ()
  ema: dict = struct.field(default_factory=dict)  # Averages of some keys of `params`.

  @property
  def weights(self) -> dict:
    """The parameters to evaluate and sample with."""
    return self.params | self.ema


def start(params, state, opt=(), ema=()) -> TrainState:
  """The state before the first step; `ema` names the averaged keys of `params`."""
  copies = {k: jax.tree.map(jnp.copy, params[k]) for k in ema}
  return TrainState(jnp.zeros((), jnp.int32), params, state, opt, copies)


def split(tree, n: int):
  """[B, ...] to [n, B / n, ...] by the minor axis, so that every part stays spread over all
  devices.
  """
  for x in jax.tree.leaves(tree):
    if len(x) % n:
      raise UserError(
        f"a batch of {len(x)} can't be split into {n} equal parts: make data.batch a multiple of {n}"
      )
  return jax.tree.map(lambda x: x.reshape(-1, n, *x.shape[1:]).swapaxes(0, 1), tree)


def minimize(loss, tx, params, opt, *args, accumulate: int = 1, **kwargs):
  """One step of `tx` on `loss(params, ..., batch, key) -> (loss [B], (changes, metrics))`.

  Returns (params, opt, loss [], (changes, metrics)). With `accumulate` = n the gradient is the mean
  over n parts of the batch, one in memory at a time; changes of state, linear in a batch's
  statistics, are averaged likewise.
  """
  *args, batch, key = args

  def objective(params, batch, key):
    value, aux = loss(whole(params), *args, batch, key, **kwargs)
    return jnp.mean(value), aux

  gradient = jax.value_and_grad(objective, has_aux=True)
  if accumulate == 1:
    (value, aux), grads = gradient(params, batch, key)
  else:

    def add(total, part):
      out, grads = gradient(params, *part)
      return jax.tree.map(jnp.add, total, grads), out

    parts = split(batch, accumulate), jax.random.split(key, accumulate)
    grads, (value, (changes, metrics)) = jax.lax.scan(
      add, jax.tree.map(jnp.zeros_like, params), parts
    )
    mean = lambda x: x.mean(0) if jnp.issubdtype(x.dtype, jnp.inexact) else x[-1]
    grads = jax.tree.map(lambda g: g / accumulate, grads)
    value, aux = value.mean(), (jax.tree.map(mean, changes), metrics)
  updates, opt = tx.update(grads, opt, params)
  return optax.apply_updates(params, updates), opt, value, aux


def average(ema, params, step, decay):
  """Polyak average, warmed up as min(decay, (1 + step) / (10 + step)), of the keys that `ema`
  holds.
  """
  decay = jnp.minimum(decay, (1 + step) / (10 + step))
  return {k: optax.incremental_update(params[k], ema[k], 1 - decay) for k in ema}


def descend(
  model: Model, tx, ema: float = 0.0, schedules: Mapping = {}, accumulate: int = 1
) -> Learner:
  """Trains one objective by gradient descent, with scheduled loss arguments."""

  def init(key, batch, *frozen):
    params, state = model.init(key, batch, *frozen)
    return start(params, state, tx.init(params), ema=params if ema else ())

  def step(ts, batch, key):
    scheduled = {name: schedule(ts.step) for name, schedule in schedules.items()}
    options = {"train": True, "accumulate": accumulate, **scheduled}
    params, opt, loss, (changes, metrics) = minimize(
      model.loss, tx, ts.params, ts.opt, ts.state, batch, key, **options
    )
    metrics = {"loss": loss} | jax.tree.map(jnp.mean, metrics) | scheduled
    ema_params = average(ts.ema, params, ts.step, ema)
    return TrainState(ts.step + 1, params, ts.state | changes, opt, ema_params), metrics

  def evaluate(params, state, batch, key):
    loss, (_, metrics) = model.loss(params, state, batch, key, train=False)
    return {"loss": loss} | metrics

  derive = model.evaluate is None and model.loss is not None
  return Learner(init, step, model._replace(evaluate=evaluate) if derive else model)


def unroll(step, key, length: int):
  """Scans `step` over `length` stacked batches: many steps a dispatch, randomness from (key, step)."""
  body = lambda ts, batch: step(ts, batch, jax.random.fold_in(key, ts.step))
  return lambda ts, batches: jax.lax.scan(body, ts, batches, length)
