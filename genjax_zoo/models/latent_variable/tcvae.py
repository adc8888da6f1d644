"""beta-TCVAE (Chen et al. 2018, arXiv:1802.04942): a VAE that penalises total correlation.

With q(z) = E_x q(z | x), the KL of the VAE of vae.py has three parts (eq. 2): the mutual
information of x and z, the total correlation KL(q(z) || prod_d q(z_d)), and the KL of each q(z_d)
from its prior. Only the second stands against disentangled latents:

  loss = -log p(x | z) + beta (kl + (tc - 1) total_correlation)

The total correlation is estimated from the batch, by `prob.divergences.kl_parts`, and penalised in
training alone: evaluation is that of the VAE.

Departure: q(z) is the mean over the batch, without the paper's weights for the size of the data
set.
"""

from functools import partial

from genjax_zoo.core import Model
from genjax_zoo.models.latent_variable.vae import VAE, assemble, elbo_terms, gaussian_vae
from genjax_zoo.prob.divergences import kl_parts


def loss(vae: VAE, tc: float, params, state, batch, key, train, beta=1.0):
  """-log p(x | z) + beta (kl + (tc - 1) total_correlation), nats [B]; tc = 1 in evaluation."""
  z, (mean, logvar), metrics = elbo_terms(vae, params, state, batch, key)
  _, metrics["total_correlation"], _ = kl_parts(z, mean, logvar)
  penalty = metrics["kl"] + train * (tc - 1) * metrics["total_correlation"]
  return metrics["reconstruction"] + beta * penalty, ({}, metrics)


def model(
  data,
  *,
  tc: float = 6.0,
  latent: int = 10,
  hidden: tuple[int, ...] = (400,),
  network: str = "mlp",
  likelihood: str = "bernoulli",
  scale: float = 0.0,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE whose total correlation weighs `tc`; the other arguments are those of vae.py."""
  vae = gaussian_vae(data, latent, hidden, network, likelihood, scale, activation, dtype)
  return assemble(vae, partial(loss, vae, tc))
