"""Spectrally normalised GAN (Miyato 2018, arXiv:1802.05957) with residual networks and the hinge.

Every kernel W of the critic is divided by its largest singular value, found by one step of power
iteration an update (nn/spectral.py), so that each layer, and up to its constant the whole critic,
is 1-Lipschitz, at no cost in gradients:

  critic_loss = relu(1 - f(x)) + relu(1 + f(G(z)))
  gen_loss    = -f(G(z)),       f = net with W / sigma(W) for every W

The best f is sign(p - q), where the critic's loss is 2 - 2 TV(p, q). `state["u"]` carries the
vectors of the power iteration; the critic's updates move them, the generator's and evaluation do
not.

Departures: an average of the generator's weights samples; the generator has no batch normalisation
but scales each pixel's features to unit mean square (Karras 2018, arXiv:1710.10196), so that a
sample does not depend on its batch; widths fit small images. Images are scaled to [-1, 1].
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import generator_model, play
from genjax_zoo.models.gans.gan import check
from genjax_zoo.nn.augment import augment as augmented
from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.spectral import directions, normalised
from genjax_zoo.prob.adversarial import GAMES


def pixel_norm(x):
  """Features [..., C] over their root mean square."""
  return x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-8)


def halved(x):
  """Images at half their size, rounded up: means of 2 x 2 pixels."""
  return nn.avg_pool(x, (2, 2), (2, 2), "SAME", count_include_pad=False)


def doubled(x):
  """Images at twice their size: every pixel four times."""
  return x.repeat(2, 1).repeat(2, 2)


class Generator(nn.Module):
  """z [B, D] -> images [B, *shape]: residual blocks, one of `widths` each, that double the image."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, z):
    *size, channels = self.shape
    start = [-(-s // 2 ** len(self.widths)) for s in size]
    x = nn.Dense(math.prod(start) * self.widths[0], dtype=self.dtype)(z).reshape(
      len(z), *start, self.widths[0]
    )
    for width in self.widths:
      h = Conv(width, (3, 3), dtype=self.dtype)(doubled(nn.relu(pixel_norm(x))))
      h = Conv(width, (3, 3), dtype=self.dtype)(nn.relu(pixel_norm(h)))
      x = h + doubled(Conv(width, (1, 1), dtype=self.dtype)(x))
    x = Conv(channels, (3, 3), dtype=jnp.float32)(nn.relu(pixel_norm(x)))
    return x[:, : size[0], : size[1]]


class Critic(nn.Module):
  """Images [B, H, W, C] -> [B]: residual blocks, one of `widths` each, that halve the image; a sum
  over its pixels.
  """

  widths: tuple[int, ...]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for i, width in enumerate(self.widths):
      h = Conv(width, (3, 3), dtype=self.dtype)(nn.relu(x) if i else x)
      h = halved(Conv(width, (3, 3), dtype=self.dtype)(nn.relu(h)))
      x = h + Conv(width, (1, 1), dtype=self.dtype)(halved(x))
    return nn.Dense(1, dtype=jnp.float32)(nn.relu(x).sum((1, 2)))[..., 0]


def learner(
  data,
  tx,
  *,
  latent: int = 128,
  widths: tuple[int, ...] = (128, 128, 128),
  loss: str = "hinge",
  augment: tuple[str, ...] = (),
  n_critic: int = 5,
  ema: float = 0.0,
  dtype: str = "float32",
) -> Learner:
  """An SNGAN of "image"; `tx = {"gen": ..., "critic": ...}`.

  `widths` are those of the critic's blocks, the generator's in reverse; each halves or doubles the
  image. Raises UserError for data without images.
  """
  name, field = entry(data)
  if len(field.shape) != 3:
    raise UserError(
      f"sngan has convolutions, for images [H, W, C]; {name!r} has the shape {list(field.shape)}"
    )
  check(loss, augment, field)
  game = GAMES[loss]
  gen_net, critic_net = Generator(widths[::-1], field.shape, dtype), Critic(widths, dtype)

  def generate(params, state, latents):
    return jnp.tanh(gen_net.apply({"params": params["gen"]}, latents["z"]))

  def critic(params, state, x, given={}):
    weights, _ = normalised(params["critic"], state["u"], iterations=0)
    return critic_net.apply({"params": weights}, x)

  def init(key, batch):
    k_gen, k_critic, k_u = jax.random.split(key, 3)
    critic = critic_net.init(k_critic, to_floats(batch[name], field))["params"]
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)))["params"]
    return {"gen": gen, "critic": critic}, {"u": directions(k_u, critic)}

  model = generator_model(data, latent, init, generate, critic)

  def fakes(gen, n, key):
    k_z, k_augment = jax.random.split(key)
    return augmented(generate({"gen": gen}, {}, model.parts["prior"](k_z, n)), k_augment, augment)

  def critic_loss(critic_params, gen, state, batch, key):
    k_fake, k_real = jax.random.split(key)
    weights, u = normalised(critic_params, state["u"])
    f = lambda x: critic_net.apply({"params": weights}, x)
    real = f(augmented(to_floats(batch[name], field), k_real, augment))
    fake = f(fakes(gen, len(real), k_fake))
    return game.critic(real, fake), ({"u": u}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic_params, state, batch, key):
    return game.gen(critic({"critic": critic_params}, state, fakes(gen, len(batch[name]), key))), (
      {},
      {},
    )

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
