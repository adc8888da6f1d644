"""Random mutants of a file, by the operators of cosmic-ray: the share that its tests notice.

  python -m tests.mutants.sample [--each=10] [--seed=0] [FILE ...]

Of every FILE, by default all of genjax_zoo/prob/, `each` places are drawn where an operator or a
number can be replaced, and at each place one of the replacements. The quick tests of the file are
run on every mutant. What survives is either a hole in the tests or equivalent to the code; the
latter are listed in tests/mutants/equivalent.md.
"""

import argparse
from collections import defaultdict
from pathlib import Path
import random
import sys

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.mutants.run import ROOT, Mutant, run

# Tests of a file that are not in the file of tests of its name, or not all.
TESTS = {
  "bijectors": ("test_bijectors", "test_flow_references"),
  "samplers": ("test_sampler_formulas",),
  "splines": ("test_splines", "test_flow_references"),
  "univariate": ("test_univariate", "test_bijectors"),
}
# Most of these are errors on floats, and in the annotation `a | b`, and tell nothing of the tests.
LEFT_OUT = "Bit", "Shift", "Mod", "FloorDiv", "NoOp"


def places(text: str) -> dict:
  """{(line, column): [(operator, occurrence), ...]}: all mutants of a text."""
  nodes = list(ast_nodes(get_ast(text)))
  found = defaultdict(list)
  for name in operator_names():
    operator = get_operator(name)
    if operator.arguments() or any(word in name for word in LEFT_OUT):
      continue
    positions = [p for node in nodes for p, _ in operator().mutation_positions(node)]
    for occurrence, place in enumerate(positions):
      found[place].append((name, occurrence))
  return found


def tests_of(file: str) -> str:
  """The files of tests of a file of genjax_zoo/prob/, separated by spaces."""
  stem = Path(file).stem
  return " ".join(f"tests/prob/{name}.py" for name in TESTS.get(stem, (f"test_{stem}",)))


def described(text: str, changed: str) -> str:
  """The first line that differs, before and after."""
  pairs = zip(text.splitlines(), changed.splitlines())
  number, (before, after) = next((i, p) for i, p in enumerate(pairs, 1) if p[0] != p[1])
  return f"{number}: {before.strip()}  ->  {after.strip()}"


def sample(file: str, each: int, seed: int) -> list[Mutant]:
  """At most `each` mutants of a file, no two at the same place."""
  text = (ROOT / file).read_text()
  found = places(text)
  rng = random.Random(f"{seed} {file}")
  chosen = rng.sample(sorted(found), min(each, len(found)))
  mutants = []
  for place in sorted(chosen):
    name, occurrence = rng.choice(found[place])
    changed = mutate_code(text, get_operator(name)(), occurrence)
    what = described(text, changed)
    mutants.append(Mutant(Path(file).stem, what, file, text, changed, tests_of(file)))
  return mutants


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument("--each", type=int, default=10)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("files", nargs="*")
  options = parser.parse_args()
  prob = sorted((ROOT / "genjax_zoo/prob").glob("[a-z]*.py"))
  files = options.files or [str(path.relative_to(ROOT)) for path in prob]
  survivors = sum(run(sample(file, options.each, options.seed)) for file in files)
  sys.exit(survivors > 0)


if __name__ == "__main__":
  main()
