"""Measures of a trained model on held-out data, and what it cost to train and to sample from.

`evaluation.json` is the one place where they are kept. A likelihood is always with its kind and
with what it is given: log p(x | label) is no log p(x).
"""

from collections.abc import Iterable, Mapping
import math
from pathlib import Path
import time

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec as P
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.log import read_json, read_rows
from genjax_zoo.prob.distributions import log_mean_exp
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import compiled, device_name, gather, placed, put

CLASSES = 100  # Of a label, at most, over which log p(x) is summed.
POINTS = 30  # Of a curve of training, at most.


def per_example(
  f, weights, state, data, mesh, key, progress=iter, repeats: int = 1
) -> dict[str, np.ndarray]:
  """`f(weights, state, batch, key)` of every example of a test loader, {name: [N, ...]}.

  Padding is left out. Numbers are means over `repeats` passes, each with its own draws of what is
  random: binarization, dequantization, latents. Vectors are those of the first pass. A pair stays
  a pair.
  """

  def once(key):
    rows = []
    for i, inputs in enumerate(progress(data.inputs(0))):
      inputs = put(inputs, mesh, "data")
      # Read at once: `progress` takes the time of a block.
      found = step(weights, state, resident, inputs, jax.random.fold_in(key, i))
      rows.append(gather(found))
    return jax.tree.map(lambda *x: np.concatenate(x), *rows)

  weights, state, key = placed((weights, state, key), mesh)
  with jax.set_mesh(mesh):
    # Left where they are, devices need not wait for each other.
    by_row = NamedSharding(mesh, P("data"))
    step = compiled(rows_of, by_row, f=f, fetch=data.fetch)
    resident = put(data.resident, mesh)
    passes = [once(jax.random.fold_in(key, i)) for i in range(repeats)]

  shortest = min(len(rows["weight"]) for rows in passes)  # Where `progress` ends a pass early.
  passes = jax.tree.map(lambda x: x[:shortest], passes)
  real = passes[0].pop("weight") > 0
  for later in passes[1:]:
    later.pop("weight")
  mean = lambda *x: np.mean(x, 0)[real].astype(np.float64) if x[0].ndim == 1 else x[0][real]
  return jax.tree.map(mean, *passes)


def rows_of(weights, state, resident, inputs, key, *, f, fetch):
  """`f` of the batch that `fetch` makes, {name: [B, ...]}, with the weights of its examples."""
  k_data, key = jax.random.split(key)
  batch = fetch(resident, inputs, k_data)
  return f(weights, state, batch, key) | {"weight": batch["weight"]}


def evaluate(
  model: Model, weights, state, data, mesh, *, seed=0, repeats=1, log_prob={}, progress=iter
) -> dict:
  """{"metrics", "standard_errors", "likelihood", "examples"} of a model on a test loader.

  Each number is a mean over all examples and over `repeats` passes, see `per_example`; standard
  errors are over examples. `log_prob` holds the options of the model's `log_prob`; for the
  likelihood see `likelihood`.
  """
  key = jax.random.key(seed)
  found = {}
  if model.evaluate:
    rows = per_example(model.evaluate, weights, state, data, mesh, key, progress, repeats)
    measured = {name: mean_and_error(x) for name, x in rows.items() if is_measured(x)}
    found["metrics"] = {name: mean for name, (mean, _) in measured.items()}
    found["standard_errors"] = {name: error for name, (_, error) in measured.items()}
    if model.summary:
      found["metrics"] |= {name: float(x) for name, x in model.summary(rows).items()}
    found["examples"] = len(jax.tree.leaves(rows)[0])
  if model.log_prob:
    options = dict(log_prob)
    nats = lambda *args: log_probs(model, options, *args)
    rows = per_example(nats, weights, state, data, mesh, key, progress, repeats)
    found["examples"] = len(rows["nats"])
    found["likelihood"] = likelihood(model, rows, options, repeats)
  return found


def log_probs(model: Model, options: Mapping, params, state, batch, key) -> dict:
  """{"nats": log p [B]} of examples, given what the model is conditioned on.

  Of a model conditioned on one label y also {"marginal": log p(x)}, all of its C classes being
  equally likely. Where log p is exact, and C at most CLASSES,

    log p(x) = log 1/C sum_y p(x | y)

  A bound or an estimate is noisy, and the noise of the terms would raise the logarithm of their sum
  above it. There, and for many classes, a lower bound is the one term of the example's own label,

    log p(x) >= log p(x | y) - log C
  """
  nats = model.log_prob(params, state, batch, key, **options)
  label = marginal_label(model)
  if label is None:
    return {"nats": nats}
  classes = model.given[label].num_values
  if marginal_kind(model, options) != "exact":
    return {"nats": nats, "marginal": nats - math.log(classes)}

  def given_class(y):
    labels = jnp.full_like(batch[label], y)
    return model.log_prob(params, state, batch | {label: labels}, key, **options)

  return {"nats": nats, "marginal": log_mean_exp(jax.lax.map(given_class, jnp.arange(classes)))}


