"""Log-probabilities, in nats, and draws of the distributions that decoders give; elementwise unless
said.

Integers x in [0, levels) stand for v = 2 x / (levels - 1) - 1 in [-1, 1], each for a cell 2 /
(levels - 1) wide around it; the cells at the edges reach to infinity, so that the masses of all
levels sum to 1. Means and scales are in units of v, the logarithms of scales held in [-30, 30],
where float32 and its gradients are finite.
"""

import math

import jax
from jax.nn import log_sigmoid, logsumexp
import jax.numpy as jnp
from jax.scipy.special import log_ndtr


def bernoulli_log_prob(x, logits):
  """log p(x) of x in {0, 1}, p(1) = sigmoid(logits); for x between, minus the cross-entropy."""
  return x * logits - jax.nn.softplus(logits)


def normal_log_prob(x, mean, log_scale):
  """log N(x; mean, exp(log_scale)^2)."""
  return -0.5 * ((x - mean) * jnp.exp(-log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)


def normal_sample(key, mean, log_scale):
  """mean + exp(log_scale) eps, eps ~ N(0, I): differentiable in both."""
  return mean + jnp.exp(log_scale) * jax.random.normal(key, jnp.shape(mean))


def categorical_log_prob(x, logits):
  """log softmax(logits)[x] of integers x [...], logits [..., K]."""
  return jnp.take_along_axis(jax.nn.log_softmax(logits), x[..., None].astype(jnp.int32), -1)[..., 0]


def gumbel_softmax_sample(key, logits, temperature):
  """softmax((logits + g) / temperature), g ~ Gumbel(0, 1): relaxed one-hot draws of
  softmax(logits), [..., K].

  The largest entry is at k with probability softmax(logits)[k]; the others vanish as `temperature`
  falls to 0 (Jang et al. 2016, 1611.01144; Maddison et al. 2016, 1611.00712).
  """
  return jax.nn.softmax((logits + jax.random.gumbel(key, logits.shape)) / temperature)


def scale(log_scale):
  """exp(log_scale), in [exp(-30), exp(30)]."""
  return jnp.exp(jnp.clip(log_scale, -30.0, 30.0))


def cell(x, mean, log_scale, levels: int):
  """(centre, width) of the cell of x, standardised: centre = (v - mean) / scale, width = 2 /
  (levels - 1) / scale.
  """
  inverse = 1 / scale(log_scale)
  return (2 * x.astype(jnp.float32) / (levels - 1) - 1 - mean) * inverse, 2 / (levels - 1) * inverse


def nearest_level(v, levels: int):
  """The int32 level in whose cell v lies."""
  return jnp.clip(jnp.round((v + 1) / 2 * (levels - 1)), 0, levels - 1).astype(jnp.int32)


def discretized_logistic_log_prob(x, mean, log_scale, levels: int):
  """log of the mass that a logistic gives the cell of x (PixelCNN++, 1701.05517, eq. 2).

  With a < b the standardised ends, log(sigmoid(b) - sigmoid(a)) is log sigmoid(b) + log sigmoid(-a)
  + log(1 - exp(a - b)), exact in both tails. An infinite end drops its term and the last.
  """
  centre, width = cell(x, mean, log_scale, levels)
  below = jnp.where(x > 0, log_sigmoid(width / 2 - centre), 0.0)
  above = jnp.where(x < levels - 1, log_sigmoid(width / 2 + centre), 0.0)
  return below + above + jnp.where((x > 0) & (x < levels - 1), jnp.log(-jnp.expm1(-width)), 0.0)


def discretized_logistic_sample(key, mean, log_scale, levels: int):
  """Integers in [0, levels), int32."""
  return nearest_level(mean + scale(log_scale) * jax.random.logistic(key, jnp.shape(mean)), levels)


def discretized_logistic_mixture_log_prob(x, logits, mean, log_scale, levels: int):
  """The same of a mixture over the last axis: x [...], and logits, mean, log_scale [..., K] ->
  [...].
  """
  components = discretized_logistic_log_prob(x[..., None], mean, log_scale, levels)
  return logsumexp(jax.nn.log_softmax(logits) + components, -1)


def discretized_logistic_mixture_sample(key, logits, mean, log_scale, levels: int):
  """Integers in [0, levels), int32 [...], of a mixture over the last axis: logits, mean, log_scale
  [..., K].
  """
  k_which, k_x = jax.random.split(key)
  which = jax.random.categorical(k_which, logits)[..., None]
  mean, log_scale = (jnp.take_along_axis(a, which, -1)[..., 0] for a in (mean, log_scale))
  return discretized_logistic_sample(k_x, mean, log_scale, levels)


def discretized_normal_log_prob(x, mean, log_scale, levels: int):
  """log of the mass that a Gaussian gives the cell of x (DDPM, 2006.11239, eq. 13).

  With a < b the standardised ends and Phi the normal's distribution function, log(Phi(b) - Phi(a))
  is log Phi(b) + log(1 - exp(log Phi(a) - log Phi(b))) left of the mean, and its mirror image on
  the right. In a narrow cell of width w around c the difference is lost in rounding; the Taylor
  series of the density phi gives its mass there, w phi(c) (1 + w^2 (c^2 - 1) / 24 + w^4 (c^4 - 6
  c^2 + 3) / 1920).
  """
  centre, width = cell(x, mean, log_scale, levels)
  first, last = x == 0, x == levels - 1
  narrow = ~(first | last) & (width < 0.5) & (width * jnp.abs(centre) < 0.5)
  # Every branch stays finite where it is not taken: so do the gradients.
  c, w = jnp.where(narrow, centre, 0.0), jnp.where(narrow, width, 1.0)
  series = w**2 * (c**2 - 1) / 24 + w**4 * (c**4 - 6 * c**2 + 3) / 1920
  taylor = jnp.log(w) + jnp.log1p(series) - 0.5 * c**2 - 0.5 * math.log(2 * math.pi)
  w = jnp.where(narrow, 1.0, width)
  left = jnp.where(first, centre, jnp.where(last, -centre, -jnp.abs(centre)))
  log_b = log_ndtr(left + w / 2)
  # log Phi is concave, and its slope at b is at least -b: a bound that rounding may not pass, far
  # in the tail.
  drop = jnp.minimum(log_ndtr(left - w / 2) - log_b, w * jnp.minimum(left + w / 2, 0.0))
  inside = jnp.log(-jnp.expm1(jnp.where(first | last, -1.0, drop)))
  return jnp.where(narrow, taylor, log_b + jnp.where(first | last, 0.0, inside))


def log_mean_exp(x, axis: int = 0):
  """log of the mean of exp(x) over an axis."""
  return logsumexp(x, axis) - math.log(x.shape[axis])
