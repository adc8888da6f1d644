"""Networks of StyleGAN2 (Karras 2019, arXiv:1912.04958): styles w that modulate convolutions.

All weights are N(0, 1) at first, and are scaled when they are used, by one over the root of the
number of inputs (equalised learning rates, arXiv:1710.10196): Adam then moves all layers alike.
Compilation is as long as a short training here: the mapping's layers, which are equal, are scanned;
those of the synthesis have a size each.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.nn.conv import conv_general_dilated
from genjax_zoo.nn.norm import pixel_norm
from genjax_zoo.nn.resize import downsample, enlarged, halvings

normal = nn.initializers.normal(1.0)
HALF = 1 / math.sqrt(2)  # Of a sum of two maps: it keeps the variance.
GROUP = 4  # Images whose standard deviation the critic sees.


def leaky_relu(x):
  """leaky ReLU of slope 0.2, times sqrt(2) to keep the scale."""
  return math.sqrt(2) * nn.leaky_relu(x, 0.2)


def equalised(kernel):
  """A kernel [..., in, out] of weights of variance 1 over the root of its number of inputs."""
  return kernel / math.sqrt(math.prod(kernel.shape[:-1]))


def convolve(x, kernel):
  """x [B, H, W, C] by the kernel [h, w, C, out], of the same size."""
  layout = "NHWC", "HWIO", "NHWC"
  return conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)


def demodulation(style, kernel):
  """One over the norm of the weights style_c kernel[.., c, o] of each output, [B, out].

  style [B, C], kernel [h, w, C, out]; section 2.2, equation 3.
  """
  return jax.lax.rsqrt(style**2 @ (kernel**2).sum((0, 1)) + 1e-8)


def modulated(x, style, kernel, demodulate: bool = True):
  """x [B, H, W, C] by a kernel of each image's own, style_c kernel[.., c, o], of norm 1.

  Style [B, C]. Inputs are scaled by the style and outputs by the `demodulation`: the same as to
  scale the kernels, and one convolution for all images.
  """
  y = convolve(x * style[:, None, None], kernel)
  return y * demodulation(style, kernel)[:, None, None] if demodulate else y


class EqualDense(nn.Module):
  """x [B, D] -> [B, features]; the bias is `bias` at first."""

  features: int
  bias: float = 0.0

  @nn.compact
  def __call__(self, x):
    kernel = self.param("kernel", normal, (x.shape[-1], self.features))
    bias = self.param("bias", nn.initializers.constant(self.bias), (self.features,))
    return x @ equalised(kernel) + bias[None]


class EqualConv(nn.Module):
  """x [B, H, W, C] -> [B, H, W, features], by kernels of `size` x `size`."""

  features: int
  size: int = 3

  @nn.compact
  def __call__(self, x):
    kernel = self.param("kernel", normal, (self.size, self.size, x.shape[-1], self.features))
    bias = self.param("bias", nn.initializers.zeros, (self.features,))
    return convolve(x, equalised(kernel)) + bias[None, None, None]


class StyledConv(nn.Module):
  """x [B, H, W, C], w [B, D] -> [B, H, W, width]: modulated; eps [B, H, W, 1] is noise, or None."""

  width: int

  @nn.compact
  def __call__(self, x, w, eps=None):
    style = EqualDense(x.shape[-1], bias=1.0)(w)
    kernel = self.param("kernel", normal, (3, 3, x.shape[-1], self.width))
    bias = self.param("bias", nn.initializers.zeros, (self.width,))
    strength = self.param("noise", nn.initializers.zeros, ())
    y = modulated(x, style, equalised(kernel))
    if eps is not None:
      y += strength * eps
    return leaky_relu(y + bias[None, None, None])


class ToImage(nn.Module):
  """x [B, H, W, C], w [B, D] -> what a resolution adds to the image, [B, H, W, channels]."""

  channels: int

  @nn.compact
  def __call__(self, x, w):
    style = EqualDense(x.shape[-1], bias=1.0)(w)
    kernel = self.param("kernel", normal, (1, 1, x.shape[-1], self.channels))
    bias = self.param("bias", nn.initializers.zeros, (self.channels,))
    return modulated(x, style, equalised(kernel), demodulate=False) + bias[None, None, None]


class Mapping(nn.Module):
  """z [B, D] -> w [B, D], by `layers` equal layers."""

  layers: int

  @nn.compact
  def __call__(self, z):
    width = z.shape[-1]
    kernels = self.param("kernels", normal, (self.layers, width, width))
    biases = self.param("biases", nn.initializers.zeros, (self.layers, width))

    def layer(x, weights):
      kernel, bias = weights
      return leaky_relu(x @ equalised(kernel) + bias[None]), None

    w, _ = jax.lax.scan(layer, pixel_norm(z), (kernels, biases))
    return w


class Synthesis(nn.Module):
  """w [B, layers, D], one for each layer, and a key for noise -> images [B, *shape].

  From a constant, two layers at each resolution, one of `widths` each, the first of them enlarged;
  the image is the sum of what all of them add (section 3.2). Without a key there is no noise.
  """

  widths: tuple[int, ...]
  shape: tuple[int, int, int]

  @property
  def layers(self) -> int:
    """Two for each resolution: the second layer of one adds to the image by the w of the next."""
    return 2 * len(self.widths)

  @property
  def sizes(self) -> list[tuple[int, int]]:
    """(height, width) of each resolution, from the smallest on."""
    return halvings(self.shape[:2], len(self.widths) - 1)

  def noise(self, key, n: int) -> list:
    """Noise of each layer but the last to the image, [n, H, W, 1], by one call; None for no key."""
    if key is None:
      return [None] * self.layers
    sizes = [self.sizes[(i + 1) // 2] for i in range(self.layers - 1)]
    ends = np.cumsum([height * width for height, width in sizes])
    parts = jnp.split(jax.random.normal(key, (n, ends[-1])), ends[:-1], 1)
    return [part.reshape(n, *size, 1) for part, size in zip(parts, sizes)]

  @nn.compact
  def __call__(self, ws, key=None):
    eps = self.noise(key, len(ws))
    x = self.param("constant", normal, (1, *self.sizes[0], self.widths[0]))
    x = jnp.broadcast_to(x, (len(ws), *x.shape[1:]))
    image = jnp.zeros((1, 1, 1, 1))
    for i, (width, size) in enumerate(zip(self.widths, self.sizes)):
      if i:
        x = StyledConv(width)(enlarged(x, size), ws[:, 2 * i - 1], eps[2 * i - 1])
        image = enlarged(image, size)
      x = StyledConv(width)(x, ws[:, 2 * i], eps[2 * i])
      image = image + ToImage(self.shape[-1])(x, ws[:, 2 * i + 1])
    return image


def group_deviation(x):
  """The mean standard deviation, over positions and channels, of each image's group of 4, [B].

  Images x [B, H, W, C]; groups are of as many as divide the batch (arXiv:1710.10196, section 3).
  """
  group = math.gcd(GROUP, len(x))
  variance = x.reshape(-1, group, *x.shape[1:]).var(1)
  # The square root has an infinite derivative at 0.
  return jnp.sqrt(variance + 1e-8).mean((1, 2, 3)).repeat(group)


class Critic(nn.Module):
  """Images [B, H, W, C] -> logits [B]; residual, each of `widths` but the first halves the image.

  A logit depends on the images of its group too, by their `group_deviation`: a critic sees that
  all of them are alike.
  """

  widths: tuple[int, ...]

  @nn.compact
  def __call__(self, x):
    x = leaky_relu(EqualConv(self.widths[0], 1)(x))
    for width in self.widths[1:]:
      h = leaky_relu(EqualConv(x.shape[-1])(x))
      h = leaky_relu(EqualConv(width)(downsample(h)))
      x = HALF * (h + EqualConv(width, 1)(downsample(x)))
    deviation = group_deviation(x)[:, None, None, None]
    x = jnp.concatenate([x, jnp.broadcast_to(deviation, (*x.shape[:3], 1))], -1)
    x = leaky_relu(EqualConv(self.widths[-1])(x))
    x = leaky_relu(EqualDense(self.widths[-1])(x.reshape(len(x), -1)))
    return EqualDense(1)(x)[..., 0]
