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

from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
from queue import Queue
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
import tomllib
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
COPIED = "genjax_zoo", "experiments", "tests", "pyproject.toml"
AT_ONCE = 2
VERDICTS = {0: "SURVIVED", 1: "killed"}  # By pytest's exit status; else the test did not run.


class Mutant(NamedTuple):
  """One change of a file, and the test that must fail with it."""

  family: str
  what: str
  file: str
  old: str
  new: str
  test: str


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


def pytest(root: Path, *arguments: str) -> subprocess.CompletedProcess:
  """The quick tests of these arguments, of the code under `root`."""
  cache = os.environ.get("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".jax_cache"))
  command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "--timeout=120"]
  return subprocess.run(
    [*command, "-p", "no:cacheprovider", *arguments],
    cwd=root,
    env=os.environ | {"PYTHONPATH": str(root), "JAX_COMPILATION_CACHE_DIR": cache},
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
  )


def verdict(copy: Path, mutant: Mutant) -> str:
  """One of VERDICTS, or "ERROR" and what pytest said."""
  path = copy / mutant.file
  original = path.read_text()
  path.write_text(mutated(copy, mutant))
  done = pytest(copy, "-x", "-n", "0", mutant.test)
  path.write_text(original)
  return VERDICTS.get(done.returncode, f"ERROR\n{done.stdout}\n")


def copies(root: Path, into: Path) -> Queue:
  """Folders with the code, one for each mutant that is tried at once."""
  queue = Queue()
  for i in range(AT_ONCE):
    (into / str(i)).mkdir()
    for name in COPIED:
      copy = shutil.copytree if (root / name).is_dir() else shutil.copy2
      if (root / name).exists():
        copy(root / name, into / str(i) / name)
    queue.put(into / str(i))
  return queue


def run(mutants: list[Mutant], root: Path = ROOT) -> int:
  """Tries all mutants and prints a line for each; the number of those that aren't killed.

  Raises SystemExit if a mutant is stale, or the tests fail without mutants.
  """
  for mutant in mutants:
    mutated(root, mutant)
  with TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
    free = copies(root, Path(folder))
    tests = sorted({mutant.test for mutant in mutants})
    unchanged = pytest(Path(folder) / "0", "-n", str(AT_ONCE), "--dist", "loadfile", *tests)
    if unchanged.returncode:
      raise SystemExit(f"the tests fail without mutants:\n{unchanged.stdout}")

    def attempt(mutant):
      copy = free.get()
      started = time.monotonic()
      found = verdict(copy, mutant)
      free.put(copy)
      seconds = time.monotonic() - started
      print(f"{found:9} {seconds:4.0f} s  {mutant.family}: {mutant.what}", flush=True)
      return found

    found = list(pool.map(attempt, mutants))
  print(f"{found.count('killed')} of {len(mutants)} mutants killed")
  return len(mutants) - found.count("killed")


if __name__ == "__main__":
  words = sys.argv[1:]
  chosen = [
    mutant
    for mutant in load(Path(__file__).parent)
    if not words or any(word in " ".join(mutant[:3]) for word in words)
  ]
  sys.exit(run(chosen) > 0)
