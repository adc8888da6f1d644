"""The best of several samples, in the eyes of a second model.

DALL-E (Ramesh 2021, arXiv:2102.12092, section 2.6) draws 512 images a caption and keeps those that
CLIP finds the likeliest; VQ-VAE-2 (Razavi 2019, arXiv:1906.00446, section 4.4) rejects what a
classifier doubts. Both are one composition of two trained stages, with nothing to train:

  x_1, ..., x_tries ~ base,  sample = argmax_x judge.log_prob(x)

The law of the samples is not that of `base` any more: fewer bad samples, and less variety. It has
no likelihood, and with a judge that errs a large `tries` finds the judge's errors.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model


def model(data, *, base: Model, judge: Model) -> Model:
  """Samples of `base`, each the best of `tries` under `judge.log_prob`; `judge` sees what was
  given, too.
  """

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def sample(params, state, key, n, given={}, tries=8, **options):
    def attempt(key):
      k_base, k_judge = jax.random.split(key)
      batch = base.sample(*state["frozen"]["base"], k_base, n, given, **options)
      return batch, judge.log_prob(*state["frozen"]["judge"], {**given, **batch}, k_judge)

    batches, log_probs = jax.lax.map(attempt, jax.random.split(key, tries))
    best = log_probs.argmax(0)
    return jax.tree.map(lambda x: x[best, jnp.arange(n)], batches)

  calls = lambda tries=8, **options: tries * base.calls(**options)
  return Model(init, sample=sample, given=base.given, calls=calls)
