"""Closed-form divergences of diagonal Gaussians and of Bernoulli distributions, in nats.

The last axis is summed over: [..., D] -> [...]. Gaussians are given by mean and log variance,
logvar = log s^2.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.prob.distributions import normal_log_prob


def kl_standard_normal(mean: jax.Array, logvar: jax.Array) -> jax.Array:
  """KL(N(mean, s^2) || N(0, 1)) = 1/2 sum(s^2 + mean^2 - log s^2 - 1); [..., D] -> [...].

  Kingma & Welling 2014 (1312.6114, appendix B).

  Errata of the slides: docs/errata.md#divergences
  """
  return 0.5 * (jnp.exp(logvar) + mean**2 - logvar - 1).sum(-1)


def kl_normal(
  mean: jax.Array, logvar: jax.Array, mean2: jax.Array, logvar2: jax.Array
) -> jax.Array:
  """KL(N(mean, s^2) || N(mean2, s2^2)), [..., D] -> [...].

  With r = s^2 / s2^2 it is 1/2 sum(r + (mean - mean2)^2 / s2^2 - log r - 1).
  """
  return kl_standard_normal((mean - mean2) * jnp.exp(-0.5 * logvar2), logvar - logvar2)


def kl_bernoulli(logits: jax.Array, logits2: jax.Array) -> jax.Array:
  """KL(Bernoulli(p) || Bernoulli(p2)), p = sigmoid(logits), [..., D] -> [...].

  It is sum p log p/p2 + (1 - p) log (1 - p)/(1 - p2).
  """
  p = jax.nn.sigmoid(logits)
  log_ratio_of_1 = jax.nn.log_sigmoid(logits) - jax.nn.log_sigmoid(logits2)
  log_ratio_of_0 = jax.nn.log_sigmoid(-logits) - jax.nn.log_sigmoid(-logits2)
  return (p * log_ratio_of_1 + (1 - p) * log_ratio_of_0).sum(-1)


def kl_parts(
  z: jax.Array, mean: jax.Array, logvar: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """(mutual information, total correlation, dimension-wise KL), [B] each, of z ~ q(z | x).

  Their sum is log q(z | x) - log p(z) at z [B, D], with q(z | x) = N(mean, exp(logvar)),
  p(z) = N(0, I) and q(z) = E_x q(z | x):

    log q(z | x) - log q(z),   log q(z) - sum_d log q(z_d),   sum_d log q(z_d) - log p(z_d)

  (Chen et al. 2018, 1802.04942, eq. 2). E_x is the mean over the batch. The estimate is biased
  towards more mutual information, at most log B, since an example's own posterior is one of the B.
  """
  # [B, B, D]: z_i under q(z | x_j).
  pairs = normal_log_prob(z[:, None], mean[None], logvar[None] / 2)
  log_n = math.log(len(z))
  log_q = jax.nn.logsumexp(pairs.sum(-1), 1) - log_n
  log_marginals = (jax.nn.logsumexp(pairs, 1) - log_n).sum(-1)
  log_posterior = normal_log_prob(z, mean, logvar / 2).sum(-1)
  log_prior = normal_log_prob(z, 0.0, 0.0).sum(-1)
  return log_posterior - log_q, log_q - log_marginals, log_marginals - log_prior
