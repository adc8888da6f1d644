"""Generative adversarial network (Goodfellow 2014, arXiv:1406.2661).

A generator G maps noise z ~ N(0, I) to samples; a critic with logits l(x) is trained to tell them
from data. With D = sigmoid(l), the two play min_G max_D V,

  V = E_x log D(x) + E_z log(1 - D(G(z)))

One step of Algorithm 1 (`_game.play`), with the two losses of this file:

  for each of n_critic parts x of the batch:       k steps, in the paper
    z ~ N(0, I)
    update the critic by the gradient of critic_loss = softplus(-l(x)) + softplus(l(G(z))) = -V
  z ~ N(0, I)
  update the generator by the gradient of
    gen_loss = -softplus(l(G(z)))    "minimax": log(1 - D), whose gradient vanishes as D(G(z)) -> 0
             =  softplus(-l(G(z)))   "non_saturating": -log D, with the same fixed point

For a fixed generator with density q and data of density p the optimal critic is l = log p / q,
where V = 2 JSD(p, q) - log 4. "least_squares" (LSGAN) and "hinge" differ in the two losses alone,
see prob/adversarial.py.

Departures: Gaussian z; Adam; samples come from an average of the generator's weights; images are
scaled to [-1, 1], the range of tanh. The zero-centred gradient penalty R1 on real data, r1 / 2
|grad_x l(x)|² (Mescheder 2018, arXiv:1801.04406, equation 9), makes the game converge locally, and
in our runs keeps all modes; it is off by default.

Errata of the slides: docs/errata.md#gan
"""

import functools

import jax

from genjax_zoo.core import Field, Learner, UserError, nearest
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import mirrored, noise, play
from genjax_zoo.nn import diffaugment
from genjax_zoo.prob.adversarial import GAMES, squared_slope

leaky_relu = functools.partial(jax.nn.leaky_relu, negative_slope=0.2)


def learner(
  data,
  tx,
  *,
  latent: int = 64,
  hidden: tuple[int, ...] = (256, 256),
  network: str = "mlp",
  loss: str = "non_saturating",
  r1: float = 0.0,
  augment: tuple[str, ...] = (),
  n_critic: int = 1,
  ema: float = 0.0,
  dtype: str = "float32",
) -> Learner:
  """A GAN of "image" or "x"; `tx = {"gen": ..., "critic": ...}`.

  `hidden` are the widths of the critic's layers ("mlp") or convolutions ("conv"), in reverse of the
  generator's. A step makes `n_critic` updates of the critic, each on its part of the batch, and one
  of the generator. The critic gets all images after the differentiable augmentations `augment`:
  "colour", "translation", "cutout". Metrics: both losses and the mean logits of real and of
  generated examples. Raises UserError for an unknown loss, network or augmentation.
  """
  name, field = entry(data)
  check_options(loss, augment, field)
  game = GAMES[loss]
  model, generate, logits = mirrored(data, latent, hidden, network, leaky_relu, dtype)

  def fakes(gen, n, key):
    """n generated examples, augmented."""
    k_z, k_augment = jax.random.split(key)
    return diffaugment.augment(generate(gen, noise(k_z, n, latent)), k_augment, augment)

  def critic_loss(critic, gen, state, batch, key):
    k_fake, k_real = jax.random.split(key)
    x = diffaugment.augment(to_floats(batch[name], field), k_real, augment)
    real = logits(critic, x)
    fake = logits(critic, fakes(gen, len(x), k_fake))
    value = game.critic(real, fake)
    if r1:
      value += r1 / 2 * squared_slope(lambda x: logits(critic, x), x)
    return value, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    fake = logits(critic, fakes(gen, len(batch[name]), key))
    return game.gen(fake), ({}, {})

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)


def check_options(loss: str, augment: tuple[str, ...], field: Field):
  """Raises UserError for a loss or an augmentation that is unknown or not for these data."""
  # The loss of WGAN needs a Lipschitz critic: it has its own file.
  losses = [name for name in GAMES if name != "wasserstein"]
  if loss not in losses:
    raise UserError(f"unknown model.loss={loss!r}; there are {', '.join(losses)}")
  known = diffaugment.AUGMENTATIONS
  for name in augment:
    if name not in known:
      raise UserError(
        f"unknown model.augment {name!r}{nearest(name, known)}; there are {', '.join(known)}"
      )
  if augment and not (len(field.shape) == 3 and field.num_values):
    raise UserError("model.augment changes images [H, W, C] with gray levels: these data have none")
