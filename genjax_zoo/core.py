"""The contract between models, training and everything else.

A `Model` is a tuple of pure functions of (params, state): what a model is. A `Learner` is a tuple
of two: how it is trained. The loop knows `Learner.init` and `Learner.step`; evaluation, sampling
and later stages know `Model`.

A model file defines one constructor, whose keyword arguments are the keys of a config:

  model(data, *, ...) -> Model          trained by `descend`: one loss, one optimizer
  learner(data, tx, *, ...) -> Learner  trained its own way: two players, EM, a step written out

`data` is {name: Field}: what a batch is, before any array exists. `tx` is {player: optimizer}. A
learner with the arguments `ema` or `schedules` gets those of the config.

A model in stages is trained on top of others. A constructor's argument annotated `Model` is an
earlier stage: the config names its config under `stages`, the constructor gets its Model, and
`init(key, batch, frozen)` gets its values as frozen[name] = (params, state). What is needed of
them goes to state["frozen"], from which all functions take it: `first.encode(
*state["frozen"]["first"], batch, key)`. An argument annotated `Model | None = None` may be left
out. docs/stages.md follows one from config to samples.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flax import struct
import jax
import jax.numpy as jnp
import optax

from genjax_zoo.errors import (  # Part of the contract.
  UserError as UserError,
  check_sizes as check_sizes,
  nearest as nearest,
  similar as similar,
)
from genjax_zoo.sharding import all_gather, shard_batch as shard_batch

PyTree = Any


class Field(NamedTuple):
  """One entry of a batch: the shape of an example, its type, and what its numbers stand for."""

  shape: tuple[int, ...]
  dtype: Any
  num_values: int | None = None  # Integers in [0, num_values); None for real numbers.
  names: tuple[str, ...] = ()  # What the values are called: words, classes.
  ordered: bool = True  # Whether near values are alike: gray levels are, codes and words are not.
  kind: str = ""  # What it is a picture of, see figures/kinds.py; "" follows the shape.
  # Of real numbers in units of their own, a mean and a standard deviation for each element of the
  # last axis: models get them standardised, see standardize.py. () for numbers as they are.
  mean: tuple[float, ...] = ()
  sd: tuple[float, ...] = ()
  tokenizer: str = ""  # Of tokens that are no words: how text becomes them, see data/tokenizer.py.


class Model(NamedTuple):
  """The pure functions of a model; operations that it does not support are None.

  A batch is a dict of arrays with a leading axis B: `{"image": uint8 [B, H, W, C], "label": [B]}`.
  A metric is an array [B], or [B, ...] with a vector for each example; a pair (numerator [B],
  denominator [B]) is a ratio of sums, such as bits a vertex. NaN is what was not measured.
  """

  # (key, batch[, frozen]) -> (params, state); params is a dict.
  init: Callable
  # (params, state, batch, key, train, **scheduled) -> (loss [B], (changes of state, metrics)).
  loss: Callable | None = None
  # (params, state, key, n, given={}, **options) -> batch, with the data's keys, shapes and types.
  sample: Callable | None = None
  # (params, state, batch, key, **options) -> log p(x), nats [B].
  log_prob: Callable | None = None
  # (params, state, batch, key) -> {name: latents [B, ...]}.
  encode: Callable | None = None
  # (params, state, {name: latents}, key) -> batch.
  decode: Callable | None = None
  # (params, state, batch, key) -> metrics {name: [B]}; `descend` derives it from the loss.
  evaluate: Callable | None = None
  # {estimator of log_prob: "exact" | "lower_bound" | "estimate"}, the default first.
  likelihood: Mapping[str, str] = {}
  # The conditions: what `sample` is given and `log_prob` is conditioned on.
  given: Mapping[str, Field] = {}
  # What `encode` returns and `decode` takes, for the stages that model it.
  latents: Mapping[str, Field] = {}
  # (params, state, batch, key) -> {name of `given`: [B, ...]}: what the model is given of an
  # example. None: those entries of the batch themselves, see `observed`.
  observe: Callable | None = None
  # ({metric: [N, ...]} of all examples) -> {name: number}: measures that are no means.
  summary: Callable | None = None
  # "uniform" or "variational": the noise by which a density bounds log p of integers.
  dequantization: str | None = None
  # (**options of sample) -> evaluations of the network, with all its layers, for one sample; None
  # where they are not known before.
  calls: Callable = lambda **options: 1
  # What later stages, lessons and figures build on: PARTS lists every key and its arguments.
  parts: Mapping[str, Callable] = {}


# The arguments of every entry of `Model.parts`, which all models that have it share. x is a batch
# [B, ...] of floats as networks see them: images in [-1, 1], a user's real numbers standardised
# (standardize.py). `c` is a condition (models/_condition.py), `level` a NoiseLevel [] or [B].
PARTS = {
  # Diffusion.
  "denoise": "params, state, x, level, c",  # -> E[x_0 | x], [B, ...].
  "path": "params, state, steps",  # -> noise levels [steps + 1], from noise to data.
  "most": "params, state",  # -> the most steps that a path can have; 0 for any number.
  "chain": "params, state, key, n, given",  # -> (x, x0_hat), each [frames, n, ...], noise to data.
  "consistency": "params, state, x, level, c",  # -> the end of the ODE's trajectory, [B, ...].
  "noise": "params, state, batch, key",  # -> {name: noise [B, ...]}, which `decode` takes too.
  "log_label": "params, state, x, level",  # -> log p(label | x), [B, classes].
  "log_caption": "params, state, x, level, tokens",  # -> log p(tokens | x) + constant, [B].
  # Games.
  "critic": "params, state, batch",  # -> logits [B], high for real data.
  "realism": "params, state, latents",  # -> the critic of what latents are decoded to, [B].
  "prior": "params, state, key, n",  # -> {"z": [n, D]}, the latents of n samples.
  "map": "params, state, latents",  # -> {"w": [B, D]} of {"z"}, which `decode` takes too.
  "project": "params, state, batch, key",  # -> {"w": [B, D]}, decoded to images near a batch's.
  "constrain": "params, state",  # -> (params, changes of state): the critic under its constraint.
  "cycles": "params, state, batch",  # -> {entry: (its translation, and that one's back)}.
  "style": "params, state, images, label",  # -> styles [B, S] of images of the data in domains.
  # Autoregressive; x are integers [B, D], `context` a batch or what is given.
  "conditionals": "params, state, x, context",  # -> parameters of each p(x_i | x_<i), [B, D, K].
  "sample_log_prob": "params, state, key, n, given",  # -> (samples, their log p, nats [n]).
  "latent_samples": "params, state, key, n, given",  # -> {name: latents of n samples}.
  "attention": "params, state, batch",  # -> weights of every layer, each [B, heads, D, D].
  "vectors": "params, state",  # -> the vectors of all tokens, [V, width].
  "prefix": "params, state, vectors",  # -> {attention: (keys, values)} of vectors [B, k, width].
  "quantiles": "params, state, x, tau, context",  # -> x_i at the quantiles tau, [B, D].
  # Latent variables.
  "log_joint": "params, state, batch, latents, key",  # -> log p(x, z), nats [B].
  "log_component": "params, state, batch",  # -> log p(x, k) of every component, nats [B, K].
  "log_given": "params, state, batch, latents, key",  # -> log p(x | z), nats [B].
  "posterior_sample": "params, state, batch, key",  # -> {"z": [B, D]} drawn from q(z | x).
  "elbo_terms": "params, state, batch, key",  # -> (z, (mean, logvar), {"reconstruction", "kl"}).
  "mean": "params, state, latents",  # -> E[x | z]; of images in [0, 1], [B, H, W, C].
  "restorations": "params, state, batch, key",  # -> {"corrupted", "baseline", "restored"}.
  # Flows.
  "bijector": "params, state",  # -> the Bijector from data to latents.
  "warp": "params, state, z",  # -> z after each layer, [depth + 2, B, D].
  # Energies.
  "energy": "params, state, x",  # -> E(x), [B].
  "latent_energy": "params, state, latents",  # -> E(z), [B].
  # Classifiers.
  "features": "params, state, batch",  # -> [B, D].
  "logits": "params, state, batch",  # -> [B, classes], or of each word [B, L, classes].
  "maps": "params, state, x",  # -> the feature maps of images, each [B, h, w, K].
  # Scenes; those of `views` are {"colour": [K, n, size, size, 3], "depth", "opacity"}.
  "views": "params, state, angles, size",  # -> K scenes from cameras [n, 2], see prob/cameras.py.
  "density": "params, state, points",  # -> that of each scene at points [P, 3] in [-1, 1]³, [K, P].
  # Images and captions.
  "score": "params, state, images, given",  # -> how well images of the data fit, [B].
  "embed_image": "params, state, images",  # -> unit vectors [B, D] of images of the data.
  "embed_text": "params, state, tokens",  # -> unit vectors [B, D] of captions.
  "read_text": "params, state, tokens",  # -> states of their words [B, L, E], 0 at padding.
}


class Learner(NamedTuple):
  """A way to train a model: all that the loop sees."""

  init: Callable  # (key, batch[, frozen]) -> TrainState.
  step: Callable  # (TrainState, batch, key) -> (TrainState, metrics []).
  model: Model  # Everything outside training calls it with (ts.weights, ts.state).


@struct.dataclass
class TrainState:
  """All that training changes; what a checkpoint holds, `state["frozen"]` aside."""

  step: jax.Array  # int32 [].
  params: dict
  # Batch statistics, codebooks, buffers; "frozen" holds the earlier stages.
  state: dict = struct.field(default_factory=dict)
  opt: PyTree = ()
  # Averages of some keys of `params`.
  ema: dict = struct.field(default_factory=dict)

  @property
  def weights(self) -> dict:
    """The parameters to evaluate and sample with."""
    return self.params | self.ema


def start(params, state, opt=(), ema=()) -> TrainState:
  """The state before the first step; `ema` names the averaged keys of `params`."""
  copies = {k: jax.tree.map(jnp.copy, params[k]) for k in ema}
  return TrainState(jnp.zeros((), jnp.int32), params, state, opt, copies)


def observed(model: Model, params, state, batch, key) -> dict:
  """What a model is given of the examples of a batch, {name of `given`: [B, ...]}."""
  if model.observe is not None:
    return model.observe(params, state, batch, key)
  return {name: batch[name] for name in model.given}


def split(tree, n: int):
  """[B, ...] to [n, B / n, ...] along the minor axis: every part stays sharded over all devices."""
  for x in jax.tree.leaves(tree):
    if len(x) % n:
      raise UserError(
        f"a batch of {len(x)} can't be split into {n} equal parts: make data.batch a multiple "
        f"of {n}"
      )
  return jax.tree.map(lambda x: x.reshape(-1, n, *x.shape[1:]).swapaxes(0, 1), tree)


def mean_metrics(metrics: Mapping, mean: Callable = jnp.mean) -> dict:
  """Metrics as numbers: means, or ratios of sums of pairs.

  `mean` is jnp.nanmean where some updates leave a metric unmeasured, as NaN.
  """

  def number(x):
    if isinstance(x, tuple):
      numerator, denominator = x
      return jnp.nansum(numerator) / jnp.nansum(denominator)
    return mean(x)

  return {name: number(x) for name, x in metrics.items()}


def minimize(loss: Callable, tx, params, opt, batch, key, *, accumulate: int = 1):
  """One step of `tx` on `loss(params, batch, key) -> (loss [B], (changes of state, metrics))`.

  Returns (params, opt, loss [], (changes, metrics)). With `accumulate` = n the gradient is the mean
  over n parts of the batch, one in memory at a time; changes of state, linear in a batch's
  statistics, are averaged likewise.
  """

  def objective(params, batch, key):
    value, aux = loss(all_gather(params), batch, key)
    return jnp.mean(value), aux

  gradient = jax.value_and_grad(objective, has_aux=True)
  if accumulate == 1:
    (value, aux), grads = gradient(params, batch, key)
  else:
    grads, value, aux = _accumulated(gradient, params, batch, key, accumulate)
  updates, opt = tx.update(grads, opt, params)
  return optax.apply_updates(params, updates), opt, value, aux


def _accumulated(gradient, params, batch, key, n: int):
  """(gradient, loss, (changes, metrics)) of a batch, n parts of it one after the other."""

  def add(total, part):
    out, grads = gradient(params, *part)
    return jax.tree.map(jnp.add, total, grads), out

  zeros = jax.tree.map(jnp.zeros_like, params)
  parts = split(batch, n), jax.random.split(key, n)
  grads, (value, (changes, metrics)) = jax.lax.scan(add, zeros, parts)
  # Counters and other integers are those of the last part.
  mean = lambda x: x.mean(0) if jnp.issubdtype(x.dtype, jnp.inexact) else x[-1]
  grads = jax.tree.map(lambda g: g / n, grads)
  return grads, value.mean(), (jax.tree.map(mean, changes), metrics)


def average(ema, params, step, decay):
  """Polyak averages of the keys of `ema`, with decay min(decay, (1 + step) / (10 + step))."""
  decay = jnp.minimum(decay, (1 + step) / (10 + step))
  return {k: optax.incremental_update(params[k], ema[k], 1 - decay) for k in ema}


def descend(
  model: Model, tx, ema: float = 0.0, schedules: Mapping = {}, accumulate: int = 1
) -> Learner:
  """Trains one objective by gradient descent.

  `schedules` are functions of the step, {argument of the loss: schedule}; they are logged, and an
  argument's default is its value in evaluation.
  """

  def init(key, batch, *frozen):
    params, state = model.init(key, batch, *frozen)
    return start(params, state, tx.init(params), ema=params if ema else ())

  def step(ts, batch, key):
    scheduled = {name: schedule(ts.step) for name, schedule in schedules.items()}

    def loss(params, batch, key):
      return model.loss(params, ts.state, batch, key, train=True, **scheduled)

    params, opt, value, (changes, metrics) = minimize(
      loss, tx, ts.params, ts.opt, batch, key, accumulate=accumulate
    )
    metrics = {"loss": value} | mean_metrics(metrics) | scheduled
    ema_params = average(ts.ema, params, ts.step, ema)
    return TrainState(ts.step + 1, params, ts.state | changes, opt, ema_params), metrics

  def evaluate(params, state, batch, key):
    loss, (_, metrics) = model.loss(params, state, batch, key, train=False)
    return {"loss": loss} | metrics

  derive = model.evaluate is None and model.loss is not None
  return Learner(init, step, model._replace(evaluate=evaluate) if derive else model)


def unroll(step, key, length: int):
  """Scans `step` over `length` stacked batches: many steps a dispatch, random by (key, step)."""
  body = lambda ts, batch: step(ts, batch, jax.random.fold_in(key, ts.step))
  return lambda ts, batches: jax.lax.scan(body, ts, batches, length)
