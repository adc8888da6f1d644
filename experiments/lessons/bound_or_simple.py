"""The bound is to give fewer bits, L_simple better samples; here L_simple gives both, and a learned
variance helps.

The decks' table (B; Ho 2020, arXiv:2006.11239, tables 1 and 2) has 3.70 bits/dim and an FID of 13.5
on CIFAR-10 for a model of eps trained by the bound L, 3.75 and 3.17 by L_simple. Deck C (line 708)
has the variance learned too, by L_hybrid (Nichol & Dhariwal 2021, arXiv:2102.09672). Here all are
trained alike on digits, for 1,000 steps, as configs/ddpm_digits.py but of eps. The terms of the
bound are shown by the level of noise.

At this length L wins nothing (seed 0): 2.90 bits/dim at most and an FID of 0.42, L_simple 2.72 and
0.15. Image by image that is 0.181 bits/dim more, with a standard error of 0.007. Its weights differ
by orders of magnitude between levels, and so its gradients are noisy even with t drawn by
importance: what Nichol & Dhariwal saw too. The worse samples are as the table says; the bits need
longer runs. L_hybrid's mean is that of L_simple, and so is its FID, 0.15; its variance saves 0.368
bits/dim, standard error 0.006, and in 20 steps of the reverse chain it gives 0.140, the fixed one
0.147.
"""

from pathlib import Path
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import measured, summary, trained
from genjax_zoo.figures.pictures import beside, grid, plot
from genjax_zoo.metrics.quality import draw
from genjax_zoo.prob.processes import diffuse, elbo_weight
from genjax_zoo.sharding import jit

LEVELS = 40
FEW = 20  # Steps of the reverse chain, where a good variance counts for more.
GAMES = {
  "L_simple": {"model.objective": "simple"},
  "L": {"model.objective": "bound"},
  "L_hybrid": {"model.objective": "hybrid", "model.variance": "learned"},
}


def terms(run, batch):
  """(log(sigma / alpha), nats per unit of it), each [LEVELS - 2], of the KL terms of the bound
  along a path.
  """
  x0 = 2 * jnp.asarray(batch["image"], jnp.float32) / 16 - 1
  along = run.model.parts["path"](LEVELS)

  def one(i):
    t, s = along.at(i), along.at(i + 1)
    eps = jax.random.normal(jax.random.key(i), x0.shape)
    x0_hat = jnp.clip(
      run.model.parts["denoise"](run.weights, run.state, diffuse(x0, eps, t), t, None), -1, 1
    )
    return elbo_weight(s, t) * t.snr * ((x0 - x0_hat) ** 2).sum((1, 2, 3)).mean()

  nats = jit(lambda: jax.lax.map(one, jnp.arange(LEVELS - 1)))()
  noise = -along.log_snr[:-1] / 2
  return noise[1:-1], nats[1:] / (noise[1:-1] - noise[2:])


def lesson(smoke):
  numbers, shown, curves, bits, n = {}, [], {}, {}, 100 if smoke else 1000
  for name, game in GAMES.items():
    changes = {"model.prediction": "eps", "train.steps": 2 if smoke else 1000} | game
    with tempfile.TemporaryDirectory() as folder:
      run, dataset = trained("ddpm_digits", Path(folder) / "run", smoke, **changes)
      test = dict(dataset.splits["test"])
      bits[name] = run.log_prob(test, k=2 if smoke else 199) / (-64 * np.log(2))
      samples = draw(run, dataset, n, sampler="ddim", steps=50)
      quality = measured(samples, dataset)
      numbers[name] = {"bits/dim, at most": summary(bits[name])}
      if name != "L_simple":
        numbers[name]["more than of L_simple, image by image"] = summary(
          bits[name] - bits["L_simple"]
        )
      numbers[name] |= {k: quality[k] for k in ("fid", "precision", "recall")}
      few = measured(run, dataset, n, sampler="ancestral", steps=2 if smoke else FEW)
      numbers[name][f"fid, {FEW} ancestral steps"] = few["fid"]
      shown.append(grid(samples["image"][:36], 17, 6))
      curves[name] = terms(run, test)

  def paint(ax):
    for name, (noise, nats) in curves.items():
      ax.plot(noise, nats, "o-", label=name)
    ax.set(xlabel="log(sigma / alpha)", ylabel="nats of the bound per unit")
    ax.legend()

  caption = (
    "Where the bound is spent, on test digits: the area under a curve is its KL terms, at the fixed variance. There "
    "L_hybrid is L_simple."
  )
  return numbers, [(plot(paint), caption), (beside(*shown), f"Samples: {', '.join(GAMES)}.")]
