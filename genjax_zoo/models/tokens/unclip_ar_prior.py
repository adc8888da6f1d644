"""The autoregressive prior of unCLIP (Ramesh 2022, arXiv:2204.06125, section 2.2).

The embedding u of an image, see models/diffusion/unclip_prior.py, becomes a sequence of codes: its
`dims` principal components, the greatest first, each in one of `bins` equal bins within three
standard deviations,

  y = (u - mean) directions / sd,   code_i = floor(bins (y_i + 3) / 6)

and a causal transformer models caption and codes as one sequence, of which the caption is given:

  loss = -log p(codes | caption) = -sum_i log p(code_i | caption, code_1 .. code_{i-1}),  nats

Components that are left out are 0. Mean, directions and deviations are those of the first batch.

Departures: no token for u . v of image and caption, which the paper asks for to be large; that the
better of two samples is kept makes it so. The caption's words are given and not its embedding v,
and samples are not guided.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.diffusion.unclip_prior import check_clip, prior_model
from genjax_zoo.models.discriminative.clip import TEXT
from genjax_zoo.models.tokens._model import kept
from genjax_zoo.models.tokens._prior import initial_params, log_probs, prior, sample_tokens
from genjax_zoo.models.tokens._stream import from_tokens, to_tokens

CODES = "codes"
REACH = 3.0  # Standard deviations of a component that the bins reach to either side.


class Components(NamedTuple):
  """The principal components of vectors."""

  mean: jax.Array  # [D]
  directions: jax.Array  # [D, dims], orthonormal, those of the greatest variance first.
  sd: jax.Array  # [dims]


def components(u, dims: int) -> Components:
  """The first `dims` principal components of u [N, D]."""
  mean = u.mean(0)
  centred = u - mean[None]
  variances, directions = jnp.linalg.eigh(centred.T @ centred / len(u))
  order = slice(None, -dims - 1, -1)  # `eigh` has the least first.
  # A direction without variance has one bin that is used.
  return Components(mean, directions[:, order], jnp.sqrt(jnp.maximum(variances[order], 1e-8)))


def to_codes(u, pca: Components, bins: int):
  """The codes int32 [N, dims] of vectors u [N, D]."""
  y = (u - pca.mean[None]) @ pca.directions / pca.sd[None]
  return jnp.clip(jnp.floor(bins * (y + REACH) / (2 * REACH)), 0, bins - 1).astype(jnp.int32)


def from_codes(codes, pca: Components, bins: int):
  """The vectors [N, D] in the middle of the bins of codes [N, dims]."""
  y = (codes + 0.5) * 2 * REACH / bins - REACH
  return pca.mean[None] + (y * pca.sd[None]) @ pca.directions.T


def model(
  data,
  *,
  clip: Model,
  dims: int = 16,
  bins: int = 64,
  width: int = 64,
  layers: int = 2,
  heads: int = 4,
  dropout: float = 0.0,
) -> Model:
  """The autoregressive prior of the stage `clip`, of "image" given "tokens".

  Raises UserError for another stage, for data without captions, and for more `dims` than an
  embedding has.
  """
  field = check_clip(clip)
  if dims > field.shape[-1]:
    raise UserError(f"model.dims={dims}: an embedding has {field.shape[-1]} components")
  code_field = Field((dims,), np.int32, bins)
  fields = condition_fields(data, (TEXT,)) | {CODES: code_field}
  p = prior(fields, width, layers, heads, ("dense",), "float32", dropout)

  def init(key, u, batch):
    return initial_params(p, key), {"pca": components(u, dims)}

  def loss(params, state, u, v, batch, key, train):
    codes = to_codes(u, state["pca"], bins)
    tokens = to_tokens(p.stream, {TEXT: batch[TEXT], CODES: codes})
    nats = log_probs(p, params, tokens, key=key if train else None)
    return -nats[:, p.stream.segments[-1].places].sum(-1)

  def draw(params, state, key, v, given):
    tokens, keep = kept(p, {TEXT: given[TEXT]}, len(v), {CODES: code_field})
    tokens, _ = sample_tokens(p, params, key, tokens, keep, {})
    return from_codes(from_tokens(p.stream, tokens, (CODES,))[CODES], state["pca"], bins)

  return prior_model(data, clip, init, loss, draw, dims)
