"""Wasserstein GAN (Arjovsky 2017, arXiv:1701.07875) with gradient penalty (Gulrajani 2017,
arXiv:1704.00028).

The distance of two laws is what it costs to carry one to the other. By duality it is what the best
critic f of slope at most 1 tells them apart by, W1(p, q) = max_f E_x f(x) - E_z f(G(z)), and has a
slope in G where p and q do not overlap:

  critic_loss = f(G(z)) - f(x) + penalty * (|grad f(x')| - 1)²,   x' = t x + (1 - t) G(z),  t ~ U[0, 1]
  gen_loss    = -f(G(z))

The critic has no sigmoid. The slope is held by the two-sided `penalty` at points x' between pairs,
or, with `clip` > 0, as in the first paper, by clipping every weight to [-clip, clip] after each
update: then f is K-Lipschitz for some K and the metric "distance" is K times W1. With the penalty
it estimates W1 once the critic has converged.

Departures: an average of the generator's weights samples; no batch normalisation, which couples the
examples whose slopes the penalty holds. Images are scaled to [-1, 1], the range of tanh.

The deck (C, line 455) introduces WGAN as another loss, without its constraint: an unconstrained
critic makes f(x) - f(G(z)) as large as it likes, and there is no distance.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._form import entry, to_floats
from genjax_zoo.models._game import mirrored, play
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

  `hidden` are the widths of the critic, the generator's in reverse: of its layers ("mlp"), or of
  its convolutions ("conv"). Metrics: the two losses and the "distance" f(x) - f(G(z)). Raises
  UserError without a constraint.
  """
  if penalty <= 0 and clip <= 0:
    raise UserError(
      "a Wasserstein critic needs a constraint: set model.penalty (10), or model.clip (0.01)"
    )
  name, field = entry(data)
  game = GAMES["wasserstein"]
  model, generate, critic = mirrored(data, latent, hidden, network, jax.nn.relu, dtype)

  def clipped(critic):
    return jax.tree.map(lambda w: jnp.clip(w, -clip, clip), critic) if clip else critic

  def critic_loss(critic_params, gen, state, batch, key):
    k_z, k_t = jax.random.split(key)
    f = lambda x: critic({"critic": critic_params}, state, x)
    x = to_floats(batch[name], field)
    x_fake = generate({"gen": gen}, state, model.parts["prior"](k_z, len(x)))
    real, fake = f(x), f(x_fake)
    held = penalty * gradient_penalty(f, x, x_fake, k_t) if penalty else 0.0
    return game.critic(real, fake) + held, ({}, {"distance": real - fake})

  def gen_loss(gen, critic_params, state, batch, key):
    x_fake = generate({"gen": gen}, state, model.parts["prior"](key, len(batch[name])))
    return game.gen(critic({"critic": critic_params}, state, x_fake)), ({}, {})

  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema, constrain=clipped)
