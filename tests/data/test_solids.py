"""Solids against their volumes and Euler's formula."""

import itertools

import numpy as np
import pytest

from genjax_zoo.data import solids
from genjax_zoo.data.mesh_rules import closed, distinct, unevenness, well_formed

FAMILIES = solids.FLAT | solids.ROUND
# Closed surfaces that each solid consists of; of the torus' one the genus is 1.
PARTS = {"tower": 2, "table": 5, "chair": 4}


def volume(mesh):
  """By the divergence theorem, over fans of triangles; negative where faces point inwards."""
  fans = [(f[0], a, b) for f in mesh.faces for a, b in itertools.pairwise(f[1:])]
  return np.linalg.det(np.asarray(mesh.vertices, float)[np.array(fans)]).sum() / 6


@pytest.mark.parametrize("family", FAMILIES)
def test_every_solid_is_closed_and_faces_outwards(family):
  """Euler: V - E + F = 2 for each closed part, 0 for a torus; a volume inside is positive."""
  rng = np.random.default_rng(0)
  for _ in range(20):
    mesh = FAMILIES[family](rng)
    assert well_formed(mesh.faces, len(mesh.vertices))
    assert closed(mesh.faces) and distinct(mesh.faces) and volume(mesh) > 0
    edges = sum(map(len, mesh.faces)) / 2
    euler = len(mesh.vertices) - edges + len(mesh.faces)
    assert euler == (0 if family == "torus" else 2 * PARTS.get(family, 1))
    if family in solids.FLAT:
      assert unevenness(mesh) < 1e-9


def test_volumes_are_those_of_the_formulas():
  square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
  assert volume(solids.box((1, 2, 3), (2, 4, 6))) == pytest.approx(6)
  assert volume(solids.cone(square, 3)) == pytest.approx(4)
  assert volume(solids.standing(solids.extrude(square, 1, 3))) == pytest.approx(8)
  fine = solids.extrude(solids.ring(1000, 0.5, 2), 0, 1)
  assert volume(fine) == pytest.approx(np.pi, rel=1e-4)
  two = solids.union([solids.box((0, 0, 0), (1, 1, 1)), solids.box((3, 0, 0), (4, 1, 2))])
  assert volume(two) == pytest.approx(3)


def test_a_torus_and_an_ellipsoid_are_inscribed_in_the_smooth_ones():
  """Their volumes: 2 pi^2 R r^2 and 4/3 pi a b c; the polyhedra have 85 to 100 % of it."""
  torus = solids.random_torus(np.random.default_rng(1))
  rng = np.random.default_rng(1)
  large, small = rng.uniform(0.6, 1), rng.uniform(0.15, 0.4)
  assert 0.85 < volume(torus) / (2 * np.pi**2 * large * small**2) < 1
  ellipsoid = solids.random_ellipsoid(np.random.default_rng(1))
  radii = np.random.default_rng(1).uniform(0.4, 1, 3)
  assert 0.85 < volume(ellipsoid) / (4 / 3 * np.pi * radii.prod()) < 1
  np.testing.assert_allclose(np.linalg.norm(ellipsoid.vertices / radii, axis=1), 1)
