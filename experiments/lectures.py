"""Writes docs/lectures: five lectures slide by slide, with the code and the tests of each formula.

  python -m experiments.lectures           # writes the pages, from the .toml files beside them
  python -m experiments.lectures --check   # changes nothing; fails where a page is stale

A.toml to E.toml have a lecture each, an [[entry]] for a slide or a group of slides:

  title, says   its heading, and what is taught, in our own words
  slide, lines  the title on the first of its slides, and its lines in the text of the slides
  systems       which numbers of systems.toml it is about
  error         what is wrong or easily misread: the line, what the slide says, the right form
  equation      as the code has it, a formula a line
  code, tests   "FILE: NAME, NAME" under genjax_zoo and tests; the tests fail if the code is wrong
  configs, lessons, pictures   by name; pictures under docs

systems.toml names all that the lectures mention, by number.
"""

import argparse
from pathlib import Path
import re
import sys
import tomllib

from experiments.pages import ROOT, markdown
from genjax_zoo import published
from genjax_zoo.core import UserError

HERE = ROOT / "docs/lectures"
UP = "../../"  # From the pages to the root.


def read(name: str, folder: Path = HERE) -> dict:
  """The contents of a .toml file of the lectures."""
  return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def slug(title: str) -> str:
  """The anchor that GitHub gives a heading."""
  return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def parse(reference: str) -> tuple[str, list[str]]:
  """(file, names) of "FILE: NAME, NAME", or of a file alone."""
  file, _, names = reference.partition(": ")
  return file, names.split(", ") if names else []


def in_file(reference: str, folder: str) -> str:
  """A reference as "`NAME`, `NAME` in [FILE](link)"."""
  file, names = parse(reference)
  link = f"[{file}]({UP}{folder}/{file})"
  return f"{', '.join(f'`{name}`' for name in names)} in {link}" if names else link


def links(names: list[str], folder: str) -> str:
  """Links to the configs or lessons of these names."""
  return ", ".join(f"[{name}]({UP}experiments/{folder}/{name}.py)" for name in names)


def touched(names: list[str]) -> str:
  """The command that opens those of some configs that are trained models of the package."""
  found = [name for name in names if (published.FOLDER / f"{name}.json").is_file()]
  return f"`python -m experiments.explore --pretrained {' '.join(found)}`" if found else ""


def mistake(error: dict) -> str:
  """A mistake of a slide as an item of a list."""
  line = error["line"]
  where = f"line {line}" if line.isdigit() else f"lines {line}"
  return f"- **Slide**, {where}: {error['slide']}\n  **Right**: {error['right']}"


def sources(entry: dict) -> dict[str, str]:
  """What belongs to an entry, by what it is."""
  listed = lambda key, folder: "; ".join(in_file(name, folder) for name in entry.get(key, []))
  return {
    "Code": listed("code", "genjax_zoo"),
    "Tests": listed("tests", "tests"),
    "Run": links(entry.get("configs", []), "configs"),
    "Touch": touched(entry.get("configs", [])),
    "Lesson": links(entry.get("lessons", []), "lessons"),
  }


def section(entry: dict) -> str:
  """An entry of a lecture in Markdown."""
  first, _, last = entry["lines"].partition("-")
  where = f"Lines {first} to {last}" if last else f"Line {first}"
  formulas = entry.get("equation", "").strip().splitlines()
  items = [mistake(error) for error in entry.get("error", [])]
  items += [f"- **{what}**: {text}" for what, text in sources(entry).items() if text]
  parts = [
    f"## {entry['title']}",
    f"*{where}, “{entry['slide']}”*",
    entry["says"].strip(),
    *(f"$${formula}$$" for formula in formulas),
    "\n".join(items),
    *(f"![{Path(path).stem}](../{path})" for path in entry.get("pictures", [])),
  ]
  return "\n\n".join(part for part in parts if part)


def numbered(names: dict[str, str]) -> dict[int, str]:
  """{number: name}; TOML's keys are strings."""
  return {int(number): name for number, name in names.items()}


def lecture(letter: str, folder: Path = HERE) -> str:
  """The page of a lecture."""
  deck = read(letter, folder)
  parts = [
    f"# Lecture {letter}: {deck['title']}",
    deck["about"].strip(),
    "[All five lectures](README.md)",
    *(section(entry) for entry in deck["entry"]),
  ]
  return "\n\n".join(parts) + "\n"


def places(decks: dict[str, dict]) -> dict[int, str]:
  """{number of a system: links to its entries}, each named by its deck and first line."""
  found = {}
  for letter, deck in decks.items():
    for entry in deck["entry"]:
      line = entry["lines"].partition("-")[0]
      link = f"[{letter} {line}]({letter}.md#{slug(entry['title'])})"
      for number in entry["systems"]:
        found.setdefault(number, []).append(link)
  return {number: ", ".join(links) for number, links in found.items()}


def index(letters: list[str], folder: Path = HERE) -> str:
  """The page of all lectures: what they are, and where each system is."""
  decks = {letter: read(letter, folder) for letter in letters}
  systems = read("systems", folder)
  where = places(decks)
  named = [[name, where.get(number, "")] for number, name in numbered(systems["named"]).items()]
  lectures = [[f"[{x}]({x}.md)", deck["title"], deck["of"]] for x, deck in decks.items()]
  parts = [
    "# Five lectures, slide by slide",
    systems["about"].strip(),
    markdown(["deck", "about", "of"], lectures).strip(),
    "## What the slides name, and where it is",
    markdown(["what", "deck and line"], named).strip(),
  ]
  return "\n\n".join(parts) + "\n"


def pages(folder: Path = HERE) -> dict[str, str]:
  """{file name: text} of all pages."""
  letters = sorted(path.stem for path in folder.glob("[A-Z].toml"))
  texts = {f"{letter}.md": lecture(letter, folder) for letter in letters}
  return texts | {"README.md": index(letters, folder)}


def main(arguments, folder: Path = HERE):
  """Runs the command. Raises UserError with --check where a page is stale."""
  parser = argparse.ArgumentParser(
    prog="python -m experiments.lectures", description="Writes the pages of docs/lectures."
  )
  parser.add_argument("--check", action="store_true", help="change nothing; fail if one is stale")
  options = parser.parse_args(arguments)
  for name, text in pages(folder).items():
    path = folder / name
    stale = not path.is_file() or path.read_text(encoding="utf-8") != text
    if options.check and stale:
      raise UserError(f"docs/lectures/{name} is stale: run python -m experiments.lectures")
    if stale:
      path.write_text(text, encoding="utf-8")
    print(f"{name} {'is written' if stale else 'is up to date'}")


if __name__ == "__main__":
  try:
    main(sys.argv[1:])
  except UserError as e:
    sys.exit(f"error: {e}")
