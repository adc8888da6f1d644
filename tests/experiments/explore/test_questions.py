"""What the page asks: the answers, and that the Python beside each makes it again."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
from PIL import Image
import pytest

from experiments import pipeline
from experiments.explore import questions
from experiments.explore.subject import Subject, asked, options_of, unflat
from genjax_zoo.core import Field, UserError
from genjax_zoo.log import write_json
from genjax_zoo.prob.interpolation import spherical


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
  """A conditional VAE of digits, hardly trained."""
  folder = tmp_path_factory.mktemp("runs") / "cvae"
  pipeline.perform("train_only", "cvae_digits:smoke", str(folder))
  return Subject(str(folder))


def pixels(answer) -> np.ndarray:
  content = base64.b64decode(answer["picture"].partition(",")[2])
  return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def again(answer) -> dict:
  """The batch that the answer's Python makes."""
  names = {}
  exec(answer["code"], names)
  return names["batch"]


def test_what_a_model_can_do_is_told_by_its_functions(subject):
  about = subject.about()
  assert about["given"] == [{"name": "label", "kind": "class", "names": [*"0123456789"]}]
  assert [o["name"] for o in about["options"]] == ["temperature", "noise"]
  assert (about["chain"], about["mask"], about["restores"]) == (False, None, False)
  assert about["examples"] == 256
  latents = about["latents"]
  sd = subject.encoded["z"].std(0)
  assert latents["active"] == np.argsort(-sd, kind="stable")[:12].tolist()
  np.testing.assert_allclose(latents["sd"], sd[latents["active"]], rtol=1e-6)
  assert latents["classes"] == [*"0123456789"]


def test_samples_are_those_of_the_python_beside_them(subject):
  ask = lambda **x: questions.sample(subject, n=4, seed=3, given={"label": "7"}, options=x)
  answer = ask(temperature=0.5)
  assert answer["calls"] == 1
  batch = again(answer)
  same = subject.run.sample(4, 3, {"label": 7}, temperature=0.5)
  np.testing.assert_array_equal(batch["image"], same["image"])
  np.testing.assert_array_equal(pixels(answer), np.asarray(subject.run.picture(batch)))
  assert pixels(ask(temperature=1.0)).shape == pixels(answer).shape
  assert (pixels(ask(temperature=1.0)) != pixels(answer)).any()


def test_the_picture_holds_its_python(subject):
  answer = questions.sample(subject, n=1, seed=0, given={"label": "7"}, options={})
  content = base64.b64decode(answer["picture"].partition(",")[2])
  assert Image.open(io.BytesIO(content)).text["python"] == answer["code"]


def test_what_a_test_example_is_given_can_stand_for_a_class(subject):
  ask = lambda label: questions.sample(subject, 4, 0, {"label": label}, {})
  row = int(np.argmax(subject.test["label"] == 5))
  answer = ask({"row": row})
  np.testing.assert_array_equal(pixels(answer), pixels(ask("5")))
  np.testing.assert_array_equal(again(answer)["image"], again(ask("5"))["image"])


def test_latents_are_decoded_as_in_python(subject):
  z = questions.encode(subject, row=2)["z"]
  example = {k: x[2:3] for k, x in subject.test.items() if k in subject.run.fields}
  np.testing.assert_array_equal(np.float32(z), subject.run.encode(example)["z"][0])
  for mean in True, False:
    answer = questions.decode(subject, z, {"label": "3"}, seed=1, mean=mean)
    x = again(answer)["image"]
    assert x.shape == (1, 8, 8, 1)
    tile = pixels(answer)[10:-10, 10:-10]
    assert np.ptp(tile) == pytest.approx(255 * np.ptp(x / (1 if mean else 16)), abs=3)


