"""PolyGen: normalised under its masks, causal, cached as naive, and of two parts."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import mesh_rules, mesh_tokens
from genjax_zoo.data.solids import Mesh
from genjax_zoo.models.autoregressive import polygen, polygen_faces, polygen_vertices
from genjax_zoo.models.autoregressive._meshes import bits_per_vertex
from genjax_zoo.prob import rules

KEY = jax.random.key(0)
SIZE = dict(width=8, layers=1, heads=2)


def fields(levels: int, vertices: int, tokens: int) -> dict:
  return {
    "vertices": Field((vertices, 3), np.int32, levels, kind="mesh"),
    "vertices_mask": Field((vertices,), np.bool_, 2),
    "faces": Field((tokens,), np.int32, 2 + vertices, ordered=False),
    "faces_mask": Field((tokens,), np.bool_, 2),
    "label": Field((), np.int32, 3, ordered=False),
    "voxels": Field((4, 4, 4, 1), np.uint8, 2),
    "image": Field((4, 2, 3), np.uint8, 256),
  }


def perturbed(params):
  """Parameters none of which is 0."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(7), len(leaves))
  moved = [x + 0.3 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys)]
  return jax.tree.unflatten(tree, moved)


def batch_of(meshes, vertices: int, tokens: int) -> dict:
  """A batch of quantized meshes, with labels 0, 1, 2, 0, ..., random voxels and images."""
  rows = [mesh_tokens.encode(mesh, vertices, tokens) for mesh in meshes]
  batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
  n = len(rows)
  rng = np.random.default_rng(0)
  voxels = rng.integers(2, size=(n, 4, 4, 4, 1)).astype(np.uint8)
  image = rng.integers(256, size=(n, 4, 2, 3)).astype(np.uint8)
  return batch | {"label": np.arange(n, dtype=np.int32) % 3, "voxels": voxels, "image": image}


CUBE = [Mesh(np.array(list(itertools.product(range(2), repeat=3))), [(0, 1, 2), (1, 3, 2, 5)])]
PYRAMID = [Mesh(np.array([(0, 0, 0), (0, 0, 2), (0, 2, 1), (1, 1, 1)]), [(0, 1, 2), (0, 3, 1)])]
MESHES = batch_of(CUBE + PYRAMID, 8, 12)
DATA = fields(3, 8, 12)
CONDITION = dict(condition=("label", "voxels", "image"), patch=2)


def compiled(model):
  """(the model with its likelihood compiled, perturbed parameters)."""
  params, _ = jax.jit(model.init)(KEY, MESHES)
  log_prob = jax.jit(model.log_prob, static_argnums=4)
  return model._replace(log_prob=log_prob), perturbed(params)


@pytest.fixture(scope="module")
def vertex_model():
  return compiled(polygen_vertices.model(DATA, **CONDITION, **SIZE))


@pytest.fixture(scope="module")
def face_model():
  return compiled(polygen_faces.model(DATA, **SIZE, cross_attention=True))


@pytest.fixture(scope="module")
def mesh_model(vertex_model, face_model):
  """(the model of whole meshes, its state)."""
  model = polygen.model(DATA, vertices=vertex_model[0], faces=face_model[0])
  frozen = {"vertices": (vertex_model[1], {}), "faces": (face_model[1], {})}
  return model, model.init(KEY, MESHES, frozen)[1]


def test_tokens_of_vertices_and_back():
  tokens = polygen_vertices.to_tokens(MESHES)
  np.testing.assert_array_equal(tokens[1, :14], [1, 1, 1, 1, 1, 3, 1, 3, 2, 2, 2, 2, 0, 0])
  back = polygen_vertices.from_tokens(tokens)
  for name, x in back.items():
    np.testing.assert_array_equal(x, MESHES[name])
  half = polygen_vertices.from_tokens(tokens.at[1, 5].set(rules.STOP))
  assert half["vertices_mask"][1].sum() == 1 and not half["vertices"][1, 1:].any()


