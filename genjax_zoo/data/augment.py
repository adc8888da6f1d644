"""What is done to gray images before a model sees them: binarisation and horizontal flips."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data.dataset import Dataset, Source

BINARIZATIONS = ("threshold", "static", "dynamic")


def binarize(dataset: Dataset, how: str, seed: int) -> Dataset:
  """The data set with images in {0, 1}.

  "threshold": 1 where x >= levels / 2. "static": one Bernoulli(x / (levels - 1)) draw per pixel,
  made from `seed` and so the same in every run. "dynamic": fresh draws each time a batch is fetched
  (Burda et al., arXiv:1509.00519). The three give different likelihoods: never compare numbers
  across them. The static MNIST of the literature is Larochelle's own draw, `tfds:binarized_mnist`,
  not `tfds:mnist` made static here.
  """
  if how not in BINARIZATIONS:
    raise UserError(
      f"data.binarize = {how!r} is unknown: take one of {', '.join(BINARIZATIONS)}, or None"
    )
  field = _image(dataset, "binarize")
  if field.num_values == 2:
    raise UserError(f"data {dataset.name!r} is binary already: leave data.binarize out")
  fields = {**dataset.fields, "image": field._replace(num_values=2)}
  dataset = dataset._replace(fields=fields, binarization=how)
  if how == "dynamic":

    def draw(batch, key, train=True):
      mean = batch["image"].astype(jnp.float32) / (field.num_values - 1)
      return batch | {"image": jax.random.bernoulli(key, mean).astype(field.dtype)}

    return _then(dataset, draw)
  if any(isinstance(examples, Source) for examples in dataset.splits.values()):
    raise UserError(
      f"data {dataset.name!r} is too large to binarise once: take binarize='dynamic' or raise data.memory"
    )
  splits = {}
  for split, examples in dataset.splits.items():
    x = examples["image"]
    # P(u < x) = x / (levels - 1) exactly, for u uniform on the integers [0, levels - 1).
    if how == "static":
      x = (
        np.random.default_rng([seed, *split.encode()]).integers(
          field.num_values - 1, size=x.shape, dtype=x.dtype
        )
        < x
      )
    else:
      x = x >= field.num_values / 2
    splits[split] = {**examples, "image": x.astype(field.dtype)}
  return dataset._replace(splits=splits)


def flip(dataset: Dataset) -> Dataset:
  """The data set with each training image mirrored left to right with probability 1/2, anew in
  every batch.
  """
  _image(dataset, "flip")

  def mirror(batch, key, train=True):
    if not train:
      return batch
    x = batch["image"]
    coin = jax.random.bernoulli(key, shape=(x.shape[0], 1, 1, 1))
    return batch | {"image": jnp.where(coin, x[:, :, ::-1], x)}

  return _then(dataset, mirror)


def _image(dataset, what):
  """The image field of a data set; UserError if it has no image with gray levels."""
  field = dataset.fields.get("image")
  if field is None or field.num_values is None or len(field.shape) != 3:
    has = ", ".join(f"{name} {tuple(f.shape)}" for name, f in dataset.fields.items())
    raise UserError(f"data.{what} needs images with gray levels; data {dataset.name!r} has {has}")
  return field


def _then(dataset, augment):
  """The data set with one more step of augmentation, after those it has."""
  before = dataset.augment
  if before is None:
    return dataset._replace(augment=augment)

  def both(batch, key, train=True):
    first, second = jax.random.split(key)
    return augment(before(batch, first, train), second, train)

  return dataset._replace(augment=both)
