"""The autoencoder of latent diffusion, with a KL penalty (Rombach 2022, arXiv:2112.10752).

  (mean, logvar) = encoder(x),   z = mean + exp(logvar / 2) eps,   v_hat = sigmoid(decoder(z))
  loss = |v - v_hat|² / (D var v) + beta KL(N(mean, exp(logvar)) || N(0, I))

v are gray levels in [0, 1]. Latents are a grid [h, w, channels], so that a second stage can be a
network of images (models/diffusion/latent_diffusion.py). beta is tiny: the KL only keeps latents
near the origin, and decoding noisy latents makes nearby ones decode alike. The error is a mean
over D numbers, the KL a sum over latents: beside a sum of errors beta is D var v times as large.

It is a first stage alone: z ~ N(0, I) does not decode to an image. Given its latents an image has
the distribution p(x | z) of the decoder, whose scale is fitted beside the loss.

Departures: the squared error, over the variance of the data, stands for the perceptual and the
adversarial loss, which are those of models/tokens/vqgan.py.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.models.tokens._grid import (
  autoencoder,
  decoding,
  initial_params,
  reconstruction_loss,
  vectors,
)
from genjax_zoo.prob.distributions import normal_sample
from genjax_zoo.prob.divergences import kl_standard_normal


def model(
  data,
  *,
  network: str = "patch",
  widths: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  channels: int = 4,
  beta: float = 1e-6,
) -> Model:
  """An autoencoder of "image" with latents of `channels` numbers a place; see nn/grid.py.

  Raises UserError for an unknown `network`, and for images that can't be halved len(widths) times.
  """
  ae = autoencoder(data, network, widths, channels, blocks, outputs=2 * channels)

  def posterior(params, batch):
    """(mean, logvar) of q(z | x), each [B, h, w, channels]."""
    return jnp.split(vectors(ae, params, batch), 2, -1)

  def outputs(params, state, latents):
    return ae.decoder.apply({"params": params["decoder"]}, latents["z"])

  def init(key, batch):
    return initial_params(ae, key, batch, channels), {
      "variance": ae.observation.floats(batch).var()
    }

  def loss(params, state, batch, key, train):
    k_z, k_x = jax.random.split(key)
    mean, logvar = posterior(params, batch)
    z = normal_sample(k_z, mean, logvar / 2)
    out = outputs(params, state, {"z": z})
    error, metrics = reconstruction_loss(ae, params, batch, out, state["variance"], k_x)
    kl = kl_standard_normal(mean, logvar).sum((1, 2))
    return error + beta * kl, ({}, metrics | {"kl": kl})

  def encode(params, state, batch, key):
    """The means of q(z | x)."""
    mean, _ = posterior(params, batch)
    return {"z": mean}

  decode, parts = decoding(ae.observation, outputs)
  latents = {"z": Field((*ae.grid, channels), np.float32)}
  return Model(init, loss, encode=encode, decode=decode, latents=latents, parts=parts)
