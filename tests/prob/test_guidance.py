"""Guidance of exact denoisers of two Gaussians a class, and what clipping keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import guidance, schedules
from genjax_zoo.prob.schedules import NoiseLevel

MEANS, SD = jnp.array([[-1.0, 0.5], [1.5, -0.3], [0.2, 2.0]]), 0.4
LEVEL = schedules.log_snr_level(jnp.asarray(-0.5))
X = jax.random.normal(jax.random.key(0), (7, 2))
LABEL, NULL = jnp.array([0, 1, 2, 0, 1, 2, 0]), jnp.full(7, 3)


def log_joint(x, level):
  """log p(x_t, class), [B, 3], less a constant."""
  var = level.alpha**2 * SD**2 + level.sigma**2
  return -0.5 * ((x[:, None] - level.alpha * MEANS[None]) ** 2).sum(-1) / var


def denoise(x, level, label):
  """E[x_0 | x, label], of the mixture where the label is 3."""
  gain = level.alpha * SD**2 / (level.alpha**2 * SD**2 + level.sigma**2)
  each = MEANS[None] + gain * (x[:, None] - level.alpha * MEANS[None])
  shares = jnp.where(
    (label == 3)[:, None], jax.nn.softmax(log_joint(x, level)), jax.nn.one_hot(label, 3)
  )
  return (shares[..., None] * each).sum(1)


def test_scale_1_is_the_conditional_model_and_0_the_unconditional():
  one, zero = (
    guidance.classifier_free(denoise, LABEL, NULL, scale)(X, LEVEL) for scale in (1.0, 0.0)
  )
  np.testing.assert_allclose(one, denoise(X, LEVEL, LABEL), atol=1e-6)
  np.testing.assert_allclose(zero, denoise(X, LEVEL, NULL), atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_classifier_guidance_is_classifier_free_guidance(scale):
  """For exact models, by Bayes' rule: the scores differ by the gradient of log p(label | x)."""
  log_prob = lambda x, level: jnp.take_along_axis(
    jax.nn.log_softmax(log_joint(x, level)), LABEL[:, None], 1
  )[:, 0]
  plain = lambda x, level: denoise(x, level, NULL)
  a = guidance.classifier(plain, log_prob, scale)(X, LEVEL)
  b = guidance.classifier_free(denoise, LABEL, NULL, scale)(X, LEVEL)
  np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_interval_is_guided_inside_only():
  guided = guidance.classifier_free(denoise, LABEL, NULL, guidance.interval(3.0, 0.5, 2.0))
  always = guidance.classifier_free(denoise, LABEL, NULL, 3.0)
  for sigma, inside in ((0.3, False), (1.0, True), (3.0, False)):
    level = NoiseLevel(jnp.ones(()), jnp.asarray(sigma))
    expected = always(X, level) if inside else denoise(X, level, LABEL)
    np.testing.assert_allclose(guided(X, level), expected, atol=1e-6)


def test_rescale_restores_the_spread():
  spread = lambda x: np.asarray(x).std(-1)
  conditional, guided = (
    denoise(X, LEVEL, LABEL),
    guidance.classifier_free(denoise, LABEL, NULL, 4.0)(X, LEVEL),
  )
  whole, half = (
    guidance.classifier_free(denoise, LABEL, NULL, 4.0, rescale=r)(X, LEVEL) for r in (1.0, 0.5)
  )
  assert np.abs(spread(guided) - spread(conditional)).max() > 0.1
  np.testing.assert_allclose(spread(whole), spread(conditional), rtol=1e-4)
  np.testing.assert_allclose(half, (whole + guided) / 2, rtol=1e-5, atol=1e-6)


def test_clipping_and_dynamic_threshold():
  x = jnp.concatenate([jnp.linspace(-3, 3, 101)[None], jnp.linspace(-0.5, 0.5, 101)[None]])
  identity = lambda x, level: x
  np.testing.assert_allclose(guidance.clipped(identity)(x, LEVEL), np.clip(x, -1, 1))
  out = guidance.dynamic_threshold(identity, 0.9)(x, LEVEL)
  c = np.quantile(np.abs(x[0]), 0.9)
  np.testing.assert_allclose(out[0], np.clip(x[0], -c, c) / c, rtol=1e-5)
  np.testing.assert_allclose(out[1], x[1])  # Inside the range nothing happens.
