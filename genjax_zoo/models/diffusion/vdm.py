"""Variational diffusion (Kingma 2021, arXiv:2107.00630): the bound in continuous time.

Its noise schedule is learned.

gamma(t) = -log SNR rises from gamma(0) to gamma(1), z_t = alpha x_0 + sigma eps with alpha² =
sigmoid(-gamma), sigma² = sigmoid(gamma), and a network predicts eps_hat from z_t and gamma. With
ever more steps the bound in nats becomes

  bound = prior + reconstruction + diffusion >= -log p(x_0)
  prior = KL(q(z_1 | x_0) || N(0, I)),   reconstruction = -log p(x_0 | z_0)
  diffusion = E gamma'(t) / 2 |eps - eps_hat(z_t, gamma(t))|²,   t ~ U(0, 1), eps ~ N(0, I)

which depends on gamma's ends alone: they are learned as all else. gamma between them, low + (high -
low) s(t) with s a monotone network, changes only the variance of the estimate of `diffusion`, and
so learns to make it small: the gradient that reaches s is that of its square, all others are of the
bound itself. The t of a batch are evenly spaced.

The network's input has Fourier features of z, whose period is a few gray levels: the last bits of
an image are most of its likelihood. p(x_0 | z_0) of integers is the mass of N(z_0 / alpha, sigma² /
alpha²) in their gray levels.

Departures: that mass in place of a softmax of the densities at all gray levels; gamma(0) starts
where a gray level is 6 standard deviations wide, -13.3 for 256 of them as in the paper; `sample`
takes even steps in log SNR between the ends that training starts from; a U-Net by default.

Errata of the slides: docs/errata.md#vdm
"""

from collections.abc import Callable, Mapping
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.models.diffusion._space import Space, align, apply_network, space_of
from genjax_zoo.prob import processes
from genjax_zoo.prob.distributions import discretized_normal_log_prob, normal_log_prob
from genjax_zoo.prob.schedules import NoiseLevel, ending_in_data, log_snr_level

FEATURES = 256  # Of the monotone network.


class Monotone(nn.Module):
  """s(t) [B] of t [B], rising from s(0) = 0 to s(1) = 1: a line and rising sigmoids."""

  @nn.compact
  def __call__(self, t):
    def positive(name, scale):
      weights = self.param(name, nn.initializers.normal(1.0), (FEATURES,))
      return scale * nn.softplus(weights)[None]

    slope = positive("slope", 10.0)
    weight = positive("weight", 1 / FEATURES)
    centre = self.param("centre", lambda key, shape: jax.random.uniform(key, shape), (FEATURES,))
    centre = centre[None]
    f = lambda t: t + (weight * nn.sigmoid(slope * (t[:, None] - centre))).sum(-1)
    first, last = f(jnp.zeros(1)), f(jnp.ones(1))
    return (f(t) - first) / (last - first)


class Vdm(NamedTuple):
  """What the terms of the bound are computed with."""

  space: Space
  net: nn.Module
  schedule: Monotone

  def predict_eps(self, params, z, gamma, c={}, key=None):
    """eps_hat of z at gamma [] or [B]; the network predicts its difference from z."""
    return z + apply_network(self.net, params["net"], z, gamma / 2, c, key)


def least_noise(space: Space) -> float:
  """gamma(0) at the start: a gray level is then 6 standard deviations wide."""
  return -2 * math.log(3 * (space.num_values - 1)) if space.num_values else -13.3


def fourier_powers(space: Space) -> tuple[int, ...]:
  """The powers n of Fourier features 2^n pi z with periods of 8 and 4 gray levels."""
  if not space.num_values:
    return ()
  bits = round(math.log2(space.num_values))
  return bits - 2, bits - 1


def end_terms(vdm: Vdm, params, batch, key):
  """(reconstruction, prior), nats [B]."""
  space = vdm.space
  x0 = space.to_floats(batch)
  first, last = params["ends"]
  flat = lambda a: a.reshape(len(x0), -1)
  mean = flat(x0 + jnp.exp(first / 2) * jax.random.normal(key, x0.shape))
  if space.num_values:
    x = flat(batch[space.name])
    log_p = discretized_normal_log_prob(x, mean, first / 2, space.num_values)
  else:
    log_p = normal_log_prob(flat(x0), mean, first / 2)
  return -log_p.sum(-1), processes.prior_kl(x0, log_snr_level(-last))


