"""Whether images fit their captions, as the project's own CLIP sees them (arXiv:2103.00020).

The networks are `models/discriminative/clip.py`, trained by configs/clip_*.py and committed here as
files named by their hash. `python -m genjax_zoo.metrics.clip runs/clip_shapes` adds one. For each
image and its caption:

  clip_score        the cosine of their embeddings (Hessel 2021, arXiv:2104.08718, whose score is
                    2.5 times this, and 0 where it is negative)
  clip_r_precision  the probability that of 100 captions, 99 of them others of the data drawn at
                    random, its own is the most similar (Xu 2018, arXiv:1711.10485)
  clip_retrieval    whether of all captions of the data its own is the most similar
  clip_ATTRIBUTE    zero-shot classification: whether of an attribute's values, each the mean of
                    the embeddings of all captions with that word, the caption's is the most similar

A model that was trained or ranked by this CLIP can please it without being right: an untrained
judge, where there is one, knows better.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
import re
from typing import NamedTuple

import jax
import numpy as np

from genjax_zoo import data
from genjax_zoo.core import Model
from genjax_zoo.data import Dataset
from genjax_zoo.metrics import weights
from genjax_zoo.models.discriminative.clip import model as clip_model
from genjax_zoo.prob.contrastive import first_of, ranks
from genjax_zoo.run import describe, fields_of, load, tuples
from genjax_zoo.sharding import jit

HERE = Path(__file__).parent
BATCH = 500  # Images or captions that are embedded at once.
AMONG = 100  # Captions of the R-precision.


class Clip(NamedTuple):
  """Encoders of images and captions, by which they are compared."""

  name: str  # "clip_coloured_shapes@sha256:1a2b3c4d": numbers of other weights are other numbers.
  embed_image: Callable  # uint8 [N, H, W, C] -> unit vectors [N, D]
  embed_text: Callable  # int [N, L] -> unit vectors [N, D]


def choose(dataset: Dataset) -> Clip | None:
  """The committed CLIP of a data set; None where there is none of its images and captions."""
  stem = re.split("[:/]", dataset.name)[-1].removesuffix(".npz")
  files = sorted(HERE.glob(f"clip_{stem}-*.npz"))
  return read(files[0], dataset.fields) if files else None


def read(file: Path, fields: Mapping) -> Clip | None:
  """The CLIP of a committed file; None when it was trained on entries unlike `fields`."""
  name, params, about = weights.read(file)
  trained = fields_of(tuples(about["data"]))
  same = lambda k: k in fields and fields[k].shape == trained[k].shape
  if not same("image") or not same("tokens") or fields["tokens"].names != trained["tokens"].names:
    return None
  options = {k: v for k, v in tuples(about["model"]).items() if k != "name"}
  return of_model(name, clip_model(trained, **options), params)


def of_model(name: str, model: Model, params) -> Clip:
  """The encoders of a CLIP with these parameters."""
  embed = lambda part: encoder(model.parts[part], params)
  return Clip(name, embed("embed_image"), embed("embed_text"))


def encoder(embed: Callable, params) -> Callable:
  """A part of CLIP as a function of an array [N, ...], BATCH rows at a time."""
  compiled = jit(lambda params, x: embed(params, {}, x))

  def encode(x):
    rows = np.asarray(x)
    padded = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % BATCH, 0)])
    parts = [compiled(params, padded[i : i + BATCH]) for i in range(0, len(padded), BATCH)]
    return np.concatenate(jax.device_get(parts))[: len(rows)]

  return encode


def all_captions(dataset: Dataset) -> np.ndarray:
  """All different captions of the data, of any split, int [M, L]."""
  return np.unique(np.concatenate([split["tokens"] for split in dataset.splits.values()]), axis=0)


def fit(clip: Clip, images, tokens, captions, slots: Mapping = {}) -> dict[str, np.ndarray]:
  """{name: [N]}, see above, of images [N, ...] with captions [N, L], of all `captions` [M, L].

  `slots` are the places of the words of each attribute in a caption, where captions are alike.
  """
  image = clip.embed_image(images)
  candidates = clip.embed_text(captions)
  similarity = image @ candidates.T
  own = (np.asarray(tokens)[:, None] == captions).all(-1)
  rank = ranks(similarity, own)
  found = {
    "clip_score": (image * clip.embed_text(tokens)).sum(1),
    "clip_r_precision": first_of(rank, len(captions) - 1, AMONG),
    "clip_retrieval": rank == 0,
  }
  for name, places in slots.items():
    right = zero_shot(image, candidates, captions[:, places], np.asarray(tokens)[:, places])
    found[f"clip_{name}"] = right
  return {name: np.asarray(x, np.float32) for name, x in found.items()}


def zero_shot(image, candidates, words, wanted) -> np.ndarray:
  """Whether images [N, D] are classified as wanted [N, P], bool [N].

  The classes are the different `words` [M, P] of captions, each the mean of the embeddings
  `candidates` [M, D] of its captions, at length 1 (Radford 2021, section 3.1.4).
  """
  classes, which = np.unique(words, axis=0, return_inverse=True)
  means = np.stack([candidates[which.ravel() == i].mean(0) for i in range(len(classes))])
  means /= np.linalg.norm(means, axis=1, keepdims=True)
  return (classes[(image @ means.T).argmax(1)] == wanted).all(1)


def commit(run_folder) -> Path:
  """Commits the CLIP of a run folder as clip_DATA-HASH.npz, with its measures of test examples."""
  run = load(run_folder)
  dataset = data.load(**{k: v for k, v in run.config["data"].items() if k != "batch"})
  name = f"clip_{dataset.name}"
  about = {
    "model": run.config["model"],
    "data": describe(run.fields, 1),
    "measures": measures(of_model(name, run.model, run.weights), dataset),
  }
  return weights.write(HERE, name, run.weights, about)


def measures(clip: Clip, dataset: Dataset) -> dict[str, float]:
  """The means of `fit` of test examples.

  And, as retrieved_ATTRIBUTE, whether the caption that is the most similar says the same of it.
  """
  test = dataset.splits["test"]
  slots = getattr(dataset.truth.get("factors"), "slots", {})
  captions = all_captions(dataset)
  found = fit(clip, test["image"], test["tokens"], captions, slots)
  similarity = clip.embed_image(test["image"]) @ clip.embed_text(captions).T
  same = captions[similarity.argmax(1)] == test["tokens"]
  found |= {f"retrieved_{name}": same[:, places].all(1) for name, places in slots.items()}
  return {name: float(x.mean()) for name, x in found.items()}
