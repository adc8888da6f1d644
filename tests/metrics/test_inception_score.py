"""Inception Score: extremes, a channel of known capacity, torch-fidelity, wrong inputs."""

import numpy as np
import pytest
from scipy.special import softmax

from genjax_zoo.core import UserError
from genjax_zoo.metrics.inception_score import inception_score
from tests.metrics.references import quality


def test_extremes():
  sure = np.eye(10)[np.tile(np.arange(10), 500)]
  mean, sd = inception_score(sure, splits=1)
  np.testing.assert_allclose((mean, sd), (10, 0), atol=1e-9)
  # Sorted by class, and still ten classes a split.
  assert inception_score(sure[np.argsort(sure.argmax(1))])[0] > 9.8
  np.testing.assert_allclose(inception_score(np.full((100, 4), 0.25)), (1, 0), atol=1e-12)
  np.testing.assert_allclose(inception_score(sure[np.zeros(100, int)]), (1, 0), atol=1e-12)


def test_equals_the_capacity_of_a_symmetric_channel():
  right, c = 0.9, 5
  p = np.where(np.eye(c) > 0, right, (1 - right) / (c - 1))
  entropy = -right * np.log(right) - (1 - right) * np.log((1 - right) / (c - 1))
  np.testing.assert_allclose(
    inception_score(p.repeat(40, 0), splits=1)[0], np.exp(np.log(c) - entropy)
  )


def test_equals_torch_fidelity():
  p, reference = softmax(3 * np.random.default_rng(3).normal(size=(1000, 10)), axis=1), quality()
  np.testing.assert_allclose(inception_score(p, splits=1), reference["is_1"], rtol=1e-9)
  np.testing.assert_allclose(inception_score(p), reference["is_10"], rtol=1e-9)


def test_logits_and_too_few_rows_are_refused():
  with pytest.raises(UserError, match="pass softmax probabilities, not logits"):
    inception_score(np.random.default_rng(0).normal(size=(20, 4)))
  with pytest.raises(UserError, match=r"shape \(5, 4\): 10 splits need \[N, C\] with N >= 10"):
    inception_score(np.full((5, 4), 0.25))
