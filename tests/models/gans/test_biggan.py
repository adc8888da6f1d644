"""BigGAN: its losses, conditional batch normalisation on one and on four devices, truncation."""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.gans import biggan
from genjax_zoo.models.gans.biggan import ConditionalBatchNorm, truncated_normal
from genjax_zoo.nn.orthogonal import overlap

FIELD = Field((4, 4, 1), np.uint8, 17)
DATA = {"image": FIELD, "label": Field((), np.int32, 3)}
KEY, N = jax.random.key(0), 8
STILL = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}


@functools.cache
def started():
  learner = biggan.learner(DATA, STILL, latent=4, widths=(4,), features=3, ortho=0.3, n_critic=1)
  image = jax.random.randint(KEY, (N, 4, 4, 1), 0, 17).astype(jnp.uint8)
  batch = {"image": image, "label": jnp.arange(N) % 3, "weight": jnp.ones(N)}
  return learner, jax.jit(learner.init)(KEY, batch), batch


def test_overlap_is_the_squared_products_of_different_columns():
  W = np.asarray(jax.random.normal(KEY, (5, 3)))
  expected = sum((W[:, i] @ W[:, j]) ** 2 for i in range(3) for j in range(3) if i != j)
  found = overlap({"kernel": W.reshape(5, 1, 3), "bias": np.ones(3)})
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_losses_are_the_hinge_and_the_overlap():
  learner, ts, batch = started()
  after, metrics = jax.jit(learner.step)(ts, batch, jax.random.key(1))
  apart = overlap({k: v for k, v in ts.params["gen"].items() if k != "Embed_0"})
  np.testing.assert_allclose(metrics["overlap"], apart, rtol=1e-4)
  # The hinge within its margins is 2 - real + fake in the mean, and the generator's -fake.
  expected = 2 - metrics["real_logit"] + metrics["fake_logit"]
  np.testing.assert_allclose(metrics["critic_loss"], expected, rtol=1e-3)
  real = learner.model.parts["critic"](after.params, after.state, batch)
  assert real.max() < 1  # Within the margin of real images.
  assert apart > 0
  np.testing.assert_allclose(metrics["real_logit"], real.mean(), atol=1e-4)
  assert np.abs(metrics["gen_loss"] - 0.3 * apart) < 1
  moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), after.state["gen"], ts.state["gen"])
  assert min(jax.tree.leaves(moved)) > 0


def test_conditional_batch_norm_is_equal_on_one_and_four_devices():
  """Statistics are of the whole batch: each device has other images."""
  x = jnp.arange(N)[:, None, None, None] + jax.random.normal(KEY, (N, 3, 3, 2))
  c = jax.random.normal(KEY, (N, 3))
  net = ConditionalBatchNorm()
  variables = net.init(KEY, x, c, True)
  normalise = lambda x, c: net.apply(variables, x, c, True, mutable=["batch_stats"])
  found = {}
  for n in (1, 4):
    devices = jax.devices()[:n]
    mesh = jax.make_mesh((n,), ("data",), axis_types=(AxisType.Auto,), devices=devices)
    sharded = jax.device_put((x, c), NamedSharding(mesh, P("data")))
    found[n] = jax.device_get(jax.jit(normalise)(*sharded))
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *found.values())
  gain, bias = np.split(c @ variables["params"]["Dense_0"]["kernel"], 2, -1)
  plain = (x - x.mean((0, 1, 2))[None, None, None]) / jnp.sqrt(x.var((0, 1, 2)) + 1e-5)[
    None, None, None
  ]
  expected = (1 + gain)[:, None, None] * plain + bias[:, None, None]
  np.testing.assert_allclose(found[4][0], expected, rtol=1e-3, atol=1e-4)


def test_truncated_noise_is_normal_within_its_bound():
  z = truncated_normal(KEY, 2000, 4, 0.5)
  assert np.abs(z).max() <= 0.5 and z.std() == pytest.approx(0.2840, abs=0.01)
  free = truncated_normal(KEY, 2000, 4, jnp.inf)
  assert free.std() == pytest.approx(1, abs=0.03) and np.isfinite(free).all()
  learner, ts, _ = started()
  y = jnp.zeros(5, jnp.int32)
  sample = jax.jit(lambda t: learner.model.sample(ts.params, ts.state, KEY, 5, {"label": y}, t))
  at_0 = learner.model.decode(ts.params, ts.state, {"z": jnp.zeros((5, 4)), "label": y})
  np.testing.assert_allclose(sample(1e-6)["image"].astype(int), at_0["image"].astype(int), atol=1)


def test_data_without_classes_and_a_latent_of_unequal_parts_are_refused():
  with pytest.raises(UserError, match="label"):
    biggan.learner({"image": FIELD}, STILL)
  with pytest.raises(UserError, match="latent=5"):
    biggan.learner(DATA, STILL, latent=5, widths=(4,))
