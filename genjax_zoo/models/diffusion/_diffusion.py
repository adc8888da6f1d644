"""What diffusion models share: their data as numbers, their networks, and a Model from a denoiser
and levels.

`denoise(params, state, x, level, label) -> x0_hat` is the mean of x_0 given x = alpha x_0 + sigma
eps, [B, ...], at a level of numbers [] or [B]; label [B] may be `classes`, none. The samplers of
`prob.samplers` take it from noise to data, with guidance on the way, and the probability-flow ODE
takes data to noise and back.
"""

from collections.abc import Callable
import functools
import inspect
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError, nearest
from genjax_zoo.models._form import entry, to_data, to_floats
from genjax_zoo.nn.denoiser import Denoiser, ResidualMLP
from genjax_zoo.nn.dit import DiT
from genjax_zoo.nn.unet import UNet
from genjax_zoo.prob import guidance, samplers
from genjax_zoo.prob.likelihood import ode_log_prob
from genjax_zoo.prob.schedules import ending_in_data, log_snr_level

SAMPLERS = (
  "ancestral",
  "ddim",
  "renoise",
  "heun",
  "dpm_solver",
  "dpm_solver_single",
  "euler_maruyama",
  "annealed_langevin",
  "predictor_corrector",
)
RANDOM = ("ancestral", "predictor_corrector")  # Those that take a variance.
# log SNR below which DPM-Solver takes one step; steps of a path that show where it ends.
NOISE, FINE = -9.0, 1000
INVERSION = 50  # Steps of `encode` and `decode`, at most.
FEW = 4  # The trace of the ODE is exact by default for data of so many numbers.


class Space(NamedTuple):
  """What is modelled of a batch, "image" or "x", as numbers; `classes` counts the labels that the
  model is told.
  """

  name: str
  field: Field
  classes: int = 0

  @property
  def shape(self) -> tuple[int, ...]:
    return self.field.shape

  @property
  def num_values(self) -> int | None:
    return self.field.num_values

  @property
  def dim(self) -> int:
    return math.prod(self.shape)

  def floats(self, batch):
    """x_0 [B, *shape]: gray levels in [-1, 1], real numbers as they are."""
    return to_floats(batch[self.name], self.field)

  def to_data(self, x) -> dict:
    """x_0 in the form of the data."""
    return {self.name: to_data(x, self.field)}


def space(data, conditional: bool = False) -> Space:
  """The Space of some data. Raises UserError where a conditional model has no labels to be told."""
  if conditional and ("label" not in data or not data["label"].num_values):
    raise UserError("model.conditional wants data with a 'label'")
  return Space(*entry(data), data["label"].num_values if conditional else 0)


def check(**choices):
  """Raises UserError for a value that is not among those known: key=(value, known)."""
  for key, (value, known) in choices.items():
    if value not in known:
      raise UserError(
        f"{key}={value!r} is unknown{nearest(str(value), known)}; there are {', '.join(known)}"
      )


def network(
  name: str,
  shape: tuple[int, ...],
  hidden: tuple[int, ...],
  *,
  outputs: int = 1,
  classes: int = 0,
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  octaves: tuple[int, ...] = (),
  dtype: str = "float32",
) -> nn.Module:
  """The network of this name on data [B, *shape], 0 at the start; `nn.denoiser.Denoiser` says what
  it takes.

  `hidden` are the widths: of each resolution of a "unet", with `blocks` residual blocks and
  attention at heights `attention`; of each transformer block of a "dit", all alike; of each
  residual layer of an "mlp". Of images `patch` x `patch` pixels become channels first; `octaves`
  are seen too. `outputs` numbers are given for each of x's; `classes` counts the labels, and label
  `classes` is none. Raises UserError for a network that the data don't fit.
  """
  check(**{"model.network": (name, ("unet", "dit", "mlp"))})
  if not hidden:
    raise UserError("model.hidden=(): a network has at least one width")
  out, common = outputs * shape[-1], dict(classes=classes, dropout=dropout, dtype=dtype)
  if name == "mlp":
    return Denoiser(ResidualMLP(hidden, outputs * math.prod(shape), **common), 0, octaves)
  if len(shape) != 3:
    raise UserError(
      f"model.network={name!r} wants images [H, W, C] and the data have the shape {shape}: take 'mlp'"
    )
  if shape[0] % patch or shape[1] % patch:
    raise UserError(
      f"model.patch={patch} must divide the image's height and width, {shape[0]} x {shape[1]}"
    )
  out *= patch**2
  if name == "unet":
    return Denoiser(UNet(hidden, out, blocks=blocks, attention=attention, **common), patch, octaves)
  if len(set(hidden)) > 1 or hidden[0] % 4:
    raise UserError(
      f"model.hidden={hidden}: a 'dit' wants one width, a multiple of 4, for all its blocks"
    )
  return Denoiser(DiT(hidden[0], len(hidden), out, **common), patch, octaves)