def test_the_probabilities_of_all_meshes_of_two_vertices_sum_to_one():
  tiny = fields(2, 2, 8)
  corners = list(itertools.product(range(2), repeat=3))
  sets = [[c] for c in corners] + [list(pair) for pair in itertools.combinations(corners, 2)]
  batch = batch_of([Mesh(np.array(v), []) for v in sets], 2, 8)
  model = polygen_vertices.model(tiny, **SIZE)
  params = perturbed(jax.jit(model.init)(KEY, batch)[0])
  nats = jax.jit(model.log_prob)(params, {}, batch, KEY)
  np.testing.assert_allclose(jax.nn.logsumexp(nats), 0, atol=1e-5)


def all_faces(n: int, length: int):
  """All sequences of well formed faces of n vertices in order of their first, with their STOP."""
  corners = range(n)
  cycles = [c for k in (3, 4) for c in itertools.permutations(corners, k) if c[0] == min(c)]
  found = []
  for count in (1, 2):
    for faces in itertools.product(cycles, repeat=count):
      tokens = mesh_tokens.face_tokens(faces)
      if len(tokens) <= length and all(a[0] <= b[0] for a, b in itertools.pairwise(faces)):
        found.append(tokens + [0] * (length - len(tokens)))
  return np.array(found, np.int32)


def test_the_probabilities_of_all_faces_of_four_vertices_sum_to_one():
  tiny = fields(2, 5, 9)
  tokens = all_faces(4, 9)
  corners = np.array(list(itertools.product(range(2), repeat=3)))[:4]
  one = mesh_tokens.encode(Mesh(corners, []), 5, 9)
  batch = {name: np.repeat(x[None], len(tokens), 0) for name, x in one.items()}
  batch |= {"faces": tokens}
  model = polygen_faces.model(tiny, **SIZE)
  params = perturbed(jax.jit(model.init)(KEY, batch)[0])
  nats = jax.jit(model.log_prob)(params, {}, batch, KEY)
  np.testing.assert_allclose(jax.nn.logsumexp(nats), 0, atol=1e-5)


FIRST_PLACES = {  # (the values of a token, the tokens, both of the two meshes; the length).
  polygen_vertices: (np.array([4, 4]), np.array([25, 13]), 25),
  polygen_faces: (np.array([10, 6]), np.array([9, 8]), 12),
}


@pytest.mark.parametrize("module", FIRST_PLACES)
def test_at_first_every_token_is_as_probable_as_any_other(module):
  values, tokens, length = FIRST_PLACES[module]
  model = module.model(DATA, **SIZE)

  @jax.jit
  def measured(key):
    params, _ = model.init(key, MESHES)
    loss = model.loss(params, {}, MESHES, key, train=True)[0]
    return loss, model.evaluate(params, {}, MESHES, key)

  loss, found = measured(KEY)
  np.testing.assert_allclose(loss, tokens * np.log(values) / length, rtol=1e-5)
  np.testing.assert_allclose(found["loss"], loss, rtol=1e-5)
  bits, count = found["bits_per_vertex_unmasked"]
  np.testing.assert_allclose(bits, tokens * np.log2(values), rtol=1e-5)
  np.testing.assert_array_equal(count, [8, 4])
  # What the network has not learned, the masks know.
  of_valid = found["bits_per_vertex"][0], found["bits_per_vertex_uniform"][0]
  np.testing.assert_allclose(*of_valid, rtol=1e-5)
  assert (of_valid[0] < bits).all()


def test_masks_make_no_likelihood_of_a_valid_mesh_worse(vertex_model, face_model):
  for model, params in (vertex_model, face_model):
    masked = model.log_prob(params, {}, MESHES, KEY)
    assert (masked >= model.log_prob(params, {}, MESHES, KEY, False)).all()


def first_changes(f, x, value):
  """The first place of f(x) [1, T, K] that changes with place i of x [1, T], for every i."""
  others = jax.vmap(lambda i: x.at[0, i].set(value))(jnp.arange(x.shape[1]))
  base, changed = jax.jit(lambda x, others: (f(x), jax.lax.map(f, others)))(x, others)
  differs = np.abs(changed - base[None]).max((1, 3)) > 1e-5
  return [np.flatnonzero(row).min(initial=x.shape[1]) for row in differs]


