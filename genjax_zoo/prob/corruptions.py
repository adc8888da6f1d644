"""What can befall an image, and what undoes it without learning: (key, v, amount) -> (corrupted,
restored).

Images v [B, H, W, C] in [0, 1]; both results have their form. The second is the baseline that a
model must beat.
"""

import jax
import jax.numpy as jnp


def gaussian(key, v, amount):
  """Noise of standard deviation `amount`; the baseline leaves it."""
  noisy = v + amount * jax.random.normal(key, v.shape)
  return noisy, jnp.clip(noisy, 0, 1)


def salt_and_pepper(key, v, amount):
  """Each number with probability `amount` 0 or 1, by chance; the baseline is the median of its 3 x
  3 neighbours.
  """
  k_where, k_which = jax.random.split(key)
  spoilt = jnp.where(
    jax.random.bernoulli(k_where, amount, v.shape), jax.random.bernoulli(k_which, 0.5, v.shape), v
  )
  padded = jnp.pad(spoilt, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
  h, w = v.shape[1:3]
  return spoilt, jnp.median(
    jnp.stack([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)]), 0
  )


def masked(v, seen):
  """v where `seen`, else 0; the baseline is the mean of what is seen of the image, channel by
  channel.
  """
  mean = (v * seen).sum((1, 2), keepdims=True) / jnp.maximum(seen.sum((1, 2), keepdims=True), 1)
  return v * seen, jnp.where(seen > 0, v, mean)


def mask(key, v, amount):
  """Each pixel missing with probability `amount`."""
  seen = jax.random.bernoulli(key, 1 - amount, (*v.shape[:3], 1))
  return masked(v, jnp.broadcast_to(seen, v.shape).astype(v.dtype))


def square(key, v, amount):
  """A square missing at a random place, its side the fraction `amount` of the image's."""
  n, h, w, _ = v.shape
  sides = jnp.array([round(amount * h), round(amount * w)])
  corner = jax.random.randint(key, (n, 2), 0, jnp.array([h, w])[None] - sides[None] + 1)
  inside = lambda axis, size: (
    (jnp.arange(size)[None] >= corner[:, axis, None])
    & (jnp.arange(size)[None] < (corner[:, axis] + sides[axis])[:, None])
  )
  missing = inside(0, h)[:, :, None] & inside(1, w)[:, None]
  return masked(v, jnp.broadcast_to(~missing[..., None], v.shape).astype(v.dtype))


def downsample(key, v, amount):
  """The means of blocks of `amount` x `amount` pixels, drawn large; the baseline interpolates them
  bicubically.
  """
  n, h, w, c = v.shape
  f = int(amount)
  small = v.reshape(n, h // f, f, w // f, f, c).mean((2, 4))
  return small.repeat(f, 1).repeat(f, 2), jnp.clip(jax.image.resize(small, v.shape, "cubic"), 0, 1)


def gray(key, v, amount):
  """The mean of the channels in each of them; the baseline leaves it."""
  level = jnp.broadcast_to(v.mean(-1, keepdims=True), v.shape)
  return level, level


def none(key, v, amount):
  """The image itself."""
  return v, v


CORRUPTIONS = {
  f.__name__: f for f in (none, gaussian, salt_and_pepper, mask, square, downsample, gray)
}
# Linear, and what they leave they leave again.
PROJECTIONS = "mask", "square", "downsample", "gray"
