"""VDM: its bound in closed form, whatever the schedule between the ends, and what each parameter
learns.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion import vdm

D, LOW, HIGH, KEY = 3, -6.0, 4.0, jax.random.key(0)
MLP = {"name": "mlp", "hidden": (8,)}
MODEL = vdm.model({"x": Field((D,), np.float32)}, low=LOW, high=HIGH, network=MLP)


def weights(x, perturbed=0.0):
  """Parameters of an untrained network, eps_hat = z; with noise on all of them but the ends."""
  params, state = MODEL.init(KEY, {"x": x})
  noisy = jax.tree.map(
    lambda p: p + perturbed * jax.random.normal(jax.random.key(7), p.shape), params
  )
  return noisy | {"ends": params["ends"]}, state


def test_the_bound_depends_on_the_ends_of_the_schedule_alone():
  """Of eps_hat = z it is an integral over gamma, of |eps - z|² = (1 - sigma)² D + alpha² |x|² on
  average.
  """
  n = 4000
  x = jnp.broadcast_to(jax.random.normal(KEY, (1, D)), (n, D))
  params, state = weights(x)
  gamma = np.linspace(LOW, HIGH, 100_001)
  alpha2, sigma2 = 1 / (1 + np.exp(gamma)), 1 / (1 + np.exp(-gamma))
  squared = float((x[0] ** 2).sum())
  diffusion = np.trapezoid((1 - np.sqrt(sigma2)) ** 2 * D + alpha2 * squared, gamma) / 2
  reconstruction = D / 2 * (1 + LOW + np.log(2 * np.pi))
  prior = (alpha2[-1] * squared + D * (sigma2[-1] - 1 - np.log(sigma2[-1]))) / 2
  bent = params | {
    "shape": jax.tree.map(lambda p: p + 3 * jax.random.normal(KEY, p.shape), params["shape"])
  }
  bound = jax.jit(functools.partial(MODEL.log_prob, k=20))
  for p in params, bent:
    nats = bound(p, state, {"x": x}, jax.random.key(1))
    np.testing.assert_allclose(
      nats.mean(), -diffusion - reconstruction - prior, atol=4 * float(nats.std()) / n**0.5
    )
  loss, _ = jax.jit(lambda p: MODEL.loss(p, state, {"x": x}, jax.random.key(2), train=False))(bent)
  np.testing.assert_allclose(loss.mean(), -nats.mean(), atol=4 * float(loss.std()) / n**0.5)


def test_the_schedule_learns_its_variance_and_all_else_the_bound():
  batch = {"x": jax.random.normal(KEY, (64, D))}
  params, state = weights(batch["x"], perturbed=0.3)

  def terms(params):
    loss, (_, metrics) = MODEL.loss(params, state, batch, KEY, train=True)
    return loss, metrics

  slopes = jax.jit(jax.grad(lambda p: terms(p)[0].mean()))(params)
  # The terms hold the schedule, so that the slope of the mean square comes from differences along a
  # direction.
  way = jax.tree.map(lambda p: jax.random.normal(jax.random.key(3), p.shape), params["shape"])
  diffusion = jax.jit(
    lambda h: terms(params | {"shape": jax.tree.map(lambda p, d: p + h * d, params["shape"], way)})[
      1
    ]
  )
  back, here, ahead = (np.float64(diffusion(h)["diffusion"]) for h in (-0.01, 0.0, 0.01))
  expected = ((ahead**2).mean() - (back**2).mean()) / 0.02 / here.mean()
  found = sum((a * b).sum() for a, b in zip(*map(jax.tree.leaves, (slopes["shape"], way))))
  np.testing.assert_allclose(found, expected, rtol=0.02)
  rest = lambda p: sum(terms(p | {"shape": params["shape"]})[1].values()).mean()
  expected = jax.jit(jax.grad(rest))(params)
  for k in "net", "ends":
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), slopes[k], expected[k]
    )
  assert min(np.abs(g).max() for g in jax.tree.leaves(slopes)) > 0


def test_the_monotone_network_rises_from_0_to_1():
  shape = vdm.Monotone()
  t = jnp.linspace(0.0, 1.0, 101)
  params = shape.init(KEY, t)
  perturbed = jax.tree.map(lambda p: p + 3 * jax.random.normal(KEY, p.shape), params)
  for p in params, perturbed:
    s = shape.apply(p, t)
    np.testing.assert_allclose(s[jnp.array([0, -1])], [0, 1], atol=1e-6)
    assert (np.diff(s) > 0).all()


def test_samples_start_as_standard_noise_wherever_the_schedule_ends():
  model = vdm.model({"x": Field((D,), np.float32)}, low=LOW, high=0.5, network=MLP)
  params, state = model.init(KEY, {"x": jnp.zeros((1, D))})
  n = 10_000
  x, _ = model.parts["chain"](params, state, KEY, n, frames=2)
  np.testing.assert_allclose(x[0].std(), 1, atol=4 / (2 * n * D) ** 0.5)
