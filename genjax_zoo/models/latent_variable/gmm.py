"""Mixture of Gaussians, trained by expectation-maximisation (Dempster, Laird & Rubin 1977).

A latent class z picks one of K Gaussians, and the sum over it is exact:

  p(x) = sum_k p(z = k) N(x; mean_k, cov_k)

No gradient is taken. The E step asks the present parameters which component made each example, the
M step fits each component to its share of the data; together they never lower the likelihood:

  E:  r_k = p(z = k | x) = softmax_k(log p(z = k) + log N(x; mean_k, cov_k))
  M:  n_k = sum r_k,  p(z = k) = n_k / sum_j n_j,  mean_k = sum r_k x / n_k,
      cov_k = sum r_k (x - mean_k)(x - mean_k)' / n_k + regularization I

with the sums over the batch, r counting `weight` times. A batch is all the data (`data.batch = 0`):
a step knows no other. Seeds are drawn as in k-means++ (Arthur & Vassilvitskii 2007).

Departures: `regularization` keeps a covariance invertible (the ascent is then that of scikit-learn,
monotone up to its size). Images are fitted as (image + 1/2) / levels in [0, 1].

The deck (E, line 121) has the E step "estimate p(z = k)" and the M step "update mean and variance":
the E step gives r_k = p(z = k | x), one distribution per example, and the M step updates p(z = k)
too, and whole covariances.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError, start
from genjax_zoo.models._form import entry


def log_joint(params, x):
  """log p(x, z = k), nats [B, K], of points x [B, D]. See `learner` for params."""
  dim = x.shape[-1]

  def component(p):
    d = x - p["mean"][None]
    if p["scale"].ndim == 2:  # Inverting D x D and multiplying is faster than solving for B points.
      whiten, diagonal = (
        jax.scipy.linalg.solve_triangular(p["scale"], jnp.eye(dim), lower=True),
        jnp.diag(p["scale"]),
      )
      d = d @ whiten.T
    else:
      d, diagonal = d / p["scale"][None], p["scale"]
    return (
      p["logits"]
      - 0.5 * (d**2).sum(-1)
      - jnp.log(diagonal).sum()
      - 0.5 * dim * math.log(2 * math.pi)
    )

  # One component after the other: memory of B x D, not K x B x D.
  return jax.lax.map(component, params).T


def m_step(x, r, full, regularization):
  """The parameters that fit points x [B, D] best, r [B, K] the share of each component in each
  point.
  """

  def component(r):
    n = r.sum() + 10 * jnp.finfo(r.dtype).eps  # A component without a share stays finite.
    mean = r @ x / n
    d = x - mean[None]
    if full:
      scale = jnp.linalg.cholesky(
        (r[:, None] * d).T @ d / n + regularization * jnp.eye(x.shape[-1])
      )
    else:
      scale = jnp.sqrt(r @ d**2 / n + regularization)
    return {"logits": jnp.log(n), "mean": mean, "scale": scale}

  params = jax.lax.map(component, r.T)
  return params | {"logits": jax.nn.log_softmax(params["logits"])}


def nearest_seed(key, x, weight, components):
  """Shares r [B, K]: each point x [B, D] belongs to the nearest of K points drawn far apart
  (k-means++).
  """

  def draw(nearest, key):
    centre = x[jax.random.categorical(key, jnp.log(weight * nearest))]
    distance = ((x - centre[None]) ** 2).sum(-1)
    return jnp.minimum(nearest, distance), distance

  far = jnp.full(len(x), jnp.finfo(x.dtype).max)  # Nothing drawn yet: all points alike.
  _, distances = jax.lax.scan(draw, far, jax.random.split(key, components))
  return weight[:, None] * jax.nn.one_hot(distances.argmin(0), components, dtype=x.dtype)


def learner(
  data, tx=None, *, components: int = 10, covariance: str = "full", regularization: float = 1e-6
) -> Learner:
  """A mixture of `components` Gaussians, their covariances "full" or "diagonal", over "image" or
  "x".

  params: logits [K] = log p(z), mean [K, D], and scale: the Cholesky factors [K, D, D] of full
  covariances or the standard deviations [K, D] of diagonal ones.
  """
  if covariance not in ("full", "diagonal"):
    raise UserError(f"unknown model.covariance={covariance!r}; there are full, diagonal")
  name, field = entry(data)
  shape, dtype, levels = field[:3]
  dim, full = math.prod(shape), covariance == "full"
  volume = dim * math.log(levels or 1)  # log p(integers) = log of a density on [0, 1]^D, less this.

  def points(batch, offset=0.5):
    """The data as points [B, D]; integers as (x + offset) / levels."""
    x = jnp.asarray(batch[name], float)
    return ((x + offset) / levels if levels else x).reshape(-1, dim)

  def to_data(x):
    """Points [B, D] in the form of the data."""
    x = x.reshape(-1, *shape)
    return {name: (jnp.clip(jnp.floor(x * levels), 0, levels - 1) if levels else x).astype(dtype)}

  def model_init(key, batch):
    x, weight = points(batch), batch["weight"]
    return m_step(x, nearest_seed(key, x, weight, components), full, regularization), {}

  def init(key, batch):
    return start(*model_init(key, batch))

  def step(ts, batch, key):
    x, weight = points(batch), batch["weight"]
    joint = log_joint(ts.params, x)
    r = weight[:, None] * jax.nn.softmax(joint)  # E step; 0 on padding.
    params = m_step(x, r, full, regularization)
    log_likelihood = weight @ jax.nn.logsumexp(joint, -1) / weight.sum() - volume
    return ts.replace(step=ts.step + 1, params=params), {"log_likelihood": log_likelihood}

  def log_prob(params, state, batch, key):
    """log p(x); of integers a bound: E_u log p((x + u) / levels) - D log levels, u ~ U[0, 1)^D."""
    u = jax.random.uniform(key, batch[name].shape) if levels else 0.0
    return jax.nn.logsumexp(log_joint(params, points(batch, u)), -1) - volume

  def encode(params, state, batch, key):
    return {"z": jax.nn.softmax(log_joint(params, points(batch)))}  # Responsibilities [B, K].

  def decode(params, state, latents, key):
    return to_data(latents["z"] @ params["mean"])

  def sample(params, state, key, n, given={}):
    k_z, k_x = jax.random.split(key)
    z, eps = (
      jax.random.categorical(k_z, params["logits"], shape=(n,)),
      jax.random.normal(k_x, (n, dim)),
    )
    component = lambda p: p["mean"][None] + (eps @ p["scale"].T if full else eps * p["scale"][None])
    return to_data(jax.lax.map(component, params)[z, jnp.arange(n)])

  return Learner(
    init,
    step,
    Model(
      model_init,
      sample=sample,
      log_prob=log_prob,
      encode=encode,
      decode=decode,
      likelihood={"dequantized": "lower_bound"} if levels else {"exact": "exact"},
      dequantization="uniform" if levels else None,
      parts={"log_joint": lambda params, state, batch: log_joint(params, points(batch)) - volume},
    ),
  )
