"""Ray casting against marching along the rays, and against geometry."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.data import ray_casting
from genjax_zoo.data.ray_casting import SHAPES, Objects
from genjax_zoo.prob import cameras

RNG = np.random.default_rng(0)
INSIDE = {  # Whether points are in a shape, by its definition.
  "cube": lambda x, y, z: np.maximum(np.maximum(abs(x), abs(y)), abs(z)) <= 1,
  "sphere": lambda x, y, z: x**2 + y**2 + z**2 <= 1,
  "cylinder": lambda x, y, z: (x**2 + y**2 <= 1) & (abs(z) <= 1),
  "cone": lambda x, y, z: (np.hypot(x, y) <= (1 - z) / 2) & (abs(z) <= 1),
}
STEP = 0.004
cast = jax.jit(ray_casting.hits, static_argnums=3)
render = jax.jit(ray_casting.render, static_argnums=3, static_argnames=("shapes", "ground"))


def enter(shape, o, d):
  """Entries t [N] and normals [N, 3] of rays o, d [N, 3]."""
  t, normal = jax.jit(SHAPES[shape])(o.T, d.T)
  return np.asarray(t), np.asarray(normal).T


def hits(objects, azimuth, elevation, size):
  """The rays of a camera, [3] and [size, size, 3], and their nearest t and normals."""
  origin, directions = cameras.rays(azimuth, elevation, size)
  t, normal, _ = cast(objects, origin, jnp.moveaxis(directions, -1, 0), tuple(SHAPES))
  return np.asarray(origin), np.asarray(directions), np.asarray(t), np.moveaxis(normal, 0, -1)


def random_rays(n):
  """Rays from a sphere of radius 4 towards points near the shape."""
  o = RNG.normal(size=(n, 3))
  o = 4 * o / np.linalg.norm(o, axis=1, keepdims=True)
  d = RNG.uniform(-1.2, 1.2, (n, 3)) - o
  return o.astype(np.float32), (d / np.linalg.norm(d, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_entries_are_where_marching_first_is_inside(shape):
  o, d = random_rays(400)
  t, normal = enter(shape, o, d)
  steps = np.arange(0, 7, STEP)
  points = o[:, None] + steps[None, :, None] * d[:, None]
  inside = INSIDE[shape](*np.moveaxis(points, -1, 0))
  first = np.where(inside.any(1), steps[inside.argmax(1)], np.inf)
  # Marching misses what a ray only grazes.
  missed = np.isfinite(t) & ~inside.any(1)
  assert missed.mean() < 0.01 and not (np.isfinite(first) & ~np.isfinite(t)).any()
  hit = np.isfinite(first)
  assert 0.2 < hit.mean() < 1 and np.abs(t[hit] - first[hit]).max() < STEP + 1e-4
  # A ray enters against the normal, and a step along the normal leaves.
  assert ((normal * d).sum(-1)[hit] < 1e-5).all()
  entry = o[hit] + t[hit][:, None] * d[hit]
  assert not INSIDE[shape](*(entry + 1e-3 * normal[hit]).T).any()


def test_normals_of_round_shapes():
  """Of the ball the point itself; of the cone's side perpendicular to the line to the apex."""
  o, d = random_rays(300)
  t, normal = enter("sphere", o, d)
  hit = np.isfinite(t)
  np.testing.assert_allclose(normal[hit], o[hit] + t[hit][:, None] * d[hit], atol=1e-5)
  t, normal = enter("cone", o, d)
  side = np.isfinite(t) & (np.abs(normal[:, 2] + 1) > 1e-6)
  to_apex = np.array([[0, 0, 1]]) - (o[side] + t[side][:, None] * d[side])
  assert side.sum() > 50 and np.abs((normal[side] * to_apex).sum(1)).max() < 1e-4


def scene(shape, *, centre=(0.0, 0.0, 0.0), half=(0.5, 0.5, 0.5), angle=0.0):
  shape = [list(SHAPES).index(shape)]
  return Objects(*map(jnp.array, (shape, [centre], [half], [angle], [[1.0, 0.5, 0.25]])))


