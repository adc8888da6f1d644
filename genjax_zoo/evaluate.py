"""Numbers of a trained model on held-out data, each with its kind; `evaluation.json` is where they all live."""

import json
import math
from pathlib import Path
import time

import jax
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.log import read_rows
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import jit, put, replicated


def per_example(f, weights, state, data, mesh, key, progress=iter) -> dict[str, np.ndarray]:
  """`f(weights, state, batch, key)`, {name: [B]}, of every example of a test loader once, padding left out."""

  def run(weights, state, resident, inputs, key):
    k_data, key = jax.random.split(key)
    batch = data.fetch(resident, inputs, k_data)
    return f(weights, state, batch, key) | {"weight": batch["weight"]}

  rows = []
  with jax.set_mesh(mesh):
    step, resident = jit(run, out_shardings=replicated(mesh)), put(data.resident, mesh)
    for i, inputs in enumerate(progress(data.inputs(0))):
      rows.append(step(weights, state, resident, put(inputs, mesh, "data"), jax.random.fold_in(key, i)))
    rows = jax.tree.map(lambda *x: np.concatenate(x), *jax.device_get(rows))
  real = rows.pop("weight") > 0
  return {name: x[real].astype(np.float64) for name, x in rows.items()}


def evaluate(model: Model, weights, state, data, mesh, *, seed=0, log_prob={}, progress=iter) -> dict:
  """Exact means over a test loader: {"metrics", "standard_errors", "likelihood", "examples"}.

  `log_prob` holds the options of the model's `log_prob`; the likelihood tells its kind: "exact",
  "lower_bound" or "estimate".
  """
  key, found = jax.random.key(seed), {}
  if model.evaluate:
    rows = per_example(model.evaluate, weights, state, data, mesh, key, progress)
    found["metrics"] = {name: float(x.mean()) for name, x in rows.items()}
    found["standard_errors"] = {name: float(x.std() / math.sqrt(len(x))) for name, x in rows.items()}
    found["examples"] = len(next(iter(rows.values())))
  if model.log_prob:
    options = dict(log_prob)
    estimator = options.get("estimator", next(iter(model.likelihood)))
    if estimator not in model.likelihood:
      raise UserError(f"evaluate.log_prob.estimator={estimator!r}: the model has {', '.join(model.likelihood)}")
    nats = lambda *args: {"nats": model.log_prob(*args, **options)}
    rows = per_example(nats, weights, state, data, mesh, key, progress)["nats"]
    found["examples"] = len(rows)
    found["likelihood"] = {
      "kind": model.likelihood[estimator],
      "estimator": f"{estimator}-{options['k']}" if "k" in options else estimator,
      "nats": float(rows.mean()),
      "standard_error": float(rows.std() / math.sqrt(len(rows))),
    }
  return found


def bits_per_dim(nats: float, field: Field) -> float | None:
  """-nats / (D ln 2) of data of integers in [0, levels); None for continuous data, whose densities have units."""
  return None if field.levels is None else -nats / (math.prod(field.shape) * math.log(2))


def parameters(tree) -> int:
  """How many numbers a tree of arrays holds."""
  return sum(math.prod(x.shape) for x in jax.tree.leaves(tree))


def device_name() -> str:
  """The hardware, as evaluation.json tells it: "4 x cpu"."""
  n = jax.device_count()
  return f"{n} x {jax.devices()[0].device_kind}" if n > 1 else jax.devices()[0].device_kind


def time_sampling(model: Model, weights, state, mesh, *, n, given={}, seed=0, **options) -> dict:
  """Seconds an image of `sample`, compiled, after one call to warm up."""
  draw = sampler(model, mesh, n, **options)
  draw(weights, state, jax.random.key(seed), given)
  begun = time.perf_counter()
  draw(weights, state, jax.random.key(seed + 1), given)
  seconds = time.perf_counter() - begun
  calls = model.calls(**options)
  return {"seconds_per_image": seconds / n, "network_evaluations": calls, "batch": n, "device": device_name()}


def training_cost(folder: Path, batch: int) -> dict:
  """What training cost, from the rows of metrics.jsonl."""
  rows = read_rows(folder / "metrics.jsonl")
  if not rows:
    return {"seconds": 0.0, "device": device_name(), "versions": {"jax": jax.__version__}}
  rate = float(np.median([r["steps_per_second"] for r in rows]))
  stats = jax.local_devices()[0].memory_stats() or {}
  return {
    "seconds": rows[-1]["seconds"],
    "compile_seconds": rows[-1]["compile_seconds"],
    "steps_per_second": rate,
    "examples_per_second": rate * batch,
    "peak_bytes": stats.get("peak_bytes_in_use"),
    "device": device_name(),
    "versions": {"jax": jax.__version__},
  }


def write(folder: Path, evaluation: dict):
  """Writes evaluation.json, whole or not at all."""
  path = folder / "evaluation.json"
  temporary = path.with_suffix(".tmp")
  temporary.write_text(json.dumps(evaluation, indent=1))
  temporary.replace(path)


def read(folder: Path) -> dict | None:
  """evaluation.json of a run folder, None when there is none."""
  try:
    return json.loads((folder / "evaluation.json").read_text())
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
  counted = f"{evaluation['examples']:,} {evaluation['split']} examples: " if "examples" in evaluation else ""
  return counted + ", ".join(parts)
