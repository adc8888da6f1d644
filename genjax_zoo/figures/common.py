"""What figures share: held-out examples, samples, and what latents are."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.data.dataset import Dataset, count
from genjax_zoo.figures.pictures import fitting, unit
from genjax_zoo.metrics.quality import examples
from genjax_zoo.run import Run
from genjax_zoo.sample import sample_options

# So many test examples are encoded; fewer when they are large or the model is slow.
EXAMPLES, NUMBERS = 2000, 2**22


def held_out(run: Run, dataset: Dataset) -> dict:
  """Test examples as a model gets them (binarized, say), in an order drawn once and for all."""
  total, numbers = (
    count(dataset.splits["test"]),
    sum(math.prod(f.shape) for f in dataset.fields.values()),
  )
  affordable = NUMBERS // (numbers * run.model.calls(**sample_options(run.config)))
  asked = run.config.get("evaluate", {}).get("examples") or total
  n = min(EXAMPLES, max(64, affordable), asked, total)
  rows = examples(dataset, "test", np.random.default_rng(0).permutation(total)[:n])
  return rows | {"weight": np.ones(n, np.float32)}


def in_plane(dataset) -> bool:
  """Whether the data are points in the plane."""
  return "x" in dataset.fields and dataset.fields["x"].shape == (2,)


def decodes_images(run, dataset) -> bool:
  """Whether the model maps images to latents and back."""
  return "image" in dataset.fields and run.model.encode is not None and run.model.decode is not None


def draw_samples(run, test, n) -> dict:
  """n samples of seed 0, given test examples where the model needs them."""
  return run.sample(
    n, given={k: test[k][:n] for k in run.model.given}, **sample_options(run.config)
  )


def is_real(z) -> bool:
  """Whether latents are real numbers, not codes or labels."""
  return hasattr(z, "dtype") and jnp.issubdtype(z.dtype, jnp.floating)


def are_shares(z) -> bool:
  """Whether latents [N, K] say how much of each example is of each of K kinds: from 0 up, of the
  sum 1.
  """
  return (
    is_real(z)
    and z.ndim == 2
    and z.shape[1] > 1
    and z.min() >= 0
    and np.allclose(z.sum(1), 1, atol=1e-3)
  )


def real(latents, ndim: int | None = None) -> list[str]:
  """The names of the latents that are real numbers, free of each other; with `ndim` = 2, of vectors
  [N, D].
  """
  return [
    k for k, z in latents.items() if is_real(z) and not are_shares(z) and ndim in (None, z.ndim)
  ]


def held(latents, name, values):
  """Latents [N, ...] with `values` under `name`, and all others as in the first example."""
  first = jax.tree.map(lambda z: np.repeat(z[:1], len(values), 0), latents)
  return first | {name: values}


def floats(batch, dataset) -> np.ndarray:
  """A batch's images as floats in [0, 1], [N, H, W, C]."""
  return unit(batch["image"], dataset.fields["image"].num_values)


def columns_of(dataset, most) -> int:
  """How many of the data's images a row can hold, `most` at most."""
  return fitting(dataset.fields["image"].shape[1], most)
