"""The diffusion model: its bound is the exact one of a known law, its options do what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import ddpm
from genjax_zoo.prob import schedules

pytestmark = pytest.mark.slow  # Minutes of compiling.

POINTS = {"x": Field((3,), np.float32)}
IMAGES = {"image": Field((4, 4, 1), np.uint8, 5), "label": Field((), np.int32, 3)}
KEY = jax.random.key(0)
BATCH = {
  "image": jax.random.randint(KEY, (6, 4, 4, 1), 0, 5).astype(jnp.uint8),
  "label": jnp.array([0, 1, 2, 0, 1, 2]),
}


def silent(model, batch):
  """Parameters that make the network say 0: eps_hat = 0, whatever x is."""
  params, state = model.init(KEY, batch)
  return jax.tree.map(jnp.zeros_like, params), state


def test_the_bound_of_a_network_that_says_nothing():
  """eps_hat = 0: every term is in closed form, E|eps|² = D."""
  T, D, n = 20, 3, 2000
  model = ddpm.model(POINTS, T=T, schedule="cosine", network="mlp", hidden=(4,))
  x = jnp.broadcast_to(jax.random.normal(KEY, (1, D)), (n, D))
  params, state = silent(model, {"x": x})
  bound = jax.jit(lambda key: model.log_prob(params, state, {"x": x}, key, k=T - 1))(jax.random.key(1))
  a, s = (np.float64(v) for v in schedules.cosine(T))
  snr = (a[1:] / s[1:]) ** 2
  kl = 0.5 * (snr[:-1] / snr[1:] - 1).sum() * D
  # x0_hat = x_1 / alpha_1 = x_0 + sigma_1 / alpha_1 eps.
  decoder = -D * (0.5 + np.log(s[1] / a[1]) + 0.5 * np.log(2 * np.pi))
  prior = 0.5 * ((a[-1] * x[0]) ** 2 + s[-1] ** 2 - 1 - 2 * np.log(s[-1])).sum()
  np.testing.assert_allclose(bound.mean(), decoder - kl - prior, atol=5 * bound.std() / n**0.5)


def test_the_bound_does_not_depend_on_k():
  model = ddpm.model(POINTS, T=30, network="mlp", hidden=(8,))
  x = jnp.broadcast_to(jax.random.normal(KEY, (1, 3)), (4000, 3))
  params, state = model.init(KEY, {"x": x})
  draw = lambda k: model.log_prob(params, state, {"x": x}, jax.random.key(2), k=k)
  few, many = draw(2), draw(29)
  np.testing.assert_allclose(few.mean(), many.mean(), atol=5 * float(few.std() / 4000**0.5))
  assert many.std() < few.std()
  bound = ddpm.model(POINTS, T=30, network="mlp", hidden=(8,), objective="bound")
  loss, _ = bound.loss(params, state, {"x": x}, jax.random.key(3), train=True)
  np.testing.assert_allclose(-loss.mean(), many.mean(), atol=5 * float(loss.std() / 4000**0.5))


def test_probabilities_of_all_levels_sum_to_at_most_one():
  """One pixel of 5 levels, v_hat = 0, right for N(0, 1): the exponential of the bound is less than a mass."""
  one = {"image": Field((1, 1, 1), np.uint8, 5)}
  model = ddpm.model(one, T=20, schedule="cosine", prediction="v", network="mlp", hidden=(4,))
  image = jnp.repeat(jnp.arange(5, dtype=jnp.uint8), 500).reshape(-1, 1, 1, 1)
  params, state = silent(model, {"image": image})
  bound = model.log_prob(params, state, {"image": image}, KEY, k=19).reshape(5, 500).mean(1)
  assert 0.1 < jnp.exp(bound).sum() < 1


def test_samples_are_what_guidance_and_samplers_make_of_the_denoiser():
  model = ddpm.model(IMAGES, T=10, schedule="cosine", network="mlp", hidden=(8,), conditional=True)
  params, state = model.init(KEY, BATCH)
  given = {"label": BATCH["label"]}
  draw = lambda **options: np.asarray(model.sample(params, state, KEY, 6, given, **options)["image"])
  assert model.given == ("label",)
  np.testing.assert_array_equal(draw(sampler="ddim", eta=0.0), draw(sampler="ddim", eta=0.0, scale=1.0))
  assert (draw(sampler="ddim") != draw(sampler="ancestral")).any()
  assert model.calls(steps=5) == 5 and model.calls(steps=5, sampler="heun", scale=2.0) == 18 and model.calls() == 10


def test_labels_are_dropped_in_training_only():
  model = lambda drop: ddpm.model(IMAGES, T=10, network="mlp", hidden=(8,), conditional=True, drop_label=drop)
  params, state = model(0.0).init(KEY, BATCH)
  loss = lambda drop, label, train: model(drop).loss(params, state, BATCH | {"label": label}, KEY, train)[0]
  label, none = BATCH["label"], jnp.full(6, 3)
  np.testing.assert_allclose(loss(1.0, label, True), loss(0.0, none, True), rtol=1e-6)
  np.testing.assert_allclose(loss(1.0, label, False), loss(0.0, label, False), rtol=1e-6)
  assert not np.allclose(loss(0.0, label, True), loss(0.0, none, True))


def test_a_new_unet_says_nothing():
  """The last layer starts at 0: eps_hat = 0, and the loss is |eps|² / D, about 1."""
  model = ddpm.model(IMAGES, T=10, hidden=(8, 8), attention=(2,), dropout=0.1)
  params, state = jax.jit(model.init)(KEY, BATCH)
  big = jax.tree.map(lambda x: jnp.repeat(x, 50, 0), BATCH)
  loss, _ = jax.jit(lambda batch: model.loss(params, state, batch, KEY, train=True))(big)
  assert loss.shape == (300,) and abs(float(loss.mean()) - 1) < 0.1


@pytest.mark.parametrize(
  "data, options, wrong",
  [
    (POINTS, {}, "unet"),
    (POINTS, {"network": "mlp", "schedule": "cosin"}, "cosine"),
    (POINTS, {"network": "mlp", "prediction": "noise"}, "noise"),
    (POINTS, {"network": "mlp", "conditional": True}, "label"),
  ],
)
def test_mistakes_are_named(data, options, wrong):
  with pytest.raises(UserError, match=wrong):
    ddpm.model(data, **options)
  model = ddpm.model(POINTS, T=5, network="mlp", hidden=(4,))
  for options in ({"sampler": "dddim"}, {"steps": 6}, {"scale": 2.0}):
    with pytest.raises(UserError, match="sampl"):
      model.sample({}, {}, KEY, 2, **options)
