"""Gated PixelCNN (van den Oord et al. 2016, arXiv:1606.05328): two stacks of convolutions, without a blind spot.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (levels - 1);   loss = -log p(x)
  vertical:    v' = gate(conv(v) + label),             all rows above, never the present one
  horizontal:  h' = h + conv_1x1(gate(conv_row(h) + conv_1x1(conv(v)) + label)),   and this row to the left
  gate(a, b) = tanh(a) sigmoid(b)

A plain PixelCNN masks one square kernel, and stacked masks leave a wedge to the right above unseen: the blind spot.
Rows above need no mask: the vertical stack sees a whole rectangle, and feeds the horizontal one, never the reverse.

Channels come in the order R, G, B: features of the horizontal stack are divided among them, and in the present pixel
those of a channel see only what precedes it, p(R | ctx) p(G | ctx, R) p(B | ctx, R, G). A deck (E, line 139) has "red,
then blue, then green".

Departures: the kernels' sizes, in `model`; gray levels enter as numbers. Sampling evaluates the whole network for each
pixel and channel.
"""

import math

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._chain import chain, integers
from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.masked import MaskedConv, causal_row, groups
from genjax_zoo.prob.autoregressive import outputs


def gate(x):
  """tanh(a) sigmoid(b) of the halves a, b of the last axis."""
  a, b = jnp.split(x, 2, -1)
  return jnp.tanh(a) * nn.sigmoid(b)


class Network(nn.Module):
  """v [B, H, W, C] and labels [B], or None -> float32 logits [B, H, W, C, K]."""

  width: int
  layers: int
  kernel: int  # Odd, of the layers after the first.
  first: int  # Odd, of the first layer.
  outputs: int
  classes: int
  dtype: str

  @nn.compact
  def __call__(self, v, label):
    channels, k = v.shape[-1], self.first
    own = groups(self.width, channels)  # The channel of each feature of the horizontal stack,
    pair = np.concatenate([own, own])  # of both halves that go into a gate,
    inputs, pixels = groups(channels, channels), groups(channels * self.outputs, channels)
    above = jnp.pad(v, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]  # Row y holds v of row y - 1.
    vertical, horizontal = above, v
    for layer in range(self.layers):
      seen, half = (own if layer else inputs), k // 2
      bias_v = bias_h = 0.0
      if self.classes:
        embedded = nn.Embed(self.classes, 4 * self.width, dtype=self.dtype)(label)[:, None, None]
        bias_v, bias_h = jnp.split(embedded, 2, -1)
      down = Conv(2 * self.width, (half + 1, k), padding=((half, 0), (half, half)), dtype=self.dtype)(vertical)
      row = MaskedConv(2 * self.width, (1, half + 1), ((0, 0), (half, 0)), self.dtype)
      across = row(horizontal, causal_row(half + 1, seen, pair, strict=not layer))
      across += Conv(2 * self.width, (1, 1), dtype=self.dtype)(down)
      vertical = gate(down + bias_v)
      out = MaskedConv(self.width, dtype=self.dtype)(gate(across + bias_h), causal_row(1, own, own, strict=False))
      horizontal, k = horizontal + out if layer else out, self.kernel
    h = MaskedConv(self.width, dtype=self.dtype)(nn.relu(horizontal), causal_row(1, own, own, strict=False))
    logits = MaskedConv(len(pixels))(nn.relu(h), causal_row(1, own, pixels, strict=False))
    return logits.astype(jnp.float32).reshape(*v.shape, self.outputs)


def model(
  data, *, width: int = 64, layers: int = 7, kernel: int = 3, first: int = 7, conditional: bool = False,
  dtype: str = "float32",
) -> Model:  # fmt: skip
  """A gated PixelCNN of "image", with `width` features in each stack; class-conditional if `conditional`.

  A layer's vertical kernel has the upper (k + 1) / 2 rows of k x k, its row kernel the left (k + 1) / 2 of k: k is
  `first` in the first layer, then `kernel`.
  """
  _, (shape, _, levels) = integers(data)
  if len(shape) != 3:
    raise UserError(f"a gated PixelCNN wants images [H, W, C] and the data have the shape {shape}")
  if conditional and "label" not in data:
    raise UserError("model.conditional wants data with a 'label'")
  if width < shape[-1]:
    raise UserError(f"model.width={width}: each of {shape[-1]} channels needs a feature")
  classes = data["label"].levels if conditional else 0
  net = Network(width, layers, kernel, first, outputs(levels), classes, dtype)

  def init(key, batch):
    return {"net": net.init(key, jnp.zeros((1, *shape)), jnp.zeros(1, jnp.int32))["params"]}, {}

  def logits(params, x, context):
    v = x.reshape(-1, *shape) / (levels - 1)
    out = net.apply({"params": params["net"]}, v, context["label"] if conditional else None)
    return out.reshape(len(x), math.prod(shape), -1)

  return chain(data, init, logits, given=("label",) if conditional else ())
