"""Deep latent Gaussian model with many importance weights, IWAE (Burda 2015, arXiv:1509.00519).

The hierarchy is that of Rezende 2014 (arXiv:1401.4082), `dreg` that of Tucker 2018
(arXiv:1810.04152).

A Markov chain of latents, drawn from the top down, and an encoder that climbs it, drawn from the
bottom up:

  p(x, z_1..z_L) = N(z_L; 0, I) prod_l N(z_l; p_l(z_{l+1})) p(x | z_1)
  q(z_1..z_L | x) = N(z_1; q_1(x)) prod_l N(z_{l+1}; q_{l+1}(z_l))

  log w = log p(x, z) - log q(z | x),   bound_k = E log 1/k sum_i w_i <= bound_{k+1} <= log p(x),   loss = -bound_k

at the draws z = mean + s eps of each level. k = 1 is the ELBO; with L = 1 too, the VAE. The
gradient of bound_k weighs d log w_i by W_i = w_i / sum w. The encoder's part of it loses its signal
as k grows; `dreg` has the same expectation,

  sum_i W_i² d log w_i / d z_i  d z_i / d encoder,   log q's own parameters held,

and does not. A schedule may warm up `beta`, which weighs log p(z) - log q(z | x) in the log w of
training (Sønderby 2016, arXiv:1602.02282), lest the upper levels fall asleep for good: the prior
pulls before they say anything. The weights of `dreg` are (1 - beta) W_i + beta W_i² then.

Departures: ReLU or tanh layers as `activation` says; Adam.

The deck (B, lines 422 to 455) splits this bound into a sum of "KL between Gaussians", KL(q(z_l |
z_{l+1}, x) || p(z_l | z_{l+1})). Of this encoder q(z_l | z_{l+1}, x) is no Gaussian: the bound is
an average of log w over draws, and nothing less. Encoders that go from the top down have such a
sum: models/latent_variable/ladder_vae.py. The slide (B, line 405) also writes p(z_1..z_L) for what
is p(x, z_1..z_L).
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._networks import nonlinearity
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.distributions import (
  bernoulli_log_prob,
  log_mean_exp,
  normal_log_prob,
  normal_sample,
)
from genjax_zoo.prob.estimators import importance_bound

stop = jax.lax.stop_gradient


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
  """A hierarchy of `latent[l]` numbers at level l + 1, the first next to x, for binary "image".

  Between x and z_1, and between z_l and z_{l+1}, are `depth` layers of `hidden[l]` units, both
  ways. `k` draws an example train it. Raises UserError for data that aren't binary, and for widths
  that don't fit the levels.
  """
  shape, form, levels = data["image"][:3]
  if levels != 2:
    raise UserError(f"model hvae wants 2 levels and the data have {levels}: set data.binarize")
  if len(latent) != len(hidden):
    raise UserError(
      f"model.hidden has {len(hidden)} widths for {len(latent)} levels of model.latent: give one each"
    )
  act = nonlinearity(activation)
  layers = lambda width, out: MLP((*[width] * depth, out), act)
  # up[l]: from what is below to (mean, log s) of z_{l+1}.
  up = [layers(h, 2 * z) for h, z in zip(hidden, latent)]
  outs = (math.prod(shape), *(2 * z for z in latent[:-1]))
  # down[l]: from z_{l+1} to what is below it.
  down = [layers(h, out) for h, out in zip(hidden, outs)]
  L = len(latent)

  def flat(batch):
    """x, [1, B, D]: an axis for draws."""
    return batch["image"].reshape(1, len(batch["image"]), -1).astype(jnp.float32)

  def gaussian(net, params, below):
    """(mean, log s), each [..., D]."""
    return jnp.split(net.apply({"params": params}, below), 2, -1)

  def climb(encoder, x, key, n):
    """n draws of z_1, ..., z_L of q(z | x), each [n, B, D], for x [1, B, D]: its features are
    computed once.
    """
    zs = []
    for net, params, k_z in zip(up, encoder, jax.random.split(key, L)):
      mean, log_s = gaussian(net, params, zs[-1] if zs else x)
      zs.append(normal_sample(k_z, jnp.broadcast_to(mean, (n, *mean.shape[1:])), log_s))
    return zs

  def log_q(encoder, x, zs):
    """log q(z_l | what is below), nats [...], of each level."""
    levels = zip(zs, up, encoder, (x, *zs))
    return [normal_log_prob(z, *gaussian(net, p, below)).sum(-1) for z, net, p, below in levels]

  def log_p(decoder, x, zs):
    """(log p(x | z_1), log p(z_l | z_{l+1}) of each level), nats [...]."""
    levels = zip(zs, zs[1:], down[1:], decoder[1:])
    prior = [
      normal_log_prob(z, *gaussian(net, params, above)).sum(-1) for z, above, net, params in levels
    ]
    logits = down[0].apply({"params": decoder[0]}, zs[0])
    likelihood = bernoulli_log_prob(jnp.broadcast_to(x, logits.shape), logits).sum(-1)
    return likelihood, [*prior, normal_log_prob(zs[-1], 0.0, 0.0).sum(-1)]

  def log_weight(params, x, zs, beta=1.0):
    """log w, nats [...]."""
    likelihood, prior = log_p(params["decoder"], x, zs)
    return likelihood + beta * (sum(prior) - sum(log_q(params["encoder"], x, zs)))

  def init(key, batch):
    k_up, k_down = jax.random.split(key)
    below = (flat(batch), *(jnp.zeros((1, z)) for z in latent))
    start = lambda nets, key, inputs: [
      n.init(k, i)["params"] for n, k, i in zip(nets, jax.random.split(key, L), inputs)
    ]
    return {"encoder": start(up, k_up, below), "decoder": start(down, k_down, below[1:])}, {}

  def loss(params, state, batch, key, train, beta=1.0):
    x = flat(batch)
    zs = climb(params["encoder"], x, key, k)
    if not dreg:
      log_w = log_weight(params, x, zs, beta)
      bound = log_mean_exp(log_w, 0)
    # The decoder's gradient at held draws, W d log w; the encoder's through them, W² d log w.
    else:
      log_w = log_weight(
        {"encoder": stop(params["encoder"]), "decoder": params["decoder"]}, x, stop(zs), beta
      )
      through = log_weight(stop(params), x, zs, beta)
      W = jax.nn.softmax(stop(log_w), 0)
      bound = log_mean_exp(log_w, 0) + (
        ((1 - beta) * W + beta * W**2) * (through - stop(through))
      ).sum(0)
    likelihood, prior = log_p(params["decoder"], x, zs)
    levels = enumerate(zip(log_q(params["encoder"], x, zs), prior), 1)
    # What a level says beyond those above it.
    each = {f"kl{l}": (q - p).mean(0) for l, (q, p) in levels}
    elbo = likelihood.mean(0) - sum(each.values())  # Whatever beta.
    return -bound, ({}, {"elbo": elbo, "reconstruction": -likelihood.mean(0)} | each)

  def log_prob(params, state, batch, key, k=100):
    """bound_k of log p(x), nats [B]."""
    x = flat(batch)
    return importance_bound(
      lambda key: log_weight(params, x, climb(params["encoder"], x, key, 1))[0], key, k
    )

  def encode(params, state, batch, key):
    """{"z1": [B, D], ...}: each level's mean, at the mean of the level below."""
    latents, below = {}, flat(batch)[0]
    for l, (net, p) in enumerate(zip(up, params["encoder"]), 1):
      latents[f"z{l}"] = below = gaussian(net, p, below)[0]
    return latents

  def mean(params, state, latents):
    logits = down[0].apply({"params": params["decoder"][0]}, latents["z1"])
    return jax.nn.sigmoid(logits).reshape(-1, *shape)

  def decode(params, state, latents, key):
    """What z1 decodes to; the levels above it say no more of x."""
    return {"image": jnp.round(mean(params, state, latents)).astype(form)}

  def sample(params, state, key, n, given={}, temperature=1.0):
    """The likelier value of each pixel, z_L ~ N(0, temperature² I) and so down to z_1."""
    keys = jax.random.split(key, L)
    z = temperature * jax.random.normal(keys[0], (n, latent[-1]))
    for k_z, net, p in zip(keys[1:], down[:0:-1], params["decoder"][:0:-1]):
      m, log_s = gaussian(net, p, z)
      z = normal_sample(k_z, m, log_s + jnp.log(temperature))
    return decode(params, state, {"z1": z}, key)

  parts = {"mean": mean}
  return Model(
    init, loss, sample, log_prob, encode, decode, likelihood={"iwae": "lower_bound"}, parts=parts
  )
