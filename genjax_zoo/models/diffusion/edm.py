"""Elucidated diffusion (Karras 2022, arXiv:2206.00364): the choices of diffusion models, made one
by one.

Noise is added to data without scaling them, x = x_0 + sigma eps, and a denoiser D is what all else
needs. Its network F has inputs and targets of unit variance at every sigma, by `preconditioning`
with sd, the data's standard deviation:

  D(x, sigma) = c_skip x + c_out F(c_in x, c_noise)
  c_skip = sd² / (sigma² + sd²),  c_out = sigma sd / sqrt(sigma² + sd²),  c_in = 1 / sqrt(sigma² + sd²)

  loss = weight |D(x_0 + sigma eps, sigma) - x_0|² / D,   log sigma ~ N(mean, spread²),
  weight = (sigma² + sd²) / (sigma sd)² = 1 / c_out²

so that a network of zeros has loss 1 at every sigma. Samples follow the ODE by Heun's rule, at
levels that are closer the less noise there is (`schedules.edm`): 18 steps, 35 evaluations.

Departures: c_noise is log sigma, not a quarter of it (the network scales it itself); no
augmentation, and no churn: noise on the way is what other samplers have. Real data have log p, by
the ODE.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._diffusion import (
  column,
  diffusion,
  functions,
  network as make,
  ode,
  space,
  told,
)
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
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  conditional: bool = False,
  drop_label: float = 0.1,
  dtype: str = "float32",
) -> Model:
  """EDM of "image" or real "x" of standard deviation `sd`, images in [-1, 1]; noise for sampling
  from `low` to `high`.

  log sigma ~ N(mean, spread²) in training. The network: see `_diffusion.network`. `conditional` on
  "label", left out with probability `drop_label`.
  """
  here = space(data, conditional)
  options = dict(
    classes=here.classes,
    blocks=blocks,
    attention=attention,
    patch=patch,
    dropout=dropout,
    dtype=dtype,
  )
  init, apply = functions(here, make(network, here.shape, hidden, **options))

  def denoise(params, state, x, level: NoiseLevel, label, key=None):
    """D of x / alpha at sigma / alpha."""
    x, sigma = x / column(level.alpha, x), level.sigma / level.alpha
    c_skip, c_out, c_in = (column(c, x) for c in preconditioning(sigma, sd))
    return c_skip * x + c_out * apply(params, c_in * x, jnp.log(sigma), label, key)

  def loss(params, state, batch, key, train):
    k_label, k_sigma, k_eps, k_drop = jax.random.split(key, 4)
    x0, label = here.floats(batch), told(here, batch, k_label, drop_label if train else 0.0)
    sigma, eps = (
      jnp.exp(mean + spread * jax.random.normal(k_sigma, (len(x0),))),
      jax.random.normal(k_eps, x0.shape),
    )
    level = NoiseLevel(jnp.ones_like(sigma), sigma)
    predict = lambda x, level: denoise(params, state, x, level, label, k_drop if train else None)
    return denoising_loss(predict, x0, eps, level, "x0", edm_weight(level, sd) / sigma**2), ({}, {})

  path = lambda steps: schedules.edm(steps, low, high)
  density = {} if here.num_values else ode(here, denoise, low, high)
  return diffusion(here, init, loss, denoise, path, sampler="heun", steps=18, **density)
