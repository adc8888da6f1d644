"""The best of several samples, as scored by a second model.

DALL-E (Ramesh 2021, arXiv:2102.12092, section 2.6) samples 512 images for a caption and keeps those
that CLIP scores highest; VQ-VAE-2 (Razavi 2019, arXiv:1906.00446, section 4.4) rejects samples by a
classifier's confidence. Both combine two trained stages, and nothing is trained:

  x_1, ..., x_tries ~ base,   sample = argmax_x score(x)

The score of a CLIP is the similarity of an image and its caption, that of a classifier the log-
probability of the label, and that of a model with a likelihood log p(x). The samples no longer have
the distribution of `base`: fewer are bad, and they vary less. They have no likelihood. With many
`tries` they exploit the judge's errors.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError


def score_of(judge: Model) -> Callable:
  """(params, state, batch, key) -> how well samples fit, [B], by a judge's part "score" or log p.

  Raises UserError for a judge that has neither.
  """
  if "score" in judge.parts:
    score = judge.parts["score"]
    return lambda params, state, batch, key: score(params, state, batch["image"], batch)
  if judge.log_prob is None:
    raise UserError(
      "stages.judge has neither a score nor a likelihood: take a clip or a classifier"
    )
  return judge.log_prob


def model(data, *, base: Model, judge: Model) -> Model:
  """Samples of `base`, each the best of `tries` by the score of `judge`, with the same conditions.

  Raises UserError for a `judge` without a score, or whose score reads what samples do not have.
  """
  score_samples = score_of(judge)

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def sample(params, state, key, n, given={}, tries=8, **options):
    """Samples; `options` are those of `base`."""

    def attempt(key):
      k_base, k_judge = jax.random.split(key)
      batch = base.sample(*state["frozen"]["base"], k_base, n, given, **options)
      try:
        score = score_samples(*state["frozen"]["judge"], {**given, **batch}, k_judge)
      except KeyError as e:
        raise UserError(f"stages.judge scores by {e}, and samples of stages.base have none") from e
      return batch, score

    batches, scores = jax.lax.map(attempt, jax.random.split(key, tries))
    best = scores.argmax(0)
    return jax.tree.map(lambda x: x[best, jnp.arange(n)], batches)

  def calls(tries=8, **options):
    return tries * base.calls(**options)

  return Model(init, sample=sample, given=base.given, calls=calls)
