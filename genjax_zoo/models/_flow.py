"""What all normalizing flows share: a Model from a bijector f and a prior p_z.

  log p(x) = log p_z(f(x)) + log |det df/dx|,   x = f^-1(z), z ~ p_z

Maximum likelihood: loss = -log p(x). A density of integers would grow without end, so noise fills their cells, v =
(x + u) / levels with u ~ U[0, 1)^D, and by Jensen's inequality (Theis et al. 2016, arXiv:1511.01844, eq. 8)

  log p(x) >= E_u log p(v) - D log levels

a bound in nats of the integers themselves, exact for real numbers. The deck (D, line 213) calls the left side
p_data(x): it is the model's density; p_data is unknown.
"""

from collections.abc import Callable
import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.prob.distributions import normal_log_prob

PRIORS = {  # (log p of each number, draw)
  "normal": (lambda z: normal_log_prob(z, 0.0, 0.0), jax.random.normal),
  "logistic": (lambda z: -jax.nn.softplus(z) - jax.nn.softplus(-z), jax.random.logistic),
}


def flow(data, initialize: Callable, bijector: Callable, prior: str = "normal") -> Model:
  """The Model of "image" or "x" with `bijector(params)` from v [B, *shape] to z [B, D].

  `initialize(key, v) -> params` may look at the data. Images become v in [0, 1), real numbers stay as they are.
  """
  name = "image" if "image" in data else "x"
  shape, dtype, levels = data[name]
  dim, (log_prior, draw) = math.prod(shape), PRIORS[prior]

  def points(batch, u):
    """v [B, *shape]: integers as (x + u) / levels."""
    x = jnp.asarray(batch[name], float)
    return (x + u) / levels if levels else x

  def noise(batch, key):
    return jax.random.uniform(key, batch[name].shape, float) if levels else 0.0

  def init(key, batch):
    k_init, k_u = jax.random.split(key)
    return initialize(k_init, points(batch, noise(batch, k_u))), {}

  def log_prob(params, state, batch, key):
    """log p(x); of integers a bound, from one draw of u."""
    z, log_det = bijector(params).forward_and_log_det(points(batch, noise(batch, key)))
    return log_prior(z).sum(-1) + log_det - dim * math.log(levels or 1)

  def loss(params, state, batch, key, train):
    nats = -log_prob(params, state, batch, key)
    return nats, ({}, {"bits_per_dim": nats / (dim * math.log(2))} if levels else {})

  def encode(params, state, batch, key):
    """z of the centres of the cells, from which `decode` gives back the integers."""
    return {"z": bijector(params).forward_and_log_det(points(batch, 0.5))[0]}

  def decode(params, state, latents, key):
    x = bijector(params).inverse_and_log_det(latents["z"])[0]
    return {name: (jnp.clip(jnp.floor(x * levels), 0, levels - 1) if levels else x).astype(dtype)}

  def sample(params, state, key, n, given={}, temperature=1.0):
    """f^-1(z), z ~ p_z scaled by `temperature`: below 1 likelier and less diverse."""
    return decode(params, state, {"z": temperature * draw(key, (n, dim), float)}, key)

  likelihood = {"dequantized": "lower_bound"} if levels else {"exact": "exact"}
  about = {"likelihood": likelihood, "dequantization": "uniform" if levels else None, "parts": {"bijector": bijector}}
  return Model(init, loss, sample, log_prob, encode, decode, **about)
