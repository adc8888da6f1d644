"""The best discriminator is p / (p + q), and the game's value there is 2 JSD(p, q) - log 4.

For fixed laws p of the data and q of the samples, E_p log D + E_q log(1 - D) is maximised point by
point by D = p / (p + q) (Goodfellow 2014, proposition 1; deck C asks for D = 1 on data and D = 0 on
samples, which is the best only where the laws do not overlap). Two laws on the line are known here,
a network is trained as the critic of fresh draws of them, and both sides are compared: D on a grid,
the value by quadrature.
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
  """The data: two Gaussians."""
  return 0.6 * norm.pdf(x, -1.2, 0.5) + 0.4 * norm.pdf(x, 1.5, 0.7)


def q(x):
  """The samples: one wide Gaussian."""
  return norm.pdf(x, 0.3, 1.2)


def draw(key):
  """BATCH numbers of each law, [B, 1]."""
  k_which, k_p, k_q = jax.random.split(key, 3)
  first = jax.random.bernoulli(k_which, 0.6, (BATCH, 1))
  noise = jax.random.normal(k_p, (BATCH, 1))
  return jnp.where(first, -1.2 + 0.5 * noise, 1.5 + 0.7 * noise), 0.3 + 1.2 * jax.random.normal(
    k_q, (BATCH, 1)
  )


def trained_critic(steps):
  """Logits on GRID of a network trained to tell draws of p from draws of q, at the start and the
  end.
  """
  net, tx = MLP((64, 64, 1)), optax.adam(optax.cosine_decay_schedule(3e-3, steps))
  logits = lambda params, x: net.apply({"params": params}, x)[..., 0]

  def step(carry, key):
    params, opt = carry
    real, fake = draw(key)
    loss = lambda params: cross_entropy(logits(params, real), logits(params, fake)).mean()
    updates, opt = tx.update(jax.grad(loss)(params), opt)
    return (optax.apply_updates(params, updates), opt), None

  params = net.init(jax.random.key(0), jnp.zeros((1, 1)))["params"]
  keys = jax.random.split(jax.random.key(1), steps)
  (last, _), _ = jit(lambda params: jax.lax.scan(step, (params, tx.init(params)), keys))(params)
  return [np.asarray(logits(x, GRID[:, None])) for x in (params, last)]


def lesson(smoke):
  real, fake = np.asarray(p(GRID), np.float64), np.asarray(q(GRID), np.float64)
  best, middle = real / (real + fake), (real + fake) / 2
  kl = lambda a, b: float(np.sum(a * np.log(a / b)) * CELL)
  jsd = (kl(real, middle) + kl(fake, middle)) / 2
  value = lambda l: -float(np.sum(real * np.logaddexp(0, -l) + fake * np.logaddexp(0, l)) * CELL)
  start, logits = trained_critic(20 if smoke else 4000)
  D = 1 / (1 + np.exp(-logits.astype(np.float64)))
  numbers = {
    "mean |D - p / (p + q)| under (p + q) / 2": float(np.sum(np.abs(D - best) * middle) * CELL),
    "value of the trained critic": value(logits),
    "value of p / (p + q)": value(np.log(real / fake)),
    "2 JSD - log 4": 2 * jsd - np.log(4),
    "value at the start": value(start),
  }

  def paint(left, right):
    left.plot(GRID, real, label="p, data")
    left.plot(GRID, fake, label="q, samples")
    right.plot(GRID, best, label="p / (p + q)", linewidth=4, alpha=0.4)
    right.plot(GRID, D, label="trained D", color="black")
    right.plot(GRID, 1 / (1 + np.exp(-start)), label="D at the start", color="gray", linestyle=":")
    for ax in (left, right):
      ax.legend()

  return numbers, [
    (plot(paint, 2), "The two laws, and the discriminator trained on draws of them.")
  ]
