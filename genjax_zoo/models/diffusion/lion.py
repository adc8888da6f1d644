"""LION (Zeng et al. 2022, arXiv:2210.06978): two diffusions in the latents of a VAE of clouds.

The first stage, point_vae.py, frozen, gives each cloud a shape latent z and latent points h. Their
prior is

  p(z, h) = p(z) p(h | z)

each a diffusion (ddpm.py, cosine schedule) of latents scaled to unit variance, the second with a
network of sets, which knows no order of the points:

  loss = |v_z - v_hat(z_t, t)|² / D + |v_h - v_hat(h_t, t, z)|² / (N (3 + features))

A sample is z, then h given z, decoded. Predicting v does what the paper's mixed score does: since
E[v | x_t] is 0 of data that are N(0, I), a network of zeros is the score of N(0, I), to which the
VAE's KL drew the latents, and the network learns the rest. A condition, a label, is that of z
alone.

The trained priors do two more things, with the latents of given clouds (section 3.2):

  interpolation     The probability-flow ODE takes latents to noise and back. Between two clouds are
                    the points of the great circles between their noises.
  diffuse-denoise   Latents are diffused to some level, and denoised from there: what is no part of
                    a shape, as noise or the edges of voxels, is lost on the way.

Departures: v in place of a mixed score whose share of N(0, I) is learned; latents are the means of
q, not samples of it; t is drawn once for each diffusion; the networks are an MLP and a small
transformer; no encoder is tuned to noisy or voxelised clouds.
"""

from collections.abc import Mapping

import jax

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields, condition_of
from genjax_zoo.models.diffusion import ddpm
from genjax_zoo.prob import samplers
from genjax_zoo.prob.processes import diffuse
from genjax_zoo.prob.schedules import NoiseLevel

CHOICES = dict(schedule="cosine", prediction="v")
ODE_STEPS = 50  # Between data and noise, at most.


def follow(prior: Model, params, batch, levels: NoiseLevel):
  """The "x" [B, ...] of a batch taken along levels by the ODE of a prior, with Heun's rule."""
  c = condition_of(prior.given, batch, len(batch["x"]))
  denoise = lambda x, level: prior.parts["denoise"](params, {}, x, level, c)
  return samplers.heun(denoise, batch["x"], levels, jax.random.key(0))  # It draws nothing.


def to_noise(prior: Model, params, batch, levels: NoiseLevel):
  """The noise [B, ...] of "x". The ODE begins at the least noisy level that is not the data."""
  back = levels.at(slice(-2, None, -1))
  start = back.alpha[0] * batch["x"]
  return follow(prior, params, batch | {"x": start}, back) / back.sigma[-1]


def from_noise(prior: Model, params, batch, levels: NoiseLevel):
  """The reverse of `to_noise`, of noise as "x"."""
  start = levels.sigma[0] * batch["x"]
  return follow(prior, params, batch | {"x": start}, levels)


def diffuse_denoise(prior: Model, params, batch, levels: NoiseLevel, key, share: float):
  """The "x" [B, ...] of a batch diffused by the last `share` of the levels, and denoised again."""
  steps = len(levels.sigma) - 1
  rest = levels.at(slice(steps - round(share * steps), None))
  x = diffuse(batch["x"], jax.random.normal(key, batch["x"].shape), rest.at(0))
  return follow(prior, params, batch | {"x": x}, rest)


def priors(
  data: Mapping[str, Field],
  first: Model,
  T: int,
  hidden: tuple[int, ...],
  network: Mapping,
  condition: tuple[str, ...],
  drop: float,
) -> tuple[Model, Model]:
  """The diffusions of the shape latent given the condition, and of latent points given the shape.

  Raises UserError where `first` has no such latents.
  """
  if not {"z", "h"} <= first.latents.keys() or first.decode is None:
    raise UserError("stages.first has no shape latent 'z' and latent points 'h': take point_vae")
  z, h = first.latents["z"], first.latents["h"]
  of_shape = {"x": z} | condition_fields(data, condition)
  mlp = {"name": "mlp", "hidden": hidden}
  of_points = {"x": h, "z": z}
  return (
    ddpm.model(of_shape, T=T, network=mlp, condition=condition, drop=drop, **CHOICES),
    ddpm.model(of_points, T=T, network=network, condition=("z",), drop=0.0, **CHOICES),
  )


