"""Sampling from diffusion models: a sampler by its name, guidance, inpainting, the chain.

All functions take the `Diffusion` that they sample from, and the samplers' own functions are in
`prob.samplers`.
"""

from collections.abc import Callable, Mapping
import functools
import inspect
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import UserError, nearest
from genjax_zoo.models.diffusion._space import Space, check_choices
from genjax_zoo.prob import guidance, samplers
from genjax_zoo.prob.schedules import NoiseLevel, ending_in_data, log_snr_level

SAMPLERS = (
  "ancestral",
  "ddim",
  "renoise",
  "heun",
  "dpm_solver",
  "dpm_solver_single",
  "euler_maruyama",
  "annealed_langevin",
  "predictor_corrector",
)
WITH_VARIANCE = "ancestral", "predictor_corrector"
NOISE = -9.0  # The log SNR below which DPM-Solver takes one step.
FINE = 1000  # Steps of a path fine enough to show where it ends.


class Diffusion(NamedTuple):
  """What is sampled from: a denoiser, and the noise levels along which it goes."""

  space: Space
  denoise: Callable  # (params, state, x, level, c) -> x0_hat [B, ...].
  path: Callable  # (steps) -> noise levels [steps + 1], from noise to data.
  most: int  # Steps that there can be; 0 for any number.
  variance: str | Callable  # Of the ancestral sampler; a function where it is learned.
  sd: float = 1.0  # Of the data.


def sample_diffusion(
  process: Diffusion,
  params,
  state,
  key,
  n: int,
  given,
  sampler: str,
  steps: int,
  scale=None,
  rescale=0.0,
  interval=None,
  threshold=None,
  repeats=10,
  **options,
) -> dict:
  """n samples in `steps` steps of one of SAMPLERS, with its own `options`.

  `scale` is that of classifier-free guidance, or {entry of the condition: scale}, at noise sigma /
  alpha in `interval`; `rescale` as in `guidance.classifier_free`. x0_hat of images is clipped, or
  thresholded at the quantile `threshold`. Given an example and "known" [n, ...], 1 or True where it
  is to stay, the rest is painted in by RePaint, `repeats` times at each level: `sampler` then only
  spaces the levels, and its options have no effect.
  """
  space = process.space
  k_x, key = jax.random.split(key)
  c = space.condition(given, n)
  if sampler == "annealed_langevin":
    options |= {"repeats": repeats}
  if sampler in WITH_VARIANCE and "variance" not in options:
    options |= {"variance": reverse_variance(process, params, state, c)}
  solve = solver(process, sampler, steps, scale, options)
  levels = noise_levels(process, steps, even=sampler == "dpm_solver")
  f = guided_denoiser(process, params, state, c, scale, rescale, interval, threshold)
  x = initial_noise(process, k_x, n, levels)
  if "known" in given:  # RePaint is a sampler of its own, and `calls` does not count its repeats.
    mask = jnp.broadcast_to(given["known"], x.shape)
    x0 = samplers.repaint(f, x, levels, key, space.to_floats(given), mask, repeats)
  else:
    x0 = solve(f, x, levels, key)
  return space.to_data(x0)


def sample_chain(
  process: Diffusion, params, state, key, n: int, given, frames: int, sampler: str, **options
) -> tuple:
  """(x, x0_hat), each [frames, n, ...]: n samples from noise to data, at the levels of a path."""
  k_x, key = jax.random.split(key)
  c = process.space.condition(given, n)
  f = guided_denoiser(process, params, state, c, **options)
  solve = solver(process, sampler, frames, options.get("scale"), {})
  levels = noise_levels(process, frames, even=sampler == "dpm_solver")

  def step(x, i_key):
    i, key = i_key
    return solve(f, x, levels.at(jnp.stack([i, i + 1])), key), (x, f(x, levels.at(i)))

  start = initial_noise(process, k_x, n, levels)
  return jax.lax.scan(step, start, (jnp.arange(frames), jax.random.split(key, frames)))[1]


