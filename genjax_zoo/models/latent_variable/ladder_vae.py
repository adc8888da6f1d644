"""Ladder VAE (Sønderby et al. 2016, arXiv:1602.02282): a hierarchy whose encoder is top-down too.

Latents z_1 (finest) .. z_L are images of a few channels, each of half the resolution of the one
before. A deterministic bottom-up network maps x to features d_l; then p and q share one top-down
network with features t, so that q(z_l) is conditioned on the levels above:

  p(z_l | z_>l) = N(m_p(t), s_p(t)²)          N(0, I) at initialisation
  q(z_l | z_>l, x) = N(m, s²)                 the product of p and N(m_d(d_l), s_d(d_l)²):
     1/s² = 1/s_d² + 1/s_p²,   m = s² (m_d / s_d² + m_p / s_p²)
  t = t + conv(z_l), a residual block, upsampled for the next level

  loss = -log p(x | z) + beta sum_l KL(q(z_l | z_>l, x) || p(z_l | z_>l)),   z ~ q

Given the latents above, each KL is between Gaussians and in closed form, which that of a bottom-up
encoder (hvae.py) is not. Against the posterior collapse of the upper hierarchy levels, `beta` is
warmed up by a schedule, and with `free_bits` the KL of a channel is not penalised below as many
nats: it is max(free_bits, E_batch kl_c) in training.

Departures: convolutions, and residual blocks in the top-down network, as in the very deep VAE
(Child 2020, arXiv:2011.10650); no batch normalisation; the p of the top level is learned like the
others.

Errata of the slides: docs/errata.md#ladder_vae
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.latent_variable._observation import observation
from genjax_zoo.nn.conv import Conv
from genjax_zoo.prob.distributions import normal_log_prob
from genjax_zoo.prob.divergences import kl_normal
from genjax_zoo.prob.estimators import importance_bound


class HierarchyLevel(NamedTuple):
  """A latent z [B, h, w, Z], and the Gaussians p(z | above) and q(z | above, x): (mean, logvar)."""

  z: jax.Array
  p: tuple[jax.Array, jax.Array]
  q: tuple[jax.Array, jax.Array]


class Block(nn.Module):
  """x + conv(silu(conv(silu(x)))), [B, h, w, F]; the identity at initialisation."""

  dtype: str

  @nn.compact
  def __call__(self, x):
    features = x.shape[-1]
    h = Conv(features, (3, 3), dtype=self.dtype)(nn.silu(x))
    zeros = nn.initializers.zeros
    return x + Conv(features, (3, 3), kernel_init=zeros, dtype=self.dtype)(nn.silu(h))


class Encoder(nn.Module):
  """v [B, H, W, C] -> [(m_d, log s_d²) of each hierarchy level, [B, h, w, Z]], the finest first."""

  latent: tuple[int, ...]
  width: int
  dtype: str

  @nn.compact
  def __call__(self, v):
    evidence = []
    d = v
    for channels in self.latent:
      d = Block(self.dtype)(Conv(self.width, (4, 4), (2, 2), dtype=self.dtype)(d))
      evidence.append(jnp.split(Conv(2 * channels, (1, 1))(nn.silu(d)), 2, -1))
    return evidence


class Decoder(nn.Module):
  """The top-down network: (out [B, H, W, C], [HierarchyLevel, ...]), the finest first.

  Each z is that of `zs` if given; or else drawn, from q if the encoder's `evidence` is given, and
  if not from p with standard deviations times `temperature`.
  """

  latent: tuple[int, ...]
  width: int
  shape: tuple[int, int, int]
  dtype: str

  @nn.compact
  def __call__(self, n, key, evidence=None, zs=None, temperature=1.0):
    L = len(self.latent)
    H, W, C = self.shape
    sizes = [(-(-H // 2**l), -(-W // 2**l)) for l in range(L + 1)]  # Halved, rounded up.
    top = self.param("top", nn.initializers.normal(0.1), (1, *sizes[-1], self.width))
    t = jnp.broadcast_to(top, (n, *top.shape[1:]))
    levels = []
    for l, k_z in zip(reversed(range(L)), jax.random.split(key, L)):
      p_head = Conv(2 * self.latent[l], (1, 1), kernel_init=nn.initializers.zeros)
      p = jnp.split(p_head(nn.silu(t)), 2, -1)
      q = p if evidence is None else product(evidence[l], p)
      if zs is None:
        z = draw(k_z, q, temperature if evidence is None else 1.0)
      else:
        z = zs[l]
      levels.insert(0, HierarchyLevel(z, p, q))
      t = Block(self.dtype)(t + Conv(self.width, (1, 1), dtype=self.dtype)(z))
      # Upsampled, less a row or a column if the level below rounded up.
      h, w = sizes[l]
      t = Conv(self.width, (3, 3), dtype=self.dtype)(t.repeat(2, 1).repeat(2, 2)[:, :h, :w])
    return Conv(C, (3, 3))(nn.silu(t)), levels


def draw(key, gaussian, temperature=1.0):
  """z ~ N(mean, exp(logvar)), the standard deviation times `temperature`."""
  mean, logvar = gaussian
  scale = jnp.exp(logvar / 2) * temperature
  return mean + scale * jax.random.normal(key, mean.shape)


def product(a, b):
  """The normalised product of two Gaussians (eq. 18); all three are (mean, logvar)."""
  mean_a, logvar_a = a
  mean_b, logvar_b = b
  logvar = -jnp.logaddexp(-logvar_a, -logvar_b)
  mean = jnp.exp(logvar) * (mean_a * jnp.exp(-logvar_a) + mean_b * jnp.exp(-logvar_b))
  return mean, logvar


def kl_by_channel(q, p):
  """KL(q || p) of each channel, nats [B, Z], of (mean, logvar), each [B, h, w, Z]."""

  def channels_first(x):
    return jnp.moveaxis(x, -1, 1).reshape(len(x), x.shape[-1], -1)

  return kl_normal(*map(channels_first, (*q, *p)))


def free_bits_kl(kls, free_bits: float):
  """sum max(free_bits, E_batch kl) over channels and levels, nats []; kls is [[B, Z], ...]."""
  return sum(jnp.maximum(kl.mean(0), free_bits).sum() for kl in kls)


def log_ratio(level: HierarchyLevel):
  """log p(z | above) - log q(z | above, x), nats [B]."""

  def log_prob(gaussian):
    mean, logvar = gaussian
    return normal_log_prob(level.z, mean, logvar / 2).reshape(len(level.z), -1).sum(-1)

  return log_prob(level.p) - log_prob(level.q)


def check(data, latent):
  """Raises UserError if the data are not images, or too small for as many hierarchy levels."""
  shape = data["image"].shape if "image" in data else ()
  if len(shape) != 3:
    raise UserError(f"model ladder_vae needs images [H, W, C]; the data have {', '.join(data)}")
  if not latent or min(shape[:2]) < 2 ** len(latent):
    raise UserError(
      f"model.latent={latent}: images of {shape[0]} x {shape[1]} can't be halved "
      f"{len(latent)} times"
    )


def model(
  data,
  *,
  latent: tuple[int, ...] = (4, 8),
  width: int = 32,
  likelihood: str = "bernoulli",
  scale: float = 0.0,
  free_bits: float = 0.0,
  dtype: str = "float32",
) -> Model:
  """A ladder VAE of "image" whose z_l has latent[l - 1] channels at 1 / 2^l of the resolution.

  `likelihood` and `scale` are those of `_observation`, `free_bits` nats a channel. Raises UserError
  if the data are not images, do not fit the likelihood, or are too small for so many levels.
  """
  check(data, latent)
  shape = data["image"].shape
  p_x = observation(data, likelihood, scale)
  encoder = Encoder(latent, width, dtype)
  decoder = Decoder(latent, width, shape, dtype)

  def bottom_up(params, batch):
    return encoder.apply({"params": params["encoder"]}, p_x.floats(batch))

  def top_down(params, n, key, **options):
    return decoder.apply({"params": params["decoder"]}, n, key, **options)

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    v = p_x.floats(batch)
    params = {"encoder": encoder.init(k_enc, v)["params"]}
    params["decoder"] = decoder.init(k_dec, len(v), k_dec)["params"]
    return params | p_x.init(), {}

  def loss(params, state, batch, key, train, beta=1.0):
    k_z, k_x = jax.random.split(key)
    evidence = bottom_up(params, batch)
    out, levels = top_down(params, len(batch["image"]), k_z, evidence=evidence)
    reconstruction = -p_x.log_prob(params, batch, out, k_x)
    kls = [kl_by_channel(level.q, level.p) for level in levels]
    each = {f"kl{l}": kl.sum(-1) for l, kl in enumerate(kls, 1)}
    metrics = {"reconstruction": reconstruction, "kl": sum(each.values())} | each
    kl = metrics["kl"]
    if free_bits and train:
      kl = jnp.broadcast_to(free_bits_kl(kls, free_bits), kl.shape)
    return reconstruction + beta * kl, ({}, metrics)

  def log_prob(params, state, batch, key, k=100):
    """log 1/k sum_i p(x, z_i) / q(z_i | x), z_i ~ q: a lower bound of log p(x), nats [B]."""
    evidence = bottom_up(params, batch)

    def log_weight(key):
      k_z, k_x = jax.random.split(key)
      out, levels = top_down(params, len(batch["image"]), k_z, evidence=evidence)
      return p_x.log_prob(params, batch, out, k_x) + sum(map(log_ratio, levels))

    return importance_bound(log_weight, key, k, rows=200)

  def encode(params, state, batch, key):
    """{"z1": [B, h, w, Z], ...}: the mean of q of each level, given draws of those above."""
    _, levels = top_down(params, len(batch["image"]), key, evidence=bottom_up(params, batch))
    return {f"z{l}": level.q[0] for l, level in enumerate(levels, 1)}

  def mean(params, state, latents):
    """E[x | z], [B, H, W, C], gray levels in [0, 1]."""
    zs = [latents[f"z{l}"] for l in range(1, len(latent) + 1)]
    # All latents are given: the key is not used.
    out, _ = top_down(params, len(zs[0]), jax.random.key(0), zs=zs)
    return p_x.mean(out)

  def decode(params, state, latents, key):
    return p_x.to_data(mean(params, state, latents))

  def sample(params, state, key, n, given={}, temperature=1.0, noise=True):
    """x ~ p(x | z), or E[x | z] without `noise`.

    z ~ p(z) from the top down with standard deviations times `temperature`.
    """
    k_z, k_x = jax.random.split(key)
    out, _ = top_down(params, n, k_z, temperature=temperature)
    return p_x.to_data(p_x.sample(params, out, k_x) if noise else p_x.mean(out))

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood={"iwae": "lower_bound"},
    latents=latent_fields(shape, latent),
    dequantization=p_x.dequantization,
    parts={"mean": mean},
  )


def latent_fields(shape, latent) -> dict[str, Field]:
  """{"z1": Field, ...} of images of `shape`."""
  H, W, _ = shape

  def field(l, channels):
    return Field((-(-H // 2**l), -(-W // 2**l), channels), np.float32)

  return {f"z{l}": field(l, channels) for l, channels in enumerate(latent, 1)}
