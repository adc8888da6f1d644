"""Disentanglement scores of codes whose score is known: perfect, random, and with closed forms."""

import itertools
import zlib

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from genjax_zoo.core import UserError
from genjax_zoo.metrics import disentanglement

SIZES = (4, 1, 8, 10)  # The second never varies.
VOTES, EXAMPLES = (600, 600), (6_000, 2_000)


def perfect(factors):
  """Each varying factor in a coordinate of its own, of another order, sign and scale; one
  coordinate says nothing.
  """
  f = jnp.asarray(factors, jnp.float32)
  return jnp.stack([-0.5 * f[:, 2], jnp.full(len(f), 3.0), 0.3 * f[:, 0], f[:, 3] - 4], -1)


def noise(factors):
  """A code that knows nothing of the factors."""
  return np.random.default_rng(zlib.crc32(factors.tobytes())).normal(size=(len(factors), 5))


def rotated(degrees):
  """Two factors of the same size, turned into one another."""
  c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
  return lambda factors: (factors - 4.5) @ np.array([[c, -s], [s, c]])


def every(*sizes):
  """All combinations of the factors, once: a sample without sampling error."""
  return np.array(list(itertools.product(*map(range, sizes))))


def generator(seed=0):
  return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def scores():
  """name -> scores, of each code once."""
  codes = {"perfect": perfect, "noise": noise}
  return {
    name: disentanglement.scores(SIZES, code, 0, VOTES, EXAMPLES, continuous=True)
    for name, code in codes.items()
  }


def test_a_perfect_code_has_every_score_near_one(scores):
  assert all(type(score) is float for score in scores["perfect"].values())
  found = np.array([*scores["perfect"].values()])
  assert (found > 0.99).all() and (found <= 1).all(), scores["perfect"]


def test_a_random_code_is_at_chance(scores):
  """1/3 for classifiers of the three factors that vary, 0 for gaps and concentrations."""
  found = scores["noise"]
  np.testing.assert_allclose(
    [found["beta_vae"], found["factor_vae"]], 1 / 3, atol=4 * (2 / 9 / VOTES[1]) ** 0.5
  )
  chance = np.mean([1 / 4, 1 / 8, 1 / 10])
  np.testing.assert_allclose(found["dci_informativeness"], chance, atol=0.03)
  for name in ("mig", "sap", "dci_disentanglement", "dci_completeness"):
    assert abs(found[name]) < 0.02, name


def test_scores_follow_from_the_seed():
  run = lambda seed: disentanglement.scores(SIZES, noise, seed, (100, 100), (1_000, 500))
  first = run(1)
  assert first == run(1)
  assert all(first[name] != other for name, other in run(2).items())


def test_codes_are_made_in_equal_chunks_in_order():
  seen = []
  code = lambda factors: (seen.append(factors.shape), factors[:, :2] * 1.0)[1]
  factors = generator().integers(0, 9, (3, 700, 4))
  np.testing.assert_array_equal(disentanglement.encode(code, factors), factors[..., :2])
  assert set(seen) == {(disentanglement.CHUNK, 4)}


@pytest.mark.parametrize("score", [disentanglement.beta_vae, disentanglement.factor_vae])
def test_interventions_have_all_values(score):
  seen = []
  score(generator(), SIZES, lambda f: (seen.append(f), noise(f))[1], (64, 64))
  last = np.concatenate(seen[-4:])  # The test points.
  assert [set(values) for values in last.T.tolist()] == [set(range(n)) for n in SIZES]


@pytest.mark.parametrize("code", [lambda f: np.full((len(f), 2), np.nan), lambda f: f[:, 0] * 1.0])
def test_codes_of_the_wrong_form_are_refused(code):
  with pytest.raises(UserError, match="finite and"):
    disentanglement.scores(SIZES, code)


@pytest.mark.parametrize("score", [disentanglement.beta_vae, disentanglement.factor_vae])
def test_a_turn_by_45_degrees_hides_which_of_two_factors_is_fixed(score):
  """Both coordinates depend on both factors alike: accuracy 1/2. A small turn hides nothing."""
  run = lambda degrees: score(generator(1), (10, 10), rotated(degrees), (600, 600))
  assert abs(run(45) - 0.5) < 4 * (0.25 / 600) ** 0.5
  assert run(10) > 0.99


def test_coordinates_that_collapsed_do_not_vote():
  """The copy of factor 0 that is too small to count would win the vote; without any other
  coordinate the score is 0.
  """
  small = lambda f: np.stack([0.001 * f[:, 0], f[:, 0] + 0.3 * f[:, 1], f[:, 1] - 0.3 * f[:, 0]], 1)
  run = lambda code, collapsed: disentanglement.factor_vae(
    generator(2), (8, 8), code, (300, 300), collapsed=collapsed
  )
  assert run(small, 0.05) > 0.99
  assert run(lambda f: 0.001 * f, 0.05) == 0
  assert run(lambda f: 0.001 * f, 1e-5) > 0.99


def test_variances_are_compared_in_units_of_their_coordinate():
  """Of a small coordinate and a large one, the large varies more even where its factor is fixed."""
  code = lambda f: np.stack([100 * (f[:, 0] + 0.1 * f[:, 1]), f[:, 1] + 0.1 * f[:, 0]], 1)
  assert disentanglement.factor_vae(generator(3), (8, 8), code, (300, 300)) > 0.99


