"""Ladder VAE (Sønderby et al. 2016, arXiv:1602.02282): a hierarchy whose encoder, too, goes from
the top down.

Latents z_1 (finest) .. z_L are images of a few channels, at ever halved resolutions. A
deterministic path climbs from x to features d_l; then one path t comes down for both p and q, so
that q knows what the levels above have said:

  p(z_l | z_>l) = N(m_p(t), s_p(t)²)         N(0, I) before training
  q(z_l | z_>l, x) = N(m, s²)                 the product of p with the encoder's N(m_d(d_l), s_d(d_l)²):
     1/s² = 1/s_d² + 1/s_p²,   m = s² (m_d / s_d² + m_p / s_p²)
  t = t + conv(z_l), a residual block, twice as large for the next level

  loss = -log p(x | z) + beta sum_l KL(q(z_l | z_>l, x) || p(z_l | z_>l)),   z ~ q

Each KL is one of Gaussians in closed form, given the draws above: what the deck (B, lines 422 to
455) claims of a bottom-up encoder holds for this one. With `free_bits`, each channel of each level
may cost so many nats for nothing, max(free_bits, E_batch kl_c), lest the upper levels fall asleep;
`beta` is warmed up by a schedule to the same end.

Departures: convolutions and residual blocks on the way down, as in the very deep VAE (Child 2020,
arXiv:2011.10650); no batch normalisation; the top's p is learned as the others are.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.latent_variable._observation import observation
from genjax_zoo.nn.conv import Conv
from genjax_zoo.prob.distributions import normal_log_prob
from genjax_zoo.prob.divergences import kl_normal
from genjax_zoo.prob.estimators import importance_bound


class Block(nn.Module):
  """x + conv(silu(conv(silu(x)))), [B, h, w, F]; the identity before training."""

  dtype: str

  @nn.compact
  def __call__(self, x):
    F = x.shape[-1]
    h = Conv(F, (3, 3), dtype=self.dtype)(nn.silu(x))
    return x + Conv(F, (3, 3), kernel_init=nn.initializers.zeros, dtype=self.dtype)(nn.silu(h))


class Encoder(nn.Module):
  """v [B, H, W, C] -> of each level (m_d, log s_d²), each [B, h, w, Z], the finest first."""

  latent: tuple[int, ...]
  width: int
  dtype: str

  @nn.compact
  def __call__(self, v):
    found, d = [], v
    for channels in self.latent:
      d = Block(self.dtype)(Conv(self.width, (4, 4), (2, 2), dtype=self.dtype)(d))
      found.append(jnp.split(Conv(2 * channels, (1, 1))(nn.silu(d)), 2, -1))
    return found


class Decoder(nn.Module):
  """The way down: (out [B, H, W, C], of each level (z, p, q), the finest first), p and q as (mean,
  logvar).

  z is that of `zs` where given, else drawn: of q if the encoder's `found` are given, else of p, its
  deviation times `temperature`.
  """

  latent: tuple[int, ...]
  width: int
  shape: tuple[int, int, int]
  dtype: str

  @nn.compact
  def __call__(self, n, key, found=None, zs=None, temperature=1.0):
    H, W, C = self.shape
    sizes = [(-(-H // 2**l), -(-W // 2**l)) for l in range(len(self.latent) + 1)]
    t = self.param("top", nn.initializers.normal(0.1), (1, *sizes[-1], self.width))
    t, levels = jnp.broadcast_to(t, (n, *t.shape[1:])), []
    for l, k_z in zip(reversed(range(len(self.latent))), jax.random.split(key, len(self.latent))):
      zero = nn.initializers.zeros
      p = q = jnp.split(Conv(2 * self.latent[l], (1, 1), kernel_init=zero)(nn.silu(t)), 2, -1)
      if found is not None:
        q = combine(found[l], p)
      mean, logvar = q
      scale = jnp.exp(logvar / 2) * (temperature if found is None else 1.0)
      z = zs[l] if zs is not None else mean + scale * jax.random.normal(k_z, mean.shape)
      levels.insert(0, (z, p, q))
      t = Block(self.dtype)(t + Conv(self.width, (1, 1), dtype=self.dtype)(z))
      h, w = sizes[l]
      t = Conv(self.width, (3, 3), dtype=self.dtype)(t.repeat(2, 1).repeat(2, 2)[:, :h, :w])
    return Conv(C, (3, 3))(nn.silu(t)), levels


def combine(a, b):
  """(mean, logvar) of the product of two Gaussians, normalised (eq. 18)."""
  (mean_a, logvar_a), (mean_b, logvar_b) = a, b
  logvar = -jnp.logaddexp(-logvar_a, -logvar_b)
  return jnp.exp(logvar) * (mean_a * jnp.exp(-logvar_a) + mean_b * jnp.exp(-logvar_b)), logvar


def per_channel(q, p):
  """KL(q || p) of images of latents, [B, Z]."""
  last = lambda x: jnp.moveaxis(x, -1, 1).reshape(len(x), x.shape[-1], -1)
  return kl_normal(*map(last, (*q, *p)))


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
  """A ladder VAE of "image" with latent[l] channels at half, a quarter, .. of its size; `scale` as
  in `_observation`.

  Raises UserError where the data are no images, do not fit the likelihood, or are too small for so
  many levels.
  """
  shape = data["image"].shape if "image" in data else ()
  if len(shape) != 3:
    raise UserError(f"ladder_vae takes images [H, W, C]; the data have {', '.join(data)}")
  if not latent or min(shape[:2]) < 2 ** len(latent):
    raise UserError(
      f"model.latent={latent}: {shape[0]} x {shape[1]} images can't be halved {len(latent)} times"
    )
  seen = observation(data, likelihood, scale)
  encoder, decoder = Encoder(latent, width, dtype), Decoder(latent, width, shape, dtype)

  def down(params, n, key, **options):
    return decoder.apply({"params": params["decoder"]}, n, key, **options)

  def climb(params, batch):
    return encoder.apply({"params": params["encoder"]}, seen.floats(batch))

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    v = seen.floats(batch)
    return {
      "encoder": encoder.init(k_enc, v)["params"],
      "decoder": decoder.init(k_dec, len(v), k_dec)["params"],
    } | seen.params(), {}

  def loss(params, state, batch, key, train, beta=1.0):
    k_z, k_x = jax.random.split(key)
    out, levels = down(params, len(batch["image"]), k_z, found=climb(params, batch))
    reconstruction = -seen.log_prob(params, batch, out, k_x)
    each = [per_channel(q, p) for _, p, q in levels]
    kl = sum(x.sum(-1) for x in each)
    value = kl
    if free_bits and train:
      value = jnp.broadcast_to(sum(jnp.maximum(x.mean(0), free_bits).sum() for x in each), kl.shape)
    metrics = {"reconstruction": reconstruction, "kl": kl} | {
      f"kl{l}": x.sum(-1) for l, x in enumerate(each, 1)
    }
    return reconstruction + beta * value, ({}, metrics)

  def log_prob(params, state, batch, key, k=100):
    """log 1/k sum p(x, z_i) / q(z_i | x) of k draws of q, a lower bound of log p(x), nats [B]."""
    found = climb(params, batch)

    def log_weight(key):
      k_z, k_x = jax.random.split(key)
      out, levels = down(params, len(batch["image"]), k_z, found=found)
      density = lambda z, law: normal_log_prob(z, law[0], law[1] / 2).reshape(len(z), -1).sum(-1)
      return seen.log_prob(params, batch, out, k_x) + sum(
        density(z, p) - density(z, q) for z, p, q in levels
      )

    return importance_bound(log_weight, key, k, rows=200)

  def encode(params, state, batch, key):
    """{"z1": [B, h, w, Z], ..}: each level's mean of q, given draws of those above."""
    _, levels = down(params, len(batch["image"]), key, found=climb(params, batch))
    return {f"z{l}": q[0] for l, (_, _, q) in enumerate(levels, 1)}

  def mean(params, state, latents):
    zs = [latents[f"z{l + 1}"] for l in range(len(latent))]
    return seen.mean(down(params, len(zs[0]), jax.random.key(0), zs=zs)[0])

  def decode(params, state, latents, key):
    return seen.to_data(mean(params, state, latents))

  def sample(params, state, key, n, given={}, temperature=1.0):
    """Means of p(x | z), z drawn from the top down with deviations times `temperature`."""
    return seen.to_data(seen.mean(down(params, n, key, temperature=temperature)[0]))

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood={"iwae": "lower_bound"},
    dequantization=seen.dequantization,
    parts={"mean": mean},
  )
