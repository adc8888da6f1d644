"""Pictures of the gallery: of finished runs of committed configs, and no others."""

import json

import numpy as np
from PIL import Image
import pytest

from experiments import gallery, pages, resolve
from genjax_zoo.core import Field, UserError
from genjax_zoo.figures.pictures import save
from genjax_zoo.run import describe, write_description

GRAY = np.random.default_rng(0).integers(0, 255, (900, 900, 1), np.uint8).repeat(3, 2)


def run_folder(folder, config_name="vae_digits", step=None, **data):
  """A run folder of a committed config, with pictures of two steps."""
  config = resolve.resolve(f"configs/{config_name}.py").to_dict()
  config["data"] |= data
  steps = config["train"]["steps"] if step is None else step
  folder.mkdir()
  write_description(folder, config, describe({"image": Field((8, 8, 1), np.uint8, 17)}, 64))
  (folder / "metrics.jsonl").write_text(json.dumps({"step": steps, "seconds": 1.0}) + "\n")
  save(folder / "samples" / f"step_{steps // 2:07d}.png", 0 * GRAY)
  save(folder / "samples" / f"step_{steps:07d}.png", GRAY)
  return folder


def test_the_last_samples_of_a_run_become_a_small_picture(tmp_path):
  path = gallery.add(run_folder(tmp_path / "run"), tmp_path / "gallery")
  assert path.name == "vae_digits.webp"
  found = np.asarray(Image.open(path))
  assert found.shape == (gallery.WIDTH, gallery.WIDTH, 3) and found.std() > 10
  colours = np.array([255, 128, 0], np.uint8) & GRAY
  run = run_folder(tmp_path / "photos", "photos", name="folder:of/mine")
  save(next(run.glob("samples/*3000.png")), colours)
  found = Image.open(gallery.add(run, tmp_path / "gallery"))
  assert found.size == (2 * gallery.WIDTH, 2 * gallery.WIDTH)


def test_of_the_figure_of_samples_the_test_examples_are_cut_off(tmp_path):
  run = run_folder(tmp_path / "run")
  for path in run.glob("samples/*.png"):
    path.unlink()
  with pytest.raises(UserError, match="has no picture"):
    gallery.add(run, tmp_path)
  save(run / "figures/samples.png", np.concatenate([GRAY // 2, 255 + 0 * GRAY], 1))
  caption = "From left to right: samples, test examples. None is hand-picked."
  (run / "figures/captions.json").write_text(json.dumps([["samples.png", caption]]))
  found = np.asarray(Image.open(gallery.add(run, tmp_path / "gallery")))
  assert found.shape[:2] == (gallery.WIDTH, gallery.WIDTH) and found.max() < 200


def test_of_a_model_that_restores_there_is_what_was_restored(tmp_path):
  run = run_folder(tmp_path / "run")
  for path in run.glob("samples/*.png"):
    path.unlink()
  save(run / "figures/samples.png", 0 * GRAY)
  save(run / "figures/restorations.png", GRAY[:300])
  found = np.asarray(Image.open(gallery.add(run, tmp_path / "gallery")))
  assert found.shape[:2] == (2 * gallery.WIDTH // 3, 2 * gallery.WIDTH) and found.std() > 10


def test_other_runs_are_refused(tmp_path):
  with pytest.raises(UserError, match="not finished: it is at step 7"):
    gallery.add(run_folder(tmp_path / "a", step=7), tmp_path)
  with pytest.raises(UserError, match=r"is not what configs/vae_digits\.py trains: data\.batch"):
    gallery.add(run_folder(tmp_path / "b", batch=3), tmp_path)


def test_pictures_are_small_and_of_committed_configs():
  for path in (pages.ROOT / "docs/gallery").iterdir():
    assert (pages.ROOT / f"experiments/configs/{path.stem}.py").exists(), path.name
    assert path.suffix == ".webp" and path.stat().st_size < 2**17, path.name
