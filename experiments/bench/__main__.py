"""How fast this project trains and samples, compared with PyTorch on the same machine:

  python -m experiments.bench [--workloads=vae,glow] [--quick] [--workdir=runs/bench]

Each of `workloads.WORKLOADS` has a twin in PyTorch of the same architecture, batch and precision,
with a copy of our weights; its outputs must equal ours to 1e-4. Contenders are timed in turn, and
medians count: ours with one and with many steps a dispatch, PyTorch eager and compiled (not with
--quick), each with one thread and with all. A ratio is the best of ours over the best of theirs.
Writes bench.json and bench.png.

With --peers our models run beside packages of their kinds, see peers.py: diffusers, pythae, zuko,
normflows and torchcfm.

`python -m experiments.bench.startup` times the wait for the first step of every config, `.blocks`
each layer alone and inside a scan, `.scale` lists the traffic between many devices.
"""

from experiments.start import on_large_pages

if __name__ == "__main__":
  on_large_pages()

from pathlib import Path
import sys

from absl import app, flags, logging
import jax
import numpy as np

from experiments.bench import measure, ours, peers
from experiments.bench.cost import utilisation
from experiments.bench.workloads import BY_NAME, ON_GPU, Workload
from genjax_zoo.core import UserError, nearest
from genjax_zoo.evaluate import device_name
from genjax_zoo.figures.pictures import plot, save
from genjax_zoo.log import read_json, write_json
from genjax_zoo.sharding import split_over_cores

flags.DEFINE_list("workloads", [], "Names of workloads, all by default.")
flags.DEFINE_bool("peers", False, "Beside other packages, --workloads those of them.")
flags.DEFINE_bool("quick", False, "Shorter, and without torch.compile.")
flags.DEFINE_bool("smoke", False, "To see that it runs: as --quick, of few examples.")
flags.DEFINE_string("workdir", "runs/bench", "Where bench.json and bench.png go.")
FLAGS = flags.FLAGS


