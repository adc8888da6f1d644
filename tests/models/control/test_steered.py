"""Frozen models that are steered: nothing at strength 0, exact edits, and frozen weights."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError, descend
from genjax_zoo.models.autoregressive import language_model
from genjax_zoo.models.control import (
  plug_and_play,
  prefix_tuning,
  prompt_tuning,
  representation_tuning,
)
from genjax_zoo.models.tokens import _prior
from genjax_zoo.nn.causal import attending_to
from genjax_zoo.nn.hooks import edited
from tests.models.control import toy

L, V = toy.L, toy.V
BATCH = toy.batch()
GIVEN = {"label": BATCH["label"]}


@pytest.fixture(scope="module")
def first():
  return toy.language()


def stage(first, module, **options):
  """(Model, params, state) of a stage on the language model, with random parameters."""
  model, params, state = first
  made = module.model(toy.DATA, first=model, **options)
  own, state = made.init(toy.KEY, BATCH, {"first": (params, state)})
  return made, toy.noisy(own), state


def drawn(model, params, state, **options):
  sample = jax.jit(lambda key: model.sample(params, state, key, toy.B, **options))
  return np.asarray(sample(jax.random.key(3))["tokens"])


STEERED = {
  "prompt": (prompt_tuning, {"prompt": 3}, {"prompt": 0}, {}),
  "prefix": (prefix_tuning, {"prefix": 3}, {"prefix": 0}, {}),
  "difference": (representation_tuning, {"edit": "difference"}, {}, {"strength": 0.0}),
  "vector": (representation_tuning, {"edit": "vector"}, {}, {"strength": 0.0}),
  "low_rank": (representation_tuning, {"rank": 2}, {}, {"strength": 0.0}),
  "plug_and_play": (plug_and_play, {}, {}, {"strength": 0.0}),
}


@pytest.mark.parametrize("name", STEERED)
def test_zero_strength_is_the_frozen_model(first, name):
  module, options, nothing, unsteered = STEERED[name]
  made, params, state = stage(first, module, **options | nothing)
  plain, at_zero = drawn(*first), drawn(made, params, state, given=GIVEN, **unsteered)
  np.testing.assert_array_equal(at_zero, plain)
  if not nothing:  # At a high strength it is another model.
    steered, own, frozen = stage(first, module, **options)
    strong = dict.fromkeys(unsteered, 300.0)
    assert (drawn(steered, own, frozen, given=GIVEN, **strong) != plain).any()
  if nothing:
    np.testing.assert_array_equal(
      made.log_prob(params, state, BATCH, toy.KEY), first[0].log_prob(*first[1:], BATCH, toy.KEY)
    )


@pytest.mark.parametrize("name", [k for k in STEERED if k != "difference"])
def test_training_reaches_the_steering_alone(first, name):
  module, options, _, _ = STEERED[name]
  made, _, _ = stage(first, module, **options)
  learner = descend(made, optax.sgd(0.1))
  ts = learner.init(toy.KEY, BATCH, {"first": first[1:]})
  after, _ = jax.jit(learner.step)(ts, BATCH, toy.KEY)
  for before, now in zip(jax.tree.leaves(first[1]), jax.tree.leaves(after.state["frozen"])):
    np.testing.assert_array_equal(before, now)
  moved = jax.tree.map(lambda a, b: (np.asarray(a) != b).any(), ts.params, after.params)
  assert all(jax.tree.leaves(moved)), moved
  assert len(jax.tree.leaves(ts.params)) < len(jax.tree.leaves(first[1]))


@pytest.mark.parametrize("name", [k for k in STEERED if k != "plug_and_play"])
def test_each_example_is_steered_by_what_its_own_label_has(first, name):
  """Labels exchanged are parameters exchanged."""
  module, options, _, _ = STEERED[name]
  made, params, state = stage(first, module, **options)
  nats = jax.jit(lambda params, batch: made.log_prob(params, state, batch, toy.KEY))
  plain = nats(params, BATCH)
  exchanged = nats(params, BATCH | {"label": 1 - BATCH["label"]})
  np.testing.assert_allclose(
    exchanged, nats(jax.tree.map(lambda x: x[::-1], params), BATCH), rtol=1e-5
  )
  assert (exchanged != plain).all()


def test_a_vector_is_added_at_all_places_of_its_example():
  vector = jnp.arange(6.0).reshape(2, 3)
  found = representation_tuning.shift({"vector": vector}, jnp.zeros((2, 4, 3)), np.array([1, 0]))
  np.testing.assert_array_equal(found + jnp.zeros((2, 4, 3)), jnp.stack([vector[::-1]] * 4, 1))


def test_the_frozen_model_drops_nothing_in_training():
  made, params, state = stage(toy.language(dropout=0.5), prompt_tuning)
  nats = lambda key: made.loss(params, state, BATCH, key, train=True)[0]
  np.testing.assert_array_equal(nats(jax.random.key(1)), nats(jax.random.key(2)))


def test_training_leaves_a_difference_of_means_where_it_is(first):
  made, params, state = stage(first, representation_tuning, edit="difference")
  loss = lambda params: made.loss(params, state, BATCH, toy.KEY, train=True)[0].mean()
  assert not np.any(jax.jit(jax.grad(loss))(params)["vector"])


@pytest.mark.parametrize("name", ["prompt", "prefix", "difference"])
def test_what_steers_a_model_in_bfloat16_is_float32(name):
  module, options, _, _ = STEERED[name]
  model, params, state = toy.language(dtype="bfloat16")
  made = module.model(toy.DATA, first=model, **options)
  own, state = jax.jit(made.init)(toy.KEY, BATCH, {"first": (params, state)})
  assert {x.dtype for x in jax.tree.leaves(own)} == {jnp.dtype("float32")}
  loss = jax.jit(lambda: made.loss(own, state, BATCH, toy.KEY, train=True)[0])()
  assert np.isfinite(loss).all()


def test_a_prompt_is_vectors_in_the_place_of_tokens_before_all_others(first):
  """The same logits as from one sequence, the vectors and then the words, without a cache."""
  _, params, _ = first
  p = _prior.prior({"tokens": toy.DATA["tokens"]}, 8, 2, 2, ("dense",), "float32", tied=True)
  vectors = jax.random.normal(jax.random.key(5), (toy.B, 3, 8))
  places = np.concatenate([np.zeros((3, 3), int), p.places])
  mask = np.tril(np.ones((2, L + 3, L + 3), bool))
  with_vectors = lambda h: h.at[:, :3].set(vectors)
  tokens = jnp.asarray(BATCH["tokens"])
  before = jnp.pad(_prior.shifted(p.stream, tokens), ((0, 0), (3, 0)))
  with edited({"token": with_vectors}):
    whole = p.net.apply({"params": params["net"]}, before, places, mask)[:, 3:]
  with attending_to(_prior.prefix_of(p, params, vectors)):
    steered = _prior.all_logits(p, params, tokens)
  np.testing.assert_allclose(steered, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["prompt", "prefix", "low_rank"])
def test_cached_sampling_equals_naive_and_the_likelihood(first, name):
  module, options, _, _ = STEERED[name]
  made, params, state = stage(first, module, **options)
  cached, naive = (drawn(made, params, state, given=GIVEN, cached=c) for c in (True, False))
  np.testing.assert_array_equal(cached, naive)
  nats = -made.loss(params, state, BATCH, toy.KEY, train=True)[0]
  np.testing.assert_allclose(made.log_prob(params, state, BATCH, toy.KEY), nats, rtol=1e-6)


@pytest.mark.parametrize("name", ["prompt", "low_rank", "plug_and_play"])
def test_a_sentence_begun_is_completed_in_the_style(first, name):
  module, options, _, _ = STEERED[name]
  made, params, state = stage(first, module, **options)
  keep = np.arange(L)[None] < 2
  begun = GIVEN | {"tokens": BATCH["tokens"], "keep": np.tile(keep, (toy.B, 1))}
  done = drawn(made, params, state, given=begun)
  np.testing.assert_array_equal(done[:, :2], BATCH["tokens"][:, :2])
  assert (done[:, 2:] != drawn(made, params, state, given=GIVEN)[:, 2:]).any()


def test_a_low_rank_edit_replaces_the_coordinates_in_its_subspace():
  rng = np.random.default_rng(0)
  params = {
    "subspace": jnp.asarray(rng.normal(size=(2, 3, 8)), jnp.float32),
    "target": jnp.asarray(rng.normal(size=(2, 3, 8)), jnp.float32),
    "offset": jnp.asarray(rng.normal(size=(2, 3)), jnp.float32),
  }
  h = jnp.asarray(rng.normal(size=(4, 5, 8)), jnp.float32)
  label = np.array([0, 1, 1, 0])
  after = h + representation_tuning.low_rank(params, h, label)
  R = np.asarray(representation_tuning.orthonormal(params["subspace"]))
  for b, y in enumerate(label):
    np.testing.assert_allclose(R[y] @ R[y].T, np.eye(3), atol=1e-5)
    wanted = h[b] @ params["target"][y].T + params["offset"][y][None]
    np.testing.assert_allclose(after[b] @ R[y].T, wanted, rtol=1e-3, atol=1e-4)
    outside = np.eye(8) - R[y].T @ R[y]
    np.testing.assert_allclose(after[b] @ outside, h[b] @ outside, rtol=1e-3, atol=1e-4)


def test_the_difference_of_means_is_that_of_each_label_from_all():
  h = np.arange(24.0, dtype="f4").reshape(4, 3, 2) ** 1.5
  label = np.array([0, 0, 2, 0])
  found = representation_tuning.means(h, label, 3)
  np.testing.assert_allclose(found[0], h[[0, 1, 3]].mean((0, 1)) - h.mean((0, 1)), rtol=1e-4)
  np.testing.assert_allclose(found[2], h[2].mean(0) - h.mean((0, 1)), rtol=1e-4)
  np.testing.assert_array_equal(found[1], [0, 0])  # No example.


def test_what_cannot_be_steered_is_refused(first):
  model, _, _ = first
  given = language_model.model(toy.DATA, **toy.SIZE, condition=("label",))
  with pytest.raises(UserError, match="given nothing"):
    prompt_tuning.model(toy.DATA, first=given)
  with pytest.raises(UserError, match="no part 'prefix'"):
    prefix_tuning.model(toy.DATA, first=model._replace(parts={}))
  with pytest.raises(UserError, match="low_rank"):
    representation_tuning.model(toy.DATA, first=model, edit="big")
  with pytest.raises(UserError, match="no hook"):
    stage(first, representation_tuning, at="nowhere")
  with pytest.raises(UserError, match="label"):
    prompt_tuning.model({"tokens": Field((L,), np.int32, V)}, first=model)
