"""Patches of images as codes by k-means: what a first stage with as many codes is to beat.

Every patch is the nearest of K means of patches of the training images. There is no network, and no
patch knows of its neighbours.
"""

import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.data import Dataset, count
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.restoration import psnr
from genjax_zoo.nn.grid import from_patches, to_patches

PATCHES = 100_000  # The most that k-means is fitted to.
IMAGES = 500  # The most that are measured.


def patch_means(patches, codes: int, seed: int = 0):
  """The k-means of patches [N, D] with `codes` means, a KMeans of scikit-learn."""
  from sklearn.cluster import KMeans  # Late: 0.5 s, and training does not need it.

  means = KMeans(codes, n_init=1, max_iter=50, random_state=seed)
  return means.fit(patches)


def as_means(images, size: int, means) -> np.ndarray:
  """Images [N, H, W, C] as float, each patch of size x size pixels the nearest of the means."""
  patches = np.asarray(to_patches(images.astype(np.float32), size))
  flat = patches.reshape(-1, patches.shape[-1])
  nearest = means.cluster_centers_[means.predict(flat)]
  return np.asarray(from_patches(nearest.reshape(patches.shape).astype(np.float32), size))


def one_grid(model: Model, image: Field) -> tuple[int, int] | None:
  """(pixels of a patch's side, number of codes) of a model of one grid of codes; None of others."""
  if len(model.latents) != 1:
    return None
  (codes,) = model.latents.values()
  if not codes.num_values or len(codes.shape) != 2 or not image.num_values:
    return None
  rows, columns = codes.shape
  height, width, _ = image.shape
  size = height // rows
  return (size, codes.num_values) if (size * rows, size * columns) == (height, width) else None


def patches_psnr(model: Model, dataset: Dataset, split: str = "test") -> dict[str, float]:
  """{"patches_psnr"}: the PSNR, dB, of a split by as many codes of k-means as a model has.

  {} for a model that has not one grid of codes.
  """
  name = main_entry(dataset.fields)
  form = one_grid(model, dataset.fields[name])
  if form is None:
    return {}
  size, codes = form
  rng = np.random.default_rng(0)
  total = count(dataset.splits["train"])
  of = lambda split, rows: quality.examples(dataset, split, rows)[name].astype(np.float32)
  patches = to_patches(of("train", rng.permutation(total)[:PATCHES]), size)
  patches = np.asarray(patches).reshape(-1, patches.shape[-1])
  means = patch_means(patches[rng.permutation(len(patches))[:PATCHES]], codes)
  real = of(split, np.arange(min(count(dataset.splits[split]), IMAGES)))
  values = dataset.fields[name].num_values
  return {"patches_psnr": float(psnr(real, as_means(real, size, means), values).mean())}
