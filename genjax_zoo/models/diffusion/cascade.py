"""A cascade (Ho 2021, arXiv:2106.15282): a model at low resolution, and one that enlarges it.

  low ~ base(. | condition),   x ~ up(. | low + augmentation eps, condition)

Each stage has its own data, the base's at the low resolution, and is trained on its own; nothing is
left to train. `up` was trained on true low resolutions and is given samples of `base`: noise of the
level up_augmentation, which up must know from its training (sr3.py), hides the difference. A base
may be a cascade itself. There is no likelihood.
"""

import jax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.diffusion.sr3 import LOW

UP = "up_"  # What the options of `sample` that are of the second stage begin with.


def split_options(options) -> tuple[dict, dict]:
  """(those of the base, those of `up` without their prefix)."""
  of_up = {k.removeprefix(UP): x for k, x in options.items() if k.startswith(UP)}
  of_base = {k: x for k, x in options.items() if not k.startswith(UP)}
  return of_base, of_up


def entries(stage: Model, given) -> dict:
  """What a stage can be given of `given`."""
  return {name: x for name, x in given.items() if name in stage.given}


def model(data, *, base: Model, up: Model) -> Model:
  """Samples of `base`, of the images at low resolution, enlarged by `up`, a super-resolution.

  Raises UserError where they are not of these kinds, or their resolutions don't fit.
  """
  if base.sample is None or up.sample is None or LOW not in up.given:
    raise UserError("cascade takes a base that samples images, and as up a model such as sr3")
  given = {**base.given, **up.given}
  del given[LOW]

  def lows(state, key, n, given, options):
    """n samples of the base."""
    stage = state["frozen"]["base"]
    return base.sample(*stage, key, n, entries(base, given), **options)["image"]

  def init(key, batch, frozen):
    state = {"frozen": frozen}
    row = {name: batch[name][:1] for name in base.given}
    found = jax.eval_shape(lambda: lows(state, key, 1, row, {})).shape[1:]
    wanted = up.given[LOW].shape
    if found != wanted:
      raise UserError(f"stages.base samples images {found}, and stages.up enlarges {wanted}")
    return {}, state

  def sample(params, state, key, n, given={}, **options):
    """n images; the options are those of the base, and up_NAME, as in up_augmentation, of `up`."""
    k_base, k_up = jax.random.split(key)
    of_base, of_up = split_options(options)
    low = lows(state, k_base, n, given, of_base)
    more = entries(up, given) | {LOW: low}
    return up.sample(*state["frozen"]["up"], k_up, n, more, **of_up)

  def calls(**options):
    of_base, of_up = split_options(options)
    return base.calls(**of_base) + up.calls(**of_up)

  return Model(init, sample=sample, given=given, calls=calls)
