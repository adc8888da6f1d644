"""BLEU (Papineni et al. 2002): the overlap of n-grams of texts with those of references."""

from collections import Counter
from collections.abc import Sequence
import math


def bleu(sentences: Sequence[str], references: Sequence[str], order: int = 4) -> float:
  """The BLEU of a corpus in [0, 1], one reference for each sentence, words separated by blanks.

    BLEU = min(1, exp(1 - r / c)) exp(1 / order sum_n log p_n),   n = 1 .. order

  p_n is the fraction of the sentences' n-grams that are in their reference, each counted at most as
  often as it occurs there; c and r are the numbers of words of the sentences and of the references.
  Counts are of the whole corpus, not smoothed.
  """
  pairs = [(s.split(), r.split()) for s, r in zip(sentences, references, strict=True)]
  log_p = 0.0
  for n in range(1, order + 1):
    matched = total = 0
    for sentence, reference in pairs:
      counts = ngrams(sentence, n)
      matched += (counts & ngrams(reference, n)).total()
      total += counts.total()
    if not matched:
      return 0.0
    log_p += math.log(matched / total) / order
  c = sum(len(sentence) for sentence, _ in pairs)
  r = sum(len(reference) for _, reference in pairs)
  return min(1.0, math.exp(1 - r / c)) * math.exp(log_p)


def ngrams(words: list[str], n: int) -> Counter:
  """How often each n-gram occurs."""
  return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
