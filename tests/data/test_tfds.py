"""Prepared tensorflow-datasets: a tiny one written here, and the real ones where they are."""

import io
import json
import socket
import sys
import time

import jax
import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import Source, count, load, names, take, tfds
from genjax_zoo.data.loader import train_loader

IMAGES = np.random.default_rng(0).integers(256, size=(20, 6, 4, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
  """No cache of the user's, and no network: touching it fails the test."""

  def refuse(*args):
    raise AssertionError(f"the network was asked for {args}")

  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  monkeypatch.setattr(socket.socket, "connect", refuse)
  monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def home(tmp_path, monkeypatch):
  """An empty folder of prepared sets."""
  monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
  return tmp_path / "tfds"


def prepare(folder, splits, shape=(6, 4, 3), form="array_record"):
  """Writes a set as `make data` leaves it; example i of a split has label i % 3."""
  from array_record.python.array_record_module import ArrayRecordWriter
  from tensorflow_datasets import features
  from tensorflow_datasets.proto import tf_example_pb2

  folder.mkdir(parents=True)
  kinds = dict(
    id=features.Text(), label=features.ClassLabel(num_classes=3), image=features.Image(shape=shape)
  )
  features.FeaturesDict(kinds).save_config(folder)
  file = dict(filepathTemplate="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}", numBytes="1")
  infos = [dict(name=s, shardLengths=[str(len(x))], **file) for s, x in splits.items()]
  info = dict(name="tiny", version=folder.name, fileFormat=form, moduleName="tiny", splits=infos)
  (folder / "dataset_info.json").write_text(json.dumps(info))
  for split, images in splits.items():
    writer = ArrayRecordWriter(
      str(folder / f"tiny-{split}.array_record-00000-of-00001"), "group_size:1"
    )
    for i, x in enumerate(images):
      example, png = tf_example_pb2.Example(), io.BytesIO()
      Image.fromarray(x).save(png, "PNG")
      entries = example.features.feature
      entries["image"].bytes_list.value.append(png.getvalue())
      entries["label"].int64_list.value.append(i % 3)
      entries["id"].bytes_list.value.append(b"text")
      writer.write(example.SerializeToString())
    writer.close()


@pytest.mark.parametrize("memory", [2**20, 0])
def test_a_prepared_set_is_read_as_it_was_written(home, memory):
  prepare(home / "tiny" / "1.0.0", {"train": IMAGES[:15], "test": IMAGES[15:]})
  for _ in range(2):  # The second time from the cache.
    dataset = load("tfds:tiny", memory=memory)
    assert dataset.fields == {
      "image": Field((6, 4, 3), np.uint8, 256, kind="image"),
      "label": Field((), np.int32, 3, ("0", "1", "2"), ordered=False),
    }
    assert list(dataset.fields) == ["image", "label"] and dataset.binarization is None
    for split, images in {"train": IMAGES[:15], "test": IMAGES[15:]}.items():
      assert isinstance(dataset.splits[split], Source) == (memory == 0)
      rows = take(dataset.splits[split], np.arange(len(images)))
      np.testing.assert_array_equal(rows["image"], images)
      np.testing.assert_array_equal(rows["label"], np.arange(len(images)) % 3)
      assert rows["label"].dtype == np.int32
  assert "tensorflow" not in sys.modules


def test_batches_from_disk_equal_those_from_memory(home):
  prepare(home / "tiny" / "1.0.0", {"train": IMAGES})
  batches = []
  for memory in (2**20, 0):
    loader = train_loader(
      load("tfds:tiny", memory=memory, flip=True), batch=4, steps_per_dispatch=3, seed=1
    )
    inputs = jax.tree.map(lambda x: x[1], next(loader.inputs(2)))
    batches.append(loader.fetch(loader.resident, inputs, jax.random.key(0)))
  jax.tree.map(np.testing.assert_array_equal, *batches)


def test_splits_that_a_set_lacks(home):
  prepare(home / "tiny" / "1.0.0", {"train": IMAGES, "validation": IMAGES[:5]})
  assert {s: count(x) for s, x in load("tfds:tiny").splits.items()} == {"train": 20, "test": 5}
  prepare(home / "tiny" / "1.1.0", {"train": IMAGES})  # The newest version is taken.
  for memory in (2**20, 0):
    splits = load("tfds:tiny", memory=memory).splits
    found = np.concatenate([take(x, np.arange(count(x)))["image"] for x in splits.values()])
    assert [count(x) for x in splits.values()] == [18, 2]
    assert sorted(map(bytes, found)) == sorted(map(bytes, IMAGES))
  assert count(load("tfds:tiny:1.0.0").splits["test"]) == 5


def test_images_of_any_size_need_one(home):
  prepare(home / "tiny" / "1.0.0", {"train": IMAGES}, shape=(None, None, 3))
  with pytest.raises(UserError, match=r"differ in size: choose data.size"):
    load("tfds:tiny")
  dataset = load("tfds:tiny", size=4)
  assert dataset.fields["image"].shape == (4, 4, 3)
  whole = sorted(map(bytes, np.concatenate([x["image"] for x in dataset.splits.values()])))
  # A to_floats crop: 4 of 6 rows are kept as they are.
  assert whole == sorted(map(bytes, IMAGES[:, 1:5]))


def test_a_missing_set_says_at_once_how_to_get_it(home):
  begun = time.monotonic()
  with pytest.raises(UserError) as e:
    load("tfds:cifar10")
  assert time.monotonic() - begun < 1
  assert (
    "make data DATASET=cifar10" in str(e.value)
    and "TFDS_DATA_DIR" in str(e.value)
    and "\n" not in str(e.value)
  )


def test_what_is_there_is_listed_and_what_is_half_there_is_not_read(home):
  prepare(home / "tiny" / "one" / "2.0.0.incompleteABCD", {"train": IMAGES[:2]})
  prepare(home / "tiny" / "one" / "1.0.0", {"train": IMAGES})
  assert names()[-1] == "tfds:tiny"
  assert count(load("tfds:tiny").splits["train"]) == 18
  prepare(home / "tiny" / "two" / "1.0.0", {"train": IMAGES[:10]})
  with pytest.raises(UserError, match="choose: tfds:tiny/one, tfds:tiny/two"):
    load("tfds:tiny")
  assert count(load("tfds:tiny/two").splits["train"]) == 9
  with pytest.raises(UserError, match=r"there: tiny\)"):
    load("tfds:tiny/three")
  with pytest.raises(UserError, match="did you mean 'tfds:tiny'"):
    load("tiny")
  prepare(home / "old" / "1.0.0", {"train": IMAGES}, form="tfrecord")
  with pytest.raises(UserError, match="holds tfrecord files"):
    load("tfds:old")
  with pytest.raises(UserError, match="no set's name"):
    load("tfds:../x y")


def real(name):
  """Skips unless a real set was prepared where TFDS_DATA_DIR says."""
  try:
    return tfds.find(name)
  except UserError as e:
    pytest.skip(str(e))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_real_images_are_those_of_tensorflow_datasets(name):
  real(name)
  import tensorflow_datasets

  dataset = load(f"tfds:{name}", memory=0)
  assert dataset.fields["image"] == Field((28, 28, 1), np.uint8, 256, kind="image")
  label = dataset.fields["label"]
  assert label.num_values == len(label.names) == 10 and not label.ordered
  assert ("7" if name == "mnist" else "Sneaker") == label.names[7]
  assert {s: count(x) for s, x in dataset.splits.items()} == {"train": 60_000, "test": 10_000}
  rows = np.random.default_rng(0).choice(10_000, 100, replace=False)
  theirs = tensorflow_datasets.data_source(name, split="test", data_dir=tfds.root(), download=False)
  ours = take(dataset.splits["test"], rows)
  for i, image, label in zip(rows, ours["image"], ours["label"]):
    np.testing.assert_array_equal(image, theirs[int(i)]["image"])
    assert label == theirs[int(i)]["label"]


def test_binarized_mnist_is_larochelles_split():
  real("binarized_mnist")
  dataset = load("tfds:binarized_mnist", memory=0)
  assert (
    dataset.fields == {"image": Field((28, 28, 1), np.uint8, 2, kind="image")}
    and dataset.binarization == "static"
  )
  assert {s: count(x) for s, x in dataset.splits.items()} == {
    "train": 50_000,
    "test": 10_000,
    "validation": 10_000,
  }
  image = take(dataset.splits["test"], np.arange(500))["image"]
  assert set(np.unique(image)) == {0, 1}
  with pytest.raises(UserError, match="binary already"):
    load("tfds:binarized_mnist", memory=0, binarize="static")
