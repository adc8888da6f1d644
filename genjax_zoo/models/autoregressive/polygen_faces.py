"""PolyGen's model of the faces of a mesh, given its vertices (Nash et al. 2020, section 2.3).

  e = encoder(vertices),   p(token_t = k) = softmax_k(h_t . e_k / sqrt(width))

A transformer encodes the vertices; two learned vectors, of STOP and NEW, stand before them in e. A
causal transformer over the sequence of faces points at one of these at each place (a pointer
network, Vinyals et al. 2015, arXiv:1506.03134): faces have any number of corners, meshes any number
of vertices. Its input is what the token before it points at, with embeddings of the face's number,
of the place in the face, and of the place in the sequence.

  p(F | V) = prod_t p(f_t | f_1 .. f_{t-1}, V),   loss = -log p(F | V)

The softmax is over STOP, NEW and the vertices that there are, in training too. At sampling and
evaluation what breaks the rule is masked besides (prob/rules.py).

Departures: pre-norm without ReZero's gates; the place in the sequence beside the place in the face;
attention to the vertices, where there is any, in one softmax with that to the sequence.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.autoregressive._meshes import (
  MeshSequence,
  cache_of,
  mesh_fields,
  mesh_model,
)
from genjax_zoo.nn.attention import attend as attention_of
from genjax_zoo.nn.causal import attending_to, causal_layers
from genjax_zoo.prob import rules

SMALL = nn.initializers.normal(0.1)


class Encoder(nn.Module):
  """Vertices int [B, V, 3], of which `mask` [B, V] says which there are -> e [B, 2 + V, width].

  e_0 and e_1 are those of STOP and NEW. Vertices see each other, and what is none is not seen.
  """

  levels: int
  width: int
  layers: int
  heads: int

  @nn.compact
  def __call__(self, vertices, mask):
    n, most, _ = vertices.shape
    h = nn.Dense(self.width)(vertices / (self.levels - 1) - 0.5)
    for axis in range(3):
      h += nn.Embed(self.levels, self.width, embedding_init=SMALL)(vertices[..., axis])
    # What is no vertex sees itself, so that no softmax is over nothing.
    seen = mask[:, None] | jnp.eye(most, dtype=bool)[None]
    heads = lambda a: a.reshape(n, most, self.heads, -1)
    for _ in range(self.layers):
      q, k, v = jnp.split(nn.Dense(3 * self.width)(nn.LayerNorm()(h)), 3, -1)
      attended = attention_of(heads(q), heads(k), heads(v), seen).reshape(h.shape)
      h += nn.Dense(self.width)(attended)
      h += nn.Dense(self.width)(nn.gelu(nn.Dense(4 * self.width)(nn.LayerNorm()(h))))
    special = self.param("special", SMALL, (rules.FIRST, self.width))
    special = jnp.broadcast_to(special[None], (n, *special.shape))
    return jnp.concatenate([special, nn.LayerNorm()(h)], 1)


class FaceNet(nn.Module):
  """Logits [B, T, 2 + V] of each token of the faces from those before it and from e.

  `about` [B, T, 3] are the token before each place, its face's number, and its place in the face;
  `exists` [B, 2 + V] says what there is in e. With `cross_attention` all layers attend to e too.
  """

  length: int  # T
  width: int
  layers: int
  heads: int
  dropout: float = 0.0
  cross_attention: bool = False

  def __call__(self, e, about, exists=None, train=False):
    """All places."""
    places = jnp.arange(self.length)
    mask = np.tril(np.ones((self.length, self.length), bool))
    attend = lambda attention, h, layer: attention(h, mask)
    return self.decode(e, about, exists, places, attend, train)

  def token(self, e, about, exists, i):
    """Place i alone: about [B, 1, 3] -> [B, 1, 2 + V]; keeps a cache."""
    seen = jnp.arange(self.length)[None] <= i
    attend = lambda attention, h, layer: attention.token(h, seen, i)
    return self.decode(e, about, exists, i[None], attend, False)

  @nn.compact
  def decode(self, e, about, exists, places, attend, train):
    """The transformer, of which `attend` alone looks beyond a token."""
    token, face, place = jnp.moveaxis(about, -1, 0)
    embed = lambda values: nn.Embed(self.length, self.width, embedding_init=SMALL)(values)
    pointed = jnp.take_along_axis(e, token[..., None], 1)
    begin = self.param("begin", SMALL, (self.width,))
    h = jnp.where((places == 0)[None, :, None], begin[None, None], pointed)
    h += embed(face) + embed(place) + embed(places)[None]
    options = dict(layers=self.layers, heads=self.heads, dropout=self.dropout, train=train)
    with attending_to(self.keys_and_values(e), exists):
      h = causal_layers(h, attend, **options)
    # At first every token is as probable as any other.
    query = nn.Dense(self.width, kernel_init=nn.initializers.zeros)(nn.LayerNorm()(h))
    return jnp.einsum("btd,bkd->btk", query, e) / math.sqrt(self.width)

  def keys_and_values(self, e) -> dict:
    """{attention: (keys, values)} of e, each [B, 2 + V, heads, D]; {} for no `cross_attention`."""
    if not self.cross_attention:
      return {}
    size = (2, self.heads, self.width // self.heads)
    project = lambda: jnp.moveaxis(nn.DenseGeneral(size)(e), 2, 0)
    return {f"Attention_{layer}": tuple(project()) for layer in range(self.layers)}


def about_places(tokens):
  """(token before it, its face's number, its place in the face) of each place, int [B, T, 3].

  NEW is the last of its face, a vertex is the first, second, ... of its own.
  """
  place = jnp.arange(tokens.shape[1])[None]
  is_new = tokens == rules.NEW
  # Where the face of a token begins: after the latest NEW before it.
  begins = jax.lax.cummax(jnp.where(is_new, place + 1, 0), axis=1)
  begins = jnp.pad(begins, ((0, 0), (1, 0)))[:, :-1]
  face = jnp.cumsum(is_new, 1) - is_new
  about = jnp.stack([tokens, face, place - begins], -1)
  return jnp.pad(about, ((0, 0), (1, 0), (0, 0)))[:, :-1]


def existing(mask):
  """Which of STOP, NEW and the vertices a mesh with the mask [B, V] has, bool [B, 2 + V]."""
  return jnp.pad(mask, ((0, 0), (rules.FIRST, 0)), constant_values=True)


def to_entries(tokens) -> dict:
  """The entries "faces" and "faces_mask" of sequences."""
  return {"faces": tokens, "faces_mask": rules.real(tokens)}


def model(
  data,
  *,
  width: int = 128,
  layers: int = 4,
  heads: int = 4,
  dropout: float = 0.0,
  cross_attention: bool = False,
) -> Model:
  """The faces of meshes, given their vertices; encoder and decoder have `layers` each.

  With `cross_attention` the sequence attends to the vertices too, as in the authors' code: it sees
  what is left to be joined, at a quarter more time, which meshes of many faces need.
  Raises UserError for data that are no meshes, and for heads that don't divide width.
  """
  if width % heads:
    raise UserError(f"model.width={width} must be a multiple of heads={heads}")
  field, mask, sequence, _ = mesh_fields(data)
  most, (length,) = field.shape[0], sequence.shape
  encoder = Encoder(field.num_values, width, layers, heads)
  net = FaceNet(length, width, layers, heads, dropout, cross_attention)

  def mask_of(context):
    return jnp.asarray(context["vertices_mask"])

  def exists(context):
    return existing(mask_of(context))

  def restricted(logits, context):
    """Logits [B, T, 2 + V], -inf at vertices that there are not."""
    return jnp.where(exists(context)[:, None], logits, -jnp.inf)

  def encoded(params, context):
    vertices = jnp.asarray(context["vertices"])
    return encoder.apply({"params": params["encoder"]}, vertices, mask_of(context))

  def rule(context, n):
    return rules.faces(mask_of(context).sum(-1).astype(jnp.int32), most, length)

  def init(key, batch):
    k_encoder, k_net = jax.random.split(key)
    vertices, mask = batch["vertices"], batch["vertices_mask"]
    e = jnp.zeros((len(vertices), rules.FIRST + most, width))
    about = jnp.zeros((len(vertices), length, 3), jnp.int32)
    return {
      "encoder": encoder.init(k_encoder, vertices, mask)["params"],
      "net": net.init(k_net, e, about)["params"],
    }

  def every(params, tokens, context, key=None):
    rngs = {"dropout": key} if key is not None else {}
    e = encoded(params, context)
    logits = net.apply(
      {"params": params["net"]},
      e,
      about_places(tokens),
      exists(context),
      key is not None,
      rngs=rngs,
    )
    return restricted(logits, context)

  def start(params, n, context):
    e = encoded(params, context)
    about = jnp.zeros((n, length, 3), jnp.int32)
    return e, cache_of(lambda: net.init(jax.random.key(0), e, about))

  def one(params, carry, tokens, i, context):
    e, cache = carry
    about = jnp.take(about_places(tokens), i[None], 1)
    variables = {"params": params["net"], "cache": cache}
    logits, changed = net.apply(
      variables, e, about, exists(context), i, method="token", mutable=["cache"]
    )
    return restricted(logits, context)[:, 0], (e, changed["cache"])

  return mesh_model(
    MeshSequence(
      length,
      {"vertices": field, "vertices_mask": mask},
      lambda batch: jnp.asarray(batch["faces"], jnp.int32),
      to_entries,
      rule,
      init,
      every,
      start,
      one,
    )
  )
