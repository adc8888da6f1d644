"""Continuous flows: exact for linear ODEs, a density, inverted; Hutchinson's trace is unbiased."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.flows import cnf

PLANE = {"x": Field((2,), np.float32)}


@pytest.mark.parametrize("steps", [0, 8])
def test_a_linear_field_has_the_matrix_exponential(steps):
  a = jnp.array([[0.3, -1.0, 0.2], [0.8, 0.1, 0.0], [0.1, 0.4, -0.5]])
  x = jax.random.normal(jax.random.key(0), (7, 3))
  z, log_det, _ = cnf.integrate(lambda x, t: x @ a.T, x, cnf.exact, 0.0, 1.0, steps, 1e-6)
  np.testing.assert_allclose(z, x @ jax.scipy.linalg.expm(a).T, atol=2e-5)
  np.testing.assert_allclose(log_det, jnp.trace(a), atol=1e-5)  # log |det exp(a)|
  back, undone, _ = cnf.integrate(lambda x, t: x @ a.T, z, cnf.exact, 1.0, 0.0, steps, 1e-6)
  np.testing.assert_allclose(back, x, atol=5e-5)
  np.testing.assert_allclose(undone, -log_det, atol=1e-5)


def test_hutchinsons_mean_is_the_trace():
  """Exactly, over all signs."""

  def f(x):
    a, b, c = x.T
    return jnp.stack([a * b, jnp.sin(a) + b**2 * c, a * b * c], -1)

  x = jax.random.normal(jax.random.key(0), (5, 3))
  value, trace = cnf.exact(f, x)
  signs = jnp.stack(jnp.meshgrid(*[jnp.array([-1.0, 1.0])] * 3), -1).reshape(-1, 3)
  estimate = lambda eps: cnf.hutchinson(jnp.broadcast_to(eps, x.shape))(f, x)
  values, traces = jax.vmap(estimate)(signs)
  np.testing.assert_allclose(traces.mean(0), trace, rtol=1e-5, atol=1e-5)
  np.testing.assert_allclose(values, jnp.broadcast_to(value, values.shape), rtol=1e-6)
  jacobians = jax.vmap(jax.jacfwd(lambda x: f(x[None])[0]))(x)
  np.testing.assert_allclose(trace, jnp.trace(jacobians, axis1=1, axis2=2), rtol=1e-5, atol=1e-5)


def test_samples_take_no_trace_and_are_those_of_the_whole_ode(monkeypatch):
  model = cnf.model(PLANE, hidden=(8,), tolerance=1e-6)
  x = jax.random.normal(jax.random.key(1), (16, 2)) * jnp.array([[2.0, 0.5]]) + 1
  params, state = model.init(jax.random.key(0), {"x": x})
  params["net"] = jax.tree.map(lambda p: 2 * p, params["net"])
  z = jax.random.normal(jax.random.key(2), (16, 2))
  traced, _ = model.parts["bijector"](params, state).inverse_and_log_det(z)

  def refuse(f, x):
    raise AssertionError("a trace")

  monkeypatch.setattr(cnf, "exact", refuse)
  untraced = cnf.model(PLANE, hidden=(8,), tolerance=1e-6)
  assert np.abs(traced - z).max() > 0.5  # The flow moves the points.
  np.testing.assert_allclose(untraced.decode(params, state, {"z": z}, None)["x"], traced, atol=2e-5)
  key = jax.random.key(3)
  np.testing.assert_allclose(
    untraced.sample(params, state, key, 5)["x"],
    model.decode(params, state, {"z": jax.random.normal(key, (5, 2))}, None)["x"],
    atol=2e-5,
  )
  assert model.calls() is None


def test_the_loss_of_a_number_is_its_exact_density_and_a_penalty():
  """In one dimension Hutchinson's estimate is the trace: training and evaluation agree."""
  model = cnf.model({"x": Field((1,), np.float32)}, hidden=(8,), steps=20)
  x = 2 + 3 * jax.random.normal(jax.random.key(1), (6, 1))
  params, state = model.init(jax.random.key(0), {"x": x})
  params["net"] = jax.tree.map(lambda p: p + 0.4, params["net"])
  loss, (_, metrics) = jax.jit(
    lambda: model.loss(params, state, {"x": x}, jax.random.key(0), True)
  )()
  nats = jax.jit(lambda: model.log_prob(params, state, {"x": x}, None))()
  np.testing.assert_allclose(metrics["nats"], nats, rtol=1e-4)
  np.testing.assert_allclose(loss, 0.02 * metrics["speed"] - nats, rtol=1e-4)
  _, log_det = model.parts["bijector"](params, state).forward_and_log_det(x)
  assert np.abs(log_det - params["first"]["log_scale"]).max() > 0.1 < metrics["speed"].max()


