"""The chain rule, p(x) = prod_i p(x_i | x_1 .. x_{i-1}): conditional distributions and sampling.

Integers x [B, D] in [0, num_values) have a fixed order. For images it is the raster order, that of
a reshape of [B, H, W, C]: rows, then columns, then channels (R, G, B). A network's outputs are
[B, D, K]; its row i depends on the x before i alone, and a `Head` makes p(x_i | x_1 .. x_{i-1}) of
these K outputs.
"""

from collections.abc import Callable
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.prob.distributions import (
  bernoulli_log_prob,
  categorical_log_prob,
  discretized_logistic_mixture_log_prob,
)


class Head(NamedTuple):
  """The distribution of an integer in [0, num_values), given K outputs of a network."""

  outputs: int  # K
  log_prob: Callable  # (x [...], outputs [..., K]) -> log p(x), nats [...].
  logits: Callable  # outputs [..., K] -> logits of all values, [..., num_values].


def head(num_values: int, mixtures: int = 0) -> Head:
  """A Bernoulli for 2 values, a softmax for more; or `mixtures` discretized logistics."""
  if mixtures:
    return logistic_mixture_head(num_values, mixtures)
  if num_values == 2:
    return bernoulli_head()
  return Head(num_values, categorical_log_prob, lambda logits: logits)


def bernoulli_head() -> Head:
  """p(1) = sigmoid(output): one output."""

  def log_prob(x, outputs):
    return bernoulli_log_prob(x, outputs[..., 0])

  def logits(outputs):
    return jnp.concatenate([jnp.zeros_like(outputs), outputs], -1)

  return Head(1, log_prob, logits)


def logistic_mixture_head(num_values: int, mixtures: int) -> Head:
  """A mixture of discretized logistics: 3 outputs a component (PixelCNN++, 1701.05517, eq. 2)."""

  def log_prob(x, outputs):
    return discretized_logistic_mixture_log_prob(x, *mixture_parameters(outputs), num_values)

  def logits(outputs):
    values = jnp.broadcast_to(jnp.arange(num_values), (*outputs.shape[:-1], num_values))
    return log_prob(values, outputs[..., None, :])

  return Head(3 * mixtures, log_prob, logits)


def mixture_parameters(outputs):
  """(logits, mean, log_scale), each [..., M], of outputs [..., 3 M].

  In units of 2 x / (num_values - 1) - 1. Outputs of 0 give a scale of exp(-2), so that at first
  what is within a standard deviation of a component's mean is a quarter of the values.
  """
  logits, mean, log_scale = jnp.split(outputs, 3, -1)
  return logits, mean, log_scale - 2


def restrict(logits, temperature=1.0, top_k: int = 0, top_p=None):
  """Logits [..., num_values] to sample from: sharpened, and cut to the most probable values.

  They are divided by `temperature`; 0 takes the most probable value. Then only the `top_k` most
  probable values are kept, and of these the fewest whose total probability reaches `top_p` (nucleus
  sampling, Holtzman et al. 2019, 1904.09751). The defaults keep all values.
  """
  logits = logits / jnp.maximum(temperature, 1e-6)
  if top_k:
    least = jax.lax.top_k(logits, min(top_k, logits.shape[-1]))[0][..., -1:]
    logits = jnp.where(logits >= least, logits, -jnp.inf)
  if top_p is not None:
    p = jax.nn.softmax(logits)
    descending = -jnp.sort(-p)
    # The total probability of the values more probable than this one.
    before = jnp.cumsum(descending, -1) - descending
    least = jnp.where(before < top_p, descending, 1.0).min(-1, keepdims=True)
    logits = jnp.where(p >= least, logits, -jnp.inf)
  return logits


def sampler(distribution: Head, **options) -> Callable:
  """The function (key, outputs [B, K]) -> (x [B], log p(x) [B]); `options` of `restrict`."""

  def sample(key, outputs):
    logits = restrict(distribution.logits(outputs), **options)
    x = jax.random.categorical(key, logits)
    return x, categorical_log_prob(x, logits)

  return sample


def fixed_values(given, name: str, n: int, shape):
  """(x int32 [n, D], keep bool [n, D]): the values that sampling must not change, and where.

  They are given[name] [n, *shape] where given["keep"] [n, *shape] is not 0; without "keep", in the
  first half of the order, which is the upper half of an image. Without given[name] there are none.
  """
  dim = math.prod(shape)
  if name not in given:
    return jnp.zeros((n, dim), jnp.int32), jnp.zeros((n, dim), bool)
  if "keep" in given:
    keep = jnp.asarray(given["keep"]).reshape(n, dim) != 0
  else:
    keep = jnp.broadcast_to(jnp.arange(dim) < dim // 2, (n, dim))
  return jnp.asarray(given[name], jnp.int32).reshape(n, dim), keep


def ancestral(key, conditional, carry, x, keep, sample, order=None):
  """(x [B, D], log p [B]): x sampled one dimension after the other, and its log-probability, nats.

  conditional(carry, x, i) -> (outputs [B, K], carry) parametrizes p(x_i | x before i); it must not
  depend on what is later in `order`, by default 0 .. D-1. sample(key, outputs) -> (x_i [B], log
  p(x_i) [B]). Values to `keep` are not sampled and add nothing to log p. Completion is exact where
  they come first in the order; values sampled before them are not conditioned on them.
  """
  dim = x.shape[1]
  if order is None:
    order = jnp.arange(dim)

  def step(state, i_and_key):
    x, carry, log_p = state
    i, key = i_and_key
    outputs, carry = conditional(carry, x, i)
    sampled, log_p_i = sample(key, outputs)
    x_i = jnp.where(keep[:, i], x[:, i], sampled.astype(x.dtype))
    log_p += jnp.where(keep[:, i], 0.0, log_p_i)
    return (x.at[:, i].set(x_i), carry, log_p), None

  start = x, carry, jnp.zeros(len(x))
  (x, _, log_p), _ = jax.lax.scan(step, start, (order, jax.random.split(key, dim)))
  return x, log_p
