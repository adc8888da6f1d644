"""Steps of samplers equal those of the schedulers of diffusers (see sampler_references.py)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import samplers
from genjax_zoo.prob.processes import posterior
from genjax_zoo.prob.schedules import NoiseLevel
from tests.prob.sampler_references import FIXTURE, TAKEN, x0_hat

SAMPLERS = {
  "ddim": samplers.ddim,
  "euler": samplers.ddim,
  "flow": samplers.ddim,
  "heun": samplers.heun,
  "dpm_solver": samplers.dpm_solver,
}


@pytest.fixture(scope="module")
def theirs():
  return dict(np.load(FIXTURE))


def levels(theirs, name):
  return NoiseLevel(jnp.array(theirs[f"{name}_alpha"]), jnp.array(theirs[f"{name}_sigma"]))


def close(ours, theirs):
  np.testing.assert_allclose(ours / np.abs(theirs).max(), theirs / np.abs(theirs).max(), atol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_steps_are_those_of_diffusers(theirs, name):
  """One, two and three steps from the same x: the memory of a sampler counts from the second on."""
  all_levels = levels(theirs, name)
  sampler = jax.jit(functools.partial(SAMPLERS[name], lambda x, level: x0_hat(x)))
  for steps in range(1, TAKEN + 1):
    first = all_levels.at(slice(0, steps + 1))
    close(sampler(theirs[name][0], first, jax.random.key(0)), theirs[name][steps])


def test_ancestral_steps_are_those_of_diffusers(theirs):
  """Each step starts at the x of diffusers and has their noise."""
  all_levels = levels(theirs, "ddpm")
  for i, eps in enumerate(theirs["ddpm_noise"]):
    x = theirs["ddpm"][i]
    mean, small, _ = posterior(x0_hat(x), x, all_levels.at(i + 1), all_levels.at(i))
    close(mean + jnp.sqrt(small) * eps, theirs["ddpm"][i + 1])
