"""Log-probabilities, in nats, and draws of the distributions that decoders give; elementwise unless said."""

import math

import jax
import jax.numpy as jnp


def bernoulli_log_prob(x, logits):
  """log p(x) of x in {0, 1}, p(1) = sigmoid(logits)."""
  return x * logits - jax.nn.softplus(logits)


def normal_log_prob(x, mean, log_scale):
  """log N(x; mean, exp(log_scale)^2)."""
  return -0.5 * ((x - mean) * jnp.exp(-log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)


def categorical_log_prob(x, logits):
  """log softmax(logits)[x] of integers x [...], logits [..., K]."""
  return jnp.take_along_axis(jax.nn.log_softmax(logits), x[..., None].astype(jnp.int32), -1)[..., 0]


def discretized_logistic_log_prob(x, mean, log_scale, levels: int):
  """The mass that a logistic on [-1, 1] gives the cell of x, integers in [0, levels) (PixelCNN++, 1701.05517, eq. 2).

  Cells are 2 / (levels - 1) wide around 2 x / (levels - 1) - 1; those at the edges reach to infinity, so that the
  masses sum to 1. With a, b the standardised ends, log(sigmoid(b) - sigmoid(a)) is
  log sigmoid(b) + log sigmoid(-a) + log(1 - exp(a - b)), exact in both tails.
  """
  v = 2 * x.astype(jnp.float32) / (levels - 1) - 1
  half = jnp.exp(-log_scale) / (levels - 1)
  middle = (v - mean) * jnp.exp(-log_scale)
  below = jnp.where(x == 0, 0.0, jax.nn.log_sigmoid(-(middle - half)))
  above = jnp.where(x == levels - 1, 0.0, jax.nn.log_sigmoid(middle + half))
  inside = jnp.where((x == 0) | (x == levels - 1), 0.0, jnp.log(-jnp.expm1(-2 * half)) + 0 * middle)
  return below + above + inside


def log_mean_exp(x, axis: int = 0):
  """log of the mean of exp(x) over an axis."""
  return jax.nn.logsumexp(x, axis) - math.log(x.shape[axis])
