"""The site: links stay inside it, formulas are drawn, a model's page shows all of its file."""

import ast
import re

import pytest

from experiments import website
from experiments.pages import ROOT


def test_links_lead_to_pages_of_the_site():
  needed = set()
  here = ROOT / "docs/lectures/A.md"
  text = (
    "[a](../errata.md#x) [b](../../genjax_zoo/models/diffusion/ddpm.py) [c](B.md) "
    "![d](../bench.png) [e](../../genjax_zoo/core.py) [f](https://example.org) [g](#here) "
    "[h](../../README.md) [i](../first_hour.ipynb)"
  )
  assert website.relinked(text, here, needed) == (
    "[a](../errata.md#x) [b](../models/ddpm.md) [c](B.md) ![d](../bench.png) "
    "[e](../code/genjax_zoo/core.py.md) [f](https://example.org) [g](#here) [h](../start.md) "
    "[i](../first_hour.md)"
  )
  assert ROOT / "genjax_zoo/core.py" in needed
  readme = website.relinked("[a](docs/errata.md)", ROOT / "README.md", needed)
  assert readme == "[a](errata.md)"


def test_formulas_become_mathml_and_code_stays():
  pytest.importorskip("latex2mathml")
  found = website.with_mathml("a $x_t$ costs `$5` and $$p(x|z)$$\n```\n$y$\n```")
  assert found.count("<math") == 2
  assert "<msub><mi>x</mi><mi>t</mi></msub>" in found
  assert "`$5`" in found
  assert "\n$y$\n" in found
  assert "|" not in re.sub(r"```.*", "", found, flags=re.DOTALL)  # It would end a cell of a table.
  assert website.with_mathml("5 $ and 6 $") == "5 $ and 6 $"


def test_a_notebook_is_its_texts_and_its_code():
  text = website.text_of(ROOT / "docs/first_hour.ipynb")
  assert text.startswith("# The first hour\n")
  assert "```python\nthrees = run.sample(" in text
  assert text.count("```") == 2 * text.count("```python")


def test_a_docstring_is_text_and_its_formulas_are_code():
  assert website.prose("a_b of `c_d`:\n  x = 1\nmore") == "a\\_b of `c_d`:\n\n    x = 1\nmore"


def test_the_blocks_of_a_file_are_all_of_its_code():
  path = ROOT / "genjax_zoo/models/diffusion/ddpm.py"
  lines = path.read_text().splitlines()
  tree = ast.parse(path.read_text())
  shown = {}
  for _, _, code in website.blocks(path):
    (first,) = re.findall(r'linenums="(\d+)"', code)
    shown[int(first)] = code.splitlines()[1:-1]
  named = [name for name, _, _ in website.blocks(path) if name]
  assert named == [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
  joined = [line for block in shown.values() for line in block]
  documented = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
  hidden = {
    i
    for n in documented
    if ast.get_docstring(n)
    for i in range(n.body[0].lineno, n.body[0].end_lineno + 1)
  }
  missing = [line for i, line in enumerate(lines, 1) if i not in hidden and line.strip()]
  assert [line for line in joined if line.strip()] == missing
  for first, block in shown.items():
    assert lines[first - 1] == block[0]


def test_a_models_page_has_its_idea_results_and_slides():
  decks = {k: website.lectures.read(k) for k in "ABCDE"}
  path = ROOT / "genjax_zoo/models/diffusion/ddpm.py"
  results = website.table.read(website.table.RESULTS)
  page = website.model_page(path, website.config_models(), results, decks)
  assert page.startswith("# ddpm\n\nDenoising diffusion")
  bits = results["ddpm_digits"]["likelihood"]["bits_per_dim"]
  assert f"| ddpm_digits | ≤ {bits:.3f} bits/dim |" in page
  assert "`python -m experiments.explore --pretrained ddpm_labels_digits" in page
  assert "### simple_loss" in page
  assert "](../lectures/" in page


def test_a_curve_goes_from_its_first_to_its_last_value():
  """Three steps up and down: 0 to 10 is the height of 90, the first of 300 steps is at 100."""
  found = website.drawn("a loss", [100, 200, 250, 300], [10.0, 0.0, None, 5.0])
  assert 'points="100.0,5.0 200.0,95.0 300.0,50.0"' in found
  assert "a loss: 10 at step 100, 5 at step 300<" in found
  curve = {"step": [1, 2], "critic_loss": [1.0, 2.0], "gen_loss": [3.0, 4.0]}
  found = website.curves_of("x", {"x": {"training": {"curve": curve}}})
  assert [found.count(f"x, {name} loss: ") for name in ("critic", "gen")] == [1, 1]
  assert website.curves_of("x", {"x": {"training": None}}) == website.curves_of("y", {}) == ""


def test_every_config_names_its_model():
  found = website.config_models()
  models = {file.stem for file in website.model_files()}
  assert set(found.values()) <= models
  assert len(found) > 100


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
  pytest.importorskip("material")
  website.main(["--out", str(tmp_path / "site")])
  pages = {p.relative_to(tmp_path / "site").as_posix() for p in (tmp_path / "site").rglob("*.html")}
  assert {"index.html", "models/ddpm.html", "lectures/A.html", "gallery.html"} <= pages
  for page in (tmp_path / "site").rglob("*.html"):
    text = page.read_text()
    # What a browser would load by itself is in the folder.
    loaded = re.findall(r'(?:src|<link[^>]*rel="stylesheet"[^>]*href)="([^"]+)"', text)
    assert not [x for x in loaded if "//" in x], page
