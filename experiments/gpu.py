"""What a GPU is wanted for, in order of worth, for some minutes: `make gpu`, or

  python -m experiments.gpu [--minutes=9] [--out=runs/gpu] [--smoke]

Each of `JOBS` runs as a process of its own, for the minutes of its turn: speed beside PyTorch where
it is installed, the share of the device's rates that training attains, and the committed configs
of a GPU's size. A training is stopped when its turn is over, saved and measured, without figures:
`python -m experiments.main --mode=report --workdir=OUT/NAME` draws them anywhere. The same command
again goes on: what is done is skipped, and whoever had the fewest turns is next. Ctrl-C loses
nothing but the job's turn. MNIST comes from tensorflow-datasets, and CIFAR-10 is the file that
configs/ddpm_cifar10.py names; jobs without their data fail, and their log says so.

Writes the run folders, OUT/bench, a log of each job and OUT/jobs.json. What it says in the end adds
finished runs to the project's tables. --smoke runs all of it in a small size and on digits, which
are always there, on any device; there all jobs have a turn, for their share of the minutes.
"""

import argparse
from collections.abc import Callable
import importlib.util
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import NamedTuple

from experiments.start import quick_compilation
from genjax_zoo.core import UserError
from genjax_zoo.interrupt import SIGNALS, Stopped, stop
from genjax_zoo.log import read_json, write_json

SAVING = 60  # Seconds that a stopped job has for saving.
TRAINING = 0.75  # The part of a training's turn after which it is measured.
# What --smoke trains on: no file is needed.
DIGITS = "--config.data.name=digits", "--config.data.validation=100"
DEVICE = "import jax; print(jax.default_backend(), jax.devices()[0].device_kind, sep=', ')"


class Job(NamedTuple):
  """A command, and the minutes of its turn."""

  name: str
  minutes: float
  module: str = "experiments.main"


JOBS = [
  Job("bench_dit", 1.5, "experiments.bench"),
  Job("bench_ddpm", 1.5, "experiments.bench"),
  Job("device", 1.5, "experiments.bench.device"),
  Job("improved_ddpm_mnist", 1),
  Job("ddpm_mnist", 1),
  Job("ddpm_cifar10", 1.5),
  Job("vdm_mnist", 1),
  Job("gated_pixelcnn_mnist8", 1),
  Job("sngan_cifar10", 1),
  Job("realnvp_mnist", 1),
  Job("glow_mnist", 1),
  *(
    Job(f"bench_{name}", 1.5, "experiments.bench")
    for name in ("gated_pixelcnn", "transformer", "vae", "conv_vae", "glow", "wgan_gp")
  ),
]


def python(module: str, *arguments: str) -> list[str]:
  """The command that runs a module."""
  return [sys.executable, "-m", module, *arguments]


def command(job: Job, out: Path, smoke: bool) -> list[str]:
  """The command of a job; the same again resumes."""
  if job.module == "experiments.main":
    config = f"--config=configs/{job.name}.py"
    small = [f"{config}:smoke", *DIGITS] if smoke else [config]
    return python(job.module, *small, "--mode=train_only", f"--workdir={out / job.name}")
  options = ["--smoke"] if smoke else []
  if job.module == "experiments.bench":
    options.append(f"--workloads={job.name.removeprefix('bench_')}")
  return python(job.module, f"--workdir={out / 'bench'}", *options)


def measuring(job: Job, out: Path, few: bool) -> list[str]:
  """The command that measures a training, before its end by a few examples."""
  fewer = ["--config.evaluate.examples=1000", "--config.evaluate.samples=2000"] if few else []
  return python(job.module, "--mode=evaluate", f"--workdir={out / job.name}", *fewer)


