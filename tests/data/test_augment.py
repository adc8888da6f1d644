"""Binarization has the probabilities it says, and flips are flips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import Dataset, Source, load
from genjax_zoo.data.augment import binarize, flip, mirror

LEVELS = 5


def ramp(n=4000):
  """Images whose pixel i has gray level i."""
  image = np.tile(np.arange(LEVELS, dtype=np.uint8)[None, None, :, None], (n, 1, 1, 1))
  splits = {"train": {"image": image}, "test": {"image": image[:7]}}
  return Dataset("ramp", {"image": Field((1, LEVELS, 1), np.uint8, LEVELS)}, splits)


def draws(dataset, seed=0, train=True):
  batch = {"image": jax.numpy.asarray(dataset.splits["train"]["image"])}
  return np.asarray(
    jax.jit(dataset.augment, static_argnums=2)(batch, jax.random.key(seed), train)["image"]
  )


def test_threshold_is_one_from_half_the_values_on():
  dataset = binarize(ramp(), "threshold", 0)
  # num_values / 2 = 2.5.
  np.testing.assert_array_equal(dataset.splits["test"]["image"][0].ravel(), [0, 0, 0, 1, 1])
  assert (
    dataset.fields["image"] == Field((1, LEVELS, 1), np.uint8, 2)
    and dataset.binarization == "threshold"
  )


@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_draws_are_one_with_probability_the_gray_level(how):
  dataset = binarize(ramp(), how, seed=3)
  image = dataset.splits["train"]["image"] if how == "static" else draws(dataset)
  assert (
    image.dtype == np.uint8
    and dataset.fields["image"].num_values == 2
    and dataset.binarization == how
  )
  ones = image.sum(0).ravel()
  assert ones[0] == 0 and ones[-1] == len(image)
  for level in range(1, LEVELS - 1):
    assert stats.binomtest(int(ones[level]), len(image), level / (LEVELS - 1)).pvalue > 1e-4
  assert abs(np.corrcoef(image[:, 0, 1, 0], image[:, 0, 2, 0])[0, 1]) < 5 / np.sqrt(len(image))


def test_static_draws_are_the_same_in_every_run_and_dynamic_ones_never():
  static = lambda seed: binarize(ramp(), "static", seed).splits["train"]["image"]
  np.testing.assert_array_equal(static(1), static(1))
  assert (static(1) != static(2)).any()
  assert (static(1)[:7] != binarize(ramp(), "static", 1).splits["test"]["image"]).any()
  dynamic = binarize(ramp(), "dynamic", 0)
  assert (draws(dynamic, 0) != draws(dynamic, 1)).any()
  np.testing.assert_array_equal(draws(dynamic, 0), draws(dynamic, 0))
  assert draws(dynamic, train=False).max() == 1


def test_flips_mirror_half_of_the_training_images_and_no_others():
  dataset = flip(ramp())
  image = draws(dataset)
  original = dataset.splits["train"]["image"]
  flipped = (image == original[:, :, ::-1]).all((1, 2, 3))
  assert (flipped | (image == original).all((1, 2, 3))).all()
  assert stats.binomtest(int(flipped.sum()), len(image)).pvalue > 1e-4
  np.testing.assert_array_equal(draws(dataset, train=False), original)


def test_pairs_are_mirrored_together():
  batch = {"image": jnp.arange(400).reshape(100, 2, 2, 1)}
  batch["target"] = -batch["image"]
  flipped = mirror(batch, jax.random.key(0))
  np.testing.assert_array_equal(flipped["target"], -flipped["image"])
  assert 20 < (flipped["image"] != batch["image"]).any((1, 2, 3)).sum() < 80


def test_flips_come_after_binarization():
  dataset = load("digits", binarize="dynamic", flip=True)
  image, plain = draws(dataset), draws(dataset, train=False)
  assert image.max() == 1 and plain.max() == 1
  original = dataset.splits["train"]["image"] > 0
  assert (plain <= original).all() and not (image <= original).all()
  assert ((image <= original) | (image <= original[:, :, ::-1])).all()


def test_what_cannot_be_binarized_says_why():
  for name, kwargs, message in [
    ("digits", dict(binarize="treshold"), "take one of threshold, static, dynamic"),
    ("moons", dict(binarize="static"), "needs images with gray levels; data 'moons' has x (2,)"),
    ("moons", dict(flip=True), "needs images"),
  ]:
    with pytest.raises(UserError) as e:
      load(name, **kwargs)
    assert message in str(e.value)
  with pytest.raises(UserError, match="binary already"):
    binarize(binarize(ramp(), "threshold", 0), "static", 0)
  disk = ramp()._replace(splits={"train": Source(range(3), lambda i: {})})
  with pytest.raises(UserError, match="too large to binarize once"):
    binarize(disk, "static", 0)
  assert binarize(disk, "dynamic", 0).binarization == "dynamic"
