"""Ways to steer a generator differ in control, fluency, diversity, parameters and time: one table.

Restaurant reviews, bad and good. A frozen language model is steered by a prompt (Lester 2021), a
prefix (Li & Liang 2021), edits of its activations (LoReFT, Wu 2024) and a classifier's gradients
(PPLM, Dathathri 2019); a control token with guidance and a controlled VAE (Hu 2017) are trained
with labels. Each is measured at three strengths, over three seeds, on 1,000 sentences: "both" is
the share that is grammatical and of the style asked for, "nll" is under the model without a style.

The frozen model has 0.48. The control token has 0.98, and guidance of 1.5 raises the style from
0.990 to 0.996 and lowers distinct sentences from 0.85 to 0.83; 3 lowers them to 0.74 and costs
grammar. The VAE has 0.88; its transfers are all in the other style, with 0.97 of the content. A
low-rank edit of rank 4 has 0.92 with 1,032 numbers, 1 % of the model's; a prefix of one key and
value a head 0.86; gradients 0.93, at 40 times the time. Prompts of 1, 5 and 20 vectors have 0.58,
0.68 and 0.74: their keys and values pass the model's layer norm, and a prefix's do not.

All of these need words that are written by the vectors that they are read by. With a last layer of
its own the model knows no direction from bad to good: what stands before tasty and bland is the
same. A rank of 4 then had 0.81, gradients 0.69 and prompts 0.51.

The difference of means breaks the grammar, 0.55 at 30, before it steers, 0.55 style: it is no
cause of a style. Half of the contents are in bad training sentences alone, half in good ones, so it
is of contents too: its cosine with the difference over the same contents in both styles is 0.78.

Of digits, "agreement" is with the label as a classifier sees it, "recall" is diversity (one seed).
Guidance goes from 0.973 and 0.92 to 1.0 and 0.48, the VAE at a lower temperature likewise; a
classifier of noisy digits has 0.78 at scale 1, 0.95 at 2 and 0.99 at 4. Prompts of 1, 5 and 20
vectors before the codes have 0.28, 0.47 and 0.61. Edits of the middle of a frozen U-Net reach 0.41,
for much passes it by the skip connections.

Verdict: training with labels controls best; of a frozen model, low-rank edits for their size.
"""

from pathlib import Path
import tempfile

import jax
import numpy as np

from experiments.lessons._control import (
  DIFFERENCE,
  EDIT,
  IMAGES,
  LANGUAGE,
  SENTENCES,
  Point,
  measure_images,
  measure_sentences,
  run_of,
  transfer,
)
from genjax_zoo.data.reviews import probabilities
from genjax_zoo.figures.pictures import plot

SEEDS = 0, 1, 2
SAMPLES = 1000


def lesson(smoke):
  if not smoke:
    return study(Path("runs/control"), SENTENCES, IMAGES, SEEDS, SAMPLES)
  quick = {"nothing", "control token, guided", "low-rank edit, rank", "classifier gradients"}
  rows = {name: points[:1] for name, points in SENTENCES.items() if name in quick}
  with tempfile.TemporaryDirectory() as folder:
    return study(Path(folder), rows, {}, SEEDS[:1], 40, smoke=True)


def study(folder: Path, sentences, images, seeds, n: int, smoke: bool = False):
  """The results and pictures of the rows of both tables, from runs in `folder`."""
  found = {name: {} for name in sentences}
  others = []
  for seed in seeds:
    place = folder / f"seed_{seed}"
    judge, dataset = run_of(place, Point("", LANGUAGE), seed, smoke)
    for name, points in sentences.items():
      for point in points:
        run, _ = run_of(place, point, seed, smoke)
        measures = measure_sentences(run, dataset, point.options, n, judge)
        found[name].setdefault(point.strength, []).append(measures)
    others.append(other_measures(place, judge, dataset, seed, smoke))
  results = {
    "sentences": {name: means_of(points) for name, points in found.items()},
    **averaged(others),
  }
  pictures = [(curves(results["sentences"], "distinct", "both"), SENTENCES_CAPTION)]
  if images:
    results["digits"] = {}
    for name, points in images.items():
      rows = [(point, run_of(folder / "images", point, 0, smoke)) for point in points]
      results["digits"][name] = {
        point.strength or "0": measure_images(run, data, point.options, n)
        for point, (run, data) in rows
      }
    pictures.append((curves(results["digits"], "recall", "agreement"), IMAGES_CAPTION))
  return results, pictures


SENTENCES_CAPTION = (
  "Sentences: a line is a method, its dots three strengths; the share with the right style and "
  "grammar against the share of distinct sentences."
)
IMAGES_CAPTION = (
  "Digits: agreement with the label, as a classifier sees it, against recall, at three strengths."
)


def means_of(points: dict) -> dict:
  """{strength: {measure: mean over seeds}}, with the standard deviation of "both"."""
  found = {}
  for strength, of_seeds in points.items():
    mean = {k: float(np.mean([x[k] for x in of_seeds])) for k in of_seeds[0]}
    found[strength or "0"] = mean | {"both, sd": float(np.std([x["both"] for x in of_seeds]))}
  return found


def averaged(trees: list[dict]) -> dict:
  """The means of nested dicts of numbers."""
  return jax.tree.map(lambda *x: float(np.mean(x)), *trees)


def other_measures(place: Path, judge, dataset, seed: int, smoke: bool) -> dict:
  """Perplexity against the grammar, what the means differ in, and transfers."""
  test = dataset.splits["test"]
  nats, words = judge.evaluate(test)["nats_per_token"]
  known = dataset.truth["language"]
  p = probabilities(known)
  length = np.minimum((known.tokens > 0).sum(1) + 1, known.tokens.shape[1])
  found = {
    "nats a token": {
      "language model, test": float(nats.sum() / words.sum()),
      "entropy of the grammar": dataset.truth["entropy"] / float((p * length).sum()),
    },
    "cosine of differences of means": same_contents(place, dataset, seed, smoke),
  }
  if not smoke:
    vae, _ = run_of(place, Point("", "controlled_vae_reviews"), seed, smoke)
    found["transfers of the controlled VAE"] = transfer(vae, dataset)
  return found


def same_contents(place: Path, dataset, seed: int, smoke: bool) -> float:
  """The cosine of the difference of means in training and that of pairs of the same contents.

  The pairs are all sentences of the grammar, so that contents are the same in both styles.
  """
  run, _ = run_of(place, Point("", EDIT, DIFFERENCE), seed, smoke)
  known = dataset.truth["language"]
  batch = {"tokens": known.tokens, "label": known.slots["style"]}
  frozen = run.state["frozen"]
  pairs, _ = run.model.init(jax.random.key(0), batch, frozen)
  a, b = (np.asarray(v)[1] - np.asarray(v)[0] for v in (run.weights["vector"], pairs["vector"]))
  return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def curves(rows: dict, x: str, y: str):
  """A line for each method, a dot for each strength."""

  def paint(ax):
    for i, (name, points) in enumerate(rows.items()):
      values = [[point[k] for point in points.values()] for k in (x, y)]
      ax.plot(*values, marker="osD^v<>Ph"[i % 9], label=name)
    ax.set(xlabel=x, ylabel=y)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7, loc="lower left")

  return plot(paint, size=6)
