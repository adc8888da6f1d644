"""The quality and coverage of a model's samples, with all that the numbers depend on."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.data import Dataset, count, take
from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.metrics.inception_score import inception_score
from genjax_zoo.metrics.kernel import kid
from genjax_zoo.metrics.modes import gaussian_modes, stacked_modes
from genjax_zoo.metrics.neighbours import memorisation
from genjax_zoo.metrics.prdc import prdc
from genjax_zoo.metrics.sliced import sliced_wasserstein
from genjax_zoo.run import Run
from genjax_zoo.sample import sampler

# Numbers that differ in one can't be compared.
CONDITIONS = "features", "samples", "reference", "reference_examples"
REFERENCE = 10_000  # Of a split, at most so many examples are compared with.


def draw(
  run: Run,
  dataset: Dataset,
  n: int,
  batch: int = 500,
  split: str = "test",
  progress=iter,
  **options,
) -> dict:
  """n samples of a run, `batch` at a time; with what they were given, rows of a split, where the
  model needs it.
  """
  batch, total, parts = min(n, batch), count(dataset.splits[split]), []
  sample = sampler(run.model, run.mesh, batch, **options)
  for i in progress(range(-(-n // batch))):
    rows = examples(dataset, split, np.arange(i * batch, (i + 1) * batch) % total)
    given = {k: rows[k] for k in run.model.given}
    parts.append(
      given | sample(run.weights, run.state, jax.random.fold_in(jax.random.key(1), i), given)
    )
  return jax.tree.map(lambda *x: np.concatenate(x)[:n], *parts)


def examples(dataset: Dataset, split: str, rows) -> dict:
  """Examples as a model gets them in evaluation: binarized, say."""
  batch = take(dataset.splits[split], rows)
  if dataset.augment:
    # Its own noise for each split and block.
    key = jax.random.fold_in(jax.random.key(len(split)), rows[0])
    batch = dataset.augment(jax.tree.map(jnp.asarray, batch), key, train=False)
  return jax.device_get(batch)


def noise(dataset: Dataset, n: int) -> dict:
  """What no model should be worse than: uniform gray levels, or uniform points in the data's box."""
  rng, data = np.random.default_rng(0), dataset.splits["test"]
  if "image" in dataset.fields:
    shape, dtype, levels = dataset.fields["image"][:3]
    return {"image": rng.integers(0, levels, (n, *shape)).astype(dtype)}
  return {
    "x": rng.uniform(data["x"].min(0), data["x"].max(0), (n, *dataset.fields["x"].shape)).astype(
      np.float32
    )
  }


def reference(dataset: Dataset, features: Features, split: str, progress=iter) -> np.ndarray:
  """The features of a split, [N, D]."""
  rows = np.array_split(np.arange(n := count(dataset.splits[split])), -(-n // REFERENCE))
  return np.concatenate([features.extract(examples(dataset, split, r))[0] for r in progress(rows)])


def quality(
  samples: dict, dataset: Dataset, features: Features, split: str = "test", progress=iter
) -> dict:
  """Distances of samples from a split of the data, in the eyes of `features`, as evaluation.json
  holds them.

  "fid", "kid" (with its standard error), "sliced_wasserstein": lower is better, 0 is the data's own
  law. "precision", "recall", "density", "coverage": higher is better. "inception_score" where the
  features classify; "agreement" of their class with the label that a conditional model was given.
  "copies": the chance that a sample is nearer to the training set than a test example is, 1/2 for a
  good model, 1 for one that copies. "modes", "reverse_kl" and (of points) "high_quality" where the
  modes are known. "fid_train_vs_test" and "fid_noise_vs_test" are what the best and the worst
  samples would get. Raises UserError for too few samples.
  """
  real, train = (
    reference(dataset, features, split, progress)[:REFERENCE],
    reference(dataset, features, "train", progress),
  )
  fake, classes = features.extract(samples, progress)
  distance, error = kid(real, fake)
  found = {
    "fid": fid(real, fake),
    "kid": distance,
    "kid_standard_error": error,
    "sliced_wasserstein": sliced_wasserstein(real, fake),
    **prdc(real, fake, progress=progress),
    # All of the training set.
    "copies": memorisation(fake, train, real, progress=progress)["closer"],
    "fid_train_vs_test": fid(real, train[:REFERENCE]),
    "fid_noise_vs_test": fid(real, features.extract(noise(dataset, len(fake)))[0]),
  }
  if classes is not None:
    found["inception_score"] = inception_score(classes)[0]
    if "label" in samples:
      found["agreement"] = float((classes.argmax(-1) == samples["label"]).mean())
    if n := dataset.truth.get("stacked"):
      found |= stacked_modes(np.stack(np.unravel_index(classes.argmax(-1), (n,) * 3), -1), n)
  if "centres" in dataset.truth:
    found |= gaussian_modes(samples["x"], dataset.truth["centres"], dataset.truth["sd"])
  about = {
    "samples": len(fake),
    "reference": " ".join(filter(None, (dataset.name, dataset.binarization, split))),
    "reference_examples": len(real),
    "features": features.name,
  }
  return found | about


def comparable(evaluations: list[dict]):
  """Raises UserError unless the quality numbers of all evaluations were measured under the same
  conditions.
  """
  measured = [e for e in evaluations if e.get("quality")]
  for e in measured[1:]:
    for condition in CONDITIONS:
      a, b = (x["quality"][condition] for x in (measured[0], e))
      if a != b:
        raise UserError(
          f"quality numbers of {measured[0]['config']} and {e['config']} can't be compared: {condition} is {a} for "
          f"one and {b} for the other; evaluate both alike"
        )
