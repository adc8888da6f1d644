"""Images that a model makes: samples, reconstructions, interpolations, restorations."""

import jax
import numpy as np

from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.figures.common import (
  columns_of,
  decodes_images,
  draw_samples,
  first_rows,
  floats,
  has_images,
  in_plane,
  is_real,
  main,
  real,
)
from genjax_zoo.figures.kinds import TILES, drawable, show
from genjax_zoo.figures.pictures import beside, grid
from genjax_zoo.figures.space import clouds
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.sample import given_of

COLUMNS = 11  # Of an interpolation, where they fit.
ROWS = 6
OTHERS = 12  # The most reconstructions of what is no image.


def samples(run, dataset, test, encoded):
  """Samples, each beside what it was given, if anything, and beside real examples."""
  if run.model.sample is None or in_plane(dataset):
    return None
  n = min(64, run.config["sample"]["n"])
  first = first_rows(test, n)
  # Few test examples are repeated where samples are beside what they were given, else shown once.
  few = n if run.model.given else min(n, len(main(test, dataset)))
  batch = draw_samples(run, test, n)
  given = given_of(run, first)
  fields = dict(run.model.given) | dict(dataset.fields)
  # Text that was given is the caption of what is drawn of a sample.
  drawn = drawable([k for k in batch if k in fields], fields) or list(batch)
  views = {
    "samples": given | batch,
    "what they were given": {k: x for k, x in given.items() if k in drawn},
    "test examples": given | {k: first[k][:few] for k in batch if k in first},
  }
  shown = {what: show(rows, fields) for what, rows in views.items()}
  pictures = {what: picture for what, picture in shown.items() if picture is not None}
  if "samples" not in pictures:
    return None
  same = f", of the same {' and '.join(run.model.given)}" if run.model.given else ""
  caption = f"From left to right: {', '.join(pictures)}{same}. None is hand-picked."
  return beside(*pictures.values()), caption


