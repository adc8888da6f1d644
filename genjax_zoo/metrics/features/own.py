"""Features of images that no committed network knows, such as a user's own photographs.

Where they have classes, a small classifier is trained on them, "own_classes@sha256:1a2b3c4d", once:
its weights are kept in the cache. Without classes the features are the first principal components
of the pixels, "own_pixels". Those see colours and coarse shapes, and like blurred images. Both are
few, so that a test split of some twenty photographs has a Frechet distance.
"""

from collections.abc import Mapping
import hashlib
import math

from flax.traverse_util import flatten_dict, unflatten_dict
import jax
import numpy as np
import optax

from genjax_zoo.core import Field, Model, descend
from genjax_zoo.data import Dataset, cache_folder, count
from genjax_zoo.data.cache import read, write
from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.features import Features, choose, of_classifier, scaled
from genjax_zoo.models.discriminative import classifier
from genjax_zoo.sharding import jit

FEATURES = 16
EXAMPLES = 5000  # Of the training split, at most.
STEPS = 400
BATCH = 64


def chosen(name: str, dataset: Dataset, fields: Mapping[str, Field]) -> Features | None:
  """The features that `choose` finds for the entries `fields` of a data set, or own ones.

  None where the entries are no images, and for a set of the project that has no network.
  """
  found = choose(name, dataset.name, fields)
  entry = main_entry(fields)
  if found or ":" not in dataset.name or kind_of(fields[entry]) != "image":
    return found
  n = min(EXAMPLES, count(dataset.splits["train"]))
  rows = np.random.default_rng(0).permutation(count(dataset.splits["train"]))[:n]
  batch = quality.examples(dataset, "train", np.sort(rows))
  label = dataset.fields.get("label")
  if entry == "image" and label and label.num_values and not label.shape:
    return class_features({k: dataset.fields[k] for k in ("image", "label")}, batch)
  return pixel_features(entry, batch[entry])


def class_features(fields: Mapping[str, Field], batch: Mapping) -> Features:
  """Features of a classifier of "image" by "label", trained on a batch, or trained before."""
  model = classifier.model(fields, widths=(16, 32, 64), features=FEATURES)
  shapes, _ = jax.eval_shape(model.init, jax.random.key(0), shaped(batch))
  shapes = {k: x.shape for k, x in flatten_dict(shapes, sep="/").items()}
  content = hashlib.sha256(repr((STEPS, BATCH, sorted(shapes.items()))).encode())
  for name in fields:
    content.update(np.ascontiguousarray(batch[name]))
  path = cache_folder() / f"classifier-{content.hexdigest()[:16]}.npz"
  arrays = read(path, shapes)
  if arrays is None:
    params = scaled(model, trained(model, {k: batch[k] for k in fields}), batch)
    arrays = flatten_dict(params, sep="/")
    write(path, arrays)
  weights = hashlib.sha256(b"".join(arrays[k].tobytes() for k in sorted(arrays)))
  params = unflatten_dict({tuple(k.split("/")): x for k, x in arrays.items()})
  name = f"own_classes@sha256:{weights.hexdigest()[:8]}"
  return of_classifier(name, model, params, "image", "image")


def shaped(batch: Mapping) -> dict:
  """One example of a batch, as shapes."""
  return {k: jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype) for k, x in batch.items()}


def trained(model: Model, batch: Mapping) -> dict:
  """The parameters of a classifier after STEPS steps on the examples of a batch."""
  rate = optax.cosine_decay_schedule(2e-3, STEPS)
  learner = descend(model, optax.adamw(rate, weight_decay=0.02))
  ts = learner.init(jax.random.key(0), batch)
  step = jit(learner.step)
  rng = np.random.default_rng(0)
  n = len(batch["label"])
  for i in range(STEPS):
    rows = rng.integers(n, size=BATCH)
    examples = {k: x[rows] for k, x in batch.items()}
    ts, _ = step(ts, examples, jax.random.fold_in(jax.random.key(1), i))
  return ts.params


def pixel_features(entry: str, images: np.ndarray) -> Features:
  """The first principal components of images [N, H, W, C], over the size of the largest.

  The size is the standard deviation: the first component has a variance of 1.
  """
  from sklearn.decomposition import PCA  # Late: 0.4 s, and training does not need it.

  floats = lambda x: np.asarray(x, np.float32).reshape(len(x), -1)
  few = min(FEATURES, len(images), math.prod(images.shape[1:]))
  pca = PCA(few, svd_solver="randomized", random_state=0).fit(floats(images))
  scale = float(np.sqrt(pca.explained_variance_[0])) or 1.0

  def extract(batch, progress=iter):
    return (pca.transform(floats(batch[entry])) / scale).astype(np.float32), None

  return Features("own_pixels", extract, entry)
