"""Numbers of a trained model on held-out data, each with its kind; `evaluation.json` is where they
all live.
"""

from collections.abc import Iterable, Mapping
import functools
import json
import math
from pathlib import Path
import time

import jax
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.log import read_rows
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import jit, put, replicated


def per_example(
  f, weights, state, data, mesh, key, progress=iter, repeats: int = 1
) -> dict[str, np.ndarray]:
  """`f(weights, state, batch, key)`, {name: [B]}, of every example of a test loader, padding left
  out.

  The mean over `repeats` passes, each with draws of its own of what is random: binarization,
  dequantization, latents.
  """

  def once(key):
    rows = []
    for i, inputs in enumerate(progress(data.inputs(0))):
      rows.append(
        step(weights, state, resident, put(inputs, mesh, "data"), jax.random.fold_in(key, i))
      )
    return jax.tree.map(lambda *x: np.concatenate(x), *jax.device_get(rows))

  with jax.set_mesh(mesh):
    step, resident = rows_of(f, data.fetch, mesh), put(data.resident, mesh)
    passes = [once(jax.random.fold_in(key, i)) for i in range(repeats)]
  rows = jax.tree.map(lambda *x: np.mean(x, 0), *passes)
  real = rows.pop("weight") > 0
  return {name: x[real].astype(np.float64) for name, x in rows.items()}


@functools.lru_cache(maxsize=8)
def rows_of(f, fetch, mesh):
  """`f` of the batch that `fetch` makes, with its weights; compiled once, however often it is
  measured.
  """

  def run(weights, state, resident, inputs, key):
    k_data, key = jax.random.split(key)
    batch = fetch(resident, inputs, k_data)
    return f(weights, state, batch, key) | {"weight": batch["weight"]}

  return jit(run, out_shardings=replicated(mesh))


def evaluate(
  model: Model, weights, state, data, mesh, *, seed=0, repeats=1, log_prob={}, progress=iter
) -> dict:
  """Exact means over a test loader: {"metrics", "standard_errors", "likelihood", "examples"}.

  `log_prob` holds the options of the model's `log_prob`; the likelihood tells its kind: "exact",
  "lower_bound" or "estimate". Each number is the mean over `repeats` passes, standard errors are
  over examples.
  """
  key, found = jax.random.key(seed), {}
  if model.evaluate:
    rows = per_example(model.evaluate, weights, state, data, mesh, key, progress, repeats)
    measured = {name: x[~np.isnan(x)] for name, x in rows.items() if not np.isnan(x).all()}
    found["metrics"] = {name: float(x.mean()) for name, x in measured.items()}
    found["standard_errors"] = {
      name: float(x.std() / math.sqrt(len(x))) for name, x in measured.items()
    }
    found["examples"] = len(next(iter(rows.values())))
  if model.log_prob:
    options = dict(log_prob)
    estimator = options.get("estimator", next(iter(model.likelihood)))
    nats = lambda *args: {"nats": model.log_prob(*args, **options)}
    rows = per_example(nats, weights, state, data, mesh, key, progress, repeats)["nats"]
    found["examples"] = len(rows)
    found["likelihood"] = {
      "kind": model.likelihood[estimator],
      "estimator": f"{estimator}-{options['k']}" if "k" in options else estimator,
      "nats": float(rows.mean()),
      "standard_error": float(rows.std() / math.sqrt(len(rows))),
      "repeats": repeats,
      "dequantization": model.dequantization,
    }
  return found


def bits_per_dim(nats: float, fields: Mapping[str, Field]) -> float | None:
  """-nats / (D ln 2) of "image", or else "x", D integers in [0, levels); None for real numbers."""
  field = fields.get("image") or fields.get("x") or next(iter(fields.values()))
  return None if field.num_values is None else -nats / (math.prod(field.shape) * math.log(2))


def parameters(tree) -> int:
  """How many numbers a tree of arrays holds."""
  return sum(math.prod(x.shape) for x in jax.tree.leaves(tree))


def device_name() -> str:
  """The hardware, as evaluation.json tells it: "4 x cpu"."""
  n = jax.device_count()
  return f"{n} x {jax.devices()[0].device_kind}" if n > 1 else jax.devices()[0].device_kind


def time_sampling(
  model: Model, weights, state, mesh, *, n, given={}, seed=0, budget=5.0, **options
) -> dict:
  """Seconds an image of `sample`, compiled and warmed up, at batch 1 and at the best of n, 4 n, 16
  n.

  A batch is tried only while one draw takes less than `budget` seconds. `given` holds n rows.
  """
  seconds = {}
  for batch in (1, n, 4 * n, 16 * n):
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
  """What training cost, from the rows of metrics.jsonl, on this process's devices.

  "seconds" are with those of the earlier stages in the folders `stages`; all else is of the last
  stage alone.
  """
  before = sum((read(stage, "training.json") or {}).get("seconds", 0.0) for stage in stages)
  if not (rows := read_rows(folder / "metrics.jsonl")):
    return {"seconds": before, "device": device_name(), "versions": {"jax": jax.__version__}}
  rate = float(np.median([r["steps_per_second"] for r in rows if "steps_per_second" in r]))
  stats = jax.local_devices()[0].memory_stats() or {}
  return {
    "seconds": before + rows[-1]["seconds"],
    "compile_seconds": rows[-1]["compile_seconds"],
    "steps_per_second": rate,
    "examples_per_second": rate * batch,
    "peak_bytes": stats.get("peak_bytes_in_use"),
    "device": device_name(),
    "versions": {"jax": jax.__version__},
  }


def read(folder: Path, name: str = "evaluation.json") -> dict | None:
  """A JSON file of a run folder, None when it is not there or can't be read."""
  try:
    return json.loads((folder / name).read_text())
  except (OSError, ValueError):
    return None


def summary(evaluation: dict) -> str:
  """The numbers in a line."""
  parts = [f"{name} {value:.4g}" for name, value in evaluation.get("metrics", {}).items()]
  if likelihood := evaluation.get("likelihood"):
    sign = {"exact": "=", "lower_bound": ">=", "estimate": "~"}[likelihood["kind"]]
    bits = likelihood["bits_per_dim"]
    parts.append(f"log p {sign} {likelihood['nats']:.2f} nats ({likelihood['estimator']})")
    parts += [f"{bits:.3f} bits/dim"] if bits is not None else []
  if found := evaluation.get("quality"):
    parts.append(f"FID {found['fid']:.3g} of {found['samples']:,} samples, by {found['features']}")
  if sampling := evaluation.get("sampling"):
    parts.append(
      f"{1 / sampling['seconds_per_image']:.3g} samples/s by {sampling['network_evaluations']} network calls"
    )
  counted = (
    f"{evaluation['examples']:,} {evaluation['split']} examples: "
    if "examples" in evaluation
    else ""
  )
  return counted + ", ".join(parts)
