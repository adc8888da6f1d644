"""Variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114).

A latent z ~ p(z) = N(0, I) is decoded to p(x | z). The integral p(x) = E_{p(z)} p(x | z) is
intractable, so an encoder gives an approximate posterior q(z | x) = N(mean, diag(exp(logvar))), and
with it a lower bound whose gap is KL(q(z | x) || p(z | x)):

  log p(x) >= elbo = E_q log p(x | z) - kl,   z = mean + exp(logvar / 2) eps,   eps ~ N(0, I)
  kl = KL(q(z | x) || p(z)) = 1/2 sum(mean² + exp(logvar) - 1 - logvar)
  loss = -log p(x | z) + beta kl

beta = 1, except for the beta-VAE (Higgins 2017) and for a warm-up of the KL by a schedule. With
free bits the KL of a dimension is not penalised below `free_bits` nats (Kingma 2016,
arXiv:1606.04934): in training kl is sum_d max(free_bits, E_batch kl_d). Evaluation tightens the
bound by k importance weights (Burda 2015, arXiv:1509.00519):

  log p(x) >= E log 1/k sum_i p(x, z_i) / q(z_i | x),   z_i ~ q(z | x)

p(x | z) is one of `_observation`. `VAE` holds what variants replace: see cvae.py, vamp_vae.py,
tcvae.py and factor_vae.py.

`sample` draws x ~ p(x | z): its images are of the distribution that `log_prob` scores. The smoother
E[x | z] of the paper's figures is that of `decode`, and of `sample` with noise=False.

Departures: Adam; ReLU.

Errata of the slides: docs/errata.md#vae
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import entry
from genjax_zoo.models._networks import encoder_decoder, nonlinearity
from genjax_zoo.models.latent_variable._observation import Observation, observation
from genjax_zoo.prob.ais import log_marginal, sigmoid_schedule
from genjax_zoo.prob.distributions import normal_log_prob, normal_sample
from genjax_zoo.prob.divergences import kl_standard_normal
from genjax_zoo.prob.estimators import importance_bound

ESTIMATORS = {"iwae": "lower_bound", "elbo": "lower_bound", "ais": "lower_bound"}


class Prior(NamedTuple):
  """p(z), z [B, latent]. `params` are those of the whole model."""

  log_prob: Callable  # (params, z) -> log p(z), nats [B].
  # (params, key, n, temperature) -> z ~ p(z) [n, latent], standard deviations times temperature.
  sample: Callable
  # (params, z, mean, logvar) -> KL(q || p), nats [B], of q = N(mean, exp(logvar)); z ~ q.
  kl: Callable


class VAE(NamedTuple):
  """The parts of a VAE. `given` is any mapping that has the conditions: a batch, or latents."""

  init: Callable  # (key, batch) -> params.
  encoder: Callable  # (params, v, given) -> (mean, logvar) of q(z | x), each [B, latent].
  decoder: Callable  # (params, z, given) -> outputs [B, *shape], parameters of p(x | z).
  prior: Prior
  observation: Observation
  latents: Mapping[str, Field]  # "z" and the conditions.

  def posterior(self, params, batch):
    """(mean, logvar) of q(z | x), each [B, latent]."""
    return self.encoder(params, self.observation.floats(batch), batch)

  def with_conditions(self, z, given) -> dict:
    """{"z": z} and the conditions."""
    return {"z": z} | {name: given[name] for name in self.latents if name != "z"}


def gaussian_prior(latent: int) -> Prior:
  """p(z) = N(0, I)."""
  return Prior(
    log_prob=lambda params, z: normal_log_prob(z, 0.0, 0.0).sum(-1),
    sample=lambda params, key, n, temperature: temperature * jax.random.normal(key, (n, latent)),
    kl=lambda params, z, mean, logvar: kl_standard_normal(mean, logvar),
  )


def gaussian_vae(
  data,
  latent: int,
  hidden,
  network: str,
  likelihood: str,
  scale: float,
  activation: str,
  dtype: str,
) -> VAE:
  """The parts of the VAE of the paper: see `model` for the arguments."""
  _, field = entry(data)
  p_x = observation(data, likelihood, scale)
  encoder_net, decoder_net = encoder_decoder(
    network, hidden, 2 * latent, field.shape, nonlinearity(activation), dtype
  )

  def init(key, batch):
    k_enc, k_dec, _ = jax.random.split(key, 3)  # The third is for a prior.
    encoder = encoder_net.init(k_enc, p_x.floats(batch))["params"]
    decoder = decoder_net.init(k_dec, jnp.zeros((1, latent)))["params"]
    return {"encoder": encoder, "decoder": decoder} | p_x.init()

  def encoder(params, v, given):
    return jnp.split(encoder_net.apply({"params": params["encoder"]}, v), 2, -1)

  def decoder(params, z, given):
    return decoder_net.apply({"params": params["decoder"]}, z)

  latents = {"z": Field((latent,), np.float32)}
  return VAE(init, encoder, decoder, gaussian_prior(latent), p_x, latents)


def log_likelihood(vae: VAE, params, batch, z, key):
  """log p(x | z), nats [B]."""
  return vae.observation.log_prob(params, batch, vae.decoder(params, z, batch), key)


def log_joint(vae: VAE, params, state, batch, latents, key):
  """log p(x, z), nats [B]."""
  z = latents["z"]
  return log_likelihood(vae, params, batch, z, key) + vae.prior.log_prob(params, z)


def elbo_terms(vae: VAE, params, state, batch, key):
  """(z ~ q(z | x), (mean, logvar) of q, {"reconstruction", "kl"}: nats [B], whose sum is -elbo)."""
  k_z, k_x = jax.random.split(key)
  mean, logvar = vae.posterior(params, batch)
  z = normal_sample(k_z, mean, logvar / 2)
  kl = vae.prior.kl(params, z, mean, logvar)
  reconstruction = -log_likelihood(vae, params, batch, z, k_x)
  return z, (mean, logvar), {"reconstruction": reconstruction, "kl": kl}


def loss(vae: VAE, params, state, batch, key, train, beta=1.0):
  """-log p(x | z) + beta kl, nats [B]."""
  _, _, metrics = elbo_terms(vae, params, state, batch, key)
  return metrics["reconstruction"] + beta * metrics["kl"], ({}, metrics)


def sample(vae: VAE, params, state, key, n, given={}, temperature=1.0, noise=True):
  """x ~ p(x | z), or E[x | z] without `noise`; z ~ p(z), with deviations times `temperature`."""
  k_z, k_x = jax.random.split(key)
  z = vae.prior.sample(params, k_z, n, temperature)
  out = vae.decoder(params, z, given)
  v = vae.observation.sample(params, out, k_x) if noise else vae.observation.mean(out)
  return vae.observation.to_data(v)


def free_bits_loss(vae: VAE, free_bits: float, params, state, batch, key, train, beta=1.0):
  """`loss` whose KL, in training, is at least `free_bits` nats in each dimension."""
  _, (mean, logvar), metrics = elbo_terms(vae, params, state, batch, key)
  kl = metrics["kl"]
  if train:
    # The KL of each dimension [latent], a mean over the batch, as is their sum below.
    each = kl_standard_normal(mean[..., None], logvar[..., None]).mean(0)
    kl = jnp.broadcast_to(jnp.maximum(each, free_bits).sum(), kl.shape)
  return metrics["reconstruction"] + beta * kl, ({}, metrics)


def log_prob(vae: VAE, params, state, batch, key, estimator="iwae", k=100):
  """A lower bound of log p(x), nats [B].

  "iwae" takes k importance weights and is tight for large k, "elbo" takes one. "ais" takes k
  annealing steps from the prior (Wu 2017, arXiv:1611.04273): it needs no encoder, and so tells
  whether a bad bound is the encoder's fault. Raises UserError for another estimator.
  """
  if estimator not in ESTIMATORS:
    known = ", ".join(ESTIMATORS)
    raise UserError(f"unknown estimator={estimator!r} of log_prob; there are {known}")
  if estimator == "elbo":
    return -loss(vae, params, state, batch, key, train=False)[0]
  if estimator == "ais":
    return annealed_bound(vae, params, batch, key, k)
  posterior = vae.posterior(params, batch)
  return importance_bound(partial(log_weight, vae, params, batch, posterior), key, k)


def log_weight(vae: VAE, params, batch, posterior, key):
  """log p(x, z) - log q(z | x) of a z ~ q(z | x), nats [B]; `posterior` is (mean, logvar) of q."""
  mean, logvar = posterior
  k_z, k_x = jax.random.split(key)
  z = normal_sample(k_z, mean, logvar / 2)
  log_p = log_joint(vae, params, {}, batch, {"z": z}, k_x)
  return log_p - normal_log_prob(z, mean, logvar / 2).sum(-1)


def annealed_bound(vae: VAE, params, batch, key, steps: int):
  """A lower bound of log p(x) by annealed importance sampling from the prior, nats [B]."""
  k_chain, k_x = jax.random.split(key)
  n = len(vae.observation.floats(batch))
  log_p, _ = log_marginal(
    k_chain,
    sample_prior=lambda key: vae.prior.sample(params, key, n, 1.0),
    log_prior=partial(vae.prior.log_prob, params),
    log_likelihood=lambda z: log_likelihood(vae, params, batch, z, k_x),
    betas=sigmoid_schedule(steps),
  )
  return log_p


def encode(vae: VAE, params, state, batch, key):
  """The means of q(z | x), [B, latent], and the conditions."""
  mean, _ = vae.posterior(params, batch)
  return vae.with_conditions(mean, batch)


def posterior_sample(vae: VAE, params, state, batch, key):
  """{"z": z ~ q(z | x) [B, latent]} and the conditions."""
  mean, logvar = vae.posterior(params, batch)
  return vae.with_conditions(normal_sample(key, mean, logvar / 2), batch)


def mean(vae: VAE, params, state, latents):
  """E[x | z], [B, *shape], gray levels in [0, 1]."""
  return vae.observation.mean(vae.decoder(params, latents["z"], latents))


def decode(vae: VAE, params, state, latents, key):
  """E[x | z] as a batch."""
  return vae.observation.to_data(mean(vae, params, state, latents))


def assemble(vae: VAE, loss: Callable, given: Mapping[str, Field] = {}) -> Model:
  """The Model of a VAE that is trained by `loss`."""
  parts = (log_joint, mean, posterior_sample, elbo_terms)
  return Model(
    init=lambda key, batch: (vae.init(key, batch), {}),
    loss=loss,
    sample=partial(sample, vae),
    log_prob=partial(log_prob, vae),
    encode=partial(encode, vae),
    decode=partial(decode, vae),
    likelihood=ESTIMATORS,
    given=given,
    latents=vae.latents,
    dequantization=vae.observation.dequantization,
    parts={part.__name__: partial(part, vae) for part in parts},
  )


def model(
  data,
  *,
  latent: int = 20,
  hidden: tuple[int, ...] = (400,),
  network: str = "mlp",
  likelihood: str = "bernoulli",
  scale: float = 0.0,
  free_bits: float = 0.0,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE of "image" or "x" with `latent` dimensions.

  `hidden` are the widths of the encoder, and in reverse of the decoder: of dense layers ("mlp") or
  of convolutions ("conv"). `likelihood` and `scale` are those of `_observation`, `free_bits` nats a
  dimension. Raises UserError if the data do not fit.
  """
  vae = gaussian_vae(data, latent, hidden, network, likelihood, scale, activation, dtype)
  if free_bits:
    return assemble(vae, partial(free_bits_loss, vae, free_bits))
  return assemble(vae, partial(loss, vae))
