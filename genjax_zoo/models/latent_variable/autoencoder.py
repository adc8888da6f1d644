"""Autoencoder, plain (Hinton & Salakhutdinov 2006) and denoising (Vincent 2008): a bottleneck of
few numbers.

  z = encoder(corrupt(v)),   out = sigmoid(decoder(z)),   loss = |v - out|²,   v = image / (levels - 1)

With `corruption` "none" it compresses; trained to undo a corruption it denoises, completes ("mask",
"square"), enlarges ("downsample") or colours ("gray"). All but the noises are projections:
corrupt(v) = P v is known of the image, and only the rest is taken from the decoder (Wang 2023,
arXiv:2212.00490, equation 7), restored = P v + (1 - P) out. Measured by

  psnr = -10 log10 mean (v - restored)², in dB, beside psnr_baseline, that of prob/corruptions.py's
  unlearned answer

An autoencoder is no generative model: nothing says which z are of images. `sample` decodes z ~ N(0,
I) all the same, to show it; a density of the latents cures it (stage models, such as
models/diffusion/latent_diffusion.py), or the VAE's loss does.

The deck (C, line 25) has "altered versions of input as output": the input is altered, the output
clean. (B, line 134) writes x' = e(d(x)) for x' = d(e(x)).
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError, nearest
from genjax_zoo.models._networks import encoder_decoder, nonlinearity
from genjax_zoo.prob.corruptions import CORRUPTIONS, PROJECTIONS


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
  """An autoencoder of "image" through `latent` numbers, trained to undo `amount` of a `corruption`.

  `hidden` are the widths of the encoder, and in reverse of the decoder: of dense layers ("mlp") or
  convolutions ("conv"). Raises UserError for an unknown corruption, and for one that the images are
  too small or too gray for.
  """
  shape, form, levels = data["image"][:3]
  if corruption not in CORRUPTIONS:
    known = ", ".join(CORRUPTIONS)
    raise UserError(
      f"unknown model.corruption={corruption!r}{nearest(corruption, CORRUPTIONS)}; there are {known}"
    )
  if corruption == "downsample" and (
    amount < 2 or shape[0] % int(amount) or shape[1] % int(amount)
  ):
    raise UserError(
      f"model.amount={amount}: images of {shape[0]} x {shape[1]} are downsampled by 2 or another divisor"
    )
  if corruption == "gray" and shape[-1] == 1:
    raise UserError(
      "model.corruption='gray': the images have one channel, there is no colour to learn"
    )
  encoder, decoder = encoder_decoder(
    network, hidden, latent, shape, nonlinearity(activation), dtype
  )

  def floats(batch):
    return batch["image"].astype(jnp.float32) / (levels - 1)

  def mean(params, state, latents):
    """[B, H, W, C] in [0, 1]."""
    return jax.nn.sigmoid(decoder.apply({"params": params["decoder"]}, latents["z"]))

  def latents(params, v):
    return {"z": encoder.apply({"params": params["encoder"]}, v)}

  def undone(params, state, batch, key):
    """What the decoder makes of the corrupted image, and {"corrupted", "baseline", "restored"}, all
    [B, H, W, C].

    White is 1 and black 0; noise and what is added to P v may go beyond.
    """
    corrupt = lambda v: CORRUPTIONS[corruption](key, v, amount)
    corrupted, baseline = corrupt(floats(batch))
    out = restored = mean(params, state, latents(params, corrupted))
    if corruption in PROJECTIONS:  # The same key, the same P.
      restored = out + corrupted - corrupt(out)[0]
    return out, {"corrupted": corrupted, "baseline": baseline, "restored": restored}

  def views(params, state, batch, key):
    return undone(params, state, batch, key)[1]

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    enc = encoder.init(k_enc, floats(batch))["params"]
    return {"encoder": enc, "decoder": decoder.init(k_dec, jnp.zeros((1, latent)))["params"]}, {}

  def loss(params, state, batch, key, train):
    v, (out, seen) = floats(batch), undone(params, state, batch, key)
    error = lambda x: ((v - x) ** 2).reshape(len(v), -1)
    psnr = lambda x: -10 * jnp.log10(jnp.maximum(error(jnp.clip(x, 0, 1)).mean(-1), 1e-10))
    metrics = {"psnr": psnr(seen["restored"])}
    if corruption != "none":
      metrics["psnr_baseline"] = psnr(seen["baseline"])
    return error(out).sum(-1), ({}, metrics)

  def encode(params, state, batch, key):
    """The latents of the images as they are, not corrupted."""
    return latents(params, floats(batch))

  def decode(params, state, latents, key):
    return {"image": jnp.round(mean(params, state, latents) * (levels - 1)).astype(form)}

  def sample(params, state, key, n, given={}):
    """What z ~ N(0, I) decode to: not images, which is the point."""
    return decode(params, state, {"z": jax.random.normal(key, (n, latent))}, key)

  parts = {"mean": mean} | ({"views": views} if corruption != "none" else {})
  return Model(init, loss, sample, encode=encode, decode=decode, parts=parts)
