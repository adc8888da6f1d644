"""Conditional VAE (Sohn et al. 2015, Learning Structured Output Representation).

The VAE of vae.py with a label y in both networks, p(x | z, y) and q(z | x, y):

  log p(x | y) >= E_q log p(x | z, y) - kl,   kl = KL(q(z | x, y) || p(z))

The one-hot label joins z at the decoder; in the encoder it adds a learned vector of its class to
(mean, logvar).

Departure: p(z) = N(0, I) for all y, where the paper learns p(z | y).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models._form import entry
from genjax_zoo.models._networks import encoder_decoder, nonlinearity
from genjax_zoo.models.latent_variable._observation import observation
from genjax_zoo.models.latent_variable.vae import VAE, assemble, gaussian_prior, loss


def model(
  data,
  *,
  condition: tuple[str, ...] = ("label",),
  latent: int = 20,
  hidden: tuple[int, ...] = (400,),
  network: str = "mlp",
  likelihood: str = "bernoulli",
  scale: float = 0.0,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE conditioned on one label; the other arguments are those of vae.py.

  Raises UserError if the condition is anything else, or the data do not fit.
  """
  if not condition:
    raise UserError("model cvae needs a condition: set model.condition=('label',)")
  given = condition_fields(data, condition)
  classes = label_classes(given)
  (label,) = given
  _, field = entry(data)
  p_x = observation(data, likelihood, scale)
  encoder_net, decoder_net = encoder_decoder(
    network, hidden, 2 * latent, field.shape, nonlinearity(activation), dtype
  )

  def init(key, batch):
    k_enc, k_dec, _ = jax.random.split(key, 3)
    encoder = encoder_net.init(k_enc, p_x.floats(batch))["params"]
    decoder = decoder_net.init(k_dec, jnp.zeros((1, latent + classes)))["params"]
    shifts = jnp.zeros((classes, 2 * latent))
    return {"encoder": encoder, "decoder": decoder, "class": shifts} | p_x.init()

  def encoder(params, v, given):
    out = encoder_net.apply({"params": params["encoder"]}, v)
    return jnp.split(out + params["class"][given[label]], 2, -1)

  def decoder(params, z, given):
    y = jax.nn.one_hot(given[label], classes)
    return decoder_net.apply({"params": params["decoder"]}, jnp.concatenate([z, y], -1))

  latents = {"z": Field((latent,), np.float32), label: data[label]}
  vae = VAE(init, encoder, decoder, gaussian_prior(latent), p_x, latents)
  return assemble(vae, partial(loss, vae), given)