def compare(w: Workload, params, theirs, seconds: float, rounds: int, quick: bool) -> dict:
  """All that is measured of a workload; where torch.compile fails, its rows are missing."""
  variants = {}  # Of PyTorch: {name: (compiled, threads)}.
  for kind, compiled in {"eager": False, "compiled": True}.items():
    for threads in [] if quick and compiled else theirs.THREADS:
      variants[f"torch {kind}, {threads} of {theirs.ALL} threads"] = compiled, threads
  found = {
    "agreement": theirs.agreement(w, params),
    "first_step": {},
    "memory": {},
    "not_compiled": None,
  }
  contenders = {}
  for K in (1, w.steps):
    contender, first, program = ours.training(w, K)
    contenders[f"ours, {K} a dispatch"] = contender
  found["first_step"]["ours"] = first
  for name, (compiled, threads) in variants.items():
    try:
      contender, first = theirs.training(w, params, compiled, threads)
    except Exception as e:  # torch.compile fails in many ways; the first lines say which.
      found["not_compiled"] = str(e).strip()[:200]
      continue
    contenders[name] = contender
    found["first_step"][name] = first
  found["training"] = measure.rates(contenders, seconds, rounds)
  for name, contender in contenders.items():
    found["memory"][name] = memory(contender, program if name.startswith("ours") else None, theirs)

  samplers = {"ours": ours.sampling(w, params)}
  if w.naive:
    samplers["ours, without caches"] = ours.sampling(w, params, **w.naive)
  for name, (compiled, threads) in variants.items():
    if not compiled or found["not_compiled"] is None:
      samplers[name] = theirs.sampling(w, params, compiled, threads)
  found["sampling"] = measure.rates(samplers, seconds, max(3, rounds // 2))

  for task in "training", "sampling":
    found[f"{task}_ratio"] = measure.ratio(found[task])
  if jax.default_backend() != "cpu":
    fastest = max(v for k, v in found["training"].items() if "ours" in k)
    found["utilisation"] = utilisation(w, program, fastest)
  return found


def memory(contender, program, theirs) -> int | None:
  """Bytes of a call beyond those that stay.

  On a CPU they are those of the process; on a GPU our compiler and PyTorch's allocator report them.
  """
  if jax.default_backend() == "cpu":
    return measure.working_memory(contender)
  if program:
    return program.memory_analysis().temp_size_in_bytes
  return theirs.working_memory(contender)


def summary(name: str, found: dict) -> str:
  """The lines on the terminal."""
  lines = [f"{name}: equal to {found['agreement']:.1g}"]
  for task, unit in ("training", "examples/s"), ("sampling", "images/s"):
    rates = ", ".join(f"{k} {v:,.4g}" for k, v in found[task].items())
    lines.append(f"  {task} {found[f'{task}_ratio']:.2f} x torch ({rates} {unit})")
  first = ", ".join(f"{k} {v:.1f} s" for k, v in found["first_step"].items())
  sizes = [f"{k} {v / 2**20:.0f} MiB" for k, v in found["memory"].items() if v is not None]
  lines.append(f"  first step {first}; memory {', '.join(sizes)}")
  if found.get("utilisation"):
    shares = ", ".join(f"{k} {v:.0%}" for k, v in found["utilisation"].items())
    lines[-1] += f"; of the device's {shares}"
  if found["not_compiled"]:
    lines.append(f"  torch.compile failed: {found['not_compiled']}")
  return "\n".join(lines)


def picture(found: dict[str, dict]):
  """The ratios of every workload, on a logarithmic axis."""

  def paint(ax):
    names, y = list(found), np.arange(len(found))
    for i, task in enumerate(("training", "sampling")):
      ratios = [found[name][f"{task}_ratio"] for name in names]
      ax.barh(y - 0.2 + 0.4 * i, np.log2(ratios), 0.38, label=task)
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


def pytorch():
  """The module `theirs`. Raises UserError where PyTorch is missing or has another device."""
  try:
    from experiments.bench import theirs
  except ImportError as e:
    raise UserError(f"{e}: the bench compares with PyTorch; pip install -e '.[bench]'") from e
  if (theirs.DEVICE == "cuda") != (jax.default_backend() == "gpu"):
    raise UserError(
      f"JAX runs on {jax.default_backend()} and PyTorch on {theirs.DEVICE}: install both for one"
    )
  return theirs


def bench(names, folder: Path, seconds: float, rounds: int):
  """Compares workloads by name and writes bench.json and bench.png."""
  for name in names:
    if name not in BY_NAME:
      raise UserError(
        f"--workloads={name}: unknown{nearest(name, BY_NAME)}; there are {', '.join(BY_NAME)}"
      )
  theirs = pytorch()
  quick = FLAGS.quick or FLAGS.smoke
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / "bench.json"
  found = read_json(path, {"workloads": {}})["workloads"]  # Those of earlier commands stay.
  for name in names or BY_NAME:
    w = BY_NAME[name]
    if theirs.DEVICE == "cuda":
      w = w._replace(**ON_GPU.get(name, {}))
    if FLAGS.smoke:
      w = w._replace(batch=4, samples=4, steps=2)
    theirs.forget()
    found[name] = compare(w, ours.some_params(w), theirs, seconds, rounds, quick)
    print(summary(name, found[name]), flush=True)
    versions = {"jax": jax.__version__, "torch": theirs.torch.__version__}
    write_json(path, {"device": device_name(), "versions": versions, "workloads": found})
  save(folder / "bench.png", picture(found))
  print(f"{path}, and a picture")


def main(argv):
  """Runs the bench; errors that the user can fix are reported in one line."""
  logging.set_verbosity(logging.WARNING)
  jax.config.update("jax_enable_compilation_cache", False)
  split_over_cores()
  try:
    compare_all = peers.bench if FLAGS.peers else bench
    seconds, rounds = (0.0, 1) if FLAGS.smoke else (0.2, 3) if FLAGS.quick else (1.0, 7)
    compare_all(FLAGS.workloads, Path(FLAGS.workdir), seconds, rounds)
  except UserError as e:
    sys.exit(f"error: {e}")


if __name__ == "__main__":
  app.run(main)
