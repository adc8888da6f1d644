"""Directions of design: who may import whom, where compilation lives, and how long files may be."""

import ast
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "genjax_zoo"
FILES = sorted(p for p in PACKAGE.rglob("*.py"))
ALLOWED = {  # What of ours the files of a folder may import.
  "prob": ("genjax_zoo.prob",),
  "nn": ("genjax_zoo.nn", "genjax_zoo.prob"),
  "models": ("genjax_zoo.core", "genjax_zoo.nn", "genjax_zoo.prob", "genjax_zoo.models"),
}


def imports(path):
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.ImportFrom):
      yield node.module
    elif isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("folder", ALLOWED)
def test_layers(folder):
  for path in (PACKAGE / folder).rglob("*.py"):
    for module in imports(path):
      if module.startswith("genjax_zoo"):
        assert module.startswith(ALLOWED[folder]), f"{path.name} imports {module}"
      assert folder != "prob" or not module.startswith("flax"), f"{path.name} imports {module}"


def test_the_package_knows_neither_experiments_nor_models_in_the_loop():
  for path in FILES:
    for module in imports(path):
      assert not module.startswith(("experiments", "ml_collections", "absl")), (
        f"{path.name} imports {module}"
      )
      if path.parent == PACKAGE:
        assert not module.startswith("genjax_zoo.models"), f"{path.name} imports {module}"


def test_compilation_and_parallelism_live_outside_models():
  for folder in ("models", "nn", "prob"):
    for path in (PACKAGE / folder).rglob("*.py"):
      code = re.sub(r'""".*?"""|#.*', "", path.read_text(), flags=re.DOTALL)
      found = re.search(r"\b(jax\.jit|pmap|axis_name|psum|pmean|shard_map)\b", code)
      assert not found, f"{path.name}: {found[0]}"
  for path in [*FILES, *(ROOT / "experiments").rglob("*.py")]:
    assert not re.search(r"\bpmap\(", path.read_text()), path


def test_files_stay_small():
  for path in [*FILES, *(ROOT / "experiments").rglob("*.py")]:
    assert len(path.read_text().splitlines()) <= 400, path
  assert len((PACKAGE / "loop.py").read_text().splitlines()) <= 150


def test_functions_can_be_read_at_once():
  """A constructor assembles functions that stand at module level."""
  for path in [*FILES, *(ROOT / "experiments").rglob("*.py")]:
    for node in ast.walk(ast.parse(path.read_text())):
      if isinstance(node, ast.FunctionDef):
        assert node.end_lineno - node.lineno < 100, f"{path}: {node.name}"


# What this code once said, and the field does not: distribution, given, out-of-distribution, ...
OWN_WORDS = re.compile(
  r"\b(laws?|is told|are told|befell|strangers?|asleep|in the eyes of|made anew|lest)\b",
  re.IGNORECASE,
)


def test_the_words_are_the_field_s():
  texts = [*FILES, *(ROOT / "experiments").rglob("*.py"), ROOT / "README.md", ROOT / "Makefile"]
  for path in [*texts, *(ROOT / "docs").glob("*.md")]:
    found = OWN_WORDS.search(path.read_text())
    assert not found, f"{path}: {found[0]}"


def test_a_model_is_found_by_its_name_alone():
  """Configs say "vae", in whatever folder the file is."""
  stems = [path.stem for path in (PACKAGE / "models").glob("*/[a-z]*.py")]
  assert len(set(stems)) == len(stems) > 40
  assert not list((PACKAGE / "models").glob("[a-z]*.py"))


def test_nothing_names_a_registry_or_is_large():
  tracked = [
    p
    for p in ROOT.rglob("*")
    if p.is_file() and p.relative_to(ROOT).parts[0] not in {".git", "build", "runs", "data"}
  ]
  ours = [
    p
    for p in tracked
    if not any(part.startswith((".venv", ".jax", ".pytest", ".ruff")) for part in p.parts)
  ]
  for path in ours:
    assert path.stat().st_size < 2 * 2**20, path
  assert "://" not in (ROOT / "constraints.txt").read_text()
