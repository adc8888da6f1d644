"""How fast this project trains and samples, beside PyTorch on the same machine:

  python -m experiments.bench [--workloads=vae,glow] [--quick] [--workdir=runs/bench]

Each of `workloads.WORKLOADS` is compared with a twin of the same architecture, batch and precision,
whose weights are copied from ours and whose outputs must be equal to 1e-4. Contenders are timed in
turn, medians count: ours with one and with many steps a dispatch, PyTorch eager and compiled (not
with --quick), each with one thread and with all. A ratio is the best of ours over the best of
theirs. Writes bench.json and bench.png.

`python -m experiments.bench.startup` times the first step of every config of digits, `.blocks` each
layer alone and inside a scan, `.scale` lists what many devices would send each other.
"""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import json
from pathlib import Path
import sys

from absl import app, flags, logging
import jax
import numpy as np

from experiments.bench import measure, ours
from experiments.bench.cost import counted, device_rates, loops, step
from experiments.bench.workloads import ON_GPU, WORKLOADS, Workload
from genjax_zoo.core import UserError, nearest
from genjax_zoo.evaluate import device_name
from genjax_zoo.figures.pictures import plot, save
from genjax_zoo.log import write_json

flags.DEFINE_list("workloads", [], "Names of workloads, all by default.")
flags.DEFINE_bool("quick", False, "Shorter, and without torch.compile.")
flags.DEFINE_string("workdir", "runs/bench", "Where bench.json and bench.png go.")
FLAGS = flags.FLAGS
TOLERANCE = 1e-4


def agreement(w: Workload, params, theirs) -> float:
  """The largest difference of the twin's outputs from ours, in units of the largest. Raises
  UserError beyond 1e-4.
  """
  inputs = w.inputs(np.random.default_rng(1), 4, w)
  mine, other = ours.compared(w, params, inputs), theirs.compared(theirs.twin(w, params), inputs)
  error = float(np.abs(mine - other.reshape(mine.shape)).max() / max(1, np.abs(mine).max()))
  if not error < TOLERANCE:
    raise UserError(
      f"{w.name}: the twin's outputs differ from ours by {error:.2g}: there is nothing to compare"
    )
  return error


