"""What users hand to a run: values that the data can't have are refused, and text has its meaning.

The model is the smallest that shows which numbers reach it: log p is the sum of the pixels and a
hundred times the label, and samples are constant images of their label.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest

from genjax_zoo import Field, Model, Run, UserError, inputs
from genjax_zoo.sharding import make_mesh

NAMES = tuple(f"class {i}" for i in range(10))
WORDS = ("<pad>", "a", "red", "circle")
FIELDS = {
  "image": Field((4, 4, 1), np.uint8, 17, kind="image"),
  "label": Field((), np.int32, 10, NAMES, ordered=False),
}


def run(folder=Path("nowhere"), given=("label",), fields=FIELDS) -> Run:
  """A run of the model of this file, conditioned on `given`."""

  def log_prob(params, state, batch, key, k=5):
    nats = batch["image"].astype(jnp.float32).sum((1, 2, 3))
    return nats + 100 * batch["label"] if given else nats

  def sample(params, state, key, n, given={}, temperature=1.0, top_k=0):
    value = sum(given[name].reshape(n, -1).sum(1) for name in conditions) + jnp.zeros(n)
    return {"image": jnp.broadcast_to(value[:, None, None, None], (n, 4, 4, 1)).astype(jnp.uint8)}

  def encode(params, state, batch, key):
    return {"z": batch["image"].reshape(-1, 16)[:, :2] / 16.0}

  def decode(params, state, latents, key):
    return sample(params, state, key, len(latents["z"]))

  conditions = {name: fields[name] for name in given}
  model = Model(
    lambda key, batch: ({}, {}),
    sample=sample,
    log_prob=log_prob,
    encode=encode,
    decode=decode if not given else None,
    likelihood={"exact": "exact"},
    given=conditions,
    latents={"z": Field((2,), np.float32)},
  )
  config = {"model": {"name": "toy"}, "data": {"name": "digits"}}
  return Run(model, {}, {}, config, fields, 7, folder, make_mesh())


IMAGES = np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1) % 17
LABELS = np.array([0, 9, 3])


@pytest.mark.parametrize(
  "images, labels, expected",
  [
    (IMAGES / 16, LABELS, r"image must be integers in \[0, 17\); these look like \[0, 1\]"),
    (IMAGES.astype(float), LABELS, r"in \[0, 17\), not float64: x.astype\(int\)"),
    (IMAGES + 200, LABELS, r"image must be integers in \[0, 17\); these look like \[0, 255\]"),
    (IMAGES.astype(int) - 1, LABELS, r"image must be .*; these are from -1 to 15"),
    (IMAGES, LABELS + 1, r"label must be integers in \[0, 10\); these are from 1 to 10"),
    (IMAGES, LABELS - 1, r"label must be integers in \[0, 10\); these are from -1 to 8"),
    (IMAGES, LABELS.astype(np.float32), r"label must be integers in \[0, 10\), not float32"),
    (IMAGES, [None] * 3, r"label must be integers in \[0, 10\), not object"),
    (IMAGES, LABELS[:2], "label has 2 rows where 3 are needed"),
    (IMAGES, LABELS[:, None], r"label \[n\]; given is .*label \[3, 1\]"),
    (IMAGES[:0], LABELS[:0], "image has 0 rows where some are needed"),
    (IMAGES, "class 99", r"there is no 'class 99', did you mean 'class 9'\?; there are class 0,"),
    ("nothing.png", LABELS, r"nothing.png can't be read as an image: No such file"),
  ],
)
def test_values_that_the_data_cannot_have_are_refused(images, labels, expected):
  with pytest.raises(UserError, match=expected) as error:
    run().log_prob({"image": images, "label": labels})
  assert "\n" not in str(error.value)


def test_whatever_has_the_values_is_taken():
  want = IMAGES.reshape(3, -1).sum(1) + 100.0 * LABELS
  for images in IMAGES.tolist(), IMAGES.astype(np.int64), jnp.asarray(IMAGES):
    for labels in LABELS.tolist(), [NAMES[i] for i in LABELS], np.array(NAMES)[LABELS]:
      np.testing.assert_array_equal(run().log_prob({"image": images, "label": labels}), want)
  one = run().log_prob({"image": IMAGES[1], "label": "class 9"})
  np.testing.assert_array_equal(one, want[1:2])
  np.testing.assert_array_equal(
    run().log_prob({"image": IMAGES, "label": 3}) - run().log_prob({"image": IMAGES, "label": 0}),
    [300, 300, 300],
  )


def test_an_image_file_is_scaled_to_the_data(tmp_path):
  Image.fromarray(np.full((9, 8, 3), 255, np.uint8)).save(tmp_path / "white.png")
  nats = run(given=()).log_prob({"image": tmp_path / "white.png"})
  np.testing.assert_array_equal(nats, [16 * 16])
  Image.fromarray(np.full((9, 28, 3), 255, np.uint8)).save(tmp_path / "strip.png")
  with pytest.raises(UserError, match=r"strip\.png is 28 x 9 pixels, a strip"):
    run(given=()).log_prob({"image": tmp_path / "strip.png"})


def test_reals_are_finite_in_their_own_type():
  field = {"x": Field((2,), np.float32)}
  x = np.array([[1.0, 2.0], [3.0, 4.0]])
  assert inputs.batch({"x": x}, field)["x"].dtype == np.float32
  assert inputs.batch({"x": x.astype(int)}, field)["x"].dtype == np.float32
  for wrong in 1e300, np.nan, np.inf:
    with pytest.raises(UserError, match=r"finite as float32: it is not at index \[1, 0\]"):
      inputs.batch({"x": np.array([[1.0, 2.0], [wrong, 4.0]])}, field)
  with pytest.raises(UserError, match=r"examples are a dict such as {'x': array}, not ndarray"):
    inputs.batch(x, field)


def test_samples_are_given_labels_by_number_and_by_name():
  for three in 3, "class 3", [3, 3, 3], np.full(3, 3), ["class 3"] * 3:
    assert (run().sample(3, given={"label": three})["image"] == 3).all()
  assert [*run().sample(2, given={"label": [1, 2]})["image"][:, 0, 0, 0]] == [1, 2]
  with pytest.raises(UserError, match=r"given\['label'\], one or 2 rows .* such as 'class 0'"):
    run().sample(2)
  with pytest.raises(UserError, match=r"label must be integers in \[0, 10\)"):
    run().sample(2, given={"label": 10})
  with pytest.raises(UserError, match=r"needs given\['label'\].* makes no use of 'labl'"):
    run().sample(2, given={"labl": 3})
  with pytest.raises(UserError, match=r"no use of given\['label'\]; it is given nothing"):
    run(given=()).sample(2, given={"label": 3})


def test_captions_can_be_typed():
  tokens = Field((4,), np.int32, len(WORDS), WORDS, ordered=False)
  captioned = run(given=("tokens",), fields=FIELDS | {"tokens": tokens})
  images = captioned.sample(2, given={"tokens": ["a red circle", "a circle"]})["image"]
  assert [*images[:, 0, 0, 0]] == [1 + 2 + 3, 1 + 3]
  assert (captioned.sample(2, given={"tokens": "red"})["image"] == 2).all()
  with pytest.raises(UserError, match="no word 'blue'"):
    captioned.sample(2, given={"tokens": "a blue circle"})


@pytest.mark.parametrize("n", [7.0, True, -1, 0, "7", None])
def test_a_wrong_count_is_refused_and_poisons_nothing(n):
  """7 == 7.0 and 1 == True: a cache by equality would give one the other's program."""
  with pytest.raises(UserError, match=r"n=.*: it must be an integer, 1 or more"):
    run(given=()).sample(n)
  for right in 7, 1, np.int64(7):
    assert len(run(given=()).sample(right)["image"]) == right
  with pytest.raises(UserError, match="seed=-1"):
    run(given=()).sample(7, seed=-1)


