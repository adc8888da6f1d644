"""The sources that need no tensorflow-datasets: digits, npz files, folders; and wrong names."""

import time

import numpy as np
from PIL import Image
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import NAMED, Source, count, load, options, take


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


def pixels(*shape, seed=0):
  return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def refused(message, name, **kwargs):
  """A load that raises UserError with one line that contains `message`."""
  with pytest.raises(UserError) as e:
    load(name, **kwargs)
  assert message in str(e.value) and "\n" not in str(e.value), e.value


def npz(path, **arrays):
  np.savez(path, **arrays)
  return f"npz:{path}"


def save(path, image):
  path.parent.mkdir(parents=True, exist_ok=True)
  # So files of one shape have one size.
  Image.fromarray(image.squeeze()).save(path, compress_level=0)


def test_digits_are_scikit_learns_split_once_with_every_class_in_proportion():
  from sklearn.datasets import load_digits

  dataset, whole = load("digits"), load_digits()
  assert dataset.fields == {
    "image": Field((8, 8, 1), np.uint8, 17, kind="image"),
    "label": Field((), np.int32, 10, tuple("0123456789"), ordered=False),
  }
  splits = dataset.splits
  assert {split: count(x) for split, x in splits.items()} == {"train": 1500, "test": 297}
  rows = lambda image, label: sorted(
    map(bytes, np.concatenate([image.reshape(-1, 64), label[:, None]], 1).astype(np.uint8))
  )
  ours = {k: np.concatenate([x[k] for x in splits.values()]) for k in dataset.fields}
  assert rows(ours["image"], ours["label"]) == rows(whole.images, whole.target)
  share = np.bincount(splits["test"]["label"]) - np.bincount(whole.target) * 297 / 1797
  assert (np.abs(share) <= 1).all()
  np.testing.assert_array_equal(
    splits["test"]["image"], load("digits", seed=5).splits["test"]["image"]
  )


def test_names_that_do_not_exist_list_the_nearest_first():
  refused("there is no data 'digts', did you mean 'digits'", "digts")
  refused("did you mean '8gaussians'?; there are 8gaussians,", "8gausians")
  refused("did you mean folder:photos?", "folders:photos")
  for empty in ("npz:", "tfds", "folder"):
    refused("there is no data", empty)


def test_arguments_of_other_sets_are_refused():
  refused("takes no 'size'", "digits", size=3)
  refused("takes no 'levls', did you mean 'levels'", "npz:x", levls=3)


def test_options_are_the_arguments_of_load_with_their_defaults():
  assert options("npz:x") == dict(
    name="npz:x",
    binarize=None,
    flip=False,
    validation=0.0,
    seed=0,
    levels=None,
    vocabulary=1000,
  )
  load(**options("digits"))


def test_npz_with_splits(tmp_path):
  arrays = {
    f"{s}_image": pixels(n, 4, 3, 3, seed=n) for s, n in (("train", 5), ("valid", 2), ("test", 3))
  }
  labels = {
    f"{s}_label": np.arange(n, dtype=np.int64) for s, n in (("train", 5), ("valid", 2), ("test", 3))
  }
  exact = {"test_exact": np.ones(3, bool), "train_name": np.array(["text"] * 5)}
  dataset = load(npz(tmp_path / "my.npz", **arrays, **labels, **exact))
  assert dataset.fields == {
    "image": Field((4, 3, 3), np.uint8, 256, kind="image"),
    "label": Field((), np.int32, 5, ordered=False),
  }
  assert list(dataset.fields) == ["image", "label"]
  for split, prefix in {"train": "train", "validation": "valid", "test": "test"}.items():
    np.testing.assert_array_equal(dataset.splits[split]["image"], arrays[f"{prefix}_image"])
    np.testing.assert_array_equal(dataset.splits[split]["label"], labels[f"{prefix}_label"])
    assert dataset.splits[split]["label"].dtype == np.int32


def test_npz_without_splits_holds_out_a_tenth_by_seed(tmp_path):
  image = pixels(50, 2, 2)
  name = npz(tmp_path / "my.npz", image=image, label=np.arange(50))
  dataset = load(name)
  train, test = dataset.splits["train"], dataset.splits["test"]
  assert (count(train), count(test)) == (45, 5)
  np.testing.assert_array_equal(
    np.sort(np.concatenate([train["label"], test["label"]])), np.arange(50)
  )
  np.testing.assert_array_equal(test["image"], image[test["label"]][..., None])
  np.testing.assert_array_equal(test["label"], load(name).splits["test"]["label"])
  assert set(test["label"]) != set(load(name, seed=1).splits["test"]["label"])


