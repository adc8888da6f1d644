"""The list of mutants doesn't rot, and a survivor is told from a mutant that is killed."""

import ast
from pathlib import Path
import re
import subprocess
import sys

import pytest

from tests.mutants.run import ROOT, Mutant, Stale, check_unchanged, load, mutated

MUTANTS = load(Path(__file__).parent)


def functions(path):
  """{name: its decorators, as text} of the tests in a file."""
  tree = ast.parse(path.read_text())
  return {
    node.name: [ast.unparse(decorator) for decorator in node.decorator_list]
    for node in tree.body
    if isinstance(node, ast.FunctionDef)
  }


def test_every_mutant_changes_the_code_in_one_place():
  for mutant in MUTANTS:
    changed = ast.dump(ast.parse(mutated(ROOT, mutant)))
    assert changed != ast.dump(ast.parse((ROOT / mutant.file).read_text())), mutant.what
  assert len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS)


def test_every_mutant_names_a_quick_test():
  for mutant in MUTANTS:
    path, _, name = mutant.test.partition("::")
    found = functions(ROOT / path)
    name = name.partition("[")[0]
    assert name in found, mutant.test
    assert "pytest.mark.slow" not in found[name], mutant.test


HALF = """def half(x):
  return x / 2
"""
TEST_HALF = """from genjax_zoo.half import half

def test_zero():
  assert half(0) == 0

def test_one():
  assert half(1) == 0.5

def test_wrong():
  assert half(1) == 1
"""


def toy(folder, *mutants):
  """Code with one function and its tests; the mutants of (old, new, test)."""
  for name, text in [("genjax_zoo/half.py", HALF), ("tests/test_half.py", TEST_HALF)]:
    (folder / name).parent.mkdir()
    (folder / name).write_text(text)
    (folder / name).with_name("__init__.py").write_text("")
  (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['slow']\n")
  return [
    Mutant("toy", new, "genjax_zoo/half.py", old, new, f"tests/test_half.py::{test}")
    for old, new, test in mutants
  ]


def test_a_mutant_that_no_test_notices_survives(tmp_path):
  mutants = toy(
    tmp_path,
    ("x / 2", "x / 3", "test_one"),
    ("x / 2", "x / 4", "test_zero"),
    ("x / 2", "x /", "test_one"),
  )
  # In a process that may fork: this one has threads.
  program = f"""
from pathlib import Path
from tests.mutants.run import Mutant, run
print(run({mutants!r}, Path({str(tmp_path)!r}), heavy=()))
"""
  command = [sys.executable, "-c", program]
  printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
  for found in (r"killed .* x / 3\n", r"SURVIVED .* x / 4\n", r"ERROR .* x /\n", r"1 of 3.*\n2\n"):
    assert re.search(found, printed), printed
  assert (tmp_path / "genjax_zoo/half.py").read_text() == HALF


def test_tests_that_fail_anyway_and_stale_mutants_are_told(tmp_path):
  wrong, *stale = toy(
    tmp_path,
    ("x / 2", "x / 3", "test_wrong"),
    ("x / 4", "x / 3", "test_one"),
    ("x", "x / 3", "test_one"),
  )
  with pytest.raises(SystemExit, match="fail without mutants"):
    check_unchanged(tmp_path, [wrong])
  for mutant, count in zip(stale, (0, 2)):
    with pytest.raises(Stale, match=f"occurs {count} times"):
      mutated(tmp_path, mutant)