def test_no_token_depends_on_itself_or_a_later_one(vertex_model, face_model):
  net = polygen_faces.FaceNet(12, 8, 1, 2, cross_attention=True)
  e = jax.random.normal(KEY, (1, 10, 8))
  tokens = jnp.array([[2, 3, 4, 1, 3, 5, 4, 7, 1, 5, 7, 0]])
  of_faces = lambda x: net.apply({"params": face_model[1]["net"]}, e, polygen_faces.about_places(x))
  assert first_changes(of_faces, tokens, 6) == list(range(1, 13))
  # Of the vertices the inputs are the tokens before each place.
  model, params = vertex_model
  net = polygen_vertices.VertexNet(3, 8, 8, 1, 2, tuple(model.given.items()), 2)
  before = jnp.array([[4, *[1, 2, 3] * 8]])
  given = {name: jnp.asarray(MESHES[name][:1]) for name in model.given}
  of_vertices = lambda x: net.apply({"params": params["net"]}, x, given)
  assert first_changes(of_vertices, before, 0) == list(range(25))


def test_the_number_of_the_face_and_the_place_in_it():
  tokens = jnp.array([[2, 3, 4, 1, 3, 5, 4, 7, 1, 5, 6, 7]])
  about = np.asarray(polygen_faces.about_places(tokens))[0]
  np.testing.assert_array_equal(about[1:, 0], tokens[0, :-1])
  np.testing.assert_array_equal(about[1:, 1], [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2])
  np.testing.assert_array_equal(about[1:, 2], [0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1])


def test_a_pointer_is_a_product_over_the_root_of_the_width():
  """With a query of ones at each place, logits are the sums of e over sqrt(width)."""
  e = jax.random.normal(KEY, (2, 6, 8))
  about = jnp.zeros((2, 4, 3), jnp.int32)
  net = polygen_faces.FaceNet(4, 8, 1, 2)
  params = net.init(KEY, e, about)["params"]
  dense = [k for k in params if k.startswith("Dense")]
  (last,) = [k for k in dense if not np.any(params[k]["kernel"])]
  params[last]["bias"] = jnp.ones(8)
  logits = net.apply({"params": params}, e, about)
  expected = np.broadcast_to(e.sum(-1)[:, None] / np.sqrt(8), (2, 4, 6))
  np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cross_attention", [False, True])
def test_with_cross_attention_vertices_that_are_not_joined_yet_are_seen(cross_attention):
  e, other = jax.random.normal(KEY, (2, 1, 6, 8))
  exists = jnp.arange(6)[None] < 5
  about = polygen_faces.about_places(jnp.array([[2, 3, 1, 2]]))
  net = polygen_faces.FaceNet(4, 8, 1, 2, cross_attention=cross_attention)
  params = {"params": perturbed(net.init(KEY, e, about, exists)["params"])}
  logits = lambda e: net.apply(params, e, about, exists)[..., :4]
  at = lambda i: logits(e.at[:, i].set(other[:, i]))
  # Vertex 4 is in no face yet, and 5 is none.
  assert (np.abs(at(4) - logits(e)).max() > 1e-3) == cross_attention
  np.testing.assert_allclose(at(5), logits(e), atol=1e-5)


def test_a_pointer_follows_its_vertex(face_model):
  """A face's probability depends on where its vertices are, and on no vertex that is not there."""
  model, params = face_model
  nats = model.log_prob(params, {}, MESHES, KEY)
  far = MESHES | {"vertices": MESHES["vertices"] + MESHES["vertices_mask"][..., None]}
  assert (model.log_prob(params, {}, far | {"vertices": far["vertices"] % 3}, KEY) != nats).all()
  filled = np.where(MESHES["vertices_mask"][..., None], MESHES["vertices"], 2)
  other = model.log_prob(params, {}, MESHES | {"vertices": filled}, KEY)
  np.testing.assert_allclose(other, nats, rtol=1e-6)


