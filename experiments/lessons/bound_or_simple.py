"""The bound L and its cousin L_simple want different things: fewer bits a dimension, or better samples.

The decks' table (B; Ho 2020, arXiv:2006.11239, tables 1 and 2) has 3.70 bits/dim and an FID of 13.5 on CIFAR-10 for a
model of eps trained by L, 3.75 and 3.17 by L_simple. Here both are trained alike on digits, for 1,000 steps, as
configs/ddpm_digits.py but of eps. The terms of the bound are shown by the level of noise.

At this length L wins nothing (seed 0): 2.90 bits/dim at most and an FID of 0.42, L_simple 2.72 and 0.15. Its weights
differ by orders of magnitude between levels, and so its gradients are noisy even with t drawn by importance: what
Nichol & Dhariwal (2021, arXiv:2102.09672) saw too. The worse samples are as the table says; the bits need longer runs.
"""

from pathlib import Path
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import measured, trained
from genjax_zoo.pictures import beside, grid, plot
from genjax_zoo.prob.processes import diffuse, elbo_weight
from genjax_zoo.quality import draw
from genjax_zoo.sharding import jit

LEVELS = 40
GAMES = {"L_simple": "simple", "L": "bound"}


def terms(run, batch):
  """(log(sigma / alpha), nats per unit of it), each [LEVELS - 2], of the KL terms of the bound along a path."""
  x0 = 2 * jnp.asarray(batch["image"], jnp.float32) / 16 - 1
  along = run.model.parts["path"](LEVELS)

  def one(i):
    t, s = along.at(i), along.at(i + 1)
    eps = jax.random.normal(jax.random.key(i), x0.shape)
    x0_hat = jnp.clip(run.model.parts["denoise"](run.weights, run.state, diffuse(x0, eps, t), t, None), -1, 1)
    return elbo_weight(s, t) * t.snr * ((x0 - x0_hat) ** 2).sum((1, 2, 3)).mean()

  nats = jit(lambda: jax.lax.map(one, jnp.arange(LEVELS - 1)))()
  noise = -along.log_snr[:-1] / 2
  return noise[1:-1], nats[1:] / (noise[1:-1] - noise[2:])


def lesson(smoke):
  numbers, shown, curves, n = {}, [], {}, 100 if smoke else 1000
  for name, objective in GAMES.items():
    changes = {"model.prediction": "eps", "model.objective": objective, "train.steps": 2 if smoke else 1000}
    with tempfile.TemporaryDirectory() as folder:
      run, dataset = trained("ddpm_digits", Path(folder) / "run", smoke, **changes)
      test = dict(dataset.splits["test"])
      nats = run.log_prob(test, k=2 if smoke else 199)
      samples = draw(run, dataset, n, sampler="ddim", steps=50)
      quality = measured(samples, dataset)
      bits = -nats / (64 * np.log(2))
      numbers[name] = {"bits/dim, at most": float(bits.mean()), "standard error": float(bits.std() / len(bits) ** 0.5)}
      numbers[name] |= {k: quality[k] for k in ("fid", "precision", "recall")}
      shown.append(grid(samples["image"][:36], 17, 6))
      curves[name] = terms(run, test)

  def paint(ax):
    for name, (noise, nats) in curves.items():
      ax.plot(noise, nats, "o-", label=name)
    ax.set(xlabel="log(sigma / alpha)", ylabel="nats of the bound per unit")
    ax.legend()

  caption = "Where the bound is spent, on test digits: the area under a curve is its KL terms."
  return numbers, [(plot(paint), caption), (beside(*shown), f"Samples: {', '.join(GAMES)}.")]
