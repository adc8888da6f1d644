"""Truncation trades variety for fidelity: the nearer z to 0, the more typical and the more alike.

Deck B has BigGAN on its timeline. The generator is trained on all of N(0, I); samples may take z
from what is left of it where every |z_i| is below a bound (Brock 2018, arXiv:1809.11096, section
3.1). biggan_digits is sampled at several bounds: "agreement" is how often a classifier reads the
class that was asked for, recall how much of the test digits is near a sample. Without a bound, and
with the bounds 1.2, 0.8, 0.5 and 0.1, recall is 0.61, 0.37, 0.19, 0.05 and 0.00, the agreement
0.991, 0.999 and then 1, and FID 0.09, 0.17, 0.29, 0.50 and 0.99. Precision is highest at 0.8, by
0.96 to 0.92.

Verdict: holds: at the bound 0.8 all classes are right, and two thirds of the variety is gone.
"""

import math

from experiments.lessons._runs import measured, run_of
from genjax_zoo.figures.common import held_out
from genjax_zoo.figures.mapping import truncations
from genjax_zoo.figures.pictures import plot

CONFIG = "biggan_digits"
BOUNDS = math.inf, 1.2, 0.8, 0.5, 0.1
MEASURES = "fid", "agreement", "precision", "recall"


def lesson(smoke):
  run, dataset = run_of(CONFIG, smoke)
  results = {}
  for bound in BOUNDS:
    found = measured(run, dataset, 100 if smoke else 2000, truncation=bound)
    results[f"{bound:g}"] = {name: found[name] for name in MEASURES}

  def curve(ax):
    rows = list(results.values())
    ax.plot([r["recall"] for r in rows], [r["agreement"] for r in rows], marker="o")
    for bound, row in results.items():
      ax.annotate(f" {bound}", (row["recall"], row["agreement"]))
    ax.set(xlabel="recall", ylabel="agreement with the class asked for")

  picture, caption = truncations(run, dataset, held_out(run, dataset), None)
  return results, [(plot(curve), "A point for each bound of |z_i|."), (picture, caption)]
