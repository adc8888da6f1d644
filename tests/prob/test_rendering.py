"""Volume rendering: closed forms of constant density, weights, and solids that are hit."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad

from genjax_zoo.prob import rendering
from genjax_zoo.prob.rendering import even_edges, fine_edges, lambert, points_in, render, weights

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
ORIGIN, AHEAD = jnp.zeros((1, 3)), jnp.array([[0.0, 0.0, 1.0]])
COLOUR, BEHIND = jnp.array([0.2, 0.9]), jnp.array([1.0, 0.5])


def test_weights_are_those_of_the_paper_and_sum_to_what_does_not_pass():
  density = RNG.exponential(2.0, (5, 7)).astype("f4")
  lengths = RNG.uniform(0.05, 0.6, (5, 7)).astype("f4")
  w, passed = weights(density, lengths)
  for row in range(5):
    transmittance = 1.0
    for i in range(7):
      alpha = 1 - np.exp(-float(density[row, i]) * lengths[row, i])
      np.testing.assert_allclose(w[row, i], transmittance * alpha, rtol=1e-4)
      transmittance *= 1 - alpha
    np.testing.assert_allclose(passed[row], transmittance, rtol=1e-4)
  np.testing.assert_allclose(w.sum(-1), 1 - passed, rtol=1e-6)


def test_a_wall_stops_all_light_and_its_gradient_is_finite():
  density = jnp.array([[0.0, 1e6, 5.0]])
  w, passed = weights(density, jnp.full((1, 3), 0.5))
  np.testing.assert_array_equal(w, [[0, 1, 0]])
  gradient = jax.grad(lambda d: weights(d, jnp.full((1, 3), 0.5))[0][0, 1])(density)
  np.testing.assert_allclose(gradient, [[-0.5, 0, 0]], atol=1e-6)
  assert passed == 0


def test_constant_density_is_rendered_as_its_closed_form():
  """Whatever the intervals, their number and where the points in them are."""
  density, near, far = 0.7, 1.0, 3.5
  field = lambda points, directions: (
    jnp.full(points.shape[:-1], density),
    jnp.broadcast_to(COLOUR, (*points.shape[:-1], 2)),
  )
  passed = np.exp(-density * (far - near))
  uneven = jnp.array([1.0, 1.1, 2.0, 3.0, 3.5])
  for edges in even_edges(near, far, 1), even_edges(near, far, 9), uneven:
    made = render(field, ORIGIN, AHEAD, edges, BEHIND, KEY)
    np.testing.assert_allclose(made.opacity, [1 - passed], rtol=1e-5)
    wanted = (1 - passed) * COLOUR + passed * BEHIND
    np.testing.assert_allclose(made.colour[0], wanted, rtol=1e-5)
  fine = render(field, ORIGIN, AHEAD, even_edges(near, far, 400), BEHIND)
  depth = quad(lambda t: t * density * np.exp(-density * (t - near)), near, far)[0] + passed * far
  np.testing.assert_allclose(fine.depth, [depth], rtol=1e-4)


def test_slabs_are_seen_through_one_another():
  """Where density is constant in each interval the colour is exact, see the module's docstring."""
  density, colour = jnp.array([0.0, 1.5, 0.4]), jnp.array([0.0, 0.8, 0.1])
  index = lambda points: jnp.floor(points[..., 2]).astype(int)
  field = lambda points, directions: (density[index(points)], colour[index(points)][..., None])
  made = render(field, ORIGIN, AHEAD, jnp.arange(4.0), 0.6, KEY)
  first, both = np.exp(-1.5), np.exp(-1.9)
  wanted = (1 - first) * 0.8 + (first - both) * 0.1 + both * 0.6
  np.testing.assert_allclose(made.colour, [[wanted]], rtol=1e-5)


def test_a_ball_is_hit_by_the_rays_that_meet_it_at_its_surface():
  def field(points, directions):
    density = 500.0 * (jnp.linalg.norm(points, axis=-1) < 1)
    return density, jnp.broadcast_to(directions, points.shape)

  aside = jnp.array([0.0, 0.5, 0.9, 1.1, 3.0])
  origins = jnp.stack([aside, jnp.zeros(5), jnp.full(5, -3.0)], -1)
  directions = jnp.broadcast_to(AHEAD, (5, 3))
  made = rendering.render_finely(field, origins, directions, 1.0, 5.0, 64, 64, 0.0, KEY)
  np.testing.assert_allclose(made.opacity, [1, 1, 1, 0, 0], atol=1e-4)
  surface = 3 - np.sqrt(1 - np.array([0, 0.5, 0.9]) ** 2)
  np.testing.assert_allclose(made.depth, [*surface, 5, 5], atol=0.06)
  # By as many even intervals it is an interval's length, 1/16, off.
  even = render(field, origins, directions, even_edges(1.0, 5.0, 64), 0.0, KEY)
  error = lambda depth: np.abs(depth[:3] - surface).mean()
  assert error(made.depth) < 0.5 * error(even.depth)
  np.testing.assert_allclose(made.colour[:, 2], made.opacity, atol=1e-6)


def test_points_are_in_the_middle_or_anywhere_in_their_intervals():
  edges = jnp.broadcast_to(jnp.array([0.0, 1.0, 4.0]), (2000, 3))
  np.testing.assert_array_equal(points_in(edges)[0], [0.5, 2.5])
  t = np.asarray(points_in(edges, KEY))
  assert (t[:, 0] < 1).all() and (t[:, 1] >= 1).all() and (t < 4).all()
  # Uniform in each: five standard errors of the mean and of the mean square.
  for column, (low, high) in zip(t.T, ((0, 1), (1, 4))):
    u = (column - low) / (high - low)
    np.testing.assert_allclose([u.mean(), (u**2).mean()], [1 / 2, 1 / 3], atol=5 * 0.3 / 2000**0.5)


def test_fine_intervals_have_equal_shares_of_the_weights():
  edges = jnp.array([[1.0, 1.5, 2.0, 4.0]])
  w = jnp.array([[0.1, 0.3, 0.0]])
  fine = np.asarray(fine_edges(edges, w, 8))[0]
  assert fine[0] == 1 and fine[-1] == 4 and (np.diff(fine) > 0).all()
  even = np.array([0.5, 0.5, 2.0]) / 3
  mass = 0.95 * np.array([0.25, 0.75, 0.0]) + 0.05 * even
  below = np.interp(fine, edges[0], [0, *np.cumsum(mass)])
  np.testing.assert_allclose(np.diff(below), 1 / 8, atol=1e-5)
  nothing_seen = fine_edges(edges, jnp.zeros((1, 3)), 3)
  assert np.isfinite(nothing_seen).all() and nothing_seen[0, -1] == 4


def test_no_gradient_goes_through_the_places_of_fine_intervals():
  def depth(shift):
    field = lambda points, directions: (
      jnp.full(points.shape[:-1], 0.5) + 0 * shift,
      points[..., 2:] * shift,
    )
    return rendering.render_finely(field, ORIGIN, AHEAD, 0.0, 2.0, 4, 4, 0.0).colour.sum()

  value, gradient = jax.value_and_grad(depth)(2.0)
  np.testing.assert_allclose(gradient, value / 2, rtol=1e-6)


def test_brightness_is_the_cosine_to_the_light():
  light = (0.0, 0.6, 0.8)
  normals = jnp.array([[0.0, 0.6, 0.8], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
  np.testing.assert_allclose(lambert(normals, light, 0.25), [1, 0.85, 0.25, 0.25], rtol=1e-6)
