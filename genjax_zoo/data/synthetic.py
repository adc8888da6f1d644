"""Two-dimensional distributions whose density is known exactly, so that a model can be checked.

All but the checkerboard are mixtures of Gaussians of one standard deviation `sd`. In "8gaussians"
and "25gaussians" the components are points; in "moons" and "swirl" they lie along a curve c(t),
uniformly in t. The density

  p(x) = 1 / (t1 - t0)  int_t0^t1  N(x; c(t), sd^2 I) dt

is computed by Gauss-Legendre quadrature, 16 nodes to a piece of about six standard deviations,
which is accurate to float32: a finite mixture again, with the weights of the quadrature. A
distribution is a map of uniform and normal noise to points, for NumPy arrays (the splits, the
entropy) and for JAX arrays (new samples, log_prob inside jit) alike.
"""

from collections.abc import Callable
import math

import jax
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data.dataset import Dataset

SIZES = {"train": 50_000, "test": 10_000}
NODES = 16  # Of the quadrature, for each piece of a curve.


def eight_gaussians(
  name: str, *, radius: float = 2.0, sd: float = 0.1, scale: float = 1.414, seed: int = 0
) -> Dataset:
  """Eight Gaussians on a circle; radius and sd are both divided by `scale`."""
  angle = np.arange(8) * (np.pi / 4)
  circle = np.stack([np.cos(angle), np.sin(angle)], 1)
  return gaussians(name, radius / scale * circle, sd / scale, seed)


def twenty_five_gaussians(
  name: str, *, spacing: float = 2.0, sd: float = 0.05, scale: float = 2.828, seed: int = 0
) -> Dataset:
  """Gaussians on a 5 x 5 grid; spacing and sd are both divided by `scale`."""
  line = spacing / scale * np.arange(-2, 3)
  grid = np.stack(np.meshgrid(line, line), -1).reshape(25, 2)
  return gaussians(name, grid, sd / scale, seed)


def moons(name: str, *, sd: float = 0.1, seed: int = 0) -> Dataset:
  """Two interleaved half circles of radius 1, placed as in scikit-learn's `make_moons`."""
  upper = lambda t, xp: (xp.cos(t), xp.sin(t))
  lower = lambda t, xp: (1 - xp.cos(t), 0.5 - xp.sin(t))
  return curves(name, [upper, lower], (0, math.pi), math.pi, sd, seed)


def swirl(name: str, *, sd: float = 0.1, seed: int = 0) -> Dataset:
  """The spiral (t cos t, t sin t) / 7 for t in (1.5 pi, 4.5 pi), of about unit variance.

  The swiss roll of Sohl-Dickstein et al. 2015 (arXiv:1503.03585).
  """
  spiral = lambda t, xp: (t * xp.cos(t) / 7, t * xp.sin(t) / 7)
  return curves(name, [spiral], (1.5 * math.pi, 4.5 * math.pi), 12.7, sd, seed)


def checkerboard(name: str, *, seed: int = 0) -> Dataset:
  """Uniform on the eight black unit squares of [-2, 2]^2: log p = -log 8 there, else -inf."""

  def push(u, _, xp):
    column = 4 * u[:, 0]
    row = 2 * xp.floor(2 * u[:, 1]) + xp.floor(column) % 2 + u[:, 2]
    return xp.stack([column - 2, row - 2], -1)

  def log_prob(x):
    xp = x.__array_namespace__()
    black = (xp.abs(x) < 2).all(-1) & (xp.floor(x).sum(-1) % 2 == 0)
    return xp.where(black, -math.log(8), -xp.inf)

  return procedural(name, push, log_prob, {"entropy": math.log(8)}, seed)


def gaussians(name: str, centres, sd: float, seed: int) -> Dataset:
  """Gaussians of equal weight about `centres` [M, 2]."""

  def push(u, eps, xp):
    which = xp.floor(len(centres) * u[:, 0]).astype(int)
    return xp.asarray(centres, dtype=u.dtype)[which] + sd * eps

  log_prob = mixture(centres, np.full(len(centres), 1 / len(centres)), sd)
  truth = {
    "entropy": entropy(log_prob, centres, sd),
    "centres": centres.astype(np.float32),
    "sd": sd,
  }
  return procedural(name, push, log_prob, truth, seed)


