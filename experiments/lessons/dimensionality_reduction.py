"""An autoencoder keeps more of an image in two numbers than PCA does; t-SNE keeps neighbours, and
nothing else.

Deck C introduces autoencoders as reduction of dimension. PCA is the best linear one, and an
autoencoder without nonlinearities finds the same plane; t-SNE places the examples themselves, and
can neither place a new one nor decode. Accuracy is that of the label of most of the 5 nearest
training points: in two dimensions 0.84 of the autoencoder, 0.64 of PCA and 0.98 of t-SNE, as of the
pixels. The autoencoder's squared error is 0.6 of PCA's in 2 dimensions, 0.46 in 8.
"""

from pathlib import Path
import tempfile

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot


def lesson(smoke):
  numbers, planes = {}, {}

  def note(name, train, test, restored=None):
    found = {
      "accuracy of neighbours": KNeighborsClassifier(5)
      .fit(train, y["train"])
      .score(test, y["test"])
    }
    if restored is not None:
      found["squared error a pixel"] = float(((restored - x["test"]) ** 2).mean())
    numbers[name] = {k: float(v) for k, v in found.items()}
    if test.shape[1] == 2:
      planes[name] = test

  for dim in (2, 8):
    with tempfile.TemporaryDirectory() as folder:
      run, dataset = trained(
        "autoencoder_digits", Path(folder) / "run", smoke, **{"model.latent": dim}
      )
    splits = {
      k: {name: v[:200] if smoke else v for name, v in s.items()} for k, s in dataset.splits.items()
    }
    x = {k: s["image"].reshape(len(s["image"]), -1) / 16 for k, s in splits.items()}
    y = {k: s["label"] for k, s in splits.items()}
    z = {k: run.encode({"image": s["image"]})["z"] for k, s in splits.items()}
    restored = run.model.parts["mean"](run.weights, run.state, {"z": z["test"]})
    note(
      f"autoencoder, {dim}", z["train"], z["test"], np.asarray(restored).reshape(x["test"].shape)
    )
    pca = PCA(dim).fit(x["train"])
    low = {k: pca.transform(v) for k, v in x.items()}
    note(f"PCA, {dim}", low["train"], low["test"], pca.inverse_transform(low["test"]))
  # It can't place new ones.
  placed = TSNE(2, random_state=0).fit_transform(np.concatenate([x["train"], x["test"]]))
  note("t-SNE, 2", *np.split(placed, [len(x["train"])]))
  note("pixels, 64", x["train"], x["test"])

  def paint(*axes):
    for ax, (name, z) in zip(axes, planes.items()):
      dots = ax.scatter(*z.T, c=y["test"], cmap="tab10", s=8)
      ax.set(title=name, xticks=[], yticks=[])
    axes[-1].legend(
      *dots.legend_elements(), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
    )

  return numbers, [
    (plot(paint, len(planes), 4), "Test digits in two dimensions, a colour for each class.")
  ]
