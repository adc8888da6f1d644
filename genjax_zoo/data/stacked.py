"""Stacked digits: three gray images of a labelled set as the channels of one, with 1,000 modes.

From MNIST, `stacked:tfds:mnist`, it is the Stacked MNIST of Metz 2017 (arXiv:1611.02163), the usual
test of how many modes a GAN covers; `stacked:digits` is a small version that needs no download.
"""

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset, Source, count, take


def load(name: str, *, examples: int = 50_000, seed: int = 0) -> Dataset:
  """Images [H, W, 3] of three independent examples of the set `name` without "stacked:".

  The label, in [0, classes³), reads the three classes as the digits of one number, the first
  channel's first. `examples` are drawn by `seed` for training, and a fifth as many for testing,
  from the splits of the set. Raises UserError where it has no labels or no gray images.
  """
  from genjax_zoo.data import load as load_set

  inner = load_set(name.removeprefix("stacked:"))
  image = inner.fields.get("image")
  label = inner.fields.get("label")
  if image is None or image.shape[-1] != 1 or label is None or not label.num_values:
    raise UserError(
      f"data {name!r}: only gray images with a label can be stacked, such as stacked:tfds:mnist"
    )
  fields = {
    "image": image._replace(shape=(*image.shape[:-1], 3)),
    "label": Field((), np.int32, label.num_values**3, ordered=False),
  }
  splits = {}
  for i, (split, n) in enumerate({"train": examples, "test": examples // 5}.items()):
    source = inner.splits[split]
    if isinstance(source, Source):
      raise UserError(f"data {name!r}: a set on disk can't be stacked; raise its memory")
    triples = take(source, np.random.default_rng((seed, i)).integers(count(source), size=(n, 3)))
    images = np.moveaxis(triples["image"][..., 0], 1, -1)  # [n, 3, H, W] to [n, H, W, 3].
    classes = tuple(triples["label"].T)
    number = np.ravel_multi_index(classes, (label.num_values,) * 3)
    splits[split] = {"image": images, "label": number.astype(np.int32)}
  return Dataset(name, fields, splits, truth={"stacked": label.num_values})
