"""Diffusion in the latents of a trained autoencoder (Rombach 2022, arXiv:2112.10752), as its prior.

The first stage, frozen, maps data to latents; z = scale * encode(x) has unit variance. A network learns the noise in
z_t = sqrt(abar_t) z + sqrt(1 - abar_t) eps (Ho 2020, arXiv:2006.11239, equation 14):

  loss = |eps - net(z_t, t)|² / D,   t ~ U{1..T},  eps ~ N(0, I)

with the cosine schedule abar_t = f(t) / f(0), f(t) = cos²(pi/2 (t/T + s) / (1 + s)), s = 0.008, every
beta_t = 1 - abar_t / abar_{t-1} at most 0.999 (Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17). Samples
take DDIM steps without noise (Song 2020, arXiv:2010.02502, equation 12):

  z_s = sqrt(abar_s) z_hat + sqrt(1 - abar_s) net(z_t, t),   z_hat = (z_t - sqrt(1 - abar_t) net(z_t, t)) / sqrt(abar_t)

at the times ..., 1 + 2 T / steps, 1 + T / steps, 1. Departures: an MLP, latents flattened; |z_hat| is clipped, for
abar_T, nearly 0, magnifies the network's errors, and the noise that fits the clipped z_hat stands in for net(z_t, t).

The deck (B, line 578) has abar_t = cos²(pi/2 t/T): without s the first steps are too small to see (beta_1 = 2.5e-6, not
4.1e-5), and without the bound on beta the last one leaves nothing (beta_T = 1).
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
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


def model(data, *, first: Model, hidden: tuple[int, ...] = (256, 256), T: int = 1000, clip: float = 5.0) -> Model:
  """A prior of the real latents "z", of any shape, of the stage `first`; samples are what it decodes.

  Raises UserError when `first` has no such latents.
  """
  if first.encode is None or first.decode is None:
    raise UserError("stages.first can't encode and decode: latent diffusion needs a first stage with latents")
  net, abar = Denoiser(hidden), cosine_abar(T)

  def encode(params, state, batch, key):
    latents = first.encode(*state["frozen"]["first"], batch, key)
    if "z" not in latents or not jnp.issubdtype(latents["z"].dtype, jnp.floating):
      raise UserError(f"stages.first has no real latents 'z' but {', '.join(latents)}: diffusion can't model those")
    return latents

  def decode(params, state, latents, key):
    return first.decode(*state["frozen"]["first"], latents, key)

  def scaled(state, batch, key):
    """scale * z, flattened to [B, D]."""
    z = encode(None, state, batch, key)["z"]
    return state["scale"] * z.reshape(len(z), -1)

  def latent_shape(state, n):
    """Of n latents; known without computing any."""
    batch = {k: jax.ShapeDtypeStruct((n, *field.shape), field.dtype) for k, field in data.items()}
    return jax.eval_shape(encode, None, state, batch, jax.random.key(0))["z"].shape

  def init(key, batch, frozen):
    z = scaled({"scale": 1.0, "frozen": frozen}, batch, key)
    params = net.init(key, z, jnp.zeros(len(z)))["params"]
    return {"net": params}, {"scale": 1 / z.std(), "frozen": frozen}

  def denoise(params, state, z, t):
    """The noise in z [B, D] at integer times t [B]."""
    return net.apply({"params": params["net"]}, z, t / T)

  def loss(params, state, batch, key, train):
    k_first, k_t, k_eps = jax.random.split(key, 3)
    z = scaled(state, batch, k_first)
    t = jax.random.randint(k_t, (len(z),), 1, T + 1)
    eps = jax.random.normal(k_eps, z.shape)
    a = abar[t][:, None]
    error = (denoise(params, state, jnp.sqrt(a) * z + jnp.sqrt(1 - a) * eps, t) - eps) ** 2
    return error.mean(-1), ({}, {})

  def sample(params, state, key, n, given={}, steps=50):
    k_z, k_x = jax.random.split(key)
    shape = latent_shape(state, n)
    t = jnp.arange(steps)[::-1] * T // steps + 1
    s = jnp.append(t[1:], 0)

    def step(z, ts):
      t, s = ts
      eps = denoise(params, state, z, jnp.full(n, t))
      z_hat = jnp.clip((z - jnp.sqrt(1 - abar[t]) * eps) / jnp.sqrt(abar[t]), -clip, clip)
      eps = (z - jnp.sqrt(abar[t]) * z_hat) / jnp.sqrt(1 - abar[t])  # What fits z_hat: the clip can't make z grow.
      return jnp.sqrt(abar[s]) * z_hat + jnp.sqrt(1 - abar[s]) * eps, None

    z, _ = jax.lax.scan(step, jax.random.normal(k_z, (n, math.prod(shape[1:]))), (t, s))
    return decode(params, state, {"z": z.reshape(shape) / state["scale"]}, k_x)

  parts = {"denoise": denoise}
  if "mean" in first.parts:
    parts["mean"] = lambda params, state, latents: first.parts["mean"](*state["frozen"]["first"], latents)
  return Model(init, loss, sample, encode=encode, decode=decode, calls=lambda steps=50, **options: steps, parts=parts)
