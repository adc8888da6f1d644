"""What a decoder's outputs say of x, p(x | z): what the latent-variable models of gray levels and
numbers share.

p(x | z) is "bernoulli" for binary data, "discretized_logistic" (Salimans 2017) for integers, and
"gaussian" for real numbers, or for integers as the mass that a Gaussian gives their cells, bounded
by uniform dequantisation: all are nats of the data themselves. Gray levels are v = image / (levels
- 1) in [0, 1].
"""

from collections.abc import Callable
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import UserError
from genjax_zoo.models._form import entry
from genjax_zoo.prob.distributions import (
  bernoulli_log_prob,
  discretized_logistic_log_prob,
  normal_log_prob,
)

LIKELIHOODS = "bernoulli", "gaussian", "discretized_logistic"


class Observation(NamedTuple):
  """The law of x given a decoder's outputs `out` [B, *shape]: logits of v for gray levels, else the
  mean.
  """

  params: Callable  # () -> {"log_scale": [C]}, or {} where nothing is learned
  floats: Callable  # batch -> [B, *shape], gray levels as v
  to_data: Callable  # v -> batch, the reverse
  log_prob: Callable  # (params, batch, out, key) -> nats [B]
  mean: Callable  # out -> [B, *shape], gray levels as v
  draw: Callable  # (params, out, key) -> [B, *shape], gray levels as v
  dequantization: str | None


def check(likelihood: str, field):
  """Raises UserError where the data do not fit the likelihood."""
  if likelihood not in LIKELIHOODS:
    raise UserError(f"unknown model.likelihood={likelihood!r}; there are {', '.join(LIKELIHOODS)}")
  if likelihood == "bernoulli" and field.num_values != 2:
    has = f"{field.num_values} levels" if field.num_values else "real numbers"
    raise UserError(
      f"model.likelihood='bernoulli' wants 2 levels and the data have {has}: set data.binarize, or "
      f"model.likelihood={'discretized_logistic' if field.num_values else 'gaussian'!r}"
    )
  if likelihood == "discretized_logistic" and not field.num_values:
    raise UserError(
      "model.likelihood='discretized_logistic' wants integers: take 'gaussian' for real numbers"
    )


def observation(data, likelihood: str, scale: float) -> Observation:
  """`scale` is the standard deviation of the Gaussian, or the logistic's scale, in units of v; 0
  learns one a channel.

  Raises UserError where the data do not fit.
  """
  name, field = entry(data)
  shape, form, levels = field[:3]
  check(likelihood, field)
  learned = likelihood != "bernoulli" and not scale

  def params():
    return {"log_scale": jnp.full(shape[-1:], -2.0 if levels else 0.0)} if learned else {}

  def floats(batch):
    x = batch[name].astype(jnp.float32)
    return x / (levels - 1) if levels else x

  def to_data(v):
    return {name: (jnp.round(jnp.clip(v, 0, 1) * (levels - 1)) if levels else v).astype(form)}

  def mean(out):
    return jax.nn.sigmoid(out) if levels else out

  def log_scale(params, out):
    return jnp.broadcast_to(params["log_scale"] if learned else math.log(scale or 1), out.shape)

  def log_prob(params, batch, out, key):
    """log p(x | z), nats [B]."""
    if likelihood == "bernoulli":
      log_p = bernoulli_log_prob(floats(batch), out)
    elif likelihood == "discretized_logistic":
      log_p = discretized_logistic_log_prob(
        batch[name], 2 * mean(out) - 1, log_scale(params, out) + math.log(2), levels
      )
    elif levels:
      # The cell of v is 1 / (levels - 1) wide.
      u = jax.random.uniform(key, out.shape, minval=-0.5, maxval=0.5)
      v = floats(batch) + u / (levels - 1)
      log_p = normal_log_prob(v, mean(out), log_scale(params, out)) - math.log(levels - 1)
    else:
      log_p = normal_log_prob(floats(batch), out, log_scale(params, out))
    return log_p.reshape(len(out), -1).sum(-1)

  def draw(params, out, key):
    if likelihood == "bernoulli":
      return jax.random.bernoulli(key, mean(out)).astype(out.dtype)
    noise = jax.random.normal if likelihood == "gaussian" else jax.random.logistic
    return mean(out) + jnp.exp(log_scale(params, out)) * noise(key, out.shape)

  filled = "uniform" if likelihood == "gaussian" and levels else None
  return Observation(params, floats, to_data, log_prob, mean, draw, filled)
