"""Feature networks: the spaces in which images are compared, and on which quality depends.

The networks are `genjax_zoo.models.discriminative.classifier`s, trained by configs/classifier_*.py
and committed here as files named by their hash. `python -m genjax_zoo.metrics.features
runs/classifier_mnist` adds one. Of images that none of them knows, own.py makes features.
"""

from collections.abc import Callable, Mapping
import json
from pathlib import Path
import re
from typing import NamedTuple

import jax
import numpy as np

from genjax_zoo import data, standardize
from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.data import take
from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.metrics import weights
from genjax_zoo.metrics.inception import inception
from genjax_zoo.models.discriminative import classifier
from genjax_zoo.run import describe, fields_of, load, tuples
from genjax_zoo.sharding import jit

HERE = Path(__file__).parent
ALIAS = {"binarized_mnist": "mnist", "mnist_usps": "usps"}
BATCH = 500


class Features(NamedTuple):
  """A feature space, in which samples are compared with data."""

  name: str  # "mnist@sha256:1a2b3c4d": numbers of other features are other numbers.
  # (batch, progress=iter) -> (features [N, D], probabilities or None): of classes [N, C], or of
  # the words of a caption [N, L, V].
  extract: Callable
  entry: str = "image"  # The entry of a batch that it reads.


def choose(name: str, source: str, fields: Mapping[str, Field]) -> Features | None:
  """The features that a config names: "auto", or "inception:PATH" with the path of the weights.

  "auto" is the committed network of the data `source`; where the data are vectors these themselves,
  standardised; where they are point clouds these [N, P, 3]; None where there is no such network.
  Raises UserError for another name, and when the weights are not there.
  """
  network, _, path = name.partition(":")
  if name != "auto" and network != "inception":
    raise UserError(f"unknown evaluate.features={name!r}; there are auto and inception:PATH")
  entry = main_entry(fields)
  field = fields[entry]
  kind = kind_of(field)
  if network == "inception":
    if kind != "image":
      raise UserError("evaluate.features=inception:PATH is for images, and the data have none")
    return inception_features(path, entry, field)
  if kind == "vector":
    floats = lambda batch: np.asarray(standardize.floats(batch[entry], field), np.float32)
    return Features(entry, lambda batch, progress=iter: (floats(batch), None), entry)
  if kind == "points":
    clouds = lambda batch: np.asarray(batch[entry], np.float32)
    return Features("clouds", lambda batch, progress=iter: (clouds(batch), None), entry)
  if kind not in ("image", "video"):
    return None
  if source.startswith("stacked:"):
    channel = field._replace(shape=(*field.shape[:-1], 1))
    gray = choose(name, source.removeprefix("stacked:"), {entry: channel})
    return gray and stacked(gray)
  stem = re.split("[:/]", source)[-1].removesuffix(".npz")
  files = sorted(HERE.glob(f"{ALIAS.get(stem, stem)}-*.npz"))
  return read(files[0], field, entry) if files else None


def inception_features(path: str, entry: str, field: Field) -> Features:
  """Inception's features of the images `entry`, with the weights at a path."""
  network = inception(path)

  def extract(batch, progress=iter):
    return network(batch[entry], field.num_values, progress=progress)

  return Features("inception-2015-12-05", extract, entry)


def read(file: Path, field: Field, entry: str = "image") -> Features | None:
  """The network of a committed file, applied to the images or videos `entry` of a batch.

  None when it was trained on another shape than the field's. Raises UserError when the file is not
  the one that its name says.
  """
  name, params, about = weights.read(file)
  fields = fields_of(about["data"])
  trained = main_entry(fields)
  if fields[trained].shape != field.shape:
    return None
  fields[trained] = fields[trained]._replace(num_values=field.num_values)
  options = {k: v for k, v in tuples(about["model"]).items() if k != "name"}
  model = classifier.model(fields, **options)
  return of_classifier(name, model, params, trained, entry)


def of_classifier(name: str, model: Model, params, reads: str, entry: str) -> Features:
  """The features of a classifier, which calls `reads` what batches call `entry`."""
  parts = model.parts

  @jit
  def network(params, images):
    batch = {reads: images}
    return parts["features"](params, {}, batch), jax.nn.softmax(parts["logits"](params, {}, batch))

  def extract(batch, progress=iter):
    images = np.asarray(batch[entry])
    padded = np.concatenate([images, np.repeat(images[-1:], -len(images) % BATCH, 0)])
    starts = progress(range(0, len(padded), BATCH))
    blocks = jax.device_get([network(params, padded[i : i + BATCH]) for i in starts])
    features, probabilities = (np.concatenate(x)[: len(images)] for x in zip(*blocks))
    return features, probabilities

  return Features(name, extract, entry)


def stacked(gray: Features) -> Features:
  """Features of images [N, H, W, 3] from those of their channels, side by side.

  The class probabilities are those of all triples of classes, numbered as in data/stacked.py.
  """

  def extract(batch, progress=iter):
    images = np.asarray(batch["image"])
    channels = [gray.extract({"image": images[..., i : i + 1]}, progress) for i in range(3)]
    features, classes = zip(*channels)
    triples = np.einsum("na,nb,nc->nabc", *classes).reshape(len(images), -1)
    return np.concatenate(features, -1), triples

  return Features(f"stacked {gray.name}", extract)


def write(run_folder) -> Path:
  """Commits the classifier of a run folder as NAME-HASH.npz, float16, with its config.

  It replaces NAME's earlier one. Its features are scaled, see `scaled`.
  """
  run = load(run_folder)
  dataset = data.load(**{k: v for k, v in run.config["data"].items() if k != "batch"})
  batch = take(dataset.splits["train"], np.arange(1000))
  params = scaled(run.model, run.weights, batch)
  name = run.config["name"].removeprefix("classifier_")
  evaluation = json.loads((run.folder / "evaluation.json").read_text())
  about = {
    "model": run.config["model"],
    "data": describe(run.fields, 1),
    "accuracy": evaluation["metrics"]["accuracy"],
  }
  return weights.write(HERE, name, params, about)


def scaled(model: Model, weights, batch: Mapping) -> dict:
  """The weights of a classifier whose features have a mean square of 1 on a batch.

  The layer of the features is scaled, and the next one back, so that the classes stay: distances in
  one network's features are then of the size of another's.
  """
  found = jit(model.parts["features"])(weights, {}, batch)
  rms = float(np.sqrt(np.mean(np.square(found))))
  features, logits = "Dense_0", "Dense_1"
  weights = dict(jax.device_get(weights))
  weights[features] = {k: x / rms for k, x in weights[features].items()}
  weights[logits] = weights[logits] | {"kernel": weights[logits]["kernel"] * rms}
  return weights
