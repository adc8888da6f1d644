"""What all normalizing flows share: a Model from a bijector f and a prior p_z.

  log p(x) = log p_z(f(x)) + log |det df/dx|,   x = f^-1(z), z ~ p_z
  loss = -log p(x)

A density of integers could grow without bound. So noise u is added, v = (x + u) / num_values (see
`_dequantize`), and Jensen's inequality (Theis et al. 2016, arXiv:1511.01844, eq. 8) gives

  log p(x) >= E_u log p(v) - D log num_values - log q(u | x)

a lower bound in nats of the integers themselves. Of real numbers log p is exact.

Conditioned on a label y, the prior has a mean and a scale for each class:
z = mean_y + exp(log_scale_y) eps, eps ~ p_z.

Errata of the slides: docs/errata.md#_flow
"""

from collections.abc import Callable, Mapping
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError, nearest
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models._form import entry
from genjax_zoo.models.flows._dequantize import NOISES
from genjax_zoo.prob.bijectors import actnorm, actnorm_init, chain, inverse_path, repeat
from genjax_zoo.prob.distributions import log_mean_exp, normal_log_prob

MOMENTUM = 0.95  # Of the running averages of batch norms' moments.


class Layer(NamedTuple):
  """A bijector that has parameters."""

  init: Callable  # (key, x [B, ...]) -> params, which may be fitted to x
  # params -> Bijector; with batch norms, params["moments"] are their running averages.
  bijector: Callable
  # (params, x) -> (y, log_det, moments): with batch norms, the forward pass of training.
  train: Callable | None = None


class Prior(NamedTuple):
  """The distribution of latents, elementwise."""

  log_prob: Callable  # z -> log p(z), in the shape of z
  sample: Callable  # (key, shape, dtype) -> z


PRIORS = {
  "normal": Prior(lambda z: normal_log_prob(z, 0.0, 0.0), jax.random.normal),
  "logistic": Prior(lambda z: -jax.nn.softplus(z) - jax.nn.softplus(-z), jax.random.logistic),
}


def flow(
  data: Mapping[str, Field],
  layer: Layer,
  parts: Mapping[str, Callable] = {},
  *,
  prior: str = "normal",
  condition: tuple[str, ...] = (),
  dequantization: str = "uniform",
) -> Model:
  """The Model of "image" or "x" whose `layer` goes from v [B, *shape] to z [B, D].

  v are images in [0, 1), or real numbers as they are. `parts` are more of Model.parts. Raises
  UserError for options that don't exist or don't fit the data.
  """
  name, field = entry(data)
  dim = math.prod(field.shape)
  fields = condition_fields(data, condition)
  p_z = latent_prior(choose("prior", prior, PRIORS), fields, dim)
  noise = choose("dequantization", dequantization, NOISES)(field)

  def floats(batch):
    return jnp.asarray(batch[name], float)

  def bijector(params, state):
    return layer.bijector(params | state)

  def init(key, batch):
    k_init, k_noise, k_u = jax.random.split(key, 3)
    dequantizer = noise.init(k_noise)
    x = floats(batch)
    u, _ = noise.sample(dequantizer, x, k_u)
    v = to_unit(x, u, field)
    params = layer.init(k_init, v) | dequantizer | p_z.init()
    state = {"moments": layer.train(params, v)[2]} if layer.train else {}
    return params, state

  def one_sample(params, batch, key, forward):
    """(log p(x) [B], by one sample of u, and what `forward` returns beside z and log_det)."""
    x = floats(batch)
    u, log_q = noise.sample(params, x, key)
    z, log_det, *more = forward(to_unit(x, u, field))
    log_v = p_z.log_prob(params, z, batch) + log_det
    return log_v - dim * math.log(field.num_values or 1) - log_q, more

  def log_prob(params, state, batch, key, k=1):
    """log p(x), nats [B]; of integers a bound by k samples of u, which rises with k.

    It is E log 1/k sum_i p(x, u_i) / q(u_i | x), as in importance-weighted autoencoders.
    """
    forward = bijector(params, state).forward_and_log_det
    one = lambda key: one_sample(params, batch, key, forward)[0]
    if k == 1 or not field.num_values:
      return one(key)
    return log_mean_exp(jax.lax.map(one, jax.random.split(key, k)))

  def loss(params, state, batch, key, train):
    changes = {}
    if train and layer.train:
      forward = lambda v: layer.train(params, v)
      nats, (moments,) = one_sample(params, batch, key, forward)
      changes["moments"] = running_average(state["moments"], moments)
    else:
      nats = log_prob(params, state, batch, key)
    metrics = {"bits_per_dim": -nats / (dim * math.log(2))} if field.num_values else {}
    return -nats, (changes, metrics)

  def encode(params, state, batch, key):
    """z of integers at the centres of their cells (u = 1/2), from which `decode` restores them."""
    v = to_unit(floats(batch), 0.5, field)
    return {"z": bijector(params, state).forward_and_log_det(v)[0]}

  def decode(params, state, latents, key):
    v, _ = bijector(params, state).inverse_and_log_det(latents["z"])
    return {name: from_unit(v, field)}

  def sample(params, state, key, n, given={}, temperature=1.0):
    """f^-1(z), z ~ p_z with its scale times `temperature`; below 1: likelier, less diverse."""
    z = p_z.sample(params, key, n, given, temperature)
    return decode(params, state, {"z": z}, key)

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood={"dequantized": "lower_bound"} if field.num_values else {"exact": "exact"},
    given=fields,
    latents={"z": Field((dim,), np.float32)},
    dequantization=dequantization if field.num_values else None,
    parts={"bijector": bijector} | parts,
  )


