"""PixelRNN (van den Oord et al. 2016, arXiv:1601.06759): LSTMs over an image's rows or diagonals.

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   v = x / (num_values - 1),   loss = -log p(x)
  h = conv_A(v)
  each layer  h = h + conv_1x1(lstm(h))
  outputs = two 1 x 1 layers of relu(h)
  lstm:  o, f, i, g = conv_B(h) + sum_k K_k s_k           s_k, c': states of neighbours (eq. 3)
         c = sigmoid(f) c' + sigmoid(i) tanh(g),   s = sigmoid(o) tanh(c)

Row LSTM (section 3.1): all pixels of a row at once. s_k are the states of the three nearest pixels
above, c' is that of the pixel above, and conv_B is 3 wide. The receptive field is a triangle: it
widens by a pixel for each row.

Diagonal BiLSTM (section 3.2): all pixels of a diagonal at once; `skew` shifts row y by y pixels, so
that diagonals become columns. s_k are the states of the pixels above and to the left, c' is that of
the left one, and conv_B is 1 x 1. A second LSTM runs from the right; its states are moved down by a
row, so that no pixel depends on pixels to its right in its row. The two cover all pixels above, but
for the last pixel of the row above where the first kernel does not reach it: no state of that row
depends on it.

Masks A and B are those of `pixelcnn`. Departures: states outside the image are 0, also in skewed
rows; the forget gate's bias starts at 1; Adam instead of RMSProp; gray levels enter as real
numbers. Sampling keeps the states of two rows; the LSTM from the right runs once a row.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import image_chain, image_field
from genjax_zoo.nn.masked import MaskedConv, Readout, causal, groups
from genjax_zoo.prob.autoregressive import head


def lstm(kernel, gates, neighbours, c):
  """(s, c), each [.., F]: the states of a pixel (eq. 3).

  gates [.., 4 F] are the input's part; neighbours [.., n F] the states s of n pixels, c [.., F] the
  cell state of one of them.
  """
  o, f, i, g = jnp.split(gates + neighbours @ kernel, 4, -1)
  c = nn.sigmoid(f + 1) * c + nn.sigmoid(i) * jnp.tanh(g)
  return nn.sigmoid(o) * jnp.tanh(c), c


def sweep(kernel, taps, gates, inside):
  """The states s [T, B, N, F] of an LSTM over gates [T, B, N, 4 F]: at step t, all N at once.

  The neighbours of n are n + taps at step t - 1; c is that of n itself. States are 0 before t = 0
  and where inside [T, N] is 0.
  """
  left, right = -min(taps), max(taps)

  def step(states, inputs):
    s, c = states
    gates, inside = inputs
    N = s.shape[1]
    padded = jnp.pad(s, ((0, 0), (left, right), (0, 0)))
    neighbours = jnp.concatenate([padded[:, left + k : left + k + N] for k in taps], -1)
    s, c = lstm(kernel, gates, neighbours, c)
    s, c = inside[None, :, None] * s, inside[None, :, None] * c
    return (s, c), s

  zeros = jnp.zeros((*gates.shape[1:3], gates.shape[3] // 4), gates.dtype)
  return jax.lax.scan(step, (zeros, zeros), (gates, inside))[1]


def skew(x):
  """x [B, H, W, F] -> [H + W - 1, B, H, F]: at (t, y) the pixel (y, t - y), 0 outside the image."""
  B, H, W, F = x.shape
  T = H + W - 1
  # H zeros after each row of W, read in rows of T: each row starts one pixel later than the last.
  padded = jnp.pad(x, ((0, 0), (0, 0), (0, H), (0, 0)))
  flat = padded.reshape(B, H * (W + H), F)
  rows = flat[:, : H * T].reshape(B, H, T, F)
  return rows.transpose(2, 0, 1, 3)


def unskew(x):
  """The inverse of `skew`."""
  T, B, H, F = x.shape
  flat = x.transpose(1, 2, 0, 3).reshape(B, H * T, F)
  padded = jnp.pad(flat, ((0, 0), (0, H), (0, 0)))
  rows = padded.reshape(B, H, T + 1, F)
  return rows[:, :, : T + 1 - H]


def state_kernel(module, name, taps: int):
  """The parameter [taps F, 4 F] that leads from the states of neighbours to the gates."""
  shape = taps * module.width, 4 * module.width
  kernel = module.param(name, nn.initializers.lecun_normal(), shape)
  return kernel.astype(module.dtype)


def gates_mask(kernel_size, centre: int, inputs: int, width: int, channels: int):
  """Mask B of the convolution from `inputs` features to the four gates of `width` features."""
  gates = np.tile(groups(width, channels), 4)
  return causal(kernel_size, centre, groups(inputs, channels), gates, strict=False)


def start_cache(module, **shapes):
  """Zeros of these shapes in the collection "cache", where it is being initialized."""
  if module.is_mutable_collection("cache"):
    for name, shape in shapes.items():
      module.put_variable("cache", name, jnp.zeros(shape, module.dtype))


class RowLSTM(nn.Module):
  """h [B, H, W, 2 F] -> states [B, H, W, F], each given those of three pixels above."""

  width: int
  channels: int
  dtype: str

  def setup(self):
    self.input = MaskedConv(4 * self.width, (1, 3), 1, self.dtype)
    self.kernel = state_kernel(self, "above", 3)

  def __call__(self, h):
    B, H, W, _ = h.shape
    # (s, c) of the present row and the one above, row y at y modulo 2; zeros at both ends.
    start_cache(self, states=(B, 2, W + 2, 2, self.width))
    gates = self.input(h, self.mask(h))
    states = sweep(self.kernel, (-1, 0, 1), gates.swapaxes(0, 1), np.ones((H, W)))
    return states.swapaxes(0, 1)

  def row(self, y):
    return ()  # What is above is in the cached states.

  def pixel(self, h, above, y, column):
    gates = self.input.pixel(h, y, column, self.mask(h))[:, 0, 0]
    states = self.get_variable("cache", "states")
    row_above = states[:, (y - 1) % 2]
    near = jax.lax.dynamic_slice_in_dim(row_above, column, 3, 1)  # [B, 3, 2, F]
    s_near, c_near = near[:, :, 0], near[:, :, 1]
    s, c = lstm(self.kernel, gates, s_near.reshape(len(h), -1), c_near[:, 1])
    states = states.at[:, y % 2, column + 1].set(jnp.stack([s, c], 1))
    self.put_variable("cache", "states", states)
    return s[:, None, None]

  def mask(self, h):
    return gates_mask((1, 3), 1, h.shape[-1], self.width, self.channels)


class DiagonalBiLSTM(nn.Module):
  """h [B, H, W, 2 F] -> states [B, H, W, F], the sum of those of two LSTMs.

  One runs from the left, over this row and those above; one from the right, over the rows above.
  """

  width: int
  channels: int
  dtype: str

  def setup(self):
    self.input = MaskedConv(4 * self.width, dtype=self.dtype)
    self.input_right = MaskedConv(4 * self.width, dtype=self.dtype)
    self.kernel = state_kernel(self, "left", 2)
    self.kernel_right = state_kernel(self, "right", 2)

  def __call__(self, h):
    B, H, W, _ = h.shape
    start_cache(
      self,
      # (s, c) of the LSTM from the left, as in a Row LSTM.
      states=(B, 2, W + 2, 2, self.width),
      # The LSTM from the right: gates of the last row, and states s of the row before it.
      gates_right=(B, W, 4 * self.width),
      states_right=(B, W, self.width),
    )
    mask = self.mask(h)
    gates, gates_right = self.input(h, mask), self.input_right(h, mask)
    inside = skew(np.ones((1, H, W, 1)))[:, 0, :, 0]
    left = unskew(sweep(self.kernel, (-1, 0), skew(gates), inside))
    mirrored = skew(gates_right[:, :, ::-1])
    right = unskew(sweep(self.kernel_right, (-1, 0), mirrored, inside))
    right = right[:, :-1, ::-1]  # Moved down by a row, without the last:
    return left + jnp.pad(right, ((0, 0), (1, 0), (0, 0), (0, 0)))

  def row(self, y):
    """The states of the LSTM from the right in row y - 1, [B, 1, W, F]."""
    gates = self.get_variable("cache", "gates_right")
    above = self.get_variable("cache", "states_right")

    def step(states, inputs):
      s_right, c = states
      gates, s_above = inputs
      s, c = lstm(self.kernel_right, gates, jnp.concatenate([s_above, s_right], -1), c)
      return (s, c), s

    zeros = jnp.zeros_like(above[:, 0])
    columns = gates.swapaxes(0, 1), above.swapaxes(0, 1)
    s = jax.lax.scan(step, (zeros, zeros), columns, reverse=True)[1]
    s = jnp.where(y > 0, s.swapaxes(0, 1), 0.0)  # Nothing is above the first row.
    self.put_variable("cache", "states_right", s)
    return s[:, None]

  def pixel(self, h, above, y, column):
    mask = self.mask(h)
    gates = self.input(h, mask)[:, 0, 0]
    gates_right = self.input_right(h, mask)[:, 0, 0]
    row_gates = self.get_variable("cache", "gates_right")
    self.put_variable("cache", "gates_right", row_gates.at[:, column].set(gates_right))

    states = self.get_variable("cache", "states")
    up = states[:, (y - 1) % 2, column + 1]
    left = states[:, y % 2, column]
    s_up, s_left, c_left = up[:, 0], left[:, 0], left[:, 1]
    s, c = lstm(self.kernel, gates, jnp.concatenate([s_up, s_left], -1), c_left)
    states = states.at[:, y % 2, column + 1].set(jnp.stack([s, c], 1))
    self.put_variable("cache", "states", states)
    return s[:, None, None] + above

  def mask(self, h):
    return gates_mask((1, 1), 0, h.shape[-1], self.width, self.channels)


LSTMS = {"row": RowLSTM, "diagonal": DiagonalBiLSTM}


class Network(nn.Module):
  """v [B, H, W, C F] -> float32 outputs [B, H, W, C, K], with methods `row` and `pixel`.

  See `image_conditionals`; there is no label.
  """

  lstm: str
  width: int
  layers: int
  first: int
  channels: int
  outputs: int
  dtype: str = "float32"

  def setup(self):
    k, wide = self.first, 2 * self.width
    self.begin = MaskedConv(wide, (k // 2 + 1, k), k // 2, self.dtype, cached=False)
    layer = LSTMS[self.lstm]
    self.lstms = [layer(self.width, self.channels, self.dtype) for _ in range(self.layers)]
    self.out = [MaskedConv(wide, dtype=self.dtype) for _ in range(self.layers)]
    self.readout = Readout(self.channels, self.outputs, self.dtype)

  def __call__(self, v, label):
    h = self.begin(v, self.begin_mask(v))
    for lstm, out in zip(self.lstms, self.out):
      h += out(lstm(h), self.out_mask())
    return self.readout(h)

  def row(self, v, y, label):
    return [lstm.row(y) for lstm in self.lstms]

  def pixel(self, v, above, y, column, label):
    h = self.begin.pixel(v, y, column, self.begin_mask(v))
    for lstm, out, lstm_above in zip(self.lstms, self.out, above):
      h += out(lstm.pixel(h, lstm_above, y, column), self.out_mask())
    return self.readout(h)

  def begin_mask(self, v):
    image, wide = groups(v.shape[-1], self.channels), groups(2 * self.width, self.channels)
    return causal(self.begin.kernel_size, self.begin.centre, image, wide, strict=True)

  def out_mask(self):
    narrow, wide = groups(self.width, self.channels), groups(2 * self.width, self.channels)
    return causal((1, 1), 0, narrow, wide, strict=False)


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
  """A PixelRNN of "image": `layers` LSTMs, "row" or "diagonal", with `width` features.

  Between the LSTMs, h has twice as many. `first` is the size of the first layer's kernel;
  `mixtures` logistics replace the softmax.
  """
  if lstm not in LSTMS:
    raise UserError(f"unknown model.lstm={lstm!r}; there are {', '.join(LSTMS)}")
  field = image_field(data, width)
  outputs = head(field.num_values, mixtures).outputs
  net = Network(lstm, width, layers, first, field.shape[-1], outputs, dtype)
  return image_chain(data, net, mixtures=mixtures)
