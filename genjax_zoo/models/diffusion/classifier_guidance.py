"""Diffusion guided by a classifier that it was not trained with (Dhariwal & Nichol 2021,
arXiv:2105.05233).

By Bayes' rule the score of p(x_t | c) is that of p(x_t) and the gradient of log p(c | x_t), and so

  x0_hat(x, c) = x0_hat(x) + scale sigma² / alpha grad_x log p(c | x)     (`prob.guidance.classifier`)

from an unconditional diffusion model and a classifier of noisy data, two trained stages: nothing is
left to train. Both x0_hat(x) and, at scale 1, x0_hat(x, c) are there for every sampler, as those of
a model that was told labels; then guidance between the two by `scale`, classifier-free by name, is
classifier guidance.

Departure: the paper moves the mean of a step by scale var grad log p, here x0_hat moves; as steps
get small they agree. The deck (E, line 745): a scale other than 1 gives p(x) p(c | x)^scale,
normalised, and that at no level but the last.
"""

import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.diffusion._diffusion import diffusion, space
from genjax_zoo.prob import guidance
from genjax_zoo.prob.schedules import NoiseLevel


def model(data, *, first: Model, classifier: Model, steps: int = 50) -> Model:
  """Samples by label of the diffusion model `first`, guided by the `classifier` of its noise;
  `steps` of DDIM.

  Raises UserError where a stage is not of its kind.
  """
  if missing := {"denoise", "path"} - first.parts.keys():
    raise UserError(f"stages.first is no diffusion model: it has no part {min(missing)!r}")
  if "log_label" not in classifier.parts:
    raise UserError(
      "stages.classifier has no part 'log_label': take models/diffusion/noisy_classifier.py"
    )
  if first.given:
    raise UserError(
      "stages.first is told labels already: classifier guidance is for an unconditional model"
    )
  here = space(data, conditional=True)

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def denoise(params, state, x, level: NoiseLevel, label):
    """x0_hat given labels [B], at scale 1; of `classes`, which is none, that of `first`."""
    stages = state["frozen"]
    plain = lambda x, level: first.parts["denoise"](*stages["first"], x, level, None)

    def log_prob(x, level):
      every = classifier.parts["log_label"](*stages["classifier"], x, level)
      own = jnp.take_along_axis(every, jnp.minimum(label, here.classes - 1)[:, None], 1)[:, 0]
      return jnp.where(label < here.classes, own, 0.0)

    return guidance.classifier(plain, log_prob)(x, level)

  return diffusion(here, init, None, denoise, first.parts["path"], sampler="ddim", steps=steps)