def column(a, x):
  """Numbers a, [] or [B], with as many axes as x [B, ...]."""
  return jnp.reshape(a, (-1, *[1] * (x.ndim - 1)))


def functions(space: Space, net: nn.Module) -> tuple[Callable, Callable]:
  """(init, apply) of a network, for params {"net"}.

  init(key, batch) -> (params, {}). apply(params, x, noise, label, key=None) -> [B, ...], noise []
  or [B] and `key` that of dropout in training.
  """

  def init(key, batch):
    n = len(batch[space.name])
    label = jnp.zeros(n, jnp.int32) if space.classes else None
    return {"net": net.init(key, jnp.zeros((n, *space.shape)), jnp.zeros(n), label)["params"]}, {}

  def apply(params, x, noise, label, key=None):
    rngs = {"dropout": key} if key is not None else {}
    noise = jnp.broadcast_to(noise, len(x))
    return net.apply({"params": params["net"]}, x, noise, label, train=key is not None, rngs=rngs)

  return init, apply


def told(space: Space, batch, key=None, drop: float = 0.0):
  """The labels [B] that a network is told, None where it takes none; each left out with probability
  `drop`.
  """
  if not space.classes:
    return None
  label = batch["label"]
  return (
    jnp.where(jax.random.bernoulli(key, drop, label.shape), space.classes, label) if drop else label
  )


def filled(space: Space, batch, key):
  """x_0 [B, ...], the cells of integers filled with uniform noise, as a density wants it."""
  x0 = space.floats(batch)
  return (
    x0 + cell(space) * jax.random.uniform(key, x0.shape, minval=-0.5, maxval=0.5)
    if space.num_values
    else x0
  )


def cell(space: Space) -> float:
  """The width of a gray level in `floats`."""
  return 2 / (space.num_values - 1)


def ode(space: Space, denoise: Callable, low: float, high: float) -> dict:
  """Entries of a Model whose density is that of its probability-flow ODE, from sigma / alpha =
  `low` to `high`.

  `denoise` must take levels (1, sigma). Integers are bounded by uniform dequantisation, which
  training must know.
  """

  def log_prob(params, state, batch, key, steps=50, k=0 if space.dim <= FEW else 1):
    """log p(x), nats [B], by 4 `steps` evaluations; the trace by `k` random directions, or all of
    them for 0.
    """
    k_fill, key = jax.random.split(key)
    label = told(space, batch)
    f = lambda x, level: denoise(params, state, x, level, label)
    nats = ode_log_prob(f, filled(space, batch, k_fill), key, low, high, steps, k)
    return nats + space.dim * math.log(cell(space)) if space.num_values else nats

  kind, noise = ("lower_bound", "uniform") if space.num_values else ("estimate", None)
  return {"log_prob": log_prob, "likelihood": {"ode": kind}, "dequantization": noise}


