"""VAE of the frames of videos, each on its own (Blattmann 2023, arXiv:2304.08818).

The first stage of video diffusion in latents. A video [T, H, W, C] becomes T latents of `latent`
numbers, {"z": [B, T, latent]}. Its frames are independent given them, and the model is that of
vae.py for each frame:

  loss = mean over frames of -log p(frame | z) + kl(q(z | frame) || N(0, I))

As a model of whole videos it is a poor one: its prior draws every frame anew. What moves is left to
the second stage, video_diffusion.py.

Departure: `scale` is fixed and small, so that the KL is small beside the reconstruction: latents
are to be a compression (as in Rombach 2022, arXiv:2112.10752), and need not look like N(0, I).
"""

import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.latent_variable import vae


def folded(batch) -> dict:
  """The frames of a batch of videos as images [B T, H, W, C]."""
  video = batch["video"]
  return {"image": video.reshape(-1, *video.shape[2:])}


def unfolded(x, n: int):
  """What is of each frame, [n T, ...], as [n, T, ...]."""
  return x.reshape(n, -1, *x.shape[1:])


def model(
  data,
  *,
  latent: int = 32,
  hidden: tuple[int, ...] = (384, 256),
  network: str = "mlp",
  scale: float = 0.035,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE of the frames of "video", with `latent` dimensions a frame.

  `hidden`, `network` and `scale` are those of vae.py; p(frame | z) is Gaussian. Raises UserError
  for data without videos.
  """
  if "video" not in data:
    raise UserError(
      f"frame_vae is of 'video', and the data have {', '.join(data)}: choose videos, or 'vae'"
    )
  field = data["video"]
  frame = field._replace(shape=field.shape[1:], kind="image")
  of_frames = vae.model(
    {"image": frame},
    latent=latent,
    hidden=hidden,
    network=network,
    likelihood="gaussian",
    scale=scale,
    activation=activation,
    dtype=dtype,
  )

  def init(key, batch):
    return of_frames.init(key, folded(batch))

  def loss(params, state, batch, key, train):
    n = len(batch["video"])
    value, (changes, metrics) = of_frames.loss(params, state, folded(batch), key, train)
    means = {name: unfolded(x, n).mean(1) for name, x in metrics.items()}
    return unfolded(value, n).mean(1), (changes, means)

  def encode(params, state, batch, key):
    """The means of q(z | frame), {"z": [B, T, latent]}."""
    z = of_frames.encode(params, state, folded(batch), key)["z"]
    return {"z": unfolded(z, len(batch["video"]))}

  def mean(params, state, latents):
    """E[frame | z] of each frame, [B, T, H, W, C] in [0, 1]."""
    z = latents["z"]
    v = of_frames.parts["mean"](params, state, {"z": z.reshape(-1, latent)})
    return unfolded(v, len(z))

  def decode(params, state, latents, key):
    z = latents["z"]
    frames = of_frames.decode(params, state, {"z": z.reshape(-1, latent)}, key)["image"]
    return {"video": unfolded(frames, len(z))}

  return Model(
    init,
    loss,
    encode=encode,
    decode=decode,
    latents={"z": Field((field.shape[0], latent), np.float32)},
    parts={"mean": mean},
  )
