"""Video diffusion: all frames at once, from a caption, from first frames, or window by window.

(Ho 2022, arXiv:2204.03458.) x_0 [B, T, ...] are the frames of a video, or their latents where there
is a `first` stage, an autoencoder of frames (frame_vae.py). The network, a transformer of patches
in space and time (nn/dit.py), is given known frames as they are, the others with noise, and one
more channel that says which is which; it predicts v of the others:

  loss = |v - v_hat|² / D, 0 at known frames,   x_t = alpha_t x_0 + sigma_t eps,   t ~ U{1..T}

In training a video has known frames with probability `masked`, its first m ~ U{1..T - 1} (Voleti
2022, MCVD, arXiv:2205.09853). So one network does three things:

  sample       whole videos, of captions by classifier-free guidance
  prediction   `given` also has "video" and what is "known" of it, as RePaint is given it: known
               frames stay, the others are made (video_prediction.py)
  windows      of a video longer than `window` the network sees a part of so many frames. It samples
               the first one, and then the next, given the last `overlap` frames before it (Harvey
               2022, arXiv:2205.11495)

In training a window without known frames is the first of its video, as in sampling; one with known
frames may be anywhere.

Departures: a transformer for the paper's 3-D U-Net; known frames by training with them in place of
its guidance by their reconstruction; no training on single images besides; v and the cosine
schedule, as in latent_diffusion.py.
"""

from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
from jax import lax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields, drop as drop_condition
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.models.diffusion._sampling import Diffusion, check_sampling, sample_diffusion
from genjax_zoo.models.diffusion._space import Space, apply_network, space_of
from genjax_zoo.models.diffusion.ddpm import Chain, simple_loss
from genjax_zoo.models.diffusion.latent_diffusion import check_first, in_latents
from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.samplers import noise_of


def known_frames(key, n: int, frames: int, masked: float):
  """Which frames are known, bool [n, frames]: the first m ~ U{1..frames - 1}, or none.

  There are some with probability `masked`.
  """
  k_any, k_m = jax.random.split(key)
  m = jax.random.randint(k_m, (n,), 1, frames)
  m = jnp.where(jax.random.bernoulli(k_any, masked, (n,)), m, 0)
  return jnp.arange(frames)[None] < m[:, None]


def windows_of(x, start, window: int):
  """`window` frames of each video of x [B, T, ...], from the frame start [B] on."""
  return jax.vmap(lambda x, i: lax.dynamic_slice_in_dim(x, i, window))(x, start)


def window_starts(frames: int, window: int, overlap: int) -> list[int]:
  """Where windows begin that cover `frames`, each with `overlap` frames of the one before it.

  The last one ends with the video, and may have more.
  """
  starts = [0]
  while starts[-1] + window < frames:
    starts.append(min(starts[-1] + window - overlap, frames - window))
  return starts


def network_input(x, x0, known):
  """x [B, T, ..., C] with x_0 at frames that are `known`, bool [B, T], and a channel of these."""
  known = of_frames(known, x)
  flag = jnp.broadcast_to(known, (*x.shape[:-1], 1)).astype(x.dtype)
  return jnp.concatenate([jnp.where(known, x0, x), flag], -1)


def of_frames(known, x):
  """known [B, T] with as many axes as x [B, T, ...]."""
  return known.reshape(*known.shape, *[1] * (x.ndim - 2))


def with_known(prediction, x, x0, level, known):
  """(x0_hat, eps_hat) of a network, exact at known frames: there x_0 is known, and so the noise."""
  x0_hat, eps_hat = prediction
  known = of_frames(known, x)
  eps = noise_of(x, x0, processes.aligned(level, x))
  return jnp.where(known, x0, x0_hat), jnp.where(known, eps, eps_hat)


def check_windows(window: int, overlap: int, frames: int):
  """Raises UserError for windows that a video of so many frames can't have."""
  if not 2 <= window <= frames:
    raise UserError(f"model.window={window}: take 2 to {frames}, the frames of the data")
  if not 1 <= overlap < window:
    raise UserError(f"model.overlap={overlap}: take 1 to {window - 1}, less than the window")


class Frames(NamedTuple):
  """What is denoised: windows of videos, by one network."""

  whole: Space  # Of a video [T, ...],
  part: Space  # and of a window of it.
  chain: Chain
  net: nn.Module
  starts: list[int]  # Of the windows that cover a video.

  @property
  def window(self) -> int:
    """The frames of a window."""
    return self.part.shape[0]


def frames_of(
  data: Mapping[str, Field],
  condition: tuple[str, ...],
  window: int,
  overlap: int,
  T: int,
  network: Mapping,
  drop: float,
) -> Frames:
  """The Frames of the modelled entry of some data; a `window` of 0 is of all frames."""
  whole = space_of(data, condition, drop)
  frames = whole.shape[0]
  window = window or frames
  check_windows(window, overlap, frames)
  field = whole.field._replace(shape=(window, *whole.shape[1:]))
  part = whole._replace(field=field)
  fields = whole.condition_fields
  net = make_network(network, part.shape, 1, fields, nulls=tuple(fields))
  chain = Chain(part, schedules.cosine(T), "small")
  return Frames(whole, part, chain, net, window_starts(frames, window, overlap))


