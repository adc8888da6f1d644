"""The networks of diffusion models: a config's `network=dict(name="unet", hidden=(32, 64))`.

Each function here is a network by its name; its keyword arguments are the other keys. All give the
same kind of module, `nn.denoiser.Denoiser`: (x [B, *shape], noise [B], condition) -> float32
[B, *shape[:-1], outputs * shape[-1]], 0 at the start.
"""

from collections.abc import Mapping
import inspect
import math

import flax.linen as nn

from genjax_zoo.core import Field, UserError, check_sizes, nearest
from genjax_zoo.nn.denoiser import Denoiser, ResidualMLP
from genjax_zoo.nn.dit import DiT
from genjax_zoo.nn.unet import UNet


def unet(
  channels: int,
  *,
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  fourier: tuple[int, ...] = (),
  dropout: float = 0.0,
  dtype: str = "float32",
  **condition,
) -> nn.Module:
  """A U-Net: `hidden` are the widths of its resolutions, each with `blocks` residual blocks.

  Pixels attend to each other at the heights `attention`. `patch` x `patch` pixels become channels
  first; `fourier` are the frequencies 2^n of the input's Fourier features.
  """
  out = channels * patch**2
  body = UNet(hidden, out, blocks, attention, dropout=dropout, dtype=dtype, **condition)
  return Denoiser(body, patch, fourier, body.fields)


def dit(
  channels: int,
  axes: int,
  *,
  width: int = 64,
  depth: int = 2,
  patch: int = 1,
  frames: int = 1,
  causal: bool = False,
  fourier: tuple[int, ...] = (),
  dropout: float = 0.0,
  dtype: str = "float32",
  **condition,
) -> nn.Module:
  """A diffusion transformer of `depth` blocks, of data with 1 to 3 `axes` before the channels.

  A token is a patch of `patch` x `patch` pixels of an image, and of `frames` frames of a video or
  of a sequence of frames; there, with `causal`, no frame depends on a later one. Raises UserError
  for a width that sinusoids of rows and columns don't fit.
  """
  if width % 4:
    raise UserError(f"model.network.width={width}: a 'dit' needs a multiple of 4")
  sizes = patch_sizes(axes, patch, frames)
  out = channels * math.prod(sizes)
  body = DiT(width, depth, out, dropout=dropout, dtype=dtype, causal=causal, **condition)
  return Denoiser(body, sizes, fourier, body.fields)


def patch_sizes(axes: int, patch: int, frames: int) -> tuple[int, ...]:
  """The size of a patch along time; height and width; or all three."""
  return {1: (frames,), 2: (patch, patch), 3: (frames, patch, patch)}[axes]


def mlp(
  channels: int,
  *,
  hidden: tuple[int, ...] = (256, 256),
  fourier: tuple[int, ...] = (),
  dropout: float = 0.0,
  dtype: str = "float32",
  **condition,
) -> nn.Module:
  """Residual layers of the widths `hidden` on the flattened data, whose numbers are `channels`."""
  body = ResidualMLP(hidden, channels, dropout=dropout, dtype=dtype, **condition)
  return Denoiser(body, 0, fourier, body.fields)


def set_transformer(
  channels: int,
  *,
  width: int = 64,
  depth: int = 3,
  fourier: tuple[int, ...] = (),
  dropout: float = 0.0,
  dtype: str = "float32",
  **condition,
) -> nn.Module:
  """A transformer of sets [N, C], such as point clouds: permuting x permutes its output.

  `depth` blocks of the diffusion transformer; `fourier` are those of `unet`.
  """
  body = DiT(width, depth, channels, dropout=dropout, dtype=dtype, places=False, **condition)
  return Denoiser(body, 1, fourier, body.fields)


NETWORKS = {"unet": unet, "dit": dit, "mlp": mlp, "set": set_transformer}


def make_network(
  network: Mapping,
  shape: tuple[int, ...],
  outputs: int = 1,
  fields: Mapping[str, Field] = {},
  nulls: tuple[str, ...] = (),
) -> nn.Module:
  """The network that a config describes, for data [B, *shape] and a condition of `fields`.

  It has `outputs` values for each of x's; `nulls` are the entries of the condition that may be
  unknown. Raises UserError for a network that the data do not fit.
  """
  options = dict(network)
  name = options.pop("name", "unet")
  if name not in NETWORKS:
    known = ", ".join(NETWORKS)
    raise UserError(f"unknown model.network.name={name!r}{nearest(name, NETWORKS)}; take {known}")
  if not options.get("hidden", True):
    raise UserError("model.network.hidden=(): a network has at least one width")
  parameters = inspect.signature(NETWORKS[name]).parameters
  check_sizes("model.network", options, {k: p.default for k, p in parameters.items()})
  check_condition(shape, fields)
  options |= dict(fields=tuple(fields.items()), nulls=nulls)
  if name == "mlp":
    return mlp(outputs * math.prod(shape), **options)
  if name == "set":
    if len(shape) != 2:
      raise UserError(
        f"model.network.name='set' is of sets [N, C] and the data have the shape {shape}"
      )
    return set_transformer(outputs * shape[-1], **options)
  check_axes(name, shape, options)
  if name == "dit":
    return dit(outputs * shape[-1], len(shape) - 1, **options)
  return unet(outputs * shape[-1], **options)


def check_axes(name: str, shape: tuple[int, ...], options: Mapping):
  """Raises UserError for data [B, *shape] that a network of places, or its patches, do not fit."""
  if len(shape) not in ((2, 3, 4) if name == "dit" else (3,)):
    kinds = "sequences [T, C], images [H, W, C] or videos" if name == "dit" else "images [H, W, C]"
    raise UserError(
      f"model.network.name={name!r} is of {kinds} and the data have the shape {shape}: "
      "take 'mlp', or 'set' of point clouds"
    )
  patch = options.get("patch", 1)
  frames = options.get("frames", 1)
  sizes = patch_sizes(len(shape) - 1, patch, frames)
  if any(size % part for size, part in zip(shape, sizes)):
    if len(shape) != 3 and shape[0] % frames:
      raise UserError(f"model.network.frames={frames} must divide the {shape[0]} frames")
    raise UserError(
      f"model.network.patch={patch} must divide the image's height and width, "
      f"{shape[-3]} x {shape[-2]}"
    )


def check_condition(shape: tuple[int, ...], fields: Mapping[str, Field]):
  """Raises UserError for an entry of a condition that no network of data [B, *shape] takes."""
  for name, field in fields.items():
    axes = len(field.shape)
    is_map = axes == 2 and field.num_values
    if field.kind == "states":  # Of words, which attention takes beside data of any shape.
      continue
    if axes > 1 and not (len(shape) == 3 and (axes == 3 or is_map)):
      raise UserError(
        f"model.condition: no network of data of the shape {shape} takes {name!r}, of the shape "
        f"{field.shape}"
      )
