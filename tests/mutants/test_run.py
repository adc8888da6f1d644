"""The list of mutants doesn't rot, and a survivor is told from a mutant that is killed."""

import ast
from pathlib import Path
import re

import pytest

from tests.mutants.run import ROOT, Mutant, Stale, load, mutated, run

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


@pytest.fixture
def toy(tmp_path):
  for folder, name, text in [("genjax_zoo", "half", HALF), ("tests", "test_half", TEST_HALF)]:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "__init__.py").write_text("")
    (tmp_path / folder / f"{name}.py").write_text(text)
  (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['slow']\n")
  return tmp_path


def mutant(test, old="x / 2", new="x / 3"):
  what = f"{old} is {new}"
  return Mutant("toy", what, "genjax_zoo/half.py", old, new, f"tests/test_half.py::{test}")


def test_a_mutant_that_no_test_notices_survives(toy, capsys):
  mutants = [mutant("test_one"), mutant("test_zero"), mutant("test_one", new="x /")]
  assert run(mutants, toy) == 2
  printed = capsys.readouterr().out
  for found in (r"killed .* x / 3\n", r"SURVIVED .* x / 3\n", r"ERROR\n[^$]*SyntaxError", "1 of 3"):
    assert re.search(found, printed), printed
  assert (toy / "genjax_zoo/half.py").read_text() == HALF


def test_tests_that_fail_anyway_and_stale_mutants_raise(toy):
  with pytest.raises(SystemExit, match="fail without"):
    run([mutant("test_wrong")], toy)
  for old in ("x / 4", "x"):
    with pytest.raises(Stale, match="occurs"):
      run([mutant("test_one", old=old)], toy)
