"""Objectives of two-player games, at the critic's outputs for real and generated examples, and
penalties of its slope.

A game's two losses are functions of arrays [B], nats for the first two:

  name             critic(real, fake)                          gen(fake)
  "minimax"        softplus(-real) + softplus(fake)            -softplus(fake)      = log(1 - D)
  "non_saturating" the same, -log D(real) - log(1 - D(fake))   softplus(-fake)      = -log D
  "least_squares"  ((real - 1)² + fake²) / 2                   (fake - 1)² / 2
  "hinge"          relu(1 - real) + relu(1 + fake)             -fake
  "wasserstein"    fake - real                                 -fake

with D = sigmoid(output): Goodfellow 2014 (1406.2661); LSGAN, Mao 2016 (1611.04076, equation 9); the
hinge of Lim & Ye 2017 (1705.02894); WGAN, Arjovsky 2017 (1701.07875), which asks for a 1-Lipschitz
critic.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jax.nn import relu, softplus
import jax.numpy as jnp


class Game(NamedTuple):
  """What the players minimise, [B] of [B]."""

  critic: Callable  # (real, fake)
  gen: Callable  # (fake)


def cross_entropy(real, fake):
  """-log D(real) - log(1 - D(fake)), nats."""
  return softplus(-real) + softplus(fake)


GAMES = {
  "minimax": Game(cross_entropy, lambda fake: -softplus(fake)),
  "non_saturating": Game(cross_entropy, lambda fake: softplus(-fake)),
  "least_squares": Game(
    lambda real, fake: ((real - 1) ** 2 + fake**2) / 2, lambda fake: (fake - 1) ** 2 / 2
  ),
  "hinge": Game(lambda real, fake: relu(1 - real) + relu(1 + fake), lambda fake: -fake),
  "wasserstein": Game(lambda real, fake: fake - real, lambda fake: -fake),
}


def squared_slope(critic, x):
  """|grad_x critic(x)|² of each example, [B]; `critic` maps [B, ...] to [B], one example at a time.

  Half of it at real x, times a weight, is the penalty R1 (Mescheder 2018, 1801.04406, equation 9).
  """
  slope = jax.grad(lambda x: critic(x).sum())(x)
  return (slope**2).reshape(len(x), -1).sum(-1)


def gradient_penalty(critic, real, fake, key):
  """(|grad critic| - 1)² of each example [B], at a random point between a real and a generated one.

  Gulrajani 2017 (1704.00028, equation 3): two-sided, as the best critic's slope is 1 almost
  everywhere between coupled points of the two laws.
  """
  t = jax.random.uniform(key, (len(real), *[1] * (real.ndim - 1)))
  square = squared_slope(critic, t * real + (1 - t) * fake)
  return (jnp.sqrt(square + 1e-12) - 1) ** 2  # The square root has no slope at 0.