@pytest.mark.parametrize(
  "call, options, expected",
  [
    ("sample", {"temprature": 0.5}, "sample takes no 'temprature', did you mean 'temperature'?"),
    ("sample", {"top_k": 2.0}, r"sample.top_k=2.0: it must be of type int, such as 0"),
    ("sample", {"top_k": -1}, "sample.top_k=-1: there must be 0 or more"),
    ("sample", {"temperature": "hot"}, "sample.temperature='hot': it must be of type float"),
    ("log_prob", {"k": 3.0}, "log_prob.k=3.0: it must be of type int, such as 5"),
    ("log_prob", {"k": True}, "log_prob.k=True: it must be of type int"),
    ("log_prob", {"k": 0}, "log_prob.k=0: there must be 1 or more"),
    ("log_prob", {"key": 3}, "log_prob takes no 'key'"),
  ],
)
def test_options_are_checked_before_they_are_compiled(call, options, expected):
  free = run(given=())
  ask = {"sample": lambda **o: free.sample(3, **o), "log_prob": lambda **o: likelihood(free, **o)}
  with pytest.raises(UserError, match=expected.replace("?", r"\?")):
    ask[call](**options)
  right = {"sample": {"top_k": 2, "temperature": 1}, "log_prob": {"k": np.int64(3)}}
  assert ask[call](**right[call]) is not None


