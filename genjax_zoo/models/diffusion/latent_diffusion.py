"""Diffusion in the latents of a trained autoencoder (Rombach 2022, arXiv:2112.10752), as its prior.

The first stage, frozen, maps data to latents; z = scale * encode(x), with the scale by which the
first batch has unit variance. Their prior is `models.diffusion.ddpm` with the cosine schedule and a
network that predicts v = alpha eps - sigma z:

  loss = |v - v_hat(z_t, t)|² / D,   z_t = alpha_t z + sigma_t eps,   t ~ U{1..T}

and what it samples, by any of the samplers, told labels or not, is decoded.

Departures: v in place of eps, whose errors the last levels of the cosine schedule magnify; an MLP
of the latents, flattened, by default. The deck (B, line 578) has that schedule without offset and
bound: see `prob.schedules.cosine`.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import ddpm
from genjax_zoo.prob.samplers import evaluations


def model(
  data,
  *,
  first: Model,
  T: int = 1000,
  network: str = "mlp",
  hidden: tuple[int, ...] = (256, 256),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  conditional: bool = False,
  drop_label: float = 0.1,
) -> Model:
  """A prior of the real latents "z", of any shape, of the stage `first`; samples are what it
  decodes.

  The arguments, and the options of `sample`, are those of `ddpm`. Raises UserError when `first` has
  no such latents, or decodes with more than them.
  """
  if first.encode is None or first.decode is None:
    raise UserError(
      "stages.first can't encode and decode: latent diffusion needs a first stage with latents"
    )
  if first.given:
    raise UserError(
      f"stages.first decodes 'z' with a {first.given[0]!r}, and what is sampled is 'z' alone: take another"
    )
  options = dict(
    T=T, schedule="cosine", prediction="v", conditional=conditional, drop_label=drop_label
  )
  options |= dict(network=network, hidden=hidden, blocks=blocks, attention=attention)
  labels = {k: data[k] for k in ("label",) if k in data}

  def encode(params, state, batch, key):
    latents = first.encode(*state["frozen"]["first"], batch, key)
    if "z" not in latents or not jnp.issubdtype(latents["z"].dtype, jnp.floating):
      raise UserError(
        f"stages.first has no real latents 'z' but {', '.join(latents)}: diffusion can't model those"
      )
    return latents

  def decode(params, state, latents, key):
    return first.decode(*state["frozen"]["first"], latents, key)

  def prior(state) -> Model:
    """The diffusion of scale * z: its shape is the stage's, known without computing any."""
    batch = {k: jax.ShapeDtypeStruct((1, *field.shape), field.dtype) for k, field in data.items()}
    z = jax.eval_shape(encode, None, state, batch, jax.random.key(0))["z"]
    return ddpm.model({"x": Field(z.shape[1:], z.dtype)} | labels, **options)

  def scaled(state, batch, key):
    """A batch of scale * z."""
    return {"x": state["scale"] * encode(None, state, batch, key)["z"]} | {
      k: batch[k] for k in labels
    }

  def init(key, batch, frozen):
    z = scaled({"scale": 1.0, "frozen": frozen}, batch, key)
    params, _ = prior({"frozen": frozen}).init(key, z)
    return params, {"scale": 1 / z["x"].std(), "frozen": frozen}

  def loss(params, state, batch, key, train):
    k_first, key = jax.random.split(key)
    return prior(state).loss(params, {}, scaled(state, batch, k_first), key, train)

  def sample(params, state, key, n, given={}, sampler="dpm_solver", steps=50, **options):
    k_z, k_x = jax.random.split(key)
    z = prior(state).sample(params, {}, k_z, n, given, sampler=sampler, steps=steps, **options)["x"]
    return decode(params, state, {"z": z / state["scale"]}, k_x)

  def calls(sampler="dpm_solver", steps=50, scale=None, **options):
    return (1 if scale is None else 2) * evaluations(sampler, steps, **options)

  parts = {"denoise": lambda params, state, *args: prior(state).parts["denoise"](params, {}, *args)}
  if "mean" in first.parts:
    parts["mean"] = lambda params, state, latents: first.parts["mean"](
      *state["frozen"]["first"], latents
    )
  given = ("label",) if conditional else ()
  return Model(
    init, loss, sample, encode=encode, decode=decode, given=given, calls=calls, parts=parts
  )
