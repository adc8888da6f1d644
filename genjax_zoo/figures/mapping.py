"""What generators do with latents w that a mapping finds of z; and truncation, of others too."""

import inspect

import jax
import numpy as np

from genjax_zoo.figures.common import columns_of, draw_samples, first_rows, floats, has_images
from genjax_zoo.figures.pictures import beside, grid
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.sample import given_of

ROWS, COLUMNS = 4, 5
SPANS = "coarse", "middle", "fine"
TRUNCATIONS = 1.0, 0.7, 0.4, 0.1


def mapped(run, n: int, seed: int = 0):
  """(z [n, D], w [n, D]) of n samples."""
  z = run.model.parts["prior"](run.weights, run.state, jax.random.key(seed), n)
  w = run.model.parts["map"](run.weights, run.state, z)["w"]
  return np.asarray(z["z"]), np.asarray(w)


def mixed(content, style, layers: int):
  """w [3, R, C, layers, D] of R contents and C styles [., D], which is the style's in one third.

  The thirds of the layers are those of SPANS.
  """
  rows, columns = len(content), len(style)
  ws = np.broadcast_to(content[:, None, None], (rows, columns, layers, content.shape[1]))
  found = np.stack([ws] * len(SPANS))
  for one, span in zip(found, np.array_split(np.arange(layers), len(SPANS))):
    one[:, :, span] = style[None, :, None]
  return found


def mixed_styles(run, dataset, test, encoded):
  """Samples, one a row, whose coarse, middle or fine layers take w from others, one a column."""
  if "map" not in run.model.parts or not has_images(dataset):
    return None
  _, w = mapped(run, ROWS + COLUMNS)
  content, style = w[:ROWS], w[ROWS:]
  # Two layers for each resolution.
  ws = mixed(content, style, 2 * len(run.config["model"]["widths"]))
  decode = lambda w: floats(run.decode({"w": w}), dataset)
  images = decode(ws.reshape(-1, *ws.shape[3:]))
  images = images.reshape(*ws.shape[:3], *images.shape[1:])
  left, top = decode(content), decode(style)
  top = np.concatenate([np.ones_like(top[:1]), top])
  pictures = []
  for block in images:
    rows = np.concatenate([left[:, None], block], 1)
    tiles = np.concatenate([top, rows.reshape(-1, *rows.shape[2:])])
    pictures.append(grid(tiles, columns=1 + COLUMNS, scale=max(1, 40 // top.shape[2])))
  caption = (
    "Mixed styles: the sample at the left of each row, with the styles of the one above each "
    f"column in a third of its layers; from left to right {', '.join(SPANS)}."
  )
  return beside(*pictures), caption


def paths(run, dataset, test, encoded):
  """Rows from one sample to another, by the arc between their z and by the line between their w."""
  if "map" not in run.model.parts or not has_images(dataset):
    return None
  columns = columns_of(dataset, 11)
  z, w = mapped(run, 2 * ROWS)
  t = np.linspace(0, 1, columns, dtype=np.float32)[None, :, None]
  arcs = spherical(z[:ROWS, None], z[ROWS:, None], t)
  lines = (1 - t) * w[:ROWS, None] + t * w[ROWS:, None]
  made = [
    floats(run.decode({name: np.asarray(x).reshape(-1, x.shape[-1])}), dataset)
    for name, x in (("z", arcs), ("w", lines))
  ]
  rows = np.stack([x.reshape(ROWS, columns, *x.shape[1:]) for x in made], 1)
  caption = (
    "Paths: from one sample to another, by the arc between their z and, below it, by the line "
    "between their w."
  )
  return grid(rows.reshape(-1, *rows.shape[3:]), columns=columns), caption


def truncations(run, dataset, test, encoded):
  """The same samples at several truncations, one a row."""
  options = inspect.signature(run.model.sample).parameters if run.model.sample else ()
  if "truncation" not in options or not has_images(dataset):
    return None
  columns = columns_of(dataset, 12)
  given = given_of(run, first_rows(test, columns))
  rows = [draw_samples(run, test, columns)]
  rows += [run.sample(columns, given=given, truncation=value) for value in TRUNCATIONS]
  tiles = np.concatenate([floats(row, dataset) for row in rows])
  values = ", ".join(map(str, TRUNCATIONS))
  caption = f"Truncation: samples as they are and, below, the same ones at {values}."
  return grid(tiles, columns=columns), caption


def projections(run, dataset, test, encoded):
  """Test images above the nearest ones that w, one for all layers, is decoded to."""
  if "project" not in run.model.parts or not has_images(dataset):
    return None
  columns = columns_of(dataset, 12)
  batch = first_rows(test, columns)
  found = run.model.parts["project"](run.weights, run.state, batch, jax.random.key(0))
  near = run.decode({"w": np.asarray(found["w"])})
  tiles = np.concatenate([floats(batch, dataset), floats(near, dataset)])
  return grid(tiles, columns=columns), "Test images and, below each, its projection into w."
