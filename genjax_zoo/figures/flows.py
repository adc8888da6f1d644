"""Figures of flows: the latents' plane warped to the data's, temperatures, latent arithmetic."""

import jax
import numpy as np

from genjax_zoo.figures.common import (
  columns_of,
  decodes_images,
  first_rows,
  floats,
  has_images,
  in_plane,
  real,
)
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.sample import given_of
from genjax_zoo.sharding import jit

TEMPERATURES = 0.25, 0.5, 0.7, 0.85, 1.0, 1.15
# The grid in the latents' plane: [-REACH, REACH]² with LINES lines a direction, of POINTS points.
REACH, LINES, POINTS = 3.0, 13, 121
PANELS = 7  # Stages of the flow that are plotted.


def warped_grid(run, dataset, test, encoded):
  """A square grid of latents, and draws of the prior, after layers of the flow to the data."""
  warp = run.model.parts.get("warp")
  if not in_plane(dataset) or warp is None:
    return None
  ticks = np.linspace(-REACH, REACH, LINES)
  along = np.linspace(-REACH, REACH, POINTS)
  lines = np.stack(np.meshgrid(ticks, along, indexing="ij"), -1).reshape(-1, 2)
  draws = np.random.default_rng(0).normal(size=(1000, 2))
  z = np.concatenate([lines, lines[:, ::-1], draws]).astype(np.float32)
  with jax.set_mesh(run.mesh):
    points = np.asarray(jit(warp)(run.weights, run.state, z))
  last = len(points) - 1
  stages = np.unique(np.linspace(0, last, PANELS).round().astype(int))
  colours = np.arctan2(*draws.T)

  def paint(*axes):
    for ax, stage in zip(axes, stages):
      curves, cloud = np.split(points[stage], [-len(draws)])
      paint_grid(ax, curves, cloud, colours)
      ax.set(xticks=[], yticks=[], title=f"stage {stage} of {last}" if stage else "latents")
    axes[-1].set_title("data")

  caption = (
    f"From latents to data: lines {2 * REACH / (LINES - 1):g} apart and 1,000 draws of the prior, "
    f"coloured by their angle, after some of the {last} stages of the flow."
  )
  return plot(paint, len(stages), size=2.2), caption


def paint_grid(ax, curves, cloud, colours):
  """The lines of a warped grid, and the draws that frame the plot."""
  ax.plot(*curves.reshape(2 * LINES, POINTS, 2).transpose(2, 1, 0), color="gray", linewidth=0.5)
  ax.scatter(*cloud.T, s=2, c=colours, cmap="hsv")
  low, high = np.percentile(cloud, [0.5, 99.5], 0)
  middle = (low + high) / 2
  frame = 0.6 * (high - low).max() * np.array([-1, 1])
  ax.set(xlim=middle[0] + frame, ylim=middle[1] + frame, aspect="equal")


def temperatures(run, dataset, test, encoded):
  """Samples of a flow from the same noise at rising temperatures, a row each."""
  if "bijector" not in run.model.parts or not has_images(dataset):
    return None
  columns = min(columns_of(dataset, 12), len(next(iter(test.values()))))
  given = given_of(run, first_rows(test, columns))
  rows = [run.sample(columns, given=given, temperature=t) for t in TEMPERATURES]
  *lower, highest = TEMPERATURES
  caption = (
    "The same draws of the prior, their standard deviations scaled by "
    f"{', '.join(map(str, lower))} and {highest}, from top to bottom: "
    "the lower, the likelier and the less diverse."
  )
  return grid(np.concatenate([floats(row, dataset) for row in rows]), columns=columns), caption


def attributes(run, dataset, test, encoded):
  """Test images moved in the latents from the mean of their class to the mean of another."""
  label = test.get("label")
  if not decodes_images(run, dataset) or "label" in run.model.given:
    return None
  if label is None or label.ndim > 1:
    return None
  names = real(encoded(), ndim=2)
  if not names or len(encoded()) > 1:
    return None
  z = encoded()[names[0]]
  classes = np.unique(label)[:10]
  if len(classes) < 2:
    return None
  means = {c: z[label == c].mean(0) for c in classes}
  columns = columns_of(dataset, 11)
  t = np.linspace(0, 1, columns, dtype=np.float32)[:, None]
  rows = []
  for a, b in zip(classes, np.roll(classes, -1)):
    rows.append(z[label == a][:1] + t * (means[b] - means[a])[None])
  decoded = run.decode({names[0]: np.concatenate(rows).astype(z.dtype)})
  caption = (
    f"Arithmetic in {names[0]}: at the left a test image of each class, to which the difference "
    "between the mean latents of the next class and of its own is added, in equal steps up to the "
    "whole difference at the right."
  )
  return grid(floats(decoded, dataset), columns=columns), caption
