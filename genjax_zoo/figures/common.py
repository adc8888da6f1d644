"""What figures share: held-out examples, samples, and the kinds of data and latents."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.data.dataset import Dataset, count, kind_of, main_entry
from genjax_zoo.figures.pictures import fitting, unit
from genjax_zoo.metrics.quality import examples
from genjax_zoo.run import Run
from genjax_zoo.sample import given_of, sample_options

# Figures have at most EXAMPLES test examples, and at most NUMBERS numbers times network calls.
EXAMPLES = 2000
NUMBERS = 2**22


def held_out(run: Run, dataset: Dataset) -> dict:
  """Test examples as a model gets them (binarized, say), in a fixed random order."""
  total = count(dataset.splits["test"])
  numbers = sum(math.prod(f.shape) for f in dataset.fields.values())
  calls = run.model.calls(**sample_options(run.config)) or 100  # None: some solver's steps.
  affordable = NUMBERS // (numbers * calls)
  asked = run.config.get("evaluate", {}).get("examples") or total
  n = min(EXAMPLES, max(64, affordable), asked, total)
  rows = examples(dataset, "test", np.random.default_rng(0).permutation(total)[:n])
  return rows | {"weight": np.ones(n, np.float32)}


def has_images(dataset) -> bool:
  """Whether the data are images."""
  return kind_of(dataset.fields[main_entry(dataset.fields)]) == "image"


def in_plane(dataset) -> bool:
  """Whether the data are points in the plane."""
  field = dataset.fields[main_entry(dataset.fields)]
  return kind_of(field) == "vector" and field.shape == (2,)


def main(batch, dataset) -> np.ndarray:
  """The array of a batch's main entry."""
  return batch[main_entry(dataset.fields)]


def floats(batch, dataset) -> np.ndarray:
  """A batch's images as floats in [0, 1], [N, H, W, C]."""
  name = main_entry(dataset.fields)
  return unit(batch[name], dataset.fields[name].num_values)


def columns_of(dataset, most) -> int:
  """How many of the data's images fit in a row, at most `most`."""
  width = dataset.fields[main_entry(dataset.fields)].shape[1]
  return fitting(width, most)


def decodes_images(run, dataset) -> bool:
  """Whether the model maps images to latents and back."""
  return has_images(dataset) and run.model.encode is not None and run.model.decode is not None


def first_rows(batch, n) -> dict:
  """The first n examples of a batch, which starts again where it has fewer."""
  return {k: x[np.arange(n) % len(x)] for k, x in batch.items()}


def draw_samples(run, test, n) -> dict:
  """n samples of seed 0, given what the model observes of test examples."""
  given = given_of(run, first_rows(test, n))
  return run.sample(n, given=given, **sample_options(run.config))


def is_real(z) -> bool:
  """Whether latents are real numbers, not codes or labels."""
  return hasattr(z, "dtype") and jnp.issubdtype(z.dtype, jnp.floating)


def are_responsibilities(z) -> bool:
  """Whether latents [N, K] are probabilities of K components: not negative, with the sum 1."""
  if not is_real(z) or z.ndim != 2 or z.shape[1] < 2:
    return False
  return z.min() >= 0 and np.allclose(z.sum(1), 1, atol=1e-3)


def real(latents, ndim: int | None = None) -> list[str]:
  """The names of latents that are unconstrained real numbers; with `ndim` = 2, vectors [N, D]."""
  names = [k for k, z in latents.items() if is_real(z) and not are_responsibilities(z)]
  return [k for k in names if ndim in (None, latents[k].ndim)]


def with_values(latents, name, values):
  """Latents [N, ...] with `values` as `name`, and all others as in the first example."""
  first = jax.tree.map(lambda z: np.repeat(z[:1], len(values), 0), latents)
  return first | {name: values}