def reconstructions(run, dataset, test, encoded):
  """Test images above what the model decodes from their latents; of other kinds, beside it."""
  if not decodes_images(run, dataset):
    return other_reconstructions(run, dataset, test, encoded)
  total = len(main(test, dataset))
  columns = min(columns_of(dataset, 12), total)
  bands = min(2, total // columns)
  n = bands * columns
  decoded = run.decode(jax.tree.map(lambda z: z[:n], encoded()))
  pairs = [floats(test, dataset)[:n], floats(decoded, dataset)]
  pairs = np.stack([x.reshape(bands, columns, *x.shape[1:]) for x in pairs], 1)
  picture = grid(pairs.reshape(-1, *pairs.shape[3:]), columns=columns)
  caption = "Reconstructions: test images and, below each, what is decoded from its latents."
  return picture, caption


def other_reconstructions(run, dataset, test, encoded):
  """Videos, clouds, meshes or maps of the test set beside what is decoded from their latents."""
  name = main_entry(dataset.fields)
  encodes = run.model.encode is not None and run.model.decode is not None
  if not encodes or kind_of(dataset.fields[name]) not in TILES:
    return None
  n = min(OTHERS, len(test[name]))
  decoded = run.decode(jax.tree.map(lambda z: z[:n], encoded()))
  real = {k: test[k][:n] for k in decoded}
  picture = beside(*(show(batch, dataset.fields) for batch in (real, decoded)))
  return picture, "Reconstructions: test examples and, right, what is decoded from their latents."


def interpolations(run, dataset, test, encoded):
  """Rows from one test image to another along the line between their latents."""
  if not decodes_images(run, dataset) or not real(encoded()):
    return None
  rows = min(ROWS, len(main(test, dataset)) // 2)
  columns = columns_of(dataset, COLUMNS)
  t = np.tile(np.linspace(0, 1, columns, dtype=np.float32), rows)
  first = np.repeat(np.arange(rows), columns)
  last = first + rows

  def between(z):
    if not is_real(z):
      return z[first]
    w = t.reshape(-1, *[1] * (z.ndim - 1))
    return ((1 - w) * z[first] + w * z[last]).astype(z.dtype)

  decoded = run.decode(jax.tree.map(between, encoded()))
  caption = (
    "Interpolations: each row is decoded from equal steps along the line between the latents of "
    "two test images."
  )
  return grid(floats(decoded, dataset), columns=columns), caption


def spherical_interpolations(run, dataset, test, encoded):
  """Rows from one sample to another along the great circle between their latents."""
  if "prior" not in run.model.parts or not has_images(dataset):
    return None
  columns = columns_of(dataset, COLUMNS)
  z = run.model.parts["prior"](run.weights, run.state, jax.random.key(0), 2 * ROWS)["z"]
  first, last = np.split(np.asarray(z)[:, None], 2)
  between = spherical(first, last, np.linspace(0, 1, columns, dtype=np.float32)[None, :, None])
  given = given_of(run, first_rows(test, ROWS))
  repeated = {k: np.repeat(x, columns, 0) for k, x in given.items()}
  decoded = run.decode({"z": between.reshape(ROWS * columns, -1)} | repeated)
  same = f", of one {' and '.join(given)}," if given else ""
  caption = (
    f"Spherical interpolations: each row{same} goes from one sample to another on the sphere of "
    "the latents."
  )
  return grid(floats(decoded, dataset), columns=columns), caption


def restorations(run, dataset, test, encoded):
  """Test images or clouds, their corrupted versions, and the restorations."""
  kind = kind_of(dataset.fields[main_entry(dataset.fields)])
  if "restorations" not in run.model.parts or kind not in ("image", "points"):
    return None
  columns = min(columns_of(dataset, 12) if kind == "image" else 8, len(main(test, dataset)))
  batch = first_rows(test, columns)
  rows = run.model.parts["restorations"](run.weights, run.state, batch, jax.random.key(0))
  if kind == "points":
    tiles = np.concatenate([clouds(x) for x in (main(batch, dataset), *rows.values())])
    return grid(tiles, 256, columns), f"Row by row: test clouds, {', '.join(rows)}."
  picture = grid(np.concatenate([floats(batch, dataset), *rows.values()]), columns=columns)
  return picture, f"Row by row: test images, {', '.join(rows)}; the baseline is not learned."


def cycles(run, dataset, test, encoded):
  """Test images of each domain, their translations, and these back again."""
  if "cycles" not in run.model.parts:
    return None
  columns = min(columns_of(dataset, 12), len(main(test, dataset)))
  batch = first_rows(test, columns)
  found = run.model.parts["cycles"](run.weights, run.state, batch)
  rows = [x for name, made in found.items() for x in (batch[name], *made)]
  num_values = dataset.fields[main_entry(dataset.fields)].num_values
  caption = "Test images of each domain; below them their translations, and these translated back."
  return grid(np.concatenate(rows), num_values, columns), caption


def styles(run, dataset, test, encoded):
  """Test images, one a row, in the styles of others, one of each domain a column."""
  if "style" not in run.model.parts:
    return None
  label = test["label"]
  first = [int(np.argmax(label == y)) for y in range(dataset.fields["label"].num_values)]
  columns = [i for y, i in enumerate(first) if label[i] == y]
  content, reference = test["image"][:ROWS], test["image"][columns]
  given = {
    "image": np.repeat(content, len(columns), 0),
    "reference": np.tile(reference, (len(content), 1, 1, 1)),
    "label": np.tile(label[columns], len(content)),
  }
  made = run.sample(len(given["label"]), given=given)["image"]
  made = made.reshape(len(content), len(columns), *content.shape[1:])
  rows = np.concatenate([content[:, None], made], 1)
  # Above the content there is nothing.
  top = np.concatenate([np.zeros_like(content[:1]), reference])
  tiles = np.concatenate([top, rows.reshape(-1, *content.shape[1:])])
  num_values = dataset.fields["image"].num_values
  caption = (
    "Styles: the image at the left of each row in the style, and the domain, of the one above each "
    "column. None is hand-picked."
  )
  return grid(tiles, num_values, 1 + len(columns)), caption


def portraits(run, dataset, test, encoded):
  """Persons, one a row, of a picture each, in the poses of others, one a column."""
  if "shots" not in run.model.given or not has_images(dataset):
    return None
  n = min(ROWS, len(test["image"]) // 2)
  columns = np.arange(n, 2 * n)
  # The one as often as there are shots, whose mean it is then.
  shots = run.model.given["shots"].shape[0]
  one = lambda name: np.repeat(test[name][:n, None].repeat(shots, 1), n, 0)
  given = {
    "landmarks": np.tile(test["landmarks"][columns], (n, 1, 1, 1)),
    "shots": one("image"),
    "shot_landmarks": one("landmarks"),
  }
  made = run.sample(n * n, given=given)["image"]
  made = made.reshape(n, n, *made.shape[1:])
  rows = np.concatenate([test["image"][:n, None], made], 1)
  top = np.concatenate([np.zeros_like(test["image"][:1]), test["image"][columns]])
  tiles = np.concatenate([top, rows.reshape(-1, *top.shape[1:])])
  caption = (
    "Portraits: the person in the one picture at the left of each row, in the pose of the person "
    "above each column. None is hand-picked."
  )
  return grid(tiles, dataset.fields["image"].num_values, 1 + n), caption
