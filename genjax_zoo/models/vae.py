"""Variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114).

A latent z ~ N(0, I) is decoded to p(x | z). The integral p(x) = E_z p(x | z) can't be computed, so an encoder
learns where to look, q(z | x) = N(mean, diag(exp(logvar))), and gives a bound whose gap is KL(q || p(z | x)):

  log p(x) >= elbo = E_q log p(x | z) - kl,   z = mean + exp(logvar / 2) * eps,  eps ~ N(0, I)
  kl = KL(q(z | x) || N(0, I)) = 1/2 sum(mean² + exp(logvar) - 1 - logvar)
  loss = -log p(x | z) + beta * kl

beta = 1, but for the beta-VAE (Higgins 2017) and for warm-up. Evaluation tightens the bound with k draws
(Burda 2015, arXiv:1509.00519):  log p(x) >= E log 1/k sum_i p(x, z_i) / q(z_i | x).

p(x | z) is "bernoulli" for binary data, "discretized_logistic" (Salimans 2017) for integers, and "gaussian" for
real numbers, or for integers as the mass that a Gaussian gives their cells, bounded by uniform dequantisation:
all are nats of the data themselves. Gray levels are v = image / (levels - 1) in [0, 1].

Departures: Adam; ReLU. `sample` and `decode` return the mean of p(x | z), as the paper's figures do.

Three decks slip here. The KL: sum(exp(logvar) + mean² - log s - 1) (A, line 740) lacks the 1/2 and the square in
log s², and so is least at s² = 1/2, not at the prior. The reparameterisation: mean + s² * eps (B, line 350)
squares s. The bound: E_q p(x | z) (D, line 122) lacks the log.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import entry
from genjax_zoo.models._networks import networks, nonlinearity
from genjax_zoo.prob.ais import log_marginal, sigmoid_schedule
from genjax_zoo.prob.distributions import (
  bernoulli_log_prob,
  discretized_logistic_log_prob,
  log_mean_exp,
  normal_log_prob,
)
from genjax_zoo.prob.divergences import kl_standard_normal

LIKELIHOODS = "bernoulli", "gaussian", "discretized_logistic"


def check(likelihood: str, field: Field):
  """Raises UserError where the data do not fit the likelihood."""
  if likelihood not in LIKELIHOODS:
    raise UserError(f"unknown model.likelihood={likelihood!r}; there are {', '.join(LIKELIHOODS)}")
  if likelihood == "bernoulli" and field.levels != 2:
    has = f"{field.levels} levels" if field.levels else "real numbers"
    raise UserError(
      f"model.likelihood='bernoulli' wants 2 levels and the data have {has}: set data.binarize, or "
      f"model.likelihood={'discretized_logistic' if field.levels else 'gaussian'!r}"
    )
  if likelihood == "discretized_logistic" and not field.levels:
    raise UserError("model.likelihood='discretized_logistic' wants integers: take 'gaussian' for real numbers")


def model(
  data, *, latent: int = 20, hidden: tuple[int, ...] = (400,), network: str = "mlp", likelihood: str = "bernoulli",
  scale: float = 0.0, activation: str = "relu", dtype: str = "float32",
) -> Model:  # fmt: skip
  """A VAE of "image" or "x" with one layer of `latent` numbers.

  `hidden` are the widths of the encoder, and in reverse of the decoder: of dense layers ("mlp"), or of
  convolutions ("conv"). `scale` is the standard deviation of the Gaussian, or the scale of the logistic, in units
  of v; 0 learns one per channel.
  """
  name, field = entry(data)
  shape, form, levels = field
  check(likelihood, field)
  encoder, decoder = networks(network, hidden, 2 * latent, shape, nonlinearity(activation), dtype)
  bounds = {"iwae": "lower_bound", "elbo": "lower_bound", "ais": "lower_bound"}
  learns_scale = likelihood != "bernoulli" and not scale

  def floats(batch):
    """Gray levels as v in [0, 1]; real numbers as they are."""
    x = batch[name].astype(jnp.float32)
    return x / (levels - 1) if levels else x

  def in_form(v):
    """The reverse, in the form of the data."""
    return {name: (jnp.round(jnp.clip(v, 0, 1) * (levels - 1)) if levels else v).astype(form)}

  def posterior(params, batch):
    """(mean, logvar) of q(z | x), each [B, latent]."""
    return jnp.split(encoder.apply({"params": params["encoder"]}, floats(batch)), 2, -1)

  def decoded(params, z):
    """What the decoder says of x, [B, *shape]: logits of v for gray levels, else the mean."""
    return decoder.apply({"params": params["decoder"]}, z)

  def expected(params, z):
    """(mean, log scale) of p(x | z), [B, *shape], gray levels as v."""
    out = decoded(params, z)
    log_scale = params["log_scale"] if learns_scale else math.log(scale or 1)
    return jax.nn.sigmoid(out) if levels else out, jnp.broadcast_to(log_scale, out.shape)

  def log_likelihood(params, batch, z, key):
    """log p(x | z), nats [B]."""
    if likelihood == "bernoulli":
      log_p = bernoulli_log_prob(floats(batch), decoded(params, z))
    elif likelihood == "discretized_logistic":
      mean, log_scale = expected(params, z)
      log_p = discretized_logistic_log_prob(batch[name], 2 * mean - 1, log_scale + math.log(2), levels)
    elif levels:
      u = jax.random.uniform(key, (len(z), *shape), minval=-0.5, maxval=0.5)  # The cell of v is 1 / (levels - 1) wide.
      log_p = normal_log_prob(floats(batch) + u / (levels - 1), *expected(params, z)) - math.log(levels - 1)
    else:
      log_p = normal_log_prob(floats(batch), *expected(params, z))
    return log_p.reshape(len(z), -1).sum(-1)

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    params = {
      "encoder": encoder.init(k_enc, floats(batch))["params"],
      "decoder": decoder.init(k_dec, jnp.zeros((1, latent)))["params"],
    }
    return params | ({"log_scale": jnp.full(shape[-1:], -2.0 if levels else 0.0)} if learns_scale else {}), {}

  def loss(params, state, batch, key, train, beta=1.0):
    k_z, k_x = jax.random.split(key)
    mean, logvar = posterior(params, batch)
    z = mean + jnp.exp(logvar / 2) * jax.random.normal(k_z, mean.shape)
    reconstruction = -log_likelihood(params, batch, z, k_x)
    kl = kl_standard_normal(mean, logvar)
    return reconstruction + beta * kl, ({}, {"reconstruction": reconstruction, "kl": kl})

  def log_joint(params, state, batch, latents, key):
    """log p(x, z), nats [B]."""
    z = latents["z"]
    return log_likelihood(params, batch, z, key) + normal_log_prob(z, 0.0, 0.0).sum(-1)

  def log_prob(params, state, batch, key, estimator="iwae", k=100):
    """A lower bound of log p(x): "iwae" from k draws, tight as k grows; "elbo" from one; "ais" by k annealing steps.

    AIS (Wu 2017, arXiv:1611.04273) starts from the prior: it needs no encoder, and tells whether a bad one is at fault.
    """
    if estimator not in bounds:
      raise UserError(f"unknown estimator={estimator!r} of log_prob; there are {', '.join(bounds)}")
    if estimator == "elbo":
      return -loss(params, state, batch, key, train=False)[0]
    if estimator == "ais":
      prior = lambda key: jax.random.normal(key, (len(batch[name]), latent))
      log_prior = lambda z: normal_log_prob(z, 0.0, 0.0).sum(-1)
      k_chain, k_x = jax.random.split(key)
      likely = lambda z: log_likelihood(params, batch, z, k_x)
      return log_marginal(k_chain, prior, log_prior, likely, sigmoid_schedule(k))[0]
    mean, logvar = posterior(params, batch)

    def log_weight(key):
      k_z, k_x = jax.random.split(key)
      z = mean + jnp.exp(logvar / 2) * jax.random.normal(k_z, mean.shape)
      return log_joint(params, state, batch, {"z": z}, k_x) - normal_log_prob(z, mean, logvar / 2).sum(-1)

    rows = max(1, 1000 // len(mean))  # Draws at a time: memory does not grow with k.
    return log_mean_exp(jax.lax.map(log_weight, jax.random.split(key, k), batch_size=rows), 0)

  def encode(params, state, batch, key):
    return {"z": posterior(params, batch)[0]}

  def decode(params, state, latents, key):
    return in_form(expected(params, latents["z"])[0])

  def sample(params, state, key, n, given={}, temperature=1.0, noise=False):
    """Means of p(x | z), z ~ N(0, temperature² I); with `noise`, x ~ p(x | z), as grainy as the likelihood is."""
    k_z, k_x = jax.random.split(key)
    v, log_scale = expected(params, temperature * jax.random.normal(k_z, (n, latent)))
    if noise and likelihood == "bernoulli":
      v = jax.random.bernoulli(k_x, v).astype(v.dtype)
    elif noise:
      draw = jax.random.normal if likelihood == "gaussian" else jax.random.logistic
      v += jnp.exp(log_scale) * draw(k_x, v.shape)
    return in_form(v)

  parts = {"log_joint": log_joint, "mean": lambda params, state, latents: expected(params, latents["z"])[0]}
  filled = "uniform" if likelihood == "gaussian" and levels else None
  return Model(init, loss, sample, log_prob, encode, decode, likelihood=bounds, dequantization=filled, parts=parts)
