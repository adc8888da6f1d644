"""How noise levels and conditions enter networks: an entry's Field says what is made of it.

  field           what it is              to the vector      to the sequence   to the channels
  ()     classes  a label                 an embedding
  ()     real     a number                sinusoids
  (L,)   words    a caption, 0 pads it    its mean           a transformer
  (D,)   real     an embedding, a code    a dense layer      `tokens` tokens
  (D,)   camera   angles                  of its harmonics   `tokens` tokens
  (L, D) states   words read, 0 pads      their mean        a dense layer
  (H, W) classes  a segmentation map                                           one-hot
  (h, w, C)       an image                                                     resized

A condition is c = {name: (value [B, ...], known [B])}, see models/_condition.py; what is not known
reaches no network. Entries in `nulls`, which may be unknown, have a learned null vector: of a label
it is one more row of the embedding, of all else null + known * f(value), since a `where` would give
it no gradient in a batch where everything is known.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.nn.embed import harmonics, sinusoids
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.nn.text_encoder import TextEncoder, masked_mean

TOKENS = 4  # That an embedding adds to the sequence which attention looks at.


class Conditioning(NamedTuple):
  """What the blocks of a network are conditioned on."""

  vector: jax.Array  # [B, E], for scales, shifts and gates; [1, E] where all share it.
  sequence: jax.Array | None = None  # [B, L, text], which attention looks at beside x.
  mask: jax.Array | None = None  # [B, L], 1 where the sequence is real.


class Condition(nn.Module):
  """The noise level and the vectors and sequences of a condition, as one `Conditioning`.

  noise [B] or [1]: log(sigma / alpha), or any number in about [-10, 10]. `features` is the size of
  the vector, `text` that of the sequence, `fields` the pairs (name, Field) of the condition.
  """

  features: int
  fields: tuple[tuple[str, Any], ...] = ()
  nulls: tuple[str, ...] = ()
  text: int = 64
  tokens: int = 0

  @nn.compact
  def __call__(self, noise, c={}) -> Conditioning:
    vector = MLP((self.features, self.features), nn.silu)(sinusoids(noise))
    sequence, mask = [], []
    for name, field in self.fields:
      value, known = c[name]
      match len(field.shape), bool(field.num_values):
        case 0, True:
          vector += embed_label(c[name], field.num_values, self.features, name in self.nulls)
        case 0, False:
          vector += self.nullable(name, nn.Dense(self.features)(sinusoids(value)), known)
        case 1, True:
          states, mean = TextEncoder(field.num_values, self.text, name=f"text_{name}")(value)
          pooled = nn.Dense(self.features, name=f"pooled_{name}")(mean)
          vector += self.nullable(name, pooled, known)
          sequence.append(states)
          mask.append((value > 0) * known[:, None])
        case 1, False:
          value = harmonics(value) if field.kind == "camera" else value
          vector += self.nullable(name, nn.Dense(self.features)(value), known)
          if self.tokens:
            states = nn.Dense(self.tokens * self.text, name=f"tokens_{name}")(value)
            sequence.append(states.reshape(len(value), self.tokens, self.text))
            mask.append(jnp.broadcast_to(known[:, None], (len(value), self.tokens)))
        case 2, False:
          real = (value != 0).any(-1)
          pooled = nn.Dense(self.features, name=f"pooled_{name}")(masked_mean(value, real))
          vector += self.nullable(name, pooled, known)
          sequence.append(nn.Dense(self.text, name=f"states_{name}")(value))
          mask.append(real * known[:, None])
    join = lambda parts: jnp.concatenate(parts, 1) if parts else None
    return Conditioning(nn.silu(vector), join(sequence), join(mask))

  def nullable(self, name, f, known):
    """null + known f, [B, E]: the null vector alone where the entry is not known; or f itself."""
    if name not in self.nulls:
      return f
    null = self.param(f"null_{name}", nn.initializers.normal(0.02), f.shape[-1:])
    return null[None] + known[:, None] * f


def embed_label(entry, num_values: int, features: int, null: bool = False, dtype=None):
  """The embedding [B, features] of a label; its last row, the null vector, where it is unknown.

  Called in a compact method, whose parameter the table is.
  """
  value, known = entry
  row = jnp.where(known > 0, value, num_values) if null else value
  return nn.Embed(num_values + null, features, dtype=dtype)(row)


def condition_channels(c, fields, size: tuple[int, int]):
  """Images and maps of a condition as channels [B, H, W, K] of images of this size, or None.

  Images are scaled to [-1, 1] and resized by cubic interpolation, maps are one-hot. One more
  channel of each says whether it is known; all are 0 where it is not.
  """
  channels = []
  for name, field in fields:
    value, known = c[name]
    match len(field.shape):
      case 2 if field.num_values:
        x, method = jax.nn.one_hot(value, field.num_values), "nearest"
      case 3:
        x, method = value.astype(jnp.float32), "cubic"
        x = 2 * x / (field.num_values - 1) - 1 if field.num_values else x
      case _:
        continue
    if x.shape[1:3] != size:
      x = jax.image.resize(x, (len(x), *size, x.shape[-1]), method)
    x = jnp.concatenate([x, jnp.ones((*x.shape[:-1], 1))], -1)
    channels.append(x * known[:, None, None, None])
  return jnp.concatenate(channels, -1) if channels else None
