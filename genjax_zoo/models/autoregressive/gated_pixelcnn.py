"""Gated PixelCNN (van den Oord et al. 2016, arXiv:1606.05328): two stacks, without a blind spot.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (num_values - 1),   loss = -log p(x)
  gate(a, b) = tanh(a) sigmoid(b)
  vertical stack, all rows above:
    u' = gate(conv(u) + place + label)
  horizontal stack, the pixels to the left too:
    h' = h + conv_1x1(gate(conv_row(h) + conv_1x1(conv(u)) + label))

A plain PixelCNN masks a square kernel, and stacked masks leave a wedge above to the right without
influence: the blind spot. The vertical stack needs no mask: its kernels cover rows above the
present one, a full rectangle. It feeds the horizontal stack, never the reverse.

Channels have the order R, G, B: p(R | context) p(G | context, R) p(B | context, R, G). The
horizontal stack's features are divided among them, and in the present pixel those of a channel
depend on earlier channels only.

A layer with kernels of k x k sees k // 2 more rows than the one before it. Dilated kernels (Yu &
Koltun 2016, arXiv:1511.07122), which skip d - 1 rows and columns between their weights, see d times
as many: dilations of 1, 2, 4, 8, 1, .. soon cover the image. And zeros outside of the image are
those of black pixels: without `place`, learned numbers for each row and each column, a pixel knows
where it is only as far as it sees an edge.

Departures: the kernels' sizes and dilations, and `place`, see `model`; gray levels enter as real
numbers. Sampling evaluates the vertical stack once a row, and one column of the horizontal stack
for each pixel.

Errata of the slides: docs/errata.md#gated_pixelcnn
"""

import flax.linen as nn
from jax import lax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models.autoregressive._chain import image_chain, image_field
from genjax_zoo.nn.masked import MaskedConv, Readout, causal, groups
from genjax_zoo.prob.autoregressive import head


def gate(x):
  """tanh(a) sigmoid(b) of the halves a, b of the last axis."""
  a, b = jnp.split(x, 2, -1)
  return jnp.tanh(a) * nn.sigmoid(b)


class Network(nn.Module):
  """v [B, H, W, C F], labels [B] or None -> float32 outputs [B, H, W, C, K].

  Methods `row`, the vertical stack, and `pixel`, the horizontal one: see `image_conditionals`.
  """

  width: int
  layers: int
  kernel: int  # Odd, of the layers after the first.
  first: int  # Odd, of the first layer.
  channels: int
  outputs: int
  classes: int = 0
  dtype: str = "float32"
  dilations: tuple[int, ...] = (1,)  # Of the layers, repeated.
  place: tuple[int, int] | None = None  # The numbers of rows and columns, for `place`.

  def setup(self):
    both = 2 * self.width  # The two halves that go into a gate.

    def spatial(layer, size, centre):
      # The first layers' inputs are the image itself: they need no cache.
      dilation = self.dilations[layer % len(self.dilations)]
      return MaskedConv(both, size, centre, self.dtype, layer > 0, dilation)

    def pointwise(width):
      return MaskedConv(width, dtype=self.dtype)

    sizes = [self.first] + [self.kernel] * (self.layers - 1)
    half = [k // 2 + 1 for k in sizes]
    self.down = [spatial(i, (h, k), k // 2) for i, (h, k) in enumerate(zip(half, sizes))]
    self.across = [spatial(i, (1, h), h - 1) for i, h in enumerate(half)]
    self.link = [pointwise(both) for _ in sizes]
    self.out = [pointwise(self.width) for _ in sizes]
    if self.place:
      rows, columns = self.place
      zeros = nn.initializers.zeros
      self.of_row = self.param("of_row", zeros, (rows, 1, both))
      self.of_column = self.param("of_column", zeros, (columns, both))
    if self.classes:
      self.embed = [nn.Embed(self.classes, 2 * both, dtype=self.dtype) for _ in sizes]
    self.readout = Readout(self.channels, self.outputs, self.dtype)

  def __call__(self, v, label):
    links = self.vertical(v, self.places(), label, lambda conv, x: conv(x))
    return self.horizontal(v, links, label, lambda conv, x, mask: conv(x, mask))

  def row(self, v, y, label):
    return self.vertical(v, self.places(y), label, lambda conv, x: conv.row(x, y))

  def pixel(self, v, links, y, column, label):
    return self.horizontal(v, links, label, lambda conv, x, mask: conv.pixel(x, y, column, mask))

  def places(self, y=None):
    """What the place adds to the first layer, [1, H, W, 2 width], or of row y; 0 without it."""
    if not self.place:
      return 0.0
    of_row = self.of_row if y is None else lax.dynamic_slice_in_dim(self.of_row, y, 1)
    return (of_row + self.of_column[None])[None].astype(self.dtype)

  def vertical(self, v, places, label, apply):
    """For each layer, what the rows above add to the horizontal stack, [B, H, W, 2 width]."""
    u = jnp.pad(v, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]  # Row y holds v of row y - 1.
    links = []
    for layer, conv in enumerate(self.down):
      gates = apply(conv, u)
      if layer == 0:
        gates += places  # The links pass it on to the horizontal stack.
      links.append(self.link[layer](gates))
      u = gate(gates + self.bias(layer, label)[0])
    return links

  def horizontal(self, v, links, label, apply):
    image = groups(v.shape[-1], self.channels)
    own = groups(self.width, self.channels)
    gates_own = np.concatenate([own, own])  # Of both halves that go into a gate.
    h = v
    for layer, conv in enumerate(self.across):
      if layer:
        mask = causal(conv.kernel_size, conv.centre, own, gates_own, strict=False)
      else:
        mask = causal(conv.kernel_size, conv.centre, image, gates_own, strict=True)
      gates = apply(conv, h, mask) + links[layer] + self.bias(layer, label)[1]
      out = self.out[layer](gate(gates), causal((1, 1), 0, own, own, strict=False))
      h = h + out if layer else out  # The first layer's input is the image: no residual.
    return self.readout(h)

  def bias(self, layer, label):
    """What the class adds to the two stacks, each [B, 1, 1, 2 width]; 0 without classes."""
    if not self.classes:
      return 0.0, 0.0
    return jnp.split(self.embed[layer](label)[:, None, None], 2, -1)


def model(
  data,
  *,
  width: int = 64,
  layers: int = 7,
  kernel: int = 3,
  first: int = 7,
  condition: tuple[str, ...] = (),
  dilations: tuple[int, ...] = (1,),
  place: bool = False,
  mixtures: int = 0,
  dtype: str = "float32",
) -> Model:
  """A gated PixelCNN of "image", with `width` features in each stack; `condition`: a label.

  The vertical kernel of a layer has the upper (k + 1) / 2 rows of k x k, the horizontal one the
  left (k + 1) / 2 of k: k is `first` in the first layer, then `kernel`. `dilations` are those of
  the layers, repeated until each has one. `mixtures` logistics replace the softmax.
  """
  field = image_field(data, width)
  fields = condition_fields(data, condition)
  outputs = head(field.num_values, mixtures).outputs
  classes = label_classes(fields)
  places = field.shape[:2] if place else None
  net = Network(
    width, layers, kernel, first, field.shape[-1], outputs, classes, dtype, dilations, places
  )
  return image_chain(data, net, fields, mixtures)
