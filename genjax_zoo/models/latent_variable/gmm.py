"""Mixture of Gaussians, trained by expectation-maximisation (Dempster, Laird & Rubin 1977).

A latent class z picks one of K Gaussians, and the sum over z is exact:

  p(x) = sum_k p(z = k) N(x; mean_k, cov_k)

No gradient is taken. The E step computes the responsibilities of the components for each example,
the M step fits each component to its share of the data; together they never lower the likelihood:

  E:  r_k = p(z = k | x) = softmax_k(log p(z = k) + log N(x; mean_k, cov_k))
  M:  n_k = sum r_k,  p(z = k) = n_k / sum_j n_j,  mean_k = sum r_k x / n_k,
      cov_k = sum r_k (x - mean_k)(x - mean_k)' / n_k + regularization I

with sums over the batch, in which an example counts `weight` times. A batch is all the data
(`data.batch = 0`), and a step depends on no other. The means start as in k-means++ (Arthur &
Vassilvitskii 2007).

Departures: `regularization` keeps covariances invertible (the likelihood then rises as in
scikit-learn: monotonically, up to an error of its size). Images are fitted as
(image + 1/2) / num_values in [0, 1].

Errata of the slides: docs/errata.md#gmm
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Learner, Model, UserError, start
from genjax_zoo.models._form import entry


def log_component(params, x):
  """log p(x, z = k), nats [B, K], of points x [B, D]. See `learner` for params."""
  dim = x.shape[-1]

  def component(p):
    centred = x - p["mean"][None]
    if p["scale"].ndim == 2:
      # A Cholesky factor: inverting it, D x D, is faster than solving for B points.
      inverse = jax.scipy.linalg.solve_triangular(p["scale"], jnp.eye(dim), lower=True)
      whitened = centred @ inverse.T
      diagonal = jnp.diag(p["scale"])
    else:
      whitened = centred / p["scale"][None]
      diagonal = p["scale"]
    log_det = jnp.log(diagonal).sum()
    squares = 0.5 * (whitened**2).sum(-1)
    return p["logits"] - squares - log_det - 0.5 * dim * math.log(2 * math.pi)

  # One component after the other: memory of B x D, not K x B x D.
  return jax.lax.map(component, params).T


def m_step(x, r, full: bool, regularization: float):
  """The parameters that fit points x [B, D] with responsibilities r [B, K]."""

  def component(r):
    n = r.sum() + 10 * jnp.finfo(r.dtype).eps  # Finite also for a component without a share.
    mean = r @ x / n
    centred = x - mean[None]
    if full:
      covariance = (r[:, None] * centred).T @ centred / n
      scale = jnp.linalg.cholesky(covariance + regularization * jnp.eye(x.shape[-1]))
    else:
      scale = jnp.sqrt(r @ centred**2 / n + regularization)
    return {"logits": jnp.log(n), "mean": mean, "scale": scale}

  params = jax.lax.map(component, r.T)
  return params | {"logits": jax.nn.log_softmax(params["logits"])}


def nearest_seed(key, x, weight, components: int):
  """Responsibilities [B, K], weight or 0: each x [B, D] belongs to the nearest of K seeds among x.

  The seeds are drawn far apart, as in k-means++: each with a probability in proportion to the
  squared distance from the nearest one before.
  """

  def next_seed(nearest, key):
    seed = x[jax.random.categorical(key, jnp.log(weight * nearest))]
    distance = ((x - seed[None]) ** 2).sum(-1)
    return jnp.minimum(nearest, distance), distance

  far = jnp.full(len(x), jnp.finfo(x.dtype).max)  # Before the first seed all points are alike.
  _, distances = jax.lax.scan(next_seed, far, jax.random.split(key, components))
  return weight[:, None] * jax.nn.one_hot(distances.argmin(0), components, dtype=x.dtype)


class Points(NamedTuple):
  """The entry of a batch that is modelled, as points [B, D]: integers fill cells of [0, 1]^D."""

  name: str
  field: Field

  @property
  def dim(self) -> int:
    return math.prod(self.field.shape)

  @property
  def log_volume(self) -> float:
    """log p(integers) is the log of a density on [0, 1]^D, less this: D log num_values."""
    return self.dim * math.log(self.field.num_values or 1)

  def of(self, batch, offset=0.5):
    """Points [B, D]; integers as (x + offset) / num_values."""
    x = jnp.asarray(batch[self.name], float)
    if self.field.num_values:
      x = (x + offset) / self.field.num_values
    return x.reshape(-1, self.dim)

  def to_data(self, x):
    """A batch of points x [B, D]."""
    x = x.reshape(-1, *self.field.shape)
    num_values = self.field.num_values
    if num_values:
      x = jnp.clip(jnp.floor(x * num_values), 0, num_values - 1)
    return {self.name: x.astype(self.field.dtype)}


def learner(
  data, tx=None, *, components: int = 10, covariance: str = "full", regularization: float = 1e-6
) -> Learner:
  """A mixture of `components` Gaussians over "image" or "x", of "full" or "diagonal" covariance.

  params: logits [K] = log p(z), mean [K, D], and scale: the Cholesky factors [K, D, D] of full
  covariances or the standard deviations [K, D] of diagonal ones. Raises UserError for another
  `covariance`.
  """
  if covariance not in ("full", "diagonal"):
    raise UserError(f"unknown model.covariance={covariance!r}; there are full, diagonal")
  points = Points(*entry(data))
  full = covariance == "full"
  integers = bool(points.field.num_values)

  def model_init(key, batch):
    x = points.of(batch)
    r = nearest_seed(key, x, batch["weight"], components)
    return m_step(x, r, full, regularization), {}

  def init(key, batch):
    return start(*model_init(key, batch))

  def step(ts, batch, key):
    x = points.of(batch)
    weight = batch["weight"]
    log_joint = log_component(ts.params, x)
    r = weight[:, None] * jax.nn.softmax(log_joint)  # E step; 0 on padding.
    params = m_step(x, r, full, regularization)
    log_p = weight @ jax.nn.logsumexp(log_joint, -1) / weight.sum() - points.log_volume
    return ts.replace(step=ts.step + 1, params=params), {"log_likelihood": log_p}

  def log_prob(params, state, batch, key):
    """log p(x), nats [B].

    Of integers a lower bound: E_u log p((x + u) / num_values) - D log num_values, u ~ U[0, 1)^D.
    """
    u = jax.random.uniform(key, batch[points.name].shape) if integers else 0.0
    return jax.nn.logsumexp(log_component(params, points.of(batch, u)), -1) - points.log_volume

  def encode(params, state, batch, key):
    """{"z": responsibilities [B, K]}."""
    return {"z": jax.nn.softmax(log_component(params, points.of(batch)))}

  def decode(params, state, latents, key):
    """The means of the components, weighted by their responsibilities."""
    return points.to_data(latents["z"] @ params["mean"])

  def sample(params, state, key, n, given={}):
    k_z, k_x = jax.random.split(key)
    z = jax.random.categorical(k_z, params["logits"], shape=(n,))
    eps = jax.random.normal(k_x, (n, points.dim))

    def component(p):
      return p["mean"][None] + (eps @ p["scale"].T if full else eps * p["scale"][None])

    return points.to_data(jax.lax.map(component, params)[z, jnp.arange(n)])

  def log_component_part(params, state, batch):
    return log_component(params, points.of(batch)) - points.log_volume

  model = Model(
    model_init,
    sample=sample,
    log_prob=log_prob,
    encode=encode,
    decode=decode,
    likelihood={"dequantized": "lower_bound"} if integers else {"exact": "exact"},
    latents={"z": Field((components,), np.float32)},
    dequantization="uniform" if integers else None,
    parts={"log_component": log_component_part},
  )
  return Learner(init, step, model)