def test_npz_levels(tmp_path):
  binary = npz(tmp_path / "b.npz", image=pixels(10, 2, 2) // 128)
  five = npz(tmp_path / "f.npz", image=pixels(10, 2, 2) % 5)
  assert load(binary).fields["image"].num_values == 2
  assert (
    load(five).fields["image"].num_values == 256
    and load(five, levels=5).fields["image"].num_values == 5
  )
  refused("must be in [0, 3)", five, levels=3)


def test_npz_of_tables_and_tokens(tmp_path):
  x = np.random.default_rng(0).normal(size=(30, 6))
  dataset = load(npz(tmp_path / "x.npz", x=x))
  train = dataset.splits["train"]["x"].astype(np.float64)
  units = {
    k: tuple(f(train, 0).astype(np.float32).tolist())
    for k, f in (("mean", np.mean), ("sd", np.std))
  }
  assert dataset.fields == {"x": Field((6,), np.float32, kind="vector", **units)}
  whole = np.concatenate([s["x"] for s in dataset.splits.values()])
  np.testing.assert_array_equal(np.sort(whole, 0), np.sort(x.astype(np.float32), 0))
  tokens = pixels(20, 7) % 11
  dataset = load(npz(tmp_path / "t.npz", tokens=tokens))
  field = Field((7,), np.int32, int(tokens.max()) + 1, ordered=False, kind="tokens")
  assert dataset.fields == {"tokens": field}


def test_wrong_npz_files_say_what_is_wrong(tmp_path):
  wrong = lambda message, **arrays: refused(message, npz(tmp_path / "my.npz", **arrays))
  image = pixels(4, 3, 3)
  wrong("has pixels uint8[4, 3, 3]", pixels=image)
  wrong(
    "train_image is float64; images must be integers: save (train_image * 255).round()",
    train_image=image / 255,
    test_image=image,
  )
  wrong(
    "differ in shape: train_image uint8[4, 3, 3], test_image uint8[4, 2, 2]",
    train_image=image,
    test_image=pixels(4, 2, 2),
  )
  wrong("as many of each entry", image=image, label=np.arange(3))
  wrong("at least one", train_image=image, test_image=image[:0])
  wrong("can't be split", image=image[:1])
  wrong("must be in [0, 256)", image=image.astype(int) + 300)
  wrong("negative", image=image, label=np.arange(4) - 1)
  wrong("labels must be integers [N]", image=image, label=np.ones((4, 2), int))
  wrong("not finite", x=np.full((4, 2), np.nan))
  wrong(
    "column 1 of x never changes", x=np.arange(8.0).reshape(4, 2) * [1, 0] + 1e9 * np.array([0, 1])
  )
  wrong("too large for int32", tokens=np.full((4, 2), 2**40))
  wrong("it must be [N, H, W]", image=image[0])
  wrong("no array in common", train_image=image, test_label=np.arange(4))
  wrong("label is Python objects", image=image, label=np.array([{}] * 4))
  refused("no such file", f"npz:{tmp_path / 'absent.npz'}")
  for content in (b"", b"not a zip file", (tmp_path / "my.npz").read_bytes()[:200]):
    (tmp_path / "bad.npz").write_bytes(content)
    refused("can't be read", f"npz:{tmp_path / 'bad.npz'}")


@pytest.mark.parametrize("memory", [2**20, 0])
def test_folder_with_classes(tmp_path, memory):
  images = {(c, i): pixels(4, 6, 3, seed=i) for i, c in enumerate(["cat", "ant", "cat", "bee"] * 5)}
  for (c, i), x in images.items():
    save(tmp_path / "photos" / c / f"{i}.png", x)
  dataset = load(f"folder:{tmp_path / 'photos'}", memory=memory)
  assert dataset.fields == {
    "image": Field((4, 6, 3), np.uint8, 256, kind="image"),
    "label": Field((), np.int32, 3, ("ant", "bee", "cat"), ordered=False),
  }
  assert all(isinstance(x, Source) == (memory == 0) for x in dataset.splits.values())
  rows = {s: take(x, np.arange(count(x))) for s, x in dataset.splits.items()}
  assert [len(x["label"]) for x in rows.values()] == [18, 2]
  found = sorted((int(c), bytes(x)) for s in rows.values() for c, x in zip(s["label"], s["image"]))
  assert found == sorted((["ant", "bee", "cat"].index(c), bytes(x)) for (c, _), x in images.items())


def test_folder_with_splits_and_gray_images(tmp_path):
  for i in range(6):
    save(tmp_path / "photos" / ("train" if i < 4 else "test") / f"{i}.PNG", pixels(4, 4, seed=i))
  dataset = load(f"folder:{tmp_path / 'photos'}")
  assert dataset.fields == {"image": Field((4, 4, 1), np.uint8, 256, kind="image")}
  for split, rows in {"train": range(4), "test": (4, 5)}.items():
    np.testing.assert_array_equal(
      dataset.splits[split]["image"][..., 0], [pixels(4, 4, seed=i) for i in rows]
    )


def test_folder_crops_the_centre_and_resizes(tmp_path):
  x = np.zeros((8, 16, 3), np.uint8)
  x[:, 4:12] = (200, 100, 50)  # The to_floats square is of one colour: so is what comes out.
  for i, image in enumerate([x, x.swapaxes(0, 1)]):
    save(tmp_path / "photos" / f"{i}.png", image)
  refused("1.png is (16, 8), expected (8, 16)", f"folder:{tmp_path / 'photos'}")
  dataset = load(f"folder:{tmp_path / 'photos'}", size=4)
  assert dataset.fields["image"].shape == (4, 4, 3)
  for examples in dataset.splits.values():
    np.testing.assert_array_equal(examples["image"], np.full((1, 4, 4, 3), (200, 100, 50)))


def test_folder_turns_photographs_upright(tmp_path):
  x = np.repeat(np.repeat(pixels(2, 4, 3), 8, 0), 8, 1)
  exif = Image.Exif()
  exif[0x0112] = 6  # To be turned by 90 degrees.
  folder = tmp_path / "photos"
  save(folder / "0.png", np.rot90(x, -1))
  Image.fromarray(x).save(folder / "1.png", exif=exif)
  images = [s["image"][0] for s in load(f"folder:{folder}").splits.values()]
  np.testing.assert_array_equal(images[0], images[1])
  np.testing.assert_array_equal(images[0], np.rot90(x, -1))


def test_wrong_folders_name_the_file(tmp_path):
  folder = tmp_path / "photos"
  name = f"folder:{folder}"
  refused("no such folder", name)
  folder.mkdir()
  refused("too few png/jpg/jpeg/webp files", name)
  for i in range(3):
    save(folder / f"{i}.png", pixels(4, 4, 3))
  whole = (folder / "2.png").read_bytes()
  (folder / "2.png").write_bytes(b"text")
  refused(f"{folder / '2.png'} can't be read", name)
  (folder / "2.png").write_bytes(whole[:60])
  refused(f"{folder / '2.png'} ", name)
  (folder / "2.png").write_bytes(whole)
  Image.fromarray(np.zeros((4, 4), np.uint16)).save(folder / "3.png")
  refused("not 8-bit", name)
  (folder / "3.png").unlink()
  save(folder / "cat" / "4.png", pixels(4, 4, 3))
  refused(f"{folder / '0.png'} lies beside the class folders cat", name)


def test_decoded_folders_are_cached_and_the_cache_may_be_damaged_stale_or_read_only(
  tmp_path, capsys, monkeypatch
):
  folder = tmp_path / "photos"
  for i in range(4):
    save(folder / f"{i}.png", pixels(4, 4, seed=i))

  def decoded():
    images = load(f"folder:{folder}").splits["train"]["image"]
    return images, "decoding 4 examples" in capsys.readouterr().err

  first, fresh = decoded()
  assert fresh
  (copy,) = (tmp_path / "cache" / "genjax_zoo").iterdir()
  assert not decoded()[1]
  whole = copy.read_bytes()
  for content in (
    b"",
    b"junk",
    whole[: len(whole) // 2],
    whole.replace(bytes(first[0, :, :, 0]), bytes(16)),
  ):
    copy.write_bytes(content)
    again, fresh = decoded()
    assert fresh
    np.testing.assert_array_equal(again, first)
    assert copy.read_bytes() == whole and [copy] == list(copy.parent.iterdir())
  save(folder / "0.png", pixels(4, 4, seed=9))
  changed, fresh = decoded()
  assert fresh and (changed != first).any()
  blocked = tmp_path / "file"
  blocked.write_text("")
  # No folder can be made in a file, not even by root.
  monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
  for _ in range(2):
    again, fresh = decoded()
    assert fresh
    np.testing.assert_array_equal(again, changed)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_sets_without_a_download_are_small_and_loaded_in_seconds(name):
  """In seconds of the processor: the first time, with what is compiled, and again."""
  begun = time.process_time()
  dataset = load(name)
  first = time.process_time() - begun
  begun = time.process_time()
  load(name)
  again = time.process_time() - begun
  size = sum(x.nbytes for arrays in dataset.splits.values() for x in arrays.values())
  assert first < 30 and again < 5 and size < 200e6
