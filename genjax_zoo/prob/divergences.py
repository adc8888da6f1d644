"""Closed forms of divergences between diagonal Gaussians and between categorical distributions, in
nats.

The last axis is summed over: [..., D] -> [...]. Gaussians are given by mean and log variance,
logvar = log s^2.
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import rel_entr

from genjax_zoo.prob.distributions import normal_log_prob


def kl_standard_normal(mean: jax.Array, logvar: jax.Array) -> jax.Array:
  """KL(N(mean, s^2) || N(0, 1)) = 1/2 sum(s^2 + mean^2 - log s^2 - 1); mean, logvar: [..., D] ->
  [...].

  Kingma & Welling 2014 (1312.6114, appendix B). A slide has sum(s^2 + mean^2 - log s - 1): without
  the 1/2, and with log s for log s^2, which makes s^2 = 1/2 the minimum and so pulls every
  posterior away from the prior.
  """
  return 0.5 * (jnp.exp(logvar) + mean**2 - logvar - 1).sum(-1)


def kl_normal(
  mean: jax.Array, logvar: jax.Array, mean2: jax.Array, logvar2: jax.Array
) -> jax.Array:
  """KL(N(mean, s^2) || N(mean2, s2^2)) = 1/2 sum(r + (mean - mean2)^2 / s2^2 - log r - 1), r = s^2
  / s2^2; -> [...].
  """
  return kl_standard_normal((mean - mean2) * jnp.exp(-0.5 * logvar2), logvar - logvar2)


def kl_bernoulli(logits: jax.Array, logits2: jax.Array) -> jax.Array:
  """KL(Bernoulli(p) || Bernoulli(p2)) = sum p log p/p2 + (1 - p) log (1 - p)/(1 - p2), p =
  sigmoid(logits).
  """
  p, log_sigmoid = jax.nn.sigmoid(logits), jax.nn.log_sigmoid
  one, zero = (
    log_sigmoid(logits) - log_sigmoid(logits2),
    log_sigmoid(-logits) - log_sigmoid(-logits2),
  )
  return (p * one + (1 - p) * zero).sum(-1)


def kl_uniform(logits: jax.Array) -> jax.Array:
  """KL(softmax(logits) || uniform) = log K - H(softmax(logits)); finite logits [..., K] -> [...]."""
  log_p = jax.nn.log_softmax(logits)
  return math.log(logits.shape[-1]) + (jnp.exp(log_p) * log_p).sum(-1)


def jensen_shannon(p: jax.Array, q: jax.Array) -> jax.Array:
  """JS(p, q) = 1/2 KL(p || m) + 1/2 KL(q || m), m = (p + q)/2, in [0, log 2]; probabilities [...,
  K] -> [...].

  Zero probabilities are allowed. Lin 1991 (IEEE Trans. Inf. Theory 37). The loss of an optimal GAN
  critic is 2 JS - 2 log 2 (Goodfellow et al. 2014, 1406.2661, theorem 1).
  """
  m = 0.5 * (p + q)
  return 0.5 * (rel_entr(p, m) + rel_entr(q, m)).sum(-1)


def kl_parts(
  z: jax.Array, mean: jax.Array, logvar: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """(mutual information, total correlation, dimension-wise KL), [B] each, whose sum is log q(z | x)
  - log p(z).

  z [B, D] are draws of q(z | x) = N(mean, exp(logvar)), p(z) = N(0, I), and q(z) = E_x q(z | x):
    log q(z | x) - log q(z),   log q(z) - sum_d log q(z_d),   sum_d log q(z_d) - log p(z_d)
  (Chen et al. 2018, 1802.04942, eq. 2). q is the mean over the batch, which is biased by its size:
  towards more mutual information, at most log B, since an example's own posterior is among the B.
  """
  # [B, B, D]: z_i under q(z | x_j).
  each = normal_log_prob(z[:, None], mean[None], logvar[None] / 2)
  n = math.log(len(z))
  q = jax.nn.logsumexp(each.sum(-1), 1) - n
  product = (jax.nn.logsumexp(each, 1) - n).sum(-1)
  given, prior = normal_log_prob(z, mean, logvar / 2).sum(-1), normal_log_prob(z, 0.0, 0.0).sum(-1)
  return given - q, q - product, product - prior
