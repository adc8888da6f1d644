"""Differentiable augmentation (Zhao 2020, arXiv:2006.10738): random changes of images that
gradients pass through.

A critic that sees real and generated images so changed can't learn the training set by heart, and
as the generator is trained through the same changes it does not learn to make them. Images are
floats [B, H, W, C] in [-1, 1], each with its own draw; the result has the same shape.
"""

import jax
import jax.numpy as jnp


def _each(key, x, low, high):
  """One uniform number an image, [B, 1, 1, 1]."""
  return jax.random.uniform(key, (len(x), 1, 1, 1), minval=low, maxval=high)


def colour(x, key):
  """Brightness moved by up to 0.5, saturation scaled by 0 to 2, contrast by 0.5 to 1.5."""
  k_brightness, k_saturation, k_contrast = jax.random.split(key, 3)
  x = x + _each(k_brightness, x, -0.5, 0.5)
  gray = x.mean(-1, keepdims=True)
  x = gray + _each(k_saturation, x, 0.0, 2.0) * (x - gray)
  mean = x.mean((1, 2, 3), keepdims=True)
  return mean + _each(k_contrast, x, 0.5, 1.5) * (x - mean)


def translation(x, key, ratio: float = 1 / 8, fill: float = 0.0):
  """Images moved by up to `ratio` of their size along both axes, `fill` where they were not."""
  h, w = (int(size * ratio + 0.5) for size in x.shape[1:3])
  padded = jnp.pad(x, ((0, 0), (h, h), (w, w), (0, 0)), constant_values=fill)
  corner = jax.random.randint(key, (len(x), 2), 0, jnp.array([[2 * h + 1, 2 * w + 1]]))
  crop = lambda image, c: jax.lax.dynamic_slice(image, (c[0], c[1], 0), x.shape[1:])
  return jax.vmap(crop)(padded, corner)


def cutout(x, key, ratio: float = 1 / 2):
  """Images with a rectangle of `ratio` of their size, to_floats anywhere, set to 0."""
  keys = jax.random.split(key)
  inside = [
    jnp.abs(jnp.arange(size)[None] - jax.random.randint(k, (len(x), 1), 0, size)) < size * ratio / 2
    for k, size in zip(keys, x.shape[1:3])
  ]
  return jnp.where((inside[0][:, :, None] & inside[1][:, None])[..., None], 0.0, x)


AUGMENTATIONS = {"colour": colour, "translation": translation, "cutout": cutout}


def augment(x, key, names: tuple[str, ...]):
  """x after each of the augmentations `names`, in order."""
  for name, k in zip(names, jax.random.split(key, max(1, len(names)))):
    x = AUGMENTATIONS[name](x, k)
  return x
