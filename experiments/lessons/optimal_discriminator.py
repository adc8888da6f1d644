"""The best discriminator is p / (p + q), and the game's value there is 2 JSD(p, q) - log 4.

For fixed distributions p of the data and q of the samples, E_p log D + E_q log(1 - D) is maximised
point by point by D = p / (p + q) (Goodfellow 2014, proposition 1; deck C asks for D = 1 on data and
D = 0 on samples, which is the best only where the distributions do not overlap). In this lesson two
distributions on the line are known, a network is trained to discriminate fresh samples of them, and
both sides are compared: D on a grid, the value by numerical integration.

Verdict: holds, to the accuracy of a trained network.
"""

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
import numpy as np
import optax

from genjax_zoo.figures.pictures import plot
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.adversarial import cross_entropy
from genjax_zoo.sharding import jit

GRID = np.linspace(-6, 6, 2001, dtype=np.float32)
CELL = GRID[1] - GRID[0]
BATCH = 2048


def p(x):
  """The density of the data: two Gaussians."""
  return 0.6 * norm.pdf(x, -1.2, 0.5) + 0.4 * norm.pdf(x, 1.5, 0.7)


def q(x):
  """The density of the samples: one wide Gaussian."""
  return norm.pdf(x, 0.3, 1.2)


def draw(key):
  """(BATCH samples of p, BATCH samples of q), each [B, 1]."""
  k_which, k_p, k_q = jax.random.split(key, 3)
  in_first = jax.random.bernoulli(k_which, 0.6, (BATCH, 1))
  noise = jax.random.normal(k_p, (BATCH, 1))
  real = jnp.where(in_first, -1.2 + 0.5 * noise, 1.5 + 0.7 * noise)
  fake = 0.3 + 1.2 * jax.random.normal(k_q, (BATCH, 1))
  return real, fake


def trained_critic(steps):
  """(logits before training, logits after `steps` steps) of a critic, each on GRID."""
  net = MLP((64, 64, 1))
  tx = optax.adam(optax.cosine_decay_schedule(3e-3, steps))
  logits = lambda params, x: net.apply({"params": params}, x)[..., 0]

  def loss(params, real, fake):
    return cross_entropy(logits(params, real), logits(params, fake)).mean()

  def step(carry, key):
    params, opt = carry
    updates, opt = tx.update(jax.grad(loss)(params, *draw(key)), opt)
    return (optax.apply_updates(params, updates), opt), None

  params = net.init(jax.random.key(0), jnp.zeros((1, 1)))["params"]
  keys = jax.random.split(jax.random.key(1), steps)
  train = jit(lambda params: jax.lax.scan(step, (params, tx.init(params)), keys))
  (last, _), _ = train(params)
  return [np.asarray(logits(x, GRID[:, None])) for x in (params, last)]


def integral(f) -> float:
  """The integral of a function given on GRID."""
  return float(np.sum(f) * CELL)


def kl(a, b) -> float:
  """KL(a || b) of two densities on GRID, nats."""
  return integral(a * np.log(a / b))


def lesson(smoke):
  real = np.asarray(p(GRID), np.float64)
  fake = np.asarray(q(GRID), np.float64)
  best, mixture = real / (real + fake), (real + fake) / 2
  jsd = (kl(real, mixture) + kl(fake, mixture)) / 2

  def value(logits):
    """E_p log D + E_q log(1 - D)."""
    return -integral(real * np.logaddexp(0, -logits) + fake * np.logaddexp(0, logits))

  start, logits = trained_critic(20 if smoke else 4000)
  D = 1 / (1 + np.exp(-logits.astype(np.float64)))
  results = {
    "mean |D - p / (p + q)| under (p + q) / 2": integral(np.abs(D - best) * mixture),
    "value of the trained critic": value(logits),
    "value of p / (p + q)": value(np.log(real / fake)),
    "2 JSD - log 4": 2 * jsd - np.log(4),
    "value before training": value(start),
  }

  def paint(left, right):
    left.plot(GRID, real, label="p, data")
    left.plot(GRID, fake, label="q, samples")
    right.plot(GRID, best, label="p / (p + q)", linewidth=4, alpha=0.4)
    right.plot(GRID, D, label="trained D", color="black")
    at_start = 1 / (1 + np.exp(-start))
    right.plot(GRID, at_start, label="D before training", color="gray", linestyle=":")
    for ax in (left, right):
      ax.set_xlabel("x")
      ax.legend()
    left.set_ylabel("density")
    right.set_ylabel("D(x)")

  caption = "The two distributions, and the discriminator trained on samples of them."
  return results, [(plot(paint, 2), caption)]