def test_the_ways_between_latents_begin_and_end_there(subject, monkeypatch):
  seen = []
  monkeypatch.setattr(questions, "decoded", lambda subject, z, *rest: seen.append(z))
  size = len(subject.usual[0])
  a, b = np.random.default_rng(0).normal(size=(2, size)).astype(np.float32)
  for way in "line", "arc":
    questions.between(subject, a.tolist(), b.tolist(), way, {"label": "3"}, 0, True)
  line, arc = seen
  np.testing.assert_allclose(
    line, a + np.linspace(0, 1, 8)[:, None] * (b - a), rtol=1e-5, atol=1e-6
  )
  np.testing.assert_allclose(arc[3], spherical(a, b, 3 / 7), rtol=1e-4, atol=1e-5)
  questions.arithmetic(subject, a.tolist(), 1, 0, {"label": "3"}, 0, True)
  z, label = subject.encoded["z"], subject.test["label"]
  direction = z[label == 1].mean(0) - z[label == 0].mean(0)
  np.testing.assert_allclose(seen[2][0], a - 0.5 * direction, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(seen[2][-1], a + 1.5 * direction, rtol=1e-4, atol=1e-5)


def test_a_prior_without_a_part_of_its_own_is_as_usual(subject):
  drawn = np.array([questions.prior(subject, seed)["z"] for seed in range(400)])
  mean, sd = subject.usual
  np.testing.assert_allclose(drawn.mean(0), mean, atol=5 * sd.max() / 20)
  np.testing.assert_allclose(drawn.std(0), sd, rtol=0.2)


def test_the_map_has_the_two_most_active_coordinates(subject):
  found = questions.plane(subject)
  z = subject.encoded["z"][:, subject.active[:2]]
  np.testing.assert_allclose(found["points"], z, atol=1e-4)
  assert found["labels"] == subject.test["label"].tolist()


def test_what_can_not_be_is_said_in_a_line(subject):
  def ask(f, *fields) -> str:
    with pytest.raises(UserError) as e:
      f(subject, *fields)
    return str(e.value)

  label = {"label": "3"}
  z = subject.usual[0].tolist()
  assert ask(questions.sample, 3, 0, label, {}) == "n=3: it is one of 1, 4, 16, 64"
  assert "needs a class or a test example" in ask(questions.sample, 4, 0, {}, {})
  assert "label: there is no 'x'" in ask(questions.sample, 4, 0, {"label": "x"}, {})
  assert "given no 'colour'" in ask(questions.sample, 4, 0, label | {"colour": "red"}, {})
  assert "takes no 'steps'" in ask(questions.sample, 4, 0, label, {"steps": 3})
  assert "there is no test example 999" in ask(questions.encode, 999)
  assert "finite numbers in a row" in ask(questions.decode, z[:-1], label, 0, True)
  assert "finite numbers in a row" in ask(questions.decode, [None, *z[1:]], label, 0, True)
  assert "finite numbers in a row" in ask(questions.decode, [z], label, 0, True)
  assert "finite numbers in a row" in ask(questions.decode, ["a", *z[1:]], label, 0, True)
  assert "it is 'line' or 'arc'" in ask(questions.between, z, z, "way", label, 0, True)
  assert "the data have 10 classes" in ask(questions.arithmetic, z, 10, 0, label, 0, True)
  assert "can't keep a part" in ask(questions.complete, 0, [[1]], 0, label, {})
  assert "does not restore" in ask(questions.restore, 0, 0)
  assert "no chain" in ask(questions.chain, 0, 8, label)


def test_a_model_that_completes_keeps_what_the_mask_keeps(tmp_path):
  pipeline.perform("train_only", "pixel_transformer_digits:smoke", str(tmp_path / "run"))
  subject = Subject(str(tmp_path / "run"))
  assert subject.mask == "keep"
  mask = np.arange(64).reshape(8, 8) % 3 > 0
  answer = questions.complete(subject, 5, mask.astype(int).tolist(), 0, {}, {})
  made, real = again(answer)["image"], subject.test["image"][5]
  assert (made[:, mask] == real[mask]).all()
  assert (made[:, ~mask] != real[~mask]).any()
  with pytest.raises(UserError, match=r"mask: it must be \[8, 8\] of 0 and 1, not \[1, 2\]"):
    questions.complete(subject, 5, [[1, 0]], 0, {}, {})


def test_a_chain_goes_from_noise_to_the_sample(tmp_path):
  pipeline.perform("train_only", "edm_digits:smoke", str(tmp_path / "run"))
  subject = Subject(str(tmp_path / "run"))
  assert not subject.maps  # An ODE's solver encodes.
  answer = questions.chain(subject, 0, 3, {})
  assert len(answer["frames"]) == 3
  first, last = (
    pixels({"picture": frame}) for frame in (answer["frames"][0], answer["frames"][-1])
  )
  assert first.shape == last.shape
  assert (first != last).any()
  with pytest.raises(UserError, match="frames=99: from 2 to 24"):
    questions.chain(subject, 0, 99, {})


FIELDS = {
  "label": Field((), np.int32, 3),
  "caption": Field((4,), np.int32, 3, ("<pad>", "red", "ball")),
  "camera": Field((2,), np.float32),
  "image": Field((8, 8, 1), np.uint8, 17),
}


def test_options_are_of_the_signature_and_of_the_config():
  def sample(params, state, key, n, given={}, temperature=1.0, steps=8, **options):
    """Of a model of stages, whose own options are not in its signature."""

  config = {"sample": {"n": 4, "seed": 0, "top_p": 0.9, "steps": 5}}
  model = SimpleNamespace(sample=sample, given={})
  found = options_of(SimpleNamespace(model=model, config=config))
  assert {o["name"]: o["default"] for o in found} == {"temperature": 1.0, "steps": 5, "top_p": 0.9}
  assert [o["type"] for o in found] == ["float", "int", "float"]


def test_the_page_begins_with_as_many_samples_as_take_a_second(tmp_path):
  found = []
  for seconds in 0.01, 0.0626, 0.26, 2.0:
    subject = Subject(str(tmp_path))
    subject.run = SimpleNamespace(folder=tmp_path)
    write_json(tmp_path / "evaluation.json", {"sampling": {"seconds_per_image": seconds}})
    found.append(subject.n)
  assert found == [16, 4, 1, 1]
  assert Subject("pretrained:vae_digits").n == 16


def test_fields_are_asked_for_by_their_kind():
  assert [asked(field) for field in FIELDS.values()] == ["class", "text", "numbers", "example"]
  assert asked(Field((9,), np.float32)) == asked(Field((2,), np.int32, 5)) == "example"


@pytest.fixture
def conditioned():
  """What the page sees of a model that is given one thing of each kind."""
  found = Subject("toy")
  found.run = SimpleNamespace(model=SimpleNamespace(given=FIELDS))
  found.dataset = "toy"
  found.test = {"camera": np.float32([[0, 3], [2, 1]])}
  return found


def test_the_page_is_told_classes_words_and_ranges(conditioned):
  entries = [conditioned.entry(name) for name in FIELDS]
  assert entries[0] == {"name": "label", "kind": "class", "names": ["0", "1", "2"]}
  assert entries[1] == {"name": "caption", "kind": "text", "words": ["red", "ball"]}
  assert entries[2] == {"name": "camera", "kind": "numbers", "ranges": [[0.0, 2.0], [1.0, 3.0]]}
  assert entries[3] == {"name": "image", "kind": "example"}
  conditioned.dataset = None
  assert conditioned.entry("camera") == {"name": "camera", "kind": "example"}


def test_what_a_model_is_given_is_checked_by_its_kind(conditioned):
  def rows(**given):
    conditioned.run.model.given = {k: FIELDS[k] for k in given}
    return questions.conditions(conditioned, given, 2)

  found, code = rows(label=2, caption="ball red", camera=[0.5, 1])
  np.testing.assert_array_equal(found["label"], [2, 2])
  np.testing.assert_array_equal(found["caption"], [[2, 1, 0, 0]] * 2)
  np.testing.assert_array_equal(found["camera"], [[0.5, 1]] * 2)
  assert code == '{"label": 2, "caption": "ball red", "camera": [0.5, 1]}'
  for given, said in (
    ({"caption": "blue"}, "'blue'"),
    ({"caption": 3}, "caption: the model needs a text or a test example of it"),
    ({"camera": [1, 2, 3]}, "camera [n, 2]; given is camera [3]"),
    ({"camera": [1, "2"]}, "camera: these are no numbers"),
    ({"camera": [[1], 2]}, "camera: these are no numbers"),
    # The path of an image would be read.
    ({"image": __file__}, "image: the model needs a test example of it"),
  ):
    with pytest.raises(UserError, match=re.escape(said)):
      rows(**given)


def test_latents_ask_for_no_caption_that_only_samples_are_given(conditioned):
  found, _ = questions.conditions(conditioned, {"label": 2}, 2, {"label"})
  assert found.keys() == {"label"}
  with pytest.raises(UserError, match="caption"):
    questions.conditions(conditioned, {"label": 2}, 2)


def test_rows_of_numbers_are_latents_in_the_order_of_their_fields():
  fields = {"a": Field((2, 2), np.float32), "b": Field((3,), np.float32)}
  found = unflat(np.arange(14.0).reshape(2, 7), fields)
  np.testing.assert_array_equal(found["a"], [[[0, 1], [2, 3]], [[7, 8], [9, 10]]])
  np.testing.assert_array_equal(found["b"], [[4, 5, 6], [11, 12, 13]])
