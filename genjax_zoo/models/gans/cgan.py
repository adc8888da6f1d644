"""Conditional GAN (Mirza & Osindero 2014, arXiv:1411.1784), by concatenation or by projection
(arXiv:1802.05637).

Generator and critic are told the class y of the example: G(z, y) against data of class y. The game
is that of gan.py,

  critic_loss = critic(l(x, y), l(G(z, y), y))  (+ r1 / 2 |grad_x l(x, y)|²),   gen_loss = gen(l(G(z, y), y))

with the labels of the batch for both. G gets z beside a learned vector e(y). The critic's logit is
one of

  "concatenation"  l(x, y) = net(x beside y): a one-hot vector, or as many constant channels of an image
  "projection"     l(x, y) = w . phi(x) + b + v(y) . phi(x)

Projection (Miyato & Koyama 2018) is what the best critic log p(x, y) / q(x, y) looks like if log
p(y | x) and log q(y | x) are both softmaxes linear in phi(x): the class enters as an inner product,
and not as an input to be found.

Departures: the non-saturating loss, R1 and an average of the generator's weights, as in gan.py, in
both variants.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import generator_model, play
from genjax_zoo.models._networks import encoder_decoder
from genjax_zoo.models.gans.gan import check, leaky_relu
from genjax_zoo.nn.augment import augment as augmented
from genjax_zoo.prob.adversarial import GAMES, squared_slope


class Generator(nn.Module):
  """z [B, D], y [B] -> [B, ...], of `body` applied to z beside e(y)."""

  body: nn.Module
  classes: int
  features: int

  @nn.compact
  def __call__(self, z, y):
    return self.body(jnp.concatenate([z, nn.Embed(self.classes, self.features)(y)], -1))


class Concatenation(nn.Module):
  """x [B, ...], y [B] -> logits [B]: `body` of x with the one-hot y beside it as more channels."""

  body: nn.Module
  classes: int

  @nn.compact
  def __call__(self, x, y):
    y = jax.nn.one_hot(y, self.classes).reshape(len(x), *[1] * (x.ndim - 2), self.classes)
    x = jnp.concatenate([x, jnp.broadcast_to(y, (*x.shape[:-1], self.classes))], -1)
    return nn.Dense(1)(nn.leaky_relu(self.body(x), 0.2))[..., 0]


class Projection(nn.Module):
  """x [B, ...], y [B] -> logits [B]: (w + v(y)) . phi(x) + b, phi = `body`."""

  body: nn.Module
  classes: int

  @nn.compact
  def __call__(self, x, y):
    phi = nn.leaky_relu(self.body(x), 0.2)
    return nn.Dense(1)(phi)[..., 0] + (nn.Embed(self.classes, phi.shape[-1])(y) * phi).sum(-1)


CRITICS = {"concatenation": Concatenation, "projection": Projection}


def learner(
  data,
  tx,
  *,
  condition: str = "projection",
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
  """A GAN of "image" or "x" given "label"; `tx = {"gen": ..., "critic": ...}`.

  `condition` is how the critic sees the label, `features` the length of phi(x) and e(y); the other
  arguments are those of gan.py. Raises UserError for data without classes.
  """
  if condition not in CRITICS:
    raise UserError(f"unknown model.condition={condition!r}; there are {', '.join(CRITICS)}")
  if "label" not in data or not data["label"].num_values:
    raise UserError(f"a conditional GAN needs data with a 'label'; these have {', '.join(data)}")
  name, field = entry(data)
  check(loss, augment, field)
  game, classes = GAMES[loss], data["label"].num_values
  critic_body, gen_body = encoder_decoder(network, hidden, features, field.shape, leaky_relu, dtype)
  gen_net, critic_net = (
    Generator(gen_body, classes, features),
    CRITICS[condition](critic_body, classes),
  )

  def generate(params, state, latents):
    x = gen_net.apply({"params": params["gen"]}, latents["z"], latents["label"])
    return jnp.tanh(x) if field.num_values else x

  def critic(params, state, x, given):
    return critic_net.apply({"params": params["critic"]}, x, given["label"])

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x, y = to_floats(batch[name], field), batch["label"]
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)), y[:1])["params"]
    return {"gen": gen, "critic": critic_net.init(k_critic, x, y)["params"]}, {}

  model = generator_model(data, latent, init, generate, critic, given=("label",))

  def fake_logits(gen, critic_params, batch, key):
    k_z, k_augment = jax.random.split(key)
    latents = model.parts["prior"](k_z, len(batch["label"])) | {"label": batch["label"]}
    x = augmented(generate({"gen": gen}, {}, latents), k_augment, augment)
    return critic({"critic": critic_params}, {}, x, batch)

  def critic_loss(critic_params, gen, state, batch, key):
    k_fake, k_real = jax.random.split(key)
    x = augmented(to_floats(batch[name], field), k_real, augment)
    logits = lambda x: critic({"critic": critic_params}, {}, x, batch)
    real, fake = logits(x), fake_logits(gen, critic_params, batch, k_fake)
    penalty = r1 / 2 * squared_slope(logits, x) if r1 else 0.0
    return game.critic(real, fake) + penalty, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic_params, state, batch, key):
    return game.gen(fake_logits(gen, critic_params, batch, key)), ({}, {})

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