def curves(name: str, curves, interval, length: float, sd: float, seed: int) -> Dataset:
  """Equally likely curves t -> (x, y), t uniform in `interval`, blurred by Gaussian noise.

  `length` is that of one curve.
  """
  start, stop = interval

  def push(u, eps, xp):
    t = start + (stop - start) * u[:, 0]
    which = xp.floor(len(curves) * u[:, 1])
    points = sum(
      xp.where((which == i)[:, None], xp.stack(curve(t, xp), -1), 0)
      for i, curve in enumerate(curves)
    )
    return points + sd * eps

  nodes, weights = np.polynomial.legendre.leggauss(NODES)
  edges = np.linspace(start, stop, math.ceil(length / (6 * sd)) + 1)
  t = (edges[:-1, None] + np.diff(edges)[:, None] * (nodes[None] + 1) / 2).ravel()
  centres = np.concatenate([np.stack(curve(t, np), -1) for curve in curves])
  weights = np.resize(weights, len(centres))
  log_prob = mixture(centres, weights / weights.sum(), sd)
  return procedural(name, push, log_prob, {"entropy": entropy(log_prob, centres, sd)}, seed)


def mixture(centres, weights, sd: float) -> Callable:
  """x [B, 2] -> log sum_m weights[m] N(x; centres[m], sd^2 I), nats [B]."""

  def log_prob(x):
    xp = x.__array_namespace__()
    c = xp.asarray(centres, dtype=x.dtype)
    log_w = xp.asarray(np.log(weights), dtype=x.dtype)
    squared = xp.square(x[:, :1] - c[None, :, 0]) + xp.square(x[:, 1:] - c[None, :, 1])
    terms = log_w[None] - squared / (2 * sd**2)
    top = terms.max(-1)
    log_sum = top + xp.log(xp.exp(terms - top[:, None]).sum(-1))
    return log_sum - math.log(2 * math.pi * sd**2)

  return log_prob


def entropy(log_prob: Callable, centres, sd: float) -> float:
  """-int p log p of a mixture about `centres` [M, 2], nats, to 1e-5.

  It is the sum over a grid of spacing h = 3/4 sd, which misses the integral of a Gaussian by a
  factor of exp(-2 pi^2 (sd / h)^2).
  """
  h = 0.75 * sd
  low, high = centres.min(0) - 8 * sd, centres.max(0) + 8 * sd
  x, y = (np.arange(*ends, h) for ends in zip(low, high))
  total = 0.0
  for column in x:  # One at a time bounds the memory.
    log_p = log_prob(np.stack([np.full_like(y, column), y], -1))
    total -= h**2 * float(np.sum(np.exp(log_p) * log_p))
  return total


def procedural(name: str, push: Callable, log_prob: Callable, truth: dict, seed: int) -> Dataset:
  """The set of points x = push(u, eps, numpy or jax.numpy), u [n, 3] uniform, eps [n, 2] normal."""

  def sample(key, n):
    first, second = jax.random.split(key)
    u, eps = jax.random.uniform(first, (n, 3)), jax.random.normal(second, (n, 2))
    return {"x": push(u, eps, jax.numpy)}

  splits = {}
  for i, (split, n) in enumerate(SIZES.items()):
    rng = np.random.default_rng((seed, i))
    # So coarse that no sum rounds up to a square's edge.
    u = rng.integers(2**23, size=(n, 3)).astype(np.float32) * 2**-23
    splits[split] = {"x": push(u, rng.standard_normal((n, 2), np.float32), np)}
  fields = {"x": Field((2,), np.float32, kind="vector")}
  return Dataset(name, fields, splits, log_prob=log_prob, sample=sample, truth=truth)
