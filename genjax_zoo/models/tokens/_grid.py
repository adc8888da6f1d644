"""What autoencoders with a grid of codes share: networks, decoder distribution and measures."""

from collections.abc import Callable, Mapping
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import image_of, mean_of
from genjax_zoo.models.latent_variable._observation import Observation, observation
from genjax_zoo.models.latent_variable.autoencoder import psnr
from genjax_zoo.nn.codebook import perplexity
from genjax_zoo.nn.grid import GridDecoder, GridEncoder

NETWORKS = "patch", "conv"


class Autoencoder(NamedTuple):
  """Networks between images [B, H, W, C] and vectors [B, h, w, features], and p(x | z)."""

  encoder: GridEncoder
  decoder: GridDecoder
  observation: Observation
  grid: tuple[int, int]
  channels: int


def autoencoder(
  data, network: str, widths: tuple[int, ...], features: int, blocks: int, outputs: int = 0
) -> Autoencoder:
  """The autoencoder of "image", which len(widths) halvings bring to the grid.

  The encoder has `outputs` channels, by default as many as the decoder takes, `features`. Raises
  UserError for another network, and for images that can't be halved so often.
  """
  field = image_of(data)
  if network not in NETWORKS:
    raise UserError(f"model.network={network!r}; there are {' and '.join(NETWORKS)}")
  factor = 2 ** len(widths)
  height, width, channels = field.shape
  if height % factor or width % factor:
    raise UserError(
      f"model.widths={widths} divide an image by {factor}, and {height} x {width} can't be"
    )
  likelihood = "bernoulli" if field.num_values == 2 else "discretized_logistic"
  return Autoencoder(
    GridEncoder(network, widths, outputs or features, blocks),
    GridDecoder(network, widths, channels, blocks),
    observation(data, likelihood, scale=0.0),
    (height // factor, width // factor),
    channels,
  )


def initial_params(ae: Autoencoder, key, batch, features: int) -> dict:
  """The parameters of both networks and of the decoder's distribution."""
  k_enc, k_dec = jax.random.split(key)
  return {
    "encoder": ae.encoder.init(k_enc, ae.observation.floats(batch))["params"],
    "decoder": ae.decoder.init(k_dec, jnp.zeros((1, *ae.grid, features)))["params"],
    "observation": ae.observation.init(),
  }


def vectors(ae: Autoencoder, params, batch):
  """The encoder's outputs [B, h, w, outputs], of images as floats in [-1, 1]."""
  return ae.encoder.apply({"params": params["encoder"]}, 2 * ae.observation.floats(batch) - 1)


def reconstruction_loss(ae: Autoencoder, params, batch, out, variance, key):
  """(loss [B], {"psnr", "nats"}) of the decoder's outputs, whose sigmoid is E[v | z].

  The loss is the squared error over the variance of the data: 1 for an image of their mean.
  """
  v, v_hat = ae.observation.floats(batch), ae.observation.mean(out)
  error = mean_of(jnp.square(v - v_hat))
  scale, metrics = scale_loss(ae, params, batch, out, key)
  return error / variance + scale, metrics | {"psnr": psnr(v, v_hat)}


def scale_loss(ae: Autoencoder, params, batch, out, key):
  """(0 with the gradient of the scale of p(x | z), {"nats": -log p(x | z)}), each [B].

  The scale is fitted beside the loss of the networks, on which it has no influence.
  """
  fixed = jax.lax.stop_gradient(out)
  nats = -ae.observation.log_prob(params["observation"], batch, fixed, key)
  loss = nats / math.prod(out.shape[1:])
  return loss - jax.lax.stop_gradient(loss), {"nats": nats}


def decoding(observation: Observation, outputs: Callable) -> tuple[Callable, dict]:
  """(decode, {"mean", "log_given"}) of a decoder: outputs(params, state, latents) -> out."""

  def mean(params, state, latents):
    """E[v | codes], [B, H, W, C] in [0, 1]."""
    return observation.mean(outputs(params, state, latents))

  def decode(params, state, latents, key):
    return observation.to_data(mean(params, state, latents))

  def log_given(params, state, batch, latents, key):
    out = outputs(params, state, latents)
    return observation.log_prob(params["observation"], batch, out, key)

  return decode, {"mean": mean, "log_given": log_given}


def histogram(numbers, size: int):
  """How often each of `size` codes occurs in an example's grid [B, ...]: [B, size]."""
  return jax.nn.one_hot(numbers.reshape(len(numbers), -1), size).sum(1)


def codebook_use(rows: Mapping, names=("codes",)) -> dict:
  """{"codes_used", "perplexity"} over all examples, from their histograms [N, K]."""
  found = {}
  for name in names:
    counts = rows[f"{name}_histogram"].sum(0)
    prefix = "" if name == "codes" else f"{name}_"
    found[f"{prefix}codes_used"] = np.count_nonzero(counts)
    found[f"{prefix}perplexity"] = perplexity(jnp.asarray(counts))
  return found


def code_field(grid: tuple[int, int], size: int) -> Field:
  """The Field of a grid of codes."""
  return Field(grid, np.int32, size, ordered=False)
