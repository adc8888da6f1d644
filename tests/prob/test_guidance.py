"""Guidance of the exact denoiser of a Gaussian for each class, and clipping."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import guidance, schedules
from genjax_zoo.prob.schedules import NoiseLevel

MEANS = jnp.array([[-1.0, 0.5], [1.5, -0.3], [0.2, 2.0]])
SD = 0.4
LEVEL = schedules.log_snr_level(jnp.asarray(-0.5))
X = jax.random.normal(jax.random.key(0), (7, 2))
LABEL = jnp.array([0, 1, 2, 0, 1, 2, 0])
NULL = jnp.full(7, 3)


def log_joint(x, level):
  """log p(x_t, class), [B, 3], up to a constant."""
  var = level.alpha**2 * SD**2 + level.sigma**2
  return -0.5 * ((x[:, None] - level.alpha * MEANS[None]) ** 2).sum(-1) / var


def denoise(x, level, label):
  """E[x_0 | x, label], [B, 2]; E[x_0 | x] of the mixture where the label is 3."""
  gain = level.alpha * SD**2 / (level.alpha**2 * SD**2 + level.sigma**2)
  each = MEANS[None] + gain * (x[:, None] - level.alpha * MEANS[None])
  posterior = jax.nn.softmax(log_joint(x, level))
  weights = jnp.where((label == 3)[:, None], posterior, jax.nn.one_hot(label, 3))
  return (weights[..., None] * each).sum(1)


def test_scale_1_is_the_conditional_model_and_0_the_unconditional():
  one = guidance.classifier_free(denoise, LABEL, NULL, 1.0)(X, LEVEL)
  zero = guidance.classifier_free(denoise, LABEL, NULL, 0.0)(X, LEVEL)
  np.testing.assert_allclose(one, denoise(X, LEVEL, LABEL), atol=1e-6)
  np.testing.assert_allclose(zero, denoise(X, LEVEL, NULL), atol=1e-6)


# A condition of two entries, {name: (value, known)}, and its null condition.
ENTRIES = {
  "label": (LABEL, jnp.ones(7)),
  "image": (jnp.linspace(-1.0, 1.0, 14).reshape(7, 2), jnp.ones(7)),
}
UNKNOWN = {name: (jnp.zeros_like(value), jnp.zeros(7)) for name, (value, _) in ENTRIES.items()}


def denoise_entries(x, level, condition):
  """A denoiser that is not additive in its two conditions."""
  label, label_known = condition["label"]
  image, image_known = condition["image"]
  x0 = denoise(x, level, jnp.where(label_known > 0, label, 3))
  return jnp.tanh(x0 + image_known[:, None] * image)


def test_scale_of_a_condition_with_entries():
  one = guidance.classifier_free(denoise_entries, ENTRIES, UNKNOWN, 1.0)(X, LEVEL)
  zero = guidance.classifier_free(denoise_entries, ENTRIES, UNKNOWN, 0.0)(X, LEVEL)
  np.testing.assert_allclose(one, denoise_entries(X, LEVEL, ENTRIES), atol=1e-6)
  np.testing.assert_allclose(zero, denoise_entries(X, LEVEL, UNKNOWN), atol=1e-6)


@pytest.mark.parametrize("names", [("image", "label"), ("label", "image")])
def test_a_scale_for_each_entry_is_the_formula_of_instruct_pix2pix(names):
  """Brooks 2022, arXiv:2211.09800, equation 3, in both orders."""
  first, second = names
  guide = guidance.classifier_free(denoise_entries, ENTRIES, UNKNOWN, {first: 1.5, second: 7.0})
  null = denoise_entries(X, LEVEL, UNKNOWN)
  one = denoise_entries(X, LEVEL, UNKNOWN | {first: ENTRIES[first]})
  both = denoise_entries(X, LEVEL, ENTRIES)
  expected = null + 1.5 * (one - null) + 7.0 * (both - one)
  np.testing.assert_allclose(guide(X, LEVEL), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_equal_scales_are_plain_guidance(scale):
  scales = {"image": scale, "label": scale}
  plain = guidance.classifier_free(denoise_entries, ENTRIES, UNKNOWN, scale, rescale=0.5)
  equal = guidance.classifier_free(denoise_entries, ENTRIES, UNKNOWN, scales, rescale=0.5)
  np.testing.assert_allclose(equal(X, LEVEL), plain(X, LEVEL), rtol=1e-5, atol=1e-5)


def test_all_conditions_are_evaluated_in_one_batch():
  """The full condition first and the null one last."""
  batches = []

  def record(x, level, condition):
    batches.append({name: np.asarray(known) for name, (_, known) in condition.items()})
    return x

  guidance.classifier_free(record, ENTRIES, UNKNOWN, {"image": 2.0, "label": 3.0})(X, LEVEL)
  (known,) = batches
  np.testing.assert_array_equal(known["image"].reshape(3, 7)[:, 0], [1, 1, 0])
  np.testing.assert_array_equal(known["label"].reshape(3, 7)[:, 0], [1, 0, 0])


def test_scales_of_unknown_entries_are_refused():
  with pytest.raises(ValueError, match="caption"):
    guidance.classifier_free(denoise_entries, ENTRIES, UNKNOWN, {"image": 2.0, "caption": 3.0})


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_classifier_guidance_is_classifier_free_guidance(scale):
  """For exact models, by Bayes' rule: the scores differ by the gradient of log p(label | x)."""

  def log_prob(x, level):
    log_probs = jax.nn.log_softmax(log_joint(x, level))
    return jnp.take_along_axis(log_probs, LABEL[:, None], 1)[:, 0]

  plain = lambda x, level: denoise(x, level, NULL)
  a = guidance.classifier(plain, log_prob, scale)(X, LEVEL)
  b = guidance.classifier_free(denoise, LABEL, NULL, scale)(X, LEVEL)
  np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_guidance_by_an_interval_is_inside_it_only():
  guided = guidance.classifier_free(denoise, LABEL, NULL, guidance.interval(3.0, 0.5, 2.0))
  always = guidance.classifier_free(denoise, LABEL, NULL, 3.0)
  for sigma, inside in ((0.3, False), (1.0, True), (3.0, False)):
    level = NoiseLevel(jnp.ones(()), jnp.asarray(sigma))
    expected = always(X, level) if inside else denoise(X, level, LABEL)
    np.testing.assert_allclose(guided(X, level), expected, atol=1e-6)


