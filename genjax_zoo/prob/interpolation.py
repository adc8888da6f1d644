"""Paths between latents."""

import jax.numpy as jnp


def spherical(a, b, t):
  """The point at t in [0, 1] of the great arc from a to b [..., D], whose length goes linearly from
  |a| to |b|.

  N(0, I) in D dimensions lives at the radius sqrt(D). The line from one draw to another passes at
  sqrt(D / 2), where there are none; the arc stays (White 2016, arXiv:1609.04468, who leaves |a| and
  |b| to the sines). t has the shape [..., 1] or []. Opposite points have no arc.
  """
  length_a, length_b = (jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
  a, b = a / length_a, b / length_b
  angle = jnp.arccos(jnp.clip((a * b).sum(-1, keepdims=True), -1, 1))
  near = angle < 1e-4  # The arc is a line.
  safe = jnp.where(near, 1.0, angle)
  wa = jnp.where(near, 1 - t, jnp.sin((1 - t) * safe) / jnp.sin(safe))
  wb = jnp.where(near, t, jnp.sin(t * safe) / jnp.sin(safe))
  return (wa * a + wb * b) * ((1 - t) * length_a + t * length_b)
