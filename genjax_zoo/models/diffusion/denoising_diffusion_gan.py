"""Denoising diffusion GAN (Xiao 2021, arXiv:2112.07804): a few large steps, each a conditional GAN.

A diffusion model takes hundreds of steps because it draws x_s from a Gaussian, as p(x_s | x_t)
nearly is for a small step. For a large one it has many modes. A generator with a latent z can have
them too: for s = t - 1, t = 1..T,

  p(x_s | x_t) = E_z q(x_s | x_t, x0_hat),   x0_hat = gen(x_t, t, z),   z ~ N(0, I)

and a critic, whose inputs are x_s, x_t and t, tells it from q(x_s | x_t):

  critic_loss = softplus(-l(x_s, x_t, t)) + softplus(l(x_s', x_t, t))
                + r1 / 2 |grad_{x_s} l(x_s, x_t, t)|²
  gen_loss    = softplus(-l(x_s', x_t, t))
  x_0 ~ data, x_s ~ q(x_s | x_0), x_t ~ q(x_t | x_s), x_s' ~ p(x_s | x_t)

Without z, `z_dim=0`, x0_hat is one point for each x_t, and modes are lost or smeared (the paper's
table 3).

Departures: one network for z and t, with no mapping network before it; the critic is such a network
too, its outputs averaged; R1 at every step. The noise levels are those of the VP SDE at T equal
steps, as in the paper, or any that are given: less noise at the first leaves it less to decide.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Learner, Model, UserError
from genjax_zoo.models._game import play
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.models.diffusion._space import apply_network, space_of
from genjax_zoo.prob import schedules
from genjax_zoo.prob.adversarial import GAMES, squared_slope
from genjax_zoo.prob.processes import diffuse, posterior, transition
from genjax_zoo.prob.samplers import walk
from genjax_zoo.prob.schedules import NoiseLevel


def reverse(x0, x, s, t, key):
  """A sample of q(x_s | x_t, x_0) at noise levels [] or [B]."""
  mean, var, _ = posterior(x0, x, s, t)
  return mean + jnp.sqrt(var) * jax.random.normal(key, x.shape)


def neighbours(chain, x0, key):
  """(x_s, x_t, s, t): x0 [B, ...] diffused to two successive levels of `chain` [T + 1]."""
  k_t, k_s, k_step = jax.random.split(key, 3)
  t = jax.random.randint(k_t, (len(x0),), 1, len(chain.alpha))
  s, t = chain.at(t - 1), chain.at(t)
  x_s = diffuse(x0, jax.random.normal(k_s, x0.shape), s)
  return x_s, diffuse(x_s, jax.random.normal(k_step, x0.shape), transition(s, t)), s, t


def noise_chain(T: int, noise: tuple[float, ...]) -> NoiseLevel:
  """The levels [T + 1] from data: of the VP SDE, or with the sigma / alpha of t = 1..T in `noise`.

  Raises UserError for `noise` that is not T values in rising order.
  """
  if not noise:
    return schedules.vp(jnp.linspace(0.0, 1.0, T + 1))
  if len(noise) != T or list(noise) != sorted(noise):
    raise UserError(
      f"model.noise={noise}: it has one number for each of the T={T} steps, in rising order"
    )
  levels = schedules.log_snr_level(-2 * jnp.log(jnp.array(noise)))
  from_noise = schedules.ending_in_data(levels.at(slice(None, None, -1)))
  return from_noise.at(slice(None, None, -1))


class Networks(NamedTuple):
  """What the players compute."""

  generate: Callable  # (gen, x_t, t, z) -> x0_hat [B, ...].
  logits: Callable  # (critic, x_s, x_t, t) -> [B].
  init: Callable  # (key, batch) -> (params, state).


def player_networks(space, network: Mapping, z_dim: int) -> Networks:
  """The networks of both players, of one description."""
  channels = space.shape[-1]
  z_field = {"z": Field((z_dim,), np.float32)} if z_dim else {}
  gen_net = make_network(network, space.shape, fields=z_field)
  critic_net = make_network(network, (*space.shape[:-1], 2 * channels))

  def generate(gen, x, t, z):
    c = {"z": (z, jnp.ones(len(x)))} if z_dim else {}
    x0 = apply_network(gen_net, gen, x, -t.log_snr / 2, c)
    return jnp.tanh(x0) if space.num_values else x0  # Images are in [-1, 1].

  def logits(critic, x_s, x_t, t):
    pair = jnp.concatenate([x_s, x_t], -1)
    out = apply_network(critic_net, critic, pair, -t.log_snr / 2)
    return out.reshape(len(out), -1).mean(-1)

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x = space.to_floats(batch)
    noise = jnp.zeros(len(x))
    c = {"z": (jnp.zeros((len(x), z_dim)), jnp.ones(len(x)))} if z_dim else {}
    gen = gen_net.init(k_gen, x, noise, c)["params"]
    critic = critic_net.init(k_critic, jnp.concatenate([x, x], -1), noise)["params"]
    return {"gen": gen, "critic": critic}, {}

  return Networks(generate, logits, init)


def learner(
  data,
  tx,
  *,
  T: int = 4,
  noise: tuple[float, ...] = (),
  z_dim: int = 64,
  r1: float = 0.02,
  n_critic: int = 1,
  ema: float = 0.0,
  network: Mapping = {"name": "unet"},
) -> Learner:
  """A denoising diffusion GAN of "image" or real "x" in T steps.

  `tx = {"gen": ..., "critic": ...}`. `noise` is sigma / alpha at t = 1..T, that of the VP SDE where
  none is given; `z_dim` is the dimension of z, 0 for none. The networks of both players:
  `_network.py`.
  """
  space, game = space_of(data), GAMES["non_saturating"]
  chain = noise_chain(T, noise)
  generate, logits, init = player_networks(space, network, z_dim)

  def reverse_step(gen, x_t, s, t, key):
    """x_s' ~ p(x_s | x_t)."""
    k_z, k_x = jax.random.split(key)
    z = jax.random.normal(k_z, (len(x_t), z_dim)) if z_dim else None
    return reverse(generate(gen, x_t, t, z), x_t, s, t, k_x)

  def critic_loss(critic, gen, state, batch, key):
    k_chain, k_fake = jax.random.split(key)
    x_s, x_t, s, t = neighbours(chain, space.to_floats(batch), k_chain)
    real = logits(critic, x_s, x_t, t)
    fake = logits(critic, reverse_step(gen, x_t, s, t, k_fake), x_t, t)
    penalty = 0.0
    if r1:
      # Of each example alone, so that the slope at one x_s is that of its own logit.
      penalty = r1 / 2 * squared_slope(lambda x_s: logits(critic, x_s, x_t, t), x_s)
    return game.critic(real, fake) + penalty, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    k_chain, k_fake = jax.random.split(key)
    _, x_t, s, t = neighbours(chain, space.to_floats(batch), k_chain)
    return game.gen(logits(critic, reverse_step(gen, x_t, s, t, k_fake), x_t, t)), ({}, {})

  def sample(params, state, key, n, given={}):
    k_x, key = jax.random.split(key)
    x = jax.random.normal(k_x, (n, *space.shape))
    step = lambda x, t, s, key: reverse_step(params["gen"], x, s, t, key)
    return space.to_data(walk(step, x, chain.at(slice(None, None, -1)), key))

  model = Model(init, sample=sample, calls=lambda: T)
  return play(model, tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
