"""Spectrally normalised GAN (Miyato 2018, arXiv:1802.05957), with residual networks and the hinge.

Every kernel W of the critic is divided by its largest singular value sigma(W), estimated by one
step of power iteration an update (nn/spectral.py). That bounds the critic's Lipschitz constant,
without a penalty on gradients. W is a matrix [height width in, out], as in the paper: a dense layer
is then 1-Lipschitz, but a convolution, which sees a pixel once for each place of its kernel, may
have a norm of up to sqrt(height width):

  critic_loss = relu(1 - f(x)) + relu(1 + f(G(z)))
  gen_loss    = -f(G(z)),       f = net with W / sigma(W) for every W

The optimal f is sign(p - q), where the critic's loss is 2 - 2 TV(p, q). `state["u"]` holds the
vectors of the power iteration; only the critic's updates change them.

Departures: samples come from an average of the generator's weights; in place of batch normalisation
the generator scales each pixel's features to unit mean square (Karras 2018, arXiv:1710.10196), so
that a sample does not depend on its batch; widths fit small images. Images are scaled to [-1, 1].
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import generator_model, noise, play
from genjax_zoo.models.gans.gan import check_options
from genjax_zoo.nn import diffaugment
from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.norm import pixel_norm
from genjax_zoo.nn.resize import downsample, upsample
from genjax_zoo.nn.spectral import directions, normalised
from genjax_zoo.prob.adversarial import GAMES


class Generator(nn.Module):
  """z [B, D] -> images [B, *shape] before the tanh; residual blocks of `widths` double them."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, z):
    height, width, channels = self.shape
    factor = 2 ** len(self.widths)
    # Odd sizes are rounded up, and what is too much is cut off in the end.
    first = (-(-height // factor), -(-width // factor), self.widths[0])
    x = nn.Dense(math.prod(first), dtype=self.dtype)(z).reshape(len(z), *first)
    for features in self.widths:
      h = Conv(features, (3, 3), dtype=self.dtype)(upsample(nn.relu(pixel_norm(x))))
      h = Conv(features, (3, 3), dtype=self.dtype)(nn.relu(pixel_norm(h)))
      x = h + upsample(Conv(features, (1, 1), dtype=self.dtype)(x))
    x = Conv(channels, (3, 3), dtype=jnp.float32)(nn.relu(pixel_norm(x)))
    return x[:, :height, :width]


class Critic(nn.Module):
  """Images [B, H, W, C] -> [B]; residual blocks of `widths` halve them, then pixels are summed."""

  widths: tuple[int, ...]
  dtype: str = "float32"

  @nn.compact
  def __call__(self, x):
    for i, width in enumerate(self.widths):
      h = Conv(width, (3, 3), dtype=self.dtype)(nn.relu(x) if i else x)
      h = downsample(Conv(width, (3, 3), dtype=self.dtype)(nn.relu(h)))
      x = h + Conv(width, (1, 1), dtype=self.dtype)(downsample(x))
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

  `widths` are those of the critic's blocks, in reverse of the generator's. Raises UserError for
  data without images.
  """
  name, field = entry(data)
  if len(field.shape) != 3:
    raise UserError(
      f"sngan has convolutions, for images [H, W, C]; {name!r} has the shape {list(field.shape)}"
    )
  check_options(loss, augment, field)
  game = GAMES[loss]
  gen_net = Generator(widths[::-1], field.shape, dtype)
  critic_net = Critic(widths, dtype)

  def generate(gen, z):
    return jnp.tanh(gen_net.apply({"params": gen}, z))

  def logits(critic, u, x):
    """f(x), by the spectral norms that u gives."""
    weights, _ = normalised(critic, u, iterations=0)
    return critic_net.apply({"params": weights}, x)

  def init(key, batch):
    k_gen, k_critic, k_u = jax.random.split(key, 3)
    critic = critic_net.init(k_critic, to_floats(batch[name], field))["params"]
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)))["params"]
    return {"gen": gen, "critic": critic}, {"u": directions(k_u, critic)}

  def fakes(gen, n, key):
    """n generated examples, augmented."""
    k_z, k_augment = jax.random.split(key)
    return diffaugment.augment(generate(gen, noise(k_z, n, latent)), k_augment, augment)

  def critic_loss(critic, gen, state, batch, key):
    k_fake, k_real = jax.random.split(key)
    # One step of power iteration for both: `logits` would make none.
    weights, u = normalised(critic, state["u"])
    x = diffaugment.augment(to_floats(batch[name], field), k_real, augment)
    real = critic_net.apply({"params": weights}, x)
    fake = critic_net.apply({"params": weights}, fakes(gen, len(x), k_fake))
    return game.critic(real, fake), ({"u": u}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    fake = logits(critic, state["u"], fakes(gen, len(batch[name]), key))
    return game.gen(fake), ({}, {})

  def constrain(params, state):
    """The critic with normalised kernels, which normalising again leaves as they are."""
    weights, u = normalised(params["critic"], state["u"])
    return params | {"critic": weights}, {"u": u}

  model = generator_model(
    data,
    latent,
    init,
    generate=lambda params, state, latents: generate(params["gen"], latents["z"]),
    critic=lambda params, state, x, given: logits(params["critic"], state["u"], x),
  )
  model = model._replace(parts=model.parts | {"constrain": constrain})
  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
