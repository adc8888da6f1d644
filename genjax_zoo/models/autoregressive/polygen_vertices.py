"""PolyGen's model of the vertices of a mesh (Nash et al. 2020, arXiv:2002.10880, section 2.2).

The sorted vertices as one sequence z_1 y_1 x_1 z_2 ... STOP, by a causal transformer whose input at
each place is the sum of three embeddings of the token before it: its value, its axis, its vertex's
number.

  p(V) = prod_i p(v_i | v_1 .. v_{i-1}),   loss = -log p(V)

At sampling and evaluation coordinates that break the order are masked. The mesh may be conditioned
on labels, which are added to all inputs, and on images or voxels, whose patches all layers attend
to.

Departures: pre-norm without ReZero's gates; no dequantised continuous values beside the embeddings;
patches by a small network of each where the paper has residual networks, and attention to them in
one softmax with that to the sequence.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.autoregressive._meshes import (
  MeshSequence,
  cache_of,
  mesh_fields,
  mesh_model,
)
from genjax_zoo.nn.causal import attending_to, causal_layers
from genjax_zoo.nn.patch_encoder import PatchEncoder
from genjax_zoo.prob import rules


class VertexNet(nn.Module):
  """Logits [B, T, 1 + levels] of each token from those before it; T = 3 V + 1.

  `c` are labels [B], images [B, h, w, C] and voxels [B, n, n, n, 1]; `fields` says what each is.
  """

  levels: int
  most: int  # V
  width: int
  layers: int
  heads: int
  fields: tuple[tuple[str, Field], ...] = ()
  patch: int = 4
  dropout: float = 0.0

  def __call__(self, before, c={}, train=False):
    """All places: before [B, T] tokens."""
    places = jnp.arange(before.shape[1])
    mask = np.tril(np.ones((len(places), len(places)), bool))
    attend = lambda attention, h, layer: attention(h, mask)
    return self.decode(before, places, c, attend, train)

  def token(self, before, i, c={}):
    """Place i alone: before [B, 1] -> [B, 1, 1 + levels]; keeps a cache."""
    seen = jnp.arange(3 * self.most + 1)[None] <= i
    attend = lambda attention, h, layer: attention.token(h, seen, i)
    return self.decode(before, i[None], c, attend, False)

  @nn.compact
  def decode(self, before, places, c, attend, train):
    """The transformer, of which `attend` alone looks beyond a token."""

    def embed(values, size):
      return nn.Embed(size, self.width, embedding_init=nn.initializers.normal(0.1))(values)

    h = embed(before, self.levels + 2)  # With STOP, and with what stands before the first token.
    h += embed(places % 3, 3)[None]
    h += embed(places // 3, self.most + 1)[None]
    for name, field in self.fields:
      if not field.shape:
        h += embed(c[name], field.num_values)[:, None]
    options = dict(layers=self.layers, heads=self.heads, dropout=self.dropout, train=train)
    with attending_to(self.keys_and_values(c)):
      h = causal_layers(h, attend, **options)
    # At first every token is as probable as any other.
    return nn.Dense(self.levels + 1, kernel_init=nn.initializers.zeros)(nn.LayerNorm()(h))

  def keys_and_values(self, c) -> dict:
    """{attention: (keys, values)}, each [B, patches, heads, D], of images and voxels; or {}."""
    encode = lambda field: PatchEncoder(self.width, field.num_values, self.patch)
    patches = [encode(field)(c[name]) for name, field in self.fields if field.shape]
    if not patches:
      return {}
    size = (2, self.heads, self.width // self.heads)
    project = lambda: jnp.moveaxis(nn.DenseGeneral(size)(jnp.concatenate(patches, 1)), 2, 0)
    return {f"Attention_{layer}": tuple(project()) for layer in range(self.layers)}


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


def check_condition(fields: Mapping[str, Field], patch: int):
  """Raises UserError for a condition that is no label, image or voxels cut into whole patches."""
  for name, field in fields.items():
    places = field.shape[:-1]
    shown = len(places) in (0, 2, 3) and not any(size % patch for size in places)
    if not field.num_values or len(field.shape) == 1 or not shown:
      raise UserError(
        f"model.condition={tuple(fields)}: vertices are given labels, images or voxels whose sides "
        f"are multiples of model.patch={patch}, and {name!r} has the shape {field.shape}"
      )


def model(
  data,
  *,
  width: int = 128,
  layers: int = 4,
  heads: int = 4,
  condition: tuple[str, ...] = (),
  patch: int = 4,
  dropout: float = 0.0,
) -> Model:
  """The vertices of meshes, given a `condition` or not; images and voxels are cut into patches.

  Raises UserError for data that are no meshes, for heads that don't divide width, and for entries
  that are no condition.
  """
  if width % heads:
    raise UserError(f"model.width={width} must be a multiple of heads={heads}")
  field = mesh_fields(data)[0]
  most, levels = field.shape[0], field.num_values
  given = condition_fields(data, condition)
  check_condition(given, patch)
  net = VertexNet(levels, most, width, layers, heads, tuple(given.items()), patch, dropout)
  length = 3 * most + 1

  def condition_of(context):
    return {name: jnp.asarray(context[name]) for name in given}

  def shifted(tokens):
    return jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=levels + 1)[:, :-1]

  def init(key, batch):
    tokens = to_tokens(batch)
    return {"net": net.init(key, shifted(tokens), condition_of(batch))["params"]}

  def every(params, tokens, context, key=None):
    rngs = {"dropout": key} if key is not None else {}
    train = key is not None
    return net.apply(
      {"params": params["net"]}, shifted(tokens), condition_of(context), train, rngs=rngs
    )

  def start(params, n, context):
    tokens = jnp.zeros((n, length), jnp.int32)
    c = condition_of(context)
    return cache_of(lambda: net.init(jax.random.key(0), tokens, c))

  def one(params, cache, tokens, i, context):
    before = jnp.take(shifted(tokens), i[None], 1)
    variables = {"params": params["net"], "cache": cache}
    logits, changed = net.apply(
      variables, before, i, condition_of(context), method="token", mutable=["cache"]
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
