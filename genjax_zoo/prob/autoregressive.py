"""The chain rule, p(x) = prod_i p(x_i | x_1 .. x_{i-1}): heads for its conditionals, and sampling
one by one.

Integers x [B, D] in [0, levels) stand in a fixed order; for images it is raster order: rows, then
columns, then channels (R, G, B), the order of a reshape of [B, H, W, C]. A network gives numbers
[B, D, K], whose row i depends on the x before i only, and a head says what law of x_i they stand
for.
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
  """The law of an integer in [0, levels) that K numbers stand for."""

  outputs: int  # K
  log_prob: Callable  # (x [...], numbers [..., K]) -> nats [...]
  # numbers [..., K] -> log-probabilities of all levels, but for a constant, [..., levels]
  logits: Callable


def logistics(numbers):
  """(logits, mean, log_scale), each [..., M], of numbers [..., 3 M]; a number of 0 is a scale of
  exp(-2).
  """
  logits, mean, log_scale = jnp.split(numbers, 3, -1)
  return logits, mean, log_scale - 2


def head(levels: int, mixtures: int = 0) -> Head:
  """A Bernoulli for 2 levels, else a softmax over all; or a mixture of so many discretised
  logistics.

  A Bernoulli has one number, p(1) = sigmoid(number). The mixture's are those of `logistics`
  (PixelCNN++, 1701.05517, eq. 2), in units of 2 x / (levels - 1) - 1: at first a component covers a
  tenth of the levels.
  """
  if mixtures:
    nats = lambda x, out: discretized_logistic_mixture_log_prob(x, *logistics(out), levels)
    every = lambda out: nats(
      jnp.broadcast_to(jnp.arange(levels), (*out.shape[:-1], levels)), out[..., None, :]
    )
    return Head(3 * mixtures, nats, every)
  if levels == 2:
    pair = lambda out: jnp.concatenate([jnp.zeros_like(out), out], -1)
    return Head(1, lambda x, out: bernoulli_log_prob(x, out[..., 0]), pair)
  return Head(levels, categorical_log_prob, lambda out: out)


def restrict(logits, temperature=1.0, top_k: int = 0, top_p=None):
  """Logits [..., levels] of what sampling draws from: sharpened, then cut to the most probable
  values.

  They are divided by `temperature` (0 takes the most probable value); then only the `top_k` most
  probable values stay, and of these the fewest whose mass reaches `top_p` (Holtzman et al. 2019,
  1904.09751). 0 and None keep all.
  """
  logits = logits / jnp.maximum(temperature, 1e-6)
  if top_k:
    least = jax.lax.top_k(logits, min(top_k, logits.shape[-1]))[0][..., -1:]
    logits = jnp.where(logits >= least, logits, -jnp.inf)
  if top_p is not None:
    p = jax.nn.softmax(logits)
    falling = -jnp.sort(-p)
    # The mass of the values more probable than this one.
    before = jnp.cumsum(falling, -1) - falling
    least = jnp.where(before < top_p, falling, 1.0).min(-1, keepdims=True)
    logits = jnp.where(p >= least, logits, -jnp.inf)
  return logits


def choose(law: Head, **options) -> Callable:
  """How `ancestral` draws by the law: (key, numbers [B, K]) -> (integers [B], nats [B]); `options`
  of `restrict`.
  """

  def draw(key, numbers):
    logits = restrict(law.logits(numbers), **options)
    x = jax.random.categorical(key, logits)
    return x, categorical_log_prob(x, logits)

  return draw


def known(given, name: str, n: int, shape):
  """(x int32 [n, D], keep bool [n, D]): what sampling is given of the data and must not change.

  given[name] [n, *shape] is kept where given["keep"] [n, *shape] is not 0; without "keep", in the
  first half of the order, which is the upper half of an image. Where nothing is given, nothing is
  kept.
  """
  dim = math.prod(shape)
  if name not in given:
    return jnp.zeros((n, dim), jnp.int32), jnp.zeros((n, dim), bool)
  first_half = jnp.broadcast_to(jnp.arange(dim) < dim // 2, (n, dim))
  keep = jnp.asarray(given["keep"]).reshape(n, dim) != 0 if "keep" in given else first_half
  return jnp.asarray(given[name], jnp.int32).reshape(n, dim), keep


def ancestral(key, step, carry, x, keep, choose, order=None):
  """(x [B, D], nats [B]): x drawn dimension by dimension, and the log-probability of the draws.

  step(carry, x, i) -> (numbers [B, K], carry) is the conditional of dimension i; it must not look
  at what comes later in `order` (0 .. D-1 unless given). choose(key, numbers) -> (integers [B],
  nats [B]) draws it. Values to `keep` stand and cost no nats: completion is exact where they come
  first in the order; elsewhere what is drawn before them does not know them.
  """
  dim = x.shape[1]

  def draw(state, i_key):
    (x, carry, nats), (i, key) = state, i_key
    numbers, carry = step(carry, x, i)
    drawn, cost = choose(key, numbers)
    value = jnp.where(keep[:, i], x[:, i], drawn.astype(x.dtype))
    return (x.at[:, i].set(value), carry, nats + jnp.where(keep[:, i], 0.0, cost)), None

  order = jnp.arange(dim) if order is None else order
  (x, _, nats), _ = jax.lax.scan(
    draw, (x, carry, jnp.zeros(len(x))), (order, jax.random.split(key, dim))
  )
  return x, nats
