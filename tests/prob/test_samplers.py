"""Samplers with the exact denoiser of a mixture of Gaussians: moments, orders, equalities."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import samplers, schedules
from genjax_zoo.prob.processes import SPLITS, convert, split
from genjax_zoo.prob.schedules import NoiseLevel
from tests.prob.mixture import COVARIANCE, MEAN, denoise, points, start

pytestmark = pytest.mark.slow  # Minutes of compiling.


def run(sampler, levels, n, seed=0, **options):
  k_x, key = jax.random.split(jax.random.key(seed))
  return jax.jit(functools.partial(sampler, denoise, **options))(start(k_x, n, levels), levels, key)


vp = schedules.respaced(schedules.cosine(1000), 250)
vp_linear = schedules.respaced(schedules.linear(1000), 100)
ve = schedules.edm(100, low=0.01, high=20.0)
ve_short = schedules.edm(60, low=0.01, high=20.0)
fine = schedules.log_snr_level(jnp.linspace(-10.0, 9.0, 1001))
fine_line = schedules.flow(jnp.linspace(1, 0, 1001))
slow_langevin = {"repeats": 40, "size": 0.1}
line = schedules.flow(jnp.linspace(1, 0, 201))
MOMENTS = {
  "ancestral, small": (samplers.ancestral, vp, {}),
  "ancestral, large": (samplers.ancestral, vp, {"variance": "large"}),
  "ancestral, VE": (samplers.ancestral, ve, {}),
  "ddim": (samplers.ddim, vp, {}),
  "ddim, eta 0.5": (samplers.ddim, vp, {"eta": 0.5}),
  "ddim, flow": (samplers.ddim, line, {}),
  "heun": (samplers.heun, schedules.edm(40, low=0.01), {}),
  "heun, flow": (samplers.heun, line.at(slice(None, None, 4)), {}),
  "dpm_solver": (samplers.dpm_solver, vp_linear, {}),
  "dpm_solver, flow": (samplers.dpm_solver, line, {}),
  "dpm_solver_single": (samplers.dpm_solver_single, vp_linear, {}),
  "dpm_solver_single, flow": (samplers.dpm_solver_single, line, {}),
  "euler_maruyama": (samplers.euler_maruyama, fine, {}),
  "euler_maruyama, flow": (samplers.euler_maruyama, fine_line, {}),
  "annealed_langevin, flow": (samplers.annealed_langevin, line, slow_langevin),
  "annealed_langevin": (samplers.annealed_langevin, ve_short, slow_langevin),
  "predictor_corrector": (samplers.predictor_corrector, vp, {}),
  "predictor_corrector, VE": (samplers.predictor_corrector, ve, {}),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_samples_have_the_moments_of_the_data(name):
  sampler, levels, options = MOMENTS[name]
  n = 4000
  x = np.asarray(run(sampler, levels, n, **options))
  # Standard errors of the mean and, from the fourth moments of exact samples, of the covariance.
  exact = np.asarray(points(jax.random.key(9), 100_000)) - MEAN
  products = np.einsum("ni,nj->nij", exact, exact)
  np.testing.assert_array_less(np.abs(x.mean(0) - MEAN), 4 * np.sqrt(np.diag(COVARIANCE) / n))
  np.testing.assert_array_less(np.abs(np.cov(x.T) - COVARIANCE), 4 * products.std(0) / n**0.5)


@pytest.mark.parametrize(
  "sampler, order, options",
  [
    (samplers.ddim, 1, {}),
    (samplers.dpm_solver, 1, {"order": 1}),
    (samplers.dpm_solver, 2, {}),
    (samplers.dpm_solver_single, 2, {}),
    (samplers.heun, 2, {}),
  ],
)
def test_orders_of_convergence(sampler, order, options):
  """The error of n steps falls as n^-order: the slope of a line through log-log points."""
  with jax.enable_x64(True):
    levels = lambda n: schedules.log_snr_level(jnp.linspace(-6.0, 3.0, n + 1))
    x = start(jax.random.key(0), 50, levels(1))
    key = jax.random.key(1)
    solve = jax.jit(lambda levels: sampler(denoise, x, levels, key, **options))
    truth = jax.jit(lambda levels: samplers.heun(denoise, x, levels, key))(levels(4000))
    steps = np.array([100, 200, 400])
    error = [float(jnp.sqrt(jnp.mean((solve(levels(n)) - truth) ** 2))) for n in steps]
  slope = np.polyfit(np.log(steps), np.log(error), 1)[0]
  assert abs(slope + order) < 0.15, (slope, error)


def test_the_ode_does_not_depend_on_the_time_that_parametrizes_it():
  """x / alpha of a VP process follows the same ODE as x of a VE process with sigma / alpha."""
  vp = schedules.log_snr_level(jnp.linspace(-8.0, 6.0, 1001))
  ve = NoiseLevel(jnp.ones(1001), vp.sigma / vp.alpha)
  x = start(jax.random.key(0), 20, vp)
  a = samplers.heun(denoise, x, vp, jax.random.key(1))
  b = samplers.heun(denoise, x / vp.alpha[0], ve, jax.random.key(1))
  np.testing.assert_allclose(a / vp.alpha[-1], b, atol=2e-3)


@pytest.mark.parametrize("name", ["vp", "ve", "line"])
def test_ddim_is_ancestral_dpm_solver_and_euler(name):
  levels = {"vp": vp, "ve": ve, "line": line}[name].at(slice(None, None, 10))
  equal = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)
  equal(run(samplers.ddim, levels, 20, eta=1.0), run(samplers.ancestral, levels, 20))
  equal(run(samplers.ddim, levels, 20), run(samplers.dpm_solver, levels, 20, order=1))

  def euler(denoise, x, levels, key):
    for i in range(len(levels.sigma) - 1):
      x0 = denoise(x, levels.at(i))
      eps = (x - levels.alpha[i] * x0) / levels.sigma[i]
      dalpha = levels.alpha[i + 1] - levels.alpha[i]
      dsigma = levels.sigma[i + 1] - levels.sigma[i]
      x += dalpha * x0 + dsigma * eps
    return x

  equal(run(samplers.ddim, levels, 20), run(euler, levels, 20))


@pytest.mark.parametrize("kind", SPLITS)
def test_all_predictions_give_the_same_sample(kind):
  with jax.enable_x64(True):
    network = lambda x, level: convert(denoise(x, level), x, level, "x0", kind)
    through = lambda x, level: split(network(x, level), x, level, kind)[0]
    levels = schedules.respaced(schedules.cosine(1000), 20)
    x = start(jax.random.key(0), 10, levels)
    a = samplers.ancestral(denoise, x, levels, jax.random.key(1))
    b = samplers.ancestral(through, x, levels, jax.random.key(1))
    np.testing.assert_allclose(a, b, atol=1e-8)


SAMPLERS = (
  "ancestral",
  "ddim",
  "renoise",
  "heun",
  "dpm_solver",
  "euler_maruyama",
  "annealed_langevin",
  "predictor_corrector",
)


@pytest.mark.parametrize("name", SAMPLERS)
def test_evaluations_are_counted(name):
  count = []
  levels = vp.at(jnp.array([0, 100, 200, 250]))

  def counted(x, level):
    jax.debug.callback(lambda: count.append(1))
    return denoise(x, level)

  x = start(jax.random.key(0), 2, levels)
  jax.block_until_ready(getattr(samplers, name)(counted, x, levels, jax.random.key(1)))
  jax.effects_barrier()
  assert len(count) == samplers.evaluations(name, steps=3)
