"""Score-based models through stochastic differential equations (Song 2020, arXiv:2011.13456).

Data are taken to noise by dx = f(t) x dt + g(t) dw, t from 0 to 1, so that x_t = alpha x_0 + sigma
eps: a chain of infinitely many levels. Time runs backwards by the reverse SDE, or along the
probability-flow ODE with the same laws,

  dx = (f x - g² score) dt + g dw     or     dx = (f x - g² score / 2) dt,   score = grad_x log p(x_t)

and all that they need is the score, which denoising score matching learns (equation 7):

  loss = weight |score(x_t, t) + eps / sigma|² / D,   t ~ U(FIRST, 1),  eps ~ N(0, I)
  weight = sigma²  ("simple"), or g² ("likelihood": half of loss D is then what bounds -log p; 2101.09258)

`sde` is the variance-preserving "vp", "sub_vp" or the variance-exploding "ve". The ODE gives log p
of x (`prob.likelihood`), and takes data to latents and back.

Departures: the network says -eps_hat = sigma score, sees x over sqrt(alpha² + sigma²) and is told
log(sigma / alpha): what it knows holds for the levels of any other process. The corrector has a
step of fixed size. The decks (C, line 553) take DDPM for another name of this: the parameterisation
is another, and the weights.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._diffusion import (
  check,
  diffusion,
  filled,
  network as make,
  ode,
  space,
  told,
)
from genjax_zoo.models.diffusion._score import score_functions
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import ending_in_data

SDES = {"vp": schedules.vp, "sub_vp": schedules.sub_vp, "ve": schedules.ve}
# The least t of training and of sampling (appendix C); at 0 the score has no bound.
FIRST = 1e-5, 1e-3


def squared_diffusion(sde, t):
  """g² of dx = f x dt + g dw at t [B]: from alpha' = f alpha and (sigma²)' = 2 f sigma² + g²."""
  level, rate = jax.jvp(sde, (t,), (jnp.ones_like(t),))
  return 2 * level.sigma * rate.sigma - 2 * rate.alpha / level.alpha * level.sigma**2


def model(
  data,
  *,
  sde: str = "vp",
  low: float = 0.0,
  high: float = 0.0,
  weighting: str = "simple",
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  conditional: bool = False,
  drop_label: float = 0.1,
  dequantize: bool = False,
  dtype: str = "float32",
) -> Model:
  """A score model of "image" or real "x", for the `sde` "vp", "sub_vp" or "ve", `weighting`
  "simple" or "likelihood".

  `low` and `high` are the ends of beta ("vp", "sub_vp") or of sigma ("ve"), 0 for the paper's. The
  network: see `_diffusion.network`. `conditional` on "label", left out with probability
  `drop_label`. Integers have a likelihood where training fills their cells with noise,
  `dequantize`, which costs some quality.
  """
  check(
    **{"model.sde": (sde, tuple(SDES)), "model.weighting": (weighting, ("simple", "likelihood"))}
  )
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
  ends = {k: v for k, v in (("low", low), ("high", high)) if v}
  process = lambda t: SDES[sde](t, **ends)

  def loss(params, state, batch, key, train):
    k_label, k_t, k_fill, k_eps, k_drop = jax.random.split(key, 5)
    x0 = filled(here, batch, k_fill) if dequantize else here.floats(batch)
    label = told(here, batch, k_label, drop_label if train else 0.0)
    t = jax.random.uniform(k_t, (len(x0),), minval=FIRST[0], maxval=1.0)
    level, eps = process(t), jax.random.normal(k_eps, x0.shape)
    weight = level.sigma**2 if weighting == "simple" else squared_diffusion(process, t)
    predict = lambda x, level: score(params, x, level, label, k_drop if train else None)
    return denoising_loss(predict, x0, eps, level, "score", weight), ({}, {})

  def path(steps):
    return ending_in_data(process(jnp.linspace(1.0, FIRST[1], steps)))

  last, first = (
    float(level.sigma / level.alpha) for level in map(process, map(jnp.asarray, (1.0, FIRST[1])))
  )
  density = ode(here, denoise, first, last) if dequantize or not here.num_values else {}
  return diffusion(
    here, init, loss, denoise, path, sampler="predictor_corrector", steps=200, **density
  )
