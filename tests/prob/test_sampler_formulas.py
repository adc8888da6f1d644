"""Every sampler is its paper's recursion, written out in NumPy; samples have its exact moments.

A reference is a function (denoise, x, levels, noise) -> x, where noise() is the next sample of
N(0, I). `levels` are the pairs (alpha, sigma) that the sampler gets.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import samplers
from genjax_zoo.prob.schedules import NoiseLevel

# No process that preserves variance, uneven, and down to sigma = 0.
LEVELS = [(0.1, 1.3), (0.35, 0.9), (0.6, 0.55), (0.85, 0.2), (1.0, 0.0)]
FROM_NOISE = [(0.0, 1.0), *LEVELS[1:]]  # alpha = 0: rectified flow begins there.
SHARE, SIZE = 0.3, 0.4  # v of a learned variance, and the size of Langevin's steps.
KNOWN = np.array([[0.5, -0.8], [0.1, 0.3], [-0.4, 0.9]])
MASK = np.array([[True, False], [False, True], [True, True]])


def pairs(levels):
  return itertools.pairwise(levels)


def noise_of(x, x0, t):
  return (x - t[0] * x0) / t[1]


def posterior(x0, x, t, s):
  """(mean, small, large) of q(x_s | x_t, x_0): the product of two Gaussians of x_s."""
  ratio = t[0] / s[0]
  large = t[1] ** 2 - ratio**2 * s[1] ** 2
  if s[1] == 0:
    return x0, 0.0, large
  small = 1 / (1 / s[1] ** 2 + ratio**2 / large)
  return small * (s[0] * x0 / s[1] ** 2 + ratio * x / large), small, large


VARIANCES = {
  "small": lambda small, large: small,
  "large": lambda small, large: large,
  "learned": lambda small, large: large**SHARE * small ** (1 - SHARE),
}


def ancestral_step(f, x, t, s, noise, variance):
  mean, small, large = posterior(f(x, *t), x, t, s)
  eps = noise()
  return mean + np.sqrt(VARIANCES[variance](small, large)) * eps if s[1] else mean


def ancestral(f, x, levels, noise, variance="small"):
  for t, s in pairs(levels):
    x = ancestral_step(f, x, t, s, noise, variance)
  return x


def ddim(f, x, levels, noise, eta=0.0):
  for t, s in pairs(levels):
    x0 = f(x, *t)
    d2 = eta**2 * posterior(x0, x, t, s)[1]
    x = s[0] * x0 + np.sqrt(s[1] ** 2 - d2) * noise_of(x, x0, t) + np.sqrt(d2) * noise()
  return x


def renoise(f, x, levels, noise):
  for t, s in pairs(levels):
    x = s[0] * f(x, *t) + s[1] * noise()
  return x


def heun(f, x, levels, noise):
  for t, s in pairs(levels):
    dalpha = s[0] - t[0]
    dsigma = s[1] - t[1]
    change = lambda x, level, x0: dalpha * x0 + dsigma * noise_of(x, x0, level)
    first = change(x, t, f(x, *t))
    euler = x + first
    x = x + (first + change(euler, s, f(euler, *s))) / 2 if s[1] else euler
  return x


def exponential_step(x, x0, t, s):
  """The exact solution from t to s where x0_hat stays the same (DPM-Solver++, Proposition 4.1)."""
  return s[1] / t[1] * (x - t[0] * x0) + s[0] * x0


def log_ratio(t):
  """lambda = log(alpha / sigma)."""
  return np.log(t[0]) - np.log(t[1])


def dpm_solver(f, x, levels, noise, order=2):
  """Algorithm 2 of arXiv:2211.01095, with r = h_last / h."""
  last = None
  for t, s in pairs(levels):
    x0 = f(x, *t)
    mixed = x0
    if order == 2 and last is not None and s[1]:
      r = (log_ratio(t) - log_ratio(last[0])) / (log_ratio(s) - log_ratio(t))
      mixed = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * last[1]
    # From alpha = 0 the step in lambda is infinite, and nothing can be extrapolated over it.
    last = (t, x0) if t[0] else None
    x = exponential_step(x, mixed, t, s)
  return x


def dpm_solver_single(f, x, levels, noise):
  """Algorithm 1 of arXiv:2211.01095."""
  for t, m, s in zip(levels[:-2:2], levels[1:-1:2], levels[2::2]):
    x0 = f(x, *t)
    u = exponential_step(x, x0, t, m)
    r = 1.0 if t[0] == 0 else 0.0
    if t[0] and s[1]:
      r = (log_ratio(m) - log_ratio(t)) / (log_ratio(s) - log_ratio(t))
    d = (1 - 1 / (2 * r)) * x0 + f(u, *m) / (2 * r) if s[1] else f(u, *m)
    x = exponential_step(x, d, t, s)
  return x


def euler_maruyama(f, x, levels, noise):
  """The ODE's step, and g² dt / 2 of the score with g² dt of noise, g² dt = 2 sigma² dlambda."""
  for t, s in pairs(levels):
    x0 = f(x, *t)
    eps = noise_of(x, x0, t)
    ode = (s[0] - t[0]) * x0 + (s[1] - t[1]) * eps
    g2 = 2 * t[1] ** 2 * (log_ratio(s) - log_ratio(t)) if t[0] and s[1] else 0.0
    x = x + ode + g2 / 2 * (-eps / t[1]) + np.sqrt(g2) * noise()
  return x


