"""A critic of patches (PatchGAN, Isola 2017, arXiv:1611.07004): one logit for each place."""

import flax.linen as nn

from genjax_zoo.nn.conv import Conv


class PatchCritic(nn.Module):
  """Images [B, H, W, C] -> logits [B, h, w]; each of `widths` halves the image.

  A logit sees a patch, of 18 x 18 pixels for two widths, and says whether that patch is real: the
  texture, not the whole image, is what the critic knows.
  """

  widths: tuple[int, ...]

  @nn.compact
  def __call__(self, x):
    for width in self.widths:
      x = nn.leaky_relu(Conv(width, (4, 4), (2, 2))(x), 0.2)
    x = nn.leaky_relu(Conv(self.widths[-1], (3, 3))(x), 0.2)
    return Conv(1, (1, 1))(x)[..., 0]
