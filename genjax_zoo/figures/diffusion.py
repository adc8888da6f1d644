"""Figures between data and noise, of models with the parts "chain", "denoise" and "path"."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo import standardize
from genjax_zoo.data.dataset import main_entry
from genjax_zoo.figures.common import columns_of, first_rows, floats, has_images, in_plane, main
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.prob.processes import diffuse
from genjax_zoo.prob.schedules import log_snr_level
from genjax_zoo.sample import given_of
from genjax_zoo.sharding import compiled

# Of images.
ROWS = 4  # Images of a strip.
LEVELS = 20  # Noise levels at which the error is measured, and steps of inpainting.
EXAMPLES = 200  # Examples with which it is measured.
# Of points in the plane.
TRAJECTORIES = {"ddim": 100, "ancestral": 10}  # How many are plotted of each sampler.
CLOUD = 2000  # Samples.
FRAMES = 50  # Steps of sampling.
HALF_WAY = 2.0  # The log-SNR at which samples are compared with noisy data.
ARROWS = 16  # Along an edge of a field.
FIELDS = 1.0, -0.5, -2.0  # log(sigma / alpha) of the fields.


def diffuses_images(run, dataset) -> bool:
  """Whether the model diffuses images."""
  return "chain" in run.model.parts and has_images(dataset)


def forward_strip(run, dataset, test, encoded):
  """Test images with more and more noise."""
  if not diffuses_images(run, dataset):
    return None
  columns = columns_of(dataset, 11)
  levels = run.model.parts["path"](run.weights, run.state, columns).at(slice(None, None, -1))
  x0 = 2 * floats(test, dataset)[:ROWS] - 1
  eps = jax.random.normal(jax.random.key(0), x0.shape)
  # 1, or growing with the noise: images are scaled back to the range of the data.
  scale = jnp.sqrt(levels.alpha**2 + levels.sigma**2)
  x = np.stack([diffuse(x0, eps, levels.at(i)) / scale[i] for i in range(columns)], 1)
  caption = (
    "From data to noise: x = alpha x_0 + sigma eps of test images, "
    "with the same eps at every noise level."
  )
  return grid((x.reshape(-1, *x0.shape[1:]) + 1) / 2, columns=columns), caption


def reverse_strip(run, dataset, test, encoded):
  """Samples as they are denoised, and the model's estimates of the data."""
  if not diffuses_images(run, dataset):
    return None
  columns = columns_of(dataset, 11)
  given = given_of(run, first_rows(test, ROWS))
  chain = compiled(run.model.parts["chain"], n=ROWS, frames=columns)
  x, x0 = jax.device_get(chain(run.weights, run.state, jax.random.key(0), given=given))
  both = np.stack([x, x0])  # [2, columns, ROWS, H, W, C]
  tiles = both.transpose(2, 0, 1, *range(3, both.ndim))
  caption = (
    f"From noise to data: {ROWS} samples x in {columns} steps of DDIM and, below each, x0_hat, "
    "the model's mean of the data given x."
  )
  return grid((tiles.reshape(-1, *x.shape[2:]) + 1) / 2, columns=columns), caption


def inpainting(run, dataset, test, encoded):
  """Test images, their lower halves hidden, and what the model paints there."""
  if not diffuses_images(run, dataset):
    return None
  name = main_entry(dataset.fields)
  columns = min(columns_of(dataset, 12), len(test[name]))
  first = first_rows(test, columns)
  images = first[name]
  height = images.shape[1]
  upper = np.arange(height)[None, :, None, None] < height / 2
  known = np.broadcast_to(upper, images.shape)
  given = {name: images, "known": known} | given_of(run, first)
  painted = [run.sample(columns, seed, given, steps=LEVELS, repeats=5)[name] for seed in (0, 1)]
  rows = np.concatenate([images, np.where(known, images, 0), *painted])
  caption = (
    "Test images; their upper halves, which the model is given; and two samples of the lower "
    "halves (RePaint)."
  )
  return grid(rows, dataset.fields[name].num_values, columns), caption


def noise_errors(run, dataset, test, encoded):
  """The error of the predicted noise at every noise level."""
  if "chain" not in run.model.parts:
    return None
  batch = first_rows(test, EXAMPLES)
  levels = run.model.parts["path"](run.weights, run.state, LEVELS)
  x0 = 2 * floats(batch, dataset) - 1 if has_images(dataset) else points(batch, dataset)
  c = {name: (value, jnp.ones(len(x0))) for name, value in given_of(run, batch).items()}

  def error(params, state, x0, key, c):
    def one(level):
      x = diffuse(x0, jax.random.normal(key, x0.shape), level)
      x0_hat = run.model.parts["denoise"](params, state, x, level, c)
      return level.snr * ((x0 - x0_hat) ** 2).mean()

    return jax.lax.map(one, levels.at(slice(None, -1)))

  errors = compiled(error)(run.weights, run.state, x0, jax.random.key(0), c)

  def curve(ax):
    ax.plot(-levels.log_snr[:-1] / 2, errors, "o-")
    ax.set(xlabel="log(sigma / alpha)", ylabel="|eps - eps_hat|² / D", ylim=(0, None))

  caption = (
    "The error of eps_hat on test examples at each noise level: "
    "1 where the network predicts nothing of the noise."
  )
  return plot(curve), caption


