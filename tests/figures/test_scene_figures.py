"""Scenes from all sides: a ball whose surface is known, and nothing where there is no scene."""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Model
from genjax_zoo.data.solids import Mesh
from genjax_zoo.figures import scenes, space
from genjax_zoo.prob import cameras
from genjax_zoo.run import Run
from tests.figures.test_pictures import tiles

RADIUS = 0.6


def views(params, state, angles, size):
  """A ball that is red at azimuth 0 and darker as one goes round; no second scene."""
  n = len(angles)
  origins, directions = cameras.rays(*angles.T, size)
  closest = -(origins[:, None, None] * directions).sum(-1)
  apart = 16 - closest**2
  hit = apart < RADIUS**2
  depth = closest - jnp.sqrt(jnp.maximum(RADIUS**2 - apart, 0))
  red = jnp.exp(-angles[:, 0])[:, None, None, None] * jnp.array([1.0, 0, 0])[None, None, None]
  colour = jnp.where(hit[..., None], red, 1.0)
  empty = jnp.ones((n, size, size, 3)), jnp.full((n, size, size), 6.0), jnp.zeros((n, size, size))
  ball = colour, jnp.where(hit, depth, 6.0), hit.astype(float)
  return {k: jnp.stack(x) for k, x in zip(("colour", "depth", "opacity"), zip(ball, empty))}


def density(params, state, points):
  """Of the ball, falling linearly through the surface's density; and of nothing."""
  ball = scenes.SURFACE + 10 * (RADIUS - jnp.linalg.norm(points, axis=-1))
  return jnp.stack([jnp.maximum(ball, 0), 0 * ball])


RUN = Run(Model(None, parts={"views": views, "density": density}), {}, {}, {}, {}, 0, None, None)


def test_scenes_are_seen_from_all_sides_and_their_depth_is_nearest_in_the_middle():
  picture, caption = scenes.turntables(RUN, None, None, None)
  size = scenes.SIZE
  sides = tiles(picture, size, size, len(picture) // (2 * size))
  middle = sides[:, :, sides.shape[2] // 2, sides.shape[3] // 2]
  shades = middle[0, : scenes.SIDES, 0].astype(int)
  assert shades[0] == 255 and (np.diff(shades) < 0).all()
  assert (middle[1, : scenes.SIDES] == 255).all() and "6 sides" in caption
  assert (middle[0, scenes.SIDES :] > 245).all() and not middle[1, scenes.SIDES :].any()
  angles = jnp.array([[0.0, 0.4], [1.0, 0.4]])
  row = scenes.nearness(views({}, {}, angles, 64))[0, 0, 32]
  assert row[32] > row[21] > row[18] > 0.15 and row[2] == 0


def test_the_surface_is_where_the_density_says():
  ball, nothing = scenes.surface_meshes(RUN)
  radius = np.linalg.norm(ball.vertices, axis=-1)
  np.testing.assert_allclose(radius, RADIUS, atol=0.01)
  corners = ball.vertices[np.array(ball.faces)]
  outwards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
  assert len({tuple(sorted(face)) for face in ball.faces}) == len(ball.faces) > 1000
  # Its volume, by the divergence theorem: faces are seen anticlockwise from outside.
  volume = (corners.mean(1) * outwards).sum() / 6
  np.testing.assert_allclose(volume, 4 / 3 * np.pi * RADIUS**3, rtol=0.02)
  assert len(nothing.vertices) == 0
  picture, caption = scenes.surfaces(RUN, None, None, None)
  assert picture.std() > 10 and caption.endswith(f"{len(ball.faces):,}, 0 faces.")


def test_models_without_scenes_have_no_such_figures():
  run = RUN._replace(model=Model(None))
  assert scenes.turntables(run, None, None, None) is None
  assert scenes.surfaces(run, None, None, None) is None


def test_meshes_are_drawn_with_and_without_edges():
  square = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1.0]])
  mesh = Mesh(square, [(0, 1, 2, 3)])
  edged, plain = (space.solid(mesh, 30, edges=edges) for edges in (True, False))
  assert len(np.unique(plain[56, 40:70])) == 1 and (edged != plain).any()
