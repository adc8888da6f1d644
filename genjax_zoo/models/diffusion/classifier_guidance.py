"""Diffusion guided by a classifier of noisy data (Dhariwal & Nichol 2021, arXiv:2105.05233).

By Bayes' rule the score of p(x_t | c) is that of p(x_t) and the gradient of log p(c | x_t), and so

  x0_hat(x, c) = x0_hat(x) + scale sigma² / alpha grad_x log p(c | x)

(`prob.guidance.classifier`), from an unconditional diffusion model and a classifier of noisy data,
two trained stages: nothing is left to train. Both x0_hat(x) and, at scale 1, x0_hat(x, c) are there
for every sampler, as those of a conditional model with its null condition; classifier-free guidance
between the two by `scale` is then classifier guidance.

With a CLIP of noisy images (noisy_clip.py) c is a caption: CLIP guidance (GLIDE, Nichol 2021,
arXiv:2112.10741). The diffusion model may be a conditional one, whose condition was left out now
and then in training: without it, it is the unconditional one.

Departures: the paper moves the mean of a step by scale var grad log p, here x0_hat moves; as steps
get small they agree. GLIDE adds CLIP's gradient to a model that reads the caption itself.

Errata of the slides: docs/errata.md#classifier_guidance
"""

import functools

import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_of, label_classes
from genjax_zoo.models.diffusion._diffusion import diffusion
from genjax_zoo.models.diffusion._space import space_of
from genjax_zoo.prob import guidance
from genjax_zoo.prob.schedules import NoiseLevel


def guided_by(classifier: Model) -> str:
  """What a classifier of noisy data is of: "label" or "tokens". Raises UserError for another."""
  for part, name in {"log_label": "label", "log_caption": "tokens"}.items():
    if part in classifier.parts:
      return name
  raise UserError(
    "stages.classifier has no part 'log_label' or 'log_caption': take noisy_classifier or "
    "noisy_clip"
  )


def log_given(classifier: Model, stage, x, level: NoiseLevel, value):
  """log p(c | x) of labels or captions c = value [B, ...], up to a constant, [B]."""
  if guided_by(classifier) == "tokens":
    return classifier.parts["log_caption"](*stage, x, level, value)
  log_label = classifier.parts["log_label"](*stage, x, level)
  return jnp.take_along_axis(log_label, value[:, None], 1)[:, 0]


def model(data, *, first: Model, classifier: Model, steps: int = 50) -> Model:
  """Samples of the diffusion model `first` by label or caption, guided by the `classifier`.

  `steps` are those of DDIM. Raises UserError where a stage is not of its kind.
  """
  if missing := {"denoise", "most", "path"} - first.parts.keys():
    raise UserError(f"stages.first is no diffusion model: it has no part {min(missing)!r}")
  name = guided_by(classifier)
  space = space_of(data, (name,))
  if name == "label":
    label_classes(space.condition_fields)

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def denoise(params, state, x, level: NoiseLevel, c):
    """x0_hat of a condition, at scale 1; where it is not known, that of `first`."""
    stages = state["frozen"]
    value, known = c[name]
    nothing = condition_of(first.given, {}, len(x))
    plain = lambda x, level: first.parts["denoise"](*stages["first"], x, level, nothing)

    def log_prob(x, level):
      own = log_given(classifier, stages["classifier"], x, level, value)
      return jnp.where(known > 0, own, 0.0)

    return guidance.classifier(plain, log_prob)(x, level)

  of_first = lambda part, *args: first.parts[part](None, None, *args)  # They need no parameters.
  path, most = functools.partial(of_first, "path"), of_first("most")
  made = diffusion(space, init, None, denoise, path, sampler="ddim", steps=steps, most=most)

  def calls(**options):
    """Evaluations of both networks: the classifier, with its gradient, goes with every x0_hat."""
    return 2 * made.calls(**options)

  return made._replace(calls=calls)
