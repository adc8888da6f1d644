"""The decoder's distribution p(x | z), for the latent-variable models of images and of points.

  "bernoulli"             binary images
  "discretized_logistic"  integers: the mass of their cells under a logistic distribution
                          (Salimans 2017, arXiv:1701.05517)
  "gaussian"              real numbers; of integers, a lower bound of the mass of their cells by
                          uniform dequantization

All log-probabilities are in nats, of the data themselves. Gray levels enter as
v = x / (num_values - 1) in [0, 1], and a decoder outputs the logits of E[v | z]; for real numbers
v = x, and it outputs E[v | z] itself.
"""

from collections.abc import Callable
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import entry
from genjax_zoo.prob.distributions import (
  bernoulli_log_prob,
  bernoulli_sample,
  discretized_logistic_log_prob,
  in_line,
  normal_log_prob,
)


class Observation(NamedTuple):
  """p(x | z) given a decoder's outputs `out` [B, *shape]; v is [B, *shape] too."""

  init: Callable  # () -> {"log_scale": [C]}, or {} if the scale is not learned.
  floats: Callable  # batch -> v.
  to_data: Callable  # v -> batch, rounded to gray levels.
  log_prob: Callable  # (params, batch, out, key) -> log p(x | z), nats [B].
  mean: Callable  # out -> E[v | z].
  sample: Callable  # (params, out, key) -> v ~ p(v | z).
  dequantization: str | None  # That of `log_prob`.


def bernoulli(x, out, log_scale, key, num_values):
  """log p(x | z) of binary x, elementwise."""
  return bernoulli_log_prob(unit(x, num_values), out)


def discretized_logistic(x, out, log_scale, key, num_values):
  """log p(x | z) of integers x, elementwise."""
  # That of prob.distributions has its mean and scale in [-1, 1], twice as wide as the range of v.
  mean = 2 * jax.nn.sigmoid(out) - 1
  return discretized_logistic_log_prob(x, mean, log_scale + math.log(2), num_values)


def gaussian(x, out, log_scale, key, num_values):
  """log p(x | z), elementwise; of integers one draw of a lower bound, by uniform dequantization."""
  if not num_values:
    return normal_log_prob(unit(x, None), out, log_scale)
  # A gray level is 1 / (num_values - 1) wide: p(x) is the density of v times this width.
  u = in_line(jax.random.uniform, key, out.shape) - 0.5
  v = unit(x, num_values) + u / (num_values - 1)
  return normal_log_prob(v, jax.nn.sigmoid(out), log_scale) - math.log(num_values - 1)


LOG_PROBS = {
  "bernoulli": bernoulli,
  "gaussian": gaussian,
  "discretized_logistic": discretized_logistic,
}


def unit(x, num_values: int | None):
  """v of x: integers in [0, num_values) as floats in [0, 1]; real numbers as they are."""
  x = x.astype(jnp.float32)
  return x / (num_values - 1) if num_values else x


def from_unit(v, field: Field):
  """x of v, of the data's dtype: gray levels clipped and rounded."""
  if field.num_values:
    v = jnp.round(jnp.clip(v, 0, 1) * (field.num_values - 1))
  return v.astype(field.dtype)


def check(likelihood: str, field: Field):
  """Raises UserError if the data do not fit the likelihood."""
  if likelihood not in LOG_PROBS:
    raise UserError(f"unknown model.likelihood={likelihood!r}; there are {', '.join(LOG_PROBS)}")
  if likelihood == "bernoulli" and field.num_values != 2:
    has = f"{field.num_values} gray levels" if field.num_values else "real numbers"
    instead = "discretized_logistic" if field.num_values else "gaussian"
    raise UserError(
      f"model.likelihood='bernoulli' needs 2 gray levels, but the data have {has}: "
      f"set data.binarize, or model.likelihood={instead!r}"
    )
  if likelihood == "discretized_logistic" and not field.num_values:
    raise UserError(
      "model.likelihood='discretized_logistic' needs integers: take 'gaussian' for real numbers"
    )


def observation(data, likelihood: str, scale: float) -> Observation:
  """The likelihood of "image" or "x".

  `scale`, in units of v, is the standard deviation of the Gaussian or the scale of the logistic
  distribution; 0 learns one for each channel. Raises UserError if the data do not fit.
  """
  name, field = entry(data)
  check(likelihood, field)
  num_values = field.num_values
  learned = likelihood != "bernoulli" and not scale

  def init():
    log_scale = -2.0 if num_values else 0.0
    return {"log_scale": jnp.full(field.shape[-1:], log_scale)} if learned else {}

  def log_scale(params, out):
    fixed = math.log(scale or 1)  # Of "bernoulli", which has none, any value.
    return jnp.broadcast_to(params["log_scale"] if learned else fixed, out.shape)

  def mean(out):
    return jax.nn.sigmoid(out) if num_values else out

  def log_prob(params, batch, out, key):
    log_p = LOG_PROBS[likelihood](batch[name], out, log_scale(params, out), key, num_values)
    return log_p.reshape(len(out), -1).sum(-1)

  def sample(params, out, key):
    if likelihood == "bernoulli":
      return bernoulli_sample(key, mean(out)).astype(out.dtype)
    noise = jax.random.normal if likelihood == "gaussian" else jax.random.logistic
    return mean(out) + jnp.exp(log_scale(params, out)) * in_line(noise, key, out.shape)

  return Observation(
    init,
    floats=lambda batch: unit(batch[name], num_values),
    to_data=lambda v: {name: from_unit(v, field)},
    log_prob=log_prob,
    mean=mean,
    sample=sample,
    dequantization="uniform" if likelihood == "gaussian" and num_values else None,
  )
