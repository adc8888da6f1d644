"""Corruptions of images, each with an unlearned restoration as the baseline of a model.

Every function is (key, v, amount) -> (corrupted, restored), images [B, H, W, C]; v is in [0, 1].
"""

import itertools

import jax
import jax.numpy as jnp


def gaussian(key, v, amount):
  """Noise of standard deviation `amount` is added; the baseline only clips."""
  noisy = v + amount * jax.random.normal(key, v.shape)
  return noisy, jnp.clip(noisy, 0, 1)


def salt_and_pepper(key, v, amount):
  """Each value is replaced by 0 or 1 with probability `amount`; the baseline is a 3 x 3 median."""
  k_where, k_value = jax.random.split(key)
  where = jax.random.bernoulli(k_where, amount, v.shape)
  noisy = jnp.where(where, jax.random.bernoulli(k_value, 0.5, v.shape), v)
  padded = jnp.pad(noisy, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
  h, w = v.shape[1:3]
  offsets = itertools.product(range(3), repeat=2)
  neighbours = jnp.stack([padded[:, i : i + h, j : j + w] for i, j in offsets])
  return noisy, jnp.median(neighbours, 0)


def masked(v, known):
  """v where known = 1, else 0; the baseline fills in the mean of an image's known pixels."""
  total = (v * known).sum((1, 2), keepdims=True)
  # At least 1: an image of which nothing is known is filled with 0.
  mean = total / jnp.maximum(known.sum((1, 2), keepdims=True), 1)
  return v * known, jnp.where(known > 0, v, mean)


def mask(key, v, amount):
  """Each pixel is missing with probability `amount`."""
  known = jax.random.bernoulli(key, 1 - amount, (*v.shape[:3], 1))
  return masked(v, jnp.broadcast_to(known, v.shape).astype(v.dtype))


def square(key, v, amount):
  """A square is missing at a random place, whose side is the fraction `amount` of the image's."""
  n, h, w, _ = v.shape
  sides = jnp.array([round(amount * h), round(amount * w)])
  corners = jax.random.randint(key, (n, 2), 0, jnp.array([h, w])[None] - sides[None] + 1)

  def inside(axis, size):
    """Which rows (axis 0) or columns (axis 1) the square covers, [B, size]."""
    places = jnp.arange(size)[None]
    start = corners[:, axis, None]
    return (places >= start) & (places < start + sides[axis])

  missing = inside(0, h)[:, :, None] & inside(1, w)[:, None]
  return masked(v, jnp.broadcast_to(~missing[..., None], v.shape).astype(v.dtype))


def pool(v, f: int):
  """Means of blocks of f x f pixels, v [B, H, W, C] -> [B, H / f, W / f, C]."""
  n, h, w, c = v.shape
  return v.reshape(n, h // f, f, w // f, f, c).mean((2, 4))


def downsample(key, v, amount):
  """Means of blocks of `amount` x `amount` pixels; the baseline interpolates bicubically."""
  f = int(amount)
  small = pool(v, f)
  cubic = jax.image.resize(small, v.shape, "cubic")
  return small.repeat(f, 1).repeat(f, 2), jnp.clip(cubic, 0, 1)


def gray(key, v, amount):
  """The mean of the channels in each of them, which is the baseline too."""
  mean = jnp.broadcast_to(v.mean(-1, keepdims=True), v.shape)
  return mean, mean


def none(key, v, amount):
  """The image itself."""
  return v, v


CORRUPTIONS = {
  f.__name__: f for f in (none, gaussian, salt_and_pepper, mask, square, downsample, gray)
}
# Linear and idempotent, for a fixed key.
PROJECTIONS = "mask", "square", "downsample", "gray"
