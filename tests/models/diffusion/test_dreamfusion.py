"""Score distillation: its gradient by finite differences, its fixed point, what it leaves out."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.data import ray_casting, scenes
from genjax_zoo.models.diffusion import dreamfusion
from genjax_zoo.prob import cameras
from genjax_zoo.prob.rendering import even_edges, render
from genjax_zoo.prob.schedules import NoiseLevel, linear, respaced

KEY = jax.random.key(0)
VOCABULARY = ("<pad>", "a", "red", "blue", "cube")
DATA = {
  "image": Field((4, 4, 3), np.uint8, 256, kind="image"),
  "tokens": Field((3,), np.int32, 5, VOCABULARY, ordered=False),
  "camera": Field((2,), np.float32, kind="camera"),
}
BATCH = {"image": jnp.zeros((4, 4, 4, 3), jnp.uint8)}
PROMPTS = "a red cube", "a blue cube"
VALUES = ({"w": jnp.float32(0.3)}, {})
LEVEL = NoiseLevel(jnp.array([0.8, 0.5]), jnp.array([0.6, 2.0]))


def denoise(params, state, x, level, c):
  """Linear in x, and different by noise level, prompt, and camera."""
  (tokens, said), (camera, known) = c["tokens"], c["camera"]
  shift = said * tokens[:, 1] + known * camera[:, 0] + jnp.log(level.sigma)
  return params["w"] * x + 0.1 * shift[:, None, None, None]


PRIOR = Model(
  init=None,
  given={"tokens": DATA["tokens"], "camera": DATA["camera"]},
  parts={"denoise": denoise, "path": lambda params, state, steps: respaced(linear(200), steps)},
)


def image_of(grid):
  """Two renders [2, 3, 3, 3] of a grid's scene."""
  angles = jnp.array([[0.2, 0.5], [3.0, 0.3]])
  field = partial(dreamfusion.scene_field, grid, True)

  def view(angles):
    origin, directions = cameras.rays(*angles, 3)
    origins = jnp.broadcast_to(origin, directions.shape)
    return render(field, origins, directions, even_edges(2.5, 5.5, 8)).colour[..., :3]

  return jax.vmap(view)(angles)


def test_the_gradient_is_the_weighted_difference_of_noises_times_that_of_the_render():
  """By finite differences of the render, with a linear denoiser, along random directions."""
  k_grid, k_eps = jax.random.split(KEY)
  grid = dreamfusion.start(4) + 0.5 * jax.random.normal(k_grid, (4, 4, 4, 4))
  linear_denoiser = lambda x, level: 0.4 * x + 0.2
  loss = lambda grid: dreamfusion.score_distillation(
    linear_denoiser, image_of(grid), LEVEL, k_eps
  ).sum()
  gradient = jax.jit(jax.grad(loss))(grid)
  render_jit = jax.jit(image_of)
  x = np.asarray(render_jit(grid), np.float64)
  eps = np.asarray(jax.random.normal(k_eps, x.shape), np.float64)
  alpha, sigma = (np.asarray(a, np.float64)[:, None, None, None] for a in LEVEL)
  x_t = alpha * x + sigma * eps
  eps_hat = (x_t - alpha * (0.4 * x_t + 0.2)) / sigma
  direction = sigma**2 / (alpha**2 + sigma**2) * (eps_hat - eps)
  for i in range(5):
    along = jax.random.normal(jax.random.key(i), grid.shape)
    ahead, behind = (np.asarray(render_jit(grid + h * along), np.float64) for h in (3e-3, -3e-3))
    wanted = (direction * (ahead - behind) / 6e-3).sum()
    np.testing.assert_allclose((gradient * along).sum(), wanted, rtol=0.02, atol=0.02)


def test_the_jacobian_of_the_denoiser_is_left_out():
  """The gradient of |eps_hat - eps|² itself would have another factor."""
  x = jnp.ones((2, 1, 1, 1))
  found = jax.grad(
    lambda x: dreamfusion.score_distillation(lambda x, _: 0.5 * x, x, LEVEL, KEY).sum()
  )(x)
  eps = jax.random.normal(KEY, x.shape)
  alpha, sigma = (a[:, None, None, None] for a in LEVEL)
  x_t = alpha * x + sigma * eps
  direction = sigma**2 / (alpha**2 + sigma**2) * ((x_t - alpha * 0.5 * x_t) / sigma - eps)
  np.testing.assert_allclose(found, direction, rtol=1e-5)
  loss = dreamfusion.score_distillation(lambda x, _: 0.5 * x, x, LEVEL, KEY)
  np.testing.assert_allclose(loss, 0.5 * direction.reshape(2) ** 2, rtol=1e-4)


