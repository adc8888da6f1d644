"""A transformer of vertices comes close to the entropy of meshes, where that can be counted.

PolyGen's likelihood (Nash et al. 2020) is exact, so that -log p of test meshes can be compared with
what no model can beat: the entropy of the data. Of boxes with random sides it is counted over
quantized boxes that are drawn anew; the family of a mesh adds log2 8 = 3 bits. The model is that of
polygen_vertices_meshes, which learned from 4,000 meshes of eight families, and no test mesh is
among these.

Verdict: holds: 1.76 bits a vertex of test boxes, where the entropy is 1.68.
"""

from collections import Counter

import jax
import numpy as np

from experiments.lessons._runs import run_of
from genjax_zoo.data.dataset import take
from genjax_zoo.data.mesh_tokens import quantize
from genjax_zoo.data.solids import FLAT, random_box
from genjax_zoo.figures.pictures import plot
from genjax_zoo.sharding import jit

BOXES = 40_000


def entropy_of_boxes(levels: int, n: int) -> float:
  """Bits a vertex of quantized random boxes, by counts of n of them."""
  rng = np.random.default_rng(0)
  boxes = (quantize(random_box(rng), levels).vertices for _ in range(n))
  counts = np.array([*Counter(box.tobytes() for box in boxes).values()])
  bits = -(counts / n) @ np.log2(counts / n)
  # A count of finitely many is too low, by Miller's estimate (K - 1) / 2n nats.
  bits += (len(counts) - 1) / (2 * n * np.log(2))
  return float(bits + np.log2(len(FLAT))) / 8


def bits_of_families(run, test) -> dict[str, float]:
  """Bits a vertex of test meshes, by family: a ratio of sums."""
  log_prob = jit(lambda batch: run.model.log_prob(run.weights, run.state, batch, jax.random.key(0)))
  found = {}
  for i, family in enumerate(FLAT):
    batch = take(test, np.flatnonzero(test["label"] == i))
    found[family] = float(-log_prob(batch).sum() / np.log(2) / batch["vertices_mask"].sum())
  return found


def lesson(smoke):
  name = "polygen_vertices_meshes"
  run, dataset = run_of(name, smoke)
  levels = dataset.fields["vertices"].num_values
  bits = bits_of_families(run, dataset.splits["test"])
  entropy = entropy_of_boxes(levels, 500 if smoke else BOXES)
  results = {"bits a vertex": bits, "entropy of boxes": entropy, "above": bits["box"] - entropy}

  def paint(ax):
    ax.barh(list(bits), list(bits.values()))
    ax.vlines(entropy, -0.4, 0.4, color="black", label="entropy")
    ax.set(xlabel="bits a vertex")
    ax.invert_yaxis()
    ax.legend()

  return results, [(plot(paint), "Bits a vertex of test meshes, and the entropy of boxes.")]
