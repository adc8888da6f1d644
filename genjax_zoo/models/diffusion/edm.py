"""Elucidated diffusion (Karras 2022, arXiv:2206.00364): the choices of diffusion, one by one.

Noise is added to data without scaling them, x = x_0 + sigma eps, and a denoiser D is what all else
needs. Its network F has inputs and targets of unit variance at every sigma, by `preconditioning`
with sd, the data's standard deviation:

  D(x, sigma) = c_skip x + c_out F(c_in x, c_noise)
  c_skip = sd² / (sigma² + sd²),  c_out = sigma sd c_in,  c_in = 1 / sqrt(sigma² + sd²)

  loss = weight |D(x_0 + sigma eps, sigma) - x_0|² / dim,   log sigma ~ N(mean, spread²),
  weight = (sigma² + sd²) / (sigma sd)² = 1 / c_out²

so that a network of zeros has loss 1 at every sigma. Samples follow the ODE by Heun's rule, at
levels that are closer the less noise there is (`schedules.edm`): 18 steps, 35 evaluations.

Departures: c_noise is log sigma, not a quarter of it (the network scales it itself); no
augmentation, and no churn: samplers with noise do that. Real data have log p, by the ODE.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion, ode_density
from genjax_zoo.models.diffusion._space import align, network_functions, space_of
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import denoising_loss, edm_weight
from genjax_zoo.prob.schedules import NoiseLevel


def preconditioning(sigma, sd: float):
  """(c_skip, c_out, c_in) at sigma."""
  total = jnp.sqrt(sigma**2 + sd**2)
  return (sd / total) ** 2, sigma * sd / total, 1 / total


def model(
  data,
  *,
  sd: float = 0.5,
  mean: float = -1.2,
  spread: float = 1.2,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """EDM of "image" or real "x" of standard deviation `sd`, images in [-1, 1].

  In training log sigma ~ N(mean, spread²), in sampling sigma goes from `high` to `low`. The
  network: `_network.py`; its `condition` is dropped with probability `drop`.
  """
  space = space_of(data, condition, drop)
  init, apply = network_functions(space, network)

  def denoise(params, state, x, level: NoiseLevel, c={}, key=None):
    """D of x / alpha at sigma / alpha."""
    x = x / align(level.alpha, x)
    sigma = level.sigma / level.alpha
    c_skip, c_out, c_in = (align(a, x) for a in preconditioning(sigma, sd))
    return c_skip * x + c_out * apply(params, c_in * x, jnp.log(sigma), c, key)

  def loss(params, state, batch, key, train):
    k_drop, k_sigma, k_eps, k_dropout = jax.random.split(key, 4)
    x0 = space.to_floats(batch)
    c = drop_condition(space.condition(batch, len(x0)), k_drop, drop if train else 0.0)
    sigma = jnp.exp(mean + spread * jax.random.normal(k_sigma, (len(x0),)))
    eps = jax.random.normal(k_eps, x0.shape)
    level = NoiseLevel(jnp.ones_like(sigma), sigma)
    weight = edm_weight(level, sd) / sigma**2
    predict = lambda x, level: denoise(params, state, x, level, c, k_dropout if train else None)
    return denoising_loss(predict, x0, eps, level, "x0", weight), ({}, {})

  path = lambda steps: schedules.edm(steps, low, high)
  density = {} if space.num_values else ode_density(space, denoise, low, high)
  return diffusion(space, init, loss, denoise, path, sampler="heun", steps=18, sd=sd, **density)