def marginal_label(model: Model) -> str | None:
  """The name of the one label that a model is conditioned on; None of any other condition."""
  if len(model.given) != 1 or model.observe:
    return None
  (name,) = model.given
  field = model.given[name]
  return name if field.num_values and not field.shape else None


def likelihood_kind(model: Model, options: Mapping) -> str:
  """What log p by these options of `log_prob` is: "exact", "lower_bound" or "estimate"."""
  return model.likelihood[options.get("estimator", next(iter(model.likelihood)))]


def marginal_kind(model: Model, options: Mapping) -> str:
  """What log p(x) of a model conditioned on one label is."""
  kind = likelihood_kind(model, options)
  (field,) = model.given.values()
  return "lower_bound" if kind == "exact" and field.num_values > CLASSES else kind


def likelihood(model: Model, rows: Mapping, options: Mapping, repeats: int) -> dict:
  """The likelihood of a model from `log_probs` of examples, as evaluation.json holds it.

  "given" names what log p is conditioned on. "marginal" is, in the same form, the likelihood of the
  data alone with its "prior" of the label, or None where it is not known.
  """
  about = mean_log_prob(model, rows["nats"], options, repeats) | {"given": list(model.given)}
  if "marginal" not in rows:
    return about | {"marginal": None}
  marginal = mean_log_prob(model, rows["marginal"], options, repeats)
  marginal |= {"kind": marginal_kind(model, options), "given": [], "prior": "uniform"}
  return about | {"marginal": marginal}


def mean_log_prob(model: Model, rows, options: Mapping, repeats: int) -> dict:
  """The mean of log p of examples, nats [N], and how it was measured."""
  estimator = options.get("estimator", next(iter(model.likelihood)))
  return {
    "kind": likelihood_kind(model, options),
    "estimator": f"{estimator}-{options['k']}" if "k" in options else estimator,
    "nats": float(rows.mean()),
    "standard_error": float(rows.std() / math.sqrt(len(rows))),
    "repeats": repeats,
    "dequantization": model.dequantization,
  }


def is_measured(metric) -> bool:
  """Whether a metric has a mean: numbers [N] that are not all NaN, or a pair; not vectors."""
  if isinstance(metric, tuple):
    return True
  return metric.ndim == 1 and not np.isnan(metric).all()


def mean_and_error(metric) -> tuple[float, float]:
  """The mean of numbers [N], or a pair's ratio of sums, and its standard error; NaN left out.

  The error of a ratio r = sum a / sum b is, by the delta method, sqrt(sum (a - r b)^2) / sum b.
  """
  if isinstance(metric, tuple):
    both = np.stack(metric)
    a, b = both[:, ~np.isnan(both).any(0)]
    ratio = a.sum() / b.sum()
    return float(ratio), float(np.sqrt(np.sum((a - ratio * b) ** 2)) / b.sum())
  x = metric[~np.isnan(metric)]
  return float(x.mean()), float(x.std() / math.sqrt(len(x)))


def bits_per_dim(nats: float, fields: Mapping[str, Field]) -> float | None:
  """-nats / (D ln 2) of the data's main entry, D integers; None for real numbers.

  None too for entries that have a mask: not all of them are as long.
  """
  name = main_entry(fields)
  field = fields[name]
  if field.num_values is None or f"{name}_mask" in fields:
    return None
  return -nats / (math.prod(field.shape) * math.log(2))


def parameters(tree) -> int:
  """The number of parameters: the elements of all arrays of a tree."""
  return sum(math.prod(x.shape) for x in jax.tree.leaves(tree))


