"""The losses of every game, by the logits of a generator that always makes the same example."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field
from genjax_zoo.models.gans import cgan, dcgan, gan, sngan, wgan
from genjax_zoo.nn.spectral import normalised

PLANE = {"x": Field((2,), np.float32), "label": Field((), np.int32, 3)}
IMAGES = {"image": Field((8, 8, 1), np.uint8, 17), "label": Field((), np.int32, 3)}
KEY, N = jax.random.key(0), 6
STILL = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
softplus = lambda x: np.logaddexp(0, x)
relu = lambda x: np.maximum(x, 0)
CROSS_ENTROPY = lambda real, fake: softplus(-real) + softplus(fake)
GAMES = {  # (critic's loss, generator's)
  "minimax": (CROSS_ENTROPY, lambda fake: -softplus(fake)),
  "non_saturating": (CROSS_ENTROPY, lambda fake: softplus(-fake)),
  "hinge": (lambda real, fake: relu(1 - real) + relu(1 + fake), lambda fake: -fake),
  "least_squares": (lambda r, f: ((r - 1) ** 2 + f**2) / 2, lambda f: (f - 1) ** 2 / 2),
  "wasserstein": (lambda real, fake: fake - real, lambda fake: -fake),
}
CASES = {  # (module, data, options, game)
  "gan": (gan, PLANE, {"hidden": (8,)}, "non_saturating"),
  "gan, hinge": (gan, PLANE, {"hidden": (8,), "loss": "hinge"}, "hinge"),
  "cgan, projection": (cgan, PLANE, {"hidden": (8,)}, "non_saturating"),
  "cgan, concatenation": (
    cgan,
    PLANE,
    {"hidden": (8,), "critic": "concatenation", "loss": "least_squares"},
    "least_squares",
  ),
  "wgan": (wgan, PLANE, {"hidden": (8,), "penalty": 0.0, "clip": 10.0}, "wasserstein"),
  "sngan": (sngan, IMAGES, {"widths": (4,)}, "hinge"),
  "dcgan": (dcgan, IMAGES, {"widths": (4, 4)}, "non_saturating"),
  "dcgan, conditional": (dcgan, IMAGES, {"widths": (4, 4), "condition": None}, "non_saturating"),
}


def batch_of(data, n=N):
  rng = np.random.default_rng(0)
  draw = {
    "x": lambda: 0.5 * rng.normal(size=(n, 2)).astype("f4"),
    "image": lambda: rng.integers(17, size=(n, 8, 8, 1)).astype("u1"),
    "label": lambda: np.arange(n) % 3,
  }
  return {name: jnp.asarray(draw[name]()) for name in data}


def constant(gen):
  """A generator of biases alone: G(z) does not depend on z."""
  bias = lambda key, p: jnp.zeros_like(p) if p.ndim > 1 else 0.3 * jax.random.normal(key, p.shape)
  leaves, tree = jax.tree.flatten(gen)
  return tree.unflatten(map(bias, jax.random.split(KEY, len(leaves)), leaves))


@functools.cache
def stepped(name, n=N, **options):
  """(learner, the state before, after a step in which no weight moves, metrics, batch)."""
  module, data, own, _ = CASES[name]
  learner = module.learner(data, STILL, latent=3, n_critic=1, **own | options)
  batch = batch_of(data, n)
  ts = jax.jit(learner.init)(KEY, batch)
  ts = ts.replace(params=ts.params | {"gen": constant(ts.params["gen"])})
  return learner, ts, *jax.jit(learner.step)(ts, batch, jax.random.key(1)), batch


@pytest.mark.parametrize("name", CASES)
def test_losses_are_those_of_the_game(name):
  # One example alone where examples are normalised together.
  n = 1 if name.startswith("dcgan") else N
  learner, _, after, metrics, batch = stepped(name, n)
  if name.startswith("dcgan"):
    real, fake = (np.asarray(metrics[f"{kind}_logit"]) for kind in ("real", "fake"))
  else:
    weights = after.params, after.state
    latents = {"z": jnp.zeros((n, 3)), "label": batch["label"]}
    real = np.asarray(learner.model.parts["critic"](*weights, batch))
    fake = np.asarray(learner.model.parts["realism"](*weights, latents))
  critic_loss, gen_loss = GAMES[CASES[name][3]]
  np.testing.assert_allclose(metrics["critic_loss"], critic_loss(real, fake).mean(), rtol=1e-4)
  np.testing.assert_allclose(metrics["gen_loss"], gen_loss(fake).mean(), rtol=1e-4)
  assert np.abs(real - fake).max() > 1e-3


@pytest.mark.parametrize("name", ["gan", "cgan, projection"])
def test_r1_is_half_the_squared_gradient_at_real_examples(name):
  """Of every example alone, given its own label."""
  learner, ts, _, with_r1, batch = stepped(name, r1=3.0)
  *_, without, _ = stepped(name)

  def logit(x, label):
    one = {"x": x[None], "label": label[None]}
    return learner.model.parts["critic"](ts.params, ts.state, one)[0]

  slopes = jax.jit(jax.vmap(jax.grad(logit)))(batch["x"], batch["label"])
  penalty = 3 / 2 * (slopes**2).sum(-1).mean()
  np.testing.assert_allclose(with_r1["critic_loss"] - without["critic_loss"], penalty, rtol=1e-3)


def test_the_projection_critic_is_its_formula():
  """l(x, y) = (w + v(y)) . phi(x) + b (Miyato & Koyama 2018, equation 6)."""
  critic = cgan.Projection(lambda x: x, 3)
  x = jax.random.normal(KEY, (N, 4))
  y = jnp.arange(N) % 3
  params = critic.init(KEY, x, y)
  p = params["params"]
  phi = np.where(x > 0, x, 0.2 * x)
  w = np.asarray(p["Dense_0"]["kernel"])[:, 0]
  v = np.asarray(p["Embed_0"]["embedding"])[np.asarray(y)]
  expected = (phi * (w + v)).sum(-1) + p["Dense_0"]["bias"]
  np.testing.assert_allclose(critic.apply(params, x, y), expected, rtol=1e-4, atol=1e-5)


def test_the_conditional_critic_of_the_dcgan_is_the_projection_of_its_last_features():
  """l(x, y) = (w + v(y)) . phi(x) + b: with v(1) = w the first term doubles, v(0) = 0 adds none."""
  critic = dcgan.Critic((4, 4), 2)
  x = jax.random.normal(KEY, (N, 8, 8, 1))
  same = lambda y: jnp.full(N, y)
  variables = critic.init(KEY, x, same(0), train=False)
  params = variables["params"]
  w = params["Dense_0"]["kernel"][:, 0]
  v = jnp.stack([jnp.zeros_like(w), w])
  params = params | {
    "Embed_0": {"embedding": v},
    "Dense_0": params["Dense_0"] | {"bias": jnp.array([0.5])},
  }
  logits = lambda y: critic.apply(variables | {"params": params}, x, same(y), train=False)
  np.testing.assert_allclose(logits(1) - 0.5, 2 * (logits(0) - 0.5), rtol=1e-4, atol=1e-5)


def test_the_dcgan_is_conditioned_on_the_label_where_there_are_classes():
  learn = lambda data, condition: dcgan.learner(data, STILL, widths=(4, 4), condition=condition)
  assert list(learn(IMAGES, None).model.given) == ["label"]
  assert not learn(IMAGES, ()).model.given
  assert not learn({"image": IMAGES["image"]}, None).model.given
  learner = learn(IMAGES, None)
  ts = learner.init(KEY, batch_of(IMAGES))
  draw = lambda y: learner.model.sample(ts.params, ts.state, KEY, 2, {"label": jnp.array([y, y])})
  assert (draw(0)["image"] != draw(1)["image"]).any()


SMALL = {gan: {"hidden": (4,)}, cgan: {"hidden": (4,)}, dcgan: {"widths": (4, 4)}}


@pytest.mark.parametrize("module", SMALL)
def test_real_and_generated_examples_are_augmented_alike(module, monkeypatch):
  """If augmentation leaves nothing of an image, the critic can tell none from another."""
  monkeypatch.setattr(module.diffaugment, "augment", lambda x, key, names: jnp.zeros_like(x))
  learner = module.learner(IMAGES, STILL, latent=3, augment=("colour",), **SMALL[module])
  batch = batch_of(IMAGES) | {"label": jnp.zeros(N, int)}
  ts = learner.init(KEY, batch)
  _, metrics = jax.jit(learner.step)(ts, batch, KEY)
  np.testing.assert_allclose(metrics["real_logit"], metrics["fake_logit"], rtol=1e-5)
  expected = softplus(-metrics["fake_logit"])
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=1e-4)


def test_an_update_of_the_sngan_s_critic_keeps_its_step_of_power_iteration():
  _, ts, after, _, _ = stepped("sngan")
  _, expected = normalised(ts.params["critic"], ts.state["u"])
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), after.state["u"], expected
  )
  moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), after.state["u"], ts.state["u"])
  assert min(v["kernel"] for name, v in moved.items() if "Conv" in name) > 1e-3


def test_the_running_averages_of_the_dcgan_are_of_the_last_update_s_images():
  """0.9 of the old and 0.1 of the new."""
  _, ts, after, _, _ = stepped("dcgan", 1)
  changes = jax.tree.map(lambda a, b: np.abs(a - b).max(), after.state, ts.state)
  assert min(jax.tree.leaves(changes)) > 0
  # A constant generator's first norm has the mean of the biases of its first layer.
  name = next(iter(ts.state["gen"]))
  bias = ts.params["gen"]["Dense_0"]["bias"].reshape(-1, 4)
  np.testing.assert_allclose(
    after.state["gen"][name]["mean"], 0.1 * bias.mean(0), rtol=1e-3, atol=1e-6
  )