def test_mig_of_a_known_joint():
  """v has 4 values: z1 = v knows log 4 of it, z2 = v // 2 log 2. w is binary: z3 = w but for a
  fraction e of flips.
  """
  factors = np.repeat(every(4, 2), 10, 0)
  flipped = np.arange(len(factors)) % 10 < 1
  v, w = factors.T
  codes = np.stack([v, v // 2, np.where(flipped, 1 - w, w)], 1) * np.array([2.0, -1.0, 0.1]) + 5
  entropy = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
  expected = np.mean([(np.log(4) - np.log(2)) / np.log(4), (np.log(2) - entropy) / np.log(2)])
  np.testing.assert_allclose(disentanglement.mig(codes, factors), expected, rtol=1e-9)
  np.testing.assert_allclose(
    disentanglement.mig(codes[:, ::-1], factors[:, ::-1]), expected, rtol=1e-9
  )


@pytest.mark.parametrize("bins", [10, 20, 40])
def test_mig_cannot_distinguish_more_values_than_it_has_bins(bins):
  factors = every(40, 3)
  codes = factors[:, :1] * 1.0
  known = np.log(bins) / np.log(40)  # Of the second factor the code knows nothing.
  np.testing.assert_allclose(disentanglement.mig(codes, factors, bins), known / 2, rtol=1e-9)


def test_concentration_has_its_closed_form():
  ten = np.eye(10)
  np.testing.assert_allclose(disentanglement.concentration(ten), 1)
  np.testing.assert_allclose(disentanglement.concentration(np.ones((4, 10))), 0, atol=1e-12)
  pairs = ten + np.roll(ten, 1, 1)
  np.testing.assert_allclose(disentanglement.concentration(pairs), 1 - np.log(2) / np.log(10))
  # Rows of weight 3, 1 and 0, concentrated 1 and 0.
  weighted = np.array([[3.0, 0, 0, 0], [0.25] * 4, [0] * 4])
  np.testing.assert_allclose(disentanglement.concentration(weighted), 3 / 4)
  assert (
    disentanglement.concentration(np.zeros((3, 4)))
    == disentanglement.concentration(np.ones((3, 1)))
    == 0
  )


def dci(code, sizes=(8, 8, 8), **options):
  train, test = (
    disentanglement.draw(generator(s), sizes, code, n) for s, n in ((3, 4_000), (4, 2_000))
  )
  return disentanglement.dci(train, test, **options)


def test_dci_tells_a_divided_factor_from_a_shared_coordinate():
  """Copies halve the importance of coordinates for each factor: completeness is 1 - log 2 / log 6.

  A coordinate that carries two factors of three is as important for both: it has disentanglement 1
  - log 2 / log 3.
  """
  copies = dci(lambda f: np.concatenate([f, f], 1) * 1.0)
  np.testing.assert_allclose(copies["dci_completeness"], 1 - np.log(2) / np.log(6), atol=0.03)
  assert copies["dci_disentanglement"] > 0.99 and copies["dci_informativeness"] > 0.99
  shared = dci(lambda f: np.stack([8.0 * f[:, 0] + f[:, 1], f[:, 2]], 1))
  assert shared["dci_completeness"] > 0.99
  np.testing.assert_allclose(
    shared["dci_disentanglement"], 1 - 2 / 3 * np.log(2) / np.log(3), atol=0.03
  )


def test_dci_informativeness_is_the_mean_accuracy():
  """A code that halves the values of one of three factors gets that one right half of the time."""
  found = dci(lambda f: np.stack([f[:, 0] // 2, f[:, 1], f[:, 2]], 1) * 1.0)
  np.testing.assert_allclose(found["dci_informativeness"], (0.5 + 1 + 1) / 3, atol=0.03)


def test_dci_takes_any_trees():
  found = dci(lambda f: f * 1.0, (3, 4), trees=GradientBoostingClassifier(n_estimators=10))
  assert min(found.values()) > 0.99


@pytest.mark.parametrize("degrees", [0, 15, 30, 45])
def test_continuous_sap_of_a_turn_is_the_cosine_of_twice_the_angle(degrees):
  """The squared correlations of a factor with the two coordinates are cos^2 and sin^2."""
  factors = every(10, 10)
  sample = rotated(degrees)(factors), factors
  expected = np.cos(2 * np.radians(degrees))
  np.testing.assert_allclose(
    disentanglement.sap(sample, sample, continuous=True), expected, atol=1e-9
  )


@pytest.mark.parametrize("flips", [0, 1, 2])
def test_sap_of_binary_factors_is_accuracy_above_one_half(flips):
  """A coordinate right but for a tenth of flips, beside one that knows nothing."""
  factors = np.repeat(every(2, 2), 1_000, 0)
  wrong = np.arange(len(factors))[:, None] % 10 < flips
  sample = np.where(wrong, 1 - factors, factors) * 4.0, factors
  np.testing.assert_allclose(disentanglement.sap(sample, sample), 0.5 - flips / 10, atol=1e-9)


def test_sap_counts_a_single_coordinate_in_full():
  factors = every(2, 5)
  sample = factors[:, :1] * 1.0, factors
  np.testing.assert_allclose(
    disentanglement.sap(sample, sample, continuous=True), (1 + 0) / 2, atol=1e-9
  )


def test_a_point_of_beta_vae_is_a_mean_absolute_difference(monkeypatch):
  seen = []

  class Classifier:
    def __init__(self, **options):
      pass

    def fit(self, points, y):
      seen.append(points)
      return self

    def score(self, points, y):
      seen.append(points)
      return 1.0

  differences = np.random.default_rng(0).normal(size=(2, 6, 3, 5))
  codes = iter([differences[0], 0 * differences[0], 0 * differences[1], differences[1]])
  monkeypatch.setattr(disentanglement, "LogisticRegression", Classifier)
  monkeypatch.setattr(disentanglement, "encode", lambda code, factors: next(codes))
  disentanglement.beta_vae(generator(), SIZES, perfect, (6, 6), batch=3)
  np.testing.assert_allclose(seen, np.abs(differences).mean(2))
