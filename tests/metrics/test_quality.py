"""Quality is best for the data's own distribution, and each fault shows in its own measure."""

import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.core import Field
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.quality import quality, samples_are
from genjax_zoo.models.latent_variable import autoencoder, bernoulli_vae, hvae, ladder_vae, vae

DIGITS = data.load("digits")
NET = choose("auto", "digits", DIGITS.fields)
TRAIN = DIGITS.splits["train"]


def measure(images, **entries):
  return quality({"image": images, **entries}, DIGITS, NET)


@pytest.fixture(scope="module")
def real():
  return measure(TRAIN["image"][:600], label=TRAIN["label"][:600])


def test_real_images_are_as_good_as_it_gets(real):
  assert real["fid"] < 3 * real["fid_train_vs_test"] < 0.1 * real["fid_noise_vs_test"]
  assert real["precision"] > 0.7 and real["recall"] > 0.7 and real["coverage"] > 0.9
  assert real["agreement"] > 0.98 and real["inception_score"] > 8
  assert real["copies"] == 1.0  # They are the training set.
  assert (
    real["samples"] == 600
    and real["reference"] == "digits test"
    and real["reference_examples"] == 297
  )


def test_collapse_costs_recall_and_not_precision(real):
  ones = TRAIN["image"][TRAIN["label"] == 1]
  collapsed = measure(ones[np.arange(600) % len(ones)])
  assert collapsed["fid"] > 10 * real["fid"]
  assert (
    collapsed["precision"] > real["precision"] - 0.1 and collapsed["recall"] < 0.5 * real["recall"]
  )
  assert collapsed["inception_score"] < 1.5


def test_noise_costs_precision_and_never_copies(real):
  rng = np.random.default_rng(0)
  noisy = np.clip(TRAIN["image"][:600] + rng.integers(-6, 7, (600, 8, 8, 1)), 0, 16).astype(
    np.uint8
  )
  found = measure(noisy)
  assert (
    found["precision"] < 0.8 * real["precision"]
    and found["fid"] > 3 * real["fid"]
    and found["copies"] < 0.3
  )


def test_point_clouds_are_compared_by_chamfer_beside_the_training_set():
  clouds = data.load("points", examples=600, points=32)
  see = choose("auto", "points", clouds.fields)
  train = clouds.splits["train"]
  found = quality({k: x[300:400] for k, x in train.items()}, clouds, see)
  assert found["features"] == "clouds" and found["clouds"] == 60 and "fid" not in found
  for measured in (found, found["oracle"]):
    assert 0.3 < measured["one_nearest_neighbour"] < 0.7 and measured["coverage"] > 0.4
  noise = np.random.default_rng(0).uniform(-2, 2, (100, 32, 3)).astype(np.float32)
  assert quality({"points": noise}, clouds, see)["one_nearest_neighbour"] > 0.9


def test_modes_of_gaussians_are_counted():
  gaussians = data.load("8gaussians")
  x = gaussians.splits["train"]["x"][:1000]
  see = choose("auto", "8gaussians", gaussians.fields)
  found = quality({"x": x}, gaussians, see)
  assert found["modes"] == 8 and found["high_quality"] > 0.95 and found["fid"] < 0.01
  one = quality({"x": x[np.hypot(*(x - gaussians.truth["centres"][0]).T) < 0.5]}, gaussians, see)
  assert one["modes"] == 1


def test_what_samples_are():
  data = {"image": Field((8, 8, 1), np.uint8, 2)}
  for model in (vae.model(data), hvae.model(data), bernoulli_vae.model(data)):
    assert samples_are(model, {}) == "draws"
    assert samples_are(model, {"temperature": 0.5, "noise": False}) == "means"
  assert samples_are(ladder_vae.model(data), {"noise": False}) == "means"
  assert samples_are(autoencoder.model(data), {}) == "draws"  # There is no p(x | z) to draw from.
