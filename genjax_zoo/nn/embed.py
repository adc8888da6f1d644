"""Numbers and labels as vectors that networks can be conditioned on."""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.mlp import MLP


def sinusoids(x, features: int = 32, low: float = 0.1, high: float = 10.0):
  """Sines and cosines of x [...] at features / 2 frequencies from `low` to `high` radians a unit:
  [..., features].
  """
  angles = x[..., None] * jnp.geomspace(low, high, features // 2).reshape(*[1] * jnp.ndim(x), -1)
  return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


def fourier(x, octaves: tuple[int, ...]):
  """x [..., C] -> [..., 2 C len(octaves)]: sin and cos of 2^n pi x for n in `octaves`: fine detail,
  made visible.

  (Tancik 2020, arXiv:2006.10739; as in VDM, arXiv:2107.00630, appendix C.)
  """
  angles = jnp.concatenate([2**n * math.pi * x for n in octaves], -1)
  return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


class Condition(nn.Module):
  """What a denoiser is told besides x, as one float32 vector [B, features].

  noise [B]: log(sigma / alpha), or any number in about [-10, 10]; label [B], integers up to
  `classes`, which stands for none, where there are classes; extra [B, D] or None, real numbers.
  """

  features: int
  classes: int = 0

  @nn.compact
  def __call__(self, noise, label=None, extra=None):
    c = MLP((self.features, self.features), nn.silu)(sinusoids(noise))
    if self.classes:
      c += nn.Embed(self.classes + 1, self.features)(label)
    if extra is not None:
      c += nn.Dense(self.features)(extra)
    return nn.silu(c)
