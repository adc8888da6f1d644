"""dVAE (Ramesh 2021, arXiv:2102.12092, section 2.1): a VAE whose latents are a grid of codes.

  q(k | x) = softmax_k(-|z - e_k|² / 2),  z = encoder(x)
  y = softmax((log q + g) / tau),  g ~ Gumbel(0, 1)
  (mu, log b) = decoder(sum_k y_k e_k)
  loss = (-log p(x | y) + kl_weight KL(q(k | x) || uniform)) / D
         [+ squared |v - v_hat|² / (D var v) + balance KL(mean q || uniform)]

A sample of q has no gradient; its relaxation y has one, and tends to the sample as tau falls. The
codes e_k are parameters; mean q is that of all images and places of a batch. Gray levels v in [0,
1] are brought into (0, 1) by phi(v) = (1 - 2 eps) v + eps; there a number whose logit is
Laplace(mu, b) has the density (the paper's equation 3)

  p(x) = exp(-|logit(x) - mu| / b) / (2 b x (1 - x))

`tau` and `kl_weight` are schedules. In evaluation the codes are the most probable ones.

What is in brackets keeps small data from two collapses. The median of a Laplace distribution is
blind to what covers less than half of the images, a small shape, and with its scale it explains
the rest away: a `squared` error sees it. And few codes, once ahead, serve everything: the KL of
each q does not see that, for all of them may be one-hot; that of their mean does, and is 0 where
all codes are used alike (`balance`).

Departures: logits are distances to the codes, where the paper's are the outputs of a network: noise
between codes that are alike then does little harm; the terms in brackets; the densities are those
of uniformly dequantized gray levels, so that log p(x | k) bounds that of the integers.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import image_of, mean_of, to_data
from genjax_zoo.models.latent_variable.autoencoder import psnr
from genjax_zoo.models.tokens._grid import (
  autoencoder,
  code_field,
  codebook_use,
  histogram,
  vectors,
)
from genjax_zoo.prob.distributions import gumbel_softmax_sample

EPS = 0.1  # How far phi keeps gray levels from 0 and 1.
FEWEST = 6  # Gray levels: of fewer, half of one is wider than the room that EPS leaves.


def phi(v):
  """Gray levels v in [0, 1] as numbers in [EPS, 1 - EPS]."""
  return (1 - 2 * EPS) * v + EPS


def phi_inverse(x):
  """Gray levels in [0, 1] of numbers in [EPS, 1 - EPS]; others are clipped."""
  return jnp.clip((x - EPS) / (1 - 2 * EPS), 0, 1)


def logit_laplace(x, mu, log_b):
  """log p(x), elementwise, of x in (0, 1) whose logit is Laplace(mu, exp(log_b))."""
  logit = jnp.log(x) - jnp.log1p(-x)
  return -jnp.abs(logit - mu) * jnp.exp(-log_b) - log_b - jnp.log(2 * x * (1 - x))


def log_pixels(x, mu, log_b, num_values: int, key):
  """A lower bound on log p(x) of integers [B, ...], nats [B], by uniform dequantization."""
  u = jax.random.uniform(key, x.shape, minval=-0.5, maxval=0.5)
  v = (x + u) / (num_values - 1)
  # A gray level is (1 - 2 EPS) / (num_values - 1) wide, where the density is.
  width = math.log((1 - 2 * EPS) / (num_values - 1))
  nats = logit_laplace(phi(v), mu, log_b) + width
  return nats.reshape(len(nats), -1).sum(-1)


def check(field: Field):
  """Raises UserError for images whose dequantized gray levels phi does not keep in (0, 1)."""
  if field.num_values and field.num_values < FEWEST:
    raise UserError(
      f"dvae is of images with {FEWEST} gray levels or more, and these have {field.num_values}: "
      "take a vqvae"
    )


def imbalance(log_q):
  """KL(mean q || uniform), nats: log K where one code serves all, 0 where all serve alike."""
  mean = jnp.exp(log_q).reshape(-1, log_q.shape[-1]).mean(0)
  return math.log(len(mean)) + jax.scipy.special.xlogy(mean, mean).sum()


def kl_to_uniform(log_q):
  """KL(q || uniform) = log K - entropy of each code, nats [...]; log_q [..., K]."""
  return math.log(log_q.shape[-1]) + (jnp.exp(log_q) * log_q).sum(-1)


def model(
  data,
  *,
  network: str = "patch",
  widths: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  codes: int = 512,
  features: int = 16,
  squared: float = 0.0,
  balance: float = 0.0,
) -> Model:
  """A dVAE of "image" with `codes` codes of `features` numbers, for the networks of nn/grid.py.

  Raises UserError for an unknown `network`, for images that can't be halved len(widths) times, and
  for fewer than FEWEST gray levels.
  """
  field = image_of(data)
  check(field)
  ae = autoencoder(data, network, widths, features, blocks)
  decoder = ae.decoder.clone(channels=2 * ae.channels)
  dims = math.prod(field.shape)

  def log_q(params, batch):
    """log q(k | x), [B, h, w, K]."""
    e = params["codes"]
    # Without |z|², which is the same for all codes.
    squares = (e**2).sum(-1)[None, None, None]
    return jax.nn.log_softmax(vectors(ae, params, batch) @ e.T - squares / 2)

  def outputs(params, weights):
    """(mu, log b), each [B, H, W, C], of weights of codes [B, h, w, K]."""
    out = decoder.apply({"params": params["decoder"]}, weights @ params["codes"])
    return jnp.split(out, 2, -1)

  def init(key, batch):
    k_enc, k_dec, k_codes = jax.random.split(key, 3)
    params = {
      "encoder": ae.encoder.init(k_enc, ae.observation.floats(batch))["params"],
      "decoder": decoder.init(k_dec, jnp.zeros((1, *ae.grid, features)))["params"],
      "codes": nn.initializers.normal(1.0)(k_codes, (codes, features)),
    }
    return params, {"variance": ae.observation.floats(batch).var()}

  def of_weights(params, state, batch, weights, log_q, kl_weight, key):
    """(loss [B], metrics) of a reconstruction from weights of codes."""
    mu, log_b = outputs(params, weights)
    nats = -log_pixels(batch["image"], mu, log_b, field.num_values, key)
    kl = kl_to_uniform(log_q).sum((1, 2))
    v, made = ae.observation.floats(batch), jax.nn.sigmoid(mu)
    # Not clipped, as phi_inverse is, where there would be no gradient.
    error = mean_of(((phi(v) - made) / (1 - 2 * EPS)) ** 2) / state["variance"]
    loss = (nats + kl_weight * kl) / dims + squared * error + balance * imbalance(log_q)
    return loss, {"nats": nats, "kl": kl, "psnr": psnr(v, phi_inverse(made))}

  def loss(params, state, batch, key, train, tau=1 / 16, kl_weight=1.0):
    k_code, k_out = jax.random.split(key)
    q = log_q(params, batch)
    if train:
      weights = gumbel_softmax_sample(k_code, q, tau)
    else:
      weights = jax.nn.one_hot(q.argmax(-1), codes)
    value, metrics = of_weights(params, state, batch, weights, q, kl_weight, k_out)
    return value, ({}, metrics)

  def evaluate(params, state, batch, key):
    numbers = encode(params, state, batch, key)["codes"]
    weights = jax.nn.one_hot(numbers, codes)
    q = log_q(params, batch)
    value, metrics = of_weights(params, state, batch, weights, q, 1.0, key)
    return {"loss": value, "codes_histogram": histogram(numbers, codes)} | metrics

  def encode(params, state, batch, key):
    return {"codes": log_q(params, batch).argmax(-1).astype(jnp.int32)}

  def outputs_of_codes(params, latents):
    return outputs(params, jax.nn.one_hot(latents["codes"], codes))

  def mean(params, state, latents):
    """The median of v given the codes, [B, H, W, C] in [0, 1]."""
    return phi_inverse(jax.nn.sigmoid(outputs_of_codes(params, latents)[0]))

  def decode(params, state, latents, key):
    return {"image": to_data(2 * mean(params, state, latents) - 1, field)}

  def log_given(params, state, batch, latents, key):
    mu, log_b = outputs_of_codes(params, latents)
    return log_pixels(batch["image"], mu, log_b, field.num_values, key)

  return Model(
    init,
    loss,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    latents={"codes": code_field(ae.grid, codes)},
    summary=codebook_use,
    dequantization="uniform",
    parts={"mean": mean, "log_given": log_given},
  )
