"""Deep convolutional GAN (Radford 2015, arXiv:1511.06434): a GAN of convolutions with batch
normalisation.

The objective is the non-saturating one of gan.py at logits l,

  critic_loss = softplus(-l(x)) + softplus(l(G(z))),   gen_loss = softplus(-l(G(z)))

and the networks are the paper's: strided convolutions in place of pooling, batch normalisation in
both but not in the generator's last and the critic's first layer, ReLU and tanh in the generator,
leaky ReLU in the critic. In training real and generated examples are normalised apart, by their own
batch; sampling uses running averages of the generator's statistics, in `state`, so that a sample
does not depend on those drawn with it.

Departures: Gaussian z; LeCun's initialisation, not N(0, 0.02²); a linear layer gives the logit; an
average of the generator's weights may sample.
"""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import generator_model, play
from genjax_zoo.models.gans.gan import check, leaky_relu
from genjax_zoo.nn.conv import Conv, ConvTranspose
from genjax_zoo.prob.adversarial import GAMES

BatchNorm = functools.partial(nn.BatchNorm, momentum=0.9)


class Generator(nn.Module):
  """z [B, D] -> images [B, *shape] in [-1, 1]: each of `widths` doubles the image."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]

  @nn.compact
  def __call__(self, z, train):
    *size, channels = self.shape
    n = len(self.widths)
    sizes = [[-(-s // 2**i) for s in size] for i in range(n, -1, -1)]
    x = nn.Dense(math.prod(sizes[0]) * self.widths[0])(z)
    x = x.reshape(len(z), *sizes[0], self.widths[0])
    for width, (h, w) in zip((*self.widths[1:], channels), sizes[1:]):
      x = nn.relu(BatchNorm(not train)(x))
      x = ConvTranspose(width, (4, 4), (2, 2))(x)[:, :h, :w]
    return jnp.tanh(x)


class Critic(nn.Module):
  """Images [B, H, W, C] -> logits [B]: each of `widths` halves the image."""

  widths: tuple[int, ...]

  @nn.compact
  def __call__(self, x, train):
    for i, width in enumerate(self.widths):
      x = Conv(width, (4, 4), (2, 2))(x)
      x = leaky_relu(BatchNorm(not train)(x) if i else x)
    return nn.Dense(1)(x.reshape(len(x), -1))[..., 0]


def learner(
  data,
  tx,
  *,
  latent: int = 100,
  widths: tuple[int, ...] = (64, 128),
  loss: str = "non_saturating",
  n_critic: int = 1,
  ema: float = 0.0,
) -> Learner:
  """A DCGAN of "image"; `tx = {"gen": ..., "critic": ...}`.

  `widths` are those of the critic's convolutions, the generator's in reverse. Raises UserError for
  data without images.
  """
  name, field = entry(data)
  if len(field.shape) != 3:
    raise UserError(
      f"dcgan has convolutions, for images [H, W, C]; {name!r} has the shape {list(field.shape)}"
    )
  check(loss, (), field)
  game = GAMES[loss]
  nets = {"gen": Generator(widths[::-1], field.shape), "critic": Critic(widths)}

  def apply(player, params, state, x):
    """The player's output by its running averages."""
    return nets[player].apply(
      {"params": params[player], "batch_stats": state[player]}, x, train=False
    )

  def train(player, params, state, x):
    """The player's output by this batch's statistics, and the state with these in the player's
    running averages.
    """
    variables = {"params": params, "batch_stats": state[player]}
    out, changed = nets[player].apply(variables, x, train=True, mutable=["batch_stats"])
    return out, state | {player: changed.get("batch_stats", state[player])}

  def init(key, batch):
    keys, inputs = dict(zip(nets, jax.random.split(key))), {"gen": jnp.zeros((1, latent))}
    inputs["critic"] = to_floats(batch[name], field)
    made = {
      player: net.init(keys[player], inputs[player], train=False) for player, net in nets.items()
    }
    return {k: v["params"] for k, v in made.items()}, {
      k: v.get("batch_stats", {}) for k, v in made.items()
    }

  generate = lambda params, state, latents: apply("gen", params, state, latents["z"])
  critic = lambda params, state, x, given={}: apply("critic", params, state, x)
  model = generator_model(data, latent, init, generate, critic)

  def critic_loss(critic, gen, state, batch, key):
    x = to_floats(batch[name], field)
    x_fake, _ = train("gen", gen, state, model.parts["prior"](key, len(x))["z"])
    real, state = train("critic", critic, state, x)
    fake, state = train("critic", critic, state, x_fake)
    return game.critic(real, fake), (
      {"critic": state["critic"]},
      {"real_logit": real, "fake_logit": fake},
    )

  def gen_loss(gen, critic, state, batch, key):
    x_fake, state = train("gen", gen, state, model.parts["prior"](key, len(batch[name]))["z"])
    fake, _ = train("critic", critic, state, x_fake)
    return game.gen(fake), ({"gen": state["gen"]}, {})

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
