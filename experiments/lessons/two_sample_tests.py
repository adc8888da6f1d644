"""Which statistic tells two laws apart by samples depends on how they differ; a classifier is one
that learns to.

Deck C, "Comparing Distributions via Samples": differences of means or variances are blind to laws
that share them. Pairs of laws in the plane are compared, 200 samples each, by four statistics; each
has the threshold that 95 % of pairs of the same law stay below, and its power is how often pairs of
different laws exceed it. The last two see any difference given enough samples: the maximum mean
discrepancy with a kernel, and the accuracy of a classifier on samples it has not seen, which is a
discriminator's. Being general costs them power where a simpler statistic suffices.
"""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.pictures import plot
from genjax_zoo.metrics.two_sample import classifier_two_sample
from genjax_zoo.sharding import jit

N, BANDWIDTH = 200, 0.5


def ring(rng, n):
  """Eight Gaussians on a circle, of mean 0 and variance 1 in each coordinate, as N(0, I)."""
  angle = rng.integers(8, size=n) * np.pi / 4
  return np.sqrt(2 * 0.95) * np.stack([np.cos(angle), np.sin(angle)], 1) + np.sqrt(
    0.05
  ) * rng.normal(size=(n, 2))


LAWS = {
  "the same": lambda rng, n: rng.normal(size=(n, 2)),
  "mean + 0.3": lambda rng, n: 0.3 + rng.normal(size=(n, 2)),
  "sd x 1.3": lambda rng, n: 1.3 * rng.normal(size=(n, 2)),
  "ring of equal moments": ring,
}


@jit
def mmd(x, y):
  """The unbiased squared maximum mean discrepancy of x, y [N, D] by a Gaussian kernel of BANDWIDTH."""

  def kernel(a, b):
    squares = ((a[:, None] - b[None]) ** 2).sum(-1)
    return jnp.exp(-squares / (2 * BANDWIDTH**2))

  off = lambda k: (k.sum() - jnp.trace(k)) / (len(k) * (len(k) - 1))
  return off(kernel(x, x)) + off(kernel(y, y)) - 2 * kernel(x, y).mean()


STATISTICS = {
  "means": lambda x, y, seed: np.linalg.norm(x.mean(0) - y.mean(0)),
  "variances": lambda x, y, seed: np.linalg.norm(x.var(0) - y.var(0)),
  "MMD": lambda x, y, seed: float(mmd(x, y)),
  "classifier": lambda x, y, seed: classifier_two_sample(x, y, steps=300, seed=seed)["accuracy"],
}


def lesson(smoke):
  repeats = 4 if smoke else 60
  found = {}
  for law, sample in LAWS.items():
    rng = np.random.default_rng(0)
    pairs = [
      (LAWS["the same"](rng, N).astype(np.float32), sample(rng, N).astype(np.float32))
      for _ in range(repeats)
    ]
    found[law] = {
      s: np.array([f(x, y, i) for i, (x, y) in enumerate(pairs)]) for s, f in STATISTICS.items()
    }
  limits = {s: np.quantile(values, 0.95) for s, values in found["the same"].items()}
  powers = {
    law: {s: float((x > limits[s]).mean()) for s, x in of.items()} for law, of in found.items()
  }

  def paint(*axes):
    for ax, (law, sample) in zip(axes, LAWS.items()):
      ax.scatter(*sample(np.random.default_rng(1), 500).T, s=2)
      seen = [f"{s} {power:.0%}" for s, power in powers[law].items()]
      ax.set_title("\n".join([law, ", ".join(seen[:2]), ", ".join(seen[2:])]), fontsize=9)
      ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal")

  return {"power": powers}, [
    (plot(paint, 4, 3), "Against N(0, I): how often each statistic sees the difference.")
  ]
