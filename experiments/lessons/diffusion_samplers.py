"""Samplers of one diffusion model trade steps for quality; guidance trades away diversity.

Decks B and C sample in as many steps as training has noise levels. But the same network serves any
sequence of noise levels: DDIM needs a tenth of the steps, solvers of order 2 fewer. What counts are
evaluations of the network, two a step for Heun's method, for correctors and for guidance. Guidance
(deck E) with scale s samples from about p(x) p(c | x)^s, normalised: the larger s, the surer a
classifier is of the label, and the fewer of the data's modes are covered.

The model is that of configs/ddpm_labels_digits.py, trained in this lesson, and that of
runs/ddpm_mnist too if it was trained. Classifier guidance is that of
configs/classifier_guidance_digits.py, whose diffusion model is unconditional.

On digits (seed 0) 10 evaluations of DPM-Solver++ give an FID of 0.065, 20 of DDIM 0.072 and 200 of
ancestral sampling 0.086; Langevin dynamics fails in 61. With guidance of scale 1.5 the classifier
agrees with all but 0.1 % of the labels, and recall falls from 0.91 to 0.78, with scale 4 to 0.39;
FID is best without guidance, at scale 1. With classifier guidance FID is best at scale 2, 0.076,
with 96 % of the labels and a recall of 0.92; at scale 1 it is 78 % of the labels.

Verdict: holds: 10 network calls do for 200; guidance costs recall.
"""

import numpy as np

from experiments.lessons._runs import finished_run, measured, trained
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.metrics.quality import draw

STEPS = {  # Of each sampler; None: as many as training has noise levels.
  "ancestral": (20, None),
  "ddim": (5, 10, 20, 50),
  "dpm_solver": (5, 10, 20),
  "dpm_solver_single": (6, 10, 20),
  "heun": (5, 10),
  "euler_maruyama": (50,),
  "predictor_corrector": (20,),
  "annealed_langevin": (20,),
  "renoise": (10,),
}
FEW = {"ancestral": (None,), "ddim": (10, 20), "dpm_solver": (5, 10), "heun": (5,)}
SMOKE = {"ddim": (2, 4)}
OPTIONS = {"annealed_langevin": {"repeats": 3}}
SCALES = 0.0, 1.0, 1.5, 2.0, 4.0
METRICS = "fid", "agreement", "precision", "recall", "coverage"
COLUMNS = 20


def by_steps(run, dataset, n, samplers):
  """{sampler: {steps: what was measured}}, without guidance."""
  found = {}
  for sampler, counts in samplers.items():
    found[sampler] = {}
    for count in counts:
      steps = count or run.config["model"]["T"]
      options = {"sampler": sampler, "steps": steps} | OPTIONS.get(sampler, {})
      quality = measured(run, dataset, n, **options)
      found[sampler][steps] = {
        "evaluations": run.model.calls(**options),
        "fid": quality["fid"],
        "agreement": quality["agreement"],
      }
  return found


def by_scale(run, dataset, n):
  """({scale: what was measured}, a list of images, one row of sorted labels a scale).

  Samples are drawn by 10 steps of DPM-Solver++.
  """
  found, images = {}, []
  for scale in SCALES:
    samples = draw(run, dataset, n, sampler="dpm_solver", steps=10, scale=scale)
    quality = measured(samples, dataset)
    found[scale] = {k: quality[k] for k in METRICS}
    order = samples["label"][:200].argsort(kind="stable")
    every = max(1, len(order) // COLUMNS)
    images += list(samples["image"][order[::every]][:COLUMNS])
  return found, images


def curves(steps, guidance):
  """A picture of `by_steps`, and of {kind of guidance: results of `by_scale`}."""

  def paint(quality, guided, balance):
    for sampler, points in steps.items():
      evaluations = [p["evaluations"] for p in points.values()]
      quality.plot(evaluations, [p["fid"] for p in points.values()], "o-", label=sampler)
    quality.set(xlabel="evaluations of the network", ylabel="FID", xscale="log", yscale="log")
    quality.legend(fontsize=6)

    for (kind, scales), style in zip(guidance.items(), ("o-", "o:")):
      values = {k: [found[k] for found in scales.values()] for k in METRICS}
      for i, k in enumerate(METRICS[1:]):
        label = k if style == "o-" else None
        guided.plot(SCALES, values[k], style, color=f"C{i}", label=label)
      balance.plot(values["agreement"], values["fid"], style, label=kind)
      for scale, *at in zip(SCALES, values["agreement"], values["fid"]):
        balance.annotate(f"{scale:g}", at)
    guided.set(xlabel="guidance scale")
    guided.legend(fontsize=7)
    balance.set(xlabel="agreement with the label", ylabel="FID", yscale="log")
    balance.legend(fontsize=7)

  return plot(paint, 3, 4)


def study(name, run, dataset, n, samplers, guided):
  """(results, pictures) of one model's samplers and {kind of guidance: run}."""
  steps = by_steps(run, dataset, n, samplers)
  guidance, images = {}, []
  for kind, run in guided.items():
    guidance[kind], more = by_scale(run, dataset, n)
    images += more
  results = {"samples": n, "steps": steps, "guidance": guidance}
  scales = ", ".join(map(str, SCALES))
  again = ", and again with classifier guidance" if len(guided) > 1 else ""
  num_values = dataset.fields["image"].num_values
  return results, [
    (
      curves(steps, guidance),
      f"{name}, {n:,} samples: FID by evaluations; metrics by guidance scale (dotted: classifier "
      "guidance); FID by agreement with the label.",
    ),
    (
      grid(np.stack(images), num_values, COLUMNS),
      f"{name}: samples sorted by label, from top to bottom with scale {scales}{again}.",
    ),
  ]


def lesson(smoke):
  n = 100 if smoke else 1000
  run, dataset = trained("ddpm_labels_digits", smoke)
  by_classifier, _ = trained("classifier_guidance_digits", smoke)
  guided = {"classifier-free": run, "of a classifier": by_classifier}
  results, pictures = {}, []
  results["digits"], pictures = study("digits", run, dataset, n, SMOKE if smoke else STEPS, guided)
  mnist = None if smoke else finished_run("ddpm_mnist")
  if mnist:
    run, dataset = mnist
    guided = {"classifier-free": run}
    results["MNIST"], more = study("MNIST", run, dataset, 2 * n, FEW, guided)
    pictures += more
  return results, pictures
