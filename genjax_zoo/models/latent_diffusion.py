"""Diffusion in the latents of a trained autoencoder (Rombach 2022, arXiv:2112.10752), as its prior.

The first stage, frozen, maps data to latents; z = scale * encode(x) has unit variance. A network learns the noise in
z_t = sqrt(abar_t) z + sqrt(1 - abar_t) eps (Ho 2020, arXiv:2006.11239, equation 14):

  loss = |eps - net(z_t, t)|² / D,   t ~ U{1..T},  eps ~ N(0, I)

with the cosine schedule abar_t = f(t) / f(0), f(t) = cos²(pi/2 (t/T + s) / (1 + s)), s = 0.008, every
beta_t = 1 - abar_t / abar_{t-1} at most 0.999 (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17). Samples
take DDIM steps without noise (Song 2020, arXiv:2010.02502, equation 12):

  z_s = sqrt(abar_s) z_hat + sqrt(1 - abar_s) net(z_t, t),   z_hat = (z_t - sqrt(1 - abar_t) net(z_t, t)) / sqrt(abar_t)

Departures: an MLP, for latents that are vectors; |z_hat| is clipped at 4, where abar_T, nearly 0, would magnify errors.
The deck (B, line 578) leaves out s and the bound on beta.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.nn.mlp import MLP


class Denoiser(nn.Module):
  """The noise in z_t [B, D] at time t [B] in (0, 1], from z_t and sinusoids of t."""

  hidden: tuple[int, ...]

  @nn.compact
  def __call__(self, z, t):
    frequencies = jnp.exp(jnp.linspace(0.0, math.log(1000.0), 16))
    angles = t[:, None] * frequencies[None]
    x = jnp.concatenate([z, jnp.sin(angles), jnp.cos(angles)], -1)
    return MLP((*self.hidden, z.shape[-1]), nn.silu)(x)


def cosine_abar(T: int, s: float = 0.008):
  """abar_0 = 1, ..., abar_T [T + 1] of the cosine schedule."""
  f = jnp.cos(math.pi / 2 * (jnp.arange(T + 1) / T + s) / (1 + s)) ** 2
  beta = jnp.minimum(1 - f[1:] / f[:-1], 0.999)
  return jnp.concatenate([jnp.ones(1), jnp.cumprod(1 - beta)])


def model(data, *, first: Model, hidden: tuple[int, ...] = (256, 256), T: int = 1000) -> Model:
  """A prior of the latents "z" of the stage `first`, an autoencoder; samples are what it decodes."""
  net, abar = Denoiser(hidden), cosine_abar(T)
  like = {k: jnp.zeros((1, *f.shape), f.dtype) for k, f in data.items()}
  latent = lambda key: first.encode(*first.init(key, like), like, key)["z"]
  dim = jax.eval_shape(latent, jax.random.key(0)).shape[-1]

  def encoded(state, batch, key):
    return first.encode(*state["frozen"]["first"], batch, key)

  def init(key, batch, frozen):
    z = first.encode(*frozen["first"], batch, key)["z"]
    params = net.init(key, jnp.zeros((1, dim)), jnp.zeros(1))["params"]
    return {"net": params}, {"scale": 1 / z.std(), "frozen": frozen}

  def denoise(params, state, z, t):
    """The noise in z [B, D] at integer times t [B]."""
    return net.apply({"params": params["net"]}, z, t / T)

  def loss(params, state, batch, key, train):
    k_first, k_t, k_eps = jax.random.split(key, 3)
    z = state["scale"] * encoded(state, batch, k_first)["z"]
    t = jax.random.randint(k_t, (len(z),), 1, T + 1)
    eps = jax.random.normal(k_eps, z.shape)
    a = abar[t][:, None]
    error = (denoise(params, state, jnp.sqrt(a) * z + jnp.sqrt(1 - a) * eps, t) - eps) ** 2
    return error.mean(-1), ({}, {})

  def encode(params, state, batch, key):
    return encoded(state, batch, key)

  def decode(params, state, latents, key):
    return first.decode(*state["frozen"]["first"], latents, key)

  def sample(params, state, key, n, given={}, steps=50):
    k_z, k_x = jax.random.split(key)
    times = jnp.round(jnp.linspace(T, 0, steps + 1)).astype(jnp.int32)

    def step(z, ts):
      t, s = ts
      eps = denoise(params, state, z, jnp.full(n, t))
      z_hat = jnp.clip((z - jnp.sqrt(1 - abar[t]) * eps) / jnp.sqrt(abar[t]), -4, 4)
      return jnp.sqrt(abar[s]) * z_hat + jnp.sqrt(1 - abar[s]) * eps, None

    z, _ = jax.lax.scan(step, jax.random.normal(k_z, (n, dim)), (times[:-1], times[1:]))
    return decode(params, state, {"z": z / state["scale"]}, k_x)

  parts = {"denoise": denoise}
  if "mean" in first.parts:
    parts["mean"] = lambda params, state, latents: first.parts["mean"](*state["frozen"]["first"], latents)
  return Model(
    init, loss, sample, encode=encode, decode=decode, calls=lambda steps=50, **options: steps, parts=parts
  )
