"""Where the input does not say it all, L1 alone paints a compromise; a critic of pairs decides.

Deck C shows pix2pix, "L1 loss in addition" to a conditional GAN. In this lesson an outline is to be
filled with one of six colours, which it does not say. The best answer for L1 is the median of all
colours in each channel, a dark gray that no target has. pix2pix_outlines is trained with the critic
and without, and compared with the target of the nearest outline among the training pairs.

Of 1,000 outlines L1 alone fills with 0.06 of the saturation of real ones, at the lower L1 (0.016 of
the gray levels; after 1,500 updates), and the critic with 0.83, at 0.020; the patches' distance
from real ones is 0.026 and 0.012. A fill is of one of the six colours in none and in 0.57. The
target of the nearest training outline has real colours, and an L1 of 0.019.

Verdict: holds: 0.83 of the saturation with a critic for 0.06, at a larger L1.
"""

import numpy as np

from experiments.lessons._runs import run_of, trained
from genjax_zoo.figures.pictures import grid
from genjax_zoo.metrics import quality
from genjax_zoo.metrics.judged import judged

CONFIG = "pix2pix_outlines"
COLUMNS = 16


def nearest_targets(train: dict, images) -> np.ndarray:
  """The targets of the training images nearest to images [N, H, W, C], by squared distance."""
  flat = lambda x: x.reshape(len(x), -1).astype(np.float32)
  known = flat(train["image"])
  distances = (known**2).sum(1)[:, None] - 2 * known @ flat(images).T  # Less |x|² of the image.
  return train["target"][distances.argmin(0)]


def mean_error(samples: dict, test: dict) -> float:
  """The mean absolute difference from the targets, in units of the range of gray levels."""
  difference = samples["target"] - test["target"].astype(np.float64)
  return float(np.abs(difference).mean() / 255)


def lesson(smoke):
  n = 50 if smoke else 1000
  translations = {}
  runs = {
    "L1 alone": trained(CONFIG, smoke, **{"model.adversarial": 0.0}),
    "L1 and critic": run_of(CONFIG, smoke),
  }
  for name, (run, dataset) in runs.items():
    translations[name] = quality.draw(run, dataset, n)
  rows = np.arange(n) % len(dataset.splits["test"]["image"])
  test = quality.examples(dataset, "test", rows)
  given = {"image": test["image"]}
  nearest = nearest_targets(dataset.splits["train"], test["image"])
  translations["nearest pair"] = given | {"target": nearest}
  results = {}
  for name, samples in translations.items():
    found = judged(samples, dataset, {"image": dataset.fields["image"]})
    results[name] = {"L1": mean_error(samples, test)} | found["samples"]
    results[name]["saturation of real"] = (
      found["samples"]["saturation"] / found["real"]["saturation"]
    )
  results["real"] = found["real"]
  shown = [test["image"], *(x["target"] for x in translations.values()), test["target"]]
  picture = grid(np.concatenate([x[:COLUMNS] for x in shown]), 256, columns=COLUMNS)
  return results, [(picture, f"Row by row: outlines, {', '.join(translations)}, true targets.")]
