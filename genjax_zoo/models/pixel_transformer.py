"""A transformer decoder over pixels (Parmar et al. 2018, arXiv:1802.05751; Chen et al. 2020, ImageGPT).

  p(x) = prod_i p(x_i | x_1 .. x_{i-1});   loss = -log p(x)
  h_i = token(v_{i-1}) + place_i,   v = x / (levels - 1);   numbers = head(h)
  each block  h = h + attention(norm(h)),  h = h + mlp(norm(h))
  attention_i = sum_j softmax_j(q_i . k_j / sqrt(width of a head)) v_j   over the j <= i that `pattern` shows to i

The input is shifted by one: h_i may attend to itself, and knows x_1 .. x_{i-1}. What i must not see has logits of minus
infinity; a deck's "masking inputs" (A, line 329) would leave a zero key with its share of the softmax.

Patterns of the Sparse Transformer (Child et al. 2019, arXiv:1904.10509), with rows of `stride` tokens: "strided" is the
last `stride` tokens and every stride-th before, "fixed" the own row and the last token of each row above, "dense" all.
Every block takes the union of both heads' parts of a pattern.

Departures: absolute positions, learned, of row, column and channel; a token for each channel, its gray
level a number, not an embedded word. Sampling keeps keys and values (a KV cache), one token a step.
"""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._chain import chain, image_shape
from genjax_zoo.prob.autoregressive import head

PATTERNS = "dense", "strided", "fixed"


def shown(pattern: str, dim: int, stride: int) -> np.ndarray:
  """bool [D, D]: whether token i may attend to token j."""
  i, j = np.arange(dim)[:, None], np.arange(dim)[None]
  if pattern == "strided":
    seen = (i - j < stride) | ((i - j) % stride == 0)
  elif pattern == "fixed":
    seen = (i // stride == j // stride) | (j % stride == stride - 1)
  else:
    seen = np.ones((dim, dim), bool)
  return seen & (j <= i)


class Attention(nn.Module):
  """h [B, T, width] -> [B, T, width]; of token i alone, h [B, 1, width], with the keys and values of "cache"."""

  heads: int
  dtype: str

  @nn.compact
  def __call__(self, h, mask, i=None):
    make = functools.partial(nn.DenseGeneral, (self.heads, h.shape[-1] // self.heads), use_bias=False, dtype=self.dtype)
    q, k, v = (make(name=name)(h) for name in "qkv")
    if self.is_mutable_collection("cache"):
      keys = self.variable("cache", "keys", jnp.zeros, k.shape, k.dtype)
      values = self.variable("cache", "values", jnp.zeros, v.shape, v.dtype)
      if i is not None:
        keys.value = jax.lax.dynamic_update_slice(keys.value, k, (0, i, 0, 0))
        values.value = jax.lax.dynamic_update_slice(values.value, v, (0, i, 0, 0))
        k, v = keys.value, values.value
    out = jax.nn.dot_product_attention(q, k, v, mask=mask[None, None])
    return nn.DenseGeneral(h.shape[-1], (-2, -1), dtype=self.dtype, name="out")(out)


class Network(nn.Module):
  """Tokens (v, inside) [B, T, 2] and their places [T, 3], mask [T, D] -> float32 numbers [B, T, K]."""

  width: int
  layers: int
  heads: int
  shape: tuple[int, int, int]
  outputs: int
  dtype: str

  @nn.compact
  def __call__(self, tokens, places, mask, i=None):
    h = nn.Dense(self.width)(tokens)
    for axis, size in enumerate(self.shape):
      h += nn.Embed(size, self.width, embedding_init=nn.initializers.normal(0.1))(places[:, axis])[None]
    h = h.astype(self.dtype)
    for _ in range(self.layers):
      h += Attention(self.heads, self.dtype)(nn.LayerNorm(dtype=self.dtype)(h), mask, i)
      wide = nn.gelu(nn.Dense(4 * self.width, dtype=self.dtype)(nn.LayerNorm(dtype=self.dtype)(h)))
      h += nn.Dense(self.width, dtype=self.dtype)(wide)
    return nn.Dense(self.outputs)(nn.LayerNorm()(h))


def model(
  data, *, width: int = 64, layers: int = 4, heads: int = 4, pattern: str = "dense", stride: int = 0,
  mixtures: int = 0, dtype: str = "float32",
) -> Model:  # fmt: skip
  """A decoder of "image" with `layers` blocks of `heads` heads; `stride` is an image's row if 0.

  `mixtures` logistics take the place of the softmax over all levels.
  """
  shape, levels, _ = image_shape(data)
  if pattern not in PATTERNS or width % heads:
    allowed = ", ".join(PATTERNS)
    raise UserError(
      f"model.pattern={pattern!r} must be one of {allowed}, and width={width} a multiple of heads={heads}"
    )
  dim = math.prod(shape)
  net = Network(width, layers, heads, shape, head(levels, mixtures).outputs, dtype)
  seen = shown(pattern, dim, stride or shape[1] * shape[2])
  places = np.stack(np.unravel_index(np.arange(dim), shape), -1)

  def tokens(x):
    """(v, 1) of what is before each of x [B, T], and (0, 0) before the first: [B, T, 2]."""
    inputs = jnp.stack([x / (levels - 1), jnp.ones(x.shape)], -1)
    return jnp.pad(inputs, ((0, 0), (1, 0), (0, 0)))[:, :-1]

  def init(key, batch):
    return {"net": net.init(key, jnp.zeros((1, dim, 2)), places, seen)["params"]}, {}

  def logits(params, x, context):
    return net.apply({"params": params["net"]}, tokens(x), places, seen)

  def start(params, n):
    shapes = jax.eval_shape(lambda: net.init(jax.random.key(0), jnp.zeros((n, dim, 2)), places, seen)["cache"])
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

  def step(params, cache, x, i, context):
    variables = {"params": params["net"], "cache": cache}
    before, here = jax.lax.dynamic_slice_in_dim(tokens(x), i, 1, 1), jnp.asarray(places)[i][None]
    out, changed = net.apply(variables, before, here, jnp.asarray(seen)[i][None], i, mutable=["cache"])
    return out[:, 0], changed["cache"]

  return chain(data, init, logits, step, start, mixtures=mixtures)
