"""Wasserstein GAN (Arjovsky 2017, arXiv:1701.07875) with gradient penalty (Gulrajani 2017,
arXiv:1704.00028).

The Wasserstein distance of two distributions is the least cost of moving one to the other. By
duality it is W1(p, q) = max E_x f(x) - E_z f(G(z)) over critics f with Lipschitz constant 1, and it
has a useful gradient in G even where p and q do not overlap:

  critic_loss = f(G(z)) - f(x) + penalty (|grad f(x')| - 1)²,  x' = t x + (1 - t) G(z), t ~ U[0, 1]
  gen_loss    = -f(G(z))

The critic has no sigmoid. It is kept 1-Lipschitz by the two-sided `penalty` at points x' between
real and generated examples. With `clip` > 0, as in the first paper, each weight is clipped to
[-clip, clip] after each update instead, and `penalty` is 0: f is then K-Lipschitz for some K, and
the metric "distance" estimates K W1. With the penalty it estimates W1, once the critic has
converged.

Departures: samples come from an average of the generator's weights; no batch normalisation, which
would couple the examples whose gradients are penalised; images are scaled to [-1, 1], the range of
tanh.

Errata of the slides: docs/errata.md#wgan
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import mirrored, noise, play
from genjax_zoo.prob.adversarial import GAMES, gradient_penalty


def learner(
  data,
  tx,
  *,
  latent: int = 64,
  hidden: tuple[int, ...] = (256, 256),
  network: str = "mlp",
  penalty: float = 10.0,
  clip: float = 0.0,
  n_critic: int = 5,
  ema: float = 0.0,
  dtype: str = "float32",
) -> Learner:
  """A WGAN of "image" or "x"; `tx = {"gen": ..., "critic": ...}`.

  `hidden` are the widths of the critic's layers ("mlp") or convolutions ("conv"), in reverse of the
  generator's. Metrics: both losses and the "distance" f(x) - f(G(z)). Raises UserError for no
  constraint on the critic, and for both.
  """
  if penalty <= 0 and clip <= 0:
    raise UserError(
      "a Wasserstein critic needs a constraint: set model.penalty (10), or model.clip (0.01)"
    )
  if penalty > 0 and clip > 0:
    raise UserError(
      f"a Wasserstein critic has one constraint, and here are model.penalty={penalty} and "
      f"model.clip={clip}: set one of them to 0"
    )
  name, field = entry(data)
  game = GAMES["wasserstein"]
  model, generate, f = mirrored(data, latent, hidden, network, jax.nn.relu, dtype)

  def clipped(critic):
    return jax.tree.map(lambda w: jnp.clip(w, -clip, clip), critic) if clip else critic

  def fakes(gen, n, key):
    return generate(gen, noise(key, n, latent))

  def critic_loss(critic, gen, state, batch, key):
    k_fake, k_t = jax.random.split(key)
    x = to_floats(batch[name], field)
    x_fake = fakes(gen, len(x), k_fake)
    real = f(critic, x)
    fake = f(critic, x_fake)
    value = game.critic(real, fake)
    if penalty:
      value += penalty * gradient_penalty(lambda x: f(critic, x), x, x_fake, k_t)
    return value, ({}, {"distance": real - fake})

  def gen_loss(gen, critic, state, batch, key):
    fake = f(critic, fakes(gen, len(batch[name]), key))
    return game.gen(fake), ({}, {})

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema, constrain=clipped)
