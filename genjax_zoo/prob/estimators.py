"""Gradients of E_{p(z; theta)} f(z), where theta parameterises the distribution of z.

Each estimator is a surrogate: a value whose derivative by theta, averaged over draws, is the
gradient. All but the last two are unbiased:

  pathwise          d f(z(theta, eps)),  z = mean + s eps: differentiates through the draw
                    (Kingma & Welling 2013)
  score function    (f(z) - baseline) d log p(z; theta): for any z, discrete too
                    (Williams 1992, REINFORCE)
  straight-through  the draw forward, a smooth surrogate backward: its mean (Bengio 2013,
                    arXiv:1308.3432), or what it was rounded from (Jang 2016, arXiv:1611.01144,
                    section 2.2): biased
  Gumbel-softmax    f of a smooth relaxation of the draw, `distributions.gumbel_softmax_sample`:
                    biased

A baseline that does not depend on its own z leaves the expectation unchanged, since E d log p = 0,
and reduces the variance.

`importance_bound` estimates a value, log E w, from k draws.

Errata of the slides: docs/errata.md#estimators
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_zoo.prob.distributions import log_mean_exp

stop = jax.lax.stop_gradient


def score_function(f: jax.Array, log_p: jax.Array, baseline: jax.Array | float = 0.0) -> jax.Array:
  """f [...], with the gradient d f + (f - baseline) d log_p.

  `log_p` [...] is that of the draws, which are constants.
  """
  return f + stop(f - baseline) * (log_p - stop(log_p))


def leave_one_out(f: jax.Array) -> jax.Array:
  """The baseline of each of k >= 2 draws, the mean of the others: f [k, ...] -> [k, ...].

  RLOO: Kool 2019, Buy 4 REINFORCE Samples, Get a Baseline for Free! (ICLR workshop on structured
  prediction).
  """
  return (f.sum(0, keepdims=True) - f) / (len(f) - 1)


def running_mean(baseline: jax.Array, f: jax.Array, decay: float = 0.99) -> jax.Array:
  """The baseline [] of the next draws: decay baseline + (1 - decay) mean f, of f [...].

  NVIL: Mnih & Gregor 2014, arXiv:1402.0030.
  """
  return decay * baseline + (1 - decay) * stop(f).mean()


def straight_through(hard: jax.Array, soft: jax.Array) -> jax.Array:
  """`hard`, with the gradient of `soft`, of the same shape."""
  return soft + stop(hard - soft)


def bernoulli_relaxed(key: jax.Array, logits: jax.Array, temperature: float) -> jax.Array:
  """Relaxed bits in (0, 1), above 1/2 with probability sigmoid(logits).

  They are sigmoid((logits + l) / temperature), l ~ Logistic(0, 1): the Gumbel-softmax of two
  classes (Maddison 2016, arXiv:1611.00712, appendix B).
  """
  return jax.nn.sigmoid((logits + jax.random.logistic(key, jnp.shape(logits))) / temperature)


def importance_bound(log_weight: Callable, key: jax.Array, k: int, rows: int = 1000) -> jax.Array:
  """log 1/k sum_i w_i, nats [B], of k draws log_weight(key) -> log w [B].

  In expectation it is at most log E w, and closer as k grows (Burda 2015, arXiv:1509.00519). About
  `rows` weights are computed at a time, so that memory does not grow with k.
  """
  (B,) = jax.eval_shape(log_weight, key).shape
  keys = jax.random.split(key, k)
  log_w = jax.lax.map(log_weight, keys, batch_size=max(1, rows // B))
  return log_mean_exp(log_w, 0)
