"""PixelRNN (van den Oord et al. 2016, arXiv:1601.06759): LSTMs that run over an image in rows or in
diagonals.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (levels - 1);   loss = -log p(x)
  h = conv_A(v);   each layer h = h + conv_1x1(lstm(h));   two 1 x 1 layers with ReLUs
  lstm:  o, f, i, g = conv_B(h) + sum_k K_k s_k,   c = sigmoid(f) c' + sigmoid(i) tanh(g),   s = sigmoid(o) tanh(c)

"row": all pixels of a row at once; s_k are the states of the three nearest pixels above, c' is that
of the pixel above, and conv_B is 3 wide. What it sees widens by a pixel a row and layer, a
triangle.

"diagonal": all pixels of a diagonal at once, which shifting row y by y pixels makes a column; s_k
are the states of the pixels above and to the left, c' is that of the left one, and conv_B is 1 x 1.
A second LSTM runs from the right, its states moved a row down, lest a pixel see what lies to its
right in its row. Together they see all that is above, but for the last pixel of the row above where
the first kernel does not reach it: no state of that row knows it.

Masks A and B are those of `pixelcnn`. Departures: a state before the image is 0, in the shifted
rows too; the forget gate's bias starts at 1; Adam, where the paper has RMSProp; gray levels enter
as numbers.

Sampling keeps the states of two rows; the LSTM from the right runs once a row.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import image_shape, pixel_chain
from genjax_zoo.nn.masked import MaskedConv, Readout, causal, groups
from genjax_zoo.prob.autoregressive import head


def lstm(kernel, gates, near, c):
  """(s, c), each [.., F], from the input's part of the gates [.., 4 F] and the states around,
  `near` [.., n F].
  """
  o, f, i, g = jnp.split(gates + near @ kernel, 4, -1)
  c = nn.sigmoid(f + 1) * c + nn.sigmoid(i) * jnp.tanh(g)
  return nn.sigmoid(o) * jnp.tanh(c), c


def sweep(kernel, taps, gates, inside):
  """s [T, B, N, F] of gates [T, B, N, 4 F]: at t all n at once, `near` the states of n + taps at t
  - 1.

  They are 0 before t = 0, and where inside [T, N] is 0.
  """
  left, right = -min(taps), max(taps)

  def step(carry, inputs):
    (s, c), (gates, inside) = carry, inputs
    padded = jnp.pad(s, ((0, 0), (left, right), (0, 0)))
    near = jnp.concatenate([padded[:, left + k : left + k + s.shape[1]] for k in taps], -1)
    s, c = (inside[None, :, None] * x for x in lstm(kernel, gates, near, c))
    return (s, c), s

  zeros = jnp.zeros((*gates.shape[1:3], gates.shape[3] // 4), gates.dtype)
  return jax.lax.scan(step, (zeros, zeros), (gates, inside))[1]


def skew(x):
  """x [B, H, W, F] -> [H + W - 1, B, H, F], at (t, y) the pixel (y, t - y), 0 outside."""
  B, H, W, F = x.shape
  flat = jnp.pad(x, ((0, 0), (0, 0), (0, H), (0, 0))).reshape(B, H * (W + H), F)
  return flat[:, : H * (W + H - 1)].reshape(B, H, W + H - 1, F).transpose(2, 0, 1, 3)


def unskew(x):
  """The inverse of `skew`."""
  T, B, H, F = x.shape
  flat = x.transpose(1, 2, 0, 3).reshape(B, H * T, F)
  return jnp.pad(flat, ((0, 0), (0, H), (0, 0))).reshape(B, H, T + 1, F)[:, :, : T + 1 - H]


class LSTM(nn.Module):
  """h [B, H, W, 2 F] -> s [B, H, W, F], with what both kinds need to compute a row or a pixel `at`
  a place.
  """

  width: int
  channels: int
  dtype: str

  def gates(self, h, size, name, at):
    """The input's part of the gates, [B, H, W, 4 F], or of the pixel `at`."""
    seen, own = groups(h.shape[-1], self.channels), groups(self.width, self.channels)
    conv = MaskedConv(4 * self.width, (1, size), size // 2, self.dtype, name=name)
    return conv(h, causal((1, size), size // 2, seen, np.tile(own, 4), strict=False), at)

  def kernel(self, name, taps):
    shape = (taps * self.width, 4 * self.width)
    return self.param(name, nn.initializers.lecun_normal(), shape).astype(self.dtype)

  def kept(self, name, *shape):
    """A variable of the cache; None where nothing is kept."""
    kept = self.is_mutable_collection("cache")
    return self.variable("cache", name, jnp.zeros, shape, self.dtype) if kept else None

  def states(self, h):
    """(s, c) of the last two rows, row y at y modulo 2, and a pixel of zeros at both ends."""
    return self.kept("states", len(h), 2, h.shape[2] + 2, 2, self.width)


class RowLSTM(LSTM):
  """h [B, H, W, 2 F] -> s [B, H, W, F]; of the pixel `at` = (row, column), [B, 1, 1, F], by the
  states of "cache".
  """

  @nn.compact
  def __call__(self, h, at=None, above=None):
    K, states = self.kernel("above", 3), self.states(h)
    if at is not None and at[1] is None:
      return ()
    gates = self.gates(h, 3, "input", at)
    if at is None:
      return sweep(K, (-1, 0, 1), gates.swapaxes(0, 1), np.ones(gates.shape[1:3])).swapaxes(0, 1)
    row, column = at
    # [B, 3, 2, F]
    near = jax.lax.dynamic_slice_in_dim(states.value[:, (row - 1) % 2], column, 3, 1)
    s, c = lstm(K, gates[:, 0, 0], near[:, :, 0].reshape(len(h), -1), near[:, 1, 1])
    states.value = states.value.at[:, row % 2, column + 1].set(jnp.stack([s, c], 1))
    return s[:, None, None]


class DiagonalLSTM(LSTM):
  """The same; at = (row, None) runs the LSTM from the right over the row above, [B, 1, W, F], which
  a pixel adds.
  """

  @nn.compact
  def __call__(self, h, at=None, above=None):
    K, K_right, states = self.kernel("left", 2), self.kernel("right", 2), self.states(h)
    B, _, W, _ = h.shape
    last, above_s = self.kept("gates", B, W, 4 * self.width), self.kept("above", B, W, self.width)
    if at is not None and at[1] is None:
      return self.row_above(K_right, last.value, above_s, at[0])
    gates, right = (self.gates(h, 1, name, at) for name in ("input", "input_right"))
    if at is None:
      inside = skew(np.ones((1, *gates.shape[1:3], 1)))[:, 0, :, 0]
      s, s_right = (
        unskew(sweep(k, (-1, 0), skew(g), inside))
        for k, g in ((K, gates), (K_right, right[:, :, ::-1]))
      )
      return s + jnp.pad(s_right[:, :-1, ::-1], ((0, 0), (1, 0), (0, 0), (0, 0)))
    row, column = at
    last.value = last.value.at[:, column].set(right[:, 0, 0])
    up, left = states.value[:, (row - 1) % 2, column + 1], states.value[:, row % 2, column]
    s, c = lstm(K, gates[:, 0, 0], jnp.concatenate([up[:, 0], left[:, 0]], -1), left[:, 1])
    states.value = states.value.at[:, row % 2, column + 1].set(jnp.stack([s, c], 1))
    return s[:, None, None] + above

  def row_above(self, kernel, gates, above, row):
    """The states of the LSTM from the right in the row above, [B, 1, W, F]: `above` goes a row
    down.
    """

    def step(carry, inputs):
      gates, up = inputs
      s, c = lstm(kernel, gates, jnp.concatenate([up, carry[0]], -1), carry[1])
      return (s, c), s

    zeros = jnp.zeros_like(above.value[:, 0])
    s = jax.lax.scan(
      step, (zeros, zeros), (gates.swapaxes(0, 1), above.value.swapaxes(0, 1)), reverse=True
    )[1]
    above.value = jnp.where(row > 0, s.swapaxes(0, 1), 0.0)  # Nothing is above the first row.
    return above.value[:, None]


LSTMS = {"row": RowLSTM, "diagonal": DiagonalLSTM}


class Network(nn.Module):
  """v [B, H, W, C] -> float32 numbers [B, H, W, C, K]; `rows` is the LSTMs from the right, no
  labels.
  """

  lstm: str
  width: int
  layers: int
  first: int
  channels: int
  outputs: int
  dtype: str = "float32"

  def setup(self):
    conv = lambda k: MaskedConv(2 * self.width, (k // 2 + 1, k), k // 2, self.dtype)
    self.begin = conv(self.first)
    self.lstms = [
      LSTMS[self.lstm](self.width, self.channels, self.dtype) for _ in range(self.layers)
    ]
    self.out = [conv(1) for _ in range(self.layers)]
    self.readout = Readout(self.channels, self.outputs, self.dtype)

  def rows(self, v, label, at):
    shape = (len(v), 1, v.shape[2], 2 * self.width)
    return [lstm(jnp.zeros(shape, self.dtype), at) for lstm in self.lstms]

  def pixels(self, v, rows, label, at=None):
    wide, narrow = groups(2 * self.width, self.channels), groups(self.width, self.channels)
    inputs, size = groups(self.channels, self.channels), self.begin.kernel_size
    h = self.begin(v, causal(size, self.begin.centre, inputs, wide, strict=True), at)
    for lstm, out, above in zip(self.lstms, self.out, rows):
      h += out(lstm(h, at, above), causal((1, 1), 0, narrow, wide, strict=False), at)
    return self.readout(h, at)

  def __call__(self, v, label):
    return self.pixels(v, [()] * self.layers, label)


def model(
  data,
  *,
  lstm: str = "row",
  width: int = 16,
  layers: int = 7,
  first: int = 7,
  mixtures: int = 0,
  dtype: str = "float32",
) -> Model:
  """A PixelRNN of "image": `layers` LSTMs of `width` features, "row" or "diagonal", between streams
  of twice as many.

  `mixtures` logistics take the place of the softmax over all levels.
  """
  shape, levels, _ = image_shape(data, width)
  if lstm not in LSTMS:
    raise UserError(f"unknown model.lstm={lstm!r}; there are {', '.join(LSTMS)}")
  net = Network(lstm, width, layers, first, shape[-1], head(levels, mixtures).outputs, dtype)
  return pixel_chain(data, net, mixtures=mixtures)
