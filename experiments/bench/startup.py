"""Seconds from the command to the first training step, for every config of digits:

  python -m experiments.bench.startup [configs] [--workdir=runs/bench]

Each command runs in its own process, cold, with an empty compilation cache, and warm, again with
the same cache: the time that a user waits, imports and data included. CPU seconds, of all cores,
are comparable on a busy machine too. Writes startup.json.
"""

import argparse
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import time

from experiments.zoo import fitting
from genjax_zoo.log import write_json

FIRST = "compiling... "  # The start of the line in the log before the first step.


def first_step(config: str, folder: Path) -> dict[str, float]:
  """{"seconds", "cpu_seconds"} until the first step of a config, with the cache in `folder`."""
  runs = folder / "runs"
  shutil.rmtree(runs, ignore_errors=True)
  command = [
    sys.executable,
    "-m",
    "experiments.main",
    f"--config=configs/{config}.py",
    f"--workdir={runs / config}",
  ]
  environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
  environment["XDG_CACHE_HOME"] = str(folder)
  begun = time.perf_counter()
  process = subprocess.Popen(
    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
  )
  try:
    output = ""
    for line in process.stdout:
      output += line
      if line.startswith(FIRST):
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "cpu_seconds": cpu_seconds(process.pid)}
    raise RuntimeError(f"{config} took no step: {output[-2000:]}")
  finally:
    process.kill()
    process.communicate()


def cpu_seconds(pid: int) -> float:
  """CPU time of a process, user and system, from Linux's /proc."""
  fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
  user, system = fields[11:13]
  return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("configs", nargs="*")
  parser.add_argument("--workdir", type=Path, default=Path("runs/bench"))
  options = parser.parse_args()
  options.workdir.mkdir(parents=True, exist_ok=True)
  found = {}
  for name in options.configs or fitting("digits"):
    with tempfile.TemporaryDirectory() as folder:
      found[name] = {kind: first_step(name, Path(folder)) for kind in ("cold", "warm")}
    times = []
    for kind, time_ in found[name].items():
      times.append(f"{kind} {time_['seconds']:.1f} s ({time_['cpu_seconds']:.1f} s of CPU)")
    print(f"{name}: {', '.join(times)}", flush=True)
    write_json(options.workdir / "startup.json", found)
  for kind in "cold", "warm":
    slowest = max(found, key=lambda name: found[name][kind]["seconds"])
    print(f"{kind}: {slowest} is the slowest, {found[slowest][kind]['seconds']:.1f} s")


if __name__ == "__main__":
  main()
