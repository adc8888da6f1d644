"""Models of points in the plane."""

import numpy as np

from genjax_zoo.figures.common import draw_samples, in_plane
from genjax_zoo.figures.pictures import plot

PIXELS = 200  # A density is seen on so many by so many points.
SIGN = {"exact": "", "lower_bound": "a lower bound of ", "estimate": "an estimate of "}


def frame(data):
  """([left, right, bottom, top] of a square about points [N, 2], the points of PIXELS² cells in
  it).
  """
  low, high = data.min(0), data.max(0)
  middle, half = (low + high) / 2, 0.55 * (high - low).max()
  extent = [*(middle[0] + (-half, half)), *(middle[1] + (-half, half))]
  cells = (np.arange(PIXELS) + 0.5) / PIXELS * 2 - 1
  return extent, (middle + half * np.stack(np.meshgrid(cells, cells), -1).reshape(-1, 2)).astype(
    data.dtype
  )


def density(run, dataset, test, encoded):
  """Data, samples, the model's density and the true one, in the plane."""
  if not in_plane(dataset):
    return None
  data = test["x"]
  extent, points = frame(data)
  panels, notes = [("test examples", data)], ""
  if run.model.sample:
    panels.append(("samples", draw_samples(run, test, len(data))["x"]))
  if run.model.log_prob:
    panels.append(
      ("model", run.log_prob({"x": points, "weight": np.ones(len(points), np.float32)}))
    )
    kind = next(iter(run.model.likelihood.values()), "estimate")
    notes = f" The model's density is exp of {SIGN[kind]}log p." if SIGN[kind] else ""
  if dataset.log_prob:
    panels.append(("truth", np.asarray(dataset.log_prob(points))))
  maps = [np.exp(x) for _, x in panels if x.ndim == 1]
  top = np.nanmax(maps[-1]) if maps else None

  def paint(*axes):
    for ax, (title, x) in zip(axes, panels):
      ax.set(title=title, xlim=extent[:2], ylim=extent[2:], aspect="equal")
      if x.ndim == 2:
        ax.scatter(*x.T, s=1, alpha=0.6)
      else:
        ax.imshow(
          np.exp(x).reshape(PIXELS, PIXELS), origin="lower", extent=extent, vmin=0, vmax=top
        )

  listed = ", ".join(title for title, _ in panels)
  return plot(paint, len(panels), size=3), f"In the plane: {listed}.{notes}"


def critic(run, dataset, test, encoded):
  """What the critic of a game says of the plane, with data and samples."""
  if not in_plane(dataset) or "critic" not in run.model.parts or run.model.given:
    return None
  extent, points = frame(test["x"])
  says = np.asarray(run.model.parts["critic"](run.weights, run.state, {"x": points})).reshape(
    PIXELS, PIXELS
  )
  shown = {"test examples": test["x"], "samples": draw_samples(run, test, len(test["x"]))["x"]}

  def paint(*axes):
    for ax, (title, x) in zip(axes, shown.items()):
      ax.set(title=title, xlim=extent[:2], ylim=extent[2:], aspect="equal")
      ax.imshow(says, origin="lower", extent=extent, cmap="coolwarm")
      ax.scatter(*x.T, s=1, color="black", alpha=0.4)

  return plot(
    paint, 2, size=4
  ), "What the critic says: red is more like the data, blue like samples."
