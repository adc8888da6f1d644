"""BLEU (Papineni et al. 2002): how much of one text's wording is in another's."""

from collections import Counter
from collections.abc import Sequence
import math


def bleu(sentences: Sequence[str], references: Sequence[str], order: int = 4) -> float:
  """The BLEU of a corpus in [0, 1], one reference a sentence, words parted by blanks.

    BLEU = min(1, exp(1 - r / c)) exp(1 / order sum_n log p_n),   n = 1 .. order

  p_n is the share of the sentences' n-grams that are in their reference, each counted at most as
  often as there; c and r are the numbers of words of the sentences and of the references. Counts
  are of the corpus, not smoothed.
  """
  pairs = [(s.split(), r.split()) for s, r in zip(sentences, references, strict=True)]
  grams = lambda words, n: Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
  log_p = 0.0
  for n in range(1, order + 1):
    counts = [(grams(s, n), grams(r, n)) for s, r in pairs]
    matched, made = (
      sum(map(Counter.total, c)) for c in ((s & r for s, r in counts), (s for s, _ in counts))
    )
    if not matched:
      return 0.0
    log_p += math.log(matched / made) / order
  c, r = (sum(map(len, texts)) for texts in zip(*pairs))
  return min(1.0, math.exp(1 - r / c)) * math.exp(log_p)
