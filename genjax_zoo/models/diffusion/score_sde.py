"""Score-based models through stochastic differential equations (Song 2020, arXiv:2011.13456).

Data are taken to noise by dx = f(t) x dt + g(t) dw, t from 0 to 1, so that x_t = alpha x_0 + sigma
eps: a chain of infinitely many noise levels. Time runs backwards by the reverse SDE, or along the
probability-flow ODE with the same marginal distributions,

  dx = (f x - g² score) dt + g dw     or     dx = (f x - g² score / 2) dt

and all that they need is the score, grad_x log p(x_t), which denoising score matching learns
(equation 7):

  loss = sigma² |score(x_t, t) + eps / sigma|² / D,   t ~ U(FIRST, 1),  eps ~ N(0, I)

`sde` is the variance-preserving "vp", "sub_vp" or the variance-exploding "ve". The ODE gives log p
of x (`prob.likelihood`), and takes data to latents and back.

Departures: the network predicts -eps_hat = sigma score from x / sqrt(alpha² + sigma²) and
log(sigma / alpha): what it learns holds for the levels of any other process. The corrector has a
step of fixed size.

Errata of the slides: docs/errata.md#score_sde
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion, ode_density
from genjax_zoo.models.diffusion._space import check_choices, score_functions, space_of
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import ending_in_data

SDES = {"vp": schedules.vp, "sub_vp": schedules.sub_vp, "ve": schedules.ve}
# The least t of training and of sampling (appendix C); at 0 the score has no bound.
FIRST_TRAINED, FIRST_SAMPLED = 1e-5, 1e-3


def model(
  data,
  *,
  sde: str = "vp",
  low: float = 0.0,
  high: float = 0.0,
  dequantize: bool = False,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """A score model of "image" or real "x", for the `sde` "vp", "sub_vp" or "ve".

  `low` and `high` are the ends of beta ("vp", "sub_vp") or of sigma ("ve"), 0 for the paper's.
  Integers have a likelihood where they are trained with uniform dequantization, `dequantize`, which
  costs some quality. The network: `_network.py`; its `condition` is dropped with probability
  `drop`.
  """
  check_choices(model__sde=(sde, tuple(SDES)))
  space = space_of(data, condition, drop)
  init, score, denoise = score_functions(space, network)
  ends = {name: end for name, end in (("low", low), ("high", high)) if end}
  process = lambda t: SDES[sde](t, **ends)

  def loss(params, state, batch, key, train):
    k_drop, k_t, k_dequantize, k_eps, k_dropout = jax.random.split(key, 5)
    x0 = space.dequantized(batch, k_dequantize) if dequantize else space.to_floats(batch)
    c = drop_condition(space.condition(batch, len(x0)), k_drop, drop if train else 0.0)
    t = jax.random.uniform(k_t, (len(x0),), minval=FIRST_TRAINED, maxval=1.0)
    level = process(t)
    eps = jax.random.normal(k_eps, x0.shape)
    predict = lambda x, level: score(params, x, level, c, k_dropout if train else None)
    return denoising_loss(predict, x0, eps, level, "score", level.sigma**2), ({}, {})

  def path(steps):
    return ending_in_data(process(jnp.linspace(1.0, FIRST_SAMPLED, steps)))

  density = {}
  if dequantize or not space.num_values:
    most, least = process(jnp.asarray(1.0)), process(jnp.asarray(FIRST_SAMPLED))
    ratio = lambda level: float(level.sigma / level.alpha)
    density = ode_density(space, denoise, ratio(least), ratio(most))
  return diffusion(
    space, init, loss, denoise, path, sampler="predictor_corrector", steps=200, **density
  )
