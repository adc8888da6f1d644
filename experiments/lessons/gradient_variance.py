"""Pathwise gradients vary far less than score-function gradients; baselines narrow the gap.

Two gradients are estimated from 2 to 512 samples: that of E (z - 1)², z ~ N(mean, s²), with respect
to the mean, which is 2 (mean - 1); and that of E (b - 0.45)², b ~ Bernoulli(sigmoid(logit)), with
respect to the logit. All unbiased estimators agree with the exact gradient within their standard
errors. The pathwise one varies least; REINFORCE is for samples that are not differentiable (deck E
on gradients of the ELBO; Kingma & Welling 2013; Mnih & Gregor 2014). The variances with 128
samples, of the Gaussian's gradient: 0.004 pathwise, 0.59 with a constant baseline or leave-one-out,
and 5.6 without any.

Verdict: holds: a variance of 0.004 for 0.59 with a baseline and 5.6 without.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.pictures import plot
from genjax_zoo.prob import estimators
from genjax_zoo.prob.distributions import bernoulli_log_prob, normal_log_prob

MEAN, LOG_S = 4.0, -1.0
LOGIT, TARGET = 0.5, 0.45
BASELINES = {
  "score function": lambda f: 0.0,
  "constant baseline": lambda f: 9.0,
  "leave one out": estimators.leave_one_out,
}


def gaussian(kind, mean, key, k):
  """A surrogate of E (z - 1)² from k samples: its gradient is the estimate."""
  z = mean + jnp.exp(LOG_S) * jax.random.normal(key, (k,))
  if kind == "pathwise":
    return ((z - 1) ** 2).mean()
  z = jax.lax.stop_gradient(z)
  f = (z - 1) ** 2
  return estimators.score_function(f, normal_log_prob(z, mean, LOG_S), BASELINES[kind](f)).mean()


def bernoulli(kind, logit, key, k):
  """A surrogate of E (b - TARGET)² from k samples: its gradient is the estimate."""
  soft = estimators.bernoulli_relaxed(key, jnp.full(k, logit), 0.5)
  hard = (soft > 0.5).astype(jnp.float32)
  cost = lambda b: (b - TARGET) ** 2
  if kind == "Gumbel-softmax (biased)":
    return cost(soft).mean()
  if kind == "straight-through (biased)":
    return cost(estimators.straight_through(hard, soft)).mean()
  f = cost(hard)
  return estimators.score_function(f, bernoulli_log_prob(hard, logit), BASELINES[kind](f)).mean()


def exact_bernoulli() -> float:
  """The gradient of E (b - TARGET)² with respect to the logit."""
  p = 1 / (1 + np.exp(-LOGIT))
  return p * (1 - p) * ((1 - TARGET) ** 2 - TARGET**2)


PROBLEMS = {  # Name: (surrogate, estimators, parameter, exact gradient).
  "Gaussian": (
    gaussian,
    ("pathwise", "leave one out", "constant baseline", "score function"),
    MEAN,
    2 * (MEAN - 1),
  ),
  "Bernoulli": (
    bernoulli,
    ("Gumbel-softmax (biased)", "straight-through (biased)", "leave one out", "score function"),
    LOGIT,
    exact_bernoulli(),
  ),
}


def estimate(surrogate, kind, theta, k, trials):
  """Estimates of the gradient [trials], each from k samples."""
  gradient = jax.grad(functools.partial(surrogate, kind))
  one = lambda key: gradient(theta, key, k)
  estimates = jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=256))
  return np.asarray(estimates(jax.random.split(jax.random.key(k), trials)), np.float64)


def lesson(smoke):
  trials, counts = (200, (2, 8)) if smoke else (20_000, (2, 8, 32, 128, 512))
  results = {}
  for problem, (surrogate, kinds, theta, exact) in PROBLEMS.items():
    results[problem] = {}
    for kind in kinds:
      estimates = {k: estimate(surrogate, kind, theta, k, trials) for k in counts}
      most = estimates[counts[-1]]
      results[problem][kind] = {
        "exact": exact,
        "mean": most.mean(),
        "standard_error": most.std() / np.sqrt(trials),
        "variance": {str(k): x.var() for k, x in estimates.items()},
      }
  variance = lambda kind: np.array(list(results["Gaussian"][kind]["variance"].values()))
  ratio = (variance("score function") / variance("pathwise")).mean()

  def paint(*axes):
    for ax, problem in zip(axes, PROBLEMS):
      for kind, found in results[problem].items():
        ax.loglog(counts, list(found["variance"].values()), "o-", label=kind)
      ax.set(title=problem, xlabel="samples", ylabel="variance of the gradient")
      ax.legend()

  picture = plot(paint, 2)
  caption = "The variance of each estimator of the gradient, by number of samples."
  return results | {"variance ratio, score function to pathwise": float(ratio)}, [
    (picture, caption)
  ]
