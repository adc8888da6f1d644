"""A transformer decoder over pixels (Parmar et al. 2018, arXiv:1802.05751; Chen et al. 2020).

  p(x) = prod_i p(x_i | x_1 .. x_{i-1}),   loss = -log p(x)
  h_i = token(v_{i-1}) + place_i + stem_i,   v = x / (num_values - 1)
  each block  h = h + attention(norm(h)),   h = h + mlp(norm(h))
  attention_i = sum_j softmax_j(q_i . k_j / sqrt(D)) v_j   over the j <= i that `pattern` allows
  outputs_i = linear(norm(h_i))

There is a token for each channel of each pixel, in raster order. The input is shifted by one: h_i
may attend to itself, and is a function of x_1 .. x_{i-1}. Masked logits are minus infinity.

With a `stem`, a convolution with mask A, as in a PixelCNN's first layer, adds features of all
nearby pixels before i.

Patterns of the Sparse Transformer (Child et al. 2019, arXiv:1904.10509), for rows of `stride`
tokens: "strided" is the last `stride` tokens and every stride-th before, "fixed" the own row and
the last token of each row above, "dense" all. The paper divides the two parts of a pattern among
heads; here each head has their union.

Departures: learned absolute positions of row, column and channel; gray levels enter as real
numbers, only unordered values as embedded words. Sampling keeps the keys and values of earlier
tokens (KV cache) and computes one token a step.

Errata of the slides: docs/errata.md#pixel_transformer
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.autoregressive._chain import (
  Conditionals,
  chain,
  image_field,
  network_inputs,
  zeros_like,
)
from genjax_zoo.nn.causal import Attention
from genjax_zoo.nn.masked import MaskedConv, causal, groups
from genjax_zoo.prob.autoregressive import head

PATTERNS = "dense", "strided", "fixed"


class Network(nn.Module):
  """Float32 outputs [B, T, K] of all tokens, or of one; inputs are those of `token_inputs`."""

  width: int
  layers: int
  heads: int
  shape: tuple[int, int, int]
  outputs: int
  stem: int
  dtype: str

  def __call__(self, v, tokens, places, mask):
    """All T = D tokens; mask [T, T] as in `allowed`."""

    def near(conv, kernel_mask):
      return conv(v, kernel_mask).reshape(len(v), -1, self.width)

    return self.decode(tokens, places, near, lambda attention, h: attention(h, mask))

  def token(self, v, token, place, mask, i):
    """Token i alone, [B, 1, K]: token [B, 1, F + 1], place [1, 3], mask [1, T]; keeps a cache."""
    y, column, channel = jnp.unravel_index(i, self.shape)

    def near(conv, kernel_mask):
      channels = conv.pixel(v, y, column, kernel_mask).reshape(len(v), -1, self.width)
      return jax.lax.dynamic_slice_in_dim(channels, channel, 1, 1)

    return self.decode(token, place, near, lambda attention, h: attention.token(h, mask, i))

  @nn.compact
  def decode(self, tokens, places, near, attend):
    """The transformer, over all tokens or one.

    near(conv, mask) evaluates the stem's convolution and attend(attention, h) a layer of attention:
    they alone look beyond the token itself.
    """
    h = nn.Dense(self.width)(tokens)
    if self.stem:
      h += near(*self.stem_convolution(tokens.shape[-1] - 1))
    for axis, size in enumerate(self.shape):
      embed = nn.Embed(size, self.width, embedding_init=nn.initializers.normal(0.1))
      h += embed(places[:, axis])[None]
    h = h.astype(self.dtype)
    for _ in range(self.layers):
      attention = Attention(self.heads, self.width, self.dtype)
      h += attend(attention, nn.LayerNorm(dtype=self.dtype)(h))
      wide = nn.Dense(4 * self.width, dtype=self.dtype)(nn.LayerNorm(dtype=self.dtype)(h))
      h += nn.Dense(self.width, dtype=self.dtype)(nn.gelu(wide))
    return nn.Dense(self.outputs)(nn.LayerNorm()(h))

  def stem_convolution(self, inputs: int):
    """(conv, mask) from an image of C channels with `inputs` inputs each to C `width` features."""
    C = self.shape[-1]
    size = self.stem // 2 + 1, self.stem
    centre = self.stem // 2
    features = C * self.width
    mask = causal(size, centre, groups(C * inputs, C), groups(features, C), strict=True)
    return MaskedConv(features, size, centre, cached=False, name="stem"), mask


def allowed(pattern: str, dim: int, stride: int) -> np.ndarray:
  """bool [D, D]: whether token i may attend to token j."""
  i, j = np.arange(dim)[:, None], np.arange(dim)[None]
  match pattern:
    case "strided":
      mask = (i - j < stride) | ((i - j) % stride == 0)
    case "fixed":
      mask = (i // stride == j // stride) | (j % stride == stride - 1)
    case "dense":
      mask = np.ones((dim, dim), bool)
  return mask & (j <= i)


def token_inputs(x, field: Field):
  """(v [B, H, W, C F], tokens [B, D, F + 1]) of integers x [B, D].

  Token i is (v, 1) of dimension i - 1, and zeros for i = 0.
  """
  v = network_inputs(x, field)
  before = jnp.concatenate([v, jnp.ones((*x.shape, 1))], -1)
  tokens = jnp.pad(before, ((0, 0), (1, 0), (0, 0)))[:, :-1]
  return v.reshape(len(x), *field.shape[:2], -1), tokens


def model(
  data,
  *,
  width: int = 64,
  layers: int = 4,
  heads: int = 4,
  stem: int = 0,
  pattern: str = "dense",
  stride: int = 0,
  mixtures: int = 0,
  dtype: str = "float32",
) -> Model:
  """A decoder of "image" with `layers` blocks of `heads` heads; `stride` 0 is an image's row.

  `stem` is the odd width of a convolution's kernel, none if 0; `mixtures` logistics replace the
  softmax.
  """
  field = image_field(data)
  if pattern not in PATTERNS or width % heads:
    raise UserError(
      f"model.pattern={pattern!r} must be one of {', '.join(PATTERNS)}, "
      f"and width={width} a multiple of heads={heads}"
    )
  H, W, C = field.shape
  dim = H * W * C
  outputs = head(field.num_values, mixtures).outputs
  net = Network(width, layers, heads, field.shape, outputs, stem, dtype)
  mask = allowed(pattern, dim, stride or W * C)
  places = np.stack(np.unravel_index(np.arange(dim), field.shape), -1)

  def initial(key, n):
    return net.init(key, *token_inputs(jnp.zeros((n, dim)), field), places, mask)

  def init(key, batch):
    return {"net": initial(key, 1)["params"]}, {}

  def every(params, x, context):
    return net.apply({"params": params["net"]}, *token_inputs(x, field), places, mask)

  def start(params, n):
    return zeros_like(lambda: initial(jax.random.key(0), n)["cache"])

  def one(params, cache, x, i, context):
    variables = {"params": params["net"], "cache": cache}
    v, tokens = token_inputs(x, field)
    token = jax.lax.dynamic_slice_in_dim(tokens, i, 1, 1)
    place = jnp.asarray(places)[i][None]
    mask_i = jnp.asarray(mask)[i][None]
    outputs, changed = net.apply(
      variables, v, token, place, mask_i, i, method="token", mutable=["cache"]
    )
    return outputs[:, 0], cache | changed["cache"]

  def attention(params, state, batch):
    """How much token i attends to token j, [layers, B, heads, D, D]."""
    x = batch["image"].reshape(-1, dim)
    variables = {"params": params["net"]}
    inputs = token_inputs(x, field)
    _, found = net.apply(variables, *inputs, places, mask, mutable=["intermediates"])
    layer_weights = [found["intermediates"][f"Attention_{i}"]["weights"][0] for i in range(layers)]
    return jnp.stack(layer_weights)

  made = chain(data, Conditionals(init, every, one, start), mixtures=mixtures)
  return made._replace(parts=made.parts | {"attention": attention})
