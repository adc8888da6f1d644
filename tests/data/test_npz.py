"""npz files as others write them: names, axes, labels, units, and what has no density."""

import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import load, tokenizer
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.data.table import check_density

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (40, 8, 8), np.uint8)
LABEL = np.arange(40) % 4
ROWS = RNG.normal(size=(40, 3))


def loaded(tmp_path, **arrays):
  np.savez(tmp_path / "my.npz", **arrays)
  return load(f"npz:{tmp_path / 'my.npz'}")


@pytest.fixture
def refused(tmp_path):
  def check(message, **arrays):
    with pytest.raises(UserError) as e:
      loaded(tmp_path, **arrays)
    assert message in str(e.value) and "\n" not in str(e.value), e.value

  return check


def whole(dataset, key):
  return np.concatenate([x[key] for x in dataset.splits.values()])


@pytest.mark.parametrize(
  "names",
  [
    ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_dev", "y_dev", "x_test", "y_test"),
    ("Train_Image", "TRAIN_LABEL", "valid_image", "valid_label", "TEST_image", "testing_label"),
  ],
)
def test_names_of_medmnist_keras_and_others(tmp_path, names):
  images, labels = names[::2], names[1::2]
  arrays = {k: IMAGE[i * 10 : i * 10 + 10] for i, k in enumerate(images)}
  arrays |= dict.fromkeys(labels, LABEL[:10, None])
  dataset = loaded(tmp_path, **arrays)
  assert dataset.fields == {
    "image": Field((8, 8, 1), np.uint8, 256, kind="image"),
    "label": Field((), np.int32, 4, ordered=False),
  }
  for i, split in enumerate(("train", "validation", "test")):
    found = dataset.splits[split]
    np.testing.assert_array_equal(found["image"][..., 0], IMAGE[i * 10 : i * 10 + 10])
    np.testing.assert_array_equal(found["label"], LABEL[:10])


def test_plural_names_without_a_split(tmp_path):
  dataset = loaded(tmp_path, images=IMAGE, labels=LABEL)
  assert list(dataset.fields) == ["image", "label"] and set(dataset.splits) == {"train", "test"}
  # A real y is a quantity, which a model may be conditioned on, and no class.
  fields = loaded(tmp_path, x=ROWS, y=ROWS[:, 0]).fields
  assert fields["y"].num_values is None and fields["y"].shape == ()


def test_two_names_of_one_entry_are_refused(refused):
  refused("val_image and valid_image are both 'image'", train_image=IMAGE, val_image=IMAGE,
          valid_image=IMAGE)  # fmt: skip
  refused("image and images are both 'image'", image=IMAGE, images=IMAGE)
  refused("image has no split, and train", train_image=IMAGE, image=IMAGE)