def guided_denoiser(
  process: Diffusion, params, state, c, scale=None, rescale=0.0, interval=None, threshold=None
) -> Callable:
  """x0_hat as a function of (x, level): guided by classifier-free guidance, in the data's range."""
  if scale is None:
    f = lambda x, level: process.denoise(params, state, x, level, c)
  else:
    limited = lambda scale: guidance.interval(scale, *interval) if interval else scale
    several = isinstance(scale, Mapping)
    strength = {k: limited(s) for k, s in scale.items()} if several else limited(scale)
    conditional = lambda x, level, c: process.denoise(params, state, x, level, c)
    f = guidance.classifier_free(conditional, c, process.space.null(c), strength, rescale)
  if threshold is not None:
    return guidance.dynamic_threshold(f, threshold)
  return guidance.clipped(f) if process.space.num_values else f


def reverse_variance(process: Diffusion, params, state, c) -> str | Callable:
  """The variance of p(x_s | x_t): "small", "large", or a learned v(x, level)."""
  if not callable(process.variance):
    return process.variance
  return lambda x, level: process.variance(params, state, x, level, c)


def initial_noise(process: Diffusion, key, n: int, levels: NoiseLevel):
  """Noise [n, ...] to start from.

  As x_t of data of standard deviation `sd`: N(0, I) of a process that preserves variance, wherever
  it ends; about N(0, sigma²) of one whose sigma ends far above that of the data.
  """
  scale = jnp.hypot(levels.alpha[0] * process.sd, levels.sigma[0])
  return scale * jax.random.normal(key, (n, *process.space.shape))


def noise_levels(process: Diffusion, steps: int, even: bool = False) -> NoiseLevel:
  """The levels [steps + 1] of a path, from noise to data; evenly spaced in log SNR if `even`.

  Pure noise, below the log SNR of NOISE, is then crossed in one step. Raises UserError for steps
  that the path does not have.
  """
  if steps < 1 or (process.most and steps > process.most):
    raise UserError(f"sample.steps={steps}: it must be from 1 to {process.most or 'any number'}")
  if not even:
    return process.path(steps)
  log_snr = process.path(process.most or FINE).log_snr
  first, last = log_snr[0], log_snr[-2]  # Of the data themselves, at -1, it is infinite.
  spaced = jnp.linspace(jnp.maximum(first, NOISE), last, steps)
  return ending_in_data(log_snr_level(spaced.at[0].set(first)))


def solver(process: Diffusion, name: str, steps: int, scale, options) -> Callable:
  """The sampler of this name, f(denoise, x, levels, key), with its own options.

  Raises UserError for what can't be done.
  """
  check_choices(sample__sampler=(name, SAMPLERS))
  function = getattr(samplers, name)
  own = tuple(inspect.signature(function).parameters)[4:]
  if wrong := options.keys() - set(own):
    option = min(wrong)
    takes = ", ".join(own) or "no options"
    raise UserError(f"sample.{option}: {name} takes {takes}{nearest(option, own)}")
  if name == "dpm_solver_single" and steps % 2:
    raise UserError(f"sample.steps={steps}: dpm_solver_single takes steps two at a time")
  fields, kept = process.space.condition_fields, process.space.kept
  dropped = [name for name in fields if name not in kept]
  if scale is not None and not fields:
    raise UserError('sample.scale needs a conditional model: model.condition=("label",)')
  if scale is not None and not dropped:
    raise UserError(f"sample.scale={scale}: training has always given {', '.join(kept)}")
  if isinstance(scale, Mapping) and scale.keys() != set(dropped):
    one = f"it has one scale for each of {', '.join(dropped)}"
    raise UserError(f"sample.scale={dict(scale)}: {one}")
  return functools.partial(function, **options)


def check_sampling(
  process: Diffusion,
  sampler: str,
  steps: int,
  scale=None,
  rescale=0.0,
  interval=None,
  threshold=None,
  repeats=10,
  **options,
) -> int:
  """The network evaluations of a sample; UserError for options that sampling would refuse."""
  solver(process, sampler, steps, scale, options)
  jax.eval_shape(lambda: noise_levels(process, steps).sigma)  # For its errors alone.
  times = samplers.evaluations(sampler, steps, repeats=repeats)
  if scale is None:
    return times
  # A learned variance is of the network without guidance. Unguided it comes with x0_hat, guided it
  # is an evaluation of its own.
  learned = callable(process.variance) and sampler in WITH_VARIANCE and "variance" not in options
  several = 1 + (len(scale) if isinstance(scale, Mapping) else 1)
  return several * times + learned * steps
