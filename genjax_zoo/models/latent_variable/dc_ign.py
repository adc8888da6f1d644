"""DC-IGN (Kulkarni 2015, arXiv:1503.03167): latents that are azimuth by what varies in a batch.

An example is an object from A azimuths, views [A, H, W, C]. Each view has a latent z = (own, rest),
as in vae.py. Where only one factor varies over a mini-batch, the latents of all others are clamped
to their mean over it, so that the decoder must find what varies in the latents that may vary:

  one object from all sides      rest is clamped to its mean over the views
  many objects from one side     own is clamped to its mean over the objects

  loss = mean over views of -log p(view | z) + beta kl + invariance |mean of q - clamped mean|²
  z = clamped mean + s eps

Half of the examples of a batch, drawn at random, are clamped in the first way, the others in the
second. Without `clamped` it is a beta-VAE of the views. To turn an object seen from one side, its
rest is decoded with the mean own latents of each azimuth, which training keeps in state["own"].

Departures: the gradient goes through the means, where the paper replaces it by the pull towards
them alone; azimuth and the object, not elevation and light; dense layers; every step has both
kinds of mini-batches.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.latent_variable import vae
from genjax_zoo.models.latent_variable._observation import unit
from genjax_zoo.prob.distributions import normal_sample
from genjax_zoo.prob.divergences import kl_standard_normal

DECAY = 0.99  # Of the running means of the own latents.


def views_field(data) -> Field:
  """The Field of "views" [A, H, W, C]. Raises UserError for data without them."""
  if "views" not in data:
    raise UserError(
      f"dc_ign is of 'views' of objects, and the data have {', '.join(data)}: take "
      "data.name=azimuth_chairs with data.turntable=True"
    )
  return data["views"]


def clamp(mean, azimuth: int, turns):
  """Means [B, A, D] whose latents of what does not vary are replaced by their mean.

  Where `turns` [B] the views of the object are a mini-batch, in which the `azimuth` first latents
  vary; elsewhere the objects seen from the same side are one, in which the others do.
  """
  own, rest = mean[..., :azimuth], mean[..., azimuth:]
  over_objects = jnp.broadcast_to(own.mean(0, keepdims=True), own.shape)
  over_views = jnp.broadcast_to(rest.mean(1, keepdims=True), rest.shape)
  turns = turns[:, None, None]
  kept = jnp.where(turns, own, over_objects), jnp.where(turns, over_views, rest)
  return jnp.concatenate(kept, -1)


def turned(z, own, azimuth: int):
  """Latents [B, D] of one view as those of all views, [B, A, D]: `own` [A, azimuth] replaced."""
  rest = jnp.repeat(z[:, None, azimuth:], len(own), 1)
  return jnp.concatenate([jnp.broadcast_to(own[None], (len(z), *own.shape)), rest], -1)


def turned_error(made, x):
  """The mean squared error [B] of the other views, made of each view of x: [B, A, A, H, W, C]."""
  views = x.shape[1]
  error = ((made - x[:, None]) ** 2).mean((3, 4, 5))
  others = 1 - jnp.eye(views)[None]
  return (error * others).sum((1, 2)) / others.sum()


def one_view(key, x):
  """One of the views x [B, A, H, W, C] of each example, from a random side."""
  side = jax.random.randint(key, (len(x),), 0, x.shape[1])
  return jnp.take_along_axis(x, side[:, None, None, None, None], 1)[:, 0]


def explained(x, y):
  """The share R² of the variance of y [N, K] that is linear in x [N, D], by least squares."""
  centred = lambda a: a - a.mean(0, keepdims=True)
  x, y = centred(x), centred(y)
  coefficients, *_ = jnp.linalg.lstsq(x, y)
  return 1 - ((y - x @ coefficients) ** 2).sum() / (y**2).sum()


def azimuth_explained(azimuth: int, rows) -> dict:
  """{"azimuth_own", "azimuth_rest"}: R² of (cos, sin) of the azimuth from each part of "z"."""
  z = jnp.asarray(rows["z"])
  n, views, _ = z.shape
  angle = 2 * jnp.pi * jnp.arange(views) / views
  target = jnp.tile(jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1), (n, 1))
  z = z.reshape(n * views, -1)
  return {
    "azimuth_own": explained(z[:, :azimuth], target),
    "azimuth_rest": explained(z[:, azimuth:], target),
  }


def model(
  data,
  *,
  latent: int = 24,
  azimuth: int = 4,
  hidden: tuple[int, ...] = (384, 384),
  network: str = "mlp",
  scale: float = 0.05,
  invariance: float = 100.0,
  clamped: bool = True,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE of each of the "views", whose `azimuth` first of `latent` dimensions are the azimuth.

  It samples all views given "view", one of them. `hidden`, `network` and `scale` are those of
  vae.py; p(view | z) is Gaussian. Raises UserError for data without views.
  """
  field = views_field(data)
  views = field.shape[0]
  view = field._replace(shape=field.shape[1:], kind="image")
  of_view = vae.gaussian_vae(
    {"image": view}, latent, hidden, network, "gaussian", scale, activation, dtype
  )

  def init(key, batch):
    return of_view.init(key, {"image": batch["views"][:, 0]}), {"own": jnp.zeros((views, azimuth))}

  def posterior(params, batch):
    """(mean, logvar) of q(z | view), each [B, A, latent]."""
    x = batch["views"]
    found = of_view.posterior(params, {"image": x.reshape(-1, *view.shape)})
    return tuple(a.reshape(*x.shape[:2], latent) for a in found)

  def decoded(params, z):
    """E[view | z] in [0, 1], [..., H, W, C], of z [..., latent]."""
    out = of_view.decoder(params, z.reshape(-1, latent), {})
    return of_view.observation.mean(out).reshape(*z.shape[:-1], *view.shape)

  def loss(params, state, batch, key, train, beta=1.0):
    k_turns, k_z, k_x = jax.random.split(key, 3)
    x = batch["views"]
    mean, logvar = posterior(params, batch)
    kept = mean
    if clamped and train:
      turns = jax.random.bernoulli(k_turns, 0.5, (len(x),))
      kept = clamp(mean, azimuth, turns)
    z = normal_sample(k_z, kept, logvar / 2)
    flat = {"image": x.reshape(-1, *view.shape)}
    log_p = vae.log_likelihood(of_view, params, flat, z.reshape(-1, latent), k_x)
    metrics = {
      "reconstruction": -log_p.reshape(x.shape[:2]).mean(1),
      "kl": kl_standard_normal(mean, logvar).mean(1),
      "spread": ((mean - kept) ** 2).sum(-1).mean(1),
    }
    total = metrics["reconstruction"] + beta * metrics["kl"] + invariance * metrics["spread"]
    own = DECAY * state["own"] + (1 - DECAY) * mean[..., :azimuth].mean(0)
    return total, ({"own": jax.lax.stop_gradient(own)} if train else {}, metrics)

  def evaluate(params, state, batch, key):
    """The terms of the loss, "z" ~ q(z | view), and the mean squared error of the other views.

    The means of unused latents might have an azimuth that their noise hides from the decoder.
    """
    _, (_, metrics) = loss(params, state, batch, key, train=False)
    mean, logvar = posterior(params, batch)
    z = normal_sample(key, mean, logvar / 2)
    made = jax.vmap(lambda z: decoded(params, turned(z, state["own"], azimuth)), 1, 1)(mean)
    error = turned_error(made, unit(batch["views"], field.num_values))
    return metrics | {"turned_error": error, "z": z}

  def observe(params, state, batch, key):
    return {"view": one_view(key, batch["views"])}

  def sample(params, state, key, n, given={}):
    """All views of the objects of which "view" is given: E[views | z] of a z ~ q(z | view)."""
    mean, logvar = of_view.posterior(params, {"image": given["view"]})
    z = normal_sample(key, mean, logvar / 2)
    return to_batch(decoded(params, turned(z, state["own"], azimuth)))

  def to_batch(v):
    return {"views": of_view.observation.to_data(v)["image"]}

  def encode(params, state, batch, key):
    """The means of q(z | view), {"z": [B, A, latent]}."""
    return {"z": posterior(params, batch)[0]}

  return Model(
    init,
    loss,
    sample,
    encode=encode,
    decode=lambda params, state, latents, key: to_batch(decoded(params, latents["z"])),
    evaluate=evaluate,
    summary=partial(azimuth_explained, azimuth),
    given={"view": view},
    observe=observe,
    latents={"z": Field((views, latent), np.float32)},
    parts={"mean": lambda params, state, latents: decoded(params, latents["z"])},
  )
