"""A flow of clothes finds digits likelier than clothes: a likelihood alone does not tell what is
strange.

Glow learns Fashion-MNIST and is asked for log p of test images of MNIST (Nalisnick 2019,
arXiv:1810.09136). A density is high where neighbouring pixels foretell each other, as in the black
around a digit: digits cost it 2.8 bits/dim, and clothes 4.4. What an image costs a PNG file tells
how simple it is, and -log p less that, the score of Serrà 2020 (arXiv:1909.11480), whether the flow
knows more than a file format does. The area under the ROC curve is how often a stranger has a
higher score than a test image of what was learnt: 1 finds all strangers, 1/2 is a coin. Of digits
it is 0.06 by -log p and 0.97 by the other score; noise and images of one gray are found by both.

It needs tfds:fashion_mnist and tfds:mnist.
"""

import io
import math
from pathlib import Path
import tempfile

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score

from experiments.lessons._runs import trained
from genjax_zoo import data
from genjax_zoo.data import take
from genjax_zoo.figures.pictures import beside, grid, plot

SCORES = "-log p", "-log p less PNG"
KNOWN, STRANGE = "tfds:fashion_mnist", "tfds:mnist"
CHANGES = {"data.name": KNOWN, "model.depth": 4, "model.width": 32, "train.steps": 600}


def png_bits(images) -> np.ndarray:
  """The bits of each gray image [N, H, W, 1] as a PNG file."""

  def bits(image):
    Image.fromarray(image[..., 0]).save(file := io.BytesIO(), format="PNG", optimize=True)
    return 8 * len(file.getvalue())

  return np.array([bits(image) for image in images])


def lesson(smoke):
  n = 100 if smoke else 2000
  strange, rng = data.load(STRANGE), np.random.default_rng(0)
  with tempfile.TemporaryDirectory() as folder:
    run, known = trained(
      "glow_digits", Path(folder), smoke, **{"data.name": KNOWN} if smoke else CHANGES
    )
  first = lambda dataset: take(dataset.splits["test"], np.arange(n))["image"]
  gray = np.broadcast_to(rng.integers(256, size=(n, 1, 1, 1)), (n, 28, 28, 1)).astype(np.uint8)
  noise = rng.integers(256, size=(n, 28, 28, 1)).astype(np.uint8)
  images = {"clothes": first(known), "digits": first(strange), "one gray": gray, "noise": noise}
  dim, score = 28 * 28, {}
  for name, x in images.items():
    nats = np.concatenate(
      [run.log_prob({"image": part}) for part in np.array_split(x, max(1, n // 500))]
    )
    bits = -nats / math.log(2)
    score[name] = dict(zip(SCORES, (bits / dim, (bits - png_bits(x)) / dim)))
  numbers = {
    "bits/dim": {
      name: {k: float(v.mean()) for k, v in found.items()} for name, found in score.items()
    }
  }
  truth = np.repeat([0, 1], n)
  numbers["area under ROC, against clothes"] = {
    name: {k: float(roc_auc_score(truth, np.r_[score["clothes"][k], v])) for k, v in found.items()}
    for name, found in score.items()
    if name != "clothes"
  }

  shown = {
    k: np.percentile([score[name][k] for name in ("clothes", "digits", "one gray")], [0.5, 99.5])
    for k in SCORES
  }

  def draw(*axes):
    for ax, k in zip(axes, SCORES):
      for name in "clothes", "digits", "one gray":
        ax.hist(
          score[name][k], np.linspace(*shown[k], 60), density=True, histtype="step", label=name
        )
      ax.set(xlabel=f"{k}, bits/dim", ylabel="share")
      ax.legend()

  both = np.concatenate([images["clothes"], images["digits"]])
  order = np.argsort(np.concatenate([score[k]["-log p"] for k in ("clothes", "digits")]))
  extremes = beside(*(grid(both[rows], 256, 8) for rows in (order[:48], order[-48:][::-1])))
  return numbers, [
    (plot(draw, 2), "What images cost the flow, and what they cost it beyond a PNG file."),
    (
      extremes,
      "Of clothes and digits, the likeliest on the left and the least likely on the right.",
    ),
  ]
