"""Figures of models of points in the plane."""

import numpy as np

from genjax_zoo.data.dataset import main_entry
from genjax_zoo.figures.common import draw_samples, in_plane, main
from genjax_zoo.figures.pictures import plot
from genjax_zoo.sharding import compiled

PIXELS = 200  # Along an edge of the picture of a density,
FEWER = 100  # and of one that an ODE estimates, by hundreds of network calls for each.
SIGN = {"exact": "", "lower_bound": "a lower bound of ", "estimate": "an estimate of "}


def frame(data, pixels: int):
  """A square about points [N, 2], [left, right, bottom, top], and the centres of pixels² cells."""
  low, high = data.min(0), data.max(0)
  middle = (low + high) / 2
  half = 0.55 * (high - low).max()
  extent = [*(middle[0] + (-half, half)), *(middle[1] + (-half, half))]
  cells = (np.arange(pixels) + 0.5) / pixels * 2 - 1
  points = middle + half * np.stack(np.meshgrid(cells, cells), -1).reshape(-1, 2)
  return extent, points.astype(data.dtype)


def density(run, dataset, test, encoded):
  """Data, samples, the model's density and the true one, in the plane."""
  if not in_plane(dataset):
    return None
  data = main(test, dataset)
  kind = next(iter(run.model.likelihood.values()), "estimate")
  pixels = FEWER if run.model.log_prob and kind == "estimate" else PIXELS
  extent, points = frame(data, pixels)
  clouds = {"test examples": data}
  if run.model.sample:
    clouds["samples"] = main(draw_samples(run, test, len(data)), dataset)
  log_densities = {}
  note = ""
  if run.model.log_prob:
    batch = {main_entry(dataset.fields): points, "weight": np.ones(len(points), np.float32)}
    log_densities["model"] = run.log_prob(batch)
    sign = SIGN[kind]
    note = f" The model's density is exp of {sign}log p." if sign else ""
  if dataset.log_prob:
    log_densities["truth"] = np.asarray(dataset.log_prob(points))
  maps = {title: np.exp(x).reshape(pixels, pixels) for title, x in log_densities.items()}
  # One scale for both, that of the truth where it is known.
  top = np.nanmax([*maps.values()][-1]) if maps else None
  panels = clouds | maps

  def paint(*axes):
    for ax, (title, x) in zip(axes, panels.items()):
      ax.set(title=title, xlim=extent[:2], ylim=extent[2:], aspect="equal")
      if title in clouds:
        ax.scatter(*x.T, s=1, alpha=0.6)
      else:
        ax.imshow(x, origin="lower", extent=extent, vmin=0, vmax=top)

  return plot(paint, len(panels), size=3), f"In the plane: {', '.join(panels)}.{note}"


def critic(run, dataset, test, encoded):
  """The output of a critic in the plane, with data and samples."""
  if not in_plane(dataset) or "critic" not in run.model.parts or run.model.given:
    return None
  data = main(test, dataset)
  extent, points = frame(data, PIXELS)
  output = critic_at(run, {main_entry(dataset.fields): points}).reshape(PIXELS, PIXELS)
  samples = main(draw_samples(run, test, len(data)), dataset)
  clouds = {"test examples": data, "samples": samples}

  def paint(*axes):
    for ax, (title, x) in zip(axes, clouds.items()):
      ax.set(title=title, xlim=extent[:2], ylim=extent[2:], aspect="equal")
      ax.imshow(output, origin="lower", extent=extent, cmap="coolwarm")
      ax.scatter(*x.T, s=1, color="black", alpha=0.4)

  caption = "The critic's output: red is more like the data, blue is more like samples."
  return plot(paint, 2, size=4), caption


def critic_at(run, batch) -> np.ndarray:
  """The output of a run's critic for a batch, [N]."""
  return np.asarray(compiled(run.model.parts["critic"])(run.weights, run.state, batch))
