"""Score models, EDM, flows, consistency, DDGAN: samples, densities, pairs and stages.

Their losses are in test_score_formulas.py.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.diffusion import (
  consistency,
  denoising_diffusion_gan,
  edm,
  flow_matching,
  ncsn,
  score_sde,
  vdm,
)
from genjax_zoo.prob import schedules
from genjax_zoo.prob.schedules import NoiseLevel

POINTS, PIXEL = {"x": Field((2,), np.float32)}, {"image": Field((1, 1, 1), np.uint8, 5)}
KEY, SD, N = jax.random.key(0), 0.7, 20_000
SMALL = dict(network={"name": "mlp", "hidden": (8,)})
MODELS = {
  "ncsn": ncsn.model(POINTS, **SMALL),
  "score_sde, vp": score_sde.model(POINTS, **SMALL),
  "score_sde, sub_vp": score_sde.model(POINTS, sde="sub_vp", **SMALL),
  "score_sde, ve": score_sde.model(POINTS, sde="ve", **SMALL),
  "edm": edm.model(POINTS, sd=SD, **SMALL),
  "flow_matching": flow_matching.model(POINTS, **SMALL),
  "consistency": consistency.model(POINTS, sd=SD, **SMALL),
  "vdm": vdm.model(POINTS, **SMALL),
}


def untrained(model, n=2):
  """Parameters of a network that has not been trained: its output is 0."""
  return model.init(KEY, {"x": jnp.zeros((n, 2))})


def perturbed(model):
  """Parameters of a network whose output is not 0."""
  params, state = untrained(model)
  return jax.tree.map(lambda p: p + 0.3 * jax.random.normal(KEY, p.shape), params), state


def test_samples_begin_as_noisy_as_data_are_at_the_first_level():
  """An untrained EDM is exact for N(0, sd²): samples have that sd, wherever sigma begins."""
  model = edm.model(POINTS, sd=0.5, high=1.0, **SMALL)
  params, state = untrained(model)
  draw = jax.jit(lambda: model.sample(params, state, KEY, N, steps=20)["x"])
  np.testing.assert_allclose(draw().std(), 0.5, rtol=0.02)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "ncsn"])
def test_what_a_network_knows_holds_at_the_levels_of_any_process(name):
  """x at (alpha, sigma) is as good as x / alpha at (1, sigma / alpha)."""
  model = MODELS[name]
  denoise = model.parts.get("denoise") or model.parts["consistency"]
  params, state = perturbed(model)
  x, alpha, sigma = (
    jax.random.normal(KEY, (5, 2)),
    jnp.linspace(0.2, 1.0, 5),
    jnp.linspace(0.9, 0.3, 5),
  )
  a = denoise(params, state, x, NoiseLevel(alpha, sigma))
  b = denoise(params, state, x / alpha[:, None], NoiseLevel(jnp.ones(5), sigma / alpha))
  np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
  assert np.abs(a - x).max() > 1e-3


@pytest.mark.slow
def test_a_silent_edm_is_a_gaussian():
  """F = 0 is right for N(0, SD²): samples, densities, latents and back."""
  model = MODELS["edm"]
  weights = untrained(model)
  x = jax.jit(lambda key: model.sample(*weights, key, N, steps=100)["x"])(KEY)
  np.testing.assert_allclose(x.std(0), SD, rtol=0.02)
  points = {"x": SD * jax.random.normal(jax.random.key(2), (20, 2))}
  nats = jax.jit(lambda key: model.log_prob(*weights, points, key, k=0))(KEY)
  np.testing.assert_allclose(nats, norm.logpdf(points["x"], 0, SD).sum(-1), atol=2e-3)
  z = model.encode(*weights, points, KEY)
  np.testing.assert_allclose(z["z"], points["x"] / SD, rtol=1e-2)
  np.testing.assert_allclose(model.decode(*weights, z, KEY)["x"], points["x"], rtol=1e-2)


def test_the_likelihood_of_integers_is_the_dequantized_bound():
  """E_u log N(x + u; 0, 1) + log of the cell's width, below the log of the cell's mass: a untrained
  flow stands still.
  """
  model = flow_matching.model(PIXEL, dequantize=True, **SMALL)
  batch = {"image": jnp.full((2000, 1, 1, 1), 3, jnp.uint8)}
  params, state = model.init(KEY, batch)
  nats = jax.jit(lambda key: model.log_prob(params, state, batch, key, k=0))(KEY)
  u = np.linspace(0.25, 0.75, 1001)  # The cell of gray level 3 of 5 about 0.5.
  expected = norm.logpdf(u).mean() + np.log(0.5)
  assert abs(nats.mean() - expected) < 4 * nats.std() / 2000**0.5 + 1e-3
  assert expected < np.log(norm.cdf(0.75) - norm.cdf(0.25))


def test_reflow_takes_its_pairs_and_weights_from_its_teacher():
  """A teacher whose velocity is 0 leaves noise where it is: the loss of its pairs is 0."""
  teacher = MODELS["flow_matching"]
  weights = untrained(teacher)
  model = flow_matching.model(POINTS, teacher=teacher, pairs=1500, **SMALL)
  params, state = model.init(jax.random.key(5), {"x": jnp.zeros((4, 2))}, {"teacher": weights})
  pairs = state["frozen"]["pairs"]
  assert pairs["x0"].shape == (1500, 2) and pairs["eps"].std() > 0.9
  np.testing.assert_allclose(pairs["x0"], pairs["eps"], atol=1e-6)
  jax.tree.map(np.testing.assert_array_equal, params, weights[0])
  loss, _ = model.loss(params, state, {"x": jnp.full((4, 2), 9.0)}, KEY, train=True)
  np.testing.assert_allclose(loss, 0, atol=1e-6)
  other = flow_matching.model(POINTS, teacher=teacher, network={"name": "mlp", "hidden": (12,)})
  with pytest.raises(UserError, match="another network"):
    other.init(KEY, {"x": jnp.zeros((4, 2))}, {"teacher": weights})


def test_a_consistency_model_is_the_identity_at_the_least_noise():
  params, state = perturbed(MODELS["consistency"])
  x = jax.random.normal(KEY, (5, 2))
  f = functools.partial(MODELS["consistency"].parts["consistency"], params, state, x)
  np.testing.assert_allclose(f(level=NoiseLevel(jnp.ones(()), jnp.asarray(0.002))), x, rtol=1e-5)
  assert np.abs(f(level=NoiseLevel(jnp.ones(()), jnp.asarray(1.0))) - x).max() > 0.1


def test_neighbours_are_levels_of_the_grid():
  grid = np.asarray(schedules.edm(12).sigma[:-1])[::-1]
  s, t = consistency.neighbours(jnp.log(jnp.array([1e-9, 0.01, 1.0, 79.0, 1e9])), 12, 0.002, 80.0)
  below = np.array([0, np.searchsorted(grid, 0.01) - 1, np.searchsorted(grid, 1.0) - 1, 10, 10])
  np.testing.assert_allclose(s, grid[below], rtol=1e-4)
  np.testing.assert_allclose(t, grid[below + 1], rtol=1e-4)


def test_distillation_follows_its_teachers_ode():
  """Of N(0, SD²) x_n = x_n+1 sqrt((SD² + sigma_n²) / (SD² + sigma_n+1²)), and f of it has no more
  than its own error.

  With untrained networks f = c_skip x, and the loss is known from x_n+1 alone.
  """
  teacher = MODELS["edm"]
  weights = untrained(teacher)
  model = consistency.model(POINTS, teacher=teacher, sd=SD, spread=0.01, mean=0.0, **SMALL)
  params, state = model.init(KEY, {"x": jnp.zeros((4, 2))}, {"teacher": weights})
  x0 = SD * jax.random.normal(jax.random.key(1), (N, 2))
  _, (_, metrics) = jax.jit(
    lambda key: model.loss(params, state, {"x": x0}, key, train=False, N=200.0)
  )(KEY)
  s, t = (float(v[0]) for v in consistency.neighbours(jnp.zeros(1), 200.0, 0.002, 80.0))
  skip = lambda sigma: SD**2 / ((sigma - 0.002) ** 2 + SD**2)
  gap = abs(skip(t) - skip(s) * np.sqrt((SD**2 + s**2) / (SD**2 + t**2)))
  # E|x| of two numbers of standard deviation 1.
  expected = gap * np.sqrt(SD**2 + t**2) * np.sqrt(np.pi / 2)
  np.testing.assert_allclose(metrics["distance"].mean(), expected, rtol=0.1)


def test_a_student_starts_from_its_teachers_weights_where_the_networks_are_alike():
  teacher = MODELS["edm"]
  weights = perturbed(teacher)
  batch, frozen = {"x": jnp.zeros((4, 2))}, {"teacher": weights}
  student = consistency.model(POINTS, teacher=teacher, sd=SD, **SMALL)
  params, state = jax.jit(student.init)(KEY, batch, frozen)
  jax.tree.map(np.testing.assert_array_equal, params, weights[0])
  # Its one step is then nearly the teacher's denoiser.
  x, level = jax.random.normal(KEY, (50, 2)), NoiseLevel(jnp.ones(()), jnp.asarray(1.0))
  denoised = teacher.parts["denoise"](*weights, x, level)
  answer = student.parts["consistency"](params, state, x, level)
  assert np.abs(denoised - x * SD**2 / (1 + SD**2)).max() > 0.1  # The network says something.
  np.testing.assert_allclose(answer, denoised, atol=0.01)
  other = consistency.model(POINTS, teacher=teacher, sd=SD, network={"name": "mlp", "hidden": (9,)})
  own, _ = other.init(KEY, batch, frozen)
  untold, _ = consistency.model(POINTS, sd=SD, network={"name": "mlp", "hidden": (9,)}).init(
    KEY, batch
  )
  jax.tree.map(np.testing.assert_array_equal, own, untold)


@pytest.mark.parametrize("data, noise", [(POINTS, None), (PIXEL, "uniform")])
def test_a_likelihood_by_a_solver_is_an_estimate(data, noise):
  """Of integers too: what 50 steps and a random direction give is no bound."""
  for model in (flow_matching, score_sde):
    made = model.model(data, dequantize=True, **SMALL)
    assert made.likelihood == {"ode": "estimate"} and made.dequantization == noise


def test_the_noise_of_a_ddgan_is_given_for_each_step_in_order():
  for noise in ((1.0,), (0.5, 1.0, 0.7, 2.0)):
    with pytest.raises(UserError, match=r"model\.noise"):
      denoising_diffusion_gan.learner(POINTS, {}, noise=noise, **SMALL)


def test_what_a_ddgan_imitates_is_the_posterior():
  """x_t has its marginal distribution, and x_s given x_t that of a step back to the right x_0."""
  x0 = jnp.full((N, 2), 0.8)
  x_s, x_t, s, t = denoising_diffusion_gan.neighbours(
    schedules.vp(jnp.linspace(0.0, 1.0, 5)), x0, KEY
  )
  back = denoising_diffusion_gan.reverse(x0, x_t, s, t, jax.random.key(1))
  noise = (x_t - t.alpha[:, None] * x0) / t.sigma[:, None]
  np.testing.assert_allclose([noise.mean(), noise.std()], [0, 1], atol=0.02)
  for moment in lambda x: x.mean(), lambda x: x.std(), lambda x: (x * noise).mean():
    np.testing.assert_allclose(moment(back), moment(x_s), atol=0.02)


@pytest.mark.slow
def test_a_ddgan_ends_where_its_generator_says():
  """The posterior at sigma_s = 0 is x0_hat; a critic of logit 0 has the loss 2 log 2."""
  data = {"x": jnp.zeros((N, 2))}
  tx = {"gen": optax.sgd(0.1), "critic": optax.sgd(0.1)}
  learner = denoising_diffusion_gan.learner(POINTS, tx, z_dim=2, **SMALL)
  params, state = learner.model.init(KEY, {"x": data["x"][:2]})
  np.testing.assert_allclose(learner.model.sample(params, state, KEY, 5)["x"], 0, atol=1e-6)
  _, metrics = jax.jit(learner.step)(
    learner.init(KEY, {"x": data["x"][:16]}), {"x": data["x"][:16]}, KEY
  )
  np.testing.assert_allclose(metrics["critic_loss"], 2 * np.log(2), rtol=1e-5)
