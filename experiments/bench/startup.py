"""Seconds from the command to the first training step, compiled, for every config of digits, each
in its own process:

  python -m experiments.bench.startup [configs] [--workdir=runs/bench]

Cold, with an empty compilation cache, and warm, the same again: what a user waits for, imports and
reading included. CPU seconds, of all cores, are what a busy machine leaves comparable. Writes
startup.json.
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

FIRST = "compiling... "  # How the log's line begins that comes before the first step.


def first_step(config: str, folder: Path) -> dict[str, float]:
  """{"seconds", "cpu_seconds"} until the first step of `config` begins, the cache being in
  `folder`.
  """
  runs = folder / "runs"
  shutil.rmtree(runs, ignore_errors=True)
  command = [
    sys.executable,
    "-m",
    "experiments.main",
    f"--config=configs/{config}.py",
    f"--workdir={runs / config}",
  ]
  environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")} | {
    "XDG_CACHE_HOME": str(folder)
  }
  begun = time.perf_counter()
  process = subprocess.Popen(
    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
  )
  try:
    told = []
    for line in process.stdout:
      told.append(line)
      if line.startswith(FIRST):
        ticks = sum(
          map(int, Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        )
        return {
          "seconds": time.perf_counter() - begun,
          "cpu_seconds": ticks / os.sysconf("SC_CLK_TCK"),
        }
    raise RuntimeError(f"{config} took no step: {''.join(told)[-2000:]}")
  finally:
    process.kill()
    process.communicate()


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
    shown = ", ".join(
      f"{k} {v['seconds']:.1f} s ({v['cpu_seconds']:.1f} s of CPU)" for k, v in found[name].items()
    )
    print(f"{name}: {shown}", flush=True)
    write_json(options.workdir / "startup.json", found)
  for kind in "cold", "warm":
    worst = max(found, key=lambda name: found[name][kind]["seconds"])
    print(f"{kind}: {worst} is the slowest, {found[worst][kind]['seconds']:.1f} s")


if __name__ == "__main__":
  main()
