"""Seconds from the command to the first training step, for every config whose data are present:

  python -m experiments.bench.startup [configs] [--only_cold] [--workdir=runs/bench]

Each command runs in its own process, cold, with an empty cache of compiled programs and of data,
and warm, again with the same cache: the time that a user waits, imports and data included. What it
compiles is said beside. CPU seconds, of all cores, are comparable on a busy machine too. Earlier
stages are made first, untrained, so that only the config's own step is timed. Writes startup.json.
"""

import argparse
import contextlib
import io
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import time

from experiments import pipeline
from experiments.resolve import HERE, resolve
from genjax_zoo.core import UserError
from genjax_zoo.log import read_json, write_json

FIRST = "compiling... "  # The start of the line in the log before the first step.


def untrained(config: dict, folder: Path) -> list[str]:
  """Makes the finished runs of a config's stages, without a step, beside its run in `folder`.

  Returns the assignments by which a command takes them.
  """
  found = []
  for name, stage in config["stages"].items():
    inner = untrained(stage, folder)
    found += [a.replace("--config.", f"--config.stages.{name}.") for a in inner]
    found.append(f"--config.stages.{name}.train.steps=0")
    stage["train"]["steps"] = 0
    with contextlib.redirect_stdout(io.StringIO()):
      run = pipeline.train_run(stage, folder / stage["name"], measured=False)
    # What a run that was evaluated has, see `pipeline.finished`.
    write_json(run.folder / "evaluation.json", {"step": 0})
    (run.folder / "report.html").touch()
  return found


def first_step(command: list[str], cache: Path) -> dict[str, float]:
  """{"seconds", "cpu_seconds", "compile_seconds"} until the first step of a training command.

  `cache` is the folder of what earlier commands have compiled. Raises UserError, with the last line
  of its output, for one that ends without a step.
  """
  environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
  environment["XDG_CACHE_HOME"] = str(cache)
  begun = time.perf_counter()
  process = subprocess.Popen(
    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
  )
  line = ""
  try:
    for line in process.stdout:
      if line.startswith(FIRST):
        return {
          "seconds": time.perf_counter() - begun,
          "cpu_seconds": cpu_seconds(process.pid),
          "compile_seconds": float(line.removeprefix(FIRST).split()[0]),
        }
    raise UserError(line.strip() or "no output")
  finally:
    process.kill()
    process.communicate()


def cpu_seconds(pid: int) -> float:
  """CPU time of a process, user and system, from Linux's /proc."""
  fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
  user, system = fields[11:13]
  return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def waits(name: str, kinds=("cold", "warm")) -> dict[str, dict[str, float]]:
  """{"cold": `first_step`, "warm"} of a config. Raises UserError where it can't be trained."""
  config = resolve(f"configs/{name}.py").to_dict()
  if not config["train"]["steps"]:
    raise UserError("it combines earlier stages and takes no step")
  found = {}
  with tempfile.TemporaryDirectory() as folder:
    runs = Path(folder) / "runs"
    command = [sys.executable, "-m", "experiments.main", f"--config=configs/{name}.py"]
    command += [f"--workdir={runs / name}", *untrained(config, runs)]
    for kind in kinds:
      shutil.rmtree(runs / name, ignore_errors=True)
      found[kind] = first_step(command, Path(folder))
  return found


def line_of(wait: dict[str, float]) -> str:
  """A wait in words."""
  return (
    f"{wait['seconds']:.1f} s ({wait['cpu_seconds']:.1f} s of CPU), "
    f"{wait['compile_seconds']:.1f} s of it compiling"
  )


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("configs", nargs="*")
  parser.add_argument("--only_cold", action="store_true")
  parser.add_argument("--workdir", type=Path, default=Path("runs/bench"))
  options = parser.parse_args()
  options.workdir.mkdir(parents=True, exist_ok=True)
  file = options.workdir / "startup.json"
  found = read_json(file, {})
  kinds = ("cold",) if options.only_cold else ("cold", "warm")
  names = sorted(path.stem for path in (HERE / "configs").glob("[a-z]*.py"))
  for name in options.configs or names:
    try:
      found[name] = waits(name, kinds)
    except UserError as e:
      print(f"{name} is left out: {e}", flush=True)
      continue
    lines = [f"{kind} {line_of(wait)}" for kind, wait in found[name].items()]
    print(f"{name}: {'; '.join(lines)}", flush=True)
    write_json(file, found)


if __name__ == "__main__":
  main()
