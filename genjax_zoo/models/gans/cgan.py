"""Conditional GAN (Mirza & Osindero 2014, arXiv:1411.1784), by concatenation or by projection
(Miyato & Koyama 2018, arXiv:1802.05637).

Generator and critic are conditioned on the class y of the example, and samples G(z, y) are compared
with data of class y. The game is that of gan.py,

  critic_loss = critic(l(x, y), l(G(z, y), y))  (+ r1 / 2 |grad_x l(x, y)|²)
  gen_loss    = gen(l(G(z, y), y))

with the labels y of the batch in both. G takes z beside a learned vector e(y); the critic's logit
is one of

  "concatenation"  l(x, y) = net(x, one-hot y), the one-hot vector as constant channels of an image
  "projection"     l(x, y) = w . phi(x) + b + v(y) . phi(x)

The optimal critic is log p(x, y) / q(x, y). It has the form of the projection if log p(y | x) and
log q(y | x) are both softmaxes linear in phi(x): the class enters by an inner product.

Departures: the non-saturating loss, R1 and an average of the generator's weights, as in gan.py, in
both variants.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import generator_model, noise, play
from genjax_zoo.models._networks import encoder_decoder
from genjax_zoo.models.gans.gan import check_options, leaky_relu
from genjax_zoo.nn import diffaugment
from genjax_zoo.prob.adversarial import GAMES, squared_slope


class Generator(nn.Module):
  """z [B, D], y [B] -> [B, ...]: `body` of z beside the embedding e(y)."""

  body: nn.Module
  classes: int
  features: int

  @nn.compact
  def __call__(self, z, y):
    e = nn.Embed(self.classes, self.features)(y)
    return self.body(jnp.concatenate([z, e], -1))


class Concatenation(nn.Module):
  """x [B, ...], y [B] -> logits [B]: `body` of x with the one-hot y as more channels."""

  body: nn.Module
  classes: int

  @nn.compact
  def __call__(self, x, y):
    y = jax.nn.one_hot(y, self.classes).reshape(len(x), *[1] * (x.ndim - 2), self.classes)
    channels = jnp.broadcast_to(y, (*x.shape[:-1], self.classes))
    h = self.body(jnp.concatenate([x, channels], -1))
    return nn.Dense(1)(nn.leaky_relu(h, 0.2))[..., 0]


class Projection(nn.Module):
  """x [B, ...], y [B] -> logits [B]: (w + v(y)) . phi(x) + b, with phi = `body`."""

  body: nn.Module
  classes: int

  @nn.compact
  def __call__(self, x, y):
    phi = nn.leaky_relu(self.body(x), 0.2)
    unconditional = nn.Dense(1)(phi)[..., 0]
    v = nn.Embed(self.classes, phi.shape[-1])(y)
    return unconditional + (v * phi).sum(-1)


CRITICS = {"concatenation": Concatenation, "projection": Projection}


def learner(
  data,
  tx,
  *,
  condition: tuple[str, ...] = ("label",),
  critic: str = "projection",
  latent: int = 64,
  features: int = 128,
  hidden: tuple[int, ...] = (256, 256),
  network: str = "mlp",
  loss: str = "non_saturating",
  r1: float = 0.0,
  augment: tuple[str, ...] = (),
  n_critic: int = 1,
  ema: float = 0.0,
  dtype: str = "float32",
) -> Learner:
  """A GAN of "image" or "x" given the label `condition`; `tx = {"gen": ..., "critic": ...}`.

  `critic` is how the critic is conditioned, `features` the length of phi(x) and e(y); the other
  arguments are those of gan.py. Raises UserError for data without classes.
  """
  if critic not in CRITICS:
    raise UserError(f"unknown model.critic={critic!r}; there are {', '.join(CRITICS)}")
  given = condition_fields(data, condition)
  classes = label_classes(given)
  if not classes:
    raise UserError('model.condition=(): a conditional GAN needs a condition, such as ("label",)')
  (label,) = condition
  name, field = entry(data)
  check_options(loss, augment, field)
  game = GAMES[loss]
  critic_body, gen_body = encoder_decoder(network, hidden, features, field.shape, leaky_relu, dtype)
  critic_net = CRITICS[critic](critic_body, classes)
  gen_net = Generator(gen_body, classes, features)

  def generate(gen, z, y):
    x = gen_net.apply({"params": gen}, z, y)
    return jnp.tanh(x) if field.num_values else x

  def logits(critic, x, y):
    return critic_net.apply({"params": critic}, x, y)

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x, y = to_floats(batch[name], field), batch[label]
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)), y[:1])["params"]
    return {"gen": gen, "critic": critic_net.init(k_critic, x, y)["params"]}, {}

  def fakes(gen, y, key):
    """A generated example of each class of y, augmented."""
    k_z, k_augment = jax.random.split(key)
    x = generate(gen, noise(k_z, len(y), latent), y)
    return diffaugment.augment(x, k_augment, augment)

  def critic_loss(critic, gen, state, batch, key):
    k_fake, k_real = jax.random.split(key)
    x = diffaugment.augment(to_floats(batch[name], field), k_real, augment)
    y = batch[label]
    real = logits(critic, x, y)
    fake = logits(critic, fakes(gen, y, k_fake), y)
    value = game.critic(real, fake)
    if r1:
      value += r1 / 2 * squared_slope(lambda x: logits(critic, x, y), x)
    return value, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    y = batch[label]
    fake = logits(critic, fakes(gen, y, key), y)
    return game.gen(fake), ({}, {})

  model = generator_model(
    data,
    latent,
    init,
    generate=lambda params, state, z: generate(params["gen"], z["z"], z[label]),
    critic=lambda params, state, x, given: logits(params["critic"], x, given[label]),
    given=given,
  )
  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