def compare(w: Workload, params, theirs, quick: bool) -> dict:
  """All that is measured of a workload; what PyTorch can't compile is missing."""
  seconds, rounds = (0.2, 3) if quick else (1.0, 7)
  kinds = {"eager": False} | ({} if quick else {"compiled": True})
  others = {
    f"torch {kind}, {n} of {theirs.ALL} threads": (kinds[kind], n)
    for kind in kinds
    for n in theirs.THREADS
  }
  found = {
    "agreement": agreement(w, params, theirs),
    "first_step": {},
    "memory": {},
    "not_compiled": None,
  }
  contenders = {}
  for K in (1, w.steps):
    contenders[f"ours, {K} a dispatch"], first, program = ours.training(w, K)
  found["first_step"]["ours"] = first
  for name, how in others.items():
    try:
      contenders[name], found["first_step"][name] = theirs.training(w, params, *how)
    except Exception as e:  # Of as many kinds as there are reasons; the first lines tell.
      found["not_compiled"] = str(e).strip()[:200]
  found["training"] = measure.rates(contenders, seconds, rounds)
  for name, contender in contenders.items():
    found["memory"][name] = memory(contender, program if name.startswith("ours") else None, theirs)
  draws = {"ours": ours.sampling(w, params)}
  if w.naive:
    draws["ours, without caches"] = ours.sampling(w, params, **w.naive)
  for name, (compiled, threads) in others.items():
    if not compiled or found["not_compiled"] is None:
      draws[name] = theirs.sampling(w, params, compiled, threads)
  found["sampling"] = measure.rates(draws, seconds, max(3, rounds // 2))
  for what in "training", "sampling":
    found[f"{what}_ratio"] = ratio(found[what])
  if jax.default_backend() != "cpu":
    found["utilisation"] = utilisation(
      w, program, max(v for k, v in found["training"].items() if "ours" in k)
    )
  return found


def memory(contender, program, theirs) -> int | None:
  """Bytes of a call beyond those that last: as the system tells on a CPU, as compilers and
  allocators do elsewhere.
  """
  if jax.default_backend() == "cpu":
    return measure.working_memory(contender)
  return (
    program.memory_analysis().temp_size_in_bytes if program else theirs.working_memory(contender)
  )


def ratio(rates: dict[str, float]) -> float:
  """The best of ours over the best of theirs."""
  best = lambda side: max(v for k, v in rates.items() if k.startswith(side))
  return best("ours") / best("torch")


def utilisation(w: Workload, program, examples: float) -> dict:
  """Fractions of the device's measured rates that a training step attains; "copy" where XLA can
  tell what it moves.
  """
  matmul, copy = device_rates(w.model.get("dtype", "float32"))
  steps, arithmetic = examples / w.batch, step(w)
  attained = {"matmul": counted(arithmetic) * steps / matmul}
  # XLA counts a loop's body once: here that of all steps, which is one step.
  if not loops(arithmetic):
    attained["copy"] = program.cost_analysis().get("bytes accessed", 0.0) * steps / copy
  return attained


def line(name: str, found: dict) -> str:
  """A row of the terminal."""
  text = f"{name}: equal to {found['agreement']:.1g}"
  for what, unit in ("training", "examples/s"), ("sampling", "images/s"):
    rates = ", ".join(f"{k} {v:,.4g}" for k, v in found[what].items())
    text += f"\n  {what} {found[f'{what}_ratio']:.2f} x torch ({rates} {unit})"
  text += "\n  first step " + ", ".join(f"{k} {v:.1f} s" for k, v in found["first_step"].items())
  text += "; memory " + ", ".join(
    f"{k} {v / 2**20:.0f} MiB" for k, v in found["memory"].items() if v is not None
  )
  if found.get("utilisation"):
    text += "; of the device's " + ", ".join(
      f"{k} {v:.0%}" for k, v in found["utilisation"].items()
    )
  return text + (
    f"\n  torch.compile failed: {found['not_compiled']}" if found["not_compiled"] else ""
  )


def picture(found: dict[str, dict]):
  """Ratios of every workload, log axis."""

  def paint(ax):
    names, y = list(found), np.arange(len(found))
    for i, what in enumerate(("training", "sampling")):
      values = [found[name][f"{what}_ratio"] for name in names]
      ax.barh(y - 0.2 + 0.4 * i, np.log2(values), 0.38, label=what)
    ticks = np.arange(-2, 11)
    low, high = ax.get_xlim()
    ax.set_xticks(ticks, [f"{2.0**t:g}" for t in ticks])
    ax.set_xlim(min(low, -1), max(high, 2))
    ax.set_yticks(y, names)
    ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(xlabel=f"times as fast as PyTorch; {device_name()}")
    ax.legend()

  return plot(paint)


def main(argv):
  logging.set_verbosity(logging.WARNING)
  jax.config.update("jax_enable_compilation_cache", False)
  try:
    known = {w.name: w for w in WORKLOADS}
    for name in FLAGS.workloads:
      if name not in known:
        raise UserError(
          f"--workloads={name}: unknown{nearest(name, known)}; there are {', '.join(known)}"
        )
    try:
      from experiments.bench import theirs
    except ImportError as e:
      raise UserError(
        f"{e}: the bench compares with PyTorch; pip install 'genjax-zoo[bench]'"
      ) from e
    if (theirs.DEVICE == "cuda") != (jax.default_backend() == "gpu"):
      raise UserError(
        f"JAX runs on {jax.default_backend()} and PyTorch on {theirs.DEVICE}: install both for one"
      )
    folder, found = Path(FLAGS.workdir), {}
    path = folder / "bench.json"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():  # Other workloads of an earlier command stay.
      found = json.loads(path.read_text())["workloads"]
    for name in FLAGS.workloads or known:
      w = known[name]
      w = w._replace(**ON_GPU.get(name, {})) if theirs.DEVICE == "cuda" else w
      theirs.forget()
      found[name] = compare(w, ours.some_params(w), theirs, FLAGS.quick)
      print(line(name, found[name]), flush=True)
      versions = {"jax": jax.__version__, "torch": theirs.torch.__version__}
      write_json(path, {"device": device_name(), "versions": versions, "workloads": found})
    save(folder / "bench.png", picture(found))
    print(f"{path}, and a picture")
  except UserError as e:
    sys.exit(f"error: {e}")


if __name__ == "__main__":
  app.run(main)
