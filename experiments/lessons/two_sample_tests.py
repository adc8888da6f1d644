"""Which statistic tells two distributions apart depends on how they differ; a classifier learns to.

Deck C, "Comparing Distributions via Samples": differences of means or variances are blind to
distributions that share them. Pairs of distributions in the plane are compared, 200 samples each,
by four statistics; each has the threshold that 95 % of pairs of the same distribution stay below,
and its power is how often pairs of different distributions exceed it. The last two detect any
difference given enough samples: the maximum mean discrepancy with a kernel, and the accuracy of a
classifier on held-out samples, which is a discriminator's. Being general costs them power where a
simpler statistic suffices.

Verdict: holds: means and variances do not see a ring that shares them.
"""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.pictures import plot
from genjax_zoo.metrics.two_sample import classifier_two_sample
from genjax_zoo.sharding import jit

N = 200
BANDWIDTH = 0.5


def ring(rng, n):
  """Eight Gaussians on a circle; mean 0 and variance 1 in each coordinate, like N(0, I)."""
  angle = rng.integers(8, size=n) * np.pi / 4
  centres = np.stack([np.cos(angle), np.sin(angle)], 1)
  return np.sqrt(2 * 0.95) * centres + np.sqrt(0.05) * rng.normal(size=(n, 2))


DISTRIBUTIONS = {
  "the same": lambda rng, n: rng.normal(size=(n, 2)),
  "mean + 0.3": lambda rng, n: 0.3 + rng.normal(size=(n, 2)),
  "sd x 1.3": lambda rng, n: 1.3 * rng.normal(size=(n, 2)),
  "ring of equal moments": ring,
}


@jit
def mmd(x, y):
  """The unbiased squared maximum mean discrepancy of x, y [N, D], Gaussian kernel of BANDWIDTH."""

  def kernel(a, b):
    squares = ((a[:, None] - b[None]) ** 2).sum(-1)
    return jnp.exp(-squares / (2 * BANDWIDTH**2))

  def off_diagonal_mean(k):
    return (k.sum() - jnp.trace(k)) / (len(k) * (len(k) - 1))

  within = off_diagonal_mean(kernel(x, x)) + off_diagonal_mean(kernel(y, y))
  return within - 2 * kernel(x, y).mean()


STATISTICS = {
  "means": lambda x, y, seed: np.linalg.norm(x.mean(0) - y.mean(0)),
  "variances": lambda x, y, seed: np.linalg.norm(x.var(0) - y.var(0)),
  "MMD": lambda x, y, seed: float(mmd(x, y)),
  "classifier": lambda x, y, seed: classifier_two_sample(x, y, steps=300, seed=seed)["accuracy"],
}


def statistics(sample, repeats) -> dict[str, np.ndarray]:
  """{statistic: values [repeats]} of pairs of N samples of N(0, I) and N of `sample`."""
  rng = np.random.default_rng(0)
  found, pairs = {}, []
  for _ in range(repeats):
    x = DISTRIBUTIONS["the same"](rng, N).astype(np.float32)
    y = sample(rng, N).astype(np.float32)
    pairs.append((x, y))
  for name, statistic in STATISTICS.items():
    found[name] = np.array([statistic(x, y, i) for i, (x, y) in enumerate(pairs)])
  return found


def lesson(smoke):
  repeats = 4 if smoke else 60
  found = {name: statistics(sample, repeats) for name, sample in DISTRIBUTIONS.items()}
  thresholds = {s: np.quantile(values, 0.95) for s, values in found["the same"].items()}
  power = {}
  for name, values in found.items():
    power[name] = {s: float((x > thresholds[s]).mean()) for s, x in values.items()}

  def paint(*axes):
    for ax, (name, sample) in zip(axes, DISTRIBUTIONS.items()):
      ax.scatter(*sample(np.random.default_rng(1), 500).T, s=2)
      detected = [f"{s} {share:.0%}" for s, share in power[name].items()]
      title = "\n".join([name, ", ".join(detected[:2]), ", ".join(detected[2:])])
      ax.set_title(title, fontsize=9)
      ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal")

  caption = "Against N(0, I): how often each statistic detects the difference."
  return {"power": power}, [(plot(paint, 4, 3), caption)]
