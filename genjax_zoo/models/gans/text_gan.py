"""Text to image by a GAN (GAN-INT-CLS, Reed 2016, arXiv:1605.05396).

The critic's logit l(x, t) is high where x is a real image and t its caption. It is matching-aware:
beside images that are made it gets real ones with the captions t' of others, so that it has to read
before images are any good. G is trained on captions between two as well, u = (t + t') / 2, for
which there are no images; the critic says whether what it makes fits.

  critic_loss = softplus(-l(x, t)) + (softplus(l(x, t')) + softplus(l(G(z, t), t))) / 2
                + r1 / 2 |grad_x l(x, t)|²
  gen_loss    = softplus(-l(G(z, t), t)) + between softplus(-l(G(z, u), u)) + kl KL

For fixed G, of density q, the best critic is l = log 2 p(x, t) / (p(x) p(t) + q(x | t) p(t)).

G sees of a caption c = mu(t) + sigma(t) eps alone, conditioning augmentation (StackGAN, Zhang
2017, arXiv:1612.03242), with KL = KL(N(mu, sigma²) || N(0, I)): few captions become many
conditions. The second stage of StackGAN is stackgan.py.

Departures: l(x, t) = a(x) + phi(x) . v(t), as in a projection critic (cgan.py), so that the wrong
captions of an image can be all others of the batch, at the price of one; both players learn to
read, where the paper's captions are encoded before; R1; an average of the generator's weights; no
batch normalisation, which would tell neither player what a flat background is.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Learner, UserError
from genjax_zoo.models._form import image_of, to_floats
from genjax_zoo.models._game import generator_model, noise, play
from genjax_zoo.models.gans.gan import leaky_relu
from genjax_zoo.nn.convnet import Decoder, Encoder
from genjax_zoo.nn.text_encoder import PlacedWords, word_weights
from genjax_zoo.prob.adversarial import GAMES, squared_slope
from genjax_zoo.prob.divergences import kl_standard_normal

TEXT = "tokens"


class Augmented(nn.Module):
  """Captions t [B, L, V], eps [B, features] -> (c [B, features], KL [B]): c = mu + sigma eps."""

  features: int
  hidden: int

  @nn.compact
  def __call__(self, t, eps):
    h = leaky_relu(PlacedWords(self.hidden)(t))
    mean, logvar = jnp.split(nn.Dense(2 * self.features)(h), 2, -1)
    return mean + jnp.exp(logvar / 2) * eps, kl_standard_normal(mean, logvar)


class Generator(nn.Module):
  """z [B, D], captions t [B, L, V] -> (images [B, *shape], KL [B]); eps are z's first numbers."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  features: int
  hidden: int

  @nn.compact
  def __call__(self, z, t):
    eps, rest = jnp.split(z, [self.features], -1)
    c, kl = Augmented(self.features, self.hidden)(t, eps)
    h = leaky_relu(nn.Dense(self.hidden)(jnp.concatenate([c, rest], -1)))
    return jnp.tanh(Decoder(self.widths, self.shape, leaky_relu)(h)), kl


class Critic(nn.Module):
  """Images [B, H, W, C], captions [M, L, V] -> logits [B, M] of all pairs.

  By `projection` they are a(x) + phi(x) . v(t), else those of a layer that sees phi(x) and v(t)
  side by side.
  """

  widths: tuple[int, ...]
  features: int
  projection: bool = True

  @nn.compact
  def __call__(self, x, t):
    phi = leaky_relu(Encoder(self.widths, self.features, leaky_relu)(x))
    v = PlacedWords(self.features)(t)
    if self.projection:
      return nn.Dense(1)(phi) + phi @ v.T / self.features**0.5
    of_image = nn.Dense(self.features)(phi)[:, None]
    of_caption = nn.Dense(self.features)(leaky_relu(v))[None]
    return nn.Dense(1)(leaky_relu(of_image + of_caption))[..., 0]


def mean_of_wrong(x):
  """The mean of x [B, B] over the captions of others, [B]; 0 where there are none."""
  others = 1 - jnp.eye(len(x))
  return (x * others).sum(1) / max(len(x) - 1, 1)


def matching_loss(logits, fake, matching: bool = True):
  """The critic's loss [B] of its logits of real images beside all captions [B, B] and of fakes [B].

  The own captions of the images are on the diagonal. Without `matching` it is that of a conditional
  GAN, which gets no wrong captions.
  """
  game = GAMES["non_saturating"]
  real = jnp.diagonal(logits)
  if not matching:
    return game.critic(real, fake)
  wrong = mean_of_wrong(jax.nn.softplus(logits))
  return jax.nn.softplus(-real) + (wrong + jax.nn.softplus(fake)) / 2


