"""Interpolation between latents."""

import jax.numpy as jnp


def spherical(a, b, t):
  """The point at t in [0, 1] on the great arc from a to b [..., D]; t has the shape [..., 1] or [].

  The norm goes linearly from |a| to |b|. Samples of N(0, I) in D dimensions have a norm of about
  sqrt(D), and so have points on the arc, while the line between two of them passes at sqrt(D / 2)
  (White 2016, arXiv:1609.04468, whose sines interpolate the norms too). For b = -a the arc is not
  defined.
  """
  norm_a = jnp.linalg.norm(a, axis=-1, keepdims=True)
  norm_b = jnp.linalg.norm(b, axis=-1, keepdims=True)
  unit_a = a / norm_a
  unit_b = b / norm_b
  cosine = (unit_a * unit_b).sum(-1, keepdims=True)
  angle = jnp.arccos(jnp.clip(cosine, -1, 1))
  # Almost equal directions: the arc is a line, and its sines would be 0 / 0.
  line = angle < 1e-4
  safe = jnp.where(line, 1.0, angle)
  weight_a = jnp.where(line, 1 - t, jnp.sin((1 - t) * safe) / jnp.sin(safe))
  weight_b = jnp.where(line, t, jnp.sin(t * safe) / jnp.sin(safe))
  norm = (1 - t) * norm_a + t * norm_b
  return (weight_a * unit_a + weight_b * unit_b) * norm
