"""Deep latent Gaussian model with importance weights, IWAE (Burda 2015, arXiv:1509.00519).

The hierarchy is that of Rezende 2014 (arXiv:1401.4082), `dreg` that of Tucker 2018
(arXiv:1810.04152). Latents form a Markov chain, generated from z_L down to x and inferred by an
encoder from x up to z_L:

  p(x, z_1..z_L) = N(z_L; 0, I) prod_l N(z_l; p_l(z_{l+1})) p(x | z_1)
  q(z_1..z_L | x) = N(z_1; q_1(x)) prod_l N(z_{l+1}; q_{l+1}(z_l))

  log w = log p(x, z) - log q(z | x),   z ~ q by z_l = mean + exp(log_s) eps
  bound_k = E log 1/k sum_i w_i <= bound_{k+1} <= log p(x),   loss = -bound_k

k = 1 is the ELBO; with L = 1 too, the VAE. The gradient of bound_k weighs d log w_i by
W_i = w_i / sum w. The signal in the encoder's part of it vanishes as k grows; `dreg` replaces that
part by one of equal expectation whose signal does not:

  sum_i W_i² d log w_i / d z_i  d z_i / d encoder,   the parameters in log q itself held constant

A schedule may warm up `beta`, the weight of log p(z) - log q(z | x) in log w in training (Sønderby
2016, arXiv:1602.02282), against the posterior collapse of the upper hierarchy levels. The weights
of `dreg` are then (1 - beta) W_i + beta W_i².

Departures: ReLU or tanh layers, as `activation` says; Adam.

Errata of the slides: docs/errata.md#hvae
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import image_of
from genjax_zoo.models._networks import nonlinearity
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.distributions import (
  bernoulli_log_prob,
  bernoulli_sample,
  log_mean_exp,
  normal_log_prob,
  normal_sample,
)
from genjax_zoo.prob.estimators import importance_bound

stop = jax.lax.stop_gradient


class Hierarchy(NamedTuple):
  """The networks, whose parameters are the lists params["encoder"] and params["decoder"].

  up[0] maps x to (mean, log_s) of z_1, and up[l] z_l to those of z_{l+1}. down[0] maps z_1 to
  logits of x, and down[l] z_{l+1} to (mean, log_s) of z_l.
  """

  up: list[MLP]
  down: list[MLP]
  sizes: tuple[int, ...]  # Of z_1, ..., z_L.


def hierarchy(latent, hidden, depth: int, dim: int, activation) -> Hierarchy:
  """Networks of `depth` hidden layers of hidden[l] units, for x [..., dim]."""
  # Two outputs a latent: mean and log_s.
  up_sizes = [2 * size for size in latent]
  down_sizes = [dim, *up_sizes[:-1]]
  up = [MLP((*[width] * depth, size), activation) for width, size in zip(hidden, up_sizes)]
  down = [MLP((*[width] * depth, size), activation) for width, size in zip(hidden, down_sizes)]
  return Hierarchy(up, down, latent)


def flat(batch):
  """x as [1, B, D], with an axis for draws."""
  return batch["image"].reshape(1, len(batch["image"]), -1).astype(jnp.float32)


def gaussian(net: MLP, params, x):
  """(mean, log_s), each [..., D], of a network's Gaussian given x [..., D]."""
  return jnp.split(net.apply({"params": params}, x), 2, -1)


def infer(nets: Hierarchy, encoder, x, key, n: int):
  """[z_1, ..., z_L] ~ q(z | x), each [n, B, D], of x [1, B, D]."""
  zs = []
  below = x
  for net, params, k_z in zip(nets.up, encoder, jax.random.split(key, len(nets.up))):
    mean, log_s = gaussian(net, params, below)
    # One mean for all draws of z_1: x's features are computed once.
    mean = jnp.broadcast_to(mean, (n, *mean.shape[1:]))
    below = normal_sample(k_z, mean, log_s)
    zs.append(below)
  return zs


def log_q(nets: Hierarchy, encoder, x, zs):
  """[log q(z_1 | x), ..., log q(z_L | z_{L-1})], nats [...]."""
  terms = []
  for z, below, net, params in zip(zs, (x, *zs), nets.up, encoder):
    mean, log_s = gaussian(net, params, below)
    terms.append(normal_log_prob(z, mean, log_s).sum(-1))
  return terms


def log_p(nets: Hierarchy, decoder, x, zs):
  """(log p(x | z_1), [log p(z_1 | z_2), ..., log p(z_L)]), nats [...]."""
  terms = []
  for z, above, net, params in zip(zs, zs[1:], nets.down[1:], decoder[1:]):
    mean, log_s = gaussian(net, params, above)
    terms.append(normal_log_prob(z, mean, log_s).sum(-1))
  logits = nets.down[0].apply({"params": decoder[0]}, zs[0])
  likelihood = bernoulli_log_prob(jnp.broadcast_to(x, logits.shape), logits).sum(-1)
  return likelihood, [*terms, normal_log_prob(zs[-1], 0.0, 0.0).sum(-1)]


def log_weight(nets: Hierarchy, params, x, zs, beta=1.0):
  """log w = log p(x | z) + beta (log p(z) - log q(z | x)), nats [...]."""
  likelihood, prior = log_p(nets, params["decoder"], x, zs)
  return likelihood + beta * (sum(prior) - sum(log_q(nets, params["encoder"], x, zs)))


