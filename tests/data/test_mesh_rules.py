"""Broken meshes are found, and the numbers of possible tokens sum to one over all meshes."""

import itertools

import numpy as np
import pytest

from genjax_zoo.data import mesh_rules, solids
from genjax_zoo.data.mesh_tokens import encode, face_tokens, quantize
from genjax_zoo.data.solids import Mesh

BOX = quantize(solids.box((0, 0, 0), (3, 2, 1)), 16)


def judged(mesh, **changes):
  arrays = {k: x[None] for k, x in (encode(mesh, 12, 60) | changes).items()}
  return {name: bool(x[0]) for name, x in mesh_rules.judge(arrays, {}).items()}


def test_a_box_is_valid():
  assert set(judged(BOX).values()) == {True}


def test_faults_are_found_each_by_its_measure():
  faces = BOX.faces
  faulty = lambda faces: {k for k, good in judged(BOX._replace(faces=faces)).items() if not good}
  assert faulty(faces[1:]) == {"closed", "valid"}
  assert faulty([tuple(reversed(faces[0])), *faces[1:]]) == {"closed", "valid"}
  assert faulty([*faces, faces[0]]) == {"closed", "valid"}
  # Diagonals: the same face from both sides closes itself, and is repeated.
  assert faulty([*faces, (0, 3, 5), (0, 5, 3)]) == {"valid"}
  for wrong in ((0, 1), (0, 1, 1), (0, 1, 8), ()):
    assert {"well_formed", "valid"} <= faulty([*faces, wrong])
  assert {"well_formed", "closed", "valid"} <= faulty([])


def test_order_of_vertices():
  for rows in ([1, 0, *range(2, 8)], [0, 0, *range(2, 8)]):
    found = judged(BOX._replace(vertices=BOX.vertices[rows]))
    assert not found["ordered"] and not found["valid"] and found["closed"]
  holes = np.arange(12) % 2 == 0
  assert not judged(BOX, vertices_mask=holes)["ordered"]


def test_faces_may_belong_to_given_vertices():
  arrays = {k: np.stack([x, x]) for k, x in encode(BOX, 12, 60).items()}
  faces = {"faces": arrays.pop("faces")}
  assert mesh_rules.judge(faces, arrays)["valid"].tolist() == [1, 1]
  # What was given counts, whatever vertices stand beside the sampled faces.
  fewer = arrays | {"vertices_mask": arrays["vertices_mask"] & (np.arange(12) < 7)[None]}
  assert mesh_rules.judge(faces | arrays, fewer)["well_formed"].tolist() == [0, 0]
  assert set(mesh_rules.judge(arrays, {})) == {"ordered"}


def test_unevenness_is_the_distance_from_the_plane():
  """Two opposite corners of a square up by h, the others down: each is h from the middle plane."""
  square = np.array([[0, 0, 1.5], [4, 0, -1.5], [4, 4, 1.5], [0, 4, -1.5]])
  assert mesh_rules.unevenness(Mesh(square, [(0, 1, 2, 3)])) == pytest.approx(1.5)
  assert mesh_rules.unevenness(Mesh(square, [(0, 1, 2)])) < 1e-9  # Three points have a plane.


def test_choices_of_vertices_are_a_distribution_over_all_lists():
  """With 2 levels: over all lists of 1 to 8 of the 8 vertices, prod 1 / choices sums to 1."""
  corners = np.array([*itertools.product(range(2), repeat=3)])  # In the order of (z, y, x).
  total = 0.0
  for n in range(1, 9):
    for rows in itertools.combinations(range(8), n):
      choices = mesh_rules.vertex_choices(corners[list(rows)], np.ones(n, bool), 2)
      assert len(choices) == 3 * n + 1 and choices.min() >= 1
      total += 1 / np.prod(choices, dtype=float)
  assert total == pytest.approx(1)


def test_choices_of_faces_are_a_distribution_over_all_lists():
  """NEW and STOP are equally likely, so 1/2 of evenly drawn lists have one face, 1/4 two."""
  n = 5
  cycles = [
    (first, *rest)
    for first in range(n)
    for size in range(2, n)
    for rest in itertools.permutations(range(first + 1, n), size)
  ]
  probability = lambda *faces: 1 / np.prod(mesh_rules.face_choices(face_tokens(faces), n))
  assert sum(map(probability, cycles)) == pytest.approx(1 / 2)
  pairs = [(a, b) for a in cycles for b in cycles if b[0] >= a[0]]
  assert sum(probability(*pair) for pair in pairs) == pytest.approx(1 / 4)


def test_uniform_bits_are_a_ratio_of_sums():
  """A triangle in 2 levels by hand: the vertices 000, 001, 010, then the end; one face."""
  vertices = np.zeros((1, 4, 3), int)
  vertices[0, 1:3] = [[0, 0, 1], [0, 1, 0]]
  # After 000: z or the end 3, y 2, x 1 (only 001). After 001: 3, y 1, x 2. After 010: 3.
  bits = np.log2([2, 2, 2, 3, 2, 1, 3, 1, 2, 3]).sum()
  examples = {"vertices": vertices, "vertices_mask": np.arange(4)[None] < 3}
  examples["faces"] = np.array([[2, 3, 4, 0, 0]])
  # Vertex 0; then 1 or 2; then 2; then NEW or STOP.
  found = mesh_rules.uniform_bits(examples, 2)
  assert found["vertices"] == pytest.approx(bits / 3)
  assert found["faces"] == pytest.approx(np.log2([1, 2, 1, 2]).sum() / 3)
