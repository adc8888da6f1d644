"""The encoder and decoder of autoencoders, and the critic and generator of GANs: mirror images."""

from collections.abc import Callable
import math

import flax.linen as nn
import jax

from genjax_zoo.core import UserError, nearest
from genjax_zoo.nn.convnet import Decoder, Encoder
from genjax_zoo.nn.mlp import MLP


def encoder_decoder(network: str, hidden, features: int, shape, activation: Callable, dtype: str):
  """Flax modules from data [B, *shape] to [B, features], and from latents [B, D] to [B, *shape].

  `hidden` are the widths of the first, and in reverse of the second: of dense layers ("mlp"), or of
  convolutions that halve or double the image ("conv"). Raises UserError for another `network`, and
  for "conv" without images.
  """
  if network not in ("mlp", "conv") or (network == "conv" and len(shape) != 3):
    raise UserError(f"model.network={network!r}: take 'mlp', or 'conv' for images [H, W, C]")
  options = dict(activation=activation, dtype=dtype)
  if network == "conv":
    return Encoder(hidden, features, **options), Decoder(hidden[::-1], shape, **options)
  encoder = MLP((*hidden, features), **options)
  decoder = MLP((*hidden[::-1], math.prod(shape)), **options)

  def flatten(x):
    return x.reshape(len(x), -1)

  def unflatten(x):
    return x.reshape(-1, *shape)

  return nn.Sequential([flatten, encoder]), nn.Sequential([decoder, unflatten])


def nonlinearity(name: str) -> Callable:
  """`jax.nn.<name>`. Raises UserError when there is none."""
  if not callable(getattr(jax.nn, name, None)):
    raise UserError(f"model.activation={name!r} is not in jax.nn{nearest(name, dir(jax.nn))}")
  return getattr(jax.nn, name)
