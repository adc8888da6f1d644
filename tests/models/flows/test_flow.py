"""All flows: whole models are inverted, have the Jacobian's determinant, and integrate to 1.

The dequantization of integers is counted once.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from genjax_zoo.core import Field
from genjax_zoo.models.flows import glow, maf, nice, realnvp, spline_flow
from genjax_zoo.models.flows._flow import (
  PRIORS,
  Layer,
  flow,
  from_unit,
  latent_prior,
  running_average,
  to_unit,
)
from genjax_zoo.nn.masked import MaskedMLP
from genjax_zoo.prob.bijectors import chain, elementwise, flatten
from genjax_zoo.prob.univariate import logit

slow = pytest.mark.slow  # Together, minutes of compiling.

PLANE = {"x": Field((2,), np.float32)}
TABLE = {"x": Field((5,), np.float32)}
IMAGE = {"image": Field((4, 4, 1), np.uint8, 17)}
VECTORS = {
  "nice": lambda data: nice.model(data, hidden=(16, 16), prior="normal"),
  "realnvp": lambda data: realnvp.model(data, depth=6, hidden=(16, 16)),
  "spline_flow": lambda data: spline_flow.model(data, depth=4, hidden=(16, 16)),
  "maf": lambda data: maf.model(data, depth=4, hidden=(16, 16)),
  "iaf": lambda data: maf.model(data, depth=2, hidden=(16, 16), inverse=True),
}
IMAGES = {
  "nice": lambda data: nice.model(data, hidden=(16, 16)),
  "realnvp": lambda data: realnvp.model(data, width=8, blocks=1),
  "glow": lambda data: glow.model(data, depth=2, width=8),
  "mixture": lambda data: glow.model(data, depth=2, width=8, coupling="mixture"),
  "maf": lambda data: maf.model(data, depth=3, hidden=(16,)),
}
CASES = [(make, data) for make in VECTORS.values() for data in (PLANE, TABLE)]
CASES += [(make, IMAGE) for make in IMAGES.values()]
CASES = [(VECTORS["spline_flow"], TABLE), *(pytest.param(*case, marks=slow) for case in CASES)]


def batch_of(data, n, seed=0):
  name, field = next(iter(data.items()))
  size = n, *field.shape
  rng = np.random.default_rng(seed)
  x = rng.integers(field.num_values, size=size) if field.num_values else rng.normal(size=size)
  return {name: x.astype(field.dtype)}


def perturbed(params, scale):
  """Parameters with noise of this scale, so that no layer is the identity."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(1), len(leaves))
  noisy = [p + scale * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)]
  return jax.tree.unflatten(tree, noisy)


def trained(make, data):
  """A model, its parameters at the start, perturbed, and its state."""
  model = make(data)
  params, state = jax.jit(model.init)(jax.random.key(0), batch_of(data, 64))
  return model, perturbed(params, 0.05), state


def constant(f):
  """A bijector as a layer without parameters."""
  return Layer(lambda key, x: {}, lambda params: f)


@pytest.mark.parametrize("make, data", CASES)
def test_whole_models_are_inverted_and_have_the_jacobians_determinant(make, data):
  model, params, state = trained(make, data)
  bijector = model.parts["bijector"]
  shape = next(iter(data.values())).shape
  n = 50 if data is IMAGE else 200
  x = jax.random.uniform(jax.random.key(2), (n, *shape)) * (1 if data is IMAGE else 4)
  z, log_det = jax.jit(lambda x: bijector(params, state).forward_and_log_det(x))(x)
  back, inverse = jax.jit(lambda z: bijector(params, state).inverse_and_log_det(z))(z)
  assert z.shape == (n, math.prod(shape))
  np.testing.assert_allclose(back, x, atol=1e-4)
  np.testing.assert_allclose(inverse, -log_det, atol=2e-3)
  one = lambda x: bijector(params, state).forward_and_log_det(x.reshape(1, *shape))[0][0]
  jacobians = jax.jit(jax.vmap(jax.jacfwd(one)))(x[:5].reshape(5, -1))
  expected = np.linalg.slogdet(np.asarray(jacobians, "f8"))[1]
  np.testing.assert_allclose(log_det[:5], expected, rtol=1e-4, atol=2e-3)


