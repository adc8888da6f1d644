"""The bound L should give fewer bits, L_simple better samples; on digits L_simple gives both.

The decks' table (B; Ho 2020, arXiv:2006.11239, tables 1 and 2) has 3.70 bits/dim and an FID of 13.5
on CIFAR-10 for a model of eps trained by the bound L, 3.75 and 3.17 by L_simple. Deck C (line 708)
has the variance learned too, by L_hybrid (Nichol & Dhariwal 2021, arXiv:2102.09672). This lesson
trains all three on digits for 1,000 steps, with configs/ddpm_digits.py and a network that predicts
eps, and shows the terms of the bound by noise level.

At this length L wins nothing (seed 0): at most 2.90 bits/dim and an FID of 0.42, L_simple 2.72 and
0.15. Image by image that is 0.181 bits/dim more, with a standard error of 0.007. Its weights differ
by orders of magnitude between noise levels, so its gradients are noisy even with t drawn by
importance, as Nichol & Dhariwal found too. The worse samples agree with the table; the bits need
longer runs. L_hybrid trains the mean by L_simple, and its FID is the same, 0.15; its learned
variance saves 0.368 bits/dim, standard error 0.006. In 20 steps of the reverse chain its FID is
0.140, with the fixed variance 0.147.

Verdict: half: samples are worse by the bound, as said; bits are not better at this length.
"""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import mean_and_error, measured, trained
from genjax_zoo.figures.pictures import beside, grid, plot
from genjax_zoo.metrics.quality import draw
from genjax_zoo.prob.processes import diffuse, elbo_weight
from genjax_zoo.sharding import jit

NOISE_LEVELS = 40
FEW = 20  # Steps of the reverse chain, where a good variance matters more.
IMPROVED = {"model.name": "improved_ddpm"}
OBJECTIVES = {
  "L_simple": {},
  "L": IMPROVED | {"model.objective": "bound", "model.variance": "small"},
  "L_hybrid": IMPROVED | {"model.objective": "hybrid", "model.variance": "learned"},
}


def bound_terms(run, batch):
  """(log(sigma / alpha), nats per unit of it), each [NOISE_LEVELS - 2], of the bound's KL terms."""
  x0 = 2 * jnp.asarray(batch["image"], jnp.float32) / 16 - 1
  weights = run.weights, run.state
  path = run.model.parts["path"](*weights, NOISE_LEVELS)

  def term(i):
    t, s = path.at(i), path.at(i + 1)
    x_t = diffuse(x0, jax.random.normal(jax.random.key(i), x0.shape), t)
    x0_hat = jnp.clip(run.model.parts["denoise"](*weights, x_t, t, {}), -1, 1)
    error = ((x0 - x0_hat) ** 2).sum((1, 2, 3)).mean()
    return elbo_weight(s, t) * t.snr * error

  nats = jit(lambda: jax.lax.map(term, jnp.arange(NOISE_LEVELS - 1)))()
  noise = -path.log_snr[:-1] / 2
  return noise[1:-1], nats[1:] / (noise[1:-1] - noise[2:])


def lesson(smoke):
  n = 100 if smoke else 1000
  results, grids, curves, bits = {}, [], {}, {}
  for name, changes in OBJECTIVES.items():
    changes = {"model.prediction": "eps", "train.steps": 2 if smoke else 1000} | changes
    run, dataset = trained("ddpm_digits", smoke, **changes)
    test = dict(dataset.splits["test"])
    bits[name] = run.log_prob(test, k=2 if smoke else 199) / (-64 * np.log(2))
    samples = draw(run, dataset, n, sampler="ddim", steps=50)
    quality = measured(samples, dataset)
    few = measured(run, dataset, n, sampler="ancestral", steps=2 if smoke else FEW)
    results[name] = {"bits/dim, at most": mean_and_error(bits[name])}
    if name != "L_simple":
      more = bits[name] - bits["L_simple"]
      results[name]["more than L_simple, image by image"] = mean_and_error(more)
    results[name] |= {k: quality[k] for k in ("fid", "precision", "recall")}
    results[name][f"fid, {FEW} ancestral steps"] = few["fid"]
    grids.append(grid(samples["image"][:36], 17, 6))
    curves[name] = bound_terms(run, test)

  def paint(ax):
    for name, (noise, nats) in curves.items():
      ax.plot(noise, nats, "o-", label=name)
    ax.set(xlabel="log(sigma / alpha)", ylabel="nats of the bound per unit")
    ax.legend()

  caption = (
    "The bound by noise level, on test digits: the area under a curve is the sum of its KL terms "
    "with the fixed variance. There L_hybrid has the objective L_simple."
  )
  return results, [(plot(paint), caption), (beside(*grids), f"Samples: {', '.join(OBJECTIVES)}.")]
