"""Noise-conditional score networks (Song & Ermon 2019, arXiv:1907.05600; 2020, arXiv:2006.09011).

The gradient of log p leads from anywhere to data, by Langevin dynamics; but it is unknown where
there are no data, and modes that are apart do not mix. With noise, x = x_0 + sigma eps, p is smooth
and known everywhere. One network learns the scores at L noise levels, sigma_1 > ... > sigma_L in
geometric progression, by denoising score matching:

  loss = sigma² / 2 |score(x, sigma) + eps / sigma|² / D,
  sigma ~ U{sigma_1..sigma_L},  eps ~ N(0, I)

and a sample goes through all of them, `repeats` steps at each, from the most noise to the least:

  x <- x + d / 2 score(x, sigma) + sqrt(d) eps,   d = size sigma²

A last step to x + sigma_L² score removes the noise of sigma_L (arXiv:2009.05475), which the eye
hardly notices: without it NCSNv2 has an FID of 31.75 on CIFAR-10, with it 10.87.

As in NCSNv2, score = -net / sigma. Departures: log sigma is an input of the network too, beside
x / sqrt(1 + sigma²), of about unit variance; the least noise is more, in units of a gray level, for
images of few gray levels.

Errata of the slides: docs/errata.md#ncsn
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._space import score_functions, space_of
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import ending_in_data, ve


def model(
  data,
  *,
  low: float = 0.01,
  high: float = 10.0,
  noise_levels: int = 50,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """An NCSN of "image" or real "x" with `noise_levels` from `high` to `low`.

  `high` is about the data's diameter. `sample` takes `repeats` and `size` of
  `samplers.annealed_langevin`; its `steps` are noise levels. The network: `_network.py`; its
  `condition` is dropped with probability `drop`.
  """
  space = space_of(data, condition, drop)
  init, score, denoise = score_functions(space, network)

  def levels(count):
    return ve(jnp.linspace(1.0, 0.0, count), low, high)

  trained = levels(noise_levels)

  def loss(params, state, batch, key, train):
    k_drop, k_level, k_eps, k_dropout = jax.random.split(key, 4)
    x0 = space.to_floats(batch)
    c = drop_condition(space.condition(batch, len(x0)), k_drop, drop if train else 0.0)
    level = trained.at(jax.random.randint(k_level, (len(x0),), 0, noise_levels))
    eps = jax.random.normal(k_eps, x0.shape)
    predict = lambda x, level: score(params, x, level, c, k_dropout if train else None)
    return denoising_loss(predict, x0, eps, level, "score", level.sigma**2 / 2), ({}, {})

  return diffusion(
    space,
    init,
    loss,
    denoise,
    lambda steps: ending_in_data(levels(steps)),
    sampler="annealed_langevin",
    steps=noise_levels,
  )
