"""Losses of two-player games, and penalties on the critic's gradient.

A game's two losses are functions of the critic's outputs [B] for real and for generated examples,
and are in nats for the first two:

  name             critic(real, fake)                          gen(fake)
  "minimax"        softplus(-real) + softplus(fake)            -softplus(fake)      = log(1 - D)
  "non_saturating" the same, -log D(real) - log(1 - D(fake))   softplus(-fake)      = -log D
  "least_squares"  ((real - 1)² + fake²) / 2                   (fake - 1)² / 2
  "hinge"          relu(1 - real) + relu(1 + fake)             -fake
  "wasserstein"    fake - real                                 -fake

with D = sigmoid(output). Sources: Goodfellow 2014 (1406.2661); LSGAN, Mao 2016 (1611.04076,
equation 9); the hinge of Lim & Ye 2017 (1705.02894); WGAN, Arjovsky 2017 (1701.07875), which needs
a 1-Lipschitz critic.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jax.nn import relu, softplus
import jax.numpy as jnp


class Game(NamedTuple):
  """What the two players minimise, [B]."""

  critic: Callable  # (real [B], fake [B]) -> [B].
  gen: Callable  # (fake [B]) -> [B].


def cross_entropy(real, fake):
  """-log D(real) - log(1 - D(fake)), nats."""
  return softplus(-real) + softplus(fake)


def least_squares(real, fake):
  """The critic's squared error, with the target 1 for real examples and 0 for generated ones."""
  return ((real - 1) ** 2 + fake**2) / 2


def hinge(real, fake):
  """The critic's loss, 0 beyond the margins: real >= 1 and fake <= -1."""
  return relu(1 - real) + relu(1 + fake)


GAMES = {
  "minimax": Game(cross_entropy, lambda fake: -softplus(fake)),
  "non_saturating": Game(cross_entropy, lambda fake: softplus(-fake)),
  "least_squares": Game(least_squares, lambda fake: (fake - 1) ** 2 / 2),
  "hinge": Game(hinge, lambda fake: -fake),
  "wasserstein": Game(lambda real, fake: fake - real, lambda fake: -fake),
}


def squared_slope(critic, x):
  """|grad_x critic(x)|² of each example [B]; `critic` maps [B, ...] to [B], each on its own.

  Half of it at real x, times a weight, is the penalty R1 (Mescheder 2018, 1801.04406, equation 9).
  """
  gradient = jax.grad(lambda x: critic(x).sum())(x)
  return (gradient**2).reshape(len(x), -1).sum(-1)


def pulled_back(generate, ws, y):
  """|J^T y| of each example [B], J the derivative of `generate` by ws [B, layers, D].

  `generate` maps ws to images [B, ...], each on its own; y are directions of images. It is the root
  of the mean over layers of |J^T y|²; of y ~ N(0, I) over the root of the number of pixels its
  square is how far, on average, a unit step moves a pixel. Karras 2019 (1912.04958, section 3.2)
  keeps it near a constant in all w, as of a J with orthogonal columns of one length.
  """
  gradient = jax.grad(lambda ws: (generate(ws) * y).sum())(ws)
  # The square root has an infinite derivative at 0.
  return jnp.sqrt((gradient**2).sum(-1).mean(-1) + 1e-12)


def gradient_penalty(critic, real, fake, key):
  """(|grad critic| - 1)² [B] at a random point between each real and generated example.

  Gulrajani 2017 (1704.00028, equation 3). It is two-sided: the best critic's gradient has norm 1
  almost everywhere between points that the optimal transport of the two distributions couples.
  """
  t = jax.random.uniform(key, (len(real), *[1] * (real.ndim - 1)))
  square = squared_slope(critic, t * real + (1 - t) * fake)
  # The square root has an infinite derivative at 0: a constant critic would give NaN.
  return (jnp.sqrt(square + 1e-12) - 1) ** 2
