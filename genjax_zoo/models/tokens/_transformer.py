"""The transformer over a stream of tokens, in training all at once and in sampling one by one."""

import flax.linen as nn
import jax.numpy as jnp

from genjax_zoo.nn.causal import causal_layers


class Transformer(nn.Module):
  """Logits [B, T, V] of the token at each place from the tokens before it; V of all segments.

  `grids` are the rows and columns of the segments, each with places of its own. If `tied`, a logit
  is the product of h and the token's vector (Press & Wolf 2016, arXiv:1608.05859).
  """

  values: int
  grids: tuple[tuple[int, int], ...]
  width: int
  layers: int
  heads: int
  dtype: str = "float32"
  dropout: float = 0.0
  tied: bool = False

  def __call__(self, before, places, masks, train=False):
    """All places: before [B, T] tokens, places [T, 3], masks [layers, T, T].

    With `train`, outputs of layers are dropped by the key "dropout".
    """
    attend = lambda attention, h, layer: attention(h, masks[layer])
    return self.decode(before, places, attend, train)

  def token(self, before, place, masks, i):
    """Place i alone: before [B, 1], place [1, 3], masks [layers, 1, T] -> [B, 1, V]."""
    return self.decode(
      before, place, lambda attention, h, layer: attention.token(h, masks[layer], i)
    )

  @nn.compact
  def decode(self, before, places, attend, train=False):
    """The transformer, of which attend(attention, h, layer) alone looks beyond a token."""
    small = nn.initializers.normal(0.1)
    # Two more than the values: START and UNKNOWN.
    token = nn.Embed(self.values + 2, self.width, embedding_init=small, name="token")
    h = token(before)
    segment = places[:, 0]
    for axis in (1, 2):
      for number, grid in enumerate(self.grids):
        embed = nn.Embed(grid[axis - 1], self.width, embedding_init=small)
        own = (segment == number)[:, None]
        h += jnp.where(own, embed(jnp.where(own[:, 0], places[:, axis], 0)), 0.0)[None]
    h = h.astype(self.dtype)
    size = dict(layers=self.layers, heads=self.heads, dtype=self.dtype)
    h = causal_layers(h, attend, **size, dropout=self.dropout, train=train)
    h = nn.LayerNorm()(h)
    if self.tied:
      return token.attend(h)[..., : self.values]
    # At first every value is as probable as any other.
    return nn.Dense(self.values, kernel_init=nn.initializers.zeros)(h)