def run(command: list[str], seconds: float, log, **environment: str) -> int | None:
  """The exit status of a command, None where it was stopped after `seconds`, as by a scheduler."""
  # In a session of its own Ctrl-C does not reach it: a second signal would stop it without saving.
  options = dict(stderr=subprocess.STDOUT, start_new_session=True, env=os.environ | environment)
  process = subprocess.Popen(command, stdout=log, **options)
  try:
    return process.wait(seconds)
  except subprocess.TimeoutExpired:
    return None
  finally:
    if process.poll() is None:
      process.terminate()
      try:
        process.wait(SAVING)
      except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def turn(job: Job, out: Path, seconds: float, smoke: bool) -> str:
  """Runs a job for at most `seconds`; returns "done", "stopped" or "failed"."""
  trains = job.module == "experiments.main"
  environment = quick_compilation() if smoke else {}
  end = time.monotonic() + seconds
  with open(out / f"{job.name}.log", "a") as log:
    part = TRAINING * seconds if trains else seconds
    status = run(command(job, out, smoke), part, log, **environment)
    if trains and not status:
      few = status is None and not smoke  # Of smoke there are few already.
      measured = run(measuring(job, out, few), end - time.monotonic(), log, **environment)
      status = measured if status == 0 else status
  return {None: "stopped", 0: "done"}.get(status, "failed")


def following(jobs: list[Job], turns: dict[str, list[str]]) -> Job | None:
  """The next of the jobs: the one with the fewest turns, then the first of them.

  `turns` are how the turns of each have ended.
  """
  return min(jobs, key=lambda job: len(turns.get(job.name, [])), default=None)


def device(smoke: bool) -> str:
  """The device that JAX has, in words. Raises UserError where it is no GPU, unless for `smoke`."""
  found = subprocess.run([sys.executable, "-c", DEVICE], capture_output=True, text=True)
  if found.returncode:
    raise UserError(f"JAX does not start: {found.stderr.strip().splitlines()[-1]}")
  name = found.stdout.strip()
  if not smoke and not name.startswith("gpu"):
    raise UserError(
      f"JAX runs on {name}: for a GPU, pip install -c constraints.txt -e '.[cuda]'; on any device "
      "--smoke tries all of this in a small size"
    )
  return name


def available(jobs: list[Job]) -> list[Job]:
  """The jobs that need no package which is missing."""
  torch = importlib.util.find_spec("torch")
  return [job for job in jobs if torch or job.module != "experiments.bench"]


def work(jobs: list[Job], out: Path, minutes: float, smoke: bool, clock: Callable = time.monotonic):
  """Runs jobs in turn until all are done or the minutes are over."""
  end = clock() + 60 * minutes
  turns = read_json(out / "jobs.json", {})
  tried = set()
  failed = lambda name: name in tried and turns[name][-1] == "failed"
  while clock() < end:
    left = [job for job in jobs if not failed(job.name) and "done" not in turns.get(job.name, [])]
    job = following(left, turns)
    if job is None:
      return
    begun = clock()
    seconds = end - begun
    if smoke and job.name not in tried:  # All of them have a turn in the time that is left.
      seconds *= job.minutes / sum(other.minutes for other in left if other.name not in tried)
    ended = turn(job, out, min(60 * job.minutes, seconds), smoke)
    tried.add(job.name)
    turns.setdefault(job.name, []).append(ended)
    write_json(out / "jobs.json", turns)
    print(
      f"{job.name}: {ended} after {clock() - begun:.0f} s, see {out / job.name}.log", flush=True
    )


def finished(out: Path) -> list[str]:
  """The folders of the trainings that are done."""
  turns = read_json(out / "jobs.json", {})
  trained = [job for job in JOBS if job.module == "experiments.main"]
  return [str(out / job.name) for job in trained if "done" in turns.get(job.name, [])]


def main(arguments=None):
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("--minutes", type=float, default=9)
  parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
  parser.add_argument("--smoke", action="store_true")
  options = parser.parse_args(arguments)
  for s in SIGNALS:
    signal.signal(s, stop)
  options.out.mkdir(parents=True, exist_ok=True)
  try:
    print(f"on {device(options.smoke)}", flush=True)
    jobs = available(JOBS)
    if len(jobs) < len(JOBS):
      print("without PyTorch nothing is compared with it: pip install -e '.[bench]'", flush=True)
    work(jobs, options.out, options.minutes, options.smoke)
    runs = finished(options.out)
    if runs and not options.smoke:
      print(f"python -m experiments.table --add {' '.join(runs)}")
  except UserError as e:
    sys.exit(f"error: {e}")
  except Stopped as e:
    print("stopped; the same command goes on", file=sys.stderr)
    sys.exit(128 + e.signum)


if __name__ == "__main__":
  main()
