"""StackGAN's second stage (Zhang 2017, arXiv:1612.03242): a small image of a caption made larger.

The first stage, a trained text_gan, makes a small image s of the caption t. The second stage makes
a large one of both: it reads the caption again, and so can add what the first left out and mend
what it has wrong.

  s ~ first(t),   x = enlarged s + f(s, c),   c = mu(t) + sigma(t) eps

The losses are those of text_gan.py, without captions between two; the first stage stays as it is.

Departures: f is added to the enlarged image, so that training begins at it; no batch normalisation.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.models._game import noise, play, translator_model
from genjax_zoo.models.gans.gan import leaky_relu
from genjax_zoo.models.gans.text_gan import (
  TEXT,
  Augmented,
  Critic,
  caption_of,
  critic_loss_of,
)
from genjax_zoo.nn.conv import Conv, ConvTranspose
from genjax_zoo.nn.text_encoder import word_weights
from genjax_zoo.prob.adversarial import GAMES


class Refiner(nn.Module):
  """s [B, h, w, C], captions t, eps [B, features] -> (images [B, 2 h, 2 w, C], KL [B])."""

  width: int
  blocks: int
  features: int
  hidden: int

  @nn.compact
  def __call__(self, s, t, eps):
    height, width, channels = s.shape[1:]
    c, kl = Augmented(self.features, self.hidden)(t, eps)
    h = leaky_relu(Conv(self.width, (3, 3))(s))
    skip = h
    h = leaky_relu(Conv(2 * self.width, (4, 4), (2, 2))(h))
    places = jnp.broadcast_to(c[:, None, None], (*h.shape[:3], self.features))
    h = leaky_relu(Conv(2 * self.width, (3, 3))(jnp.concatenate([h, places], -1)))
    for _ in range(self.blocks):
      h += Conv(2 * self.width, (3, 3))(leaky_relu(h))
    h = ConvTranspose(self.width, (4, 4), (2, 2))(leaky_relu(h))[:, :height, :width]
    f = ConvTranspose(channels, (4, 4), (2, 2))(leaky_relu(h + skip))
    return jax.image.resize(s, f.shape, "bilinear") + f, kl


def learner(
  data,
  tx,
  *,
  first: Model,
  features: int = 32,
  hidden: int = 128,
  width: int = 32,
  blocks: int = 2,
  critic: tuple[int, ...] = (32, 64, 128),
  read: int = 128,
  matching: bool = True,
  kl: float = 0.01,
  r1: float = 0.3,
  ema: float = 0.0,
) -> Learner:
  """A GAN of "image", twice as large as those of `first`, given its caption, "tokens".

  `width` and `blocks` are those of f; the other arguments are as in text_gan. Raises UserError for
  data without captions, and for a first stage of other images.
  """
  words, field = caption_of(data, "stackgan"), data["image"]
  if set(first.given) != {TEXT} or not first.sample:
    raise UserError("stages.first makes no images of captions: take text_gan")
  game = GAMES["non_saturating"]
  net, critic_net = Refiner(width, blocks, features, hidden), Critic(critic, read)
  weights = lambda tokens: word_weights(tokens, words.num_values)

  def logits(critic, x, tokens):
    return critic_net.apply({"params": critic}, x, weights(tokens))

  def small(frozen, tokens, key):
    """Images of the first stage, floats in [-1, 1]."""
    n = len(tokens)
    return to_floats(first.sample(*frozen["first"], key, n, {TEXT: tokens})["image"], field)

  def make(gen, state, tokens, key):
    k_small, k_eps = jax.random.split(key)
    s = small(state["frozen"], tokens, k_small)
    return net.apply({"params": gen}, s, weights(tokens), noise(k_eps, len(tokens), features))

  def init(key, batch, frozen):
    k_small, k_gen, k_critic = jax.random.split(key, 3)
    x, t = to_floats(batch["image"], field), weights(batch[TEXT])
    s = small(frozen, batch[TEXT], k_small)
    check_twice(s, x)
    gen = net.init(k_gen, s, t, jnp.zeros((len(t), features)))["params"]
    critic = critic_net.init(k_critic, x, t)["params"]
    return {"gen": gen, "critic": critic}, {"frozen": frozen}

  def gen_loss(gen, critic, state, batch, key):
    made, divergence = make(gen, state, batch[TEXT], key)
    fake = jnp.diagonal(logits(critic, made, batch[TEXT]))
    return game.gen(fake) + kl * divergence, ({}, {"kl": divergence})

  def translate(params, state, given, key):
    return {"image": make(params["gen"], state, given[TEXT], key)[0]}

  model = translator_model(data, init, translate, {TEXT: words})
  model = model._replace(calls=lambda **options: 1 + first.calls())
  critic_loss = critic_loss_of(make, logits, field, r1, matching)
  return play(model, tx, critic_loss, gen_loss, ema=ema)


def check_twice(s, x):
  """Raises UserError unless images x are twice as high and wide as those of the first stage."""
  twice = (2 * s.shape[1], 2 * s.shape[2], s.shape[3])
  if x.shape[1:] != twice:
    raise UserError(
      f"stages.first makes images {list(s.shape[1:])}, which stackgan enlarges to {list(twice)}, "
      f"and the data's are {list(x.shape[1:])}: change data.size"
    )
