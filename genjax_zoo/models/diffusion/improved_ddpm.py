"""Improved denoising diffusion (Nichol & Dhariwal 2021, arXiv:2102.09672).

The same chain as ddpm.py, with three changes. The variance of p(x_s | x_t) is learned, between the
two of the posterior, by a second output v of the network for every number of x:

  var = large^v small^(1 - v)

which matters for the likelihood, and for samples of few steps. It is trained by the bound, which
does not see it in the simple loss; the mean is trained by the latter alone,

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


def hybrid_loss(predict, batch, chain: Chain, kind: str, k_t, k_eps, clip: bool):
  """L_hybrid, [B]: L_simple of the mean and the bound of the variance (equation 16)."""
  x0 = chain.space.to_floats(batch)
  t = jax.random.randint(k_t, (len(x0),), 1, chain.T + 1)
  level = chain.levels.at(t)
  x_t = processes.diffuse(x0, jax.random.normal(k_eps, x0.shape), level)
  predicted = predict(x_t, level)  # Once for both: they diffuse x_0 to this very x_t.
  once = lambda x, level: predicted
  nats = bound_term(hold_mean(once), batch, t, chain, k_eps, clip)
  simple = simple_loss(once, x0, chain, kind, k_t, k_eps)
  return simple + WEIGHT * chain.T * nats / chain.space.dim


def bound_loss(predict, batch, chain: Chain, square, k_t, k_eps, clip: bool):
  """(one draw of the bound, nats [B], by importance sampling of t; the terms' new mean squares)."""
  n = len(batch[chain.space.name])
  p = importance(square)
  t = jax.random.categorical(k_t, jnp.log(p), shape=(n,)) + 1
  nats = bound_term(predict, batch, t, chain, k_eps, clip)
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
  space = space_of(data, condition)
  chain = Chain(space, getattr(schedules, schedule)(T), variance)
  net_init, apply = network_functions(space, network, outputs=2 if learned else 1)
  kind = "eps" if prediction == "score" else prediction  # An error of the score is one of eps.

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
    c = space.condition(batch, len(batch[space.name]))
    c = drop_condition(c, k_drop, drop if train else 0.0)
    f = predictor(params, c, k_dropout if train else None)
    if objective == "hybrid":
      return hybrid_loss(f, batch, chain, kind, k_t, k_eps, clip=not train), ({}, {})
    nats, square = bound_loss(f, batch, chain, state["square"], k_t, k_eps, clip=not train)
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
