"""What a camera sees: by casting rays one by one, and of surfaces whose sides are known."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.prob import cameras
from genjax_zoo.prob.occlusion import occluded, random_camera, visible

KEY = jax.random.key(0)


def by_ray_casting(points, azimuth, elevation, size, behind):
  """Whether each point is seen: every other point in the cone of its pixel is looked at."""
  back, right, up = (np.asarray(x) for x in cameras.frame(azimuth, elevation))
  eye = cameras.DISTANCE * back
  pixel = cameras.WIDTH / size  # At the distance of the origin.
  found = []
  for p in points:
    hidden = False
    for q in points:
      cells = []
      for x in (p, q):
        scale = cameras.DISTANCE / ((eye - x) @ back)
        along = np.array([(x @ right) * scale, -(x @ up) * scale]) + cameras.WIDTH / 2
        cells.append(np.floor(along / pixel))
      if (cells[0] == cells[1]).all():
        nearer = np.linalg.norm(eye - p) - np.linalg.norm(eye - q)
        hidden |= nearer > behind
    found.append(not hidden)
  return found


def test_occlusion_is_that_of_casting_rays():
  points = np.asarray(jax.random.ball(KEY, 3, shape=(60,)))
  for azimuth, elevation, size, behind in ((0.3, 0.5, 6, 0.1), (4.0, -1.0, 10, 0.25)):
    seen = visible(jnp.array(points), azimuth, elevation, size, behind)
    wanted = by_ray_casting(points, azimuth, elevation, size, behind)
    np.testing.assert_array_equal(seen, wanted)
    assert 0 < seen.sum() < 60


def test_a_plate_hides_the_one_behind_it_and_a_sphere_its_other_half():
  across = np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, 20)] * 2), -1).reshape(-1, 2)
  plate = lambda x: np.column_stack([np.full(400, x), across])
  seen = visible(jnp.array(np.concatenate([plate(0.4), plate(-0.4)])), 0.0, 0.0)
  assert seen[:400].all() and not seen[400:].any()
  sphere = jax.random.ball(KEY, 3, shape=(4000,))
  sphere /= jnp.linalg.norm(sphere, axis=-1, keepdims=True)
  azimuth, elevation = 2.0, 0.7
  toward = sphere @ cameras.frame(azimuth, elevation)[0]
  seen = visible(sphere, azimuth, elevation)
  assert seen[toward > 0.9].all() and not seen[toward < -0.3].any()


def test_cameras_are_in_all_directions_alike():
  azimuth, elevation = jax.vmap(random_camera)(jax.random.split(KEY, 20_000))
  back, _, _ = cameras.frame(azimuth, elevation)
  np.testing.assert_allclose(back.mean(0), 0, atol=0.02)
  np.testing.assert_allclose(back.T @ back / len(back), np.eye(3) / 3, atol=0.02)


def test_what_is_not_seen_is_at_the_place_of_what_is():
  points = jnp.arange(12.0).reshape(4, 3)
  out = occluded(points, jnp.array([False, True, True, False]))
  np.testing.assert_array_equal(out, points[jnp.array([1, 1, 2, 1])])