def test_the_speed_is_the_mean_square_of_the_velocity():
  """Of dx/dt = 3 (1 - t) in two numbers, int 9 (1 - t)² dt = 3."""
  field = lambda x, t: jnp.full_like(x, 3.0) * (1 - t)
  x, log_det, speed = cnf.integrate(field, jnp.zeros((4, 2)), cnf.exact, 0.0, 1.0, 4)
  np.testing.assert_allclose(speed, np.full(4, 3.0), rtol=1e-5)
  np.testing.assert_allclose(x, np.full((4, 2), 1.5), rtol=1e-5)
  np.testing.assert_array_equal(log_det, np.zeros(4))


@pytest.mark.slow
def test_the_whole_model():
  model = cnf.model(PLANE, hidden=(16, 16), tolerance=1e-6)
  x = jax.random.normal(jax.random.key(1), (64, 2)) * jnp.array([[2.0, 0.5]]) + 1
  params, state = model.init(jax.random.key(0), {"x": x})
  z = jax.jit(lambda x: model.encode(params, state, {"x": x}, None))(x)
  back = jax.jit(lambda z: model.decode(params, state, z, None))(z)["x"]
  np.testing.assert_allclose(back, x, atol=1e-3)
  one = lambda x: model.encode(params, state, {"x": x[None]}, None)["z"][0]
  normal = -0.5 * (z["z"] ** 2).sum(-1) - math.log(2 * math.pi)
  slogdet = jnp.linalg.slogdet(jax.jit(jax.vmap(jax.jacrev(one)))(x[:5]))[1]
  nats = jax.jit(lambda x: model.log_prob(params, state, {"x": x}, None))
  np.testing.assert_allclose(nats(x)[:5], normal[:5] + slogdet, atol=1e-3)
  estimate = jax.jit(
    lambda key: model.log_prob(params, state, {"x": x}, key, estimator="hutchinson")
  )
  estimates = np.stack([estimate(jax.random.key(i)) for i in range(64)])
  assert np.abs(estimates.mean(0) - nats(x)).max() < 5 * estimates.std(0).max() / 8 + 1e-3
  loss, (_, metrics) = jax.jit(
    lambda: model.loss(params, state, {"x": x}, jax.random.key(0), True)
  )()
  np.testing.assert_allclose(-metrics["nats"], -estimate(jax.random.key(0)), rtol=1e-3, atol=5e-3)
  np.testing.assert_allclose(loss, 0.02 * metrics["speed"] - metrics["nats"], rtol=1e-5)
  line = (jnp.arange(200) + 0.5) / 200 * 2 - 1
  points = 1 + 10 * jnp.stack(jnp.meshgrid(line, line), -1).reshape(-1, 2)
  assert abs(np.exp(nats(points)).sum() * (20 / 200) ** 2 - 1) < 1e-2
  path = model.parts["warp"](params, state, z["z"])
  np.testing.assert_allclose(path[0], z["z"])
  np.testing.assert_allclose(path[-1], x, atol=1e-3)


@pytest.mark.parametrize(
  "data", [{"x": Field((2,), np.int32, 5)}, {"image": Field((4, 4, 1), np.uint8, 17)}]
)
def test_other_data_raise(data):
  with pytest.raises(UserError, match="real vectors"):
    cnf.model(data)
