"""Learned jointly, one level of a hierarchy does the work and the other sleeps, unless free bits
keep it awake.

Deck B (line 398) stacks latents, since the prior of a "flat" VAE is simple, and finds encoder and
decoder hard to learn together (line 455). Binarized digits, 24 latents in all: flat; in two levels
of 16 and 8, with an encoder that climbs (models/latent_variable/hvae.py); and in the ladder
(models/latent_variable/ladder_vae.py), whose encoder comes down too, without and with free bits.
All have about 100,000 parameters and see 2,000 batches of 64; the KL is not warmed up. The KL of a
level is what it says of x beyond what the levels above said, in nats: E_q log q / p of its
conditionals.

Seed 0: of the climbing encoder's 5.4 nats the top level says 0.8, and the bound, 17.5 nats, is that
of the flat VAE. In the ladder the top says all 5.8, and z_1 nothing; with free bits they say 5.4
and 0.8. The bounds are 16.7 and 16.5.
"""

from pathlib import Path
import tempfile

import numpy as np

from experiments.lessons._runs import summary, trained
from genjax_zoo.evaluate import parameters
from genjax_zoo.figures.common import held_out
from genjax_zoo.figures.pictures import beside, grid, plot

FLAT = {
  "model.name": "vae",
  "model.latent": 24,
  "model.hidden": (200, 160),
  "optimizer.learning_rate": 2e-3,
}
LADDER = {
  "data.binarize": "threshold",
  "model.likelihood": "bernoulli",
  "model.latent": (1, 2),
  "model.width": 30,
  "schedules.beta.init_value": 1.0,
}
RUNS = {
  "flat": ("bernoulli_vae_digits", FLAT),
  "hierarchy": ("hvae_digits", {"model.hidden": (160, 80)}),
  "ladder": ("ladder_vae_digits", LADDER | {"model.free_bits": 0.0}),
  "ladder, free bits": ("ladder_vae_digits", LADDER | {"model.free_bits": 0.5}),
}


def lesson(smoke):
  numbers, shown = {}, []
  for name, (config, changes) in RUNS.items():
    with tempfile.TemporaryDirectory() as folder:
      run, dataset = trained(
        config, Path(folder) / "run", smoke, **changes | {"train.steps": 2 if smoke else 2000}
      )
      test = held_out(run, dataset)
      found = {k: float(np.mean(v)) for k, v in run.evaluate(test).items()}
      bound = run.log_prob(test, k=2 if smoke else 200)
      shown.append(grid(run.sample(36)["image"], 2, 6))
    levels = {f"z{l}": found[f"kl{l}"] for l in (1, 2) if f"kl{l}" in found} or {"z1": found["kl"]}
    numbers[name] = {
      "-log p, at most, by IWAE-200": summary(-bound),
      "-ELBO": found["reconstruction"] + sum(levels.values()),
      "KL": levels,
      "parameters": parameters(run.weights),
    }

  def paint(ax):
    left = np.zeros(len(RUNS))
    for level in ("z1", "z2"):
      width = np.array([found["KL"].get(level, 0.0) for found in numbers.values()])
      ax.barh(list(RUNS), width, left=left, label=level)
      left += width
    ax.set(xlabel="KL, nats")
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

  return numbers, [
    (plot(paint), "How much each level says of a test digit."),
    (beside(*shown), f"Samples, from left to right: {', '.join(RUNS)}."),
  ]
