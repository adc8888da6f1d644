"""What is compared: a model of each family, on random images."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from genjax_zoo.prob.processes import convert
from genjax_zoo.prob.schedules import NoiseLevel


class Workload(NamedTuple):
  """A model, by the name and options of its config, and its twin in PyTorch."""

  name: str
  model: dict
  twin: str  # "module.function" of `twins`.
  inputs: Callable  # (rng, B, workload) -> arrays, those that `compared` takes
  compared: Callable  # (model, params, **inputs) -> what both must compute alike
  size: int = 28
  channels: int = 1
  levels: int = 2
  batch: int = 64
  steps: int = 50  # A dispatch.
  drawn: int = 64  # Samples at a time.
  sample: dict = {}  # Options of our `sample`.
  naive: dict | None = None  # Those without our caches.


def images(rng, n, w):
  return {"image": rng.integers(0, w.levels, (n, w.size, w.size, w.channels)).astype(np.uint8)}


def noisy(rng, n, w):
  shape = n, w.size, w.size, w.channels
  return {"x": rng.normal(size=shape).astype("f4"), "noise": rng.uniform(-3, 3, n).astype("f4")}


def latents(rng, n, w):
  return {"z": rng.normal(size=(n, w.model["latent"])).astype("f4")}


def reconstruction(model, params, image):
  z = model.encode(params, {}, {"image": image}, None)
  return model.parts["mean"](params, {}, z)


def numbers(model, params, image):
  return model.parts["numbers"](params, image.reshape(len(image), -1).astype(int), {})


def code(model, params, image):
  return model.encode(params, {}, {"image": image}, None)["z"]


def realism(model, params, z):
  return model.parts["realism"](params, {}, {"z": z})


def predicted_noise(model, params, x, noise):
  """eps_hat of x at noise log(sigma / alpha)."""
  level = NoiseLevel(jnp.cos(angle := jnp.arctan(jnp.exp(noise))), jnp.sin(angle))
  return convert(model.parts["denoise"](params, {}, x, level, None), x, level, "x0", "eps")


UNET = dict(name="ddpm", T=200, schedule="cosine", network="unet", hidden=(32, 64))
DIT = dict(name="ddpm", T=200, schedule="cosine", network="dit", hidden=(128,) * 4, patch=2)
PIXELCNN = dict(name="gated_pixelcnn", width=32, layers=4, first=5)
TRANSFORMER = dict(name="pixel_transformer", width=64, layers=3, heads=4)
WGAN = dict(name="wgan", latent=16, hidden=(256, 256), n_critic=5)
CONV = dict(name="vae", network="conv", hidden=(32, 64))
GLOW = dict(name="glow", levels=2, depth=8, width=64)
DIGITS = dict(size=8, levels=17)
DIFFUSED = dict(size=16, levels=256, steps=10, sample=dict(sampler="ancestral", steps=50))
WALKED = dict(naive=dict(cached=False), drawn=16)

WORKLOADS = [
  Workload(
    "vae", dict(name="vae", hidden=(400,)), "vae.VAE", images, reconstruction, batch=100, drawn=1000
  ),
  Workload("conv_vae", CONV, "vae.VAE", images, reconstruction, steps=10, drawn=256),
  Workload(
    "gated_pixelcnn",
    PIXELCNN,
    "autoregressive.gated_pixelcnn",
    images,
    numbers,
    size=16,
    steps=10,
    **WALKED,
  ),
  Workload(
    "transformer",
    TRANSFORMER,
    "autoregressive.pixel_transformer",
    images,
    numbers,
    **DIGITS,
    **WALKED,
  ),
  Workload("glow", GLOW, "flow.Glow", images, code, batch=100, drawn=256, **DIGITS),
  Workload("wgan_gp", WGAN, "gan.WGAN", latents, realism, batch=320, drawn=1000, **DIGITS),
  Workload("ddpm", UNET, "diffusion.Diffusion", noisy, predicted_noise, **DIFFUSED),
  Workload("dit", DIT, "diffusion.Diffusion", noisy, predicted_noise, **DIFFUSED),
]

COLOUR = dict(size=32, channels=3, steps=50)
ON_GPU = {  # What a CPU is too slow for.
  "conv_vae": dict(steps=50),
  "gated_pixelcnn": dict(size=32, steps=50, model=PIXELCNN | dict(width=64, layers=7)),
  "ddpm": COLOUR | dict(model=UNET | dict(hidden=(128, 256, 256), dtype="bfloat16"), batch=128),
  "dit": COLOUR | dict(model=DIT | dict(hidden=(384,) * 12, dtype="bfloat16"), batch=256),
}
