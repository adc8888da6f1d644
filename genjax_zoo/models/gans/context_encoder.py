"""Context encoder (Pathak 2016, arXiv:1604.07379): the first GAN that fills holes in images.

An encoder makes a vector of what is known of an image, a decoder an image of that; what it makes of
the hole is to be near the truth, and real to a critic of the filled image:

  critic_loss = softplus(-l(x)) + softplus(l(filled))
  gen_loss    = mean over the hole of (x - G(x known))² + adversarial softplus(-l(filled))

The squared error alone paints the mean of all that fits, which is blurred; the critic asks for one
of them. Nothing but the vector passes from what is known to the hole: no skips.

Departures: a dense layer for the channel-wise one; the critic sees the whole filled image, not what
is in the hole alone, so that holes may have any form; the mask is a channel of the input.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner
from genjax_zoo.models._form import to_floats
from genjax_zoo.models._game import play
from genjax_zoo.models._inpainting import filled, image_entry, inpainting_model
from genjax_zoo.models.gans.gan import check_options, leaky_relu
from genjax_zoo.nn.convnet import Decoder, Encoder
from genjax_zoo.prob.adversarial import GAMES
from genjax_zoo.prob.holes import HOLES


def hole_error(x, made, known):
  """The mean squared error of the unknown pixels, [B]."""
  hole = jnp.broadcast_to(1 - known, x.shape)
  total = ((x - made) ** 2 * hole).sum((1, 2, 3))
  return total / jnp.maximum(hole.sum((1, 2, 3)), 1)


def learner(
  data,
  tx,
  *,
  holes: str = "centre",
  widths: tuple[int, ...] = (32, 64, 128),
  latent: int = 256,
  critic: tuple[int, ...] = (32, 64, 64),
  adversarial: float = 0.01,
  loss: str = "non_saturating",
  ema: float = 0.0,
) -> Learner:
  """Inpaints the images of `data`; `holes` are the "centre", "strokes" or the "lower" half.

  `widths` are those of the encoder and in reverse of the decoder, `latent` is the length of the
  vector between them. Raises UserError for data without images, and for other holes.
  """
  name, field = image_entry(data, holes)
  check_options(loss, (), field)
  game = GAMES[loss]
  encoder = Encoder(widths, latent, leaky_relu)
  decoder = Decoder(widths[::-1], field.shape, jax.nn.relu)
  critic_net = Encoder(critic, 1, leaky_relu)

  def generate(gen, x, known):
    z = encoder.apply({"params": gen["encoder"]}, jnp.concatenate([x, known], -1))
    return jnp.tanh(decoder.apply({"params": gen["decoder"]}, z))

  def logits(critic, x):
    return critic_net.apply({"params": critic}, x)[..., 0]

  def init(key, batch):
    k_encoder, k_decoder, k_critic = jax.random.split(key, 3)
    x = to_floats(batch[name], field)
    gen = {
      "encoder": encoder.init(k_encoder, jnp.concatenate([x, x[..., :1]], -1))["params"],
      "decoder": decoder.init(k_decoder, jnp.zeros((1, latent)))["params"],
    }
    return {"gen": gen, "critic": critic_net.init(k_critic, x)["params"]}, {}

  def made(gen, batch, key):
    """(images, what is known of them, what is made of that)."""
    x = to_floats(batch[name], field)
    known = HOLES[holes](key, *x.shape[:3])
    return x, known, generate(gen, x * known, known)

  def critic_loss(critic, gen, state, batch, key):
    x, known, y = made(gen, batch, key)
    real, fake = logits(critic, x), logits(critic, filled(x, known, y))
    return game.critic(real, fake), ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    x, known, y = made(gen, batch, key)
    error = hole_error(x, y, known)
    fooled = game.gen(logits(critic, filled(x, known, y)))
    return error + adversarial * fooled, ({}, {"hole_error": error})

  def fill(params, state, x, known):
    return generate(params["gen"], x, known)

  model = inpainting_model(data, holes, init, fill)
  return play(model, tx, critic_loss, gen_loss, ema=ema)
