"""Variational diffusion (Kingma 2021, arXiv:2107.00630): the bound in continuous time, and a
schedule that is learned.

gamma(t) = -log SNR rises from gamma(0) to gamma(1), z_t = alpha x_0 + sigma eps with alpha² =
sigmoid(-gamma), sigma² = sigmoid(gamma), and a network tells eps_hat from z_t and gamma. With ever
more steps the bound in nats becomes

  bound = prior + reconstruction + diffusion >= -log p(x_0)
  prior = KL(q(z_1 | x_0) || N(0, I)),   reconstruction = -log p(x_0 | z_0)
  diffusion = E gamma'(t) / 2 |eps - eps_hat(z_t, gamma(t))|²,   t ~ U(0, 1), eps ~ N(0, I)

which depends on gamma's ends alone: they are learned as all else. gamma between them, low + (high -
low) s(t) with s a monotone network, changes only the variance of the estimate of `diffusion`, and
so learns to make it small: the gradient that reaches s is that of its square, all others are of the
bound itself. The t of a batch are spread evenly.

The network sees sin and cos of 2^n pi z besides z, whose period is a few steps of gray: the last
bits of an image are most of its likelihood. p(x_0 | z_0) of integers is the mass of N(z_0 / alpha,
sigma² / alpha²) in their cells.

Departures: that mass in place of a softmax of the densities at all levels; gamma(0) starts where a
gray level is 6 standard deviations wide, -13.3 for 256 of them as in the paper; `sample` takes even
steps in log SNR between the ends that training starts from; a U-Net by default. The deck (C, line
628) has the discrete bound alone.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._diffusion import column, diffusion, network as make, space, told
from genjax_zoo.prob import processes
from genjax_zoo.prob.distributions import discretized_normal_log_prob, normal_log_prob
from genjax_zoo.prob.schedules import NoiseLevel, ending_in_data, log_snr_level

FEATURES = 256  # Of the monotone network.


class Monotone(nn.Module):
  """s(t) [B] of t [B], rising from s(0) = 0 to s(1) = 1: a line and sigmoids that rise, all weights
  positive.
  """

  @nn.compact
  def __call__(self, t):
    positive = lambda name, scale: (
      scale * nn.softplus(self.param(name, nn.initializers.normal(1.0), (FEATURES,)))[None]
    )
    slope, weight = positive("slope", 10.0), positive("weight", 1 / FEATURES)
    centre = self.param("centre", lambda key, shape: jax.random.uniform(key, shape), (FEATURES,))[
      None
    ]
    f = lambda t: t + (weight * nn.sigmoid(slope * (t[:, None] - centre))).sum(-1)
    first, last = f(jnp.zeros(1)), f(jnp.ones(1))
    return (f(t) - first) / (last - first)


def model(
  data,
  *,
  low: float = 0.0,
  high: float = 5.0,
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
  """A VDM of "image" or real "x"; gamma starts as a line from `low`, 0 for what suits the data, to
  `high`.

  The network: see `_diffusion.network`. `conditional` on "label", left out with probability
  `drop_label`.
  """
  here = space(data, conditional)
  low = low or (-2 * math.log(3 * (here.num_values - 1)) if here.num_values else -13.3)
  octaves = (
    (round(math.log2(here.num_values)) - 2, round(math.log2(here.num_values)) - 1)
    if here.num_values
    else ()
  )
  options = dict(
    classes=here.classes,
    blocks=blocks,
    attention=attention,
    patch=patch,
    dropout=dropout,
    octaves=octaves,
    dtype=dtype,
  )
  net, shape = make(network, here.shape, hidden, **options), Monotone()

  def init(key, batch):
    k_net, k_shape = jax.random.split(key)
    n = len(batch[here.name])
    label = jnp.zeros(n, jnp.int32) if here.classes else None
    params = {
      "net": net.init(k_net, jnp.zeros((n, *here.shape)), jnp.zeros(n), label)["params"],
      "shape": shape.init(k_shape, jnp.zeros(1))["params"],
      "ends": jnp.array([low, high]),
    }
    return params, {}

  def noise(params, x, gamma, label, key=None):
    """eps_hat of z_t = x at gamma [] or [B]; the network tells its difference from z_t."""
    rngs = {"dropout": key} if key is not None else {}
    told_of = jnp.broadcast_to(gamma / 2, len(x)), label
    return x + net.apply({"params": params["net"]}, x, *told_of, train=key is not None, rngs=rngs)

  def ends(params, batch, key):
    """(reconstruction, prior), nats [B]."""
    x0, (first, last) = here.floats(batch), params["ends"]
    flat = lambda a: a.reshape(len(x0), -1)
    mean = flat(x0 + jnp.exp(first / 2) * jax.random.normal(key, x0.shape))
    if here.num_values:
      log_p = discretized_normal_log_prob(flat(batch[here.name]), mean, first / 2, here.num_values)
    else:
      log_p = normal_log_prob(flat(x0), mean, first / 2)
    return -log_p.sum(-1), processes.prior_kl(x0, log_snr_level(-last))

  def between(params, batch, t, label, key, train=False):
    """diffusion at t [B], nats [B]; its gradient in s is that of its square over its mean."""
    k_eps, k_drop = jax.random.split(key)
    x0 = here.floats(batch)
    eps = jax.random.normal(k_eps, x0.shape)
    s, slope = jax.jvp(
      lambda t: shape.apply({"params": params["shape"]}, t), (t,), (jnp.ones_like(t),)
    )

    def nats(params, s, slope):
      first, last = params["ends"]
      gamma = first + (last - first) * s
      z = processes.diffuse(x0, eps, log_snr_level(-gamma))
      error = eps - noise(params, z, gamma, label, k_drop if train else None)
      return (last - first) * slope / 2 * (error**2).reshape(len(x0), -1).sum(-1)

    def forward(*args):
      value, pull = jax.vjp(nats, *args)
      return value, (pull, 2 * value / value.mean())

    def backward(pull_weight, g):
      pull, weight = pull_weight
      to_params, to_s, to_slope = pull(g)
      return to_params, weight * to_s, weight * to_slope

    squared = jax.custom_vjp(nats)
    squared.defvjp(forward, backward)
    return squared(params, s, slope)

  def loss(params, state, batch, key, train):
    k_label, k_t, k_ends, key = jax.random.split(key, 4)
    label, n = told(here, batch, k_label, drop_label if train else 0.0), len(batch[here.name])
    t = (jax.random.uniform(k_t) + jnp.arange(n) / n) % 1
    nats = between(params, batch, t, label, key, train)
    reconstruction, prior = ends(params, batch, k_ends)
    return nats + reconstruction + prior, (
      {},
      {"diffusion": nats, "reconstruction": reconstruction, "prior": prior},
    )

  def log_prob(params, state, batch, key, k=100):
    """The bound, by k values of t, one in each of k equal parts of (0, 1)."""
    label, n = told(here, batch), len(batch[here.name])
    k_ends, key = jax.random.split(key)

    def one(i_key):
      k_t, k_eps = jax.random.split(i_key[1])
      return between(params, batch, (i_key[0] + jax.random.uniform(k_t, (n,))) / k, label, k_eps)

    nats = jax.lax.map(one, (jnp.arange(k), jax.random.split(key, k))).mean(0)
    return -nats - sum(ends(params, batch, k_ends))

  def denoise(params, state, x, level: NoiseLevel, label):
    total = jnp.hypot(level.alpha, level.sigma)
    z, level = x / column(total, x), NoiseLevel(level.alpha / total, level.sigma / total)
    return processes.split(noise(params, z, -level.log_snr, label), z, level, "eps")[0]

  path = lambda steps: ending_in_data(log_snr_level(-jnp.linspace(high, low, steps)))
  about = {"log_prob": log_prob, "likelihood": {"bound": "lower_bound"}}
  return diffusion(here, init, loss, denoise, path, steps=250, **about)