def trajectories(run, dataset, test, encoded):
  """Trajectories of samples in the plane by ODE and SDE, and both half way, beside noisy data."""
  if not diffuses_plane(run, dataset):
    return None
  levels = run.model.parts["path"](run.weights, run.state, FRAMES)
  scale = np.asarray(levels.alpha + levels.sigma)[:-1]
  found = {}
  for sampler in TRAJECTORIES:
    chain = compiled(run.model.parts["chain"], n=CLOUD, frames=FRAMES, sampler=sampler)
    x, x0 = jax.device_get(chain(run.weights, run.state, jax.random.key(0)))
    found[sampler] = np.concatenate([x / scale[:, None, None], x0[-1:]])
  half = int(np.abs(levels.log_snr[:-1] - HALF_WAY).argmin())
  data = points(test, dataset)
  noisy = np.asarray(noised(data, levels.at(half))) / scale[half]
  edge = half_width(data)

  def paint(*axes):
    for ax, (sampler, x) in zip(axes, found.items()):
      paint_trajectories(ax, x[:, : TRAJECTORIES[sampler]], sampler)
    clouds = {"noisy data": noisy, **{sampler: x[half] for sampler, x in found.items()}}
    for ax, (title, x) in zip(axes[2:], clouds.items()):
      ax.scatter(*x[:CLOUD].T, s=1)
      ax.set(title=f"{title}, step {half}")
    for ax in axes:
      ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")

  caption = (
    f"From noise to data in the plane in {FRAMES} steps, deterministic by DDIM and with new noise "
    f"by ancestral sampling. After {half} steps, at log(sigma / alpha) = "
    f"{-levels.log_snr[half] / 2:.2g}, samples are beside test data with that noise. The plot is "
    "of x / (alpha + sigma), in which a trajectory is straight if its x0_hat is constant."
  )
  return plot(paint, 5, 3.2), caption


def paint_trajectories(ax, x, title):
  """Lines through x [frames, n, 2], with their ends marked."""
  ax.plot(*x.transpose(2, 0, 1), lw=0.5, color="tab:gray")
  ax.scatter(*x[0].T, s=4, label="noise", zorder=3)
  ax.scatter(*x[-1].T, s=4, label="samples", zorder=3)
  ax.legend(fontsize=7)
  ax.set(title=title)


def score_fields(run, dataset, test, encoded):
  """The score in the plane at three noise levels."""
  if not diffuses_plane(run, dataset):
    return None
  x0 = points(test, dataset)
  edge = half_width(x0)
  ticks = np.linspace(-edge, edge, ARROWS, dtype=np.float32)
  mesh = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
  score = compiled(scaled_score, denoise=run.model.parts["denoise"])

  def paint(*axes):
    for ax, noise in zip(axes, FIELDS):
      level = log_snr_level(jnp.asarray(-2 * noise))
      arrows = np.asarray(score(run.weights, run.state, mesh, level))
      ax.scatter(*np.asarray(noised(x0, level)).T, s=1, alpha=0.3)
      ax.quiver(*mesh.T, *arrows.T, angles="xy", width=0.004)
      ax.set(title=f"log(sigma / alpha) = {noise:g}")
      ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")

  return plot(paint, 3, 3.5), "Sigma times the score, on noisy test data, at three noise levels."


def diffuses_plane(run, dataset) -> bool:
  """Whether the model diffuses points in the plane, without a condition."""
  return "chain" in run.model.parts and in_plane(dataset) and not run.model.given


def points(batch, dataset) -> np.ndarray:
  """A batch's points as the network sees them: a user's are standardised."""
  return standardize.floats(main(batch, dataset), dataset.fields[main_entry(dataset.fields)])


def noised(x0, level):
  """x_t of points x0 [N, 2] at one noise level."""
  return diffuse(jnp.asarray(x0), jax.random.normal(jax.random.key(1), x0.shape), level)


def half_width(points) -> float:
  """Half the width of the part of the plane that is plotted."""
  return 1.5 * float(np.abs(points).max())


def scaled_score(params, state, x, level, *, denoise):
  """sigma times the score of p(x_t), which is -eps_hat."""
  return (level.alpha * denoise(params, state, x, level, {}) - x) / level.sigma
