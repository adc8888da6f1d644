"""Links between the code and docs/errata.md lead somewhere, both ways."""

from pathlib import Path
import re

ROOT = Path(__file__).parents[2]
ERRATA = ROOT / "docs/errata.md"
HEADINGS = re.findall(r"^## (\w+)$", ERRATA.read_text(encoding="utf-8"), re.MULTILINE)


def links() -> set[str]:
  """The anchors that the code's docstrings name."""
  files = [*(ROOT / "genjax_zoo").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
  texts = [file.read_text(encoding="utf-8") for file in files]
  return {anchor for text in texts for anchor in re.findall(r"docs/errata\.md#(\w+)", text)}


def test_the_links_of_the_code_lead_to_headings():
  assert links() <= set(HEADINGS)


def test_every_heading_is_linked_from_the_code():
  assert len(HEADINGS) == len(set(HEADINGS))
  assert set(HEADINGS) <= links()


def test_a_heading_is_the_name_of_a_file():
  modules = {file.stem for file in (ROOT / "genjax_zoo").rglob("*.py")}
  assert set(HEADINGS) <= modules


def test_links_of_the_page_lead_somewhere():
  text = ERRATA.read_text(encoding="utf-8")
  assert set(re.findall(r"\]\(#(\w+)\)", text)) <= set(HEADINGS)
  for path in re.findall(r"\]\(([^)#]+)\)", text):
    assert (ERRATA.parent / path).is_file(), path
