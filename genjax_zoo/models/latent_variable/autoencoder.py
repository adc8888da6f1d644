"""Autoencoder, plain (Hinton & Salakhutdinov 2006) and denoising (Vincent 2008).

  z = encoder(corrupt(v)),   out = sigmoid(decoder(z)),   loss = |v - out|²
  v = image / (num_values - 1)

With `corruption` "none" it compresses through a bottleneck of `latent` dimensions; trained to undo
a corruption it denoises, inpaints ("mask", "square"), enlarges ("downsample") or colourises
("gray"). All but the noises are linear projections P: corrupt(v) = P v is known of the image, and
only the rest is taken from the decoder (Wang 2023, arXiv:2212.00490, equation 7),

  restored = P v + (1 - P) out

The measure is psnr = -10 log10 mean (v - restored)², in dB, beside psnr_baseline, that of the
unlearned restoration in prob/corruptions.py.

An autoencoder is not a generative model: it has no distribution of z. `sample` decodes z ~ N(0, I)
all the same, to show it. The VAE's loss gives the latents a distribution, and so does a model of
them (models/diffusion/latent_diffusion.py).

Errata of the slides: docs/errata.md#autoencoder
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError, nearest
from genjax_zoo.models._form import image_of
from genjax_zoo.models._networks import encoder_decoder, nonlinearity
from genjax_zoo.prob.corruptions import CORRUPTIONS, PROJECTIONS


def project(restored, corrupted, corrupt):
  """P v + (1 - P) restored, given corrupted = P v and corrupt, which is P."""
  return restored + corrupted - corrupt(restored)


def psnr(v, x):
  """Peak signal-to-noise ratio of x, clipped to [0, 1], from v; dB [B], at most 100."""
  error = ((v - jnp.clip(x, 0, 1)) ** 2).reshape(len(v), -1).mean(-1)
  return -10 * jnp.log10(jnp.maximum(error, 1e-10))


def check(field: Field, corruption: str, amount: float):
  """Raises UserError for an unknown corruption, and for one that images of `field` can't have."""
  if corruption not in CORRUPTIONS:
    raise UserError(
      f"unknown model.corruption={corruption!r}{nearest(corruption, CORRUPTIONS)}; "
      f"there are {', '.join(CORRUPTIONS)}"
    )
  H, W, C = field.shape
  if corruption == "downsample" and (amount < 2 or H % int(amount) or W % int(amount)):
    raise UserError(
      f"model.amount={amount}: images of {H} x {W} are downsampled by 2 or another divisor"
    )
  if corruption == "gray" and C == 1:
    raise UserError(
      "model.corruption='gray': the images have one channel, there is no colour to learn"
    )


def model(
  data,
  *,
  latent: int = 32,
  hidden: tuple[int, ...] = (512, 256),
  network: str = "mlp",
  corruption: str = "none",
  amount: float = 0.5,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """An autoencoder of "image" with `latent` dimensions, trained to undo `amount` of a `corruption`.

  `hidden` are the widths of the encoder, and in reverse of the decoder: of dense layers ("mlp") or
  of convolutions ("conv"). Raises UserError for data without images, for an unknown corruption, and
  for one that the images can't have.
  """
  field = image_of(data)
  check(field, corruption, amount)
  white = field.num_values - 1
  encoder, decoder = encoder_decoder(
    network, hidden, latent, field.shape, nonlinearity(activation), dtype
  )

  def floats(batch):
    """v [B, H, W, C] in [0, 1]."""
    return batch["image"].astype(jnp.float32) / white

  def latents_of(params, v):
    return {"z": encoder.apply({"params": params["encoder"]}, v)}

  def mean(params, state, latents):
    """The decoder's image, [B, H, W, C] in [0, 1]."""
    return jax.nn.sigmoid(decoder.apply({"params": params["decoder"]}, latents["z"]))

  def restore(params, state, batch, key):
    """(out, {"corrupted", "baseline", "restored"}), each [B, H, W, C].

    White is 1 and black 0; noisy images, and restored ones with a projection, may exceed [0, 1].
    """

    def corrupt(v):  # One key, one P.
      return CORRUPTIONS[corruption](key, v, amount)

    corrupted, baseline = corrupt(floats(batch))
    out = mean(params, state, latents_of(params, corrupted))
    restored = out
    if corruption in PROJECTIONS:
      restored = project(out, corrupted, lambda v: corrupt(v)[0])
    return out, {"corrupted": corrupted, "baseline": baseline, "restored": restored}

  def restorations(params, state, batch, key):
    _, images = restore(params, state, batch, key)
    return images

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    params = {
      "encoder": encoder.init(k_enc, floats(batch))["params"],
      "decoder": decoder.init(k_dec, jnp.zeros((1, latent)))["params"],
    }
    return params, {}

  def loss(params, state, batch, key, train):
    v = floats(batch)
    out, images = restore(params, state, batch, key)
    metrics = {"psnr": psnr(v, images["restored"])}
    if corruption != "none":
      metrics["psnr_baseline"] = psnr(v, images["baseline"])
    error = ((v - out) ** 2).reshape(len(v), -1).sum(-1)
    return error, ({}, metrics)

  def encode(params, state, batch, key):
    """The latents of the images as they are, not corrupted."""
    return latents_of(params, floats(batch))

  def decode(params, state, latents, key):
    return {"image": jnp.round(mean(params, state, latents) * white).astype(field.dtype)}

  def sample(params, state, key, n, given={}):
    """The decoder's images of z ~ N(0, I), which is not the distribution of the latents."""
    return decode(params, state, {"z": jax.random.normal(key, (n, latent))}, key)

  parts = {"mean": mean}
  if corruption != "none":
    parts["restorations"] = restorations
  fields = {"z": Field((latent,), np.float32)}
  return Model(init, loss, sample, encode=encode, decode=decode, latents=fields, parts=parts)
