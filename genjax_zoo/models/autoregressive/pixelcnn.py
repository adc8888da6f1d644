"""PixelCNN (van den Oord et al. 2016, arXiv:1601.06759, section 3.3): masked convolutions.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (num_values - 1),   loss = -log p(x)
  h = conv_A(v)
  each block  h = h + conv_1x1(relu(conv_B(relu(conv_1x1(relu(h))))))
  outputs = two 1 x 1 layers of h

Masks remove the kernels' weights right of and below the present pixel. Features are divided among
the channels R, G, B in that order. In the present pixel, features of channel c depend on the
channels before c with mask A, of the first layer, and on c too with mask B.

Training is one pass, unlike that of a PixelRNN. The receptive field has a blind spot, whatever the
depth: a kernel has no weights right of the present pixel in its row, so pixels above to the right,
beyond a slope of one pixel a row and layer, have no influence. The gated PixelCNN removes it.

Departures: Adam; gray levels enter as real numbers. Sampling keeps the last rows of each layer and
computes one column of a layer for each pixel (Ramachandran et al. 2017, 1704.06001).

Errata of the slides: docs/errata.md#pixelcnn
"""

import flax.linen as nn

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import image_chain, image_field
from genjax_zoo.nn.masked import MaskedConv, Readout, causal, groups
from genjax_zoo.prob.autoregressive import head


class Network(nn.Module):
  """v [B, H, W, C F] -> float32 outputs [B, H, W, C, K], with methods `row` and `pixel`.

  See `image_conditionals`; there is no label, and what is above a row is in the layers' caches.
  """

  width: int  # Inside a block; h has twice as many features.
  blocks: int
  kernel: int  # Odd, of the blocks.
  first: int  # Odd, of the first layer.
  channels: int
  outputs: int
  dtype: str = "float32"

  def setup(self):
    def conv(width, k=1, cached=True):
      return MaskedConv(width, (k // 2 + 1, k), k // 2, self.dtype, cached)

    self.begin = conv(2 * self.width, self.first, cached=False)
    self.convs = [
      [conv(self.width), conv(self.width, self.kernel), conv(2 * self.width)]
      for _ in range(self.blocks)
    ]
    self.readout = Readout(self.channels, self.outputs, self.dtype)

  def __call__(self, v, label):
    return self.layers(v, lambda conv, x, mask: conv(x, mask))

  def row(self, v, y, label):
    return ()

  def pixel(self, v, above, y, column, label):
    return self.layers(v, lambda conv, x, mask: conv.pixel(x, y, column, mask))

  def layers(self, v, apply):
    """The outputs; apply(conv, x, mask) evaluates a convolution, at all pixels or at one."""
    image = groups(v.shape[-1], self.channels)
    wide = groups(2 * self.width, self.channels)
    narrow = groups(self.width, self.channels)

    def masked(conv, x, inputs, outputs, strict=False):
      return apply(conv, x, causal(conv.kernel_size, conv.centre, inputs, outputs, strict))

    h = masked(self.begin, v, image, wide, strict=True)
    for reduce, spatial, expand in self.convs:
      out = masked(reduce, nn.relu(h), wide, narrow)
      out = masked(spatial, nn.relu(out), narrow, narrow)
      h += masked(expand, nn.relu(out), narrow, wide)
    return self.readout(h)


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
  """A PixelCNN of "image": `blocks` residual blocks, `width` features inside, `kernel` x `kernel`.

  `first` is the size of the first layer's kernel. `mixtures` logistics replace the softmax.
  """
  field = image_field(data, width)
  outputs = head(field.num_values, mixtures).outputs
  net = Network(width, blocks, kernel, first, field.shape[-1], outputs, dtype)
  return image_chain(data, net, mixtures=mixtures)