@slow
@pytest.mark.parametrize("name", VECTORS)
def test_densities_of_the_plane_integrate_to_one_and_samples_follow_them(name):
  model, params, state = trained(VECTORS[name], PLANE)
  sample = jax.jit(lambda key: model.sample(params, state, key, 20_000))
  samples = np.asarray(sample(jax.random.key(3))["x"])
  middle = samples.mean(0)
  half = 1.5 * np.abs(samples - middle).max()
  n = 300
  line = (np.arange(n) + 0.5) / n * 2 - 1
  points = (middle + half * np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)).astype("f4")
  log_p = jax.jit(lambda x: model.log_prob(params, state, {"x": x}, None))(points)
  p = np.exp(log_p) * (2 * half / n) ** 2
  assert abs(p.sum() - 1) < 1e-2
  error = 5 * samples.std(0).max() / 20_000**0.5 + 1e-3
  np.testing.assert_allclose(samples.mean(0), p @ points, atol=error)
  right = points[:, 0] > middle[0]
  assert abs((samples[:, 0] > middle[0]).mean() - p[right].sum()) < 5 * 0.5 / 20_000**0.5 + 2e-3


@pytest.mark.parametrize("num_values", [2, 17, 256])
def test_any_u_in_a_cell_is_undone(num_values):
  field = Field((5,), np.uint8, num_values)
  x = np.random.default_rng(0).integers(num_values, size=(20, 5))
  for u in 0.0, 0.5, 0.99:
    v = to_unit(x.astype("f4"), u, field)
    assert (v >= 0).all() and (v < 1).all()
    np.testing.assert_array_equal(from_unit(v + 1e-6, field), x)


@pytest.mark.parametrize("num_values", [2, 17, 256])
def test_a_uniform_flow_has_log2_num_values_bits(num_values):
  """logit makes the uniform distribution logistic.

  The density of v is 1, and only the volume of the cells remains, counted once.
  """
  shape = (3, 4, 1)
  data = {"image": Field(shape, np.uint8, num_values)}
  f = chain(flatten(shape), elementwise(logit(0.0)))
  model = flow(data, constant(f), prior="logistic")
  batch = batch_of(data, 100)
  nats = model.log_prob({}, {}, batch, jax.random.key(0))
  np.testing.assert_allclose(-nats / (12 * math.log(2)), math.log2(num_values), rtol=1e-5)
  loss, (_, metrics) = model.loss({}, {}, batch, jax.random.key(0), train=True)
  np.testing.assert_allclose(loss, -nats)
  np.testing.assert_allclose(metrics["bits_per_dim"], math.log2(num_values), rtol=1e-5)


def test_the_bound_is_below_the_mass_of_the_cells():
  """Of one element of known density, the bound is the mean of log p(v) over a cell."""
  data = {"image": Field((1, 1, 1), np.uint8, 4)}
  f = elementwise(logit(0.5))
  model = flow(data, constant(chain(flatten((1, 1, 1)), f)), prior="normal")
  for x in range(4):
    v = jnp.linspace(x / 4, (x + 1) / 4, 20_001)
    z, log_det = f.forward_and_log_det(v[:, None])
    density = np.exp(-0.5 * z[:, 0] ** 2 + log_det) / math.sqrt(2 * math.pi)
    batch = {"image": np.full((20_000, 1, 1, 1), x, "u1")}
    nats = model.log_prob({}, {}, batch, jax.random.key(x)).mean()
    assert np.log(density.mean() / 4) >= nats - 1e-6  # Jensen.
    np.testing.assert_allclose(nats, np.log(density / 4).mean(), atol=0.02)


@slow
@pytest.mark.parametrize("name", IMAGES)
def test_decode_restores_encoded_integers(name):
  model, params, state = trained(IMAGES[name], IMAGE)
  batch = batch_of(IMAGE, 50)
  back = model.decode(params, state, model.encode(params, state, batch, None), None)
  np.testing.assert_array_equal(back["image"], batch["image"])