def test_cached_sampling_is_naive_and_its_probability_is_that_of_the_model(
  vertex_model, face_model
):
  three = {name: np.resize(x, (6, *x.shape[1:])) for name, x in MESHES.items()}
  for model, params in (vertex_model, face_model):
    given = {name: three[name] for name in model.given}
    draw = lambda cached: jax.jit(
      lambda key: model.parts["sample_log_prob"](params, {}, key, 6, given, cached=cached)
    )(KEY)
    (quick, nats), (naive, _) = draw(True), draw(False)
    for name in quick:
      np.testing.assert_array_equal(quick[name], naive[name])
    batch = {**three, **quick}
    np.testing.assert_allclose(nats, model.log_prob(params, {}, batch, KEY), rtol=1e-4)


def test_no_sampled_mesh_breaks_a_mask_and_without_masks_some_do(mesh_model):
  model, state = mesh_model
  given = {name: np.resize(MESHES[name], (64, *MESHES[name].shape[1:])) for name in model.given}
  sampled = lambda **options: jax.jit(
    lambda key: model.sample({}, state, key, 64, given, **options)
  )(KEY)
  batch = jax.device_get(sampled())
  found = mesh_rules.judge(batch, {})
  assert found["ordered"].all()
  enough = batch["vertices_mask"].sum(1) >= 3
  assert found["well_formed"][enough].all() and not found["well_formed"][~enough].any()
  loose = mesh_rules.judge(jax.device_get(sampled(masked=False)), {})
  assert loose["ordered"].mean() < 1 and loose["well_formed"].mean() < 0.5


def test_a_mesh_is_its_vertices_and_its_faces(mesh_model, vertex_model, face_model):
  model, state = mesh_model
  parts = [m.log_prob(p, {}, MESHES, KEY) for m, p in (vertex_model, face_model)]
  nats = model.log_prob({}, state, MESHES, KEY)
  np.testing.assert_allclose(nats, sum(parts), rtol=1e-6)
  found = jax.jit(model.evaluate)({}, state, MESHES, KEY)
  np.testing.assert_allclose(found["bits_per_vertex"][0], -nats / np.log(2), rtol=1e-5)
  np.testing.assert_array_equal(found["bits_per_vertex"][1], [8, 4])
  with pytest.raises(UserError, match=r"stages.vertices must model vertices"):
    polygen.model(DATA, vertices=face_model[0], faces=vertex_model[0])


def test_bits_a_vertex_are_a_ratio_of_sums():
  bits, count = bits_per_vertex(-np.log(2) * jnp.array([16.0, 2.0]), MESHES)
  np.testing.assert_allclose(bits.sum() / count.sum(), 18 / 12, rtol=1e-6)


def test_each_condition_reaches_the_vertices_of_its_example_alone(vertex_model):
  model, params = vertex_model
  nats = model.log_prob(params, {}, MESHES, KEY)
  other = {"label": 2, "voxels": 1 - MESHES["voxels"][0], "image": 255 - MESHES["image"][0]}
  for name, x in other.items():
    changed = {**MESHES, name: np.stack([np.full_like(MESHES[name][0], x), MESHES[name][1]])}
    difference = model.log_prob(params, {}, changed, KEY) - nats
    assert abs(difference[0]) > 1e-4 and abs(difference[1]) < 1e-6


def test_conditions_that_are_none_are_refused():
  for name, patch in (("faces", 2), ("image", 4), ("vertices_mask", 2)):
    with pytest.raises(UserError, match="vertices are given labels, images or voxels"):
      polygen_vertices.model(DATA, condition=(name,), patch=patch)


def test_data_that_are_no_meshes_are_refused():
  with pytest.raises(UserError, match="the model is of meshes"):
    polygen_faces.model({"image": Field((8, 8, 1), np.uint8, 17)})
  with pytest.raises(UserError, match=r"model.width=10 must be a multiple of heads=4"):
    polygen_vertices.model(DATA, width=10)
