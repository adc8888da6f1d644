"""The VAE of LION (Zeng et al. 2022, arXiv:2210.06978): a shape latent and latent points.

A cloud x of N points has a vector z, its shape, and N latent points h_i of 3 + `features` numbers,
of which the first three are a moved and blurred x_i:

  q(z | x) = N(mean(x), s(x)²),   q(h_i | x_i, z) = N((x_i, 0) + f(x_i, z), s(x_i, z)²)
  loss = chamfer(D(z), x) + mean |x - (h_1:3 + g(h, z))|²
         + beta KL(q(z | x) || N(0, I)) + beta_points mean KL(q(h | x, z) || N(0, I))

The means are over the numbers of all points. mean(x) and s(x) are of a PointNet, f and g of each
point alone, so that permuting x permutes h. D(z) is a cloud by the shape latent alone; of both
latents the decoded points are h_1:3 + g(h, z).

Departures: the shape latent has a decoder of its own, with the Chamfer distance, which makes it
describe the shape however much the latent points say, and shows what they add; PointNet and
networks of single points, not point-voxel convolutions; squared, not absolute errors.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.nn.point_net import PointNet
from genjax_zoo.prob.clouds import chamfer
from genjax_zoo.prob.distributions import normal_sample
from genjax_zoo.prob.divergences import kl_standard_normal


def points_field(data) -> Field:
  """The Field of "points". Raises UserError for data without point clouds [N, 3]."""
  if "points" not in data or len(data["points"].shape) != 2:
    raise UserError(
      f"the model is of 'points' [N, 3], and the data have {', '.join(data)}: take "
      "data.name=points, or points:PATH"
    )
  return data["points"]


class ShapeEncoder(nn.Module):
  """A cloud [B, N, 3] -> (mean, log s) of its shape latent, each [B, latent]."""

  widths: tuple[int, ...]
  latent: int

  @nn.compact
  def __call__(self, x):
    h = PointNet(self.widths)(x)
    mean, log_scale = jnp.split(MLP((self.widths[-1], 2 * self.latent), nn.relu)(h), 2, -1)
    return mean, jnp.clip(log_scale, -6, 2)


class OfEachPoint(nn.Module):
  """Points [B, N, D] and a shape latent [B, latent] -> [B, N, out], 0 at the start."""

  width: int
  out: int

  @nn.compact
  def __call__(self, x, z):
    h = nn.Dense(self.width)(x) + nn.Dense(self.width)(z)[:, None]
    h = nn.relu(nn.Dense(self.width)(nn.relu(h)))
    return nn.Dense(self.out, kernel_init=nn.initializers.zeros)(h)


def with_features(x, features: int):
  """Points [B, N, 3] with `features` zeros each, [B, N, 3 + features]."""
  return jnp.pad(x, ((0, 0), (0, 0), (0, features)))


def model(
  data,
  *,
  latent: int = 16,
  features: int = 1,
  widths: tuple[int, ...] = (64, 128),
  width: int = 128,
  beta: float = 1e-3,
  beta_points: float = 0.02,
) -> Model:
  """A VAE of "points", which permuting them permutes; its samples are D(z), z ~ N(0, I).

  `widths` are those of the PointNet, `width` that of the other networks. Raises UserError for data
  without point clouds.
  """
  field = points_field(data)
  points, channels = field.shape
  size = channels + features
  nets = {
    "encoder": ShapeEncoder(widths, latent),
    "decoder": MLP((2 * width, 2 * width, points * channels), nn.relu),
    "to_points": OfEachPoint(width, 2 * size),
    "from_points": OfEachPoint(width, channels),
  }

  def apply(params, name, *args):
    return nets[name].apply({"params": params[name]}, *args)

  def shape_cloud(params, z):
    """D(z), [B, N, 3]."""
    return apply(params, "decoder", z).reshape(-1, points, channels)

  def moved(params, h, z):
    """h_1:3 + g(h, z), [B, N, 3]."""
    return h[..., :channels] + apply(params, "from_points", h, z)

  def latent_points(params, x, z):
    """(mean, log s) of q(h | x, z), each [B, N, 3 + features]."""
    shift, log_scale = jnp.split(apply(params, "to_points", x, z), 2, -1)
    return with_features(x, features) + shift, jnp.clip(log_scale - 2, -6, 2)

  def init(key, batch):
    x = jnp.zeros((1, points, channels))
    z, h = jnp.zeros((1, latent)), with_features(x, features)
    examples = {"encoder": (x,), "decoder": (z,), "to_points": (x, z), "from_points": (h, z)}
    keys = jax.random.split(key, len(nets))
    params = {k: nets[k].init(key, *examples[k])["params"] for k, key in zip(nets, keys)}
    return params, {}

  def loss(params, state, batch, key, train):
    k_z, k_h = jax.random.split(key)
    x = batch["points"]
    mean, log_scale = apply(params, "encoder", x)
    z = normal_sample(k_z, mean, log_scale)
    mean_h, log_scale_h = latent_points(params, x, z)
    h = normal_sample(k_h, mean_h, log_scale_h)
    metrics = {
      "chamfer": chamfer(shape_cloud(params, z), x),
      "error": ((moved(params, h, z) - x) ** 2).mean((1, 2)),
      "kl": kl_standard_normal(mean, 2 * log_scale),
      "kl_points": kl_standard_normal(mean_h, 2 * log_scale_h).mean(1) / size,
    }
    total = metrics["chamfer"] + metrics["error"]
    return total + beta * metrics["kl"] + beta_points * metrics["kl_points"], ({}, metrics)

  def encode(params, state, batch, key):
    """The means of z, and of h given that."""
    z, _ = apply(params, "encoder", batch["points"])
    return {"z": z, "h": latent_points(params, batch["points"], z)[0]}

  def decode(params, state, latents, key):
    """The points of both latents; where there is no "h", D(z)."""
    z = latents["z"]
    x = moved(params, latents["h"], z) if "h" in latents else shape_cloud(params, z)
    return {"points": x}

  def sample(params, state, key, n, given={}):
    return decode(params, state, {"z": jax.random.normal(key, (n, latent))}, key)

  latents = {"z": Field((latent,), np.float32), "h": Field((points, size), np.float32)}
  return Model(init, loss, sample, encode=encode, decode=decode, latents=latents)
