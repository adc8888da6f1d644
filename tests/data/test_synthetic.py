"""Densities integrate to 1, samples follow them, and entropies are those of the distributions."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from genjax_zoo.core import UserError
from genjax_zoo.data import load

KEY = jax.random.key(7)
NAMES = ["moons", "8gaussians", "25gaussians", "swirl", "checkerboard"]


@pytest.fixture(scope="module", params=NAMES)
def dataset(request):
  return load(request.param)


@pytest.fixture(scope="module")
def mass(dataset):
  """The probability of each cell of a grid [700, 700] over [-3.5, 3.5]^2; no edge cuts a cell."""
  line = (np.arange(700) + 0.5) / 100 - 3.5
  points = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(8, -1, 2).astype(np.float32)
  log_p = jax.jit(lambda points: jax.lax.map(dataset.log_prob, points))(points)
  return np.exp(np.asarray(log_p, np.float64)).reshape(700, 700) / 100**2


def test_the_density_integrates_to_one(mass):
  np.testing.assert_allclose(mass.sum(), 1, atol=1e-5)


@pytest.mark.parametrize("how", ["split", "fresh"])
def test_samples_follow_the_density(dataset, mass, how):
  """Chi-squared of a histogram and Kolmogorov-Smirnov of both coordinates, against the density."""
  n = 50_000
  x = (
    dataset.splits["train"]["x"]
    if how == "split"
    else np.asarray(jax.jit(dataset.sample, static_argnums=1)(KEY, n)["x"])
  )
  assert x.shape == (n, 2) and x.dtype == np.float32
  expected = n * mass.reshape(14, 50, 14, 50).sum((1, 3)).ravel()
  edges = np.linspace(-3.5, 3.5, 15)
  found = np.histogram2d(x[:, 0], x[:, 1], [edges, edges])[0].ravel()
  common = expected > 5
  rest = lambda counts: [*counts[common], counts[~common].sum() + 1e-9]
  assert (
    stats.chisquare(
      rest(found), np.array(rest(expected)) * (sum(rest(found)) / sum(rest(expected)))
    ).pvalue
    > 1e-4
  )
  for axis in range(2):
    cdf = np.concatenate([[0], np.cumsum(mass.sum(1 - axis))])
    at = np.linspace(-3.5, 3.5, 701)
    assert stats.kstest(x[:, axis], lambda v: np.interp(v, at, cdf)).pvalue > 1e-4


def test_the_entropy_is_the_mean_of_minus_log_p(dataset):
  log_p = np.asarray(jax.jit(dataset.log_prob)(dataset.splits["test"]["x"]), np.float64)
  assert np.isfinite(log_p).all()
  error = log_p.std() / math.sqrt(len(log_p)) + 1e-6
  assert abs(-log_p.mean() - dataset.truth["entropy"]) < 4 * error


def test_the_entropy_of_separate_gaussians_has_a_closed_form():
  for name, n in [("8gaussians", 8), ("25gaussians", 25)]:
    truth = load(name).truth
    closed = math.log(n) + math.log(2 * math.pi * math.e * truth["sd"] ** 2)
    np.testing.assert_allclose(truth["entropy"], closed, atol=1e-7)


def test_modes_are_where_wgan_papers_put_them():
  eight, grid25 = load("8gaussians").truth, load("25gaussians").truth
  np.testing.assert_allclose(np.linalg.norm(eight["centres"], axis=1), 2 / 1.414, rtol=1e-6)
  np.testing.assert_allclose([eight["sd"], grid25["sd"]], [0.1 / 1.414, 0.05 / 2.828])
  np.testing.assert_allclose(np.unique(grid25["centres"]), np.arange(-4, 5, 2) / 2.828, rtol=1e-6)
  wide = load("8gaussians", radius=3.0, sd=0.3, scale=1.0)
  assert wide.truth["sd"] == 0.3
  x, centres = wide.splits["train"]["x"], wide.truth["centres"]
  near = np.square(x[:, None] - centres[None]).sum(-1)
  np.testing.assert_allclose(np.sqrt(near.min(1).mean() / 2), 0.3, rtol=0.02)
  assert (np.bincount(near.argmin(1)) > 5500).all()


@pytest.mark.parametrize("sd", [0.05, 0.2])
def test_a_blurred_curve_has_the_density_of_a_fine_simpson_rule(sd):
  curves = {
    "moons": (
      0,
      np.pi,
      [lambda t: (np.cos(t), np.sin(t)), lambda t: (1 - np.cos(t), 0.5 - np.sin(t))],
    ),
    "swirl": (1.5 * np.pi, 4.5 * np.pi, [lambda t: (t * np.cos(t) / 7, t * np.sin(t) / 7)]),
  }
  for name, (start, stop, arcs) in curves.items():
    dataset = load(name, sd=sd)
    points, t = dataset.splits["test"]["x"][:50], np.linspace(start, stop, 4001)
    squared = np.stack(
      [sum((points[:, [i]] - arc(t)[i][None]) ** 2 for i in range(2)) for arc in arcs]
    )
    kernel = np.exp(-squared / (2 * sd**2)) / (2 * np.pi * sd**2)
    exact = integrate.simpson(kernel, t).mean(0) / (stop - start)
    np.testing.assert_allclose(dataset.log_prob(jnp.asarray(points)), np.log(exact), atol=1e-4)


def test_moons_lie_where_scikit_learn_puts_them():
  from sklearn.datasets import make_moons

  ours = load("moons", sd=0.1).splits["train"]["x"]
  theirs = make_moons(50_000, noise=0.1, random_state=0)[0]
  for axis in range(2):
    assert stats.ks_2samp(ours[:, axis], theirs[:, axis]).pvalue > 1e-4


def test_the_checkerboard_is_zero_off_its_squares():
  log_p = load("checkerboard").log_prob
  squares = jnp.array([[0.5, 0.5], [-0.5, -0.5], [0.5, -0.5], [1.5, 0.5], [2.5, 0.5], [-2.5, -2.5]])
  np.testing.assert_allclose(log_p(squares), [-math.log(8)] * 2 + [-np.inf] * 4)


def test_draws_depend_on_the_seed_alone():
  one, again, other = (load("moons", seed=s).splits for s in (1, 1, 2))
  np.testing.assert_array_equal(one["train"]["x"], again["train"]["x"])
  assert (one["train"]["x"] != other["train"]["x"]).any()
  board = load("checkerboard").splits  # Without noise: a number used twice would show.
  assert np.isin(board["test"]["x"][:, 0], board["train"]["x"][:, 0]).mean() < 0.05
  assert {split: len(x["x"]) for split, x in one.items()} == {"train": 50_000, "test": 10_000}


def test_arguments_of_another_set_are_refused():
  with pytest.raises(UserError, match=r"takes no 'radios', did you mean 'radius'"):
    load("8gaussians", radios=1.0)