def likelihood(run, **options):
  return run.log_prob({"image": IMAGES}, **options)


def test_latents_are_checked_like_data():
  free = run(given=())
  z = free.encode({"image": IMAGES})
  assert free.decode(z)["image"].shape == (3, 4, 4, 1)
  assert free.decode({"z": z["z"].astype(np.float64).tolist()})["image"].shape == (3, 4, 4, 1)
  with pytest.raises(UserError, match=r"z \[n, 2\]; given is z \[3, 5\]"):
    free.decode({"z": np.zeros((3, 5))})
  with pytest.raises(UserError, match="decode needs 'z' of every example"):
    free.decode({"y": np.zeros((3, 2))})
  with pytest.raises(UserError, match="finite"):
    free.decode({"z": np.full((3, 2), np.nan)})
  with pytest.raises(UserError, match="model 'toy' has no decode"):
    run().decode(z)


def test_what_a_model_needs_of_a_batch_is_named():
  with pytest.raises(UserError, match="log_prob needs 'label' of every example; given is image"):
    run().log_prob({"image": IMAGES})
  with pytest.raises(UserError, match=r"given is image .*, lable .*, did you mean 'label'"):
    run().log_prob({"image": IMAGES, "lable": LABELS})


def test_a_run_shows_itself(tmp_path):
  text = repr(run(tmp_path))
  assert text.count("\n") <= 1 and len(text) < 300
  for part in (
    "toy",
    "digits",
    "image [4, 4, 1], label of 10 classes",
    "step 7",
    "sample, log_prob",
    "given label",
  ):
    assert part in text
  assert run(tmp_path)._repr_png_() is None
  run(tmp_path).save(tmp_path / "three.png", {"image": IMAGES})
  with Image.open(tmp_path / "three.png") as saved:
    np.testing.assert_array_equal(saved, run().picture({"image": IMAGES}))
  (tmp_path / "samples").mkdir()
  run(tmp_path).save(tmp_path / "samples/step_0000007.png", {"image": IMAGES})
  assert run(tmp_path)._repr_png_().startswith(b"\x89PNG")
  (tmp_path / "metrics.jsonl").write_text(
    '{"step": 1, "loss": 3.0}\n{"step": 2, "loss": null, "fid": 1.0}\n{"step": 3, "loss": 2.0}\n'
  )
  with pytest.raises(UserError, match="no curve 'los', did you mean 'loss'"):
    run(tmp_path).metrics["los"]
  with pytest.raises(UserError, match="ends in its format"):
    run(tmp_path).save(tmp_path / "three", {})
  steps, losses = run(tmp_path).metrics["loss"]
  assert (
    [*steps] == [1, 3]
    and [*losses] == [3.0, 2.0]
    and run(tmp_path).metrics.keys()
    == {
      "loss",
      "fid",
    }
  )
  assert jax.device_count() == 4  # All of the above with 3 examples for 4 devices.