def diffusion(
  space: Space,
  init,
  loss,
  denoise: Callable,
  path: Callable,
  *,
  sampler: str = "ancestral",
  steps: int,
  most: int = 0,
  variance: str | Callable = "small",
  **about,
) -> Model:
  """The Model of a denoiser; `path(steps)` gives the levels [steps + 1] from noise to data, `most`
  of steps if not 0.

  `sampler` and `steps` are what `sample` takes by default; `variance` is that of the ancestral
  sampler, or v(params, state, x, level, label) if that is learned. `about` are further entries of
  the Model.
  """

  def denoiser(params, state, label, scale=None, rescale=0.0, interval=None, threshold=None):
    """x0_hat as a function of (x, level), guided, and in the range of images."""
    if scale is None:
      f = lambda x, level: denoise(params, state, x, level, label)
    else:
      strength = guidance.interval(scale, *interval) if interval else scale
      tell = lambda x, level, label: denoise(params, state, x, level, label)
      f = guidance.classifier_free(
        tell, label, jnp.full_like(label, space.classes), strength, rescale
      )
    if threshold is not None:
      return guidance.dynamic_threshold(f, threshold)
    return guidance.clipped(f) if space.num_values else f

  def noise(key, n, path):
    """N(0, I) of a process that preserves variance, wherever it ends; N(0, sigma²) where sigma ends
    far above 1.
    """
    return jnp.hypot(path.alpha[0], path.sigma[0]) * jax.random.normal(key, (n, *space.shape))

  def given_label(given, n):
    """The labels [n] to be told: none where none are given; None where the model takes none."""
    return given.get("label", jnp.full(n, space.classes)) if space.classes else None

  def levels(steps, even=False):
    """`path(steps)`, or as many levels between its ends, evenly spaced in the logarithm of the SNR
    where it matters.
    """
    if steps < 1 or (most and steps > most):
      raise UserError(f"sample.steps={steps}: it must be from 1 to {most or 'any number'}")
    if not even:
      return path(steps)
    first, *_, last, _ = path(most or FINE).log_snr
    return ending_in_data(
      log_snr_level(jnp.linspace(jnp.maximum(first, NOISE), last, steps).at[0].set(first))
    )

  def plan(name, steps, scale, options):
    """(the sampler of this name, f(denoise, x, levels, key), levels). Raises UserError for what
    can't be done.
    """
    check(**{"sample.sampler": (name, SAMPLERS)})
    own = tuple(inspect.signature(getattr(samplers, name)).parameters)[4:]
    if wrong := options.keys() - set(own):
      raise UserError(
        f"sample.{min(wrong)}: {name} takes {', '.join(own) or 'no options'}{nearest(min(wrong), own)}"
      )
    if name == "dpm_solver_single" and steps % 2:
      raise UserError(f"sample.steps={steps}: dpm_solver_single takes steps two at a time")
    if scale is not None and not space.classes:
      raise UserError("sample.scale wants a model that is told labels: model.conditional=true")
    return functools.partial(getattr(samplers, name), **options), levels(
      steps, name == "dpm_solver"
    )

  def sample(
    params,
    state,
    key,
    n,
    given={},
    sampler=sampler,
    steps=steps,
    scale=None,
    rescale=0.0,
    interval=None,
    threshold=None,
    repeats=10,
    **options,
  ):
    """n samples by one of SAMPLERS with its own `options`, in `steps`.

    `scale` is that of classifier-free guidance, at noise sigma / alpha in `interval`; `rescale` as
    there. x0_hat of images is clipped, or thresholded at the quantile `threshold`. Given an example
    and "known" [n, ...], 1 or True where it is to be kept, what is unknown is painted in, `repeats`
    times at each level.
    """
    k_x, key = jax.random.split(key)
    label = given_label(given, n)
    if sampler == "annealed_langevin":
      options |= {"repeats": repeats}
    if sampler in RANDOM and "variance" not in options:
      tell = lambda x, level: variance(params, state, x, level, label)
      options |= {"variance": tell if callable(variance) else variance}
    solve, along = plan(sampler, steps, scale, options)
    f, x = denoiser(params, state, label, scale, rescale, interval, threshold), noise(k_x, n, along)
    if "known" in given:
      mask = jnp.broadcast_to(given["known"], x.shape)
      return space.to_data(samplers.repaint(f, x, along, key, space.floats(given), mask, repeats))
    return space.to_data(solve(f, x, along, key))

  def calls(
    sampler=sampler,
    steps=steps,
    scale=None,
    rescale=0.0,
    interval=None,
    threshold=None,
    repeats=10,
    **options,
  ):
    jax.eval_shape(lambda: plan(sampler, steps, scale, options)[1])  # For its errors alone.
    times = samplers.evaluations(sampler, steps, repeats=repeats)
    # A learned variance is the network's without guidance: then it comes with x0_hat, else it is a
    # call of its own.
    learned = callable(variance) and sampler in RANDOM and "variance" not in options
    return times if scale is None else 2 * times + learned * steps

  def chain(params, state, key, n, given={}, frames=8, sampler="ddim", **options):
    """(x, x0_hat), each [frames, n, ...]: n samples on the way from noise to data, at the levels of
    `path(frames)`.
    """
    k_x, key = jax.random.split(key)
    f = denoiser(params, state, given_label(given, n), **options)
    advance, along = plan(sampler, frames, options.get("scale"), {})

    def step(x, i_key):
      i, key = i_key
      return advance(f, x, along.at(jnp.stack([i, i + 1])), key), (x, f(x, along.at(i)))

    return jax.lax.scan(
      step, noise(k_x, n, along), (jnp.arange(frames), jax.random.split(key, frames))
    )[1]

  inversion = min(INVERSION, most or INVERSION)

  def encode(params, state, batch, key):
    """The noise "z" that the probability-flow ODE takes to the data, by Heun's rule; with the label
    that it was told.

    (DDIM inversion, 2010.02502, section 5.4, by a rule of order 2.) It starts at the first noisy
    level, without noise.
    """
    label = told(space, batch)
    f = denoiser(params, state, label)
    back = path(inversion).at(slice(-2, None, -1))
    z = samplers.heun(f, back.alpha[0] * space.floats(batch), back, key) / back.sigma[-1]
    return {"z": z} | ({"label": label} if space.classes else {})

  def decode(params, state, latents, key):
    along = path(inversion)
    f = denoiser(params, state, given_label(latents, len(latents["z"])))
    return space.to_data(samplers.heun(f, along.sigma[0] * latents["z"], along, key))

  parts = {"denoise": denoise, "path": levels, "chain": chain} | about.pop("parts", {})
  given = ("label",) if space.classes else ()
  return Model(
    init, loss, sample, encode=encode, decode=decode, given=given, calls=calls, parts=parts, **about
  )