def dreg_bound(nets: Hierarchy, params, x, zs, beta):
  """bound_k [B] with the doubly reparameterised gradient in the encoder; zs are [k, B, D]."""
  # The decoder's gradient, W d log w, has the draws and the encoder constant ...
  held = {"encoder": stop(params["encoder"]), "decoder": params["decoder"]}
  log_w = log_weight(nets, held, x, stop(zs), beta)
  # ... and the encoder's, W² d log w, goes through the draws alone.
  through_draws = log_weight(nets, stop(params), x, zs, beta)
  W = jax.nn.softmax(stop(log_w), 0)
  weights = (1 - beta) * W + beta * W**2
  # Of value 0, for its gradient.
  encoder_term = (weights * (through_draws - stop(through_draws))).sum(0)
  return log_mean_exp(log_w, 0) + encoder_term


def terms_of_elbo(nets: Hierarchy, params, x, zs):
  """{"elbo", "reconstruction", "kl1", ...}, nats [B], the means over draws zs [k, B, D].

  kl<l> is the log ratio of q and p of z_l given its neighbour; beta does not enter.
  """
  likelihood, prior = log_p(nets, params["decoder"], x, zs)
  ratios = zip(log_q(nets, params["encoder"], x, zs), prior)
  kls = {f"kl{l}": (q - p).mean(0) for l, (q, p) in enumerate(ratios, 1)}
  elbo = likelihood.mean(0) - sum(kls.values())
  return {"elbo": elbo, "reconstruction": -likelihood.mean(0)} | kls


def init_networks(nets: list[MLP], key, inputs):
  """The parameters of each network, for its input."""
  keys = jax.random.split(key, len(nets))
  return [net.init(k, x)["params"] for net, k, x in zip(nets, keys, inputs)]


def top_down(nets: Hierarchy, decoder, key, n: int, temperature):
  """z_1 ~ p(z_1), [n, D], drawn from z_L down with standard deviations times `temperature`."""
  keys = jax.random.split(key, len(nets.down))
  z = temperature * jax.random.normal(keys[0], (n, nets.sizes[-1]))
  for k_z, net, params in zip(keys[1:], nets.down[:0:-1], decoder[:0:-1]):
    mean, log_s = gaussian(net, params, z)
    z = normal_sample(k_z, mean, log_s + jnp.log(temperature))
  return z


def model(
  data,
  *,
  latent: tuple[int, ...] = (100, 50),
  hidden: tuple[int, ...] = (200, 100),
  depth: int = 2,
  k: int = 1,
  dreg: bool = False,
  activation: str = "tanh",
) -> Model:
  """A hierarchy of latents of sizes `latent`, z_1 first, for binary "image".

  `depth` layers of hidden[l] units lie on both ways between z_l (x for l = 0) and z_{l+1}. Training
  takes `k` importance weights. Raises UserError if the data aren't binary, or `hidden` and `latent`
  differ in length.
  """
  field = image_of(data)
  if field.num_values != 2:
    raise UserError(
      f"model hvae needs 2 gray levels, but the data have {field.num_values}: set data.binarize"
    )
  if len(latent) != len(hidden):
    raise UserError(
      f"model.hidden has {len(hidden)} widths for the {len(latent)} sizes of model.latent: "
      "give one each"
    )
  nets = hierarchy(latent, hidden, depth, math.prod(field.shape), nonlinearity(activation))

  def init(key, batch):
    k_up, k_down = jax.random.split(key)
    zs = [jnp.zeros((1, size)) for size in latent]
    encoder = init_networks(nets.up, k_up, [flat(batch), *zs])
    decoder = init_networks(nets.down, k_down, zs)
    return {"encoder": encoder, "decoder": decoder}, {}

  def loss(params, state, batch, key, train, beta=1.0):
    x = flat(batch)
    zs = infer(nets, params["encoder"], x, key, k)
    if dreg:
      bound = dreg_bound(nets, params, x, zs, beta)
    else:
      bound = log_mean_exp(log_weight(nets, params, x, zs, beta), 0)
    return -bound, ({}, terms_of_elbo(nets, params, x, zs))

  def log_prob(params, state, batch, key, k=100):
    """bound_k of log p(x), nats [B]."""
    x = flat(batch)

    def log_w(key):
      zs = infer(nets, params["encoder"], x, key, 1)
      return log_weight(nets, params, x, zs)[0]

    return importance_bound(log_w, key, k)

  def encode(params, state, batch, key):
    """{"z1": [B, D], ...}: the mean of each latent given the mean of the one below."""
    latents = {}
    below = flat(batch)[0]
    for l, (net, net_params) in enumerate(zip(nets.up, params["encoder"]), 1):
      below, _ = gaussian(net, net_params, below)
      latents[f"z{l}"] = below
    return latents

  def mean(params, state, latents):
    """E[x | z_1], [B, H, W, C]."""
    logits = nets.down[0].apply({"params": params["decoder"][0]}, latents["z1"])
    return jax.nn.sigmoid(logits).reshape(-1, *field.shape)

  def decode(params, state, latents, key):
    """The likelier value of each pixel given z_1, on which alone x depends."""
    return {"image": jnp.round(mean(params, state, latents)).astype(field.dtype)}

  def sample(params, state, key, n, given={}, temperature=1.0, noise=True):
    """x ~ p(x | z_1), or without `noise` the likelier value of each pixel.

    z ~ p(z) with standard deviations times `temperature`.
    """
    k_z, k_x = jax.random.split(key)
    latents = {"z1": top_down(nets, params["decoder"], k_z, n, temperature)}
    if not noise:
      return decode(params, state, latents, k_x)
    x = bernoulli_sample(k_x, mean(params, state, latents))
    return {"image": x.astype(field.dtype)}

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood={"iwae": "lower_bound"},
    latents={f"z{l}": Field((size,), np.float32) for l, size in enumerate(latent, 1)},
    parts={"mean": mean},
  )
