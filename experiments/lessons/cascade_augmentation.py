"""Noise in the low resolution of a cascade's second stage hides the errors of the first one.

A second stage learns from true images of 8 x 8 pixels, and is given samples of a first one, whose
errors it has never seen. With noise conditioning augmentation (Ho 2021, arXiv:2106.15282) it has
seen noise of any amount up to 0.3, in [-1, 1], and is given how much; in sampling it gets some that
covers the errors. It and one that never saw noise enlarge true low resolutions and generated ones,
of all steps of the first stage and of few: the features of coloured shapes tell how far the results
are from test images, beside the words of captions, as the nearest of all images has them.

Verdict: a second stage that has never seen noise enlarges true low resolutions best, FID 0.50 and
all words right in 0.90 of 500, and generated ones at 2.32; those of a first stage of 5 steps, which
are worse, at 9.94. One that saw noise has 1.12, 1.31 and 1.52, given none: it has learned to
distrust what it is given, at the cost of words (0.60 of true ones). Of generated ones it has fewer
right, 0.30 for 0.42, though its images are nearer to images. Noise of 0.1 in sampling makes less of
a difference than another draw of samples does (FID 1.18 and 1.41), 0.3 raises FID to 1.86.
"""

import numpy as np

from experiments.lessons._runs import run_of, trained
from genjax_zoo.data import take
from genjax_zoo.figures.pictures import beside, grid, plot
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.frechet import fid
from genjax_zoo.metrics.quality import reference
from genjax_zoo.sample import given_of

BASE, UP = "text_diffusion_shapes8", "super_resolution_shapes"
AMOUNTS = 0.0, 0.1, 0.3
PLAIN = "never seen"  # The second stage without augmentation.
FEW = 5  # Steps that the first stage takes where it errs.
SHOWN = 24


def enlarged(up, tokens, low, **options):
  """Images that a second stage makes of low resolutions, given captions."""
  given = {"tokens": tokens, "low": low}
  own = {name: given[name] for name in up.model.given}
  return up.sample(len(low), given=own, **options)["image"]


def lesson(smoke):
  base, _ = run_of(BASE, smoke)
  up, dataset = run_of(UP, smoke)
  plain, _ = trained(UP, smoke, **{"model.augment": 0.0})
  n = min(200 if smoke else 500, len(dataset.splits["test"]["image"]))
  rows = take(dataset.splits["test"], np.arange(n))
  tokens = rows["tokens"]
  generated = lambda **options: base.sample(n, given={"tokens": tokens}, **options)["image"]
  lows = {
    "true": given_of(up, rows)["low"],
    "generated": generated(),
    "in few steps": generated(steps=FEW),
  }
  ways = {PLAIN: (plain, {})}
  for amount in AMOUNTS[:1] if smoke else AMOUNTS:
    ways[f"{amount:g}"] = up, {"augmentation": amount}
  features = choose("auto", dataset.name, dataset.fields)
  real = reference(dataset, features, "test")
  results, images = {}, {}
  for name, (model, options) in ways.items():
    results[name] = {}
    for source, low in lows.items():
      samples = {"image": enlarged(model, tokens, low, **options), "tokens": tokens}
      judged = dataset.judge(samples, {"tokens": tokens})
      results[name][source] = {
        "fid": fid(real, features.extract(samples)[0]),
        "all": float(judged["all"].mean()),
        "rmse": float(judged["rmse"].mean()),
      }
      images[name, source] = samples["image"][:SHOWN]

  def curves(*axes):
    for ax, measure in zip(axes, ("fid", "all", "rmse")):
      for source in lows:
        ax.plot([*ways], [results[way][source][measure] for way in ways], "o-", label=source)
      ax.set(title=measure, xlabel="noise in the low resolution", ylim=(0, None))
      ax.legend(fontsize=7)

  first, *_, last = ways
  shown = [grid(images[way, "in few steps"], 256, 4) for way in (first, last)]
  return results, [
    (plot(curves, 3, 3.5), "Of true and of generated low resolutions: FID, words, distance."),
    (
      beside(*shown),
      f"Those of few steps, enlarged: left, where noise was never seen, right, with {last}.",
    ),
  ]
