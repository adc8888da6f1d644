"""Gradients of E_{p(z; theta)} f(z), where theta shapes the distribution that z is drawn from.

Each estimator is a surrogate: a value whose derivative by theta, averaged over draws, is the gradient. All but the last
two are unbiased:

  pathwise          d f(z(theta, eps)),  z = mean + s eps: just differentiate through the draw (Kingma & Welling 2013)
  score function    (f(z) - baseline) d log p(z; theta): for any z, discrete too (Williams 1992, REINFORCE)
  straight-through  the draw forward, its smooth stand-in backward (Bengio 2013, arXiv:1308.3432): biased
  Gumbel-softmax    f of a smooth stand-in of the draw, `distributions.gumbel_softmax_sample`: biased

A baseline that does not depend on its own z leaves the expectation alone, for E d log p = 0, and takes away variance.
"""

import jax
import jax.numpy as jnp

stop = jax.lax.stop_gradient


def score_function(f: jax.Array, log_p: jax.Array, baseline: jax.Array | float = 0.0) -> jax.Array:
  """f [...], with the gradient  d f + (f - baseline) d log_p;  `log_p` [...] is of the draws, themselves constants."""
  return f + stop(f - baseline) * (log_p - stop(log_p))


def leave_one_out(f: jax.Array) -> jax.Array:
  """The baseline of each of k >= 2 draws, the mean of the others: f [k, ...] -> [k, ...] (Mnih & Rezende 2016)."""
  return (f.sum(0, keepdims=True) - f) / (len(f) - 1)


def running_mean(baseline: jax.Array, f: jax.Array, decay: float = 0.99) -> jax.Array:
  """The baseline [] for the next draws: decay baseline + (1 - decay) mean f, f [...] (NVIL, Mnih & Gregor 2014)."""
  return decay * baseline + (1 - decay) * stop(f).mean()


def straight_through(hard: jax.Array, soft: jax.Array) -> jax.Array:
  """`hard`, with the gradient of `soft`, of the same shape."""
  return soft + stop(hard - soft)


def bernoulli_relaxed(key: jax.Array, logits: jax.Array, temperature: float) -> jax.Array:
  """sigmoid((logits + l) / temperature), l ~ Logistic(0, 1): above 1/2 with probability sigmoid(logits).

  The Gumbel-softmax of two classes (Maddison 2016, arXiv:1611.00712, appendix B).
  """
  return jax.nn.sigmoid((logits + jax.random.logistic(key, jnp.shape(logits))) / temperature)