def langevin_step(f, x, t, noise):
  d = SIZE * t[1] ** 2
  score = -noise_of(x, f(x, *t), t) / t[1]
  return x + d / 2 * score + np.sqrt(d) * noise()


def annealed_langevin(f, x, levels, noise, repeats=3):
  for i, t in enumerate(levels[:-1]):
    x = x * (t[0] / levels[i - 1][0] if i else 1.0)
    for _ in range(repeats):
      x = langevin_step(f, x, t, noise)
  return f(x, *levels[-2])


def predictor_corrector(f, x, levels, noise, variance="small"):
  for t, s in pairs(levels):
    x = ancestral_step(f, x, t, s, noise, variance)
    x = langevin_step(f, x, s, noise) if s[1] else x
  return x


def repaint(f, x, levels, noise, repeats=3):
  for t, s in pairs(levels):
    for i in range(repeats):
      sampled = ancestral_step(f, x, t, s, noise, "small")
      x = np.where(MASK, s[0] * KNOWN + s[1] * noise(), sampled)
      if i < repeats - 1:  # q(x_t | x_s).
        ratio = t[0] / s[0]
        x = ratio * x + np.sqrt(t[1] ** 2 - ratio**2 * s[1] ** 2) * noise()
  return x


learned = {"variance": lambda x, level: jnp.full_like(x, SHARE)}
part = functools.partial
CASES = {  # (the sampler's name, its options, the reference)
  "ancestral, small": ("ancestral", {}, ancestral),
  "ancestral, large": ("ancestral", {"variance": "large"}, part(ancestral, variance="large")),
  "ancestral, learned": ("ancestral", learned, part(ancestral, variance="learned")),
  "ddim": ("ddim", {}, ddim),
  "ddim, eta 0.6": ("ddim", {"eta": 0.6}, part(ddim, eta=0.6)),
  "renoise": ("renoise", {}, renoise),
  "heun": ("heun", {}, heun),
  "dpm_solver": ("dpm_solver", {}, dpm_solver),
  "dpm_solver, order 1": ("dpm_solver", {"order": 1}, part(dpm_solver, order=1)),
  "dpm_solver_single": ("dpm_solver_single", {}, dpm_solver_single),
  "euler_maruyama": ("euler_maruyama", {}, euler_maruyama),
  "annealed_langevin": ("annealed_langevin", {"repeats": 3, "size": SIZE}, annealed_langevin),
  "predictor_corrector": (
    "predictor_corrector",
    {"variance": "large", "size": SIZE},
    part(predictor_corrector, variance="large"),
  ),
  "repaint": ("repaint", {"known": KNOWN, "mask": MASK, "repeats": 3}, repaint),
}
FROM_ALPHA_0 = "ddim", "heun", "dpm_solver", "dpm_solver_single", "euler_maruyama"
GRID = [(name, LEVELS) for name in CASES] + [(name, FROM_NOISE) for name in FROM_ALPHA_0]


def stacked(levels):
  alpha, sigma = (jnp.array(values) for values in zip(*levels))
  return NoiseLevel(alpha, sigma)


def nonlinear(x, alpha, sigma):
  """A denoiser of points [B, 2] that differs between levels.

  It mixes both numbers, and is NaN at sigma = 0, where it is not to be called.
  """
  return alpha * x / (1 + x[..., ::-1] ** 2) + 0.3 * sigma**2 / sigma * x


