"""PixelCNN (van den Oord et al. 2016, arXiv:1601.06759, section 3.3): masked convolutions, all
pixels' laws at once.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (levels - 1);   loss = -log p(x)
  h = conv_A(v);   each block h = h + conv_1x1(relu(conv_B(relu(conv_1x1(relu(h))))));   two 1 x 1 layers

Masks cut the kernels right of and below the present pixel. In the pixel itself mask A, of the first
layer, shows a feature of channel c the channels before c, and mask B c too: features are divided
among R, G, B in that order. (A deck, E, line 139, has "red, then blue, then green".)

Training is one pass, unlike a PixelRNN's. But not all above is seen, whatever the depth: a mask
shows nothing right of the present pixel in its row, so that what lies above to the right, beyond a
slope of one pixel a row and layer, stays in a blind spot, which the gated PixelCNN has not. (A deck
says of the whole family that each pixel is "affected from all pixels above and to the left", A,
line 200.)

Departures: Adam; gray levels enter as numbers. Sampling keeps the last rows of each layer and
computes one column of it a pixel (Ramachandran et al. 2017, 1704.06001).
"""

import flax.linen as nn

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import image_shape, pixel_chain
from genjax_zoo.nn.masked import MaskedConv, Readout, causal, groups
from genjax_zoo.prob.autoregressive import head


class Network(nn.Module):
  """v [B, H, W, C] -> float32 numbers [B, H, W, C, K]; no rows, no labels."""

  width: int  # Of a block's inside; h has twice as many.
  blocks: int
  kernel: int
  first: int
  channels: int
  outputs: int
  dtype: str = "float32"

  def setup(self):
    conv = lambda width, k=1: MaskedConv(width, (k // 2 + 1, k), k // 2, self.dtype)
    self.begin = conv(2 * self.width, self.first)
    each = [(self.width, 1), (self.width, self.kernel), (2 * self.width, 1)]
    self.convs = [[conv(*layer) for layer in each] for _ in range(self.blocks)]
    self.readout = Readout(self.channels, self.outputs, self.dtype)

  def rows(self, v, label, at=None):
    return ()

  def pixels(self, v, rows, label, at=None):
    made = groups(2 * self.width, self.channels)
    inputs = groups(self.channels, self.channels)
    begin = causal(self.begin.kernel_size, self.begin.centre, inputs, made, strict=True)
    h = self.begin(v, begin, at)
    for block in self.convs:
      out, seen = h, made
      for conv in block:
        own = groups(conv.features, self.channels)
        out = conv(nn.relu(out), causal(conv.kernel_size, conv.centre, seen, own, strict=False), at)
        seen = own
      h += out
    return self.readout(h, at)

  def __call__(self, v, label):
    return self.pixels(v, (), label)


def model(
  data,
  *,
  width: int = 16,
  blocks: int = 7,
  kernel: int = 3,
  first: int = 7,
  mixtures: int = 0,
  dtype: str = "float32",
) -> Model:
  """A PixelCNN of "image": `blocks` residual blocks of `width` features inside, of kernels `kernel`
  x `kernel`.

  `mixtures` logistics take the place of the softmax over all levels.
  """
  shape, levels, _ = image_shape(data, width)
  net = Network(width, blocks, kernel, first, shape[-1], head(levels, mixtures).outputs, dtype)
  return pixel_chain(data, net, mixtures=mixtures)
