"""Judges of samples: right conditions agree, exchanged ones don't, and a copy of the truth is."""

from types import SimpleNamespace

import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.judged import derangement, judged

N = 12


def pixels(label):
  """Images [N, 4, 4, 1] whose gray level is the label."""
  return np.broadcast_to(label[:, None, None, None], (len(label), 4, 4, 1)).astype(np.uint8)


@pytest.fixture
def toy():
  """Labelled images, judged by their first pixel, with captions of two words: label, parity."""
  label = np.arange(N, dtype=np.int32)
  tokens = np.stack([label, label % 2], 1)
  split = {"image": pixels(label), "label": label, "tokens": tokens}
  fields = {
    "image": Field((4, 4, 1), np.uint8, N, kind="image"),
    "label": Field((), np.int32, N),
    "tokens": Field((2,), np.int32, N),
  }

  def judge(samples, given):
    return {"colour": (samples["image"][:, 0, 0, 0] == given["label"]).astype(float)}

  truth = {"factors": SimpleNamespace(slots={"colour": (0,), "parity": (1,)})}
  return Dataset("toy", fields, {"train": split, "test": split}, truth=truth, judge=judge)


def test_every_row_of_a_derangement_moves():
  for n in (2, 3, 50):
    moved = derangement(n)
    assert sorted(moved) == list(range(n)) and (moved != np.arange(n)).all()


def test_agreement_of_samples_of_real_images_and_of_wrong_conditions(toy):
  test = toy.splits["test"]
  half = test["image"].copy()
  half[::2] = 200
  found = judged(test | {"image": half}, toy, {"label": toy.fields["label"]})
  assert found == {"samples": {"colour": 0.5}, "real": {"colour": 1.0}, "wrong": {"colour": 0.0}}


def test_the_reader_compares_the_words_of_each_attribute(toy):
  def extract(batch, progress=iter):
    label = batch["image"][:, 0, 0, 0].astype(int)
    words = np.stack([label, np.zeros_like(label)], 1)  # It reads every number as even.
    return None, np.eye(256)[words]

  reader = Features("toy", extract)
  given = {"tokens": toy.fields["tokens"]}
  found = judged(toy.splits["test"], toy._replace(judge=None), given, reader)
  assert found["samples"] == {"reader_colour": 1.0, "reader_parity": 0.5, "reader_all": 0.5}
  assert found["real"] == found["samples"]
  assert found["wrong"]["reader_colour"] == 0


def test_images_made_of_images_are_compared_with_their_truth(toy):
  test = toy.splits["test"]
  field = toy.fields["image"]
  pairs = toy._replace(
    fields={"image": field, "target": field},
    splits={"test": {"image": test["image"], "target": test["image"]}},
    judge=None,
  )
  samples = pairs.splits["test"]
  found = judged(samples, pairs, {"image": field})
  assert found["samples"] == {"psnr": 100.0, "ssim": pytest.approx(1), "patch_wasserstein": 0}
  assert found["wrong"]["psnr"] < 30 and found["wrong"]["ssim"] < 1
  assert found["real"] == {}


def test_of_domains_without_pairs_the_class_is_compared_and_no_pixel(toy):
  """Samples whose first pixel is the label of the given image, but for every third."""
  test = toy.splits["test"]
  field = toy.fields["image"]
  split = {"image_a": test["image"], "image_b": test["image"], "label": test["label"]}
  domains = toy._replace(
    fields={"image_a": field, "image_b": field, "label": toy.fields["label"]},
    splits={"test": split},
    judge=None,
    unpaired=("image_b",),
  )
  made = test["image"].copy()
  made[::3] = 200
  read = lambda batch, progress=iter: (None, np.eye(256)[batch["image_b"][:, 0, 0, 0]])
  samples = {"image_a": test["image"], "image_b": made}
  found = judged(samples, domains, {"image_a": field}, Features("toy", read, "image_b"))
  assert set(found["samples"]) == {"label_kept", "patch_wasserstein"}
  assert found["samples"]["label_kept"] == pytest.approx(2 / 3) and found["wrong"] == {
    "label_kept": 0
  }
  assert found["samples"]["patch_wasserstein"] > 0.1


def test_nothing_is_judged_without_a_judge(toy):
  assert judged(toy.splits["test"], toy._replace(judge=None, truth={}), {}) == {}


def test_what_a_model_observes_of_an_example_is_its_condition(toy):
  """The first frames of a video, say, which are no entry of the data."""
  test = toy.splits["test"]
  corner = test["image"][:, 0, 0]
  judge = lambda batch, given: {"kept": (batch["image"][:, 0, 0] == given["corner"]).all(1)}
  given = {"corner": Field((1,), np.uint8, N)}
  found = judged(test | {"corner": corner}, toy._replace(judge=judge), given)
  assert found["samples"]["kept"] == found["real"]["kept"] == 1 > found["wrong"]["kept"]


def test_an_image_made_of_one_of_its_own_name_is_judged_beside_the_given_one(toy):
  """As `quality.draw` returns both."""
  test = toy.splits["test"]
  judge = lambda batch, given: {"same": (batch["image"] == given["image"]).all((1, 2, 3))}
  samples = test | {"image": np.zeros_like(test["image"]), "given_image": test["image"]}
  found = judged(samples, toy._replace(judge=judge), {"image": toy.fields["image"]})
  assert found["samples"]["same"] == pytest.approx(1 / N)
  assert found["real"]["same"] == 1 and found["wrong"]["same"] == 0


def test_real_images_have_no_captions_where_none_were_given(toy):
  """Beside samples given labels alone, their own captions would be right without being asked."""
  judge = lambda samples, given: {name: np.ones(N) for name in {**samples, **given}}
  test = toy.splits["test"]
  samples = {"image": test["image"], "label": test["label"]}
  found = judged(samples, toy._replace(judge=judge), {"label": toy.fields["label"]})
  for kind in ("samples", "real", "wrong"):
    assert found[kind].keys() == {"image", "label"}
