"""How a video goes on after its first frames (Voleti 2022, arXiv:2205.09853).

A diffusion model that was trained on masked frames, video_diffusion.py, samples the others given
the first ones. Nothing is left to train, and the model is given nothing
but frames: no caption. Beside the error of a sample stands that of copying the last given frame.
"""

import jax.numpy as jnp

from genjax_zoo.core import Model, UserError


def continued(video, frames: int) -> dict:
  """What `sample` of a diffusion model is given: the first frames of a video [n, T, ...] stay."""
  known = (jnp.arange(video.shape[1]) < frames).reshape(1, -1, 1, 1, 1)
  return {"video": video, "known": jnp.broadcast_to(known, (*video.shape[:2], 1, 1, 1))}


def mean_error(x, y):
  """The mean absolute difference of videos, in their units, [B]."""
  return jnp.abs(x.astype(jnp.float32) - y).reshape(len(x), -1).mean(-1)


def model(data, *, first: Model, frames: int = 2) -> Model:
  """Samples of "video", given its first `frames`, by the video diffusion model `first`.

  Raises UserError for another model, and where no frame is left to predict.
  """
  field = data.get("video")
  if field is None or first.sample is None:
    raise UserError(
      "video_prediction is of videos and of a stage that samples them: take video_diffusion"
    )
  length = field.shape[0]
  if not 1 <= frames < length:
    raise UserError(f"model.frames={frames}: take 1 to {length - 1}, of {length} frames")
  given = {"frames": field._replace(shape=(frames, *field.shape[1:]))}

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def observe(params, state, batch, key):
    return {"frames": batch["video"][:, :frames]}

  def sample(params, state, key, n, given={}, **options):
    """n videos that begin with the given frames; the options are those of `first`."""
    shown = given["frames"]
    rest = jnp.zeros((n, length - frames, *shown.shape[2:]), shown.dtype)
    known = continued(jnp.concatenate([shown, rest], 1), frames)
    made = first.sample(*state["frozen"]["first"], key, n, known, **options)["video"]
    return {"video": jnp.concatenate([shown, made[:, frames:]], 1)}

  def evaluate(params, state, batch, key):
    """Errors of the frames that were not given, in gray levels."""
    seen = observe(params, state, batch, key)
    made = sample(params, state, key, len(batch["video"]), seen)["video"]
    truth = batch["video"][:, frames:]
    return {
      "prediction_error": mean_error(truth, made[:, frames:]),
      "copying_error": mean_error(truth, batch["video"][:, frames - 1 : frames]),
    }

  return Model(
    init, sample=sample, evaluate=evaluate, given=given, observe=observe, calls=first.calls
  )
