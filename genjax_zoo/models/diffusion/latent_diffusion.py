"""Diffusion in the latents of a trained autoencoder (Rombach 2022, arXiv:2112.10752), as its prior.

The first stage, frozen, maps data to latents; z = scale * encode(x), with the scale by which the
first batch has unit variance. Their prior is ddpm.py with a network that predicts v = alpha eps -
sigma z:

  loss = |v - v_hat(z_t, t)|² / D,   z_t = alpha_t z + sigma_t eps,   t ~ U{1..T}

and what it samples, by any of the samplers, given a condition or not, is decoded.

Departures: v in place of eps, whose errors the last levels of the cosine schedule magnify; this
schedule by default, where the paper's is linear and spends more time at high noise; of a VAE the
latents are the means of q(z | x), not samples of it; an MLP of the latents, flattened, by default.

Errata of the slides: docs/errata.md#latent_diffusion
"""

from collections.abc import Mapping

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.diffusion import ddpm


def check_first(first: Model):
  """Raises UserError where a stage has no real latents "z" that can be modelled."""
  if first.encode is None or first.decode is None:
    raise UserError("stages.first can't encode and decode: take a first stage with latents")
  # What else it is given, such as the image that a sample should resemble, is no latent.
  if needed := [name for name in first.given if name in first.latents]:
    raise UserError(
      f"stages.first decodes 'z' given {needed[0]!r}, and what is sampled is 'z' alone: "
      "take another"
    )
  if "z" not in first.latents or first.latents["z"].num_values:
    has = ", ".join(first.latents) or "none"
    raise UserError(f"stages.first has no real latents 'z' to model; its latents are: {has}")


def model(
  data,
  *,
  first: Model,
  T: int = 1000,
  schedule: str = "cosine",
  network: Mapping = {"name": "mlp"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """A prior of the real latents "z", of any shape, of the stage `first`; samples are decoded.

  The arguments, and the options of `sample`, are those of `ddpm`. Raises UserError where `first`
  has no such latents, or needs more than them to decode.
  """
  check_first(first)
  prior = ddpm.model(
    {"x": first.latents["z"]} | condition_fields(data, condition),
    T=T,
    schedule=schedule,
    prediction="v",
    network=network,
    condition=condition,
    drop=drop,
  )

  return in_latents(first, prior)


def in_latents(first: Model, prior: Model) -> Model:
  """The Model of data whose latents "z", from the stage `first`, have a `prior` of them as "x".

  `init` gets the scale by which the first batch's latents have unit variance. Where `prior.sample`
  can be given an example, and what is "known" of it, so can this one.
  """

  def encode(params, state, batch, key):
    return first.encode(*state["frozen"]["first"], batch, key)

  def decode(params, state, latents, key):
    return first.decode(*state["frozen"]["first"], latents, key)

  def scaled_latents(state, batch, key):
    """The batch of the prior: scale * z, and the condition."""
    z = encode(None, state, batch, key)["z"]
    return {"x": state["scale"] * z} | {name: batch[name] for name in prior.given}

  def init(key, batch, frozen):
    latents = scaled_latents({"scale": 1.0, "frozen": frozen}, batch, key)
    params, _ = prior.init(key, latents)
    return params, {"scale": 1 / latents["x"].std(), "frozen": frozen}

  def loss(params, state, batch, key, train):
    k_first, key = jax.random.split(key)
    return prior.loss(params, {}, scaled_latents(state, batch, k_first), key, train)

  def sample(
    params, state, key, n, given={}, sampler="dpm_solver", steps=50, scale=None, **options
  ):
    options |= {"sampler": sampler, "steps": steps, "scale": scale}
    k_z, k_x = jax.random.split(key)
    if "known" in given:
      z = encode(params, state, given, jax.random.fold_in(k_x, 1))["z"]
      given = dict(given) | {"x": state["scale"] * z}
    z = prior.sample(params, {}, k_z, n, given, **options)["x"]
    return decode(params, state, {"z": z / state["scale"]}, k_x)

  def calls(sampler="dpm_solver", steps=50, **options):
    each = prior.calls(sampler=sampler, steps=steps, **options), first.calls()  # Decoded once.
    return None if None in each else sum(each)

  def mean(params, state, latents):
    return first.parts["mean"](*state["frozen"]["first"], latents)

  parts = {"mean": mean} if "mean" in first.parts else {}
  if "denoise" in prior.parts:
    denoise = prior.parts["denoise"]  # It needs no state.
    parts["denoise"] = lambda params, state, x, level, c={}: denoise(params, {}, x, level, c)
  return Model(
    init,
    loss,
    sample,
    encode=encode,
    decode=decode,
    given=prior.given,
    latents=first.latents,
    calls=calls,
    parts=parts,
  )
