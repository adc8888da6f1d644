"""Noise-conditional score networks (Song & Ermon 2019, arXiv:1907.05600; 2020, arXiv:2006.09011).

The gradient of log p leads from anywhere to data, by Langevin dynamics; but it is unknown where
there are no data, and modes that are apart do not mix. With noise, x = x_0 + sigma eps, p is smooth
and known everywhere. One network learns the scores of L levels of noise, sigma_1 > ... > sigma_L in
geometric progression, by denoising score matching:

  loss = sigma² / 2 |score(x, sigma) + eps / sigma|² / D,   sigma ~ U{sigma_1..sigma_L},  eps ~ N(0, I)

and a sample is taken through all of them, `repeats` steps at each, from the most noise to the
least:

  x <- x + d / 2 score(x, sigma) + sqrt(d) eps,   d = size sigma²

A last step to x + sigma_L² score removes the noise of sigma_L (arXiv:2009.05475), which the eye
hardly sees: without it NCSNv2 has an FID of 31.75 on CIFAR-10, with it 10.87. The deck (B, line
812) shows the former alone.

As in NCSNv2, score = -net / sigma. Departures: the network is told log sigma too, and sees x /
sqrt(1 + sigma²), of about unit variance; the least noise is more, in units of a step of gray, for
images of few levels.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._diffusion import diffusion, network as make, space, told
from genjax_zoo.models.diffusion._score import score_functions
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import ending_in_data, ve


def model(
  data,
  *,
  low: float = 0.01,
  high: float = 10.0,
  levels: int = 50,
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
  """An NCSN of "image" or real "x" with `levels` of noise from `high`, about the data's diameter,
  to `low`.

  `sample` takes `repeats` and `size` of `samplers.annealed_langevin`; its `steps` are levels. The
  network: see `_diffusion.network`. `conditional` on "label", left out with probability
  `drop_label`.
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
  init, score, denoise = score_functions(here, make(network, here.shape, hidden, **options))
  sigmas = ve(jnp.linspace(1.0, 0.0, levels), low, high)

  def loss(params, state, batch, key, train):
    k_label, k_level, k_eps, k_drop = jax.random.split(key, 4)
    x0, label = here.floats(batch), told(here, batch, k_label, drop_label if train else 0.0)
    level = sigmas.at(jax.random.randint(k_level, (len(x0),), 0, levels))
    eps = jax.random.normal(k_eps, x0.shape)
    predict = lambda x, level: score(params, x, level, label, k_drop if train else None)
    return denoising_loss(predict, x0, eps, level, "score", level.sigma**2 / 2), ({}, {})

  def path(steps):
    return ending_in_data(ve(jnp.linspace(1.0, 0.0, steps), low, high))

  return diffusion(here, init, loss, denoise, path, sampler="annealed_langevin", steps=levels)
