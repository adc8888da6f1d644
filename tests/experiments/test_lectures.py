"""docs/lectures: all that the pages name is there, in the code and on the slides."""

import ast
import functools
from pathlib import Path
import re

import pytest

from experiments import lectures
from genjax_zoo.core import UserError

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
DECKS = {path.stem: lectures.read(path.stem) for path in sorted(lectures.HERE.glob("[A-Z].toml"))}
KEYS = {"title", "slide", "lines", "systems", "says", "equation", "error", "code", "tests"}
KEYS |= {"configs", "lessons", "pictures"}
decks = pytest.mark.parametrize("letter", DECKS)
slides = pytest.mark.skipif(
  not (SHARED / "decks").is_dir(), reason="the texts of the slides are not beside this checkout"
)


def entries(letter):
  return DECKS[letter]["entry"]


def errors(letter):
  return [error for entry in entries(letter) for error in entry.get("error", [])]


@functools.cache
def defined(path):
  """The dotted names of a file's functions, classes and constants, and its tests' functions."""
  names = set()

  def visit(node, prefix):
    for child in ast.iter_child_nodes(node):
      if isinstance(child, ast.FunctionDef | ast.ClassDef):
        names.add(prefix + child.name)
        visit(child, f"{prefix}{child.name}.")
      elif isinstance(child, ast.Assign):
        names.update(prefix + n.id for n in child.targets if isinstance(n, ast.Name))
      elif not isinstance(child, ast.expr):
        visit(child, prefix)

  visit(ast.parse(path.read_text(encoding="utf-8")), "")
  return names


def numbers(text):
  return {int(number) for number in re.findall(r"\d+", text)}


def deck_lines(letter):
  """The lines of a deck's text, from 1 on."""
  (path,) = (SHARED / "decks").glob(f"{'ABCDE'.index(letter):03d}_*.txt")
  # Not splitlines(), which also ends a line at a form feed.
  return ["", *path.read_text(encoding="utf-8").split("\n")]


def words(text):
  """Words of prose, without formulas and marks."""
  return re.findall(r"[a-z]+", re.sub(r"\$[^$]*\$", " ", text.lower()))


def test_no_page_is_stale():
  lectures.main(["--check"])


def test_check_fails_until_the_pages_are_written(tmp_path):
  for path in lectures.HERE.glob("*.toml"):
    (tmp_path / path.name).write_bytes(path.read_bytes())
  with pytest.raises(UserError, match=r"A\.md is stale: run python -m experiments\.lectures"):
    lectures.main(["--check"], tmp_path)
  assert not list(tmp_path.glob("*.md"))
  lectures.main([], tmp_path)
  lectures.main(["--check"], tmp_path)
  page = tmp_path / "B.md"
  page.write_text(page.read_text().replace("Right", "Wrong", 1))
  with pytest.raises(UserError, match=r"B\.md is stale"):
    lectures.main(["--check"], tmp_path)


@decks
def test_entries_have_known_keys_and_a_formula_has_its_code_and_its_test(letter):
  for entry in entries(letter):
    assert entry.keys() <= KEYS, entry.keys() - KEYS
    assert entry["says"].strip() and entry["systems"]
    if "equation" in entry:
      assert entry["code"] and entry["tests"], entry["title"]
  titles = [lectures.slug(entry["title"]) for entry in entries(letter)]
  assert len(titles) == len(set(titles))


@decks
def test_functions_and_tests_are_in_their_files(letter):
  for entry in entries(letter):
    for key, folder in ("code", "genjax_zoo"), ("tests", "tests"):
      for reference in entry.get(key, []):
        file, names = lectures.parse(reference)
        path = ROOT / folder / file
        assert path.is_file(), reference
        assert set(names) <= defined(path), (file, set(names) - defined(path))
        assert names or key == "code", f"a test without a name: {reference}"
        assert key == "code" or all(name.startswith("test_") for name in names), reference


@decks
def test_configs_lessons_and_pictures_exist(letter):
  for entry in entries(letter):
    for name in entry.get("configs", []):
      assert (ROOT / f"experiments/configs/{name}.py").is_file(), name
    for name in entry.get("lessons", []):
      assert (ROOT / f"experiments/lessons/{name}.py").is_file(), name
    for path in entry.get("pictures", []):
      assert (ROOT / "docs" / path).is_file(), path


PAGES = lectures.pages()


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
  anchors = {
    page: {lectures.slug(title) for title in re.findall(r"^## (.*)$", text, re.MULTILINE)}
    for page, text in PAGES.items()
  }
  for path, anchor in re.findall(r"\]\(([^)#:]+)(?:#([^)]+))?\)", PAGES[name]):
    assert path in PAGES or (lectures.HERE / path).exists(), path
    assert not anchor or path not in PAGES or anchor in anchors[path], (path, anchor)


