"""A flow of Fashion-MNIST gives MNIST higher likelihood: log p alone detects no outliers.

Glow is trained on Fashion-MNIST and evaluates log p of test images of MNIST (Nalisnick 2019,
arXiv:1810.09136). A density is high where neighbouring pixels predict each other, as in the black
around a digit: digits cost it 2.8 bits/dim, clothes 4.4. The size of an image as a PNG file
measures its simplicity; -log p minus that size, the score of Serrà 2020 (arXiv:1909.11480), says
whether the flow knows more than a file format. Reported is the AUROC of out-of-distribution
detection against test images of Fashion-MNIST; 0.5 is chance. For digits it is 0.06 by -log p and
0.97 by the other score; noise and constant images are detected by both.

It needs tfds:fashion_mnist and tfds:mnist.

Verdict: holds: an AUROC of 0.06 by log p, 0.97 less the size of a PNG file.
"""

import io
import math

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from experiments.lessons._runs import trained
from genjax_zoo import data
from genjax_zoo.data import take
from genjax_zoo.figures.pictures import beside, grid, plot

SCORES = "-log p", "-log p - PNG"
IN_DISTRIBUTION, OUT_OF_DISTRIBUTION = "tfds:fashion_mnist", "tfds:mnist"
CHANGES = {"model.depth": 4, "model.width": 32, "train.steps": 600}
SIZE = 28
PLOTTED = "clothes", "digits", "one gray"


def png_bits(images) -> np.ndarray:
  """The bits of each gray image [N, H, W, 1] as a PNG file."""

  def bits(image):
    file = io.BytesIO()
    Image.fromarray(image[..., 0]).save(file, format="PNG", optimize=True)
    return 8 * len(file.getvalue())

  return np.array([bits(image) for image in images])


def scores(run, images) -> dict:
  """{score: bits/dim [N]} of images."""
  parts = np.array_split(images, max(1, len(images) // 500))
  nats = np.concatenate([run.log_prob({"image": part}) for part in parts])
  bits = -nats / math.log(2)
  return dict(zip(SCORES, (bits / SIZE**2, (bits - png_bits(images)) / SIZE**2)))


def lesson(smoke):
  n = 100 if smoke else 2000
  digits = data.load(OUT_OF_DISTRIBUTION)
  rng = np.random.default_rng(0)
  changes = {"data.name": IN_DISTRIBUTION} | ({} if smoke else CHANGES)
  run, clothes = trained("glow_digits", smoke, **changes)
  test_images = lambda dataset: take(dataset.splits["test"], np.arange(n))["image"]
  shape = n, SIZE, SIZE, 1
  gray = np.broadcast_to(rng.integers(256, size=(n, 1, 1, 1)), shape).astype(np.uint8)
  images = {
    "clothes": test_images(clothes),
    "digits": test_images(digits),
    "one gray": gray,
    "noise": rng.integers(256, size=shape).astype(np.uint8),
  }
  found = {name: scores(run, x) for name, x in images.items()}
  is_outlier = np.repeat([0, 1], n)
  results = {"bits/dim": {}, "AUROC, against clothes": {}}
  for name, score in found.items():
    results["bits/dim"][name] = {k: float(v.mean()) for k, v in score.items()}
    if name != "clothes":
      results["AUROC, against clothes"][name] = {
        k: float(roc_auc_score(is_outlier, np.r_[found["clothes"][k], v])) for k, v in score.items()
      }
  return results, [
    (histograms(found), "-log p of images, and how much it exceeds the size of a PNG file."),
    (
      extremes(images, found),
      "The most likely clothes and digits on the left, the least likely on the right.",
    ),
  ]


def histograms(found):
  """The distribution of both scores."""

  def paint(*axes):
    for ax, k in zip(axes, SCORES):
      edges = np.percentile([found[name][k] for name in PLOTTED], [0.5, 99.5])
      bins = np.linspace(*edges, 60)
      for name in PLOTTED:
        ax.hist(found[name][k], bins, density=True, histtype="step", label=name)
      ax.set(xlabel=f"{k}, bits/dim", ylabel="density")
      ax.legend()

  return plot(paint, 2)


def extremes(images, found):
  """The 48 most and the 48 least likely images of clothes and digits."""
  both = np.concatenate([images["clothes"], images["digits"]])
  order = np.argsort(np.concatenate([found[k]["-log p"] for k in ("clothes", "digits")]))
  rows = order[:48], order[-48:][::-1]
  return beside(*(grid(both[r], 256, 8) for r in rows))
