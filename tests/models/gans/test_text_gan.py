"""GANs given captions: the best critic, the losses of the papers from their parts, two stages."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.models.gans import stackgan, text_gan
from genjax_zoo.models.gans.text_gan import Augmented, Critic, Generator, matching_loss
from genjax_zoo.nn.text_encoder import word_weights

IMAGE = Field((8, 8, 3), np.uint8, 256, kind="image")
TOKENS = Field((3,), np.int32, 6)
DATA = {"image": IMAGE, "tokens": TOKENS}
STILL = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
SMALL = {"features": 2, "hidden": 4, "critic": (4,), "read": 3}
WEIGHTS = {"kl": 0.3, "r1": 0.7}
KEY, N = jax.random.key(0), 4
Z = jax.random.normal(KEY, (N, 5))
softplus = lambda x: np.logaddexp(0, x)


@functools.cache
def batch():
  rng = np.random.default_rng(0)
  draw = lambda field: rng.integers(field.num_values, size=(N, *field.shape)).astype(field.dtype)
  return {name: jnp.asarray(draw(field)) for name, field in DATA.items()} | {"weight": jnp.ones(N)}


@pytest.fixture
def one_z(monkeypatch):
  """Both models get the same noise, whatever the key."""
  for module in (text_gan, stackgan):
    monkeypatch.setattr(module, "noise", lambda key, n, size: Z[:n, :size])


def captions():
  return word_weights(batch()["tokens"], 6)


def test_the_best_critic_compares_with_wrong_captions_and_with_fakes():
  """Of tables of logits, log 2 p / (w + q): w is of images beside the captions of others."""
  rng = np.random.default_rng(0)
  x, fake, t = rng.integers(3, size=30), rng.integers(3, size=30), rng.integers(2, size=30)
  p, q, w = np.zeros((3, 3, 2))
  np.add.at(p, (x, t), 1 / 30)
  np.add.at(q, (fake, t), 1 / 30)
  for i in range(30):
    for j in set(range(30)) - {i}:
      w[x[i], t[j]] += 1 / (30 * 29)
  loss = lambda l: matching_loss(l[x][:, t], l[fake, t]).mean()
  best = jnp.asarray(np.log(2 * p / (w + q)))
  slope = jax.jit(jax.grad(loss))
  np.testing.assert_allclose(slope(best), 0, atol=1e-6)
  assert jnp.abs(slope(best + 0.1)).max() > 1e-3
  plain = lambda l: matching_loss(l[x][:, t], l[fake, t], matching=False).mean()
  np.testing.assert_allclose(jax.grad(plain)(jnp.asarray(np.log(p / q))), 0, atol=1e-6)


@pytest.mark.parametrize("projection", [True, False])
def test_logits_are_those_of_each_pair(projection):
  net = Critic((4,), 3, projection)
  x, t = to_floats(batch()["image"], IMAGE), captions()
  params = net.init(KEY, x, t)
  pairs = jax.jit(net.apply)(params, x, t[:3])
  one = jax.jit(net.apply)
  alone = [[one(params, x[i : i + 1], t[j : j + 1])[0, 0] for j in range(3)] for i in range(N)]
  np.testing.assert_allclose(pairs, alone, atol=1e-5)
  assert np.ptp(pairs, 0).min() > 1e-3 and np.ptp(pairs, 1).min() > 1e-3


def test_a_condition_is_normal_about_a_mean_of_the_caption():
  net = Augmented(2, 4)
  params = net.init(KEY, captions(), Z[:, :2])
  at = lambda eps: jax.jit(net.apply)(params, captions(), jnp.full((N, 2), eps))
  (mean, kl), (above, same) = at(0.0), at(1.0)
  var = (above - mean) ** 2
  np.testing.assert_allclose(kl, 0.5 * (var + mean**2 - np.log(var) - 1).sum(-1), rtol=1e-4)
  np.testing.assert_array_equal(kl, same)
  np.testing.assert_allclose(at(-1.0)[0], 2 * mean - above, atol=1e-6)
  assert np.ptp(mean, 0).min() > 1e-3


def critic_by_hand(score, x, made, t):
  """The matching-aware loss with its penalty, pair by pair."""
  logits, fake = score(x, t), score(made, t)
  slopes = jax.jit(jax.jacrev(lambda x: jnp.diagonal(score(x, t))))(x)
  total = 0
  for i in range(N):
    wrong = np.mean([softplus(logits[i, j]) for j in range(N) if j != i])
    total += softplus(-logits[i, i]) + (wrong + softplus(fake[i, i])) / 2
    total += WEIGHTS["r1"] / 2 * (slopes[i, i] ** 2).sum()
  return total / N


def networks(params, gen):
  """The generator and the critic of these parameters, as compiled functions."""
  score = lambda x, t: Critic((4,), 3).apply({"params": params["critic"]}, x, t)
  return jax.jit(lambda *inputs: gen.apply({"params": params["gen"]}, *inputs)), jax.jit(score)


def test_losses_are_those_of_the_paper(one_z):
  learner = text_gan.learner(DATA, STILL, latent=3, widths=(4,), between=0.6, **WEIGHTS, **SMALL)
  ts = jax.jit(learner.init)(KEY, batch())
  _, metrics = jax.jit(learner.step)(ts, batch(), KEY)
  x, t = to_floats(batch()["image"], IMAGE), captions()
  u = (t + t[jnp.array([N - 1, *range(N - 1)])]) / 2
  gen = jax.jit(
    lambda t: Generator((4,), (8, 8, 3), 2, 4).apply({"params": ts.params["gen"]}, Z, t)
  )
  score = jax.jit(lambda x, t: Critic((4,), 3).apply({"params": ts.params["critic"]}, x, t))
  (made, kl), (between, _) = gen(t), gen(u)
  np.testing.assert_allclose(metrics["critic_loss"], critic_by_hand(score, x, made, t), rtol=1e-4)
  fooled = lambda made, t: softplus(-np.diag(score(made, t))).mean()
  expected = fooled(made, t) + 0.3 * kl.mean() + 0.6 * fooled(between, u)
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=1e-4)
  latents = {"z": Z, "tokens": batch()["tokens"]}
  decoded = jax.jit(learner.model.decode)(ts.params, {}, latents)["image"]
  np.testing.assert_allclose(to_floats(decoded, IMAGE), made, atol=1 / 255 + 1e-5)
  told = jax.jit(learner.model.parts["critic"])(ts.params, {}, batch())
  np.testing.assert_allclose(told, np.diag(score(x, t)), rtol=1e-4)


def first_stage() -> Model:
  """Small images as bright as the first word says; weights {"top": what the brightest is}."""

  def sample(params, state, key, n, given):
    value = params["top"] * given["tokens"][:, 0] / 5
    return {"image": jnp.broadcast_to(value[:, None, None, None], (n, 4, 4, 3)).astype(jnp.uint8)}

  return Model(None, sample=sample, given={"tokens": TOKENS})


FROZEN = {"first": ({"top": jnp.asarray(200.0)}, {})}


def test_the_second_stage_enlarges_what_the_first_makes_of_the_caption(one_z):
  options = {"width": 4, "blocks": 1} | WEIGHTS | SMALL
  learner = stackgan.learner(DATA, STILL, first=first_stage(), **options)
  ts = jax.jit(learner.init)(KEY, batch(), FROZEN)
  after, metrics = jax.jit(learner.step)(ts, batch(), KEY)
  assert after.state["frozen"]["first"][0]["top"] == 200
  x, t = to_floats(batch()["image"], IMAGE), captions()
  value = (200 * batch()["tokens"][:, 0] // 5).astype(jnp.uint8)
  s = jnp.broadcast_to(to_floats(value, IMAGE)[:, None, None, None], (N, 4, 4, 3))
  net = stackgan.Refiner(4, 1, 2, 4)
  gen, score = networks(ts.params, net)
  made, kl = gen(s, t, Z[:, :2])
  np.testing.assert_allclose(metrics["critic_loss"], critic_by_hand(score, x, made, t), rtol=1e-4)
  expected = softplus(-np.diag(score(made, t))).mean() + 0.3 * kl.mean()
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=1e-4)
  given = {"tokens": batch()["tokens"]}
  sample = jax.jit(learner.model.sample, static_argnums=3)(ts.params, ts.state, KEY, N, given)
  np.testing.assert_allclose(
    to_floats(sample["image"], IMAGE), np.clip(made, -1, 1), atol=1 / 255 + 1e-5
  )
  # What is added is all that the network makes: without it the enlarged image is left.
  nothing = jax.tree.map(jnp.zeros_like, ts.params["gen"])
  enlarged, _ = jax.jit(net.apply)({"params": nothing}, s, t, Z[:, :2])
  np.testing.assert_allclose(enlarged, s.repeat(2, 1).repeat(2, 2), atol=1e-6)


def test_data_without_captions_and_other_first_stages_are_refused():
  for data in ({"image": IMAGE}, DATA | {"image": Field((2,), np.float32)}):
    with pytest.raises(UserError, match=r"makes images .* of captions"):
      text_gan.learner(data, STILL)
  with pytest.raises(UserError, match="makes no images of captions: take text_gan"):
    stackgan.learner(DATA, STILL, first=first_stage()._replace(given={}))
  large = DATA | {"image": IMAGE._replace(shape=(16, 16, 3))}
  examples = batch() | {"image": jnp.zeros((N, 16, 16, 3), jnp.uint8)}
  learner = stackgan.learner(large, STILL, first=first_stage())
  with pytest.raises(UserError, match=r"enlarges to \[8, 8, 3\], and the data's are \[16, 16, 3\]"):
    learner.init(KEY, examples, FROZEN)
