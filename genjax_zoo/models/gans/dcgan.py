"""Deep convolutional GAN (Radford 2015, arXiv:1511.06434), with batch normalisation.

The objective is the non-saturating one of gan.py, at logits l:

  critic_loss = softplus(-l(x)) + softplus(l(G(z))),   gen_loss = softplus(-l(G(z)))

The networks are the paper's: strided convolutions in place of pooling; batch normalisation in both,
except in the generator's last and the critic's first layer; ReLU and tanh in the generator, leaky
ReLU in the critic. In training real and generated examples are normalised in separate batches.
Sampling uses running averages of the generator's statistics, in `state`, so that a sample does not
depend on the others of its batch.

Conditioned on a class y, the generator takes z beside a learned vector e(y), and the critic's logit
is (w + v(y)) . phi(x) + b, with phi(x) its last features: the projection of cgan.py.

Departures: Gaussian z; LeCun's initialisation, not N(0, 0.02²); a linear layer gives the logit;
samples may come from an average of the generator's weights; few images may be augmented
differentiably (nn/diffaugment.py).
"""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import generator_model, noise, play
from genjax_zoo.models.gans.gan import check_options, leaky_relu
from genjax_zoo.nn import diffaugment
from genjax_zoo.nn.conv import Conv, ConvTranspose
from genjax_zoo.prob.adversarial import GAMES

BatchNorm = functools.partial(nn.BatchNorm, momentum=0.9)


class Generator(nn.Module):
  """z [B, D], classes y [B] or None -> images [B, *shape] in [-1, 1]; each width doubles them."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  classes: int = 0

  @nn.compact
  def __call__(self, z, y, train):
    if self.classes:
      z = jnp.concatenate([z, nn.Embed(self.classes, z.shape[-1])(y)], -1)
    height, width, channels = self.shape
    depth = len(self.widths)
    # From the first image to the last; odd sizes are rounded up, and what is too much cut off.
    sizes = [(-(-height // 2**i), -(-width // 2**i)) for i in range(depth, -1, -1)]
    first = (*sizes[0], self.widths[0])
    x = nn.Dense(math.prod(first))(z).reshape(len(z), *first)
    for features, (h, w) in zip((*self.widths[1:], channels), sizes[1:]):
      x = nn.relu(BatchNorm(not train)(x))
      x = ConvTranspose(features, (4, 4), (2, 2))(x)[:, :h, :w]
    return jnp.tanh(x)


class Critic(nn.Module):
  """Images [B, H, W, C], classes y [B] or None -> logits [B]; each of `widths` halves the image."""

  widths: tuple[int, ...]
  classes: int = 0

  @nn.compact
  def __call__(self, x, y, train):
    for i, width in enumerate(self.widths):
      x = Conv(width, (4, 4), (2, 2))(x)
      x = leaky_relu(BatchNorm(not train)(x) if i else x)
    phi = x.reshape(len(x), -1)
    logits = nn.Dense(1)(phi)[..., 0]
    if self.classes:
      logits += (nn.Embed(self.classes, phi.shape[-1])(y) * phi).sum(-1)
    return logits


def by_running_averages(net, params, stats, x, y):
  """The output of `net`, normalised by its running averages `stats`."""
  return net.apply({"params": params, "batch_stats": stats}, x, y, train=False)


def by_batch(net, params, stats, x, y):
  """(the output of `net`, normalised by this batch's statistics; the updated running averages)."""
  variables = {"params": params, "batch_stats": stats}
  out, changed = net.apply(variables, x, y, train=True, mutable=["batch_stats"])
  # A critic of one convolution has no batch normalisation, and so no statistics.
  return out, changed.get("batch_stats", stats)


def learner(
  data,
  tx,
  *,
  condition: tuple[str, ...] | None = (),
  latent: int = 100,
  widths: tuple[int, ...] = (64, 128),
  loss: str = "non_saturating",
  augment: tuple[str, ...] = (),
  n_critic: int = 1,
  ema: float = 0.0,
) -> Learner:
  """A DCGAN of "image", given the label `condition`; `tx = {"gen": ..., "critic": ...}`.

  `condition` None is the label where the data have classes. `widths` are those of the critic's
  convolutions, in reverse of the generator's. Raises UserError for data without images.
  """
  name, field = entry(data)
  if len(field.shape) != 3:
    raise UserError(
      f"dcgan has convolutions, for images [H, W, C]; {name!r} has the shape {list(field.shape)}"
    )
  check_options(loss, augment, field)
  given = condition_fields(data, condition)
  label = next(iter(given), None)
  classes = label_classes(given)
  game = GAMES[loss]
  gen_net = Generator(widths[::-1], field.shape, classes)
  critic_net = Critic(widths, classes)

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x = to_floats(batch[name], field)
    y = batch.get(label)
    gen = gen_net.init(k_gen, jnp.zeros((len(x), latent)), y, train=False)
    critic = critic_net.init(k_critic, x, y, train=False)
    params = {"gen": gen["params"], "critic": critic["params"]}
    state = {"gen": gen.get("batch_stats", {}), "critic": critic.get("batch_stats", {})}
    return params, state

  def generate(params, state, latents):
    z, y = latents["z"], latents.get(label)
    return by_running_averages(gen_net, params["gen"], state["gen"], z, y)

  def logits(params, state, x, given):
    return by_running_averages(critic_net, params["critic"], state["critic"], x, given.get(label))

  def changed(x, key):
    """Images [B, H, W, C], real or generated, augmented."""
    return diffaugment.augment(x, jax.random.fold_in(key, 1), augment)

  def fakes(gen, state, batch, key):
    """(a generated example of the class of each of a batch, the running averages of G)."""
    z = noise(key, len(batch[name]), latent)
    x, stats = by_batch(gen_net, gen, state["gen"], z, batch.get(label))
    return changed(x, key), stats

  def critic_loss(critic, gen, state, batch, key):
    y = batch.get(label)
    x = changed(to_floats(batch[name], field), jax.random.fold_in(key, 2))
    x_fake, _ = fakes(gen, state, batch, key)
    real, stats = by_batch(critic_net, critic, state["critic"], x, y)
    fake, stats = by_batch(critic_net, critic, stats, x_fake, y)
    metrics = {"real_logit": real, "fake_logit": fake}
    return game.critic(real, fake), ({"critic": stats}, metrics)

  def gen_loss(gen, critic, state, batch, key):
    x_fake, stats = fakes(gen, state, batch, key)
    fake, _ = by_batch(critic_net, critic, state["critic"], x_fake, batch.get(label))
    return game.gen(fake), ({"gen": stats}, {})

  model = generator_model(data, latent, init, generate, logits, given)
  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
