"""Feature nets: what images are seen as before they are compared, and what a number of quality
depends on.

The nets are `genjax_zoo.models.classifier`s, trained by configs/classifier_*.py and committed here
as files named by their hash. `python -m genjax_zoo.metrics.features runs/classifier_mnist` adds
one.
"""

from collections.abc import Callable
import hashlib
import io
import json
from pathlib import Path
import re
from typing import NamedTuple

from flax.traverse_util import flatten_dict, unflatten_dict
import jax
import numpy as np

from genjax_zoo import data
from genjax_zoo.core import UserError
from genjax_zoo.data import take
from genjax_zoo.metrics.inception import inception
from genjax_zoo.models.discriminative import classifier
from genjax_zoo.run import describe, fields_of, load, tuples
from genjax_zoo.sharding import jit

HERE = Path(__file__).parent
ALIAS = {"binarized_mnist": "mnist"}
BATCH = 500


class Features(NamedTuple):
  """How examples are seen: `extract(batch, progress=iter) -> (features [N, D], class probabilities
  [N, C] or None)`.
  """

  name: str  # "mnist@sha256:1a2b3c4d": numbers of other features are other numbers.
  extract: Callable


def choose(name: str, source: str, fields) -> Features | None:
  """The features of a config: "auto" for the committed net of the data `source`, or
  "inception:PATH" to its weights.

  Points "x" are their own features. None with "auto" for images that no committed net has learned.
  Raises UserError for another name, and when the weights are not there.
  """
  if name.startswith("inception:"):
    if "image" not in fields:
      raise UserError("evaluate.features=inception:PATH sees images, and the data have none")
    see = inception(name.removeprefix("inception:"))
    levels = fields["image"].num_values
    return Features(
      "inception-2015-12-05",
      lambda batch, progress=iter: see(batch["image"], levels, progress=progress),
    )
  if name != "auto":
    raise UserError(f"unknown evaluate.features={name!r}; there are auto and inception:PATH")
  if "image" not in fields:
    return (
      Features("x", lambda batch, progress=iter: (np.asarray(batch["x"], np.float32), None))
      if "x" in fields
      else None
    )
  if source.startswith("stacked:"):
    channel = fields["image"]._replace(shape=(*fields["image"].shape[:-1], 1))
    see = choose(name, source.removeprefix("stacked:"), {"image": channel})
    return see and stacked(see)
  stem = re.split("[:/]", source)[-1].removesuffix(".npz")
  files = sorted(HERE.glob(f"{ALIAS.get(stem, stem)}-*.npz"))
  return read(files[0], fields["image"]) if files else None


def read(file: Path, image) -> Features | None:
  """The net of a committed file, for images of the field `image`; None when it has learned other
  shapes.

  Raises UserError when the file is not the one that its name says.
  """
  content = file.read_bytes()
  name, _, digest = file.stem.rpartition("-")
  if not hashlib.sha256(content).hexdigest().startswith(digest):
    raise UserError(f"{file} is damaged: its hash is not the one in its name; fetch it again")
  arrays = dict(np.load(io.BytesIO(content)))
  about = json.loads(str(arrays.pop("about")))
  fields = fields_of(about["data"])
  if fields["image"].shape != image.shape:
    return None
  fields["image"] = fields["image"]._replace(num_values=image.num_values)
  options = {k: v for k, v in tuples(about["model"]).items() if k != "name"}
  parts = classifier.model(fields, **options).parts
  params = unflatten_dict({tuple(k.split("/")): x.astype(np.float32) for k, x in arrays.items()})

  @jit
  def see(params, images):
    batch = {"image": images}
    return parts["features"](params, {}, batch), jax.nn.softmax(parts["logits"](params, {}, batch))

  def extract(batch, progress=iter):
    images = np.asarray(batch["image"])
    padded = np.concatenate([images, np.repeat(images[-1:], -len(images) % BATCH, 0)])
    blocks = [see(params, padded[i : i + BATCH]) for i in progress(range(0, len(padded), BATCH))]
    features, probabilities = (
      np.concatenate(x)[: len(images)] for x in zip(*jax.device_get(blocks))
    )
    return features, probabilities

  return Features(f"{name}@sha256:{digest}", extract)


def stacked(see: Features) -> Features:
  """Features of images [N, H, W, 3] from those of gray images: side by side, and the probabilities
  of all triples.

  A triple of classes counts as data/stacked.py labels it.
  """

  def extract(batch, progress=iter):
    images = np.asarray(batch["image"])
    features, classes = zip(
      *(see.extract({"image": images[..., i : i + 1]}, progress) for i in range(3))
    )
    triples = np.einsum("na,nb,nc->nabc", *classes).reshape(len(images), -1)
    return np.concatenate(features, -1), triples

  return Features(f"stacked {see.name}", extract)


def write(run_folder) -> Path:
  """Commits the classifier of a run folder as NAME-HASH.npz, float16, with its config; replaces
  NAME's earlier one.

  The layer of the features is scaled so that they have a mean square of 1 on training data, and the
  next one back: distances of one net are then of the size of another's, and the classes stay.
  """
  run = load(run_folder)
  dataset = data.load(**{k: v for k, v in run.config["data"].items() if k != "batch"})
  seen = run.model.parts["features"](
    run.weights, run.state, take(dataset.splits["train"], np.arange(1000))
  )
  rms = float(np.sqrt(np.mean(np.square(seen))))
  features, logits = "Dense_0", "Dense_1"
  weights = jax.device_get(run.weights)
  weights[features] = {k: x / rms for k, x in weights[features].items()}
  weights[logits] |= {"kernel": weights[logits]["kernel"] * rms}
  name = run.config["name"].removeprefix("classifier_")
  evaluation = json.loads((run.folder / "evaluation.json").read_text())
  about = {
    "model": run.config["model"],
    "data": describe(run.fields, 1),
    "accuracy": evaluation["metrics"]["accuracy"],
  }
  arrays = {k: np.asarray(x, np.float16) for k, x in flatten_dict(weights, sep="/").items()}
  buffer = io.BytesIO()
  np.savez_compressed(buffer, about=json.dumps(about), **arrays)
  for old in HERE.glob(f"{name}-*.npz"):
    old.unlink()
  file = HERE / f"{name}-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.npz"
  file.write_bytes(buffer.getvalue())
  return file
