"""Pairs and domains of a user's images: every mismatch is named, and domains are independent."""

import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.data import count, load, take
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.data.loader import test_loader as evaluation_loader, train_loader


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def save(path, value, shape=(4, 4, 3)):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(np.full(shape, value, np.uint8)).save(path)


def refused(message, name, **kwargs):
  with pytest.raises(UserError) as e:
    load(name, **kwargs)
  assert message in str(e.value) and "\n" not in str(e.value), e.value


def values(dataset, split, name):
  """The value of each image of one value."""
  examples = dataset.splits[split]
  return take(examples, np.arange(count(examples)))[name].reshape(count(examples), -1)[:, 0]


@pytest.mark.parametrize("folders", [("input", "target"), ("A", "B"), ("Source", "Target")])
@pytest.mark.parametrize("memory", [2**20, 0])
def test_pairs_have_one_name(tmp_path, folders, memory):
  root = tmp_path / "pairs"
  for i in range(8):
    split = "train" if i < 6 else "val"
    save(root / split / folders[0] / f"{i}.png", i, (4, 4))
    save(root / split / folders[1] / f"{i}.jpg", 100 + 10 * i, (8, 8, 3))
  dataset = load(f"pairs:{root}", memory=memory)
  assert dataset.fields["image"].shape == (4, 4, 1)
  assert dataset.fields["target"].shape == (8, 8, 3)
  assert main_entry(dataset.fields) == "target"
  assert {split: count(x) for split, x in dataset.splits.items()} == {"train": 6, "test": 2}
  for split in dataset.splits:
    image = values(dataset, split, "image").astype(int)
    np.testing.assert_allclose(values(dataset, split, "target"), 100 + 10 * image, atol=2)


def test_pairs_side_by_side(tmp_path):
  root = tmp_path / "pairs"
  root.mkdir()
  for i in range(5):
    halves = np.concatenate([np.full((4, 4, 3), i), np.full((4, 4, 3), 50 + i)], 1)
    Image.fromarray(halves.astype(np.uint8)).save(root / f"{i}.png")
  for swap in (False, True):
    dataset = load(f"pairs:{root}", swap=swap)
    left, right = ("target", "image") if swap else ("image", "target")
    assert f"side by side, the {left} at the left" in dataset.found
    for split in dataset.splits:
      assert (values(dataset, split, right) == 50 + values(dataset, split, left)).all()
  assert load(f"pairs:{root}", size=2).fields["target"].shape == (2, 2, 3)
  save(root / "9.png", 0, (8, 4, 3))
  refused("9.png is (8, 4), expected (4, 8)", f"pairs:{root}")
  for i in range(3):
    save(tmp_path / "square" / f"{i}.png", 0)
  refused("0.png is 4 pixels wide and 4 high, no two images", f"pairs:{tmp_path / 'square'}")


def test_mismatched_pairs_are_named(tmp_path):
  root = tmp_path / "pairs"
  for i in range(3):
    save(root / "input" / f"{i}.png", i)
    save(root / "target" / f"{i}.png", i)
  save(root / "input/9.png", 0)
  refused(
    f"1 of 4 files have no target of their name, first {root / 'input/9.png'}: add it",
    f"pairs:{root}",
  )
  (root / "input/9.png").unlink()
  save(root / "target/8.png", 0)
  refused(
    f"1 of 4 files have no input of their name, first {root / 'target/8.png'}", f"pairs:{root}"
  )
  save(root / "input/8.png", 0)
  save(root / "input/8.jpg", 0)
  refused("have one name: keep one", f"pairs:{root}")
  (root / "input/8.jpg").unlink()
  save(root / "other/8.png", 0)
  refused("1 images of", f"pairs:{root}")
  save(tmp_path / "one/input/0.png", 0)
  save(tmp_path / "one/target/0.png", 0)
  refused("one pair can't be split", f"pairs:{tmp_path / 'one'}")


def domains(tmp_path, sizes=(20, 30), shapes=((4, 4, 3), (4, 4))):
  for domain, n, shape, offset in zip("ab", sizes, shapes, (0, 100)):
    for i in range(n):
      save(tmp_path / domain / f"{i:02d}.png", offset + i, shape)
  return f"domains:{tmp_path / 'a'},{tmp_path / 'b'}"


