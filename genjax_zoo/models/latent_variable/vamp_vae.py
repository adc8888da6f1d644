"""VAE with a mixture of posteriors as its prior (VampPrior, Tomczak 2017, arXiv:1705.07120).

The prior that maximises the ELBO is the aggregate posterior E_x q(z | x), which overfits and is
expensive. A mixture of the posteriors of K learned pseudo-inputs u_k takes its place:

  p(z) = 1/K sum_k q(z | u_k),   kl = log q(z | x) - log p(z) at the z that is decoded

The rest is vae.py.

Departures: one layer of latents; as many gray levels as the data have, where the paper has binary
data; pseudo-inputs start at random, u_k = mean(N(0, I)).
"""

from functools import partial

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models._form import entry
from genjax_zoo.models.latent_variable.vae import VAE, Prior, assemble, gaussian_vae, loss
from genjax_zoo.prob.distributions import log_mean_exp, normal_log_prob, normal_sample


def vamp_prior(vae: VAE) -> Prior:
  """p(z) = 1/K sum_k q(z | u_k); params["inputs"] [K, *shape] are decoder outputs, of mean u_k."""

  def components(params):
    """(mean, logvar) of q(z | u_k), each [K, latent]."""
    return vae.encoder(params, vae.observation.mean(params["inputs"]), {})

  def log_prob(params, z):
    mean, logvar = components(params)
    each = normal_log_prob(z[:, None], mean[None], logvar[None] / 2).sum(-1)
    return log_mean_exp(each, 1)

  def sample(params, key, n, temperature):
    k_component, k_z = jax.random.split(key)
    component = jax.random.randint(k_component, (n,), 0, len(params["inputs"]))
    mean, logvar = components(params)
    return normal_sample(k_z, mean[component], logvar[component] / 2 + jnp.log(temperature))

  def kl(params, z, mean, logvar):
    return normal_log_prob(z, mean, logvar / 2).sum(-1) - log_prob(params, z)

  return Prior(log_prob, sample, kl)


def model(
  data,
  *,
  components: int = 500,
  latent: int = 20,
  hidden: tuple[int, ...] = (400,),
  network: str = "mlp",
  likelihood: str = "bernoulli",
  scale: float = 0.0,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE whose prior has `components` pseudo-inputs; the other arguments are those of vae.py."""
  plain = gaussian_vae(data, latent, hidden, network, likelihood, scale, activation, dtype)
  _, field = entry(data)

  def init(key, batch):
    _, _, k_inputs = jax.random.split(key, 3)
    inputs = jax.random.normal(k_inputs, (components, *field.shape))
    return plain.init(key, batch) | {"inputs": inputs}

  vae = plain._replace(init=init, prior=vamp_prior(plain))
  return assemble(vae, partial(loss, vae))