@pytest.mark.parametrize("name", PAGES)
def test_formulas_survive_markdown(name):
  """What Markdown would take for its own in a formula: escapes, emphasis, tables, tags."""
  text = PAGES[name]
  assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
  without_code = re.sub(r"`[^`\n]*`", "", text)
  assert without_code.count("$") % 2 == 0
  for formula in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", without_code):
    formula = "".join(formula)
    assert formula == formula.strip() and formula.count("{") == formula.count("}"), formula
    assert not re.search(r"\\[^a-zA-Z ]|[*<>&`~#]|\]\(", formula), formula
    assert not re.search(r"[^0-9A-Za-z]_", formula), formula


def test_every_system_has_an_entry():
  systems = lectures.read("systems")
  listed = lectures.numbered(systems["named"])
  found = {number for letter in DECKS for entry in entries(letter) for number in entry["systems"]}
  assert found == set(listed)


def test_what_is_named_has_code_a_lesson_or_a_config():
  named = lectures.numbered(lectures.read("systems")["named"])
  for number in named:
    own = [e for letter in DECKS for e in entries(letter) if number in e["systems"]]
    assert any(e.get("code") or e.get("lessons") or e.get("configs") for e in own), named[number]


@pytest.mark.skipif(
  not (SHARED / "reference/systems.md").is_file(),
  reason="the inventory is not beside this checkout",
)
def test_systems_are_those_of_the_inventory_in_each_deck_that_names_them():
  text = (SHARED / "reference/systems.md").read_text(encoding="utf-8")
  rows = re.findall(r"^\| (\d+) \|[^|]*\|([^|]*)\|", text.replace(r"\|", ""), re.MULTILINE)
  inventory = {int(number): set(re.findall(r"\b[A-E]\b", where)) for number, where in rows}
  systems = lectures.read("systems")
  assert inventory.keys() == {int(n) for n in systems["named"]}
  for letter in DECKS:
    found = {number for entry in entries(letter) for number in entry["systems"]}
    named = {number for number, where in inventory.items() if letter in where}
    assert named <= found, (letter, named - found)


@slides
@decks
def test_slides_are_where_they_are_said_to_be(letter):
  lines = deck_lines(letter)
  for entry in entries(letter):
    first, _, last = entry["lines"].partition("-")
    first, last = int(first), int(last or first)
    assert 0 < first <= last < len(lines), entry["title"]
    text = [line.strip(" #▶►-|~*") for line in lines[first : last + 1]]
    assert any(line.startswith(entry["slide"]) for line in text), (entry["lines"], entry["slide"])


@slides
@decks
def test_no_sentence_is_copied(letter):
  runs = lambda ws, n=9: {tuple(ws[i : i + n]) for i in range(len(ws) - n + 1)}
  deck = runs(words("\n".join(deck_lines(letter))))
  for entry in entries(letter):
    assert not runs(words(entry["says"])) & deck, entry["title"]


@decks
def test_mistakes_of_the_errata_are_in_the_lectures(letter):
  text = (ROOT / "docs/errata.md").read_text(encoding="utf-8")
  listed = re.findall(rf"{letter}, lines? ([^;)]+)", text)
  assert listed
  for line in listed:
    assert any(numbers(line) & numbers(error["line"]) for error in errors(letter)), line


@pytest.mark.skipif(
  not (SHARED / "reference/deck_errors.md").is_file(), reason="the list is not beside this checkout"
)
@decks
def test_known_mistakes_of_the_slides_are_in_the_lectures(letter):
  text = (SHARED / "reference/deck_errors.md").read_text(encoding="utf-8")
  (section,) = re.findall(rf"## Deck {letter} .*?(?=\n## |\n---|\Z)", text, re.DOTALL)
  rows = [row.split("|")[1].strip() for row in section.splitlines() if re.match(r"\| \d", row)]
  assert rows
  for line in rows:
    assert any(numbers(line) & numbers(error["line"]) for error in errors(letter)), line


def test_what_the_package_has_trained_can_be_touched():
  command = "`python -m experiments.explore --pretrained"
  assert lectures.touched(["gan_digits", "vae_digits", "glow_digits"]) == (
    f"{command} vae_digits glow_digits`"
  )
  assert lectures.touched(["gan_digits"]) == ""
  assert f"- **Touch**: {command} vae_plane_digits`" in PAGES["C.md"]


def test_the_index_leads_to_entries():
  text = (ROOT / "docs/index.md").read_text(encoding="utf-8")
  linked = re.findall(r"\]\(lectures/([A-Z]\.md)#([^)]+)\)", text)
  assert linked
  for page, anchor in linked:
    titles = re.findall(r"^## (.*)$", PAGES[page], re.MULTILINE)
    assert anchor in map(lectures.slug, titles), (page, anchor)