@pytest.mark.parametrize("memory", [2**20, 0])
def test_domains_of_unequal_size_and_colour_mode(tmp_path, memory):
  dataset = load(domains(tmp_path), memory=memory)
  assert dataset.fields["image_a"] == dataset.fields["image_b"]
  assert dataset.fields["image_a"].shape == (4, 4, 3)
  assert "is gray and read as RGB" in dataset.found and "b 30" in dataset.found
  found = {
    k: np.concatenate([values(dataset, split, k) for split in ("train", "test")])
    for k in dataset.fields
  }
  # The larger domain once, the smaller one again; and no image in both splits.
  assert set(found["image_a"]) == set(range(20)) and set(found["image_b"]) == set(range(100, 130))
  train, test = (values(dataset, split, "image_b") for split in ("train", "test"))
  assert len(train) == 27 and len(test) == 3 and not set(train) & set(test)


@pytest.mark.parametrize("budget", [2**30, 0])
def test_domains_are_drawn_independently(tmp_path, budget):
  """Each pair of images is as frequent as the others, and the order of each domain its own."""
  dataset = load(domains(tmp_path, (8, 8), ((4, 4), (4, 4))))
  loader = train_loader(dataset, batch=4, steps_per_dispatch=50, seed=3, budget=budget)
  counts = np.zeros((8, 8))
  steps = 0
  for inputs in loader.inputs(0):
    for step in range(50):
      row = {k: x[step] for k, x in inputs.items() if k != "examples"}
      if budget:
        batch = loader.fetch(loader.resident, row, None)
      else:
        batch = {k: x[step] for k, x in inputs["examples"].items()}
      a, b = (np.asarray(batch[k])[:, 0, 0, 0].astype(int) for k in ("image_a", "image_b"))
      np.add.at(counts, (a, b - 100), 1)
    steps += 50
    if steps == (600 if budget else 100):
      break
  assert (counts.sum(1) > 0).sum() == (counts.sum(0) > 0).sum() == 7  # One of 8 is to test.
  seen = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
  expected = 4 * steps / 49
  assert ((seen - expected) ** 2 / expected).sum() < 90  # Chi squared of 48: p = 2e-4.
  again = train_loader(dataset, batch=4, steps_per_dispatch=50, seed=3)
  first = next(again.inputs(100))["others"]
  np.testing.assert_array_equal(first, next(again.inputs(100))["others"])  # Of (seed, step) alone.
  # In evaluation every image has one place.
  assert "others" not in next(evaluation_loader(dataset, "test", batch=1).inputs(0))


def test_domains_in_one_folder(tmp_path):
  domains(tmp_path / "two")
  assert "image_a" in load(f"domains:{tmp_path / 'two'}").fields
  for split in ("train", "test"):
    for domain in "AB":
      save(tmp_path / "four" / f"{split}{domain}" / "0.png", ord(domain))
      save(tmp_path / "four" / f"{split}{domain}" / "1.png", ord(domain))
  dataset = load(f"domains:{tmp_path / 'four'}")
  assert {split: count(x) for split, x in dataset.splits.items()} == {"train": 2, "test": 2}
  assert set(values(dataset, "test", "image_b")) == {ord("B")}


def test_wrong_domains_are_refused(tmp_path):
  refused("set data.size", domains(tmp_path / "sizes", shapes=((4, 4, 3), (6, 6, 3))))
  assert load(f"domains:{tmp_path / 'sizes'}", size=4).fields["image_b"].shape == (4, 4, 3)
  refused("there is no such folder", f"domains:{tmp_path / 'sizes/a'},{tmp_path / 'none'}")
  save(tmp_path / "sizes/c/0.png", 0)
  refused("needs two sub-folders, a domain each", f"domains:{tmp_path / 'sizes'}")
  save(tmp_path / "some/trainA/0.png", 0)
  save(tmp_path / "some/trainB/0.png", 0)
  save(tmp_path / "some/testB/0.png", 0)
  refused("both need the same, with 'train'", f"domains:{tmp_path / 'some'}")
