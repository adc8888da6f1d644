"""Whether samples are what they were asked to be: "judged" in evaluation.json.

  {"samples": {name: number}, "real": {...}, "wrong": {...}}

"samples" are the model's; "real" are test examples judged in the same way, which is the best there
is to reach; "wrong" are test examples beside the conditions of others, which is what a model would
reach that ignores its condition. Four kinds of judges say so, each for each example:

  the data set's own    `Dataset.judge`: attributes of a caption, motion, validity of a mesh
  the reader            reader_NAME: the words that the committed network reads in an image
  CLIP                  clip_NAME: whether image and caption fit, by the committed CLIP that "clip"
                        names, beside "samples"; see metrics/clip
  the truth             psnr, ssim, perceptual: where an image is given, how near its true partner;
                        low_error: where it is given at low resolution, how far from that;
                        label_kept: of domains without pairs, whether the class that a network reads
                        is that of the given image

patch_wasserstein, where an image is given, is one number of all samples: how far their patches are
from those of the test examples that were made of the same images.
"""

from collections.abc import Mapping

import numpy as np

from genjax_zoo.data import Dataset, count
from genjax_zoo.data.dataset import kind_of
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.clip import Clip, all_captions, fit
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.restoration import low_error, perceptual, psnr, ssim
from genjax_zoo.metrics.sliced import patch_wasserstein


def judged(
  samples: Mapping,
  dataset: Dataset,
  given: Mapping,
  features: Features | None = None,
  split: str = "test",
  clip: Clip | None = None,
) -> dict:
  """{"samples", "real", "wrong"} of samples drawn by `quality.draw`, whose model has `given`.

  Each is {name: mean over the samples}. {} where nothing can be judged; without conditions there
  is no "wrong".
  """
  n = len(next(iter(samples.values())))
  rows = np.arange(n) % count(dataset.splits[split])
  real = quality.examples(dataset, split, rows)
  conditions = conditions_of(samples, given)
  others = derangement(n)
  exchanged = {name: x[others] for name, x in conditions.items()}
  judge = lambda batch, conditions: means(judgements(batch, conditions, dataset, features, clip))
  like = {name: x for name, x in real.items() if name in samples}  # No caption, if none was given.
  found = {"samples": judge(samples, conditions), "real": judge(like, conditions)}
  if conditions:
    found["wrong"] = judge(like, exchanged)
  if any(is_image(given[name]) for name in conditions):
    found["samples"] |= means(restored(samples, real, dataset, given, features))
    partner = {name: x[others] for name, x in real.items()}
    found["wrong"] |= means(restored(partner, real, dataset, given, features))
    found["samples"] |= textures(samples, real, dataset, given)
  if clip and "clip_score" in found["samples"]:
    found["clip"] = clip.name
  return found if found["samples"] else {}


def conditions_of(samples: Mapping, given: Mapping) -> dict:
  """What samples drawn by `quality.draw` were given, {name of `given`: [N, ...]}.

  It is of test examples, and may be a part of them that the model observes.
  """
  found_as = {name: f"given_{name}" for name in given if f"given_{name}" in samples}
  found_as |= {name: name for name in given if name in samples and name not in found_as}
  return {name: samples[k] for name, k in found_as.items()}


def derangement(n: int, seed: int = 0) -> np.ndarray:
  """A permutation of n rows that moves each of them, int [n]; of one row, itself."""
  order = np.random.default_rng(seed).permutation(n)
  moved = np.empty(n, int)
  moved[order] = np.roll(order, 1)
  return moved


def means(judgements: Mapping[str, np.ndarray]) -> dict[str, float]:
  """The mean of each judgement [N]; what is NaN could not be judged."""
  return {k: float(np.nanmean(x)) for k, x in judgements.items() if not np.isnan(x).all()}


def is_image(field) -> bool:
  """Whether an entry is an image or a video."""
  return kind_of(field) in ("image", "video")


def judgements(
  batch, conditions, dataset: Dataset, features: Features | None, clip: Clip | None = None
) -> dict:
  """{name: [N]} of examples beside conditions, by the data set's judge, the reader and CLIP."""
  found = {}
  if dataset.judge:
    found |= dataset.judge(batch, conditions)
  slots = getattr(dataset.truth.get("factors"), "slots", {})
  tokens = conditions.get("tokens")
  if features and tokens is not None and slots:
    found |= read_words(batch, tokens, slots, features)
  if clip and tokens is not None and "image" in batch:
    found |= fit(clip, batch["image"], tokens, all_captions(dataset), slots)
  return found


def read_words(batch, tokens, slots: Mapping[str, tuple], features: Features) -> dict:
  """{"reader_NAME": [N]}: whether the words that a network reads are those of the captions [N, L].

  `slots` are the places of the words of each attribute, {attribute: places}. {} of a network that
  does not read captions.
  """
  _, probabilities = features.extract(batch)
  if probabilities is None or probabilities.shape[1:-1] != tokens.shape[1:]:
    return {}
  right = probabilities.argmax(-1) == tokens
  found = {f"reader_{name}": right[:, list(places)].all(1) for name, places in slots.items()}
  return {k: x.astype(float) for k, x in found.items()} | {"reader_all": right.all(1) * 1.0}


def restored(batch, real, dataset: Dataset, given: Mapping, features: Features | None) -> dict:
  """{"psnr", "ssim", "perceptual": [N]} of the images that a model makes of given images.

  The true ones are the entries of the same name of test examples `real`. Where what is given is an
  image at low resolution, also "low_error"; of domains without pairs "label_kept" alone.
  """
  found = {}
  for name, field in made(batch, dataset, given).items():
    if name in dataset.unpaired:
      found |= label_kept(batch, real, features)
    else:
      pair = real[name], batch[name]
      found["psnr"] = psnr(*pair, field.num_values)
      found["ssim"] = ssim(*pair, field.num_values)
      if features:
        found["perceptual"] = perceptual(real, batch, features)
      # Of images; the first frames of a video are no smaller version of it.
      low = [batch[k] for k in given if k in batch and batch[k].ndim == batch[name].ndim == 4]
      if low and low[0].shape[1] < field.shape[0]:
        found["low_error"] = low_error(low[0], batch[name])
  return found


def made(batch, dataset: Dataset, given: Mapping) -> dict:
  """The fields of the images in a batch that were not given."""
  fields = dataset.fields.items()
  return {k: field for k, field in fields if k in batch and k not in given and is_image(field)}


def label_kept(batch, real, features: Features | None) -> dict:
  """{"label_kept": [N]}: whether the class that a network reads in an image is the example's label.

  {} without labels, and without a network that reads their classes.
  """
  if features is None or "label" not in real:
    return {}
  _, probabilities = features.extract(batch)
  if probabilities is None or probabilities.ndim != 2:
    return {}
  return {"label_kept": (probabilities.argmax(-1) == real["label"]).astype(float)}


def textures(batch, real, dataset: Dataset, given: Mapping) -> dict:
  """{"patch_wasserstein"} of the images that a model makes of given images, from the real ones."""
  found = {}
  for name, field in made(batch, dataset, given).items():
    if kind_of(field) == "image":
      found["patch_wasserstein"] = patch_wasserstein(batch[name], real[name], field.num_values)
  return found
