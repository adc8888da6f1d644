"""The pages of docs/: their examples run, and the files and functions that they name exist."""

import ast
from pathlib import Path
import re
import shutil

import numpy as np
import pytest

from experiments.pipeline import perform
from genjax_zoo import load
from genjax_zoo.data import load as load_data

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def test_the_model_of_two_stages_trains_and_loads_alone(tmp_path, monkeypatch):
  text = (ROOT / "docs/stages.md").read_text(encoding="utf-8")
  blocks = re.findall(r"```python\n# (mine/\w+\.py)\n(.*?)```", text, re.DOTALL)
  assert [name for name, _ in blocks] == [
    "mine/latent_gaussian.py",
    "mine/latent_gaussian_digits.py",
  ]
  assert len(blocks[0][1].splitlines()) <= 40
  (tmp_path / "mine").mkdir()
  for name, code in blocks:
    (tmp_path / name).write_text(code)
  monkeypatch.chdir(tmp_path)
  monkeypatch.syspath_prepend(tmp_path)
  steps = ["train.steps=500", "stages.first.train.steps=500"]
  steps += ["stages.first.train.save_every=500", "stages.first.train.sample_every=500"]
  perform("train", "mine/latent_gaussian_digits.py", "runs/both", steps)
  stage = load("runs/autoencoder_digits")
  shutil.rmtree("runs/autoencoder_digits")
  run = load("runs/both")
  images = load_data("digits").splits["train"]["image"]
  z = stage.encode({"image": images})["z"]
  # The stage is frozen, and the Gaussian has the mean and the deviation of its latents.
  np.testing.assert_allclose(run.encode({"image": images})["z"], z, rtol=1e-5, atol=1e-6)
  np.testing.assert_allclose(run.weights["mean"][0], z.mean(0), atol=0.1 * z.std())
  np.testing.assert_allclose(np.exp(0.5 * run.weights["logvar"][0]), z.std(0), rtol=0.2)
  assert run.sample(4)["image"].shape == (4, 8, 8, 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files(page):
  for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
    assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", ["anatomy", "stages"])
def test_functions_named_before_a_file_are_in_it(page):
  """Where a page says "`f`, `g` in [file.py](...)", the file defines f and g."""
  text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
  named = re.findall(r"((?:`\w+`,? (?:and )?)+)in\s+\[[^]]+\]\(\.\./([^)]+\.py)\)", text)
  assert len(named) > 5
  for names, path in named:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    assert set(re.findall(r"`(\w+)`", names)) <= defined, path
