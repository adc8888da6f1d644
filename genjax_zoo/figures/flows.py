"""What flows do: the latents' plane warped to the data's, samples by temperature, and arithmetic in
the latents.
"""

import jax
import numpy as np

from genjax_zoo.figures.common import columns_of, decodes_images, floats, in_plane, real
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.sharding import jit

TEMPERATURES = 0.25, 0.5, 0.7, 0.85, 1.0, 1.15
# The grid in the latents' plane, and how many stages of it are shown.
REACH, LINES, POINTS, PANELS = 3.0, 13, 121, 7


def warped_grid(run, dataset, test, encoded):
  """A square grid of latents, and draws of them, on their way through the layers to the data."""
  warp = run.model.parts.get("warp")
  if not in_plane(dataset) or warp is None:
    return None
  ticks, along = np.linspace(-REACH, REACH, LINES), np.linspace(-REACH, REACH, POINTS)
  lines = np.stack(np.meshgrid(ticks, along, indexing="ij"), -1).reshape(-1, 2)
  draws = np.random.default_rng(0).normal(size=(1000, 2))
  z = np.concatenate([lines, lines[:, ::-1], draws]).astype(np.float32)
  with jax.set_mesh(run.mesh):
    points = np.asarray(jit(warp)(run.weights, run.state, z))
  shown = np.unique(np.linspace(0, len(points) - 1, PANELS).round().astype(int))
  colours = np.arctan2(*draws.T)

  def paint(*axes):
    for ax, stage in zip(axes, shown):
      curves, cloud = points[stage, : -len(draws)], points[stage, -len(draws) :]
      ax.plot(*curves.reshape(2 * LINES, POINTS, 2).transpose(2, 1, 0), color="gray", linewidth=0.5)
      ax.scatter(*cloud.T, s=2, c=colours, cmap="hsv")
      low, high = np.percentile(cloud, [0.5, 99.5], 0)
      middle, half = (low + high) / 2, 0.6 * (high - low).max()
      ax.set(
        xlim=middle[0] + np.array([-half, half]),
        ylim=middle[1] + np.array([-half, half]),
        aspect="equal",
      )
      ax.set(
        xticks=[],
        yticks=[],
        title=("latents" if stage == 0 else f"stage {stage} of {len(points) - 1}"),
      )
    axes[-1].set_title("data")

  caption = (
    f"From the latents to the data: lines {2 * REACH / (LINES - 1):g} apart and 1,000 draws of the prior, coloured by "
    f"their angle, after some of the {len(points) - 1} stages of the way."
  )
  return plot(paint, len(shown), size=2.2), caption


def temperatures(run, dataset, test, encoded):
  """Samples of a flow from the same noise at rising temperatures, a row each."""
  if "bijector" not in run.model.parts or "image" not in dataset.fields:
    return None
  columns = min(columns_of(dataset, 12), len(test["image"]))
  given = {k: test[k][:columns] for k in run.model.given}
  rows = [run.sample(columns, given=given, temperature=t) for t in TEMPERATURES]
  caption = "The same draws of the prior, their deviations scaled by " + ", ".join(
    map(str, TEMPERATURES[:-1])
  )
  caption += (
    f" and {TEMPERATURES[-1]}, from top to bottom: the lower, the likelier and the less diverse."
  )
  return grid(np.concatenate([floats(row, dataset) for row in rows]), columns=columns), caption


def attributes(run, dataset, test, encoded):
  """Test images moved in the latents from the mean of their class to the mean of another."""
  label = test.get("label")
  if (
    not decodes_images(run, dataset)
    or label is None
    or label.ndim > 1
    or "label" in run.model.given
  ):
    return None
  if not (names := real(encoded(), ndim=2)) or len(encoded()) > 1:
    return None
  z, classes = encoded()[names[0]], np.unique(label)[:10]
  if len(classes) < 2:
    return None
  means = {c: z[label == c].mean(0) for c in classes}
  columns = columns_of(dataset, 11)
  t = np.linspace(0, 1, columns, dtype=np.float32)[:, None]
  pairs = list(zip(classes, np.roll(classes, -1)))
  rows = [z[label == a][:1] + t * (means[b] - means[a])[None] for a, b in pairs]
  decoded = run.decode({names[0]: np.concatenate(rows).astype(z.dtype)})
  caption = (
    f"Arithmetic in {names[0]}: at the left a test image of each class, to which the mean of the next class's latents "
    "less that of its own is added, in equal steps up to the whole at the right."
  )
  return grid(floats(decoded, dataset), columns=columns), caption
