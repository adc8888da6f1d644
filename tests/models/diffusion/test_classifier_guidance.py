"""Classifier guidance, by stages that are exact: samples of one component of a mixture of
Gaussians.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import classifier_guidance, ddpm, noisy_classifier, noisy_clip
from genjax_zoo.prob import schedules
from tests.prob import mixture

DATA = {"x": Field((2,), np.float32), "label": Field((), np.int32, 3)}
DIFFUSION = Model(
  None,
  parts={
    "denoise": lambda params, state, x, level, c={}: mixture.denoise(x, level),
    "most": lambda params, state: 1000,
    "path": lambda params, state, steps: schedules.respaced(schedules.cosine(1000), steps),
  },
)
CLASSIFIER = Model(
  None,
  parts={
    "log_label": lambda params, state, x, level: jax.nn.log_softmax(
      mixture.log_terms(*mixture.along_axes(x, level))
    ),
  },
)
PATHS = {
  "cosine": DIFFUSION.parts["path"],
  # From alpha = 0.
  "flow": lambda params, state, steps: schedules.flow(jnp.linspace(1.0, 0.0, steps + 1)),
}


@pytest.mark.parametrize("path", PATHS)
def test_exact_stages_give_one_component_each(path):
  first = DIFFUSION._replace(parts=DIFFUSION.parts | {"path": PATHS[path]})
  model, n = classifier_guidance.model(DATA, first=first, classifier=CLASSIFIER), 2000
  params, state = model.init(None, None, {"first": ({}, {}), "classifier": ({}, {})})
  label = jnp.repeat(jnp.arange(3), n)
  draw = jax.jit(lambda key, given: model.sample(params, state, key, 3 * n, given, steps=100)["x"])
  labelled = np.asarray(draw(jax.random.key(0), {"label": label})).reshape(3, n, 2)
  unlabelled = np.asarray(draw(jax.random.key(0), {}))[:n]
  for k, x in enumerate([*labelled, unlabelled]):
    mean = [*mixture.MEANS, mixture.MEAN][k]
    covariance = [*mixture.COVARIANCES, mixture.COVARIANCE][k]
    np.testing.assert_allclose(
      x.mean(0), mean, atol=4 * np.sqrt(np.diag(covariance).max() / n) + 0.01
    )
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.12 * np.trace(covariance))
  assert (
    model.given == {"label": DATA["label"]}
    and model.calls(steps=7) == 2 * 7  # The diffusion model and the classifier.
    and model.calls(steps=7, scale=2.0) == 2 * 14
  )


def test_steps_are_those_that_the_first_stage_has():
  """DPM-Solver looks where a path ends, on one of as many steps as there are."""
  first = ddpm.model(DATA, T=10, network={"name": "mlp", "hidden": (8,)})
  model = classifier_guidance.model(DATA, first=first, classifier=CLASSIFIER)
  params = jax.jit(first.init)(jax.random.key(0), {"x": jnp.ones((2, 2))})
  state = {"frozen": {"first": params, "classifier": ({}, {})}}
  draw = lambda: model.sample({}, state, jax.random.key(0), 2, {}, "dpm_solver", steps=4)["x"]
  assert np.isfinite(jax.jit(draw)()).all()
  with pytest.raises(UserError, match="from 1 to 10"):
    model.calls(steps=11)


def test_an_untrained_noisy_classifier():
  model = noisy_classifier.model(DATA, T=10, network={"name": "mlp", "hidden": (8,)})
  batch = {"x": jnp.ones((6, 2)), "label": jnp.array([0, 1, 2, 0, 1, 2])}
  params, state = model.init(jax.random.key(0), batch)
  loss, (_, metrics) = model.loss(params, state, batch, jax.random.key(1), train=True)
  np.testing.assert_allclose(loss, np.log(3), rtol=1e-5)
  assert metrics["accuracy"].mean() == pytest.approx(1 / 3)


@pytest.mark.parametrize("module, outputs", [(noisy_classifier, 4 * 3), (noisy_clip, 4 * 2)])
def test_in_training_all_levels_of_noise_come_alike(module, outputs, monkeypatch):
  """The network is given alpha x_0 + sigma eps, of unit variance, at log(sigma / alpha)."""
  seen = []

  def record(params, x, noise, c={}, key=None):
    seen.append((x, noise))
    return jnp.zeros((len(x), outputs))

  monkeypatch.setattr(module, "network_functions", lambda *_, **__: (lambda *_: ({}, {}), record))
  n, T, key = 4000, 4, jax.random.key(0)
  fields = {
    "image": Field((2, 2, 1), np.float32),
    "label": Field((), np.int32, 3),
    "tokens": Field((2,), np.int32, 5),
  }
  batch = {
    "image": jax.random.normal(key, (n, 2, 2, 1)),
    "label": jnp.zeros(n, jnp.int32),
    "tokens": jnp.ones((n, 2), jnp.int32),
    "weight": jnp.ones(n),
  }
  options = dict(embedding=2, text_width=4, text_depth=1) if module is noisy_clip else {}
  model = module.model(fields, T=T, schedule="cosine", **options)
  params, state = model.init(key, batch)
  model.loss(params, state, batch, jax.random.key(1), train=True)
  ((x, noise),) = seen
  levels = schedules.cosine(T)
  for t in range(1, T + 1):
    level = levels.at(t)
    rows = np.isclose(noise, -level.log_snr / 2, rtol=1e-4)
    assert rows.mean() == pytest.approx(1 / T, abs=0.03)
    products = (x * batch["image"])[rows]
    np.testing.assert_allclose([products.mean(), x[rows].var()], [level.alpha, 1], atol=0.08)


def test_stages_of_another_kind_are_told():
  with pytest.raises(UserError, match=r"stages\.first"):
    classifier_guidance.model(DATA, first=CLASSIFIER, classifier=CLASSIFIER)
  with pytest.raises(UserError, match=r"stages\.classifier"):
    classifier_guidance.model(DATA, first=DIFFUSION, classifier=DIFFUSION)


def test_a_conditional_model_is_guided_without_its_own_condition():
  """Its condition is null, and log p of captions takes the place of that of labels."""
  known = lambda params, state, x, level, c: x * c["tokens"][1][:, None]
  fields = {"x": DATA["x"], "tokens": Field((2,), np.int32, 5)}
  first = Model(
    None,
    given={"tokens": fields["tokens"]},
    parts=DIFFUSION.parts | {"denoise": known},
  )
  # The gradient is the caption itself.
  log_caption = lambda params, state, x, level, tokens: (x * tokens).sum(-1)
  clip = Model(None, parts={"log_caption": log_caption})
  model = classifier_guidance.model(fields, first=first, classifier=clip)
  state = {"frozen": {"first": ({}, {}), "classifier": ({}, {})}}
  tokens = jnp.array([[1, 2], [3, 4]])
  level = schedules.NoiseLevel(jnp.array(0.5), jnp.array(3.0))
  denoise = lambda known: model.parts["denoise"](
    {}, state, jnp.ones((2, 2)), level, {"tokens": (tokens, jnp.full(2, known))}
  )
  np.testing.assert_allclose(denoise(1.0), 3.0**2 / 0.5 * tokens)
  np.testing.assert_allclose(denoise(0.0), 0)
  assert model.given == {"tokens": fields["tokens"]}
