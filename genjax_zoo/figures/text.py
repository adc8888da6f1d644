"""Sentences as pictures."""

import numpy as np

from genjax_zoo.data.factors import captions
from genjax_zoo.figures.pictures import plot

SHOWN = 8


def lines(texts) -> np.ndarray:
  """Lines of text, one below the other, as a picture."""

  def paint(ax):
    for i, text in enumerate(texts):
      ax.text(0, -i, text, family="monospace", fontsize=10, va="top")
    ax.set(xlim=(0, 1), ylim=(-len(texts), 0.5))
    ax.axis("off")

  return plot(paint, size=max(7, 0.22 * len(texts)))


def grouped(vocabulary, *tokens) -> list[str]:
  """The first sentences of all of `tokens` [B, L], "", the second ones, and so on."""
  return [
    text for group in zip(*(captions(vocabulary, t) for t in tokens)) for text in (*group, "")
  ]


def transfers(run, dataset, test, encoded):
  """Test sentences, what is decoded from their latents, and what is in the other style."""
  language = dataset.truth.get("language")
  if language is None or run.model.decode is None or "label" not in (z := encoded()):
    return None
  z = {k: v[:SHOWN] for k, v in z.items()}
  same, other = (run.decode(z | {"label": y})["tokens"] for y in (z["label"], 1 - z["label"]))
  texts = grouped(language.vocabulary, test["tokens"][:SHOWN], same, other)
  return lines(
    texts
  ), "Three lines each: a test sentence, what is decoded from its latents, and in the other style."