def test_the_fixed_point_of_a_gaussian_is_its_mode():
  """Of N(mu, v I), averaged over eps, exactly, since it is linear in eps: two signs are enough."""
  mu, v = 0.7, 0.3
  alpha, sigma = (a[:, None] for a in LEVEL)
  gaussian = lambda x_t: mu + alpha * v / (alpha**2 * v + sigma**2) * (x_t - alpha * mu)

  def mean_direction(x):
    eps = jax.random.normal(KEY, x.shape)
    both = []
    for e in (eps, -eps):
      x_t = alpha * x + sigma * e
      both.append(dreamfusion.distilled(gaussian(x_t), x_t, e, LEVEL))
    return (both[0] + both[1]) / 2

  x = jax.random.normal(jax.random.key(1), (2, 5))
  weight = sigma**2 / (alpha**2 + sigma**2)
  wanted = weight * alpha * sigma * (x - mu) / (alpha**2 * v + sigma**2)
  np.testing.assert_allclose(mean_direction(x), wanted, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(mean_direction(jnp.full((2, 5), mu)), 0, atol=1e-6)


def test_guidance_goes_from_nothing_given_to_prompt_and_camera():
  x = jax.random.normal(KEY, (2, 4, 4, 3)) / 3
  c = {
    "tokens": (jnp.array([[1, 2, 4], [1, 3, 4]]), jnp.ones(2)),
    "camera": (jnp.array([[0.5, 0.1], [1.0, 0.1]]), jnp.ones(2)),
  }
  nothing = 0.3 * x + 0.1 * jnp.log(LEVEL.sigma)[:, None, None, None]
  told = 0.1 * jnp.array([2.5, 4.0])[:, None, None, None]
  for scale in (0.0, 1.0, 3.0):
    found = dreamfusion.guided(PRIOR, VALUES, c, scale)(x, LEVEL)
    np.testing.assert_allclose(found, jnp.clip(nothing + scale * told, -1, 1), rtol=1e-5, atol=1e-6)


def test_a_ball_is_lit_from_its_outside_and_faces_the_camera_in_front():
  grid = dreamfusion.start(24).at[..., 1:].set(1.0)
  outwards = jnp.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.48, 0.36, 0.8], [-0.48, -0.36, -0.8]])
  field = jax.jit(partial(dreamfusion.scene_field, grid, True))
  density, values = field(0.5 * outwards, -outwards)
  albedo = 1 / (1 + np.exp(-1.0))
  light = 0.4 + 0.6 * np.array([0.48, 0.8, 1, 0])
  np.testing.assert_allclose(values[:, 0], albedo * light, rtol=0.02)
  np.testing.assert_allclose(values[:, 3], 0, atol=1e-4)
  _, behind = field(0.5 * outwards, outwards)
  np.testing.assert_allclose(behind[:, 3], 1, rtol=0.01)
  _, plain = jax.jit(partial(dreamfusion.scene_field, grid, False))(0.5 * outwards, outwards)
  np.testing.assert_allclose(plain[:, :3], albedo, rtol=1e-5)
  assert density.min() > 0
  np.testing.assert_array_equal(field(3 * outwards, outwards)[0], 0)


def test_surfaces_turn_and_are_not_made_transparent_by_their_penalty():
  density = jnp.array([0.0, 2.0, 1.0])
  edges = jnp.linspace(0.0, 3.0, 4)
  ray = jnp.zeros((1, 3)), jnp.array([[1.0, 0.0, 0.0]])

  def penalty(density, away):
    values = jnp.stack([away, away, away, away], -1)
    field = lambda points, directions: (density[None], values[None])
    return dreamfusion.facing_away(render(field, *ray, edges, 0.0)).sum()

  away = jnp.array([0.3, 0.5, 0.9])
  value, (by_density, by_away) = jax.jit(jax.value_and_grad(penalty, (0, 1)))(density, away)
  w = np.array([0, 1 - np.exp(-2), np.exp(-2) * (1 - np.exp(-1))])
  np.testing.assert_allclose(value, (w * np.asarray(away)).sum(), rtol=1e-5)
  np.testing.assert_allclose(by_away, w, rtol=1e-5)
  np.testing.assert_array_equal(by_density, 0)


@pytest.fixture(scope="module")
def made():
  model = dreamfusion.model(
    DATA, first=PRIOR, prompts=PROMPTS, grid=5, points=6, opacity=0.5, orientation=0.25
  )
  params, state = model.init(KEY, BATCH, {"first": VALUES})
  return model, params, state


