"""Classifier two-sample test: Bayes accuracy of Gaussians, the null's level, the binomial tail."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from genjax_zoo.core import UserError
from genjax_zoo.metrics.two_sample import classifier_two_sample


def test_reaches_and_never_beats_the_bayes_accuracy():
  rng, shift = np.random.default_rng(0), 1.5
  real, fake = rng.normal(size=(2, 4000, 3))
  fake[:, 0] += shift
  real[:, 2] = fake[:, 2] = 7  # A feature that never varies does no harm.
  found = classifier_two_sample(real, fake)
  bayes, error = norm.cdf(shift / 2), found["standard_error"]
  assert bayes - 0.02 - 3 * error < found["accuracy"] < bayes + 3 * error
  np.testing.assert_allclose(
    error, np.sqrt(found["accuracy"] * (1 - found["accuracy"]) / 4000), rtol=1e-6
  )


def test_sees_what_means_and_covariances_do_not():
  rng = np.random.default_rng(1)
  signs = rng.choice([-1.0, 1.0], (2000, 2))
  assert classifier_two_sample(signs, rng.normal(size=(2000, 2)))["accuracy"] > 0.9


def test_p_value_is_the_binomial_tail_and_keeps_its_level():
  rng, p_values = np.random.default_rng(2), []
  for seed in range(40):
    found = classifier_two_sample(*rng.normal(size=(2, 60, 2)), steps=100, seed=seed)
    right = round(found["accuracy"] * found["tested"])
    expected = binomtest(right, found["tested"], alternative="greater").pvalue
    np.testing.assert_allclose(found["p_value"], expected, rtol=1e-6)
    p_values.append(found["p_value"])
  assert np.mean(np.array(p_values) < 0.2) < 0.2 + 3 * np.sqrt(0.2 * 0.8 / 40)


def test_constants_and_unequal_sizes_and_too_few():
  assert classifier_two_sample(np.ones((50, 2)), np.ones((30, 2)), steps=300)["accuracy"] == 0.5
  assert classifier_two_sample(np.ones((50, 2)), np.zeros((30, 2)), steps=300)["accuracy"] == 1
  assert classifier_two_sample(np.ones((50, 2)), np.ones((31, 2)), steps=300)["tested"] == 30
  with pytest.raises(UserError, match="the smaller set has 19 samples"):
    classifier_two_sample(np.ones((50, 2)), np.ones((19, 2)))
