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

Departures: v in place of a mixed score whose share of N(0, I) is learned; latents are the means of
q, not samples of it; t is drawn once for each diffusion; the networks are an MLP and a small
transformer.
"""

from collections.abc import Mapping

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.diffusion import ddpm

CHOICES = dict(schedule="cosine", prediction="v")


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

  Raises UserError where `first` has no such latents.
  """
  if not {"z", "h"} <= first.latents.keys() or first.decode is None:
    raise UserError("stages.first has no shape latent 'z' and latent points 'h': take point_vae")
  z_field, h_field = first.latents["z"], first.latents["h"]
  shape = ddpm.model(
    {"x": z_field} | condition_fields(data, condition),
    T=T,
    network={"name": "mlp", "hidden": hidden},
    condition=condition,
    drop=drop,
    **CHOICES,
  )
  points = ddpm.model(
    {"x": h_field, "z": z_field}, T=T, network=network, condition=("z",), drop=0.0, **CHOICES
  )

  def encode(params, state, batch, key):
    return first.encode(*state["frozen"]["first"], batch, key)

  def decode(params, state, latents, key):
    return first.decode(*state["frozen"]["first"], latents, key)

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

  def sample(params, state, key, n, given={}, sampler="dpm_solver", steps=50, **options):
    """n clouds; the options are those of `ddpm`, and all but `sampler` and `steps` are of z."""
    k_z, k_h, k_x = jax.random.split(key, 3)
    how = dict(sampler=sampler, steps=steps)
    z = shape.sample(params["shape"], {}, k_z, n, given, **how, **options)["x"]
    h = points.sample(params["points"], {}, k_h, n, {"z": z}, **how)["x"]
    scaled = {"z": z, "h": h}
    return decode(params, state, {k: x / state["scale"][k] for k, x in scaled.items()}, k_x)

  def calls(sampler="dpm_solver", steps=50, **options):
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
  )
