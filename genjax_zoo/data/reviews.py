"""Two styles of one language: restaurant reviews, good and bad, of which no two in training say the
same of both.

A sentence is a function of its slots, "today the pizza was very tasty and we loved it":

  when   the subject  was  degree   adjective   ending

The style (0 bad, 1 good) chooses the adjective, of those that fit the subject, and the wording of
the ending. All else is content; which of the fitting adjectives is taken is chance. So what a
sentence says in the other style is known.
"""

import itertools
from typing import NamedTuple

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset

STYLES = ("bad", "good")
WHEN = ("", "today", "yesterday", "last week", "on monday", "once again")
SUBJECTS = {
  "food": ("pizza", "soup", "pasta", "salad"),
  "staff": ("waiter", "chef", "hostess", "cashier"),
  "place": ("room", "terrace", "table", "bar"),
}
DEGREE = ("", "very", "really", "so")
ADJECTIVES = {
  "food": (("bland", "stale", "soggy"), ("tasty", "fresh", "delicious")),
  "staff": (("rude", "slow", "careless"), ("friendly", "helpful", "attentive")),
  "place": (("dirty", "noisy", "cramped"), ("clean", "cosy", "lovely")),
}
ENDINGS = (
  ("", ""),
  ("and we hated it", "and we loved it"),
  ("i will not come back", "i will come back"),
)
CONTENT = "when", "subject", "degree", "ending"


class Language(NamedTuple):
  """All sentences, each once, by number."""

  vocabulary: tuple[str, ...]  # The first, "", ends a sentence and fills what is left.
  tokens: np.ndarray  # int32 [N, L]
  slots: dict[str, np.ndarray]  # {"style", "adjective" and CONTENT: int32 [N]}

  def read(self, tokens) -> dict[str, np.ndarray]:
    """The slots of sentences [B, L], each [B]; -1 for what is no sentence of the language."""
    number = {row.tobytes(): i for i, row in enumerate(self.tokens)}
    found = np.array([number.get(row.tobytes(), -1) for row in np.asarray(tokens, np.int32)])
    return {name: np.where(found < 0, -1, levels[found]) for name, levels in self.slots.items()}


def language() -> Language:
  """The 5,184 sentences."""
  subjects = [(kind, subject) for kind, names in SUBJECTS.items() for subject in names]
  sizes = {
    "style": 2,
    "when": len(WHEN),
    "subject": len(subjects),
    "degree": len(DEGREE),
    "adjective": 3,
    "ending": 3,
  }
  slots = dict(zip(sizes, np.indices(sizes.values()).reshape(len(sizes), -1).astype(np.int32)))

  def words(style, when, subject, degree, adjective, ending):
    kind, noun = subjects[subject]
    said = (
      WHEN[when],
      "the",
      noun,
      "was",
      DEGREE[degree],
      ADJECTIVES[kind][style][adjective],
      ENDINGS[ending][style],
    )
    return " ".join(said).split()

  sentences = [words(*row) for row in zip(*slots.values())]
  vocabulary = ("", *sorted(set(itertools.chain(*sentences))))
  number, length = {word: i for i, word in enumerate(vocabulary)}, max(map(len, sentences)) + 1
  tokens = np.array([[number[w] for w in s] + [0] * (length - len(s)) for s in sentences], np.int32)
  return Language(vocabulary, tokens, slots)


def load(name: str, *, examples: int = 10_000, seed: int = 0) -> Dataset:
  """`examples` training sentences "tokens" [L] with their style as "label", and a tenth as many for
  testing.

  A tenth of all contents, drawn by `seed`, is only in the test split, in both styles; of the rest,
  half is only in bad training sentences and half in good ones. Earlier levels of a slot are more
  frequent, p ~ 1 / (3 + level), in either style: what is alike in the two can be told from the
  frequencies. truth["language"] is the `Language`.
  """
  if examples < 10:
    raise UserError(f"data.examples={examples}: take 10 or more, a tenth as many are for testing")
  known, rng = language(), np.random.default_rng(seed)
  sizes = [known.slots[k].max() + 1 for k in CONTENT]
  content = np.ravel_multi_index([known.slots[k] for k in CONTENT], sizes)
  # In [0, 1), of each sentence's content.
  place = rng.permutation(np.prod(sizes))[content] / np.prod(sizes)
  seen = (place >= 0.1) & ((place < 0.55) == (known.slots["style"] == 0))
  weight = np.prod([1 / (3 + known.slots[k]) for k in CONTENT], 0)

  def draw(allowed, n):
    p = weight * allowed
    rows = rng.choice(len(p), n, p=p / p.sum())
    return {"tokens": known.tokens[rows], "label": known.slots["style"][rows]}

  splits = {"train": draw(seen, examples), "test": draw(place < 0.1, examples // 10)}
  shape = known.tokens.shape[1:]
  fields = {
    "tokens": Field(shape, np.int32, len(known.vocabulary)),
    "label": Field((), np.int32, len(STYLES)),
  }
  return Dataset(name, fields, splits, truth={"language": known})
