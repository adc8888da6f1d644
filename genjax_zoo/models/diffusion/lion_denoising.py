"""Clouds restored by the priors of LION (Zeng et al. 2022, arXiv:2210.06978, section 3.2).

Points are moved by noise, or to the centres of voxels. The latents of such a cloud, diffused by a
`share` of the noise levels and denoised (lion.py), are those of a cloud as they are in the data.
Nothing is left to train. Beside the Chamfer distance of a restored cloud stand that of the
corrupted cloud, and that of what is decoded of its latents as they are. It is that to "surface",
where the data have more points of the same, since no point goes back to where it was drawn.

Departures: encoders are not tuned to corrupted clouds, which the paper does before that.
"""

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.latent_variable.point_vae import points_field
from genjax_zoo.prob.clouds import CORRUPTIONS, chamfer


def model(
  data, *, first: Model, corruption: str = "jitter", amount: float = 0.2, share: float = 0.1
) -> Model:
  """Restores "points" by the model `first`, lion.py.

  `corruption` is "jitter", with the standard deviation `amount`, or "voxels", of this side. Raises
  UserError for other corruptions, for no share, and for another stage.
  """
  points_field(data)
  if corruption not in CORRUPTIONS:
    raise UserError(f"unknown model.corruption={corruption!r}; there are {', '.join(CORRUPTIONS)}")
  if not 0 <= share <= 1:
    raise UserError(f"model.share={share}: take 0 to 1, a share of the noise levels")
  if "noise" not in first.parts:
    raise UserError("stages.first has no priors of a shape and of points: take lion")

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def restorations(params, state, batch, key):
    """The baseline is what latents are decoded to as they are."""
    k_corrupt, k_sample = jax.random.split(key)
    corrupted = CORRUPTIONS[corruption](k_corrupt, batch["points"], amount)
    given = batch | {"points": corrupted}
    stage = state["frozen"]["first"]
    decoded = first.decode(*stage, first.encode(*stage, given, key), key)
    restored = first.sample(*stage, k_sample, len(corrupted), given, share=share)
    baseline = decoded["points"]
    return {"corrupted": corrupted, "baseline": baseline, "restored": restored["points"]}

  def evaluate(params, state, batch, key):
    """Chamfer distances of restored clouds, of corrupted ones, of the baseline, of real ones."""
    clouds = restorations(params, state, batch, key)
    distance = lambda x: chamfer(x, batch.get("surface", batch["points"]))
    return {
      "chamfer": distance(clouds["restored"]),
      "chamfer_of_corrupted": distance(clouds["corrupted"]),
      "chamfer_of_decoded": distance(clouds["baseline"]),
      "chamfer_of_real": distance(batch["points"]),
    }

  return Model(init, evaluate=evaluate, parts={"restorations": restorations})
