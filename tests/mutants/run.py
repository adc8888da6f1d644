"""Formulas broken on purpose, one at a time: each must turn a quick test red.

  python -m tests.mutants.run [WORD ...]

The mutants are those of tests/mutants/*.toml, a file for each family, or those alone whose family,
file or description contains a WORD. A mutant is

  [[mutant]]
  what = "the mean of the squared errors for their sum"
  file = "genjax_zoo/models/latent_variable/mfm.py"
  old = "sum(((xs[m] - outs[m]) ** 2).sum(-1) for m in names)"   # Once in the file.
  new = "sum(((xs[m] - outs[m]) ** 2).mean(-1) for m in names)"
  test = "tests/models/latent_variable/test_mfm.py::test_the_loss_has_its_form"

Only a test that fails kills its mutant; an error on import does not. Mutants are made in copies of
the code, and the working tree is never changed. The exit status is 1 if a mutant isn't killed.
"""

import importlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
import tomllib
from typing import NamedTuple
import warnings

ROOT = Path(__file__).parent.parent.parent
COPIED = "genjax_zoo", "experiments", "tests", "pyproject.toml"
AT_ONCE = 2
QUICK = "-q", "-m", "not slow", "--timeout=120", "-p", "no:cacheprovider"
VERDICTS = {0: "SURVIVED", 1: "killed"}  # By pytest's exit status; else the test did not run.
# Imported once: each mutant is tried in a fork of this process, and saves the seconds.
HEAVY = "flax.linen", "jax", "optax", "pytest", "scipy.stats", "sklearn.linear_model"


class Mutant(NamedTuple):
  """One change of a file, and the test that must fail with it."""

  family: str
  what: str
  file: str
  old: str
  new: str
  test: str  # Or several, separated by spaces.


class Stale(Exception):
  """A mutant whose text isn't in its file, or is there more than once."""


def load(folder: Path) -> list[Mutant]:
  """The mutants of all families."""
  return [
    Mutant(path.stem, **entry)
    for path in sorted(folder.glob("*.toml"))
    for entry in tomllib.loads(path.read_text())["mutant"]
  ]


def mutated(root: Path, mutant: Mutant) -> str:
  """The text of the mutant's file with the change. Raises Stale."""
  text = (root / mutant.file).read_text()
  count = text.count(mutant.old)
  if count != 1:
    raise Stale(f"{mutant.what}: {mutant.old!r} occurs {count} times in {mutant.file}")
  return text.replace(mutant.old, mutant.new)


def snapshot(root: Path, copy: Path):
  """Copies the code, with what Python has compiled of it."""
  copy.mkdir()
  for name in COPIED:
    if (root / name).is_dir():
      shutil.copytree(root / name, copy / name)
    elif (root / name).exists():
      shutil.copy2(root / name, copy / name)


def make(mutant: Mutant, original: Path, copy: Path):
  """Links all files of a snapshot, but for the mutant's."""
  text = mutated(original, mutant)
  shutil.copytree(original, copy, copy_function=os.link)
  (copy / mutant.file).unlink()
  (copy / mutant.file).write_text(text)


def fork(copy: Path, test: str) -> int:
  """The id of a process that runs a quick test of a copy, and writes to its file "output"."""
  if pid := os.fork():
    return pid
  output = os.open(copy / "output", os.O_CREAT | os.O_WRONLY)
  os.dup2(output, 1)
  os.dup2(output, 2)
  os.chdir(copy)
  sys.path[0] = os.environ["PYTHONPATH"] = str(copy)
  # This module's packages, which are those of the working tree.
  for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
    del sys.modules[name]
  status = importlib.import_module("pytest").main([*QUICK, "-x", "-n", "0", *test.split()])
  sys.stdout.flush()
  os._exit(status)


def check_unchanged(copy: Path, mutants: list[Mutant]):
  """Raises SystemExit if the tests fail without mutants."""
  tests = sorted({test for mutant in mutants for test in mutant.test.split()})
  command = [sys.executable, "-m", "pytest", *QUICK, "-n", str(AT_ONCE), "--dist", "loadfile"]
  found = subprocess.run([*command, *tests], cwd=copy, capture_output=True, text=True)
  if found.returncode:
    raise SystemExit(f"the tests fail without mutants:\n{found.stdout}{found.stderr}")


def run(mutants: list[Mutant], root: Path = ROOT, heavy: tuple[str, ...] = HEAVY) -> int:
  """Tries all mutants and prints a line for each; the number of those that aren't killed."""
  os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(root / ".jax_cache"))
  verdicts = []
  running = {}  # {process id: (mutant, copy, when it started)}

  def reap():
    pid, status = os.wait()
    mutant, copy, started = running.pop(pid)
    verdict = VERDICTS.get(os.waitstatus_to_exitcode(status), "ERROR")
    seconds = time.monotonic() - started
    print(f"{verdict:9} {seconds:4.0f} s  {mutant.family}: {mutant.what}", flush=True)
    if verdict == "ERROR":
      print((copy / "output").read_text())
    shutil.rmtree(copy)
    verdicts.append(verdict)

  with TemporaryDirectory() as folder:
    original = Path(folder) / "original"
    snapshot(root, original)
    check_unchanged(original, mutants)
    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)  # JAX has no threads yet.
    for module in heavy:
      importlib.import_module(module)
    for i, mutant in enumerate(mutants):
      copy = Path(folder) / str(i)
      make(mutant, original, copy)
      if len(running) == AT_ONCE:
        reap()
      running[fork(copy, mutant.test)] = mutant, copy, time.monotonic()
    while running:
      reap()
  print(f"{verdicts.count('killed')} of {len(mutants)} mutants killed")
  return len(mutants) - verdicts.count("killed")


if __name__ == "__main__":
  words = sys.argv[1:]
  chosen = [
    mutant
    for mutant in load(Path(__file__).parent)
    if not words or any(word in " ".join(mutant[:3]) for word in words)
  ]
  sys.exit(run(chosen) > 0)
