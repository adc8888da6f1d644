"""Denoising diffusion (Ho 2020, arXiv:2006.11239).

The forward process q mixes data with noise, x_t = alpha_t x_0 + sigma_t eps, t = 0..T, until x_T is
N(0, I). A network predicts eps from x_t and its noise level (or x_0, or v: together with x_t each
gives the others). The reverse process starts at x_T ~ N(0, I) and goes back step by step,

  p(x_s | x_t) = N(mean of q(x_s | x_t, x0_hat), var I),  s = t - 1

with var one of the two of `prob.processes.posterior`, "small" or "large". Training minimises

  simple = |eps - eps_hat|² / D,   t ~ U{1..T},  eps ~ N(0, I)

or the same of x_0, v or velocity, if the network predicts those, and of eps for a score
(Algorithm 1: `simple_loss`; the paper's L_simple is D times this). It is the bound of -log p(x_0)
without its weights, which gives better samples. The bound itself, in nats, is a sum of T terms and
a constant (`bound`):

  term_t = KL(q(x_s | x_t, x_0) || p(x_s | x_t))  for t >= 2,   term_1 = -log p(x_0 | x_1)
  bound  = sum_t term_t + KL(q(x_T | x_0) || N(0, I)) >= -log p(x_0)

where p(x_0 | x_1) of integers is the mass of a Gaussian in their gray levels. Sampling, Algorithm
2, is `prob.samplers.ancestral`; DDIM and the others there are samplers of the same model. A
condition is dropped now and then in training, which enables classifier-free guidance (Ho & Salimans
2022, arXiv:2207.12598). What Nichol & Dhariwal changed is in improved_ddpm.py.

x0_hat of images is clipped in the bound as in sampling. Unclipped, the cosine schedule's last step
would ruin the bound of a network that predicts eps: there the signal-to-noise ratio falls by a
factor of 1000, and the weight of |eps - eps_hat|² is 500.

Departures: the network's input is log(sigma / alpha), not t, so that it serves the levels of any
sampler; scale-and-shift group norm.

Errata of the slides: docs/errata.md#ddpm
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._space import (
  Space,
  check_choices,
  network_functions,
  space_of,
)
from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.distributions import discretized_normal_log_prob, normal_log_prob
from genjax_zoo.prob.divergences import kl_normal
from genjax_zoo.prob.schedules import NoiseLevel

PREDICTIONS = tuple(processes.SPLITS)


class Chain(NamedTuple):
  """A Markov chain of noise and the variances of its reverse."""

  space: Space
  levels: NoiseLevel  # [T + 1], from data at 0 to noise.
  variance: str  # Of p(x_s | x_t): "small", "large", or "learned" between the two.

  @property
  def T(self) -> int:
    return len(self.levels.sigma) - 1


def simple_loss(predict: Callable, x0, t, eps, chain: Chain, kind: str):
  """L_simple / D, [B]: Algorithm 1, of x_0 [B, ...] at integers t [B] with the noise eps.

  predict(x_t, level) -> (x0_hat, eps_hat, v), v the learned share of the variance or None. `kind`
  is what is compared: "eps", "x0", "v" or "velocity".
  """
  level = chain.levels.at(t)
  x_t = processes.diffuse(x0, eps, level)
  x0_hat, eps_hat, _ = predict(x_t, level)
  predicted = processes.target(x0_hat, eps_hat, level, kind)  # Of "eps": eps_hat itself.
  error = processes.target(x0, eps, level, kind) - predicted
  return (error**2).reshape(len(x0), -1).sum(-1) / chain.space.dim


def bound_term(predict: Callable, batch, t, eps, chain: Chain, clip: bool = True):
  """term_t of the bound, nats [B], at integers t [B] with the noise eps.

  `predict` as in `simple_loss`. With `clip` x0_hat of images is clipped, as in sampling.
  """
  space = chain.space
  x0 = space.to_floats(batch)
  s, level = chain.levels.at(t - 1), chain.levels.at(t)
  x_t = processes.diffuse(x0, eps, level)
  x0_hat, _, v = predict(x_t, level)
  if space.num_values and clip:
    x0_hat = jnp.clip(x0_hat, -1, 1)
  mean, small, large = processes.posterior(x0, x_t, s, level)
  mean_hat, _, _ = processes.posterior(x0_hat, x_t, s, level)
  log_var_hat = reverse_log_variance(chain, small, large, v)
  # At t = 1, whose term is no KL, the posterior's variance is 0.
  log_var = jnp.log(jnp.where(small > 0, small, 1.0))
  flat = lambda a: jnp.broadcast_to(a, x0.shape).reshape(len(x0), -1)
  kl = kl_normal(flat(mean), flat(log_var), flat(mean_hat), flat(log_var_hat))
  log_p = log_likelihood(space, batch, flat(mean_hat), flat(log_var_hat / 2))
  return jnp.where(t == 1, -log_p, kl)


def log_likelihood(space: Space, batch, mean, log_sd):
  """log N(x_0; mean, sd²), nats [B]; of gray levels the mass that it gives them. mean is [B, D]."""
  flat = lambda a: a.reshape(len(mean), -1)
  if space.num_values:
    x = flat(batch[space.name])
    return discretized_normal_log_prob(x, mean, log_sd, space.num_values).sum(-1)
  return normal_log_prob(flat(space.to_floats(batch)), mean, log_sd).sum(-1)


def reverse_log_variance(chain: Chain, small, large, v=None):
  """log var of p(x_s | x_t), for the variances of the posterior, which broadcast to x.

  v in [0, 1], of the shape of x, is the learned share of the larger one:

  var = large^v small^(1 - v) (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 15).
  """
  # At t = 1 `small` is 0, and that of t = 2 stands in for it, as there; unless T is 1.
  least = large
  if chain.T > 1:
    _, second, _ = processes.posterior(0.0, 0.0, chain.levels.at(1), chain.levels.at(2))
    least = jnp.minimum(second, large)
  log_small = jnp.log(jnp.where(small > 0, small, least))
  log_large = jnp.log(large)
  if chain.variance == "learned":
    return v * log_large + (1 - v) * log_small
  return {"small": log_small, "large": log_large}[chain.variance]


def bound(predict: Callable, batch, chain: Chain, key, k: int = 100):
  """The bound of -log p(x_0), nats [B]: its first term and k of the others.

  One t is drawn in each of k equal parts of 2..T, so that the expectation is the bound for any k.
  Raises UserError for k below 1.
  """
  if k < 1:
    raise UserError(f"evaluate.log_prob.k={k}: the bound needs 1 or more")
  x0, T = chain.space.to_floats(batch), chain.T
  n = len(x0)
  k_first, key = jax.random.split(key)
  k = min(k, T - 1)

  def noise(key):
    k_eps, _ = jax.random.split(key)
    return jax.random.normal(k_eps, x0.shape)

  def one(i_key):
    i, key = i_key
    k_t, key = jax.random.split(key)
    u = (i + jax.random.uniform(k_t, (n,))) / k
    t = jnp.minimum(2 + jnp.floor(u * (T - 1)), T).astype(jnp.int32)
    return bound_term(predict, batch, t, noise(key), chain)

  others = 0.0  # Where T is 1 there are none.
  if k:
    terms = jax.lax.map(one, (jnp.arange(k), jax.random.split(key, k)))
    others = terms.mean(0) * (T - 1)
  first = bound_term(predict, batch, jnp.ones(n, jnp.int32), noise(k_first), chain)
  return first + others + processes.prior_kl(x0, chain.levels.at(T))


def model(
  data,
  *,
  T: int = 1000,
  schedule: str = "linear",
  prediction: str = "eps",
  variance: str = "small",
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """Diffusion of "image", or of real "x", in T steps.

  `schedule` is "linear", "quadratic" or "cosine". The network (`_network.py`) predicts "eps", "x0",
  "v", "score" or "velocity", under a `condition` that is dropped with probability `drop`.
  `variance` is "small" or "large".
  """
  check_choices(
    model__schedule=(schedule, schedules.DISCRETE),
    model__prediction=(prediction, PREDICTIONS),
    model__variance=(variance, ("small", "large")),
  )
  space = space_of(data, condition, drop)
  chain = Chain(space, getattr(schedules, schedule)(T), variance)
  init, apply = network_functions(space, network)
  # The error of a score is that of eps over sigma: low noise levels would outweigh the others.
  kind = "eps" if prediction == "score" else prediction

  def predictor(params, c, key=None):
    """(x, level) -> (x0_hat, eps_hat, None); `key` is that of dropout in training."""

    def predict(x, level):
      value = apply(params, x, -level.log_snr / 2, c, key)
      return *processes.split(value, x, level, prediction), None

    return predict

  def loss(params, state, batch, key, train):
    k_drop, k_t, key = jax.random.split(key, 3)
    k_eps, k_dropout = jax.random.split(key)
    x0 = space.to_floats(batch)
    c = drop_condition(space.condition(batch, len(x0)), k_drop, drop if train else 0.0)
    t = jax.random.randint(k_t, (len(x0),), 1, T + 1)
    eps = jax.random.normal(k_eps, x0.shape)
    predict = predictor(params, c, k_dropout if train else None)
    return simple_loss(predict, x0, t, eps, chain, kind), ({}, {})

  def log_prob(params, state, batch, key, k=100):
    c = space.condition(batch, len(batch[space.name]))
    return -bound(predictor(params, c), batch, chain, key, k)

  def denoise(params, state, x, level, c={}):
    return predictor(params, c)(x, level)[0]

  return diffusion(
    space,
    init,
    loss,
    denoise,
    lambda steps: schedules.respaced(chain.levels, steps),
    steps=T,
    most=T,
    variance=variance,
    log_prob=log_prob,
    likelihood={"bound": "lower_bound"},
  )
