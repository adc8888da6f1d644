"""A cascade (Ho 2021, arXiv:2106.15282): a model at low resolution, and one that enlarges it.

  low ~ base(. | condition),   x ~ up(. | low + augmentation eps, condition)

Each stage has its own data, the base's at the low resolution, and is trained on its own; nothing is
left to train. What `up` was trained with is the true low resolution, what it gets is a sample of
`base`: noise of the level `augmentation`, which up must know from its training (sr3.py), hides the
difference. A base may be a cascade itself. There is no likelihood.
"""

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.diffusion.sr3 import LOW


def model(data, *, base: Model, up: Model) -> Model:
  """Samples of `base`, of the images at low resolution, enlarged by `up`, a super-resolution.

  Raises UserError where they are not of these kinds, or their resolutions don't fit.
  """
  if base.sample is None or up.sample is None or LOW not in up.given:
    raise UserError("cascade takes a base that samples images, and as up a model such as sr3")
  given = {**base.given, **{k: field for k, field in up.given.items() if k != LOW}}

  def init(key, batch, frozen):
    rows = {k: batch[k][:1] for k in base.given}
    draw = lambda stage: base.sample(*stage, key, 1, rows)["image"]
    found, wanted = jax.eval_shape(draw, frozen["base"]).shape[1:], up.given[LOW].shape
    if found != wanted:
      raise UserError(f"stages.base samples images {found}, and stages.up enlarges {wanted}")
    return {}, {"frozen": frozen}

  def sample(params, state, key, n, given={}, augmentation=0.0, **options):
    """n images; `options` are those of the base."""
    k_base, k_up = jax.random.split(key)
    named = lambda stage: {k: x for k, x in given.items() if k in stage.given}
    stages = state["frozen"]
    low = base.sample(*stages["base"], k_base, n, named(base), **options)["image"]
    more = named(up) | {LOW: low}
    return up.sample(*stages["up"], k_up, n, more, augmentation=augmentation)

  def calls(augmentation=0.0, **options):
    return base.calls(**options) + up.calls()

  return Model(init, sample=sample, given=given, calls=calls)
