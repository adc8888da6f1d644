"""Improved denoising diffusion (Nichol & Dhariwal 2021, arXiv:2102.09672).

The same chain as ddpm.py, with three changes. The variance of p(x_s | x_t) is learned, between the
two of the posterior, by a second output v of the network for every number of x:

  var = large^v small^(1 - v)

which matters for the likelihood, and for samples of few steps. The simple loss does not depend on
v, so v is trained by the bound; the mean is trained by the simple loss alone,

  hybrid = simple + 0.001 bound / D,   where the gradient of the bound reaches v alone

or all is trained by the bound, "bound", whose terms differ by orders of magnitude: t is then drawn
with probability p_t ~ sqrt(E term_t²), a running mean held in `state`, and term_t divided by p_t.

Departures: a running mean in place of the last 10 values of each term; those of ddpm.py.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._space import check_choices, network_functions, space_of
from genjax_zoo.models.diffusion.ddpm import PREDICTIONS, Chain, bound, bound_term, simple_loss
from genjax_zoo.prob import processes, schedules

RATE = 0.1  # Of the running means of the terms' squares.
UNIFORM = 0.001  # The share of t that is drawn uniformly, so that no term is forgotten.
WEIGHT = 0.001  # Of the bound in the hybrid loss.


def importance(square):
  """p_t [T] ~ the root of the terms' mean squares [T]; a share is uniform (equation 18)."""
  p = jnp.sqrt(square)
  return (1 - UNIFORM) * p / p.sum() + UNIFORM / len(p)


def running_mean(mean, index, value):
  """`mean` [T], moved by RATE towards the average of value [B] at each index [B] that occurs."""
  total = jnp.zeros_like(mean).at[index].add(value)
  count = jnp.zeros_like(mean).at[index].add(1)
  return jnp.where(count > 0, (1 - RATE) * mean + RATE * total / jnp.maximum(count, 1), mean)


def hold_mean(predict):
  """`predict` without gradient to the mean: the bound then trains the variance alone."""

  def held(x, level):
    x0_hat, eps_hat, v = predict(x, level)
    return jax.lax.stop_gradient(x0_hat), eps_hat, v

  return held


def hybrid_loss(predict, batch, t, eps, chain: Chain, kind: str, clip: bool):
  """L_hybrid, [B]: L_simple of the mean and the bound of the variance (equation 16)."""
  x0 = chain.space.to_floats(batch)
  level = chain.levels.at(t)
  predicted = predict(processes.diffuse(x0, eps, level), level)
  once = lambda x_t, level: predicted  # Both terms have this x_t.
  nats = bound_term(hold_mean(once), batch, t, eps, chain, clip)
  return simple_loss(once, x0, t, eps, chain, kind) + WEIGHT * chain.T * nats / chain.space.dim


def bound_loss(predict, batch, eps, chain: Chain, square, k_t, clip: bool):
  """(one draw of the bound, nats [B], by importance sampling of t; the terms' new mean squares)."""
  p = importance(square)
  t = jax.random.categorical(k_t, jnp.log(p), shape=(len(eps),)) + 1
  nats = bound_term(predict, batch, t, eps, chain, clip)
  squares = jax.lax.stop_gradient(nats / chain.space.dim) ** 2
  prior = processes.prior_kl(chain.space.to_floats(batch), chain.levels.at(chain.T))
  return nats / p[t - 1] + prior, running_mean(square, t - 1, squares)


def model(
  data,
  *,
  T: int = 1000,
  schedule: str = "cosine",
  prediction: str = "eps",
  objective: str = "hybrid",
  variance: str = "learned",
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """Diffusion of "image", or of real "x", trained by the `objective` "hybrid" or "bound".

  `variance` is "learned", "small" or "large"; the other arguments are those of ddpm.py. Raises
  UserError for "hybrid" without a variance to learn.
  """
  check_choices(
    model__schedule=(schedule, schedules.DISCRETE),
    model__prediction=(prediction, PREDICTIONS),
    model__objective=(objective, ("hybrid", "bound")),
    model__variance=(variance, ("small", "large", "learned")),
  )
  learned = variance == "learned"
  if objective == "hybrid" and not learned:
    raise UserError("model.objective='hybrid' trains the variance: set model.variance='learned'")
  space = space_of(data, condition, drop)
  chain = Chain(space, getattr(schedules, schedule)(T), variance)
  net_init, apply = network_functions(space, network, outputs=2 if learned else 1)
  # The error of a score is that of eps over sigma: low noise levels would outweigh the others.
  kind = "eps" if prediction == "score" else prediction

  def init(key, batch):
    params, _ = net_init(key, batch)
    return params, {"square": jnp.ones(T)} if objective == "bound" else {}

  def predictor(params, c, key=None):
    """(x, level) -> (x0_hat, eps_hat, v), v in [0, 1] or None."""

    def predict(x, level):
      out = apply(params, x, -level.log_snr / 2, c, key)
      value, v = jnp.split(out, 2, -1) if learned else (out, None)
      return *processes.split(value, x, level, prediction), (v + 1) / 2 if learned else None

    return predict

  def loss(params, state, batch, key, train):
    k_drop, k_t, key = jax.random.split(key, 3)
    k_eps, k_dropout = jax.random.split(key)
    n = len(batch[space.name])
    c = drop_condition(space.condition(batch, n), k_drop, drop if train else 0.0)
    eps = jax.random.normal(k_eps, (n, *space.shape))
    predict = predictor(params, c, k_dropout if train else None)
    if objective == "hybrid":
      t = jax.random.randint(k_t, (n,), 1, T + 1)
      return hybrid_loss(predict, batch, t, eps, chain, kind, clip=not train), ({}, {})
    nats, square = bound_loss(predict, batch, eps, chain, state["square"], k_t, clip=not train)
    return nats, ({"square": square}, {})

  def log_prob(params, state, batch, key, k=100):
    c = space.condition(batch, len(batch[space.name]))
    return -bound(predictor(params, c), batch, chain, key, k)

  def denoise(params, state, x, level, c={}):
    return predictor(params, c)(x, level)[0]

  def share(params, state, x, level, c={}):
    return predictor(params, c)(x, level)[2]

  return diffusion(
    space,
    init,
    loss,
    denoise,
    lambda steps: schedules.respaced(chain.levels, steps),
    steps=T,
    most=T,
    variance=share if learned else variance,
    log_prob=log_prob,
    likelihood={"bound": "lower_bound"},
  )