def predictor(f: Frames, params, c, x0, known, key=None):
  """(x, level) -> (x0_hat, eps_hat, None) of windows, given known frames of x0 and a condition."""

  def predict(x, level):
    seen = network_input(x, x0, known)
    v = apply_network(f.net, params["net"], seen, -level.log_snr / 2, c, key)
    split = processes.split(v, x, level, "v")
    return *with_known(split, x, x0, level, known), None

  return predict


def diffusion_of_window(f: Frames, n: int, x0=None, known=None) -> Diffusion:
  """What n windows are sampled from, given their known frames."""

  def denoise(params, state, x, level, c):
    copies = len(x) // n  # Guidance asks for all examples under several conditions at once.
    of_copies = (jnp.concatenate([a] * copies) for a in (x0, known))
    return predictor(f, params, c, *of_copies)(x, level)[0]

  path = lambda steps: schedules.respaced(f.chain.levels, steps)
  return Diffusion(f.part, denoise, path, f.chain.T, "small")


def sample_windows(f: Frames, params, state, key, x0, known, given, **options):
  """x_0 [n, T, ...] with all frames that are not `known`, bool [n, T], sampled window by window."""

  def make(carry, inputs):
    """Fills a window of the video, and all of it is known."""
    start, key = inputs
    cut = lambda a: lax.dynamic_slice_in_dim(a, start, f.window, 1)
    paste = lambda a, part: lax.dynamic_update_slice_in_dim(a, part, start, 1)
    x0, known = carry
    process = diffusion_of_window(f, len(x0), cut(x0), cut(known))
    made = sample_diffusion(process, params, state, key, len(x0), given, **options)
    return (paste(x0, f.part.to_floats(made)), paste(known, jnp.ones_like(cut(known)))), None

  inputs = jnp.array(f.starts), jax.random.split(key, len(f.starts))
  return lax.scan(make, (x0, known), inputs)[0][0]


def frames_model(f: Frames, masked: float, drop: float) -> Model:
  """The Model of videos whose frames are denoised in the way of `f`."""
  name, fields = f.whole.name, f.whole.condition_fields
  frames = f.whole.shape[0]

  def init(key, batch):
    n = len(batch[name])
    x = jnp.zeros((n, *f.part.shape))
    x = network_input(x, x, jnp.zeros((n, f.window), bool))
    return {"net": f.net.init(key, x, jnp.zeros(n), f.part.condition({}, n))["params"]}, {}

  def loss(params, state, batch, key, train):
    k_drop, k_known, k_start, key = jax.random.split(key, 4)
    k_t, k_eps, k_dropout = jax.random.split(key, 3)
    n = len(batch[name])
    known = known_frames(k_known, n, f.window, masked)
    anywhere = jax.random.randint(k_start, (n,), 0, frames - f.window + 1)
    start = jnp.where(known.any(1), anywhere, 0)
    x0 = windows_of(f.whole.to_floats(batch), start, f.window)
    c = drop_condition(f.part.condition(batch, n), k_drop, drop if train else 0.0)
    t = jax.random.randint(k_t, (n,), 1, f.chain.T + 1)
    eps = jax.random.normal(k_eps, x0.shape)
    predict = predictor(f, params, c, x0, known, k_dropout if train else None)
    return simple_loss(predict, x0, t, eps, f.chain, "v"), ({}, {})

  def sample(params, state, key, n, given={}, sampler="dpm_solver", steps=50, **options):
    """n videos; of those `given` as "video" or "x", the frames "known" [n, frames, ...] stay."""
    known = jnp.zeros((n, frames), bool)
    x0 = jnp.zeros((n, *f.whole.shape))
    if "known" in given:
      known = given["known"].reshape(n, frames, -1)[..., 0] > 0
      x0 = f.whole.to_floats(given)
    conditions = {name: given[name] for name in fields if name in given}
    options |= {"sampler": sampler, "steps": steps}
    return f.whole.to_data(sample_windows(f, params, state, key, x0, known, conditions, **options))

  def calls(sampler="dpm_solver", steps=50, **options):
    of_window = check_sampling(diffusion_of_window(f, 1), sampler, steps, **options)
    return len(f.starts) * of_window

  return Model(init, loss, sample, given=fields, calls=calls)


def model(
  data,
  *,
  first: Model | None = None,
  window: int = 0,
  overlap: int = 2,
  masked: float = 0.5,
  T: int = 1000,
  network: Mapping = {"name": "dit"},
  condition: tuple[str, ...] = ("tokens",),
  drop: float = 0.1,
) -> Model:
  """Diffusion of "video", or of the latents "z" [T, ...] of the stage `first`, in T steps.

  The network sees `window` frames at once, 0 for all. The others are `masked`, `overlap` and those
  of `ddpm`. Raises UserError for data without videos, and for windows that these can't have.
  """
  if "video" not in data:
    raise UserError(
      f"video_diffusion is of 'video', and the data have {', '.join(data)}: choose videos"
    )
  options = condition, window, overlap, T, network, drop
  fields = condition_fields(data, condition)
  if first is None:
    return frames_model(frames_of({"video": data["video"]} | fields, *options), masked, drop)
  check_first(first)
  of_stage = first.latents["z"]  # Whose videos may be longer or shorter.
  z = of_stage._replace(shape=(data["video"].shape[0], *of_stage.shape[1:]))
  prior = frames_model(frames_of({"x": z} | fields, *options), masked, drop)
  return in_latents(first, prior)._replace(latents={"z": z})