def time_sampling(
  model: Model, weights, state, mesh, *, n, given={}, seed=0, budget=5.0, **options
) -> dict:
  """The time of `sample`, compiled and warmed up, in seconds an image, and its network evaluations.

  It is that of one image alone, and of the fastest of batches of 1, n, 4 n and 16 n; a larger batch
  is tried only while one takes less than `budget` seconds, and on a CPU only if it should take less
  than 12 times that. `given` holds n rows.
  """
  seconds = {}
  for batch in (1, n, 4 * n, 16 * n):
    # On a CPU the time grows with the batch.
    growing = seconds and jax.default_backend() == "cpu"
    if growing and min(seconds.values()) * batch > 12 * budget:
      break
    rows = {k: np.resize(x, (batch, *x.shape[1:])) for k, x in given.items()}
    draw = sampler(model, mesh, batch, **options)
    draw(weights, state, jax.random.key(seed), rows)
    begun = time.perf_counter()
    draw(weights, state, jax.random.key(seed + 1), rows)
    took = time.perf_counter() - begun
    seconds[batch] = took / batch
    if took > budget:
      break
  best = min(seconds, key=seconds.get)
  return {
    "seconds_per_image": seconds[best],
    "seconds_per_image_alone": seconds[1],
    "network_evaluations": model.calls(**options),
    "batch": best,
    "device": device_name(),
  }


def training_cost(folder: Path, batch: int, stages: Iterable[Path] = ()) -> dict:
  """The cost of training, from the rows of metrics.jsonl, of all its sessions.

  "seconds" include those of the earlier stages, in the folders `stages`; the other numbers, and the
  "curve" of the losses, are of the last stage alone. Devices and versions are those of all
  sessions, in their order.
  """
  trained = [read_json(stage / "training.json", {}) for stage in stages]
  before = sum(stage.get("seconds", 0.0) for stage in trained)
  rows = read_rows(folder / "metrics.jsonl")
  several = lambda key, present: ", ".join(dict.fromkeys(r.get(key, present) for r in rows))
  where = {
    "device": several("device", device_name()) or device_name(),
    "versions": {"jax": several("jax", jax.__version__) or jax.__version__},
  }
  if not rows:
    return {"seconds": before, **where}
  rate = float(np.median([r["steps_per_second"] for r in rows if "steps_per_second" in r]))
  stats = jax.local_devices()[0].memory_stats() or {}
  return {
    "seconds": before + rows[-1]["seconds"],
    "compile_seconds": rows[-1]["compile_seconds"],
    "steps_per_second": rate,
    "examples_per_second": rate * batch,
    "peak_bytes": stats.get("peak_bytes_in_use"),
    "curve": curve(rows),
    **where,
  }


def curve(rows: list[dict]) -> dict[str, list]:
  """{"step": steps, loss: values} of at most POINTS rows: of "loss", or of each "..._loss"."""
  trained = [row for row in rows if "steps_per_second" in row]
  last = trained[-1]
  names = ["loss"] if "loss" in last else [k for k in last if k.endswith("_loss")]
  kept = trained[:: -(-len(trained) // POINTS)]
  short = lambda x: x and float(f"{x:.4g}")
  steps = [row["step"] for row in kept]
  return {"step": steps} | {k: [short(row.get(k)) for row in kept] for k in names}


def summary(evaluation: dict) -> str:
  """The main numbers of an evaluation in a line."""
  parts = [f"{name} {value:.4g}" for name, value in evaluation.get("metrics", {}).items()]
  if found := evaluation.get("likelihood"):
    parts += [log_prob_line(x) for x in (found, found["marginal"]) if x]
  if found := evaluation.get("quality"):
    name, key = ("FID", "fid") if "fid" in found else ("1-NNA", "one_nearest_neighbour")
    features = found["features"].partition("@")[0]
    parts.append(f"{name} {found[key]:.3g} of {found['samples']:,} samples, by {features}")
  if found := evaluation.get("sampling"):
    calls = found["network_evaluations"]
    by = "" if calls is None else f" by {calls} network call{'s' * (calls != 1)} each"
    parts.append(f"{1 / found['seconds_per_image']:.3g} samples/s{by}")
  line = ", ".join(parts)
  if "examples" in evaluation:
    return f"{evaluation['examples']:,} {evaluation['split']} examples: {line}"
  return line


def log_prob_line(found: Mapping) -> str:
  """A likelihood in words: "log p(x | label) >= -94.91 nats (iwae-500), 2.139 bits/dim"."""
  sign = {"exact": "=", "lower_bound": ">=", "estimate": "~"}[found["kind"]]
  of = f"p(x | {', '.join(found['given'])})" if found["given"] else "p(x)"
  line = f"log {of} {sign} {found['nats']:.2f} nats ({found['estimator']})"
  bits = found["bits_per_dim"]
  return line if bits is None else f"{line}, {bits:.3f} bits/dim"
