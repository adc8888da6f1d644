"""Guidance without a classifier is better than guidance by CLIP.

One diffusion model of coloured shapes, trained with captions that were left out now and then, is
guided in two ways at several scales: between its samples with a caption and without, and without
its captions by the gradient of a CLIP of noisy images; in GLIDE, which found the same, the model
reads the caption in both. Agreement is that of each word, as the nearest of all 18,432 images reads
it; "rmse", in [0, 1], is the distance from that image: samples that please CLIP need not look like
any.

Verdict: without a classifier, and unguided, all words are right in 0.38 of 250 samples, 0.04 from
the nearest image; CLIP needs a scale of 8 for 0.15, 0.12 from it. Its agreement rises with the
scale, of colour from 0.52 to 0.82, of size from 0.51 to 0.75, and its samples are blocks of colour
about the right place. Guidance without a classifier makes small shapes large (size 0.58 at 8), and
stays nearer to images at every scale.
"""

import numpy as np

from experiments.lessons._runs import run_of
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.metrics.judged import means
from genjax_zoo.metrics.quality import draw

CONFIGS = {"classifier-free": "text_diffusion_shapes16", "CLIP": "clip_guidance_shapes"}
SCALES = 1.0, 2.0, 4.0, 8.0
STEPS = 20
COLUMNS = 12


def lesson(smoke):
  n = 20 if smoke else 250
  results, images = {}, {}
  for name, config in CONFIGS.items():
    run, dataset = run_of(config, smoke)
    results[name] = {}
    for scale in SCALES:
      samples = draw(run, dataset, n, sampler="ddim", steps=STEPS, scale=scale)
      judged = dataset.judge(samples, {"tokens": samples["tokens"]})
      results[name][scale] = means(judged)
      images[name, scale] = samples["image"]

  def curves(agreement, distance):
    for name, found in results.items():
      agreement.plot(SCALES, [found[s]["all"] for s in SCALES], "o-", label=f"{name}: all words")
      agreement.plot(SCALES, [found[s]["colour"] for s in SCALES], "x--", label=f"{name}: colour")
      distance.plot(SCALES, [found[s]["rmse"] for s in SCALES], "o-", label=name)
    agreement.set(xlabel="scale", ylabel="agreement", xscale="log", ylim=(0, 1))
    distance.set(xlabel="scale", ylabel="rmse", xscale="log", ylim=(0, None))
    for ax in (agreement, distance):
      ax.legend(fontsize=7)

  shown = [(name, scale) for name in CONFIGS for scale in SCALES[::2]]
  values = dataset.fields["image"].num_values
  rows = np.concatenate([images[key][:COLUMNS] for key in shown])
  return results, [
    (plot(curves, 2, 3.5), "Agreement with the caption, and the distance to the nearest image."),
    (
      grid(rows, values, columns=COLUMNS),
      f"Samples of the same captions, row by row: {', '.join(f'{a} {s:g}' for a, s in shown)}.",
    ),
  ]
