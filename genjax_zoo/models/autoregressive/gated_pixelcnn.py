"""Gated PixelCNN (van den Oord et al. 2016, arXiv:1606.05328): two stacks of convolutions, without
a blind spot.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (levels - 1);   loss = -log p(x)
  vertical:    v' = gate(conv(v) + label),             all rows above, never the present one
  horizontal:  h' = h + conv_1x1(gate(conv_row(h) + conv_1x1(conv(v)) + label)),   and this row to the left
  gate(a, b) = tanh(a) sigmoid(b)

A plain PixelCNN masks one square kernel, and stacked masks leave a wedge to the right above unseen:
the blind spot. Rows above need no mask: the vertical stack sees a whole rectangle, and feeds the
horizontal one, never the reverse.

Channels come in the order R, G, B: features of the horizontal stack are divided among them, and in
the present pixel those of a channel see only what precedes it, p(R | ctx) p(G | ctx, R) p(B | ctx,
R, G). A deck (E, line 139) has "red, then blue, then green".

Departures: the kernels' sizes, in `model`; gray levels enter as numbers.

Sampling computes the vertical stack once a row, and of the horizontal one a column a pixel
(`MaskedConv`).
"""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.models.autoregressive._chain import image_shape, pixel_chain
from genjax_zoo.nn.masked import MaskedConv, Readout, causal, groups
from genjax_zoo.prob.autoregressive import head


def gate(x):
  """tanh(a) sigmoid(b) of the halves a, b of the last axis."""
  a, b = jnp.split(x, 2, -1)
  return jnp.tanh(a) * nn.sigmoid(b)


class Network(nn.Module):
  """v [B, H, W, C] and labels [B], or None -> float32 numbers [B, H, W, C, K]; `rows` is the
  vertical stack.
  """

  width: int
  layers: int
  kernel: int  # Odd, of the layers after the first.
  first: int  # Odd, of the first layer.
  channels: int
  outputs: int
  classes: int = 0
  dtype: str = "float32"

  def setup(self):
    half = [(k // 2 + 1, k) for k in (self.first, *[self.kernel] * (self.layers - 1))]
    each = lambda make: [make(h, k) for h, k in half]
    self.down = each(lambda h, k: MaskedConv(2 * self.width, (h, k), k // 2, self.dtype))
    self.link = each(lambda h, k: MaskedConv(2 * self.width, dtype=self.dtype))
    self.across = each(lambda h, k: MaskedConv(2 * self.width, (1, h), k // 2, self.dtype))
    self.out = each(lambda h, k: MaskedConv(self.width, dtype=self.dtype))
    if self.classes:
      self.embed = [nn.Embed(self.classes, 4 * self.width, dtype=self.dtype) for _ in half]
    self.readout = Readout(self.channels, self.outputs, self.dtype)

  def bias(self, layer, label):
    """What the class adds to the two stacks, each [B, 1, 1, 2 width], or 0."""
    return jnp.split(self.embed[layer](label)[:, None, None], 2, -1) if self.classes else (0.0, 0.0)

  def rows(self, v, label, at=None):
    """For each layer what the rows above say, [B, H, W, 2 width]."""
    vertical = jnp.pad(v, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]  # Row y holds v of row y - 1.
    links = []
    for layer, down in enumerate(self.down):
      h = down(vertical, at=at)
      links.append(self.link[layer](h, at=at))
      vertical = gate(h + self.bias(layer, label)[0])
    return links

  def pixels(self, v, rows, label, at=None):
    own, horizontal = groups(self.width, self.channels), v  # The channel of each feature,
    pair = np.concatenate([own, own])  # and of both halves that go into a gate.
    for layer, across in enumerate(self.across):
      seen, size = (own if layer else groups(self.channels, self.channels)), across.kernel_size
      h = (
        across(horizontal, causal(size, across.centre, seen, pair, strict=not layer), at)
        + rows[layer]
      )
      out = self.out[layer](
        gate(h + self.bias(layer, label)[1]), causal((1, 1), 0, own, own, strict=False), at
      )
      horizontal = horizontal + out if layer else out
    return self.readout(horizontal, at)

  def __call__(self, v, label):
    return self.pixels(v, self.rows(v, label), label)


def model(
  data,
  *,
  width: int = 64,
  layers: int = 7,
  kernel: int = 3,
  first: int = 7,
  conditional: bool = False,
  mixtures: int = 0,
  dtype: str = "float32",
) -> Model:
  """A gated PixelCNN of "image", with `width` features in each stack; class-conditional if
  `conditional`.

  A layer's vertical kernel has the upper (k + 1) / 2 rows of k x k, its row kernel the left (k + 1)
  / 2 of k: k is `first` in the first layer, then `kernel`. `mixtures` logistics take the place of
  the softmax.
  """
  shape, levels, classes = image_shape(data, width, conditional)
  net = Network(
    width, layers, kernel, first, shape[-1], head(levels, mixtures).outputs, classes, dtype
  )
  return pixel_chain(data, net, conditional=conditional, mixtures=mixtures)
