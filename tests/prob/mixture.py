"""A mixture of three Gaussians in the plane: exact density and denoiser at all noise levels."""

import jax
import jax.numpy as jnp
import numpy as np

WEIGHTS = np.array([0.6, 0.3, 0.1])
MEANS = np.array([[-1.2, 0.3], [0.9, 0.7], [0.5, -1.3]])
FACTORS = np.array(
  [[[0.3, 0.0], [0.2, 0.25]], [[0.15, 0.0], [-0.1, 0.2]], [[0.25, 0.0], [0.0, 0.1]]]
)
COVARIANCES = FACTORS @ FACTORS.transpose(0, 2, 1)
MEAN = WEIGHTS @ MEANS
SECOND_MOMENTS = COVARIANCES + np.einsum("ki,kj->kij", MEANS, MEANS)
COVARIANCE = np.einsum("k,kij->ij", WEIGHTS, SECOND_MOMENTS) - np.outer(MEAN, MEAN)
SPECTRA, AXES = np.linalg.eigh(COVARIANCES)


def along_axes(x, level):
  """x [B, 2] in the principal axes of each component, [B, 3, 2], and their variances [1, 3, 2]."""
  var = (level.alpha**2 * SPECTRA + level.sigma**2)[None]
  centred = x[:, None] - (level.alpha * jnp.asarray(MEANS))[None]
  return jnp.einsum("bki,kij->bkj", centred, jnp.asarray(AXES)), var


def log_terms(y, var):
  """log w_k N(x; k) of every component, [B, 3]."""
  return np.log(WEIGHTS)[None] - 0.5 * (y**2 / var + jnp.log(2 * np.pi * var)).sum(-1)


def log_prob(x, level):
  """log p(x_t), nats [B]."""
  return jax.nn.logsumexp(log_terms(*along_axes(x, level)), -1)


def denoise(x, level):
  """E[x_0 | x] of points x [B, 2]: the components' posterior means, by their responsibilities."""
  y, var = along_axes(x, level)
  responsibilities = jax.nn.softmax(log_terms(y, var))
  shifts = level.alpha * SPECTRA[None] / var * y
  means = MEANS[None] + jnp.einsum("bkj,kij->bki", shifts, jnp.asarray(AXES))
  return jnp.einsum("bk,bki->bi", responsibilities, means)


def points(key, n):
  """Samples of the mixture, [n, 2]."""
  k_z, k_x = jax.random.split(key)
  z = jax.random.choice(k_z, 3, (n,), p=jnp.asarray(WEIGHTS))
  eps = jax.random.normal(k_x, (n, 2))
  return jnp.asarray(MEANS)[z] + jnp.einsum("nij,nj->ni", jnp.asarray(FACTORS)[z], eps)


def start(key, n, levels):
  """Samples of x at the first level, [n, 2]."""
  k_x, k_eps = jax.random.split(key)
  return levels.alpha[0] * points(k_x, n) + levels.sigma[0] * jax.random.normal(k_eps, (n, 2))
