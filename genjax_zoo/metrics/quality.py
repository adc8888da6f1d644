"""The quality and coverage of a model's samples, with all that the numbers depend on."""

from collections.abc import Callable, Mapping
import inspect

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.data import Dataset, count, take
from genjax_zoo.data.dataset import kind_of
from genjax_zoo.metrics.clouds import cloud_quality
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.metrics.inception_score import inception_score
from genjax_zoo.metrics.kernel import kid
from genjax_zoo.metrics.modes import gaussian_modes, stacked_modes
from genjax_zoo.metrics.neighbours import memorisation
from genjax_zoo.metrics.prdc import prdc
from genjax_zoo.metrics.sliced import sliced_wasserstein
from genjax_zoo.run import Run
from genjax_zoo.sample import given_of, sampler

# Numbers that differ in one of these can't be compared.
CONDITIONS = "features", "samples", "samples_are", "reference", "reference_examples"
BATCH = 500  # Samples that are drawn at once.
REFERENCE = 10_000  # The most examples of a split that samples are compared with.


def draw(
  run: Run,
  dataset: Dataset,
  n: int,
  batch: int = BATCH,
  split: str = "test",
  progress=iter,
  **options,
) -> dict:
  """n samples of a run, `batch` at a time, with what they were given of rows of a split.

  Where samples have the name of what they were given, that is "given_NAME".
  """
  batch = min(n, batch)
  sample = sampler(run.model, run.mesh, batch, **options)
  return drawn(sample, run, dataset, n, batch, split, progress)


def drawn(
  sample: Callable, run: Run, dataset: Dataset, n: int, batch: int, split: str, progress=iter
) -> dict:
  """`draw` by the `sampler` of a batch."""
  total = count(dataset.splits[split])
  parts = []
  for i in progress(range(-(-n // batch))):
    rows = np.arange(i * batch, (i + 1) * batch) % total
    given = given_of(run, examples(dataset, split, rows)) if run.model.given else {}
    key = jax.random.fold_in(jax.random.key(1), i)
    samples = sample(run.weights, run.state, key, given)
    parts.append(given | samples | {f"given_{k}": given[k] for k in given.keys() & samples.keys()})
  return jax.tree.map(lambda *x: np.concatenate(x)[:n], *parts)


def samples_are(model: Model, options: Mapping) -> str:
  """What a model's samples by these options are: "draws" of its p(x), or "means" E[x | z].

  A VAE whose option `noise` is False returns means; of other models all samples are draws.
  """
  own = inspect.signature(model.sample).parameters
  noise = options.get("noise", own["noise"].default) if "noise" in own else True
  return "draws" if noise else "means"


def examples(dataset: Dataset, split: str, rows) -> dict:
  """Examples as a model gets them in evaluation: binarized, say."""
  batch = take(dataset.splits[split], rows)
  if dataset.augment:
    # Its own noise for each split and block.
    key = jax.random.fold_in(jax.random.key(len(split)), rows[0])
    batch = dataset.augment(jax.tree.map(jnp.asarray, batch), key, train=False)
  return jax.device_get(batch)


def noise(dataset: Dataset, n: int, name: str) -> dict:
  """n entries of a name, uniform gray levels or uniform points in the data's box: the worst."""
  rng = np.random.default_rng(0)
  field = dataset.fields[name]
  if kind_of(field) in ("image", "video"):
    x = rng.integers(0, field.num_values, (n, *field.shape))
    return {name: x.astype(field.dtype)}
  data = dataset.splits["test"][name]
  x = rng.uniform(data.min(0), data.max(0), (n, *field.shape))
  return {name: x.astype(np.float32)}


def reference(dataset: Dataset, features: Features, split: str, progress=iter) -> np.ndarray:
  """The features of a split, [N, D]."""
  n = count(dataset.splits[split])
  blocks = np.array_split(np.arange(n), -(-n // REFERENCE))
  found = [features.extract(examples(dataset, split, rows))[0] for rows in progress(blocks)]
  return np.concatenate(found)


def quality(
  samples: dict, dataset: Dataset, features: Features, split: str = "test", progress=iter
) -> dict:
  """Distances of samples from a split of the data in a feature space, as in evaluation.json.

  Of point clouds they are those of `cloud_quality`. Of others "fid", "kid" (with its standard
  error) and "sliced_wasserstein": lower is better, 0 is the data's own distribution. "precision",
  "recall", "density", "coverage": higher is better. "copies": the probability that a sample is
  nearer to the training set than a test example is, 1/2 for a good model, 1 for one that copies.
  "fid_train_vs_test" and "fid_noise_vs_test" are the FID of the best and of the worst samples.
  Where the features classify, "inception_score", and "agreement" of the predicted class with the
  label that a conditional model was given. "modes", "reverse_kl" and (of points) "high_quality"
  where the modes are known. Raises UserError for too few samples.
  """
  real = reference(dataset, features, split, progress)[:REFERENCE]
  train = reference(dataset, features, "train", progress)
  fake, classes = features.extract(samples, progress)
  if kind_of(dataset.fields[features.entry]) == "points":
    found = cloud_quality(real, fake, train)
  else:
    worst, _ = features.extract(noise(dataset, len(fake), features.entry))
    found = feature_quality(real, fake, train, progress) | {"fid_noise_vs_test": fid(real, worst)}
  if classes is not None and classes.ndim == 2:
    found |= class_quality(classes, samples, dataset.truth)
  if "centres" in dataset.truth:
    points = samples[features.entry]
    found |= gaussian_modes(points, dataset.truth["centres"], dataset.truth["sd"])
  about = {
    "samples": len(fake),
    "reference": " ".join(filter(None, (dataset.name, dataset.binarization, split))),
    "reference_examples": len(real),
    "features": features.name,
  }
  return found | about


def feature_quality(real, fake, train, progress=iter) -> dict:
  """The measures of features fake [N, D] against real [M, D], with the training set's [T, D]."""
  distance, error = kid(real, fake)
  return {
    "fid": fid(real, fake),
    "kid": distance,
    "kid_standard_error": error,
    "sliced_wasserstein": sliced_wasserstein(real, fake),
    **prdc(real, fake, progress=progress),
    # Compared with all of the training set.
    "copies": memorisation(fake, train, real, progress=progress)["closer"],
    "fid_train_vs_test": fid(real, train[:REFERENCE]),
  }


def class_quality(probabilities, samples: Mapping, truth: Mapping) -> dict:
  """The measures that need the class probabilities [N, C] of the samples."""
  predicted = probabilities.argmax(-1)
  found = {"inception_score": inception_score(probabilities)[0]}
  if "label" in samples:
    found["agreement"] = float((predicted == samples["label"]).mean())
  if n := truth.get("stacked"):
    digits = np.stack(np.unravel_index(predicted, (n,) * 3), -1)
    found |= stacked_modes(digits, n)
  return found


def comparable(evaluations: list[dict]):
  """Raises UserError unless the quality of all evaluations was measured in the same way."""
  measured = [e for e in evaluations if e.get("quality")]
  for e in measured[1:]:
    for condition in CONDITIONS:
      # Evaluations of before VAEs drew their samples do not say what these are.
      a, b = (({"samples_are": "draws"} | x["quality"])[condition] for x in (measured[0], e))
      if a != b:
        raise UserError(
          f"quality numbers of {measured[0]['config']} and {e['config']} can't be compared: "
          f"{condition} is {a} for one and {b} for the other; evaluate both alike"
        )
