"""PixelCNN++ (Salimans et al. 2017, arXiv:1701.05517): shifted convolutions, mixtures of logistics.

  p(x) = prod_pixels p(r, g, b | pixels before),   loss = -log p(x)
  v = 2 x / (num_values - 1) - 1
  p(r, g, b) = sum_k pi_k P_k(r; m_r) P_k(g; m_g + a r) P_k(b; m_b + b r + c g)

P_k are discretized logistics; a, b, c are tanh of outputs. Channels need no masks: given the
component k they are independent but for the linear means. Summed over k, the distribution of a
channel given the channels before it is again a mixture of logistics, with the shifted means and the
weights  pi_k prod_{earlier} P_k(earlier).  These are the conditionals of `Model.parts`, so that
sampling options and completion are those of all autoregressive models.

The network is a U-Net of two streams, `u` of the rows above and `ul` of the pixels to the left too.
They have no masks either: kernels end at the present row or pixel, and images are shifted by one.
  block:  h = conv(concat_elu(x)) + conv_1x1(concat_elu(other)),   [a, b] = conv(concat_elu(h))
          x + a sigmoid(b)
`other` is u in ul and, on the way up, the stream's value at the same place on the way down.

Weights are w = g direction / |direction|. g and the bias are set by the first batch: outputs have
mean 0 and standard deviation 1 (Salimans & Kingma 2016, arXiv:1602.07868), or 0.1 in a block's last
layer and in the network's.

Departures: no dropout, and the width is for digits. The network's outputs start with standard
deviation 0.1, not 1. Sampling evaluates the whole network for each channel.
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import Conditionals, chain, image_field
from genjax_zoo.nn.conv import conv_general_dilated
from genjax_zoo.prob.autoregressive import mixture_parameters
from genjax_zoo.prob.distributions import discretized_logistic_log_prob


class Conv(nn.Module):
  """x [B, H, W, I] -> [B, H, W, O], a weight-normalized convolution over earlier pixels.

  A kernel (2, 3) covers the present row and the one above: with x shifted down by a row, rows above
  only. Kernels up to 2 wide end at the present pixel. `stride` 2 halves the image, `dilation` 2
  doubles it. At initialization outputs have mean 0 and standard deviation `scale`.
  """

  features: int
  kernel_size: tuple[int, int] = (1, 1)
  stride: int = 1
  dilation: int = 1
  scale: float = 1.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    shape = (*self.kernel_size, x.shape[-1], self.features)
    direction = self.param("direction", nn.initializers.normal(0.05), shape)
    unit = direction / jnp.sqrt((direction**2).sum((0, 1, 2), keepdims=True))
    y = conv_general_dilated(
      x.astype(self.dtype),
      unit.astype(self.dtype),
      (self.stride, self.stride),
      self.padding(),
      (self.dilation, self.dilation),
      dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    g, bias = self.gain_and_bias(y.astype(jnp.float32))
    return y * g.astype(y.dtype) + bias.astype(y.dtype)

  def padding(self):
    """((top, bottom), (left, right)) of zeros around the image."""
    h, w = self.kernel_size
    left = 1 if w == 3 else w - 1
    extra = self.dilation - 1  # Doubles the last row and column too.
    return (h - 1, extra), (left, w - 1 - left + extra)

  def gain_and_bias(self, y):
    """The parameters g and bias, [1, 1, 1, O]; initialized by the moments of y."""

    def moment(f):
      return f(y, axis=(0, 1, 2), keepdims=True)

    # 0.1 instead of the standard deviation 0 of constants.
    g = self.param("g", lambda key: self.scale / jnp.maximum(moment(jnp.std), 0.1))
    bias = self.param("bias", lambda key: -moment(jnp.mean) * g)
    return g, bias


def concat_elu(x):
  """elu([x, -x]): the gradient vanishes for neither sign."""
  return nn.elu(jnp.concatenate([x, -x], -1))


class Block(nn.Module):
  """x [B, H, W, F] and perhaps `other` [B, H, W, G] -> [B, H, W, F], a gated residual block."""

  kernel_size: tuple[int, int]
  dtype: str

  @nn.compact
  def __call__(self, x, other=None):
    F = x.shape[-1]
    h = Conv(F, self.kernel_size, dtype=self.dtype)(concat_elu(x))
    if other is not None:
      h += Conv(F, dtype=self.dtype)(concat_elu(other))
    last = Conv(2 * F, self.kernel_size, scale=0.1, dtype=self.dtype)
    a, b = jnp.split(last(concat_elu(h)), 2, -1)
    return x + a * nn.sigmoid(b)


def shift_down(x):
  """Row y of the result is row y - 1 of x; the first is 0."""
  return jnp.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]


def shift_right(x):
  """A column of the result is the one left of it in x; the first is 0."""
  return jnp.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]


class Network(nn.Module):
  """v [B, H, W, C] in [-1, 1] -> float32 [B, H, W, outputs], given the pixels before each."""

  width: int
  blocks: int
  scales: int
  outputs: int
  dtype: str = "float32"

  @nn.compact
  def __call__(self, v):
    def conv(size, **options):
      return Conv(self.width, size, dtype=self.dtype, **options)

    above, left = (2, 3), (2, 2)  # The kernels of the two streams.
    v = jnp.concatenate([v, jnp.ones_like(v[..., :1])], -1)  # Ones inside the image, 0 outside.
    u = shift_down(conv(above)(v))
    ul = shift_down(conv((1, 3))(v)) + shift_right(conv((2, 1))(v))
    skips = [(u, ul)]

    for level in range(self.scales):
      if level:
        u, ul = conv(above, stride=2)(u), conv(left, stride=2)(ul)
        skips.append((u, ul))
      for _ in range(self.blocks):
        u = Block(above, self.dtype)(u)
        ul = Block(left, self.dtype)(ul, u)
        skips.append((u, ul))

    u, ul = skips.pop()
    for level in range(self.scales):
      if level:
        u, ul = conv(above, dilation=2)(u), conv(left, dilation=2)(ul)
      for _ in range(self.blocks + (level > 0)):  # One more, of the skip before the level's blocks.
        u_skip, ul_skip = skips.pop()
        u = Block(above, self.dtype)(u, u_skip)
        ul = Block(left, self.dtype)(ul, jnp.concatenate([u, ul_skip], -1))
    return Conv(self.outputs, scale=0.1)(nn.elu(ul)).astype(jnp.float32)


def rescaled(x, num_values: int):
  """v = 2 x / (num_values - 1) - 1, in [-1, 1]."""
  return 2 * x / (num_values - 1) - 1


def channel_mixtures(outputs, x, M: int, num_values: int):
  """Each channel's mixture given the channels before it, [B, H, W, C, 3 M].

  outputs [B, H, W, M + 2 M C + M C (C - 1) / 2] of the network: log weights, means, log scales and
  slopes; integers x [B, H, W, C].
  """
  C = x.shape[-1]
  pairs = C * (C - 1) // 2
  ends = [M, M * (1 + C), M * (1 + 2 * C)]
  log_weights, means, log_scales, slopes = jnp.split(outputs, ends, -1)
  slopes = iter(jnp.split(jnp.tanh(slopes), pairs, -1) if pairs else ())
  mixtures = []
  for c in range(C):
    mean = means[..., c * M : (c + 1) * M]
    log_scale = log_scales[..., c * M : (c + 1) * M]
    for earlier in range(c):
      mean += next(slopes) * rescaled(x[..., earlier, None], num_values)
    mixture = jnp.concatenate([log_weights, mean, log_scale], -1)
    mixtures.append(mixture)
    # The next channel is given this one: its weights are multiplied by P_k(x_c).
    logistic = mixture_parameters(mixture)[1:]
    log_weights += discretized_logistic_log_prob(x[..., c, None], *logistic, num_values)
  return jnp.stack(mixtures, -2)


def model(
  data,
  *,
  width: int = 32,
  blocks: int = 2,
  scales: int = 2,
  mixtures: int = 5,
  dtype: str = "float32",
) -> Model:
  """A PixelCNN++ of "image": `blocks` blocks at each of `scales` resolutions, `mixtures` logistics.

  Raises UserError where the image can't be halved scales - 1 times.
  """
  field = image_field(data)
  H, W, C = field.shape
  if scales < 1 or H % 2 ** (scales - 1) or W % 2 ** (scales - 1):
    raise UserError(
      f"model.scales={scales} halves {H} x {W} images {scales - 1} times, which leaves a remainder"
    )
  pairs = C * (C - 1) // 2
  net = Network(width, blocks, scales, mixtures * (1 + 2 * C + pairs), dtype)

  def init(key, batch):
    v = rescaled(batch["image"].astype(jnp.float32), field.num_values)
    return {"net": net.init(key, v)["params"]}, {}

  def every(params, x, context):
    x = x.reshape(-1, H, W, C)
    outputs = net.apply({"params": params["net"]}, rescaled(x, field.num_values))
    found = channel_mixtures(outputs, x, mixtures, field.num_values)
    return found.reshape(len(x), H * W * C, 3 * mixtures)

  return chain(data, Conditionals(init, every), mixtures=mixtures)