def test_the_loss_is_the_sum_of_its_terms(made):
  model, params, state = made
  total, (changes, m) = jax.jit(lambda: model.loss(params, state, BATCH, KEY, train=True))()
  wanted = m["distillation"] + 0.5 * m["opacity"] + 0.25 * m["orientation"]
  np.testing.assert_allclose(total, wanted, rtol=1e-5)
  assert changes == {} and total.shape == (4,)
  # At least that of an empty view: 16 rays of sqrt(0.01).
  assert (m["opacity"] >= 1.6).all() and (m["opacity"] < 16.1).all()


def test_each_prompt_has_its_own_scene_and_half_of_the_batch(made):
  model, params, state = made
  grads = jax.jit(jax.grad(lambda p: model.loss(p, state, BATCH, KEY, train=True)[0][:2].sum()))(
    params
  )["scenes"]
  assert np.abs(grads[0]).max() > 0 and not grads[1].any()
  painted = {"scenes": params["scenes"].at[1, ..., 1:].set(-9.0).at[1, ..., 0].add(9.0)}
  batch = model.sample(painted, state, KEY, 4)
  np.testing.assert_array_equal(batch["tokens"], [[1, 2, 4], [1, 3, 4]] * 2)
  middle = batch["image"][:, 1:3, 1:3].mean((1, 2, 3))
  assert (middle[::2] > 40).all() and (middle[1::2] < 20).all()
  views = model.parts["views"](painted, state, batch["camera"], 4)
  assert np.abs(views["colour"][1, 1] * 255 - batch["image"][1]).mean() < 10
  density = model.parts["density"](painted, state, jnp.array([[0.0, 0.0, 0.0], [0.9, 0.9, 0.9]]))
  assert density.shape == (2, 2) and (density[:, 0] > density[:, 1]).all()


def true_cube():
  """The grid of the red cube of the data, half of whose side is 0.5, on the ground at -0.6."""
  axis = 1.2 * np.linspace(-1, 1, 24)
  x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
  distance = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(z + 0.1)) - 0.5
  red = np.log([220, 40, 40]) - np.log([35, 215, 215])
  density = np.clip(-60 * distance, -10, 30)[..., None]
  return jnp.asarray(np.concatenate([density, np.broadcast_to(red, (24, 24, 24, 3))], -1))


def test_a_scene_of_a_true_solid_looks_like_its_pictures():
  """Cameras, light and ground are those of the data."""
  assert (dreamfusion.LIGHT, dreamfusion.AMBIENT) == (ray_casting.LIGHT, ray_casting.AMBIENT)
  assert (scenes.ELEVATIONS[0], scenes.ELEVATIONS[-1]) == dreamfusion.ELEVATIONS
  model = dreamfusion.model(DATA, first=PRIOR, prompts=PROMPTS[:1], points=64)
  angles = jnp.array([[0.2, 0.3], [1.5, 0.8], [2.9, 0.5], [4.3, 0.3], [5.5, 0.9]])
  views = jax.jit(model.parts["views"], static_argnums=3)
  made = np.asarray(views({"scenes": true_cube()[None]}, {}, angles, 16)["colour"][0])
  red_cube = jnp.array([0, 0, 1])
  true = jax.jit(jax.vmap(lambda camera: scenes.view(16, False, *red_cube, *camera)))(angles)
  error = ((made - np.asarray(true) / 255) ** 2).mean((1, 2, 3))
  assert (-10 * np.log10(error)).min() > 20
  mirrored = ((made[:, :, ::-1] - np.asarray(true) / 255) ** 2).mean((1, 2, 3))
  assert mirrored.mean() > 2 * error.mean()


def test_cameras_are_drawn_all_around_or_given(made):
  model, params, state = made
  angles = np.asarray(dreamfusion.random_cameras(KEY, 2000))
  assert angles[:, 0].min() >= 0 and angles[:, 0].max() <= 2 * np.pi
  low, high = np.radians([10, 55])
  assert angles[:, 1].min() >= low and angles[:, 1].max() <= high
  np.testing.assert_allclose(angles.mean(0), [np.pi, (low + high) / 2], atol=0.2)
  given = {"camera": jnp.array([[1.0, 0.5], [2.0, 0.6]])}
  np.testing.assert_array_equal(
    model.sample(params, state, KEY, 2, given)["camera"], given["camera"]
  )


def test_what_can_not_be_is_refused(made):
  model, params, state = made
  with pytest.raises(UserError, match="a multiple of the 2 prompts"):
    model.loss(params, state, {"image": BATCH["image"][:3]}, KEY, train=True)
  with pytest.raises(UserError, match="'a green cube'"):
    dreamfusion.model(DATA, first=PRIOR, prompts=("a green cube",))
  with pytest.raises(UserError, match="no text-to-image"):
    dreamfusion.model(DATA, first=Model(None), prompts=PROMPTS)
  assert dreamfusion.prompt_tokens(DATA["tokens"], ("red cube",)).tolist() == [[2, 4, 0]]
