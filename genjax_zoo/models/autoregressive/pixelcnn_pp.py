"""PixelCNN++ (Salimans et al. 2017, arXiv:1701.05517): a U-Net of shifted convolutions, a mixture
of logistics a pixel.

  p(x) = prod_pixels p(r, g, b | pixels before);   v = 2 x / (levels - 1) - 1;   loss = -log p(x)
  p(r, g, b) = sum_k pi_k P_k(r; m_r) P_k(g; m_g + a r) P_k(b; m_b + b r + c g)   discretised logistics, a, b, c tanh

Channels need no masks: given the component they are independent but for the linear means. Summed over k, the law of a
channel given those before it is again a mixture, of weights  pi_k prod_{earlier} P_k(earlier)  and the shifted means:
that is what `numbers` gives, so that heads, truncation and completion are those of all autoregressive models.

Two streams, `u` of the rows above and `ul` of what is left too, have no masks either: kernels that
end at the present row or pixel, and images shifted by one. A block, with concat-ELU(x) = elu([x,
-x]):
  h = conv(concat_elu(x)) + conv_1x1(concat_elu(other));   x + a sigmoid(b),  [a, b] = conv(concat_elu(h))
`other` is u in ul, and on the way up the stream's value at the same place on the way down.

Weights are w = g direction / |direction|, g and the bias set by the first batch such that outputs
have mean 0 and deviation 1, or 0.1 in a block's last layer (Salimans & Kingma 2016,
arXiv:1602.07868).

Departures: no dropout, and the width of digits. Sampling evaluates the whole network for each
channel.
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import chain, image_shape
from genjax_zoo.nn.conv import conv_general_dilated
from genjax_zoo.prob.autoregressive import logistics
from genjax_zoo.prob.distributions import discretized_logistic_log_prob


class Conv(nn.Module):
  """x [B, H, W, I] -> [B, H, W, O], weight-normalised, from no pixel that comes later.

  A kernel 3 wide is to_floats and 2 high: with `x` a row down it sees the rows above only. One 2 wide
  or less ends at the present pixel. `stride` 2 halves the image, `dilation` 2 doubles it. The first
  input sets mean 0, deviation `scale`.
  """

  features: int
  kernel_size: tuple[int, int] = (1, 1)
  stride: int = 1
  dilation: int = 1
  scale: float = 1.0
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    h, w = self.kernel_size
    direction = self.param(
      "direction", nn.initializers.normal(0.05), (h, w, x.shape[-1], self.features)
    )
    unit = direction / jnp.sqrt((direction**2).sum((0, 1, 2), keepdims=True))
    before, twice = (w // 2 if w == 3 else w - 1), self.dilation - 1
    padding = ((h - 1, twice), (before, w - 1 - before + twice))
    y = conv_general_dilated(
      x.astype(self.dtype),
      unit.astype(self.dtype),
      (self.stride,) * 2,
      padding,
      (self.dilation,) * 2,
      dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    moment = lambda f: f(y.astype(jnp.float32), axis=(0, 1, 2), keepdims=True)
    # 0.1 for constants.
    g = self.param("g", lambda key: self.scale / jnp.maximum(moment(jnp.std), 0.1))
    bias = self.param("bias", lambda key: -moment(jnp.mean) * g)
    return y * g.astype(y.dtype) + bias.astype(y.dtype)


def concat_elu(x):
  """elu([x, -x]): both signs have a slope."""
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
    a, b = jnp.split(
      Conv(2 * F, self.kernel_size, scale=0.1, dtype=self.dtype)(concat_elu(h)), 2, -1
    )
    return x + a * nn.sigmoid(b)


class Network(nn.Module):
  """v [B, H, W, C] in [-1, 1] -> float32 [B, H, W, outputs], of the pixels before each."""

  width: int
  blocks: int
  scales: int
  outputs: int
  dtype: str = "float32"

  @nn.compact
  def __call__(self, v):
    down = lambda x: jnp.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]
    right = lambda x: jnp.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]
    conv = lambda size, **options: Conv(self.width, size, dtype=self.dtype, **options)
    above, left = (2, 3), (2, 2)
    # The ones tell the image from its border.
    v = jnp.concatenate([v, jnp.ones_like(v[..., :1])], -1)
    u, ul = down(conv(above)(v)), down(conv((1, 3))(v)) + right(conv((2, 1))(v))
    kept = [(u, ul)]
    for level in range(self.scales):
      if level:
        u, ul = conv(above, stride=2)(u), conv(left, stride=2)(ul)
        kept.append((u, ul))
      for _ in range(self.blocks):
        u = Block(above, self.dtype)(u)
        ul = Block(left, self.dtype)(ul, u)
        kept.append((u, ul))
    u, ul = kept.pop()
    for level in range(self.scales):
      if level:
        u, ul = conv(above, dilation=2)(u), conv(left, dilation=2)(ul)
      for _ in range(self.blocks + (level > 0)):
        u_then, ul_then = kept.pop()
        u = Block(above, self.dtype)(u, u_then)
        ul = Block(left, self.dtype)(ul, jnp.concatenate([u, ul_then], -1))
    return Conv(self.outputs, scale=0.1)(nn.elu(ul)).astype(jnp.float32)


def model(
  data,
  *,
  width: int = 32,
  blocks: int = 2,
  scales: int = 2,
  mixtures: int = 5,
  dtype: str = "float32",
) -> Model:
  """A PixelCNN++ of "image": `blocks` blocks at each of `scales` resolutions, `mixtures` logistics
  a pixel.

  Raises UserError where the image can't be halved scales - 1 times.
  """
  (H, W, C), levels, _ = image_shape(data)
  if scales < 1 or H % 2 ** (scales - 1) or W % 2 ** (scales - 1):
    raise UserError(
      f"model.scales={scales} halves {H} x {W} images {scales - 1} times, which leaves a remainder"
    )
  M, pairs = mixtures, C * (C - 1) // 2
  net = Network(width, blocks, scales, M * (1 + 2 * C + pairs), dtype)
  units = lambda x: 2 * x / (levels - 1) - 1

  def init(key, batch):
    return {"net": net.init(key, units(batch["image"].astype(jnp.float32)))["params"]}, {}

  def numbers(params, x, context):
    """[B, D, 3 M] of integers x [B, D]: of each channel the mixture given the channels before it."""
    x = x.reshape(-1, H, W, C)
    out = net.apply({"params": params["net"]}, units(x))
    weights, means, scales, slopes = jnp.split(out, [M, M * (1 + C), M * (1 + 2 * C)], -1)
    slopes, found = iter(jnp.split(jnp.tanh(slopes), pairs, -1) if pairs else ()), []
    for c, (mean, scale) in enumerate(zip(jnp.split(means, C, -1), jnp.split(scales, C, -1))):
      for earlier in range(c):
        mean += next(slopes) * units(x[..., earlier, None])
      found.append(jnp.concatenate([weights, mean, scale], -1))
      weights += discretized_logistic_log_prob(x[..., c, None], *logistics(found[-1])[1:], levels)
    return jnp.stack(found, -2).reshape(len(x), H * W * C, 3 * M)

  return chain(data, init, numbers, mixtures=mixtures)