@pytest.mark.parametrize(
  "axes, call",
  [
    ((0, 3, 1, 2), "image.transpose(0, 2, 3, 1)"),
    ((1, 2, 3, 0), "image.transpose(3, 0, 1, 2)"),
  ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_other_orders_of_axes_are_refused_with_the_call_that_mends_them(
  tmp_path, axes, call, channels
):
  right = RNG.integers(0, 256, (40, 8, 9, channels), np.uint8)
  wrong = right.transpose(axes)
  with pytest.raises(UserError, match="it must be") as e:
    loaded(tmp_path, image=wrong)
  assert str(e.value).endswith(f"save {call}")
  np.testing.assert_array_equal(eval(call, {"image": wrong}), right)


def test_images_of_other_types(tmp_path, refused):
  assert loaded(tmp_path, image=IMAGE > 127).fields["image"].num_values == 2
  for kind in (np.int16, np.int64, np.uint16):
    assert loaded(tmp_path, image=IMAGE.astype(kind)).fields["image"].dtype == np.uint8
  refused("of 16 bits, save image // 256", image=IMAGE.astype(np.uint16) * 200)
  refused("save (image * 255).round().astype(np.uint8)", image=IMAGE / 255)
  refused("save (image).round().astype(np.uint8)", image=IMAGE.astype(float))
  refused("save image.reshape(-1, 8, 8)", image=IMAGE.reshape(40, 64))
  refused("has no pixels", image=IMAGE[:, :0])
  refused("image is Python objects", image=np.array([IMAGE[0], IMAGE[1][:4]], object), x=ROWS)


def test_labels_of_other_types(tmp_path, refused):
  words = np.array(["cat", "dog", "cow", "owl"])
  for text in (words[LABEL], words[LABEL].astype("S"), words[LABEL][:, None]):
    dataset = loaded(tmp_path, image=IMAGE, label=text)
    names = dataset.fields["label"].names
    assert names == ("cat", "cow", "dog", "owl") and dataset.fields["label"].num_values == 4
    np.testing.assert_array_equal(
      np.sort(np.array(names)[whole(dataset, "label")]), np.sort(words[LABEL])
    )
  assert loaded(tmp_path, image=IMAGE, label=LABEL.astype(float)).fields["label"].num_values == 4
  assert (
    "no training example of the class 0" in loaded(tmp_path, image=IMAGE, label=LABEL + 1).found
  )
  refused("save label.argmax(1)", image=IMAGE, label=np.eye(4, dtype=int)[LABEL])
  refused("label has others, or NaN", image=IMAGE, label=np.where(LABEL, LABEL, np.nan))
  refused("only 4 of these numbers occur", image=IMAGE, label=LABEL * 1000)
  refused("negative", image=IMAGE, label=LABEL - 1)


def test_other_files_and_arrays_are_named(tmp_path, refused):
  dataset = loaded(tmp_path, image=IMAGE, meta=np.array({"a": 1}, object), when=np.array("now"))
  assert "left out: meta (Python objects), when (<U3())" in dataset.found
  refused("x is complex128(40, 3): 'x' must be a plain array", x=ROWS + 1j)
  refused("is text; 'x' must be numbers", x=np.array([["a", "b"]] * 40))
  refused("tokens must be integers", tokens=ROWS)
  np.save(tmp_path / "one.npy", IMAGE)
  (tmp_path / "text.npz").write_text("no zip")
  for name, message in (("one.npy", "the npy file of one array"), ("text.npz", "no npz file")):
    with pytest.raises(UserError, match=message):
      load(f"npz:{tmp_path / name}")
  with pytest.raises(UserError, match="this is a folder"):
    load(f"npz:{tmp_path}")


def test_pairs_and_domains(tmp_path):
  pairs = loaded(tmp_path, image=IMAGE, target=IMAGE[..., None].repeat(3, -1))
  assert main_entry(pairs.fields) == "target" and pairs.fields["target"].shape == (8, 8, 3)
  assert pairs.unpaired == ()
  domains = loaded(tmp_path, image_a=IMAGE, image_b=IMAGE)
  assert domains.unpaired == ("image_b",) and domains.fields["image_a"].kind == "image"
  # Elsewhere a target is a class, or a quantity.
  assert loaded(tmp_path, image=IMAGE, target=LABEL).fields["label"].num_values == 4
  assert loaded(tmp_path, x=ROWS, target=ROWS[:, 0]).fields["y"].num_values is None


def test_video(tmp_path, refused):
  clips = RNG.integers(0, 256, (10, 5, 8, 8, 3), np.uint8)
  assert loaded(tmp_path, video=clips).fields["video"] == Field(
    (5, 8, 8, 3), np.uint8, 256, kind="video"
  )
  refused("save video.transpose(0, 1, 3, 4, 2)", video=clips.transpose(0, 1, 4, 2, 3))


def test_numbers_that_float32_can_t_hold(refused):
  refused("column 1 of x reaches 2e+300, too large for float32", x=ROWS.clip(-2, 2) * [1, 1e300, 1])
  refused("column 2 of x has a standard deviation of", x=ROWS * [1, 1, 1e-40])
  refused("column 0 of x never changes in float32", x=ROWS + [1e12, 0, 0])
  refused("float32 has too few digits; subtract its mean", x=ROWS + [1e7, 0, 0])
  holes = ROWS.copy()
  holes[3, 1] = np.nan
  refused("x[3, 1] is not finite (1 of 120 numbers)", x=holes)


def test_tables_without_a_density_are_refused_before_training(tmp_path):
  def density(message, x):
    dataset = loaded(tmp_path, x=x)
    with pytest.raises(UserError, match=message):
      check_density(dataset)

  check_density(loaded(tmp_path, x=ROWS))
  check_density(loaded(tmp_path, x=LABEL[:, None].repeat(3, 1)))  # Integers have probabilities.
  halves = np.where(np.arange(40) % 3 == 0, 0.0, ROWS[:, 1])
  density("column 1 of x is 0 in 3[0-9]% of the rows", np.c_[ROWS[:, 0], halves])
  density("column 1 of x is", np.c_[ROWS[:, 0], LABEL.astype(float)])
  density("columns 0, 2, 3 of x determine each other", np.c_[ROWS, ROWS[:, 0] - 2 * ROWS[:, 2]])
  outlier = np.concatenate([ROWS, [[1e9, 0, 0]]])
  density("column 0 of x is", np.concatenate([outlier] * 2) + 1e-3 * RNG.normal(size=(82, 3)))
  rounded = np.c_[RNG.normal(size=1000), RNG.normal(size=1000).round(1)]
  assert "column 1 of x has" in loaded(tmp_path, x=rounded).found


def test_units_are_those_of_the_training_split(tmp_path):
  rows = ROWS * [1, 100, 1e-6] + [0, -3, 1e-3]
  field = loaded(tmp_path, train_x=rows, test_x=rows + 5).fields["x"]
  np.testing.assert_allclose(field.mean, rows.mean(0), rtol=1e-5)
  np.testing.assert_allclose(field.sd, rows.std(0), rtol=1e-3)
  # One scale for all coordinates of points; a constant one of what a model is only given is left.
  points = RNG.normal(size=(40, 16, 3)) * [1, 2, 3]
  sd = loaded(tmp_path, points=points).fields["points"].sd
  np.testing.assert_allclose(sd, [np.sqrt(14 / 3)] * 3, rtol=0.05)
  side = loaded(tmp_path, image=IMAGE, side=np.c_[ROWS, np.ones(40)]).fields["side"]
  assert side.sd[3] == 1.0 and side.kind == ""


def test_captions_become_tokens_of_words_or_of_a_bpe(tmp_path):
  texts = np.array(["a red cap", "iron boots", "a cap"] * 4)
  image = np.zeros((12, 4, 4, 3), np.uint8)
  image[:, 0] = 200
  path = tmp_path / "tiles.npz"
  np.savez(path, image=image, caption=texts)
  words = load(f"npz:{path}", vocabulary=0)
  field = words.fields["tokens"]
  assert field.names == ("<pad>", "a", "boots", "cap", "iron", "red") and field.shape == (3,)
  assert main_entry(words.fields) == "image"
  bpe = load(f"npz:{path}")
  for dataset in (words, bpe):
    rows = [x["tokens"] for x in dataset.splits.values()]
    read = tokenizer.decode(dataset.fields["tokens"], np.concatenate(rows))
    assert sorted(read) == sorted(texts)


def test_captions_that_are_no_list_of_texts_are_refused(tmp_path):
  path = tmp_path / "tiles.npz"
  image = np.full((4, 4, 4, 3), 9, np.uint8)
  np.savez(path, image=image, caption=np.array([["a", "b"]] * 4))
  with pytest.raises(UserError, match=r"caption has shape \[4, 2\]"):
    load(f"npz:{path}")