@slow
@pytest.mark.parametrize("name", VECTORS)
def test_every_flow_starts_as_a_standardisation_and_cold_samples_are_the_mode(name):
  data = {"x": 3 * batch_of(TABLE, 500)["x"] + 5}
  model = VECTORS[name](TABLE)
  params, state = model.init(jax.random.key(0), data)
  z = model.encode(params, state, data, None)["z"]
  np.testing.assert_allclose(z.mean(0), 0, atol=1e-4)
  np.testing.assert_allclose(z.std(0), 1, atol=1e-3)
  cold = model.sample(params, state, jax.random.key(0), 4, temperature=0.0)["x"]
  np.testing.assert_allclose(cold, np.broadcast_to(data["x"].mean(0), cold.shape), atol=1e-3)


def uniform_model(shape, num_values):
  """A model of images whose density is 1, dequantized by a network."""
  data = {"image": Field(shape, np.uint8, num_values)}
  f = chain(flatten(shape), elementwise(logit(0.0)))
  return flow(data, constant(f), prior="logistic", dequantization="variational")


def test_variational_dequantization_is_counted_once():
  """Of a uniform model, E_q p(x, u) / q(u | x) = num_values^-D for all q.

  The bound is below its logarithm, and equal to it for uniform q.
  """
  model = uniform_model((2, 2, 1), 5)
  batch = {"image": np.full((8000, 2, 2, 1), 3, np.uint8)}
  log_prob = jax.jit(lambda params, key: model.log_prob(params, {}, batch, key))
  exact = -4 * math.log(5)
  params, _ = model.init(jax.random.key(0), {"image": batch["image"][:1]})
  np.testing.assert_allclose(log_prob(params, jax.random.key(0)), exact, rtol=1e-4)
  nats = np.asarray(log_prob(perturbed(params, 0.02), jax.random.key(0))) - exact
  error = np.exp(nats).std() / len(nats) ** 0.5
  assert nats.mean() < -0.05 and abs(np.exp(nats).mean() - 1) < 4 * error < 0.1


@slow
def test_many_samples_of_the_noise_tighten_the_bound():
  model = uniform_model((2, 2, 1), 5)
  batch = {"image": np.full((100, 2, 2, 1), 3, np.uint8)}
  params, _ = model.init(jax.random.key(0), batch)
  log_prob = jax.jit(model.log_prob, static_argnames="k")
  one, many = (
    log_prob(perturbed(params, 0.02), {}, batch, jax.random.key(0), k=k).mean() for k in (1, 64)
  )
  assert one + 0.02 < many < -4 * math.log(5) + 0.02


def test_the_prior_of_a_class_has_its_mean_and_scale():
  """log N(z; mean_y, exp(log_scale_y)²), and samples of it at a temperature."""
  fields = {"label": Field((), np.int32, 3)}
  prior = latent_prior(PRIORS["normal"], fields, 2)
  mean = np.array([[0.0, 1.0], [-2.0, 3.0], [0.5, 0.5]], np.float32)
  log_scale = np.array([[0.1, -0.5], [0.7, 0.0], [-1.0, 0.4]], np.float32)
  params = {"prior": {"mean": mean, "log_scale": log_scale}}
  label = np.arange(12) % 3
  z = np.random.default_rng(0).normal(size=(12, 2)).astype("f4")
  expected = norm.logpdf(z, mean[label], np.exp(log_scale[label])).sum(-1)
  found = prior.log_prob(params, z, {"label": label})
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
  n = 40_000
  given = {"label": np.full(n, 1)}
  z = prior.sample(params, jax.random.key(0), n, given, temperature=0.5)
  np.testing.assert_allclose(z.mean(0), mean[1], atol=5 * 0.5 * np.exp(0.7) / n**0.5)
  np.testing.assert_allclose(z.std(0), 0.5 * np.exp(log_scale[1]), rtol=5 / (2 * n) ** 0.5)


def test_running_averages_forget_a_twentieth_a_batch():
  found = running_average({"mean": jnp.array([2.0])}, {"mean": jnp.array([4.0])})
  np.testing.assert_allclose(found["mean"], [0.95 * 2 + 0.05 * 4], rtol=1e-6)


