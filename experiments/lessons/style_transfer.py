"""Sentences without a counterpart are enough to learn to say the same in another style.

A cross-aligned autoencoder (Shen 2017, 1705.09655) of restaurant reviews, good and bad: in training
no content comes in both styles, and those of the test split come in none. What a sentence says is
read by the grammar that made it. BLEU is of what came out against what went in; that of the
grammar's own rewordings, with adjectives drawn anew, says what a perfect transfer gets. Beside it
is the autoencoder alone, without critics, which is told the style as well.

Of 1,000 test sentences all come out in the other style, 96 of 100 with all of their content, with a
BLEU of 0.498; the grammar's rewordings have 0.504. Of the autoencoder's 48 of 100 do: the others
are left as they were, whence its BLEU of 0.75, or mix the two styles.
"""

from pathlib import Path
import tempfile

import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.data.factors import captions
from genjax_zoo.data.reviews import CONTENT
from genjax_zoo.figures.text import grouped, lines
from genjax_zoo.metrics.bleu import bleu


def rewordings(language, tokens, seed=0):
  """The same content in the other style, an adjective that fits drawn anew, [B, L]."""
  shape = [levels.max() + 1 for levels in language.slots.values()]
  slots = language.read(tokens)
  adjective = np.random.default_rng(seed).integers(3, size=len(tokens))
  other = slots | {"style": 1 - slots["style"], "adjective": adjective}
  return language.tokens[np.ravel_multi_index([other[k] for k in language.slots], shape)]


def lesson(smoke):
  numbers, told = {}, {}
  for name, weight in (("cross-aligned", None), ("autoencoder alone", 0.0)):
    with tempfile.TemporaryDirectory() as folder:
      overrides = {} if weight is None else {"model.weight": weight}
      run, dataset = trained("cross_aligned_reviews", Path(folder) / "run", smoke, **overrides)
    test, language = dataset.splits["test"], dataset.truth["language"]
    z = run.encode(test)
    told[name] = run.decode(z | {"label": 1 - test["label"]})["tokens"]
    numbers[name] = judged(language, test["tokens"], told[name])
    numbers[name]["words restored in the own style"] = float(
      (run.decode(z)["tokens"] == test["tokens"]).mean()
    )
  numbers["the grammar's rewordings"] = judged(
    language, test["tokens"], rewordings(language, test["tokens"])
  )
  texts = grouped(
    language.vocabulary, test["tokens"][:8], *(tokens[:8] for tokens in told.values())
  )
  return numbers, [
    (lines(texts), f"Three lines each: a test sentence, and in the other style, {', '.join(told)}.")
  ]


def judged(language, before, after) -> dict:
  """How well `after` [B, L] says in the other style what `before` says."""
  a, b = language.read(before), language.read(after)
  said = {f"{k} kept": float((a[k] == b[k]).mean()) for k in CONTENT}
  return {
    "in the other style": float((b["style"] == 1 - a["style"]).mean()),
    "in the language": float((b["style"] >= 0).mean()),
    **said,
    "all content kept": float(np.all([a[k] == b[k] for k in CONTENT], 0).mean()),
    "BLEU": bleu(*(captions(language.vocabulary, tokens) for tokens in (after, before))),
  }
