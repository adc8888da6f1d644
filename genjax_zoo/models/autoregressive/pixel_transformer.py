"""A transformer decoder over pixels (Parmar et al. 2018, arXiv:1802.05751; Chen et al. 2020,
ImageGPT).

  p(x) = prod_i p(x_i | x_1 .. x_{i-1});   loss = -log p(x)
  h_i = token(v_{i-1}) + place_i + stem_i,   v = x / (levels - 1);   numbers = head(h)
  each block  h = h + attention(norm(h)),  h = h + mlp(norm(h))
  attention_i = sum_j softmax_j(q_i . k_j / sqrt(width of a head)) v_j   over the j <= i that `pattern` shows to i

The input is shifted by one: h_i may attend to itself, and knows x_1 .. x_{i-1}. What i must not see
has logits of minus infinity; a deck's "masking inputs" (A, line 329) would leave a zero key with
its share of the softmax.

With a `stem`, a convolution as in a PixelCNN's first layer (mask A) tells h_i of all near pixels
before i.

Patterns of the Sparse Transformer (Child et al. 2019, arXiv:1904.10509), with rows of `stride`
tokens: "strided" is the last `stride` tokens and every stride-th before, "fixed" the own row and
the last token of each row above, "dense" all. Every block takes the union of both heads' parts of a
pattern.

Departures: absolute positions, learned, of row, column and channel; a token for each channel, its
gray level a number, not an embedded word. Sampling keeps keys and values (a KV cache), one token a
step.
"""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._chain import chain, image_shape
from genjax_zoo.nn.attention import attend
from genjax_zoo.nn.masked import MaskedConv, causal, groups
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
  """h [B, T, width] -> [B, T, width]; of token i alone, h [B, 1, width], with the keys and values
  of "cache".
  """

  heads: int
  dtype: str

  @nn.compact
  def __call__(self, h, mask, i=None):
    make = functools.partial(
      nn.DenseGeneral, (self.heads, h.shape[-1] // self.heads), use_bias=False, dtype=self.dtype
    )
    q, k, v = (make(name=name)(h) for name in "qkv")
    if self.is_mutable_collection("cache"):
      keys = self.variable("cache", "keys", jnp.zeros, k.shape, k.dtype)
      values = self.variable("cache", "values", jnp.zeros, v.shape, v.dtype)
      if i is not None:
        keys.value = jax.lax.dynamic_update_slice(keys.value, k, (0, i, 0, 0))
        values.value = jax.lax.dynamic_update_slice(values.value, v, (0, i, 0, 0))
        k, v = keys.value, values.value
    if self.is_mutable_collection("intermediates"):
      weights = jnp.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
      self.sow(
        "intermediates", "weights", jax.nn.softmax(jnp.where(mask[None, None], weights, -jnp.inf))
      )
    out = attend(q, k, v, mask)
    return nn.DenseGeneral(h.shape[-1], (-2, -1), dtype=self.dtype, name="out")(out)


class Network(nn.Module):
  """v [B, H, W, C], tokens (v, inside) [B, T, 2], places [T, 3], mask [T, D] -> float32 numbers [B,
  T, K].

  All tokens, T = D, or that of dimension i alone, T = 1, with what the collection "cache" holds.
  """

  width: int
  layers: int
  heads: int
  shape: tuple[int, int, int]
  outputs: int
  stem: int
  dtype: str

  @nn.compact
  def __call__(self, v, tokens, places, mask, i=None):
    h = nn.Dense(self.width)(tokens)
    if self.stem:
      h += self.near(v, i)
    for axis, size in enumerate(self.shape):
      h += nn.Embed(size, self.width, embedding_init=nn.initializers.normal(0.1))(places[:, axis])[
        None
      ]
    h = h.astype(self.dtype)
    for _ in range(self.layers):
      h += Attention(self.heads, self.dtype)(nn.LayerNorm(dtype=self.dtype)(h), mask, i)
      wide = nn.gelu(nn.Dense(4 * self.width, dtype=self.dtype)(nn.LayerNorm(dtype=self.dtype)(h)))
      h += nn.Dense(self.width, dtype=self.dtype)(wide)
    return nn.Dense(self.outputs)(nn.LayerNorm()(h))

  def near(self, v, i):
    """The stem's features of all tokens, [B, D, width], or of token i, [B, 1, width]."""
    (_, W, C), size = self.shape, (self.stem // 2 + 1, self.stem)
    mask = causal(size, self.stem // 2, groups(C, C), groups(C * self.width, C), strict=True)
    at = None if i is None else jnp.divmod(i // C, W)
    h = MaskedConv(C * self.width, size, self.stem // 2, name="stem")(v, mask, at).reshape(
      len(v), -1, self.width
    )
    return h if i is None else jax.lax.dynamic_slice_in_dim(h, i % C, 1, 1)


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
  """A decoder of "image" with `layers` blocks of `heads` heads; `stride` is an image's row if 0.

  `stem` is the odd width of a convolution's kernel, none if 0; `mixtures` logistics take the place
  of the softmax over all levels.
  """
  shape, levels, _ = image_shape(data)
  if pattern not in PATTERNS or width % heads:
    allowed = ", ".join(PATTERNS)
    raise UserError(
      f"model.pattern={pattern!r} must be one of {allowed}, and width={width} a multiple of heads={heads}"
    )
  dim = math.prod(shape)
  net = Network(width, layers, heads, shape, head(levels, mixtures).outputs, stem, dtype)
  seen = shown(pattern, dim, stride or shape[1] * shape[2])
  places = np.stack(np.unravel_index(np.arange(dim), shape), -1)

  def inputs(x):
    """v, and (v, 1) of what is before each of x [B, D], (0, 0) before the first."""
    v = x / (levels - 1)
    return v.reshape(-1, *shape), jnp.pad(
      jnp.stack([v, jnp.ones(v.shape)], -1), ((0, 0), (1, 0), (0, 0))
    )[:, :-1]

  def begin(key, n):
    return net.init(key, *inputs(jnp.zeros((n, dim))), places, seen)

  def init(key, batch):
    return {"net": begin(key, 1)["params"]}, {}

  def logits(params, x, context):
    return net.apply({"params": params["net"]}, *inputs(x), places, seen)

  def start(params, n):
    cache = jax.eval_shape(lambda: begin(jax.random.key(0), n)["cache"])
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), cache)

  def step(params, cache, x, i, context):
    variables, (v, tokens) = {"params": params["net"], "cache": cache}, inputs(x)
    before, here = jax.lax.dynamic_slice_in_dim(tokens, i, 1, 1), jnp.asarray(places)[i][None]
    out, changed = net.apply(
      variables, v, before, here, jnp.asarray(seen)[i][None], i, mutable=["cache"]
    )
    return out[:, 0], cache | changed["cache"]

  def attention(params, x):
    """How much token i attends to token j, [layers, B, heads, D, D], for images x."""
    variables = {"params": params["net"]}
    _, found = net.apply(
      variables, *inputs(x.reshape(len(x), dim)), places, seen, mutable=["intermediates"]
    )
    return jnp.stack(
      [found["intermediates"][f"Attention_{i}"]["weights"][0] for i in range(layers)]
    )

  made = chain(data, init, logits, step, start, mixtures=mixtures)
  return made._replace(parts=made.parts | {"attention": attention})
