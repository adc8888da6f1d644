"""Images that a model makes: samples, reconstructions, interpolations."""

import jax
import numpy as np

from genjax_zoo.figures.common import (
  columns_of,
  decodes_images,
  draw_samples,
  floats,
  in_plane,
  is_real,
  real,
)
from genjax_zoo.figures.pictures import beside, grid, show
from genjax_zoo.prob.interpolation import spherical


def samples(run, dataset, test, encoded):
  """Samples beside what they were given, if that is images, and beside real examples."""
  if run.model.sample is None or in_plane(dataset):
    return None
  n = min(64, run.config["sample"]["n"])
  batch = draw_samples(run, test, n)
  views = {
    "samples": batch,
    "what they were given": {k: test[k][:n] for k in run.model.given if test[k].ndim == 4},
    "test examples": {k: test[k][:n] for k in batch if k in test},
  }
  pictures = {what: show(view, dataset.fields) for what, view in views.items()}
  pictures = {what: picture for what, picture in pictures.items() if picture is not None}
  if "samples" not in pictures:
    return None
  alike = f", of the same {' and '.join(run.model.given)}" if run.model.given else ""
  return beside(
    *pictures.values()
  ), f"From left to right: {', '.join(pictures)}{alike}. None is hand-picked."


def reconstructions(run, dataset, test, encoded):
  """Test images above what the model decodes from their latents."""
  if not decodes_images(run, dataset):
    return None
  columns = min(columns_of(dataset, 12), len(test["image"]))
  bands = min(2, len(test["image"]) // columns)
  shown = lambda z: z[: bands * columns]
  pairs = floats(test, dataset), floats(run.decode(jax.tree.map(shown, encoded())), dataset)
  pairs = np.stack([shown(x).reshape(bands, columns, *x.shape[1:]) for x in pairs], 1)
  picture = grid(pairs.reshape(-1, *pairs.shape[3:]), columns=columns)
  return (
    picture,
    "Reconstructions: test images and, below each, what the model decodes from its latents.",
  )


def interpolations(run, dataset, test, encoded):
  """Rows from one test image to another along the line between their latents."""
  if not decodes_images(run, dataset) or not real(encoded()):
    return None
  rows, columns = min(6, len(test["image"]) // 2), columns_of(dataset, 11)
  t = np.tile(np.linspace(0, 1, columns, dtype=np.float32), rows)
  first, last = np.repeat(np.arange(rows), columns), np.repeat(np.arange(rows, 2 * rows), columns)

  def between(z):
    w = t.reshape(-1, *[1] * (z.ndim - 1))
    return ((1 - w) * z[first] + w * z[last]).astype(z.dtype) if is_real(z) else z[first]

  decoded = run.decode(jax.tree.map(between, encoded()))
  caption = "Interpolations: each row is decoded from equal steps along the line between two test images' latents."
  return grid(floats(decoded, dataset), columns=columns), caption


def arcs(run, dataset, test, encoded):
  """Rows from one sample to another along the arc between their latents."""
  if "prior" not in run.model.parts or "image" not in dataset.fields:
    return None
  rows, columns = 6, columns_of(dataset, 11)
  first, last = np.split(
    np.asarray(run.model.parts["prior"](jax.random.key(0), 2 * rows)["z"])[:, None], 2
  )
  z = spherical(first, last, np.linspace(0, 1, columns, dtype=np.float32)[None, :, None])
  given = {k: np.repeat(test[k][:rows], columns, 0) for k in run.model.given}
  picture = grid(
    floats(run.decode({"z": z.reshape(rows * columns, -1)} | given), dataset), columns=columns
  )
  alike = f", of one {' and '.join(given)}" if given else ""
  return (
    picture,
    f"Arcs: each row{alike} leads along the sphere of the latents from one sample to another.",
  )


def restorations(run, dataset, test, encoded):
  """Test images, what befell them, and what undoes it."""
  if "views" not in run.model.parts or "image" not in dataset.fields:
    return None
  columns = min(columns_of(dataset, 12), len(test["image"]))
  batch = {k: x[:columns] for k, x in test.items()}
  views = run.model.parts["views"](run.weights, run.state, batch, jax.random.key(0))
  picture = grid(np.concatenate([floats(batch, dataset), *views.values()]), columns=columns)
  return picture, f"Row by row: test images, {', '.join(views)}; the baseline needs no learning."