def model(
  data,
  *,
  first: Model,
  T: int = 1000,
  hidden: tuple[int, ...] = (256, 256),
  network: Mapping = {"name": "set"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """The prior of both latents of the stage `first`: an MLP of z, and `network` of h given z.

  `sample`, given "points", varies these by diffuse-denoise. Raises UserError where `first` has no
  such latents.
  """
  shape, points = priors(data, first, T, hidden, network, condition, drop)
  levels = shape.parts["path"](None, {}, min(ODE_STEPS, T))  # Those of both.

  def encode(params, state, batch, key):
    return first.encode(*state["frozen"]["first"], batch, key)

  def decode(params, state, latents, key):
    """Clouds of the latents "z" and "h", or of the noises of these."""
    if "noise_z" in latents:
      of_shape = latents | {"x": latents["noise_z"]}
      z = from_noise(shape, params["shape"], of_shape, levels)
      of_points = {"x": latents["noise_h"], "z": z}
      latents = unscaled(state, z, from_noise(points, params["points"], of_points, levels))
    return first.decode(*state["frozen"]["first"], latents, key)

  def noise(params, state, batch, key):
    """The noises of both latents, and the condition."""
    of_shape, of_points = batches(state, batch, key)
    return {
      "noise_z": to_noise(shape, params["shape"], of_shape, levels),
      "noise_h": to_noise(points, params["points"], of_points, levels),
    } | {name: batch[name] for name in condition}

  def unscaled(state, z, h):
    """The latents of the first stage, of those that the priors are of."""
    return {"z": z / state["scale"]["z"], "h": h / state["scale"]["h"]}

  def batches(state, batch, key):
    """The batches of both diffusions: scaled latents, and what they are given."""
    latents = encode(None, state, batch, key)
    z, h = (state["scale"][name] * latents[name] for name in ("z", "h"))
    return {"x": z} | {name: batch[name] for name in condition}, {"x": h, "z": z}

  def init(key, batch, frozen):
    k_shape, k_points, key = jax.random.split(key, 3)
    state = {"scale": {"z": 1.0, "h": 1.0}, "frozen": frozen}
    of_shape, of_points = batches(state, batch, key)
    params = {
      "shape": shape.init(k_shape, of_shape)[0],
      "points": points.init(k_points, of_points)[0],
    }
    scale = {"z": 1 / of_shape["x"].std(), "h": 1 / of_points["x"].std()}
    return params, {"scale": scale, "frozen": frozen}

  def loss(params, state, batch, key, train):
    k_first, k_shape, k_points = jax.random.split(key, 3)
    of_shape, of_points = batches(state, batch, k_first)
    shape_loss, _ = shape.loss(params["shape"], {}, of_shape, k_shape, train)
    points_loss, _ = points.loss(params["points"], {}, of_points, k_points, train)
    metrics = {"shape_loss": shape_loss, "points_loss": points_loss}
    return shape_loss + points_loss, ({}, metrics)

  def sample(params, state, key, n, given={}, sampler="dpm_solver", steps=50, share=0.1, **options):
    """n clouds; the options are those of `ddpm`, and all but `sampler` and `steps` are of z.

    Given "points", and the condition, these are diffused by a `share` of the levels and denoised.
    """
    k_z, k_h, k_x = jax.random.split(key, 3)
    if "points" in given:
      of_shape, of_points = batches(state, given, k_x)
      z = diffuse_denoise(shape, params["shape"], of_shape, levels, k_z, share)
      h = diffuse_denoise(points, params["points"], of_points | {"z": z}, levels, k_h, share)
      return decode(params, state, unscaled(state, z, h), k_x)
    how = dict(sampler=sampler, steps=steps)
    z = shape.sample(params["shape"], {}, k_z, n, given, **how, **options)["x"]
    h = points.sample(params["points"], {}, k_h, n, {"z": z}, **how)["x"]
    return decode(params, state, unscaled(state, z, h), k_x)

  def calls(sampler="dpm_solver", steps=50, share=0.1, **options):
    of_shape = shape.calls(sampler=sampler, steps=steps, **options)
    return of_shape + points.calls(sampler=sampler, steps=steps)

  return Model(
    init,
    loss,
    sample,
    encode=encode,
    decode=decode,
    given=shape.given,
    latents=first.latents,
    calls=calls,
    parts={"noise": noise},
  )
