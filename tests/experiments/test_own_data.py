"""A run of a user's own files: what it says of them, and what it makes of files that change."""

import json

import numpy as np
from PIL import Image
import pytest

from experiments import pipeline
from genjax_zoo import load as load_run
from genjax_zoo.core import Model, UserError
from genjax_zoo.data import load
from genjax_zoo.metrics.features import own
from genjax_zoo.run import describe, write_description

RNG = np.random.default_rng(0)
CONFIG = {"stages": {}, "model": {"name": "gmm"}}


def table(tmp_path, x):
  np.savez(tmp_path / "table.npz", x=x)
  return load(f"npz:{tmp_path / 'table.npz'}")


def test_a_run_goes_on_in_the_units_with_which_it_began(tmp_path):
  x = RNG.normal(size=(50, 3))
  begun = table(tmp_path, x)
  folder = tmp_path / "run"
  assert pipeline.as_begun(begun, folder) is begun  # Nothing has begun.
  folder.mkdir()
  write_description(folder, CONFIG, describe(begun.fields, 8))
  grown = table(tmp_path, np.concatenate([x, 5 * x]))
  assert grown.fields != begun.fields
  assert pipeline.as_begun(grown, folder).fields == begun.fields
  # Runs from before there were units had none.
  plain = {k: f._replace(mean=(), sd=()) for k, f in begun.fields.items()}
  write_description(folder, CONFIG, describe(plain, 8))
  assert pipeline.as_begun(grown, folder).fields == plain
  with pytest.raises(UserError, match=r"has changed since the run in .* began: 'x' is another"):
    pipeline.as_begun(table(tmp_path, x[:, :2]), folder)


def test_densities_without_bound_are_refused_before_training(tmp_path):
  x = RNG.normal(size=(50, 3))
  x[::2, 1] = 0
  dataset = table(tmp_path, x)
  options = {"log_prob": {}, "split": "test", "features": "auto", "samples": 0}
  config = {"evaluate": options, "sample": {"n": 4, "seed": 0}}
  sample = lambda params, state, key, n, given={}: None
  model = Model(None, sample=sample, log_prob=lambda params, state, batch, key: None)
  with pytest.raises(UserError, match="column 1 of x is 0 in"):
    pipeline.check_options(config, model, dataset)
  # A GAN has no density.
  pipeline.check_options(config, model._replace(log_prob=None), dataset)


@pytest.mark.slow
@pytest.mark.parametrize("folders", [("daisy", "rose"), ("",)])
def test_photos_of_any_size_are_conditional_where_there_are_sub_folders(
  folders, tmp_path, monkeypatch
):
  monkeypatch.setattr(own, "STEPS", 5)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  for folder in folders:
    (tmp_path / "photos" / folder).mkdir(parents=True)
    for i in range(220 // len(folders)):
      pixels = RNG.integers(0, 256, (9 + i % 4, 12, 3)).astype(np.uint8)
      Image.fromarray(pixels).save(tmp_path / "photos" / folder / f"{i}.png")
  changes = [f"data.name=folder:{tmp_path / 'photos'}", "data.size=8", "model.widths=4,4"]
  pipeline.perform("train", "photos:smoke", str(tmp_path / "run"), changes)
  run = load_run(tmp_path / "run")
  quality = json.loads((tmp_path / "run/evaluation.json").read_text())["quality"]
  if len(folders) == 1:
    assert quality["features"] == "own_pixels" and not run.model.given
    assert run.sample(3)["image"].shape == (3, 8, 8, 3)
    return
  assert quality["features"].startswith("own_classes@sha256:") and 0 <= quality["agreement"] <= 1
  roses = run.sample(3, given={"label": "rose"})
  np.testing.assert_array_equal(roses["image"], run.sample(3, given={"label": 1})["image"])
  with pytest.raises(UserError, match="there is no 'tulip'; there are daisy, rose"):
    run.sample(3, given={"label": "tulip"})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clip_shapes", "text_diffusion_shapes16"])
def test_captioned_photos_train_what_reads_captions_by_one_command(name, tmp_path, monkeypatch):
  """Their own words, of captions of unequal length, in images of a size of their own."""
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  photos = tmp_path / "photos"
  photos.mkdir()
  lines = []
  for i in range(20):
    pixels = RNG.integers(0, 256, (9 + i % 4, 12, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(photos / f"{i}.png")
    lines.append(f"{i}.png\ta {'very ' * (i % 3)}noisy photograph")
  (photos / "captions.txt").write_text("\n".join(lines))
  changes = [f"data.name=folder:{photos}", "data.size=16"]
  pipeline.perform("train", f"{name}:smoke", str(tmp_path / "run"), changes)
  run = load_run(tmp_path / "run")
  assert run.step == 2
  if run.model.sample:
    tokens = load(f"folder:{photos}", size=16).splits["train"]["tokens"][:3]
    assert run.sample(3, given={"tokens": tokens})["image"].shape == (3, 16, 16, 3)
