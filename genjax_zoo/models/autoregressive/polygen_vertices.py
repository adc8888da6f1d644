"""PolyGen's model of the vertices of a mesh (Nash et al. 2020, arXiv:2002.10880, section 2.2).

The sorted vertices as one sequence z_1 y_1 x_1 z_2 ... STOP, by a causal transformer whose input at
each place is the sum of three embeddings of the token before it: its value, its axis, its vertex's
number.

  p(V) = prod_i p(v_i | v_1 .. v_{i-1}),   loss = -log p(V)

At sampling and evaluation coordinates that break the order are masked. What the mesh is conditioned
on, a label, is added to all inputs.

Departures: pre-norm without ReZero's gates; no dequantised continuous values beside the embeddings;
conditions are labels alone.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models.autoregressive._meshes import (
  MeshSequence,
  cache_of,
  mesh_fields,
  mesh_model,
)
from genjax_zoo.nn.causal import causal_layers
from genjax_zoo.prob import rules


class VertexNet(nn.Module):
  """Logits [B, T, 1 + levels] of each token from those before it; T = 3 V + 1."""

  levels: int
  most: int  # V
  width: int
  layers: int
  heads: int
  classes: int = 0
  dropout: float = 0.0

  def __call__(self, before, label=None, train=False):
    """All places: before [B, T] tokens, label [B]."""
    places = jnp.arange(before.shape[1])
    mask = np.tril(np.ones((len(places), len(places)), bool))
    attend = lambda attention, h, layer: attention(h, mask)
    return self.decode(before, places, label, attend, train)

  def token(self, before, i, label=None):
    """Place i alone: before [B, 1] -> [B, 1, 1 + levels]; keeps a cache."""
    seen = jnp.arange(3 * self.most + 1)[None] <= i
    attend = lambda attention, h, layer: attention.token(h, seen, i)
    return self.decode(before, i[None], label, attend, False)

  @nn.compact
  def decode(self, before, places, label, attend, train):
    """The transformer, of which `attend` alone looks beyond a token."""

    def embed(values, size):
      return nn.Embed(size, self.width, embedding_init=nn.initializers.normal(0.1))(values)

    h = embed(before, self.levels + 2)  # With STOP, and with what stands before the first token.
    h += embed(places % 3, 3)[None]
    h += embed(places // 3, self.most + 1)[None]
    if self.classes:
      h += embed(label, self.classes)[:, None]
    options = dict(layers=self.layers, heads=self.heads, dropout=self.dropout, train=train)
    h = causal_layers(h, attend, **options)
    # At first every token is as probable as any other.
    return nn.Dense(self.levels + 1, kernel_init=nn.initializers.zeros)(nn.LayerNorm()(h))


def to_tokens(batch):
  """The sequence int32 [B, 3 V + 1] of the vertices [B, V, 3]: 1 + coordinate, then STOPs."""
  vertices, mask = batch["vertices"], batch["vertices_mask"]
  tokens = jnp.where(mask[..., None], 1 + vertices, rules.STOP).astype(jnp.int32)
  return jnp.pad(tokens.reshape(len(vertices), -1), ((0, 0), (0, 1)))


def from_tokens(tokens) -> dict:
  """The entries "vertices" and "vertices_mask" of sequences; half a vertex is none."""
  whole = tokens[:, :-1].reshape(len(tokens), -1, 3)
  mask = jnp.cumprod((whole != rules.STOP).all(-1), 1).astype(bool)
  return {"vertices": jnp.where(mask[..., None], whole - 1, 0), "vertices_mask": mask}


def model(
  data,
  *,
  width: int = 128,
  layers: int = 4,
  heads: int = 4,
  condition: tuple[str, ...] = (),
  dropout: float = 0.0,
) -> Model:
  """The vertices of meshes, given a label or not.

  Raises UserError for data that are no meshes, and for heads that don't divide width.
  """
  if width % heads:
    raise UserError(f"model.width={width} must be a multiple of heads={heads}")
  field = mesh_fields(data)[0]
  most, levels = field.shape[0], field.num_values
  given = condition_fields(data, condition)
  net = VertexNet(levels, most, width, layers, heads, label_classes(given), dropout)
  length = 3 * most + 1

  def label_of(context):
    return context[condition[0]] if condition else None

  def shifted(tokens):
    return jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=levels + 1)[:, :-1]

  def init(key, batch):
    tokens = to_tokens(batch)
    return {"net": net.init(key, shifted(tokens), label_of(batch))["params"]}

  def every(params, tokens, context, key=None):
    rngs = {"dropout": key} if key is not None else {}
    train = key is not None
    return net.apply(
      {"params": params["net"]}, shifted(tokens), label_of(context), train, rngs=rngs
    )

  def start(params, n, context):
    tokens = jnp.zeros((n, length), jnp.int32)
    label = label_of(context)
    return cache_of(lambda: net.init(jax.random.key(0), tokens, label))

  def one(params, cache, tokens, i, context):
    before = jnp.take(shifted(tokens), i[None], 1)
    variables = {"params": params["net"], "cache": cache}
    logits, changed = net.apply(
      variables, before, i, label_of(context), method="token", mutable=["cache"]
    )
    return logits[:, 0], changed["cache"]

  return mesh_model(
    MeshSequence(
      length,
      given,
      to_tokens,
      from_tokens,
      lambda context, n: rules.vertices(n, levels, most),
      init,
      every,
      start,
      one,
    )
  )
