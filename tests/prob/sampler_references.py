"""The first steps of the schedulers of diffusers, with which our samplers are compared.

In an environment that has diffusers,

  python -m tests.prob.sampler_references

writes fixtures/samplers.npz: for each scheduler "NAME", set to 10 steps, its first levels
"NAME_alpha" and "NAME_sigma", [4], and x at each of them, [4, *SHAPE], where the network always
predicts `x0_hat`.
"""

from pathlib import Path

import numpy as np

FIXTURE = Path(__file__).parents[1] / "fixtures" / "samplers.npz"
SHAPE, STEPS, TAKEN = (2, 4, 4, 1), 10, 3
BETAS = dict(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear")


def x0_hat(x):
  """The network's prediction of the data."""
  return 0.3 * x + 0.1


def discrete(scheduler):
  """(alpha, sigma), [4], of schedulers whose timesteps index the chain."""
  abar = scheduler.alphas_cumprod.numpy()[np.asarray(scheduler.timesteps)[: TAKEN + 1]]
  return np.sqrt(abar), np.sqrt(1 - abar)


def exploding(scheduler):
  """(alpha, sigma) of schedulers with x = x_0 + sigma eps."""
  sigma = np.unique(scheduler.sigmas.numpy())[::-1][: TAKEN + 1]
  return np.ones_like(sigma), sigma


def preserving(scheduler):
  """(alpha, sigma) of schedulers that store sigma / alpha, with alpha² + sigma² = 1."""
  sigma = scheduler.sigmas.numpy()[: TAKEN + 1]
  return 1 / np.sqrt(1 + sigma**2), sigma / np.sqrt(1 + sigma**2)


def straight(scheduler):
  """(alpha, sigma) of flow matching, alpha = 1 - sigma."""
  sigma = scheduler.sigmas.numpy()[: TAKEN + 1]
  return 1 - sigma, sigma


def noise(x0, x, alpha, sigma):
  return (x - alpha * x0) / sigma


def data(x0, x, alpha, sigma):
  return x0


def velocity(x0, x, alpha, sigma):
  return (x - x0) / sigma


def schedulers() -> dict:
  """{name: (scheduler, its levels, its network's prediction, calls a step)}."""
  from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
  )

  dpm_solver = DPMSolverMultistepScheduler(**BETAS, prediction_type="sample")
  return {
    "ddpm": (DDPMScheduler(**BETAS, clip_sample=False), discrete, noise, 1),
    "ddim": (DDIMScheduler(**BETAS, clip_sample=False), discrete, noise, 1),
    "euler": (EulerDiscreteScheduler(**BETAS), exploding, noise, 1),
    "heun": (HeunDiscreteScheduler(**BETAS), exploding, noise, 2),
    "dpm_solver": (dpm_solver, preserving, data, 1),
    "flow": (FlowMatchEulerDiscreteScheduler(), straight, velocity, 1),
  }


def first_steps() -> dict:
  """The arrays of the fixture; "ddpm_noise" [3, *SHAPE] are the eps of DDPM's steps."""
  import torch

  found = {}
  for name, (scheduler, levels, predict, calls) in schedulers().items():
    scheduler.set_timesteps(STEPS)
    alpha, sigma = levels(scheduler)
    found |= {f"{name}_alpha": alpha, f"{name}_sigma": sigma}
    eps = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    x = eps * np.hypot(alpha[0], sigma[0])
    states, options = [x], {}
    for i in range(TAKEN * calls):
      at = -(-i // calls)  # Heun's second call is at the end of its step.
      output = predict(x0_hat(x), x, alpha[at], sigma[at]).astype(np.float32)
      if name == "ddpm":
        # Two generators with one seed: the scheduler's noise, and a copy of it.
        options["generator"] = torch.Generator().manual_seed(i)
        noise_i = torch.randn(SHAPE, generator=torch.Generator().manual_seed(i)).numpy()
        found["ddpm_noise"] = np.stack([*found.get("ddpm_noise", []), noise_i])
      t = scheduler.timesteps[i]
      step = scheduler.step(torch.as_tensor(output), t, torch.as_tensor(x), **options)
      x = step.prev_sample.numpy()
      states.append(x)
    found[name] = np.stack(states)[::calls]
  return {k: v.astype(np.float32) for k, v in found.items()}


if __name__ == "__main__":
  np.savez_compressed(FIXTURE, **first_steps())
