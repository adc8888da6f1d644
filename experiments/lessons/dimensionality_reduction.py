"""In two dimensions an autoencoder preserves more than PCA; t-SNE preserves neighbours only.

Deck C introduces autoencoders as dimensionality reduction. PCA is the best linear one, and an
autoencoder without nonlinearities finds the same plane; t-SNE places the examples themselves, and
can neither place a new one nor decode. Accuracy is that of 5-nearest-neighbour classification: in
two dimensions 0.84 for the autoencoder, 0.64 for PCA and 0.98 for t-SNE, as for the pixels
themselves. The autoencoder's squared error is 0.6 of PCA's in 2 dimensions, 0.46 in 8.

Verdict: holds: neighbours classify 0.84 right in the autoencoder's plane, 0.64 in PCA's.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot


def lesson(smoke):
  results, planes = {}, {}

  def score(name, train, test, restored=None):
    """Adds the results of codes [N, D] of the training and the test images."""
    classifier = KNeighborsClassifier(5).fit(train, y["train"])
    results[name] = {"accuracy of neighbours": float(classifier.score(test, y["test"]))}
    if restored is not None:
      error = ((restored - x["test"]) ** 2).mean()
      results[name]["squared error per pixel"] = float(error)
    if test.shape[1] == 2:
      planes[name] = test

  for dim in (2, 8):
    run, dataset = trained("autoencoder_digits", smoke, **{"model.latent": dim})
    splits = {k: first(s, 200) if smoke else s for k, s in dataset.splits.items()}
    x = {k: s["image"].reshape(len(s["image"]), -1) / 16 for k, s in splits.items()}
    y = {k: s["label"] for k, s in splits.items()}
    z = {k: run.encode({"image": s["image"]})["z"] for k, s in splits.items()}
    restored = run.model.parts["mean"](run.weights, run.state, {"z": z["test"]})
    restored = np.asarray(restored).reshape(x["test"].shape)
    score(f"autoencoder, {dim}", z["train"], z["test"], restored)
    pca = PCA(dim).fit(x["train"])
    codes = {k: pca.transform(v) for k, v in x.items()}
    restored = pca.inverse_transform(codes["test"])
    score(f"PCA, {dim}", codes["train"], codes["test"], restored)
  # t-SNE can't place new examples: it gets the test images too.
  placed = TSNE(2, random_state=0).fit_transform(np.concatenate([x["train"], x["test"]]))
  score("t-SNE, 2", *np.split(placed, [len(x["train"])]))
  score("pixels, 64", x["train"], x["test"])

  def paint(*axes):
    for ax, (name, codes) in zip(axes, planes.items()):
      dots = ax.scatter(*codes.T, c=y["test"], cmap="tab10", s=8)
      ax.set(title=name, xticks=[], yticks=[])
    axes[-1].legend(
      *dots.legend_elements(), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
    )

  caption = "Test digits in two dimensions, a colour for each class."
  return results, [(plot(paint, len(planes), 4), caption)]


def first(split, n):
  """The first n examples of a split."""
  return {name: x[:n] for name, x in split.items()}
