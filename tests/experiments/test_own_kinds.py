"""Own videos, meshes, pairs and domains: one command trains on them, or one line says what not."""

import numpy as np
from PIL import Image
import pytest

from experiments import pipeline
from genjax_zoo import load
from genjax_zoo.core import UserError

RNG = np.random.default_rng(0)
FACES = "f 1 2 4 3\nf 5 7 8 6\nf 1 5 6 2\nf 3 4 8 7\nf 1 3 7 5\nf 2 6 8 4\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def image(*size, mode="RGB"):
  pixels = RNG.integers(0, 256, (*size, 3)).astype(np.uint8)
  return Image.fromarray(pixels).convert(mode)


def gifs(folder):
  """20 animated files of 4 to 6 frames; the changes of a config that trains on them."""
  folder.mkdir()
  for i in range(20):
    first, *others = [image(16, 16) for _ in range(4 + i % 3)]
    first.save(folder / f"{i}.gif", save_all=True, append_images=others)
  return [
    f"{stage}data.{change}"
    for stage in ("", "stages.first.")
    for change in (f"name=video:{folder}", "frames=4", "size=16")
  ]


def meshes(folder):
  """20 boxes in OBJ files; the changes of a config that trains on them."""
  folder.mkdir()
  for i in range(20):
    corners = [(x, y, z) for x in (0, 1) for y in (0, 2) for z in (0, 3 + i / 10)]
    (folder / f"{i}.obj").write_text("".join("v {} {} {}\n".format(*c) for c in corners) + FACES)
  return [f"data.name=meshes:{folder}"]


def refused(tmp_path, config, changes) -> str:
  """The one line by which a command is refused."""
  with pytest.raises(UserError) as e:
    pipeline.perform("train", f"{config}:smoke", str(tmp_path / "run"), changes)
  assert "\n" not in str(e.value)
  return str(e.value)


def test_a_broken_mesh_is_named(tmp_path):
  changes = meshes(tmp_path / "meshes")
  (tmp_path / "meshes" / "broken.obj").write_text("v 0 0\nf 1 2 3\n")
  said = refused(tmp_path, "polygen_vertices_meshes", changes)
  assert "broken.obj can't be read as a mesh: line 1" in said and said.endswith("take it out")


def test_videos_without_captions_need_a_model_without_a_condition(tmp_path):
  said = refused(tmp_path, "video_shapes", gifs(tmp_path / "gifs"))
  assert "the data have no 'tokens'" in said and "--config.model.condition= takes none" in said


def domains(tmp_path):
  """Two folders of 12 and 17 images of unequal size and mode; the changes of a config for them."""
  for name, n, size, mode in (("photos", 12, (12, 15), "RGB"), ("sketches", 17, (20, 20), "L")):
    (tmp_path / "domains" / name).mkdir(parents=True)
    for i in range(n):
      image(*size, mode=mode).save(tmp_path / "domains" / name / f"{i}.png")
  return [f"data.name=domains:{tmp_path / 'domains'}", "data.size=8"]


def test_models_of_one_domain_refuse_two_and_name_the_one_that_translates(tmp_path):
  said = refused(tmp_path, "ddpm_digits", domains(tmp_path))
  assert "image_a and image_b: take cyclegan to translate between them" in said
  said = refused(tmp_path, "cyclegan_shapes", ["data.name=digits"])
  assert "two domains, image_a and image_b" in said and "take domains:PATH" in said


@pytest.mark.slow
def test_own_domains_are_translated_by_one_command(tmp_path):
  changes = domains(tmp_path)
  pipeline.perform("train", "domains:smoke", str(tmp_path / "run"), changes)
  run = load(tmp_path / "run")
  photo = np.zeros((2, 8, 8, 3), np.uint8)
  assert run.sample(2, given={"image_a": photo})["image_b"].shape == (2, 8, 8, 3)
  both = run.sample(2, given={"image_a": photo, "image_b": photo})
  assert set(both) == {"image_a", "image_b"}
  assert (tmp_path / "run/figures/cycles.png").exists()


@pytest.mark.slow
def test_own_videos_are_sampled(tmp_path):
  """In pixels, by the config of own videos."""
  changes = [change for change in gifs(tmp_path / "gifs") if change.startswith("data.")]
  pipeline.perform("train", "videos:smoke", str(tmp_path / "run"), changes)
  assert load(tmp_path / "run").sample(2)["video"].shape == (2, 4, 16, 16, 3)


@pytest.mark.slow
def test_own_meshes_are_sampled(tmp_path):
  changes = meshes(tmp_path / "meshes")
  pipeline.perform("train", "polygen_vertices_meshes:smoke", str(tmp_path / "run"), changes)
  assert load(tmp_path / "run").sample(2)["vertices"].shape[2:] == (3,)


@pytest.mark.slow
def test_own_pairs_are_translated(tmp_path):
  """By diffusion of the target given the image."""
  for side in ("input", "target"):
    (tmp_path / "pairs" / side).mkdir(parents=True)
    for i in range(20):
      image(8, 8).save(tmp_path / "pairs" / side / f"{i}.png")
  changes = [f"data.name=pairs:{tmp_path / 'pairs'}", "data.size=8", "model.condition=image"]
  pipeline.perform("train", "ddpm_digits:smoke", str(tmp_path / "run"), changes)
  given = {"image": np.zeros((2, 8, 8, 3), np.uint8)}
  assert load(tmp_path / "run").sample(2, given=given)["target"].shape == (2, 8, 8, 3)
