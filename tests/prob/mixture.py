"""A mixture of three Gaussians in the plane, blurred to any level: its density, exact denoiser and
draws.
"""

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
COVARIANCE = np.einsum(
  "k,kij->ij", WEIGHTS, COVARIANCES + np.einsum("ki,kj->kij", MEANS, MEANS)
) - np.outer(MEAN, MEAN)
SPECTRA, AXES = np.linalg.eigh(COVARIANCES)


def along_axes(x, level):
  """x [B, 2] about each component's mean, in its principal axes, and the variances there: [B, 3,
  2], [1, 3, 2].
  """
  var = (level.alpha**2 * SPECTRA + level.sigma**2)[None]
  return jnp.einsum(
    "bki,kij->bkj", x[:, None] - (level.alpha * jnp.asarray(MEANS))[None], jnp.asarray(AXES)
  ), var


def log_terms(y, var):
  """log w_k N(x; k) of every component, [B, 3]."""
  return np.log(WEIGHTS)[None] - 0.5 * (y**2 / var + jnp.log(2 * np.pi * var)).sum(-1)


def log_prob(x, level):
  """log p(x_t), nats [B]."""
  return jax.nn.logsumexp(log_terms(*along_axes(x, level)), -1)


def denoise(x, level):
  """E[x_0 | x] of points x [B, 2]: of the components, by their shares in x, each as a Gaussian has
  it.
  """
  y, var = along_axes(x, level)
  shares = jax.nn.softmax(log_terms(y, var))
  means = MEANS[None] + jnp.einsum(
    "bkj,kij->bki", level.alpha * SPECTRA[None] / var * y, jnp.asarray(AXES)
  )
  return jnp.einsum("bk,bki->bi", shares, means)


def points(key, n):
  """Exact draws of the mixture, [n, 2]."""
  k_z, k_x = jax.random.split(key)
  z = jax.random.choice(k_z, 3, (n,), p=jnp.asarray(WEIGHTS))
  return jnp.asarray(MEANS)[z] + jnp.einsum(
    "nij,nj->ni", jnp.asarray(FACTORS)[z], jax.random.normal(k_x, (n, 2))
  )


def start(key, n, levels):
  """Noise of the first level, [n, 2]."""
  k_x, k_eps = jax.random.split(key)
  return levels.alpha[0] * points(k_x, n) + levels.sigma[0] * jax.random.normal(k_eps, (n, 2))
