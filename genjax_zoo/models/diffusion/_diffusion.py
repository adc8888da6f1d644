"""A Model from a denoiser and noise levels: what all diffusion models share.

`denoise(params, state, x, level, c) -> x0_hat` is the mean of x_0 given x = alpha x_0 + sigma eps,
[B, ...], at a noise level [] or [B] and under the condition c. The samplers of `prob.samplers` take
it from noise to data, with guidance on the way (`_sampling.py`); the probability-flow ODE takes
data to noise and back.
"""

from collections.abc import Callable
import math

import jax
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.models.diffusion._sampling import (
  Diffusion,
  check_sampling,
  guided_denoiser,
  noise_levels,
  sample_chain,
  sample_diffusion,
)
from genjax_zoo.models.diffusion._space import Space
from genjax_zoo.prob import samplers
from genjax_zoo.prob.likelihood import ode_log_prob

INVERSION = 50  # Steps of `encode` and `decode`, at most.
FEW = 4  # The trace of the ODE is exact by default for data of so many dimensions.


def diffusion(
  space: Space,
  init: Callable,
  loss: Callable | None,
  denoise: Callable,
  path: Callable,
  *,
  sampler: str = "ancestral",
  steps: int,
  most: int = 0,
  variance: str | Callable = "small",
  sd: float = 1.0,
  **about,
) -> Model:
  """The Model of a denoiser; `path(steps)` gives noise levels [steps + 1], from noise to data.

  There are `most` steps at most, unless it is 0. `sampler` and `steps` are the defaults of
  `sample`; `variance` is that of the ancestral sampler, or v(params, state, x, level, c) where it
  is learned. `sd` is the data's standard deviation. `about` are further entries of the Model.
  """
  process = Diffusion(space, denoise, path, most, variance, sd)
  default_sampler, default_steps = sampler, steps

  def sample(
    params,
    state,
    key,
    n,
    given={},
    sampler=default_sampler,
    steps=default_steps,
    scale=None,
    repeats=10,
    **options,
  ):
    """n samples; see `_sampling.sample_diffusion` for the options."""
    options |= {"scale": scale, "repeats": repeats}
    return sample_diffusion(process, params, state, key, n, given, sampler, steps, **options)

  def calls(sampler=default_sampler, steps=default_steps, **options):
    return check_sampling(process, sampler, steps, **options)

  def chain(params, state, key, n, given={}, frames=8, sampler="ddim", **options):
    return sample_chain(process, params, state, key, n, given, frames, sampler, **options)

  def encode(params, state, batch, key):
    return ode_encode(process, params, state, batch, key)

  def decode(params, state, latents, key):
    return ode_decode(process, params, state, latents, key)

  parts = {
    "denoise": denoise,
    "most": lambda params, state: most,
    "path": lambda params, state, steps, even=False: noise_levels(process, steps, even),
    "chain": chain,
  }
  return Model(
    init,
    loss,
    sample,
    encode=encode,
    decode=decode,
    given=space.condition_fields,
    latents={"z": Field(space.shape, np.float32)} | space.condition_fields,
    calls=calls,
    parts=parts | about.pop("parts", {}),
    **about,
  )


def ode_encode(process: Diffusion, params, state, batch, key) -> dict:
  """The noise "z" that the probability-flow ODE takes to the data, and the data's condition.

  (DDIM inversion, 2010.02502, section 5.4, by Heun's rule, of order 2.) It starts at the first
  noisy level, without noise.
  """
  space = process.space
  f = guided_denoiser(process, params, state, space.condition(batch, len(batch[space.name])))
  # From data to noise, without the level of the data themselves, at which sigma is 0.
  back = process.path(inversion_steps(process)).at(slice(-2, None, -1))
  z = samplers.heun(f, back.alpha[0] * space.to_floats(batch), back, key) / back.sigma[-1]
  return {"z": z} | {name: batch[name] for name in space.condition_fields}


def ode_decode(process: Diffusion, params, state, latents, key) -> dict:
  """The reverse of `ode_encode`, as a batch."""
  levels = process.path(inversion_steps(process))
  c = process.space.condition(latents, len(latents["z"]))
  f = guided_denoiser(process, params, state, c)
  return process.space.to_data(samplers.heun(f, levels.sigma[0] * latents["z"], levels, key))


def inversion_steps(process: Diffusion) -> int:
  """The steps of the ODE by which `encode` and `decode` go."""
  return min(INVERSION, process.most or INVERSION)


def ode_density(space: Space, denoise: Callable, low: float, high: float) -> dict:
  """Entries of a Model with the density of its ODE, from sigma / alpha = `low` to `high`.

  `denoise` must take levels (1, sigma). Integers are dequantized by uniform noise, with which the
  model must have been trained. Then an exact density would give a bound, but the solver's steps and
  the random directions of the trace make it an estimate.
  """

  def log_prob(params, state, batch, key, steps=50, k=0 if space.dim <= FEW else 1):
    """log p(x), nats [B], by 4 `steps` evaluations.

    The trace is estimated by `k` random directions, or for k = 0 is exact, by all of them.
    """
    k_noise, key = jax.random.split(key)
    c = space.condition(batch, len(batch[space.name]))
    f = lambda x, level: denoise(params, state, x, level, c)
    nats = ode_log_prob(f, space.dequantized(batch, k_noise), key, low, high, steps, k)
    # The density of gray levels is in units of `to_floats`.
    return nats + space.dim * math.log(space.gray_step) if space.num_values else nats

  noise = "uniform" if space.num_values else None
  return {"log_prob": log_prob, "likelihood": {"ode": "estimate"}, "dequantization": noise}