def test_rescale_restores_the_standard_deviation():
  rescaled = lambda r: guidance.classifier_free(denoise, LABEL, NULL, 4.0, rescale=r)(X, LEVEL)
  sd = lambda x: np.asarray(x).std(-1)
  conditional = denoise(X, LEVEL, LABEL)
  assert np.abs(sd(rescaled(0.0)) - sd(conditional)).max() > 0.1
  np.testing.assert_allclose(sd(rescaled(1.0)), sd(conditional), rtol=1e-4)
  mean = (rescaled(1.0) + rescaled(0.0)) / 2
  np.testing.assert_allclose(rescaled(0.5), mean, rtol=1e-5, atol=1e-6)


def test_clipping_and_dynamic_threshold():
  x = jnp.concatenate([jnp.linspace(-3, 3, 101)[None], jnp.linspace(-0.5, 0.5, 101)[None]])
  identity = lambda x, level: x
  np.testing.assert_allclose(guidance.clipped(identity)(x, LEVEL), np.clip(x, -1, 1))
  out = guidance.dynamic_threshold(identity, 0.9)(x, LEVEL)
  c = np.quantile(np.abs(x[0]), 0.9)
  np.testing.assert_allclose(out[0], np.clip(x[0], -c, c) / c, rtol=1e-5)
  np.testing.assert_allclose(out[1], x[1])  # Inside the range nothing happens.
