"""The models that are compared: one or two of each family, on random images."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from genjax_zoo.prob.processes import convert
from genjax_zoo.prob.schedules import NoiseLevel


class Workload(NamedTuple):
  """A model, by the name and options of its config, and its twin in PyTorch, if it has one."""

  name: str
  model: dict
  twin: str = ""  # "module.function" in `twins`.
  inputs: Callable | None = None  # (rng, B, workload) -> {name: array}, the inputs of `compared`.
  compared: Callable | None = None  # (model, params, **inputs) -> outputs the twin must equal.
  vector: int = 0  # The size of vectors, in place of images.
  size: int = 28
  channels: int = 1
  num_values: int = 2
  batch: int = 64
  steps: int = 50  # A dispatch.
  samples: int = 64  # Drawn at a time.
  sample: dict = {}  # Options of our `sample`.
  naive: dict | None = None  # Options of `sample` that turn our caches off.

  @property
  def dtype(self) -> str:
    """The precision of the network; a diffusion model's network is a section of its own."""
    network = self.model.get("network")
    options = network if isinstance(network, dict) else self.model
    return options.get("dtype", "float32")

  def in_float32(self) -> "Workload":
    """The same in full precision."""
    if self.dtype == "float32":
      return self
    network = self.model["network"] | {"dtype": "float32"}
    return self._replace(model=self.model | {"network": network})


def images(rng, n, w):
  shape = n, w.size, w.size, w.channels
  return {"image": rng.integers(0, w.num_values, shape).astype(np.uint8)}


def noisy_images(rng, n, w):
  shape = n, w.size, w.size, w.channels
  x = rng.normal(size=shape).astype("f4")
  noise = rng.uniform(-3, 3, n).astype("f4")
  return {"x": x, "noise": noise}


def latents(rng, n, w):
  return {"z": rng.normal(size=(n, w.model["latent"])).astype("f4")}


def reconstruction(model, params, image):
  z = model.encode(params, {}, {"image": image}, None)
  return model.parts["mean"](params, {}, z)


def conditionals(model, params, image):
  x = image.reshape(len(image), -1).astype(int)
  return model.parts["conditionals"](params, {}, x, {})


def code(model, params, image):
  return model.encode(params, {}, {"image": image}, None)["z"]


def realism(model, params, z):
  return model.parts["realism"](params, {}, {"z": z})


def predicted_noise(model, params, x, noise):
  """eps_hat of x at noise = log(sigma / alpha)."""
  angle = jnp.arctan(jnp.exp(noise))
  level = NoiseLevel(jnp.cos(angle), jnp.sin(angle))
  x0_hat = model.parts["denoise"](params, {}, x, level, {})
  return convert(x0_hat, x, level, "x0", "eps")


def unet(**options) -> dict:
  """A DDPM with a U-Net."""
  network = dict(name="unet") | options
  return dict(name="ddpm", T=200, schedule="cosine", network=network)


def dit(**options) -> dict:
  """A DDPM with a diffusion transformer."""
  network = dict(name="dit", patch=2) | options
  return dict(name="ddpm", T=200, schedule="cosine", network=network)


PIXELCNN = dict(name="gated_pixelcnn", width=32, layers=4, first=5)
TRANSFORMER = dict(name="pixel_transformer", width=64, layers=3, heads=4)
DIGITS = dict(size=8, num_values=17)
DIFFUSION = dict(
  twin="diffusion.Diffusion",
  inputs=noisy_images,
  compared=predicted_noise,
  size=16,
  num_values=256,
  steps=10,
  sample=dict(sampler="ancestral", steps=50),
)
CACHED = dict(naive=dict(cached=False), samples=16)

WORKLOADS = [
  Workload(
    "vae",
    dict(name="vae", hidden=(400,)),
    "vae.VAE",
    images,
    reconstruction,
    batch=100,
    samples=1000,
  ),
  Workload(
    "conv_vae",
    dict(name="vae", network="conv", hidden=(32, 64)),
    "vae.VAE",
    images,
    reconstruction,
    steps=10,
    samples=256,
  ),
  Workload(
    "gated_pixelcnn",
    PIXELCNN,
    "autoregressive.gated_pixelcnn",
    images,
    conditionals,
    size=16,
    steps=10,
    **CACHED,
  ),
  Workload(
    "transformer",
    TRANSFORMER,
    "autoregressive.pixel_transformer",
    images,
    conditionals,
    **DIGITS,
    **CACHED,
  ),
  Workload(
    "glow",
    dict(name="glow", scales=2, depth=8, width=64),
    "flow.Glow",
    images,
    code,
    batch=100,
    samples=256,
    **DIGITS,
  ),
  Workload(
    "wgan_gp",
    dict(name="wgan", latent=16, hidden=(256, 256), n_critic=5),
    "gan.WGAN",
    latents,
    realism,
    batch=320,
    samples=1000,
    **DIGITS,
  ),
  Workload("ddpm", unet(hidden=(32, 64)), **DIFFUSION),
  Workload("dit", dit(width=128, depth=4), **DIFFUSION),
]
BY_NAME = {w.name: w for w in WORKLOADS}

# What is changed on a GPU: sizes for which a CPU is too slow.
ON_GPU = {
  "conv_vae": dict(steps=50),
  "gated_pixelcnn": dict(size=32, steps=50, model=PIXELCNN | dict(width=64, layers=7)),
  "ddpm": dict(
    model=unet(hidden=(128, 256, 256), dtype="bfloat16"),
    size=32,
    channels=3,
    steps=50,
    batch=128,
  ),
  "dit": dict(
    model=dit(width=384, depth=12, dtype="bfloat16"),
    size=32,
    channels=3,
    steps=50,
    batch=256,
  ),
}
