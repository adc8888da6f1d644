"""Rules of meshes: what they allow is what data/mesh_rules.py says, counted and enumerated."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo import data
from genjax_zoo.data import mesh_rules, mesh_tokens, take
from genjax_zoo.models.autoregressive.polygen_vertices import to_tokens
from genjax_zoo.prob import rules

KEY = jax.random.key(0)


def test_the_tokens_are_those_of_the_data():
  assert (rules.STOP, rules.NEW, rules.FIRST) == (
    mesh_tokens.STOP,
    mesh_tokens.NEW,
    mesh_tokens.FIRST,
  )
  assert rules.FEWEST == mesh_rules.FEWEST


@pytest.fixture(scope="module")
def meshes():
  dataset = data.load("meshes", examples=60, bits=5)
  return take(dataset.splits["train"], np.arange(40))


def rules_of(batch, room: int):
  """{name: (rule, tokens)} of the two sequences, with `room` places more than the data have."""
  pad = lambda x, n: jnp.pad(jnp.asarray(x), ((0, 0), (0, n)))
  count = jnp.asarray(batch["vertices_mask"].sum(1))
  length = batch["faces"].shape[1] + room
  return {
    "vertices": (rules.vertices(len(count), 32, 40 + room), pad(to_tokens(batch), 3 * room)),
    "faces": (rules.faces(count, 40, length), pad(batch["faces"], room)),
  }


def test_as_many_tokens_are_allowed_as_the_data_count(meshes):
  wanted = {
    "vertices": [
      mesh_rules.vertex_choices(v, mask, 32)
      for v, mask in zip(meshes["vertices"], meshes["vertices_mask"])
    ],
    "faces": [
      mesh_rules.face_choices(tokens, n)
      for tokens, n in zip(meshes["faces"], meshes["vertices_mask"].sum(1).tolist())
    ],
  }
  bits = mesh_rules.uniform_bits(meshes, 32)
  for name, (rule, tokens) in rules_of(meshes, room=5).items():
    allowed = np.asarray(jax.jit(lambda t: rules.masks(rule, t))(tokens)).sum(-1)
    for row, choices in zip(allowed, wanted[name]):
      np.testing.assert_array_equal(row[: len(choices)], choices)
    uniform = -float(rules.log_uniform(rule, tokens).sum()) / np.log(2)
    np.testing.assert_allclose(uniform / meshes["vertices_mask"].sum(), bits[name], rtol=1e-5)


def test_all_that_the_data_hold_is_allowed(meshes):
  for rule, tokens in rules_of(meshes, room=0).values():
    assert valid(rule, tokens).all()


def sequences(length: int, values: int):
  """All sequences [N, T] that end by their first STOP and are filled by it."""
  found = np.array(list(itertools.product(range(values), repeat=length)))
  ends = (found == rules.STOP).any(1)
  filled = (np.cumsum(found == rules.STOP, 1) > 0) <= (found == rules.STOP)
  return found[ends & filled.all(1)]


def valid(rule, tokens):
  """Whether each token of sequences [N, T] up to STOP is allowed, bool [N]."""
  tokens = jnp.array(tokens)
  own = jnp.take_along_axis(rules.masks(rule, tokens), tokens[..., None], -1)[..., 0]
  return np.asarray((own | ~rules.real(tokens)).all(1))


def test_of_all_sequences_those_of_ordered_vertices_are_allowed():
  found = sequences(7, 3)
  ok = valid(rules.vertices(len(found), 2, 2), found)
  # One of 8 vertices, or two of them in ascending order.
  assert ok.sum() == 8 + 8 * 7 // 2
  for tokens in found[ok]:
    n = int((tokens != rules.STOP).sum()) // 3
    v = tokens[: 3 * n].reshape(n, 3) - 1
    assert mesh_rules.ordered(v, np.ones(n, bool))


def test_of_all_sequences_those_of_well_formed_faces_are_allowed():
  found = sequences(8, 6)
  found = found[found[:, 0] >= rules.FIRST]
  ok = valid(rules.faces(jnp.full(len(found), 4), 4, 8), found)

  def wanted(tokens):
    faces = mesh_tokens.read_faces(tokens)
    lowest = all(face and face[0] == min(face) for face in faces)
    ascending = all(a[:1] <= b[:1] for a, b in itertools.pairwise(faces))
    return lowest and ascending and mesh_rules.well_formed(faces, 4)

  np.testing.assert_array_equal(ok, [wanted(tokens) for tokens in found])
  assert 0 < ok.sum() < len(ok)


@pytest.mark.parametrize("count", [0, 2, 3, 6])
def test_samples_of_random_logits_keep_the_rule_and_end(count):
  n, length = 64, 9
  rule = rules.faces(jnp.full(n, count), 6, length)

  def choose(key, logits):
    return jax.random.categorical(key, logits), jnp.zeros(n)

  # STOP is never liked: what makes sequences end is their length.
  logits = jnp.tile(jnp.array([-1e3, 0, *[0] * 6]), (n, 1))
  conditional = lambda carry, tokens, i: (logits, carry)
  sample = jax.jit(lambda key: rules.sample(key, conditional, (), rule, (n, length), choose))
  tokens, _ = sample(KEY)
  assert (np.asarray(tokens) == rules.STOP).any(1).all()
  for row in np.asarray(tokens):
    faces = mesh_tokens.read_faces(row)
    assert mesh_rules.well_formed(faces, count) if count > 2 else faces == [()]
  assert valid(rule, tokens).all()


def test_what_is_sampled_has_the_probability_that_is_returned_and_fills_by_stops():
  n, length = 16, 7
  rule = rules.vertices(n, 2, 2)
  logits = jnp.array([0.5, -1.0, 0.3])

  def choose(key, logits):
    token = jax.random.categorical(key, logits)
    return token, jnp.take_along_axis(jax.nn.log_softmax(logits), token[:, None], 1)[:, 0]

  conditional = lambda carry, tokens, i: (jnp.tile(logits, (n, 1)), carry)
  tokens, nats = rules.sample(KEY, conditional, (), rule, (n, length), choose)
  allowed = rules.masks(rule, tokens) | ~rules.real(tokens)[..., None]
  every = jax.nn.log_softmax(jnp.where(allowed, logits[None, None], -jnp.inf))
  own = jnp.take_along_axis(every, tokens[..., None], -1)[..., 0]
  np.testing.assert_allclose(jnp.where(rules.real(tokens), own, 0.0).sum(1), nats, rtol=1e-5)
  stopped = np.cumsum(np.asarray(tokens) == rules.STOP, 1) > 0
  assert (np.asarray(tokens)[stopped] == rules.STOP).all() and stopped[:, -1].all()


def test_sequences_are_real_up_to_their_first_stop():
  tokens = jnp.array([[3, 0, 0], [0, 0, 0], [2, 1, 4]])
  wanted = [[True, True, False], [True, False, False], [True, True, True]]
  np.testing.assert_array_equal(rules.real(tokens), wanted)
