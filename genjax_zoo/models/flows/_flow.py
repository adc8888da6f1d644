"""What all normalizing flows share: a Model from a bijector f and a prior p_z.

  log p(x) = log p_z(f(x)) + log |det df/dx|,   x = f^-1(z), z ~ p_z

Maximum likelihood: loss = -log p(x). A density of integers would grow without end, so noise fills
their cells, and v = (x + u) / levels; by Jensen's inequality (Theis et al. 2016, arXiv:1511.01844,
eq. 8)

  log p(x) >= E_u log p(v) - D log levels - log q(u | x)

a bound in nats of the integers themselves (see `_dequantize`), exact for real numbers. The deck (D,
line 213) calls the left side p_data(x): it is the model's density; p_data is unknown.

Given labels y, the prior may be one of each class: z = mean_y + exp(log_scale_y) eps, eps ~ p_z.
"""

from collections.abc import Callable
import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError, nearest
from genjax_zoo.models.flows._dequantize import NOISES
from genjax_zoo.prob.bijectors import actnorm, actnorm_init, chain, path, repeat
from genjax_zoo.prob.distributions import log_mean_exp, normal_log_prob

PRIORS = {  # (log p of each number, draw)
  "normal": (lambda z: normal_log_prob(z, 0.0, 0.0), jax.random.normal),
  "logistic": (lambda z: -jax.nn.softplus(z) - jax.nn.softplus(-z), jax.random.logistic),
}


def flow(
  data,
  initialize: Callable,
  bijector: Callable,
  parts={},
  *,
  prior: str = "normal",
  conditional: bool = False,
  dequantization: str = "uniform",
  observe: Callable | None = None,
) -> Model:
  """The Model of "image" or "x" with `bijector(params)` from v [B, *shape] to z [B, D].

  `initialize(key, v) -> params` may look at the data. Images become v in [0, 1), real numbers stay
  as they are. With batch norms, `observe(params, v) -> (z, log_det, moments)` is the forward pass
  of training, and `bijector` gets the moments' running averages as params["moments"]. Raises
  UserError for options that don't fit the data.
  """
  name = check(data, prior, conditional, dequantization)
  shape, dtype, levels = data[name][:3]
  dim, (log_prior, draw) = math.prod(shape), PRIORS[prior]
  noise = NOISES[dequantization](shape, levels)

  def points(x, u):
    """v [B, *shape]: integers as (x + u) / levels."""
    return (x + u) / levels if levels else x

  def numbers(batch):
    return jnp.asarray(batch[name], float)

  def init(key, batch):
    k_init, k_noise, k_u = jax.random.split(key, 3)
    dequantizer, x = noise.init(k_noise), numbers(batch)
    v = points(x, noise.draw(dequantizer, x, k_u)[0])
    params = initialize(k_init, v) | dequantizer
    if conditional:
      flat = jnp.zeros((data["label"].num_values, dim))
      params["prior"] = {"mean": flat, "log_scale": flat}
    return params, {"moments": observe(params, v)[2]} if observe else {}

  def of_class(params, given):
    """(mean, log_scale) of the prior, [B, D]."""
    return (
      (params["prior"][k][given["label"]] for k in ("mean", "log_scale"))
      if conditional
      else (0.0, 0.0)
    )

  def density(params, batch, key, through):
    """(log p(x) [B], what `through`, from v to (z, log_det, ...), has more to say)."""
    x = numbers(batch)
    u, log_q = noise.draw(params, x, key)
    z, log_det, *more = through(points(x, u))
    mean, log_scale = of_class(params, batch)
    nats = (log_prior((z - mean) * jnp.exp(-log_scale)) - log_scale).sum(-1)
    return nats + log_det - dim * math.log(levels or 1) - log_q, more

  def log_prob(params, state, batch, key, k=1):
    """log p(x); of integers a bound, from k draws of u: E log 1/k sum_i p(x, u_i) / q(u_i | x)
    rises with k.
    """
    one = lambda key: density(params, batch, key, bijector(params | state).forward_and_log_det)[0]
    return (
      log_mean_exp(jax.lax.map(one, jax.random.split(key, k))) if levels and k > 1 else one(key)
    )

  def loss(params, state, batch, key, train):
    changes = {}
    if train and observe:
      nats, (moments,) = density(params, batch, key, lambda v: observe(params, v))
      changes["moments"] = jax.tree.map(
        lambda old, new: 0.95 * old + 0.05 * new, state["moments"], moments
      )
    else:
      nats = log_prob(params, state, batch, key)
    return -nats, (changes, {"bits_per_dim": -nats / (dim * math.log(2))} if levels else {})

  def encode(params, state, batch, key):
    """z of the centres of the cells, from which `decode` gives back the integers."""
    return {"z": bijector(params | state).forward_and_log_det(points(numbers(batch), 0.5))[0]}

  def decode(params, state, latents, key):
    x = bijector(params | state).inverse_and_log_det(latents["z"])[0]
    return {name: (jnp.clip(jnp.floor(x * levels), 0, levels - 1) if levels else x).astype(dtype)}

  def sample(params, state, key, n, given={}, temperature=1.0):
    """f^-1(z), z ~ p_z with deviations scaled by `temperature`: below 1 likelier and less diverse."""
    mean, log_scale = of_class(params, given)
    return decode(
      params,
      state,
      {"z": mean + temperature * jnp.exp(log_scale) * draw(key, (n, dim), float)},
      key,
    )

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood={"dequantized": "lower_bound"} if levels else {"exact": "exact"},
    given=("label",) if conditional else (),
    dequantization=dequantization if levels else None,
    parts={"bijector": bijector} | parts,
  )


def check(data, prior, conditional, dequantization) -> str:
  """The entry of the data that is modelled. Raises UserError for options that don't fit."""
  for key, value, known in ("prior", prior, PRIORS), ("dequantization", dequantization, NOISES):
    if value not in known:
      raise UserError(
        f"unknown model.{key}={value!r}{nearest(value, known)}; there are {', '.join(known)}"
      )
  if conditional and not getattr(data.get("label"), "levels", None):
    raise UserError("model.conditional wants data with a 'label'")
  return "image" if "image" in data else "x"


def steps(initialize: Callable, layer: Callable, depth: int):
  """(initialize, bijector, parts) of a flow of vectors [B, D]: a standardisation, then `depth`
  times layer(p), scanned.

  The first batch sets the standardisation; it is learnt on, and counts in the density.
  `initialize(key) -> p`. parts["warp"](params, state, z) -> [depth + 2, B, D]: what z goes through
  on its way to the data, the last.
  """

  def init(key, x):
    return {"first": actnorm_init(x), "steps": jax.vmap(initialize)(jax.random.split(key, depth))}

  def bijector(params):
    return chain(actnorm(params["first"]), repeat(layer, params["steps"]))

  def points(params, state, z):
    back = path(layer, params["steps"], z)[::-1]
    return jnp.concatenate(
      [z[None], back, actnorm(params["first"]).inverse_and_log_det(back[-1])[0][None]]
    )

  return init, bijector, {"warp": points}


def shown(data) -> str:
  """The entries of the data as messages tell them: "x float32 [3]"."""
  return ", ".join(f"{k} {np.dtype(f.dtype).name} {list(f.shape)}" for k, f in data.items())


def vectors(data, model: str) -> int:
  """D of data of vectors "x" [D] or of images. Raises UserError for fewer than two numbers, which
  can't be split.
  """
  shape = data["image" if "image" in data else "x"].shape
  if (dim := math.prod(shape)) < 2:
    raise UserError(f"{model} needs at least 2 numbers an example; the data have {dim}")
  return dim
