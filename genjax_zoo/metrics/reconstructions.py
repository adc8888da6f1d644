"""How good the images are that a first stage makes of the codes of held-out images."""

import jax
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.data import Dataset, count
from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.metrics.judged import judgements, means
from genjax_zoo.metrics.restoration import (
  gradient_ratio,
  laplacian_ratio,
  perceptual,
  psnr,
  ssim,
)
from genjax_zoo.run import Run


def reconstructs(model: Model, dataset: Dataset) -> bool:
  """Whether a model is a first stage of images: it encodes and decodes them, and samples none."""
  image = kind_of(dataset.fields[main_entry(dataset.fields)]) == "image"
  return image and model.sample is None and None not in (model.encode, model.decode)


def reconstructed(run: Run, examples: dict) -> dict:
  """What is decoded from the latents of examples, a batch of as many."""
  n = len(examples[main_entry(run.fields)])
  blocks = np.array_split(np.arange(n), -(-n // quality.BATCH))
  parts = [run.decode(run.encode({k: x[rows] for k, x in examples.items()})) for rows in blocks]
  return jax.tree.map(lambda *x: np.concatenate(x), *parts)


def reconstruction_quality(
  run: Run, dataset: Dataset, features: Features | None, split: str = "test"
) -> dict:
  """The measures of the reconstructions of a split, at most quality.REFERENCE of its examples.

  "psnr", "ssim", and with features "perceptual", are means over examples; "gradient_ratio" and
  "laplacian_ratio" are sharpness as a share of that of the true images; "fid", with features, is
  that of all reconstructions against their originals. The data set's own judge, where there is one,
  says what is still read in them.
  """
  rows = np.arange(min(count(dataset.splits[split]), quality.REFERENCE))
  real = quality.examples(dataset, split, rows)
  made = reconstructed(run, real)
  name = main_entry(dataset.fields)
  pair = real[name], made[name]
  values = dataset.fields[name].num_values
  judged = {"psnr": psnr(*pair, values), "ssim": ssim(*pair, values)}
  judged |= judgements(made, real, dataset, features)
  found = {"gradient_ratio": gradient_ratio(*pair), "laplacian_ratio": laplacian_ratio(*pair)}
  about = {"reference": f"{dataset.name} {split}", "examples": len(rows)}
  if features:
    judged["perceptual"] = perceptual(real, made, features)
    found["fid"] = fid(features.extract(real)[0], features.extract(made)[0])
    about["features"] = features.name
  return means(judged) | found | about
