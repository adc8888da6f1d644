"""Images [B, H, W, C] at half and at twice their size."""

import flax.linen as nn
import jax


def downsample(x):
  """Images at half their size, rounded up: means of 2 x 2 pixels."""
  return nn.avg_pool(x, (2, 2), (2, 2), "SAME", count_include_pad=False)


def upsample(x):
  """Images at twice their size: nearest neighbours."""
  return x.repeat(2, 1).repeat(2, 2)


def enlarged(x, size: tuple[int, int]):
  """Images at twice their size, cut to `size`: interpolated linearly between pixels' centres.

  Away from the border it is the filter [1, 3, 3, 1] of StyleGAN2.
  """
  n, h, w, channels = x.shape
  return jax.image.resize(x, (n, 2 * h, 2 * w, channels), "bilinear")[:, : size[0], : size[1]]


def halvings(size: tuple[int, int], depth: int) -> list[tuple[int, int]]:
  """Sizes from the smallest to `size`, each half the next one rounded up, depth + 1 of them."""
  height, width = size
  return [(-(-height // 2**i), -(-width // 2**i)) for i in range(depth, -1, -1)]
