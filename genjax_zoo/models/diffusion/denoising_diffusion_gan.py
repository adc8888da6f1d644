"""Denoising diffusion GAN (Xiao 2021, arXiv:2112.07804): diffusion in a few large steps, each a
conditional GAN.

A diffusion model takes hundreds of steps because it draws x_s from a Gaussian, as p(x_s | x_t)
nearly is for a small step. For a large one it has many modes. A generator with a latent z can have
them too: for s = t - 1, t = 1..T,

  p(x_s | x_t) = E_z q(x_s | x_t, x0_hat),   x0_hat = gen(x_t, t, z),   z ~ N(0, I)

and a critic, that sees x_s, x_t and t, tells it from q(x_s | x_t):

  critic_loss = softplus(-l(x_s, x_t, t)) + softplus(l(x_s', x_t, t)) + r1 / 2 |grad_{x_s} l(x_s, x_t, t)|²
  gen_loss    = softplus(-l(x_s', x_t, t))
  x_0 ~ data, x_s ~ q(x_s | x_0), x_t ~ q(x_t | x_s), x_s' ~ p(x_s | x_t)

Without z, `latent=0`, x0_hat is one point for each x_t, and modes are lost or smeared (the paper's
table 3).

Departures: one network for z and t, with no mapping network before it; the critic is such a network
too, its outputs averaged; R1 at every step. The levels are those of the VP SDE at T equal steps, as
in the paper, or any that are given: less noise at the first leaves it less to decide.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError
from genjax_zoo.models._game import play
from genjax_zoo.models.diffusion._diffusion import network as make, space
from genjax_zoo.prob import schedules
from genjax_zoo.prob.adversarial import GAMES, squared_slope
from genjax_zoo.prob.processes import diffuse, posterior, transition
from genjax_zoo.prob.samplers import walk


def reverse(x0, x, s, t, key):
  """A draw of q(x_s | x_t, x_0) at levels of numbers [] or [B]."""
  mean, var, _ = posterior(x0, x, s, t)
  return mean + jnp.sqrt(var) * jax.random.normal(key, x.shape)


def neighbours(chain, x0, key):
  """(x_s, x_t, s, t): x0 [B, ...] on its way to noise, at two levels of `chain` [T + 1] that follow
  each other.
  """
  k_t, k_s, k_step = jax.random.split(key, 3)
  t = jax.random.randint(k_t, (len(x0),), 1, len(chain.alpha))
  s, t = chain.at(t - 1), chain.at(t)
  x_s = diffuse(x0, jax.random.normal(k_s, x0.shape), s)
  return x_s, diffuse(x_s, jax.random.normal(k_step, x0.shape), transition(s, t)), s, t


def learner(
  data,
  tx,
  *,
  T: int = 4,
  noise: tuple[float, ...] = (),
  latent: int = 64,
  r1: float = 0.02,
  n_critic: int = 1,
  ema: float = 0.0,
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  octaves: tuple[int, ...] = (),
  dtype: str = "float32",
) -> Learner:
  """A denoising diffusion GAN of "image" or real "x" in T steps; `tx = {"gen": ..., "critic":
  ...}`.

  `noise` is sigma / alpha at t = 1..T, that of the VP SDE where none is given; `latent` counts the
  numbers of z, 0 for none. The networks of both players: see `_diffusion.network`.
  """
  if noise and (len(noise) != T or list(noise) != sorted(noise)):
    raise UserError(
      f"model.noise={noise}: it has one number for each of the T={T} steps, in rising order"
    )
  here, game = space(data), GAMES["non_saturating"]
  chain = schedules.vp(jnp.linspace(0.0, 1.0, T + 1))
  if noise:
    levels = schedules.log_snr_level(-2 * jnp.log(jnp.array(noise)))
    chain = schedules.ending_in_data(levels.at(slice(None, None, -1))).at(slice(None, None, -1))
  options = dict(blocks=blocks, attention=attention, patch=patch, octaves=octaves, dtype=dtype)
  gen_net = make(network, here.shape, hidden, **options)
  critic_net = make(network, (*here.shape[:-1], 2 * here.shape[-1]), hidden, **options)

  def told(level, n):
    return jnp.broadcast_to(-level.log_snr / 2, n)

  def generate(gen, x, t, z):
    """x0_hat [B, ...] of x at a level t; images in [-1, 1]."""
    x0 = gen_net.apply({"params": gen}, x, told(t, len(x)), None, z if latent else None)
    return jnp.tanh(x0) if here.num_values else x0

  def logits(critic, x_s, x_t, t):
    out = critic_net.apply({"params": critic}, jnp.concatenate([x_s, x_t], -1), told(t, len(x_t)))
    return out.reshape(len(out), -1).mean(-1)

  def draw_latents(key, n):
    return jax.random.normal(key, (n, latent))

  def imitate(gen, x_t, s, t, key):
    k_z, k_x = jax.random.split(key)
    return reverse(generate(gen, x_t, t, draw_latents(k_z, len(x_t))), x_t, s, t, k_x)

  def critic_loss(critic, gen, state, batch, key):
    k_chain, k_fake = jax.random.split(key)
    x_s, x_t, s, t = neighbours(chain, here.floats(batch), k_chain)
    real, fake = (
      logits(critic, x_s, x_t, t),
      logits(critic, imitate(gen, x_t, s, t, k_fake), x_t, t),
    )
    # Of each example alone, so that the slope at one x_s is that of its own logit.
    penalty = r1 / 2 * squared_slope(lambda x_s: logits(critic, x_s, x_t, t), x_s) if r1 else 0.0
    return game.critic(real, fake) + penalty, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    k_chain, k_fake = jax.random.split(key)
    _, x_t, s, t = neighbours(chain, here.floats(batch), k_chain)
    return game.gen(logits(critic, imitate(gen, x_t, s, t, k_fake), x_t, t)), ({}, {})

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x, noise = here.floats(batch), jnp.zeros(len(batch[here.name]))
    z = draw_latents(key, len(x)) if latent else None
    gen = gen_net.init(k_gen, x, noise, None, z)["params"]
    return {
      "gen": gen,
      "critic": critic_net.init(k_critic, jnp.concatenate([x, x], -1), noise)["params"],
    }, {}

  def sample(params, state, key, n, given={}):
    k_x, key = jax.random.split(key)
    down = chain.at(slice(None, None, -1))
    x = jax.random.normal(k_x, (n, *here.shape))
    return here.to_data(
      walk(lambda x, t, s, key: imitate(params["gen"], x, s, t, key), x, down, key)
    )

  return play(
    Model(init, sample=sample, calls=lambda: T),
    tx,
    critic_loss,
    gen_loss,
    n_critic=n_critic,
    ema=ema,
  )
