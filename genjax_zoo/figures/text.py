"""Sentences as pictures."""

import numpy as np

from genjax_zoo.data.tokenizer import captions
from genjax_zoo.figures.common import first_rows
from genjax_zoo.figures.pictures import plot

SENTENCES = 8


def lines(texts) -> np.ndarray:
  """Lines of text, one below the other, as a picture."""

  def paint(ax):
    for i, text in enumerate(texts):
      ax.text(0, -i, text, family="monospace", fontsize=10, va="top")
    ax.set(xlim=(0, 1), ylim=(-len(texts), 0.5))
    ax.axis("off")

  return plot(paint, size=max(7, 0.22 * len(texts)))


def grouped(vocabulary, *tokens) -> list[str]:
  """The first sentence of each of `tokens` [B, L], an empty line, the second ones, and so on."""
  groups = zip(*(captions(vocabulary, t) for t in tokens))
  return [text for group in groups for text in (*group, "")]


def transfers(run, dataset, test, encoded):
  """Test sentences, decoded from their latents in their own style and in the other one."""
  language = dataset.truth.get("language")
  if language is None or run.model.decode is None or "label" not in encoded():
    return None
  z = first_rows(encoded(), SENTENCES)
  same = run.decode(z)["tokens"]
  other = run.decode(z | {"label": 1 - z["label"]})["tokens"]
  texts = grouped(language.vocabulary, test["tokens"][:SENTENCES], same, other)
  caption = (
    "Three lines each: a test sentence, its reconstruction from the latents, "
    "and the same latents decoded in the other style."
  )
  return lines(texts), caption
