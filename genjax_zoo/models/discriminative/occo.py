"""Occlusion completion (OcCo, Wang et al. 2021, arXiv:2010.01089): clouds from what a camera sees.

A camera in a random direction sees part of a cloud x of points, by a depth buffer
(prob/occlusion.py). An encoder and a decoder fill in the rest:

  loss = chamfer(decoder(encoder(seen part of x)), x)

The encoder is what it is trained for: it knows shapes, and few labels make a classifier of it (the
lesson few_labels_points). With `occlude` False the same is an autoencoder, which sees all.

Departures: PointNet of three layers, a dense decoder for folding, clouds of few points.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.models.latent_variable.point_vae import points_field
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.nn.point_net import PointNet
from genjax_zoo.prob.clouds import chamfer
from genjax_zoo.prob.occlusion import occluded, random_camera, visible


class Encoder(nn.Module):
  """A cloud [B, N, 3], in any order and with repeated points -> [B, latent]."""

  widths: tuple[int, ...]
  latent: int

  @nn.compact
  def __call__(self, x):
    return MLP((self.widths[-1], self.latent), nn.relu)(PointNet(self.widths)(x))


def seen_part(x, key):
  """The part of a cloud [N, 3] that a random camera sees, as `occluded`.

  The camera sees the cloud in a ball around its centre, in whatever units it is.
  """
  centre = (x.max(0, keepdims=True) + x.min(0, keepdims=True)) / 2
  radius = jnp.linalg.norm(x - centre, axis=-1).max()
  return occluded(x, visible((x - centre) / radius, *random_camera(key)))


def model(
  data,
  *,
  latent: int = 64,
  widths: tuple[int, ...] = (64, 128),
  width: int = 256,
  occlude: bool = True,
) -> Model:
  """Completes "points"; `widths` are the encoder's, `width` is that of both layers of the decoder.

  Its latents are of clouds as they are given: `decode` of `encode` of a seen part completes it.
  Raises UserError for data without point clouds.
  """
  field = points_field(data)
  encoder = Encoder(widths, latent)
  decoder = MLP((width, width, int(np.prod(field.shape))), nn.relu)

  def encode(params, state, batch, key):
    """The latents of clouds as they are, not occluded."""
    return {"z": encoder.apply({"params": params["encoder"]}, batch["points"])}

  def decode(params, state, latents, key):
    out = decoder.apply({"params": params["decoder"]}, latents["z"])
    return {"points": out.reshape(-1, *field.shape)}

  def restorations(params, state, batch, key):
    x = batch["points"]
    seen = jax.vmap(seen_part)(x, jax.random.split(key, len(x))) if occlude else x
    latents = encode(params, state, {"points": seen}, key)
    restored = decode(params, state, latents, key)["points"]
    return {"corrupted": seen, "baseline": seen, "restored": restored}

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    x, z = jnp.zeros((1, *field.shape)), jnp.zeros((1, latent))
    return {
      "encoder": encoder.init(k_enc, x)["params"],
      "decoder": decoder.init(k_dec, z)["params"],
    }, {}

  def loss(params, state, batch, key, train):
    """The Chamfer distance to the whole cloud, beside that of the seen part."""
    x = batch["points"]
    clouds = restorations(params, state, batch, key)
    error = chamfer(clouds["restored"], x)
    return error, ({}, {"chamfer": error, "chamfer_of_seen": chamfer(clouds["corrupted"], x)})

  return Model(
    init,
    loss,
    encode=encode,
    decode=decode,
    latents={"z": Field((latent,), np.float32)},
    parts={"restorations": restorations},
  )