@pytest.mark.parametrize("name, levels", GRID)
def test_steps_are_those_of_the_paper(name, levels, monkeypatch):
  """With the same noise in every step, to the last digits."""
  rng = np.random.default_rng(0)
  x, eps = rng.normal(size=(2, 3, 2))
  monkeypatch.setattr(jax.random, "normal", lambda key, shape, dtype: jnp.asarray(eps, dtype))
  sampler, options, reference = CASES[name]
  with jax.enable_x64(True):
    denoise = lambda x, level: nonlinear(x, *level)
    solve = functools.partial(getattr(samplers, sampler), denoise, **options)
    found = jax.jit(solve)(jnp.asarray(x), stacked(levels), jax.random.key(0))
  expected = reference(nonlinear, x, levels, lambda: eps)
  np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in CASES if name != "repaint"])
def test_evaluations_are_those_of_the_recursion(name):
  calls = []

  def counted(x, alpha, sigma):
    calls.append(1)
    return nonlinear(x, alpha, sigma)

  sampler, options, reference = CASES[name]
  reference(counted, np.ones((1, 2)), LEVELS, lambda: np.zeros((1, 2)))
  options = {k: v for k, v in options.items() if k == "repeats"}
  assert samplers.evaluations(sampler, len(LEVELS) - 1, **options) == len(calls)


C = 0.5  # The variance of the data, N(0, C).


def gaussian(x, alpha, sigma):
  """E[x_0 | x_t] of data N(0, C)."""
  return C * alpha / (C * alpha**2 + sigma**2) * x


def trajectory_end(x, alpha, sigma):
  """Where the ODE of data N(0, C) takes x_t: what a consistency model learns."""
  return np.sqrt(C) / (C * alpha**2 + sigma**2) ** 0.5 * x


def exact_variance(reference, denoise, levels, noises: int):
  """Of samples with a linear denoiser: x is held as its coefficients of x_T and of every noise."""
  basis = iter(np.eye(noises + 1))
  start = np.sqrt(C * levels[0][0] ** 2 + levels[0][1] ** 2) * next(basis)
  return (reference(denoise, start, levels, lambda: next(basis)) ** 2).sum()


NOISY = [name for name in CASES if name not in ("repaint", "heun") and "dpm" not in name]


@pytest.mark.parametrize("name", NOISY)
def test_samples_have_the_exact_moments_of_the_recursion(name):
  """The noises of all steps are independent and of variance 1."""
  sampler, options, reference = CASES[name]
  denoise = trajectory_end if name == "renoise" else gaussian
  expected = exact_variance(reference, denoise, LEVELS, 20)
  if name == "renoise":  # A consistency model is exact in any number of steps.
    assert expected == pytest.approx(C)
  n = 100_000
  k_x, key = jax.random.split(jax.random.key(0))
  start = np.sqrt(C * LEVELS[0][0] ** 2 + LEVELS[0][1] ** 2) * jax.random.normal(k_x, (n,))
  solve = functools.partial(
    getattr(samplers, sampler), lambda x, level: denoise(x, *level), **options
  )
  x = jax.jit(solve)(start, stacked(LEVELS), key)
  np.testing.assert_allclose(x.var(), expected, rtol=5 * (2 / n) ** 0.5)
  np.testing.assert_allclose(x.mean(), 0, atol=5 * (expected / n) ** 0.5)


TENDING = [name for name in CASES if name not in ("repaint", "renoise", "annealed_langevin")]


@pytest.mark.parametrize("name", TENDING)
def test_the_recursions_tend_to_the_data(name):
  """So the references are samplers: in many small steps the variance is that of the data."""
  angle = np.linspace(0.001, np.pi / 2, 600)[::-1] * 0.999
  levels = [*zip(np.cos(angle), np.sin(angle)), (1.0, 0.0)]
  variance = exact_variance(CASES[name][2], gaussian, levels, noises=1200)
  assert variance == pytest.approx(C, rel=0.03)


def test_dpm_solver_single_takes_steps_two_at_a_time():
  with pytest.raises(ValueError, match="two at a time"):
    samplers.dpm_solver_single(None, jnp.zeros(2), stacked(LEVELS[1:]), jax.random.key(0))