@slow
@pytest.mark.parametrize("name", ["spline_flow", "maf", "nice"])
def test_a_prior_of_each_class_is_a_density_of_each_class(name):
  data = PLANE | {"label": Field((), np.int32, 3)}
  make = {
    "nice": lambda **o: nice.model(data, hidden=(8,), prior="normal", **o),
    "maf": lambda **o: maf.model(data, depth=2, hidden=(8,), **o),
    "spline_flow": lambda **o: spline_flow.model(data, depth=2, hidden=(8,), **o),
  }[name]
  model = make(condition=("label",))
  unconditional = make()
  batch = {"x": batch_of(PLANE, 200)["x"], "label": np.arange(200, dtype=np.int32) % 3}
  params, state = model.init(jax.random.key(0), batch)
  params = perturbed(params, 0.1)
  nats = jax.jit(lambda params: model.log_prob(params, state, batch, None))(params)
  z = jax.jit(lambda params: model.encode(params, state, batch, None)["z"])(params)
  mean = np.asarray(params["prior"]["mean"])[batch["label"]]
  log_scale = np.asarray(params["prior"]["log_scale"])[batch["label"]]
  normal = lambda z: -0.5 * z**2 - 0.5 * math.log(2 * math.pi)
  change = (normal((z - mean) / np.exp(log_scale)) - log_scale - normal(z)).sum(-1)
  rest = {k: p for k, p in params.items() if k != "prior"}
  expected = unconditional.log_prob(rest, state, batch, None) + change
  np.testing.assert_allclose(nats, expected, rtol=1e-4, atol=1e-4)
  given = {"label": np.full(4000, 2, np.int32)}
  sample = jax.jit(lambda key: model.sample(params, state, key, 4000, given))
  z = model.encode(params, state, sample(jax.random.key(0)), None)["z"]
  np.testing.assert_allclose(z.mean(0), params["prior"]["mean"][2], atol=0.1)
  np.testing.assert_allclose(z.std(0), np.exp(params["prior"]["log_scale"][2]), atol=0.1)


@pytest.mark.parametrize("inverse, calls", [(False, 5), (True, 1)])
def test_the_network_evaluations_of_a_sample_are_those_that_are_made(inverse, calls):
  model = maf.model(TABLE, depth=2, hidden=(8,), inverse=inverse)
  params, state = model.init(jax.random.key(0), batch_of(TABLE, 64))
  made = []

  def count(call, args, kwargs, context):
    if isinstance(context.module, MaskedMLP) and context.method_name == "__call__":
      jax.debug.callback(lambda: made.append(1))
    return call(*args, **kwargs)

  with nn.intercept_methods(count):
    jax.block_until_ready(model.sample(params, state, jax.random.key(1), 3))
  jax.effects_barrier()
  assert model.calls() == calls and len(made) == 2 * calls  # Of each of two networks.


@slow
def test_training_of_a_maf_normalises_by_the_batch_and_evaluation_by_running_averages():
  data = {"x": 3 * batch_of(TABLE, 500)["x"] + 5}
  model = maf.model(TABLE, depth=2, hidden=(8,))
  params, state = model.init(jax.random.key(0), data)
  far = {"x": data["x"] + 100}
  near_loss, _ = model.loss(params, state, data, None, True)
  far_loss, (changes, _) = model.loss(params, state, far, None, True)
  np.testing.assert_allclose(far_loss.mean(), near_loss.mean(), rtol=1e-3)
  evaluated, (no_changes, _) = model.loss(params, state, far, None, False)
  assert evaluated.min() > 500 and not no_changes
  expected = 0.95 * state["moments"]["mean"][0] + 0.05 * far["x"].mean(0)
  np.testing.assert_allclose(changes["moments"]["mean"][0], expected, rtol=1e-4)


@slow
@pytest.mark.parametrize("name", VECTORS)
def test_warp_ends_at_the_data(name):
  model, params, state = trained(VECTORS[name], PLANE)
  if "warp" not in model.parts:
    return
  z = jax.random.normal(jax.random.key(0), (20, 2))
  points = jax.jit(lambda z: model.parts["warp"](params, state, z))(z)
  np.testing.assert_allclose(points[0], z)
  x = model.decode(params, state, {"z": z}, None)["x"]
  np.testing.assert_allclose(points[-1], x, atol=1e-4)