def diffusion_term(vdm: Vdm, params, batch, t, c, key, train: bool = False):
  """diffusion at t [B], nats [B]; the schedule's gradient is that of its square over its mean."""
  k_eps, k_dropout = jax.random.split(key)
  x0 = vdm.space.to_floats(batch)
  eps = jax.random.normal(k_eps, x0.shape)
  schedule = lambda t: vdm.schedule.apply({"params": params["shape"]}, t)
  s, slope = jax.jvp(schedule, (t,), (jnp.ones_like(t),))

  def nats(params, s, slope):
    first, last = params["ends"]
    gamma = first + (last - first) * s
    z = processes.diffuse(x0, eps, log_snr_level(-gamma))
    error = eps - vdm.predict_eps(params, z, gamma, c, k_dropout if train else None)
    return (last - first) * slope / 2 * (error**2).reshape(len(x0), -1).sum(-1)

  return with_squared_gradient(nats)(params, s, slope)


def with_squared_gradient(f: Callable) -> Callable:
  """f(params, s, slope) [B], whose gradient in s and slope is that of f² over the mean of f.

  One backward pass serves both: d f² = 2 f df, and the value f weighs each example's pullback.
  """

  def forward(*args):
    value, pull = jax.vjp(f, *args)
    return value, (pull, 2 * value / value.mean())

  def backward(pull_weight, g):
    pull, weight = pull_weight
    to_params, to_s, to_slope = pull(g)
    return to_params, weight * to_s, weight * to_slope

  squared = jax.custom_vjp(f)
  squared.defvjp(forward, backward)
  return squared


def bound(vdm: Vdm, params, batch, c, key, k: int):
  """The bound of -log p, nats [B], by k values of t, one in each of k equal parts of (0, 1)."""
  n = len(batch[vdm.space.name])
  k_ends, key = jax.random.split(key)

  def one(i_key):
    i, key = i_key
    k_t, k_eps = jax.random.split(key)
    t = (i + jax.random.uniform(k_t, (n,))) / k
    return diffusion_term(vdm, params, batch, t, c, k_eps)

  nats = jax.lax.map(one, (jnp.arange(k), jax.random.split(key, k))).mean(0)
  return nats + sum(end_terms(vdm, params, batch, k_ends))


def model(
  data,
  *,
  low: float = 0.0,
  high: float = 5.0,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """A VDM of "image" or real "x"; gamma starts as a line from `low` to `high`.

  `low` = 0 is what suits the data. The network: `_network.py`, with Fourier features of the data's
  gray levels; its `condition` is dropped with probability `drop`.
  """
  space = space_of(data, condition, drop)
  low = low or least_noise(space)
  fields = space.condition_fields
  if network.get("fourier"):
    raise UserError("model.network.fourier: a VDM chooses its Fourier features by the gray levels")
  features = {"fourier": fourier_powers(space)}
  net = make_network({**network, **features}, space.shape, fields=fields, nulls=tuple(fields))
  vdm = Vdm(space, net, Monotone())

  def init(key, batch):
    k_net, k_shape = jax.random.split(key)
    n = len(batch[space.name])
    x, noise = jnp.zeros((n, *space.shape)), jnp.zeros(n)
    params = {
      "net": net.init(k_net, x, noise, space.condition({}, n))["params"],
      "shape": vdm.schedule.init(k_shape, jnp.zeros(1))["params"],
      "ends": jnp.array([low, high]),
    }
    return params, {}

  def loss(params, state, batch, key, train):
    k_drop, k_t, k_ends, key = jax.random.split(key, 4)
    n = len(batch[space.name])
    c = drop_condition(space.condition(batch, n), k_drop, drop if train else 0.0)
    t = (jax.random.uniform(k_t) + jnp.arange(n) / n) % 1
    nats = diffusion_term(vdm, params, batch, t, c, key, train)
    reconstruction, prior = end_terms(vdm, params, batch, k_ends)
    metrics = {"diffusion": nats, "reconstruction": reconstruction, "prior": prior}
    return nats + reconstruction + prior, ({}, metrics)

  def log_prob(params, state, batch, key, k=100):
    c = space.condition(batch, len(batch[space.name]))
    return -bound(vdm, params, batch, c, key, k)

  def denoise(params, state, x, level: NoiseLevel, c={}):
    """x0_hat, of x brought to alpha² + sigma² = 1."""
    total = jnp.hypot(level.alpha, level.sigma)
    z = x / align(total, x)
    level = NoiseLevel(level.alpha / total, level.sigma / total)
    eps_hat = vdm.predict_eps(params, z, -level.log_snr, c)
    return processes.split(eps_hat, z, level, "eps")[0]

  return diffusion(
    space,
    init,
    loss,
    denoise,
    lambda steps: ending_in_data(log_snr_level(-jnp.linspace(high, low, steps))),
    steps=250,
    log_prob=log_prob,
    likelihood={"bound": "lower_bound"},
  )
