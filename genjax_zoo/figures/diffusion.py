"""The way between data and noise: of models with the parts "chain", "denoise" and "path" (see
models/diffusion/_diffusion.py).
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.common import columns_of, floats, in_plane
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.prob.processes import diffuse
from genjax_zoo.prob.schedules import log_snr_level
from genjax_zoo.run import compiled

# Images in a strip; where the error is measured, and with how many examples.
ROWS, LEVELS, EXAMPLES = 4, 20, 200
WAYS = {"ddim": 100, "ancestral": 10}  # In the plane, by sampler.
# Samples, steps, a log-SNR; and arrows along an edge of a field.
CLOUD, FRAMES, HALF_WAY, ARROWS = 2000, 50, 2.0, 16


def forward_strip(run, dataset, test, encoded):
  """Test images, ever noisier."""
  if "chain" not in run.model.parts or "image" not in dataset.fields:
    return None
  columns = columns_of(dataset, 11)
  along = run.model.parts["path"](columns).at(slice(None, None, -1))
  x0 = 2 * floats(test, dataset)[:ROWS] - 1
  eps = jax.random.normal(jax.random.key(0), x0.shape)
  # 1, or growing: shown in the range of the data.
  spread = jnp.sqrt(along.alpha**2 + along.sigma**2)
  x = np.stack([diffuse(x0, eps, along.at(i)) / spread[i] for i in range(columns)], 1)
  caption = "From data to noise: x = alpha x_0 + sigma eps of test images, with the same eps at every level."
  return grid((x.reshape(-1, *x0.shape[1:]) + 1) / 2, columns=columns), caption


def reverse_strip(run, dataset, test, encoded):
  """Samples on their way, and what the model takes them to be."""
  if "chain" not in run.model.parts or "image" not in dataset.fields:
    return None
  columns = columns_of(dataset, 11)
  given = {k: test[k][:ROWS] for k in run.model.given}
  chain = compiled(run.model.parts["chain"], (("n", ROWS), ("frames", columns)))
  x, x0 = jax.device_get(chain(run.weights, run.state, jax.random.key(0), given=given))
  tiles = np.stack([x, x0]).transpose(2, 0, 1, *range(3, x.ndim + 1))  # [ROWS, 2, columns, H, W, C]
  caption = f"From noise to data: {ROWS} samples x in {columns} steps of DDIM, below each x0_hat, the mean of the data given x."
  return grid((tiles.reshape(-1, *x.shape[2:]) + 1) / 2, columns=columns), caption


def inpainting(run, dataset, test, encoded):
  """Test images, their lower halves hidden, and what the model paints there."""
  if "chain" not in run.model.parts or "image" not in dataset.fields:
    return None
  columns = min(columns_of(dataset, 12), len(test["image"]))
  given = {k: test[k][:columns] for k in ("image", *run.model.given)}
  known = np.arange(given["image"].shape[1])[None, :, None, None] < given["image"].shape[1] / 2
  given["known"] = np.broadcast_to(known, given["image"].shape)
  rows = [run.sample(columns, seed, given, steps=LEVELS, repeats=5)["image"] for seed in (0, 1)]
  rows = [given["image"], np.where(given["known"], given["image"], 0), *rows]
  caption = "Test images; their upper halves, all that the model is given; and below, twice, what it paints in (RePaint)."
  return grid(np.concatenate(rows), dataset.fields["image"].num_values, columns), caption


def noise_errors(run, dataset, test, encoded):
  """How well the noise is told from the data, at every level."""
  if "chain" not in run.model.parts:
    return None
  denoise, along = run.model.parts["denoise"], run.model.parts["path"](LEVELS)
  batch = {k: v[:EXAMPLES] for k, v in test.items()}
  x0 = 2 * floats(batch, dataset) - 1 if "image" in dataset.fields else batch["x"]
  label = batch["label"] if run.model.given else None

  def error(params, state, x0, key):
    def one(level):
      x = diffuse(x0, jax.random.normal(key, x0.shape), level)
      x0_hat = denoise(params, state, x, level, label)
      return level.snr * ((x0 - x0_hat) ** 2).mean()

    return jax.lax.map(one, along.at(slice(None, -1)))

  errors = compiled(error, ())(run.weights, run.state, x0, jax.random.key(0))

  def curve(ax):
    ax.plot(-along.log_snr[:-1] / 2, errors, "o-")
    ax.set(xlabel="log(sigma / alpha)", ylabel="|eps - eps_hat|² / D", ylim=(0, None))

  caption = "The error of eps_hat on test examples, by level: 1 where the network says nothing of the noise."
  return plot(curve), caption


def ways(run, dataset, test, encoded):
  """In the plane: the ways of samples along the ODE and the SDE, and both half way, beside noisy
  data.
  """
  if not _plane_of_noise(run, dataset):
    return None
  along, edge = run.model.parts["path"](FRAMES), _edge(test)
  spread, shown = np.asarray(along.alpha + along.sigma)[:-1], {}
  for sampler in WAYS:
    chain = compiled(
      run.model.parts["chain"], (("n", CLOUD), ("frames", FRAMES), ("sampler", sampler))
    )
    x, x0 = jax.device_get(chain(run.weights, run.state, jax.random.key(0)))
    shown[sampler] = np.concatenate([x / spread[:, None, None], x0[-1:]])
  half = int(np.abs(along.log_snr[:-1] - HALF_WAY).argmin())
  eps = jax.random.normal(jax.random.key(1), test["x"].shape)
  noisy = np.asarray(diffuse(jnp.asarray(test["x"]), eps, along.at(half))) / spread[half]

  def paint(*axes):
    for ax, (sampler, x) in zip(axes, shown.items()):
      x = x[:, : WAYS[sampler]]
      ax.plot(*x.transpose(2, 0, 1), lw=0.5, color="tab:gray")
      ax.scatter(*x[0].T, s=4, label="noise", zorder=3)
      ax.scatter(*x[-1].T, s=4, label="samples", zorder=3)
      ax.legend(fontsize=7)
      ax.set(title=sampler)
    clouds = {"noisy data": noisy, **{sampler: x[half] for sampler, x in shown.items()}}
    for ax, (title, x) in zip(axes[2:], clouds.items()):
      ax.scatter(*x[:CLOUD].T, s=1)
      ax.set(title=f"{title}, step {half}")
    for ax in axes:
      ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")

  caption = (
    f"From noise to data in the plane in {FRAMES} steps: without further noise by DDIM, with it by ancestral sampling. "
    f"After {half} of them, at log(sigma / alpha) = {-along.log_snr[half] / 2:.2g}, beside test data of that level. "
    "Shown is x / (alpha + sigma), so that a way is straight if its x0_hat stays."
  )
  return plot(paint, 5, 3.2), caption


def fields(run, dataset, test, encoded):
  """In the plane: the score at three levels of noise."""
  if not _plane_of_noise(run, dataset):
    return None
  edge = _edge(test)
  mesh = np.stack(
    np.meshgrid(*[np.linspace(-edge, edge, ARROWS, dtype=np.float32)] * 2), -1
  ).reshape(-1, 2)
  score = compiled(
    lambda params, state, x, level: _score(run.model.parts["denoise"], params, state, x, level), ()
  )

  def paint(*axes):
    for ax, noise in zip(axes, (1.0, -0.5, -2.0)):
      level = log_snr_level(jnp.asarray(-2 * noise))
      eps = jax.random.normal(jax.random.key(1), test["x"].shape)
      ax.scatter(*np.asarray(diffuse(jnp.asarray(test["x"]), eps, level)).T, s=1, alpha=0.3)
      ax.quiver(
        *mesh.T, *np.asarray(score(run.weights, run.state, mesh, level)).T, angles="xy", width=0.004
      )
      ax.set(
        title=f"log(sigma / alpha) = {noise:g}",
        xlim=(-edge, edge),
        ylim=(-edge, edge),
        aspect="equal",
      )

  return plot(paint, 3, 3.5), "Sigma times the score, on noisy test data, at three levels of noise."


def _plane_of_noise(run, dataset) -> bool:
  """Whether the model diffuses points in the plane, all alike."""
  return "chain" in run.model.parts and in_plane(dataset) and not run.model.given


def _edge(test) -> float:
  """Half the width of what is shown of the plane."""
  return 1.5 * float(np.abs(test["x"]).max())


def _score(denoise, params, state, x, level):
  """sigma times the score of p(x_t), = -eps_hat."""
  return (level.alpha * denoise(params, state, x, level, None) - x) / level.sigma