def caption_of(data: Mapping[str, Field], model: str) -> Field:
  """The Field of the captions. Raises UserError for data without images or captions of them."""
  field = image_of(data)
  if TEXT not in data or not data[TEXT].num_values or len(field.shape) != 3:
    raise UserError(
      f"{model} makes images [H, W, C] of captions, 'tokens', and the data have {', '.join(data)}: "
      "take coloured_shapes, or folder:PATH with captions.txt"
    )
  return data[TEXT]


def critic_loss_of(make, logits, field: Field, r1: float, matching: bool):
  """The critic's loss as `play` takes it, of make(gen, state, tokens, key) -> (images, KL).

  logits(critic, images [B, H, W, C], tokens [M, L]) -> [B, M].
  """

  def critic_loss(critic, gen, state, batch, key):
    x, tokens = to_floats(batch["image"], field), batch[TEXT]
    made, _ = make(gen, state, tokens, key)
    pairs = logits(critic, x, tokens)
    fake = jnp.diagonal(logits(critic, made, tokens))
    slope = squared_slope(lambda x: jnp.diagonal(logits(critic, x, tokens)), x)
    loss = matching_loss(pairs, fake, matching) + r1 / 2 * slope
    metrics = {"real_logit": jnp.diagonal(pairs), "wrong_logit": mean_of_wrong(pairs)}
    return loss, ({}, metrics | {"fake_logit": fake})

  return critic_loss


def learner(
  data,
  tx,
  *,
  latent: int = 16,
  features: int = 32,
  hidden: int = 256,
  widths: tuple[int, ...] = (128, 64),
  critic: tuple[int, ...] = (64, 128),
  read: int = 128,
  projection: bool = True,
  matching: bool = True,
  between: float = 1.0,
  kl: float = 0.01,
  r1: float = 0.3,
  ema: float = 0.0,
) -> Learner:
  """A GAN of "image" given its caption, "tokens".

  c has `features` numbers and z `latent` more; `hidden` and `widths` are the generator's, `critic`
  the widths of the critic, whose phi(x) and v(t) have `read` numbers and meet by `projection` or
  side by side. Raises UserError for data without captions.
  """
  words, field = caption_of(data, "text_gan"), data["image"]
  game = GAMES["non_saturating"]
  gen_net = Generator(widths, field.shape, features, hidden)
  critic_net = Critic(critic, read, projection)
  size = features + latent
  weights = lambda tokens: word_weights(tokens, words.num_values)

  def score(critic, x, t):
    """Of images and all captions t [M, L, V], [B, M]."""
    return critic_net.apply({"params": critic}, x, t)

  def logits(critic, x, tokens):
    return score(critic, x, weights(tokens))

  def generate(gen, z, t):
    return gen_net.apply({"params": gen}, z, t)

  def make(gen, state, tokens, key):
    return generate(gen, noise(key, len(tokens), size), weights(tokens))

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x, t = to_floats(batch["image"], field), weights(batch[TEXT])
    gen = gen_net.init(k_gen, jnp.zeros((len(t), size)), t)["params"]
    return {"gen": gen, "critic": critic_net.init(k_critic, x, t)["params"]}, {}

  def gen_loss(gen, critic, state, batch, key):
    k_made, k_between = jax.random.split(key)
    made, divergence = make(gen, state, batch[TEXT], k_made)
    fake = jnp.diagonal(logits(critic, made, batch[TEXT]))
    loss = game.gen(fake) + kl * divergence
    if between:
      t = weights(batch[TEXT])
      u = (t + jnp.roll(t, 1, 0)) / 2
      made, _ = generate(gen, noise(k_between, len(u), size), u)
      loss += between * game.gen(jnp.diagonal(score(critic, made, u)))
    return loss, ({}, {"kl": divergence})

  model = generator_model(
    data,
    size,
    init,
    lambda params, state, z: generate(params["gen"], z["z"], weights(z[TEXT]))[0],
    lambda params, state, x, z: jnp.diagonal(logits(params["critic"], x, z[TEXT])),
    given={TEXT: words},
  )
  critic_loss = critic_loss_of(make, logits, field, r1, matching)
  return play(model, tx, critic_loss, gen_loss, ema=ema)
