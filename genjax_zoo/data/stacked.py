"""Stacked digits: three gray images of a labelled set as the channels of one, whose classes are
1,000 modes.

From MNIST, `stacked:tfds:mnist`, it is the Stacked MNIST of Metz 2017 (arXiv:1611.02163), the usual
test of how many modes a GAN keeps; `stacked:digits` is its small sibling, which needs no download.
"""

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset, Source, count, take


def load(name: str, *, examples: int = 50_000, seed: int = 0) -> Dataset:
  """Images [H, W, 3] of three independent examples of the set `name` without "stacked:".

  The label, in [0, classes³), reads the three classes as the digits of one number, the first
  channel's first. So many `examples` are drawn by `seed` for training, and a fifth for test, from
  the splits of the set. Raises UserError where it has no labels or no gray images.
  """
  from genjax_zoo.data import load as load_set

  inner = load_set(name.removeprefix("stacked:"))
  image, label = inner.fields.get("image"), inner.fields.get("label")
  if image is None or image.shape[-1] != 1 or label is None or not label.num_values:
    raise UserError(
      f"data {name!r}: only gray images with a label can be stacked, such as stacked:tfds:mnist"
    )
  fields = {
    "image": image._replace(shape=(*image.shape[:-1], 3)),
    "label": Field((), np.int32, label.num_values**3),
  }
  splits = {}
  for i, (split, n) in enumerate({"train": examples, "test": examples // 5}.items()):
    source = inner.splits[split]
    if isinstance(source, Source):
      raise UserError(f"data {name!r}: a set on disk can't be stacked; raise its memory")
    rows = np.random.default_rng((seed, i)).integers(count(source), size=(n, 3))
    image, classes = (take(source, rows)[k] for k in ("image", "label"))  # [n, 3, H, W, 1], [n, 3]
    number = np.ravel_multi_index(tuple(classes.T), (label.num_values,) * 3)
    splits[split] = {"image": np.moveaxis(image[..., 0], 1, -1), "label": number.astype(np.int32)}
  return Dataset(name, fields, splits, truth={"stacked": label.num_values})
