"""Generative adversarial network (Goodfellow 2014, arXiv:1406.2661).

A generator G turns noise z ~ N(0, I) into samples; a critic, whose logit is l, tells them from the data.
With D = sigmoid(l), they play min_G max_D V,  V = E_x log D(x) + E_z log(1 - D(G(z))):

  critic_loss = softplus(-l(x)) + softplus(l(G(z)))  (+ r1 / 2 |grad_x l(x)|²)  = -V
  gen_loss    = -softplus(l(G(z)))      "minimax": log(1 - D), whose slope vanishes where the critic is sure
              =  softplus(-l(G(z)))     "non_saturating": -log D, the same fixed point and slope enough

For fixed densities p of data and q of G(z) the best critic is l = log p / q, where V = 2 JSD(p, q)
- log 4. Two other games differ in the two losses alone: "least_squares" (LSGAN) and "hinge", see
prob/adversarial.py.

Departures: Gaussian z; Adam; the zero-to_floats penalty R1 on real data (Mescheder 2018,
arXiv:1801.04406, equation 9), off by default, makes the game converge locally and keeps all modes
in experience; sampling uses an average of the generator's weights. Images are scaled to [-1, 1],
the range of tanh.

The deck (C, line 313) writes "min_G max_D = E ...", without V, and (C, line 420) offers the
non-saturating loss, as "gradient ascent on the generator", as the cure of a critic that is too
good. It cures the vanishing slope; the game may still circle or lose modes, which the configs
gan_8gaussians_plain and gan_8gaussians show.
"""

import functools

import jax

from genjax_zoo.core import Learner, UserError, nearest
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import mirrored, play
from genjax_zoo.nn.augment import AUGMENTATIONS, augment as augmented
from genjax_zoo.prob.adversarial import GAMES, squared_slope

leaky_relu = functools.partial(jax.nn.leaky_relu, negative_slope=0.2)


def check(loss, augment, field):
  """Raises UserError for a loss or an augmentation that is unknown or not for these data."""
  if loss not in GAMES or loss == "wasserstein":
    raise UserError(
      f"unknown model.loss={loss!r}; there are {', '.join(GAMES.keys() - {'wasserstein'})}"
    )
  for name in augment:
    if name not in AUGMENTATIONS:
      raise UserError(
        f"unknown model.augment {name!r}{nearest(name, AUGMENTATIONS)}; take {', '.join(AUGMENTATIONS)}"
      )
  if augment and not field.num_values:
    raise UserError("model.augment is of images with gray levels: leave it out")


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

  `hidden` are the widths of the critic, the generator's in reverse: of its layers ("mlp"), or of
  its convolutions ("conv"). `n_critic` updates of the critic, each on its part of the batch, go
  before one of the generator. Both see images after the differentiable changes `augment`, of
  "colour", "translation" and "cutout". Metrics: the two losses, and the mean logits of real and of
  generated examples.
  """
  name, field = entry(data)
  check(loss, augment, field)
  game = GAMES[loss]
  model, generate, critic = mirrored(data, latent, hidden, network, leaky_relu, dtype)

  def fake_logits(gen, critic_params, n, key):
    k_z, k_augment = jax.random.split(key)
    x = generate({"gen": gen}, {}, model.parts["prior"](k_z, n))
    return critic({"critic": critic_params}, {}, augmented(x, k_augment, augment))

  def critic_loss(critic_params, gen, state, batch, key):
    k_fake, k_real = jax.random.split(key)
    x = augmented(to_floats(batch[name], field), k_real, augment)
    logits = lambda x: critic({"critic": critic_params}, {}, x)
    real, fake = logits(x), fake_logits(gen, critic_params, len(x), k_fake)
    penalty = r1 / 2 * squared_slope(logits, x) if r1 else 0.0
    return game.critic(real, fake) + penalty, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic_params, state, batch, key):
    return game.gen(fake_logits(gen, critic_params, len(batch[name]), key)), ({}, {})

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