def choose(option: str, name: str, known: Mapping):
  """known[name]. Raises UserError, naming the option of the model, where there is none."""
  if name not in known:
    raise UserError(
      f"unknown model.{option}={name!r}{nearest(name, known)}; there are {', '.join(known)}"
    )
  return known[name]


def to_unit(x, u, field: Field):
  """v [B, *shape] in [0, 1): integers x as (x + u) / num_values; real numbers as they are."""
  return (x + u) / field.num_values if field.num_values else x


def from_unit(v, field: Field):
  """The reverse of `to_unit` for any u, in the type of the data."""
  if field.num_values:
    v = jnp.clip(jnp.floor(v * field.num_values), 0, field.num_values - 1)
  return v.astype(field.dtype)


class LatentPrior(NamedTuple):
  """p_z, with a learned mean and scale for each class of a conditional flow."""

  init: Callable  # () -> params
  log_prob: Callable  # (params, z [B, D], given) -> nats [B]
  sample: Callable  # (params, key, n, given, temperature) -> z [n, D]


def latent_prior(base: Prior, fields: Mapping[str, Field], dim: int) -> LatentPrior:
  """The prior of latents [B, dim] given `fields`, which hold one label or nothing."""
  classes = label_classes(fields)

  def init():
    if not classes:
      return {}
    zeros = jnp.zeros((classes, dim))
    return {"prior": {"mean": zeros, "log_scale": zeros}}

  def mean_and_log_scale(params, given):
    if not classes:
      return 0.0, 0.0
    (name,) = fields
    label = given[name]
    return params["prior"]["mean"][label], params["prior"]["log_scale"][label]

  def log_prob(params, z, given):
    mean, log_scale = mean_and_log_scale(params, given)
    eps = (z - mean) * jnp.exp(-log_scale)
    return (base.log_prob(eps) - log_scale).sum(-1)

  def sample(params, key, n, given, temperature):
    mean, log_scale = mean_and_log_scale(params, given)
    eps = base.sample(key, (n, dim), float)
    return mean + temperature * jnp.exp(log_scale) * eps

  return LatentPrior(init, log_prob, sample)


def running_average(average, moments):
  """The running averages after one more batch."""
  update = lambda old, new: MOMENTUM * old + (1 - MOMENTUM) * new
  return jax.tree.map(update, average, moments)


def repeated(init: Callable, layer: Callable, depth: int) -> tuple[Layer, dict]:
  """(Layer, parts) of a flow of vectors [B, D]: an actnorm, then `depth` times layer(p), scanned.

  The first batch sets the actnorm, a standardisation, which is learned from there.
  `init(key) -> p`. parts["warp"] as in core.PARTS.
  """

  def init_all(key, x):
    return {"first": actnorm_init(x), "steps": jax.vmap(init)(jax.random.split(key, depth))}

  def bijector(params):
    return chain(actnorm(params["first"]), repeat(layer, params["steps"]))

  def warp(params, state, z):
    path = inverse_path(layer, params["steps"], z)[::-1]
    x, _ = actnorm(params["first"]).inverse_and_log_det(path[-1])
    return jnp.concatenate([z[None], path, x[None]])

  return Layer(init_all, bijector), {"warp": warp}


def describe(data: Mapping[str, Field]) -> str:
  """The entries of the data, for messages: "x float32 [3]"."""
  return ", ".join(f"{k} {np.dtype(f.dtype).name} {list(f.shape)}" for k, f in data.items())


def dimension(data: Mapping[str, Field], model: str) -> int:
  """D of vectors "x" [D] or of images. Raises UserError for D = 1, which no coupling can split."""
  dim = math.prod(entry(data)[1].shape)
  if dim < 2:
    raise UserError(f"{model} needs at least 2 numbers an example; the data have {dim}")
  return dim


def check_halvings(option: str, shape: tuple[int, ...], halvings: int):
  """Raises UserError for images [H, W, C] whose sides can't be halved so many times."""
  height, width, _ = shape
  if math.gcd(height, width) % 2**halvings:
    most = next(n for n in range(halvings, -1, -1) if math.gcd(height, width) % 2**n == 0)
    raise UserError(
      f"{option} halves images {halvings} times; {height} x {width} pixels can be halved "
      f"{most} times"
    )
