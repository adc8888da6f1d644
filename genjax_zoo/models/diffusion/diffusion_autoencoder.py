"""Diffusion autoencoder (Preechakul 2021, arXiv:2111.15640): a code with a meaning, and noise.

An encoder gives each image a semantic code z, and a diffusion model is given it:

  z = norm(encoder(x_0)),   loss = the denoising loss of x_t, given z

Both are trained together, by this loss alone. What z does not say of an image is in the noise x_T
to which the probability-flow ODE, given z, takes it: a stochastic code, inferred, not learned. The
pair (z, x_T) is decoded almost exactly; z with other noise gives another image of the same meaning.
A good reconstruction from the pair says nothing of z, for inversion works with any network. Images
decoded from z with other noise show what z holds.

Codes of new images are sampled by a diffusion of their own, which is latent_diffusion.py with this
model as its stage. Along a direction in the space of codes, such as that between two classes of a
linear classifier, one attribute of an image changes (lesson `semantic_codes`).

Departures: EDM's noise levels and preconditioning (edm.py) with a network of the zoo, where the
paper's U-Net has its group norms scaled by z; Heun's rule in place of DDIM; z is normalised, which
the paper does after training, with statistics of the data.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import numpy as np

from genjax_zoo.core import Field, Model
from genjax_zoo.models._form import image_of, mean_of, to_floats
from genjax_zoo.models.diffusion import edm
from genjax_zoo.nn.convnet import Encoder

CODE, NOISE = "code", "noise"


class CodeEncoder(nn.Module):
  """Images [B, H, W, C] in [-1, 1] -> codes [B, latent], each of mean 0 and variance 1."""

  widths: tuple[int, ...]
  features: int
  latent: int

  @nn.compact
  def __call__(self, x):
    h = nn.gelu(Encoder(self.widths, self.features)(x))
    return nn.LayerNorm(use_bias=False, use_scale=False)(nn.Dense(self.latent)(h))


def model(
  data,
  *,
  latent: int = 16,
  widths: tuple[int, ...] = (32, 64, 64),
  features: int = 128,
  sd: float = 0.5,
  mean: float = -1.2,
  spread: float = 1.2,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
) -> Model:
  """An autoencoder of "image" by a code of `latent` numbers and the noise of a diffusion.

  Each of the encoder's `widths` halves the images; `features` units lie below the code. The other
  arguments are those of `edm`. A sample is an image with the code of a given one. Raises UserError
  for data without images.
  """
  field = image_of(data)
  encoder = CodeEncoder(widths, features, latent)
  code_field = Field((latent,), np.float32)
  levels = dict(sd=sd, mean=mean, spread=spread, low=low, high=high)
  inner = edm.model(
    {**data, CODE: code_field}, **levels, network=network, condition=(CODE,), drop=0.0
  )

  def code(params, batch):
    return encoder.apply({"params": params["encoder"]}, to_floats(batch["image"], field))

  def init(key, batch):
    k_encoder, k_inner = jax.random.split(key)
    x = to_floats(batch["image"], field)
    params, state = inner.init(k_inner, batch)
    return params | {"encoder": encoder.init(k_encoder, x)["params"]}, state

  def loss(params, state, batch, key, train):
    return inner.loss(params, state, {**batch, CODE: code(params, batch)}, key, train)

  def sample(params, state, key, n, given={}, **options):
    """n images with the codes of the given ones; the options are those of `edm`."""
    return inner.sample(params, state, key, n, {CODE: code(params, given)}, **options)

  def encode(params, state, batch, key):
    z = code(params, batch)
    found = inner.encode(params, state, {"image": batch["image"], CODE: z}, key)
    return {"z": z, NOISE: found["z"]}

  def decode(params, state, latents, key):
    """Images of codes "z", with the "noise" where it is given, or else sampled."""
    z = latents["z"]
    if NOISE in latents:
      return inner.decode(params, state, {"z": latents[NOISE], CODE: z}, key)
    return inner.sample(params, state, key, len(z), {CODE: z})

  def evaluate(params, state, batch, key):
    """The loss, and errors in [0, 1] of what is decoded with the inferred noise and without it.

    "error_ratio" is the former over the latter.
    """
    k_loss, k_encode, k_decode = jax.random.split(key, 3)
    x = to_floats(batch["image"], field)
    latents = encode(params, state, batch, k_encode)

    def error(latents):
      decoded = to_floats(decode(params, state, latents, k_decode)["image"], field)
      return mean_of(((x - decoded) / 2) ** 2)

    exact, varied = error(latents), error({"z": latents["z"]})
    nats, _ = loss(params, state, batch, k_loss, train=False)
    return {
      "loss": nats,
      "mse": exact,
      "mse_without_noise": varied,
      "error_ratio": (exact, varied),
    }

  return Model(
    init,
    loss,
    sample,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    given={"image": field},
    latents={"z": code_field, NOISE: Field(field.shape, np.float32)},
    calls=inner.calls,
  )
