"""Augmentations of images in a batch: binarization and horizontal flips."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset, Source
from genjax_zoo.prob.distributions import bernoulli_sample

BINARIZATIONS = ("threshold", "static", "dynamic")


def binarize(dataset: Dataset, how: str, seed: int) -> Dataset:
  """The data set with images in {0, 1}.

  "threshold": 1 where x >= num_values / 2. "static": one draw of Bernoulli(x / (num_values - 1))
  for each pixel, by `seed`, the same in every run. "dynamic": a new draw each time that a batch is
  fetched (Burda et al., arXiv:1509.00519). The three have different likelihoods, which can't be
  compared. The static MNIST of the literature is Larochelle's own draw, `tfds:binarized_mnist`, not
  `tfds:mnist` made static by this function. Raises UserError for another `how`, and for data
  without gray images or too large for it.
  """
  if how not in BINARIZATIONS:
    known = ", ".join(BINARIZATIONS)
    raise UserError(f"data.binarize = {how!r} is unknown: take one of {known}, or None")
  field = image_field(dataset, "binarize")
  if field.num_values == 2:
    raise UserError(f"data {dataset.name!r} is binary already: leave data.binarize out")
  fields = {**dataset.fields, "image": field._replace(num_values=2)}
  dataset = dataset._replace(fields=fields, binarization=how)
  if how == "dynamic":
    return followed_by(dataset, bernoulli(field))
  if any(isinstance(examples, Source) for examples in dataset.splits.values()):
    raise UserError(
      f"data {dataset.name!r} is too large to binarize once: "
      "take binarize='dynamic' or raise data.memory"
    )
  splits = {}
  for split, examples in dataset.splits.items():
    x = examples["image"]
    if how == "static":
      # P(u < x) = x / (num_values - 1) exactly, for u uniform on the integers [0, num_values - 1).
      rng = np.random.default_rng([seed, *split.encode()])
      ones = rng.integers(field.num_values - 1, size=x.shape, dtype=x.dtype) < x
    else:
      ones = x >= field.num_values / 2
    splits[split] = {**examples, "image": ones.astype(field.dtype)}
  return dataset._replace(splits=splits)


def bernoulli(field: Field) -> Callable:
  """An augmentation that draws each pixel x of an image from Bernoulli(x / (num_values - 1))."""

  def draw(batch, key, train=True):
    mean = batch["image"].astype(jnp.float32) / (field.num_values - 1)
    return batch | {"image": bernoulli_sample(key, mean).astype(field.dtype)}

  return draw


def flip(dataset: Dataset) -> Dataset:
  """The data set whose training images are mirrored with probability 1/2, anew in every batch.

  Of pairs both are mirrored or none. Raises UserError for data without gray levels.
  """
  image_field(dataset, "flip")
  return followed_by(dataset, mirror)


def mirror(batch, key, train=True):
  """A batch, in training with each image mirrored left to right with probability 1/2."""
  if not train:
    return batch
  mirrored = jax.random.bernoulli(key, shape=(batch["image"].shape[0], 1, 1, 1))
  images = {name: batch[name] for name in ("image", "target") if name in batch}
  flipped = {name: jnp.where(mirrored, x[:, :, ::-1], x) for name, x in images.items()}
  return batch | flipped


def image_field(dataset: Dataset, option: str) -> Field:
  """The image field of a data set. Raises UserError where there are no images with gray levels."""
  field = dataset.fields.get("image")
  if field is None or field.num_values is None or len(field.shape) != 3:
    has = ", ".join(f"{name} {tuple(f.shape)}" for name, f in dataset.fields.items())
    raise UserError(f"data.{option} needs images with gray levels; data {dataset.name!r} has {has}")
  return field


def followed_by(dataset: Dataset, augment: Callable) -> Dataset:
  """The data set with one more augmentation, after those it has."""
  before = dataset.augment
  if before is None:
    return dataset._replace(augment=augment)

  def both(batch, key, train=True):
    first, second = jax.random.split(key)
    return augment(before(batch, first, train), second, train)

  return dataset._replace(augment=both)
