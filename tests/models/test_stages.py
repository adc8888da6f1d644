"""Models built on earlier stages: a prior samples their latents, reranking keeps the best."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, Model, UserError, descend, unroll
from genjax_zoo.models.autoregressive import rerank
from genjax_zoo.models.diffusion import latent_diffusion
from genjax_zoo.models.latent_variable import gmm

SPACE = {"x": Field((3,), np.float32)}


LABEL = Field((), np.int32, 10)


def mlp(*hidden):
  return {"name": "mlp", "hidden": hidden}


def affine(scale, shape=(3,)):
  """A stage whose latents are x / scale, in the given shape; the scale is its trained parameter."""
  return Model(
    init=lambda key, batch: ({"scale": jnp.float32(scale)}, {}),
    encode=lambda params, state, batch, key: {
      "z": (batch["x"] / params["scale"]).reshape(-1, *shape)
    },
    decode=lambda params, state, latents, key: {"x": latents["z"].reshape(-1, 3) * params["scale"]},
    latents={"z": Field(shape, np.float32)},
  )


def values(scale):
  return {"scale": jnp.float32(scale)}, {}


def test_a_diffusion_prior_learns_gaussian_latents():
  """The mean and covariance of data come back, through a stage that scales them by 20."""
  rng = np.random.default_rng(0)
  A, mean = np.tril(rng.normal(size=(3, 3))) + np.eye(3), np.array([0.5, -1.0, 2.0])
  x = jnp.asarray(rng.normal(size=(20_000, 3)) @ A.T + mean, jnp.float32)
  model = latent_diffusion.model(SPACE, first=affine(20.0, (1, 3, 1)), network=mlp(64, 64))
  learner = descend(model, optax.adam(optax.cosine_decay_schedule(3e-3, 2500)))
  step = lambda ts, i, key: learner.step(ts, {"x": x[i]}, key)
  ts = jax.jit(learner.init)(jax.random.key(0), {"x": x[:5000]}, {"first": values(20.0)})
  assert float(ts.state["scale"]) == pytest.approx(20 / float(x[:5000].std()), rel=1e-4)
  rows = jax.random.randint(jax.random.key(1), (2500, 200), 0, len(x))
  ts, _ = jax.jit(unroll(step, jax.random.key(2), 2500))(ts, rows)
  sample, covariance = jax.jit(model.sample, static_argnames=("n", "steps")), A @ A.T
  spread = np.sqrt(np.diag(covariance))
  drawn = np.asarray(sample(ts.params, ts.state, jax.random.key(3), n=10_000, steps=50)["x"])
  assert (np.abs(drawn.mean(0) - mean) < 0.1 * spread).all()
  assert (np.abs(np.cov(drawn.T) - covariance) < 0.1 * np.outer(spread, spread)).all()
  assert model.calls() == 50 + 1  # What is sampled is decoded.
  with pytest.raises(UserError, match="sampler"):
    model.calls(sampler="ddimm")


def test_the_calls_of_latent_diffusion_are_those_of_the_prior_and_of_its_first_stage():
  for of_first, total in ((7, 57), (None, None)):
    first = affine(20.0)._replace(calls=lambda n=of_first: n)
    assert latent_diffusion.model(SPACE, first=first, network=mlp(4)).calls() == total


def test_stages_nest():
  """A prior of the latents of a stage that has a stage of its own; only `init` gets its values."""
  inner = affine(2.0)

  def outer_init(key, batch, frozen):
    return {}, {"frozen": frozen}

  outer = Model(
    outer_init,
    encode=lambda params, state, batch, key: inner.encode(*state["frozen"]["first"], batch, key),
    decode=lambda params, state, latents, key: inner.decode(
      *state["frozen"]["first"], latents, key
    ),
    latents=inner.latents,
  )
  model = latent_diffusion.model(SPACE, first=outer, network=mlp(8))
  x = jax.random.normal(jax.random.key(0), (50, 3))
  frozen = {"first": outer.init(None, None, {"first": values(2.0)})}
  params, state = jax.jit(model.init)(jax.random.key(1), {"x": x}, frozen)
  loss, (changes, _) = model.loss(params, state, {"x": x}, jax.random.key(2), train=True)
  assert loss.shape == (50,) and changes == {}
  assert model.sample(params, state, jax.random.key(3), 7, steps=2)["x"].shape == (7, 3)
  latents = model.encode(params, state, {"x": x}, None)
  np.testing.assert_allclose(model.decode(params, state, latents, None)["x"], x, rtol=1e-6)


def test_a_stage_without_real_latents_is_told():
  with pytest.raises(UserError, match=r"stages\.first can't encode"):
    latent_diffusion.model(SPACE, first=affine(1.0)._replace(encode=None))
  with pytest.raises(UserError, match="given 'label'"):
    labelled = affine(1.0)._replace(given={"label": LABEL})
    latents = labelled.latents | {"label": LABEL}
    latent_diffusion.model(SPACE, first=labelled._replace(latents=latents))
  for latents in {}, {"z": Field((3,), np.int32, 7)}:
    with pytest.raises(UserError, match="no real latents 'z'"):
      latent_diffusion.model(SPACE, first=affine(1.0)._replace(latents=latents))


def counting_base():
  """Samples that tell their key, and a judge that ranks them by a hash of it."""
  draw = lambda params, state, key, n, given={}, spread=1.0: {
    "x": spread * jax.random.normal(key, (n, 3))
  }
  judge = lambda params, state, batch, key: -((batch["x"] - batch.get("target", 0.0)) ** 2).sum(-1)
  return Model(lambda key, batch: ({}, {}), sample=draw), Model(
    lambda key, batch: ({}, {}), log_prob=judge
  )


def test_rerank_keeps_the_best_of_each():
  base, judge = counting_base()
  model = rerank.model(SPACE, base=base, judge=judge)
  frozen = {"base": ({}, {}), "judge": ({}, {})}
  params, state = model.init(jax.random.key(0), {"x": jnp.zeros((1, 3))}, frozen)
  assert params == {}
  key, n, tries = jax.random.key(1), 50, 7
  best = np.asarray(
    jax.jit(functools.partial(model.sample, tries=tries, spread=2.0), static_argnums=3)(
      params, state, key, n
    )["x"]
  )
  keys = [jax.random.split(k)[0] for k in jax.random.split(key, tries)]
  every = np.stack([base.sample({}, {}, k, n, spread=2.0)["x"] for k in keys])
  expected = every[(every**2).sum(-1).argmin(0), np.arange(n)]
  # Two compiled programs may differ in the last bit.
  np.testing.assert_allclose(best, expected, rtol=1e-6)
  assert model.calls(tries=tries, spread=2.0) == tries


def test_rerank_judges_what_was_given():
  base, judge = counting_base()
  model = rerank.model(SPACE, base=base._replace(given={"target": SPACE["x"]}), judge=judge)
  assert model.given == {"target": SPACE["x"]}
  state = {"frozen": {"base": ({}, {}), "judge": ({}, {})}}
  target = jnp.where(jnp.arange(100)[:, None] < 50, -1.0, 1.0) * jnp.ones((100, 3))
  x = model.sample({}, state, jax.random.key(0), 100, {"target": target}, tries=64)["x"]
  assert (x * target).mean() > 0.7


def test_rerank_takes_the_score_of_a_judge_that_has_one():
  """Of images by labels: the gray level is to be that of the label."""
  draw = lambda params, state, key, n, given={}: {
    "image": jax.random.randint(key, (n, 2, 2, 1), 0, 5)
  }
  score = lambda params, state, images, given: -jnp.abs(images[:, 0, 0, 0] - given["label"])
  base = Model(lambda key, batch: ({}, {}), sample=draw)
  judge = Model(base.init, parts={"score": score})
  state = {"frozen": {"base": ({}, {}), "judge": ({}, {})}}
  label = jnp.arange(100) % 5
  model = rerank.model(SPACE, base=base, judge=judge)
  image = model.sample({}, state, jax.random.key(0), 100, {"label": label}, tries=32)["image"]
  assert (image[:, 0, 0, 0] == label).mean() > 0.95
  with pytest.raises(UserError, match=r"judge scores by 'label', and samples of stages\.base have"):
    model.sample({}, state, jax.random.key(0), 2)
  with pytest.raises(UserError, match="neither a score nor a likelihood"):
    rerank.model(SPACE, base=base, judge=base)


def test_rerank_by_a_density_raises_it():
  """With the mixture that is both base and judge, the mean log-density of the best of 16 exceeds
  that of one.
  """
  learner = gmm.learner(SPACE, components=2)
  batch = {"x": jax.random.normal(jax.random.key(0), (200, 3)), "weight": jnp.ones(200)}
  ts = jax.jit(learner.init)(jax.random.key(1), batch)
  model = rerank.model(SPACE, base=learner.model, judge=learner.model)
  state = {"frozen": {"base": (ts.params, {}), "judge": (ts.params, {})}}
  sample = jax.jit(model.sample, static_argnames=("n", "tries"))
  means = []
  for tries in (1, 4, 16):
    x = sample({}, state, jax.random.key(2), n=500, tries=tries)
    means.append(float(learner.model.log_prob(ts.params, {}, x, None).mean()))
  assert means[0] < means[1] < means[2]
