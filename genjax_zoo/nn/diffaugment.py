"""Differentiable augmentation (Zhao 2020, arXiv:2006.10738): random changes with gradients.

A critic that gets real and generated images changed in this way can't memorise the training set.
The generator is trained through the same changes, so it does not learn to produce them. Images are
floats [B, H, W, C] in [-1, 1]; each is changed at random on its own, and keeps its shape.
"""

import jax
import jax.numpy as jnp


def uniform(key, x, low: float, high: float):
  """One uniform number for each image of x, [B, 1, 1, 1]."""
  return jax.random.uniform(key, (len(x), 1, 1, 1), minval=low, maxval=high)


def colour(x, key):
  """Brightness shifted by up to 0.5, saturation scaled by 0 to 2, contrast by 0.5 to 1.5."""
  k_brightness, k_saturation, k_contrast = jax.random.split(key, 3)
  x = x + uniform(k_brightness, x, -0.5, 0.5)
  gray = x.mean(-1, keepdims=True)
  x = gray + uniform(k_saturation, x, 0.0, 2.0) * (x - gray)
  mean = x.mean((1, 2, 3), keepdims=True)
  return mean + uniform(k_contrast, x, 0.5, 1.5) * (x - mean)


def translation(x, key, ratio: float = 1 / 8, fill: float = 0.0):
  """Images shifted by up to `ratio` of their size along both axes, with `fill` moving in."""
  h, w = (int(size * ratio + 0.5) for size in x.shape[1:3])
  padded = jnp.pad(x, ((0, 0), (h, h), (w, w), (0, 0)), constant_values=fill)
  corners = jax.random.randint(key, (len(x), 2), 0, jnp.array([[2 * h + 1, 2 * w + 1]]))

  def crop(image, corner):
    return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), x.shape[1:])

  return jax.vmap(crop)(padded, corners)


def cutout(x, key, ratio: float = 1 / 2):
  """Images with a rectangle of `ratio` of their size, centred anywhere in them, set to 0."""

  def inside(key, size):
    """Which rows, or columns, the rectangle covers, [B, size]."""
    centre = jax.random.randint(key, (len(x), 1), 0, size)
    return jnp.abs(jnp.arange(size)[None] - centre) < size * ratio / 2

  k_rows, k_columns = jax.random.split(key)
  rows = inside(k_rows, x.shape[1])
  columns = inside(k_columns, x.shape[2])
  rectangle = rows[:, :, None] & columns[:, None]
  return jnp.where(rectangle[..., None], 0.0, x)


AUGMENTATIONS = {"colour": colour, "translation": translation, "cutout": cutout}


def augment(x, key, names: tuple[str, ...], p=None):
  """x [B, H, W, C] after the augmentations `names`, in order.

  Each is applied to an image with probability p, which may be traced, as in adaptive augmentation
  (Karras 2020, arXiv:2006.06676). None applies all of them to every image.
  """
  keys = jax.random.split(key, max(1, len(names)))
  for name, k in zip(names, keys):
    if p is None:
      x = AUGMENTATIONS[name](x, k)
    else:
      k, k_apply = jax.random.split(k)
      applied = jax.random.bernoulli(k_apply, p, (len(x), 1, 1, 1))
      x = jnp.where(applied, AUGMENTATIONS[name](x, k), x)
  return x
