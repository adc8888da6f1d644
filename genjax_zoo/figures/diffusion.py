"""The way between data and noise: of models with the parts "chain", "denoise" and "path" (see models/_diffusion.py)."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.common import columns_of, floats
from genjax_zoo.pictures import grid, plot
from genjax_zoo.prob.processes import diffuse
from genjax_zoo.run import compiled

ROWS, LEVELS, EXAMPLES = 4, 20, 200  # Images in a strip; where the error is measured, and with how many examples.


def forward_strip(run, dataset, test, encoded):
  """Test images, ever noisier."""
  if "chain" not in run.model.parts or "image" not in dataset.fields:
    return None
  columns = columns_of(dataset, 11)
  along = run.model.parts["path"](columns).at(slice(None, None, -1))
  x0 = 2 * floats(test, dataset)[:ROWS] - 1
  eps = jax.random.normal(jax.random.key(0), x0.shape)
  spread = jnp.sqrt(along.alpha**2 + along.sigma**2)  # 1, or growing: shown in the range of the data.
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
  caption = f"From noise to data: {ROWS} samples x in {columns} steps, below each x0_hat, the mean of the data given x."
  return grid((tiles.reshape(-1, *x.shape[2:]) + 1) / 2, columns=columns), caption


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
