"""Numbers as vectors of sines and cosines."""

import math

import jax.numpy as jnp


def sinusoids(x, features: int = 32, low: float = 0.1, high: float = 10.0):
  """Sines and cosines of x [...] at features / 2 frequencies from `low` to `high` radians a unit:
  [..., features].
  """
  angles = x[..., None] * jnp.geomspace(low, high, features // 2).reshape(*[1] * jnp.ndim(x), -1)
  return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


def fourier_features(x, powers: tuple[int, ...]):
  """Fourier features of x [..., C]: sin and cos of 2^n pi x for n in `powers`, [..., 2 C powers].

  They make fine detail visible to a network (Tancik 2020, arXiv:2006.10739; as in VDM,
  arXiv:2107.00630, appendix C).
  """
  angles = jnp.concatenate([2**n * math.pi * x for n in powers], -1)
  return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


def harmonics(angles, highest: int = 4):
  """Cosines and sines of 1 to `highest` times angles [..., D]: [..., 2 highest D].

  They are the same a whole turn further, and tell apart what is alike after a part of a turn.
  """
  times = jnp.concatenate([k * angles for k in range(1, highest + 1)], -1)
  return jnp.concatenate([jnp.cos(times), jnp.sin(times)], -1)