def test_objects_are_scaled_turned_and_moved():
  """An ellipsoid: the entry is on (p - c) turned back and divided by the halves, of length 1."""
  centre, half, angle = np.array([0.2, -0.3, 0.1]), np.array([0.3, 0.6, 0.9]), 0.7
  objects = scene("sphere", centre=centre, half=half, angle=angle)
  origin, directions, t, normal = hits(objects, 0.4, 0.5, 24)
  hit = np.isfinite(t)
  p = (origin + t[..., None] * directions)[hit] - centre[None]
  cos, sin = np.cos(angle), np.sin(angle)
  turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
  local = p @ turn / half[None]
  # In float32, from a distance of 4 / 0.3 in the frame of the shape.
  np.testing.assert_allclose(np.linalg.norm(local, axis=1), 1, atol=5e-5)
  gradient = (local / half[None]) @ turn.T
  gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
  np.testing.assert_allclose(normal[hit], gradient, atol=1e-4)


def test_turning_the_scene_and_the_camera_alike_changes_no_hit():
  for shape in SHAPES:
    first, second = (hits(scene(shape, angle=a), 0.3 + a, 0.6, 24)[2] for a in (0.2, 1.3))
    same = np.isclose(first, second, atol=1e-4) | (np.isinf(first) & np.isinf(second))
    assert same.mean() > 0.995  # All but rays that graze an edge.


def test_the_outline_of_a_ball_is_a_circle():
  """From a distance D a ball of radius r is seen within an angle asin(r / D) of its centre."""
  origin, directions, t, _ = hits(scene("sphere"), 1.0, 0.3, 24)
  angle = np.arccos(np.clip(-directions @ origin / cameras.DISTANCE, -1, 1))
  limit = np.arcsin(0.5 / cameras.DISTANCE)
  clear = np.abs(angle - limit) > 1e-4
  np.testing.assert_array_equal(np.isfinite(t)[clear], (angle < limit)[clear])


def test_the_nearest_of_several_objects_is_seen():
  both = Objects(*(jnp.concatenate(x) for x in zip(scene("cube"), scene("cube", centre=(2, 0, 0)))))
  both = both._replace(colour=jnp.array([[1.0, 0, 0], [0, 1.0, 0]]))
  front = render(both, 0.0, 0.0, 9)[4, 4]
  behind = render(both, np.pi, 0.0, 9)[4, 4]
  assert front[1] > 0 and front[0] == 0 and behind[0] > 0 and behind[1] == 0


def test_light_and_background():
  """The top of a cube from above has its colour times the light; the ground is below a sky."""
  ambient, light = ray_casting.AMBIENT, ray_casting.LIGHT
  assert np.linalg.norm(light) == pytest.approx(1)
  image = render(scene("cube"), 0.3, np.pi / 2, 9)
  shade = ambient + (1 - ambient) * light[2]
  np.testing.assert_allclose(image[4, 4], shade * np.array([1, 0.5, 0.25]), rtol=1e-5)
  np.testing.assert_array_equal(image[0, 0], [1, 1, 1])
  level = render(scene("cube"), 0.0, 0.0, 8, ground=-0.5)
  np.testing.assert_allclose(level[0, 0], ray_casting.SKY, rtol=1e-6)
  np.testing.assert_allclose(level[7, 0], ray_casting.GROUND * shade, rtol=1e-6)


def test_pixels_are_means_of_their_rays():
  fine = render(scene("cone"), 0.2, 0.4, 32)
  coarse = np.asarray(render(scene("cone"), 0.2, 0.4, 16))
  centres = np.asarray(fine).reshape(16, 2, 16, 2, 3).mean((1, 3))
  assert np.abs(coarse - centres).mean() < 0.01
  rounded = np.asarray(ray_casting.to_bytes(jnp.array([-0.1, 0.5, 2.0])))
  assert rounded.tolist() == [0, 128, 255]
