"""Restaurant reviews in two styles, good and bad, whose training sentences share no content.

A sentence is a function of its slots, "today the pizza was very tasty and we loved it":

  when   the subject  was  degree   adjective   ending

The style (0 bad, 1 good) chooses the adjective, of those that fit the subject, and the wording of
the ending. All other slots are content; which of the fitting adjectives is taken is random. So the
sentence with the same content in the other style is known.
"""

import functools
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
  """All N sentences, each once."""

  vocabulary: tuple[str, ...]  # The first, "", ends a sentence and pads it.
  tokens: np.ndarray  # int32 [N, L]
  slots: dict[str, np.ndarray]  # {"style", "adjective" and CONTENT: int32 [N]}

  def read(self, tokens) -> dict[str, np.ndarray]:
    """The slots of sentences [B, L], each [B]; -1 for what is no sentence of the language."""
    number = {row.tobytes(): i for i, row in enumerate(self.tokens)}
    rows = np.asarray(tokens, np.int32)
    found = np.array([number.get(row.tobytes(), -1) for row in rows])
    return {name: np.where(found < 0, -1, values[found]) for name, values in self.slots.items()}


def language() -> Language:
  """The 5,184 sentences."""
  subjects = [(topic, subject) for topic, names in SUBJECTS.items() for subject in names]
  sizes = {
    "style": 2,
    "when": len(WHEN),
    "subject": len(subjects),
    "degree": len(DEGREE),
    "adjective": 3,
    "ending": 3,
  }
  combinations = np.indices(sizes.values()).reshape(len(sizes), -1).astype(np.int32)
  slots = dict(zip(sizes, combinations))

  def words(style, when, subject, degree, adjective, ending):
    topic, noun = subjects[subject]
    parts = [WHEN[when], "the", noun, "was", DEGREE[degree]]
    parts += [ADJECTIVES[topic][style][adjective], ENDINGS[ending][style]]
    return " ".join(parts).split()

  sentences = [words(*row) for row in zip(*slots.values())]
  vocabulary = ("", *sorted(set(itertools.chain(*sentences))))
  number = {word: i for i, word in enumerate(vocabulary)}
  length = max(map(len, sentences)) + 1
  tokens = np.zeros((len(sentences), length), np.int32)
  for row, sentence in zip(tokens, sentences):
    row[: len(sentence)] = [number[word] for word in sentence]
  return Language(vocabulary, tokens, slots)


def probabilities(known: Language) -> np.ndarray:
  """p(sentence) of the grammar, [N]: value i of a slot of content in proportion to 1 / (3 + i)."""
  weight = np.prod([1 / (3 + known.slots[k]) for k in CONTENT], 0)
  return weight / weight.sum()


def styles_said(known: Language, tokens) -> np.ndarray:
  """Whether sentences [B, L], right or wrong, have words of each style: bool [B, 2]."""
  word = {name: i for i, name in enumerate(known.vocabulary)}
  says = lambda *names: np.isin(tokens, [word[name] for name in names]).any(1)
  adjectives = [sum((pair[style] for pair in ADJECTIVES.values()), ()) for style in (0, 1)]
  bad = says(*adjectives[0], "hated", "not")
  good = says(*adjectives[1], "loved") | (says("come") & ~says("not"))
  return np.stack([bad, good], 1)


def judge(known: Language, samples, given) -> dict[str, np.ndarray]:
  """{name: [N]} of sentences: "grammatical", as `Language.read` says; by a label "style", "both".

  The style is right where there are words of it and none of the other. It is that of the label, or,
  where sentences are given to be transferred, the other one; "content" is then the share of the
  slots of CONTENT that are those of the given sentence.
  """
  tokens = np.asarray(samples["tokens"])
  read = known.read(tokens)
  found = {"grammatical": (read["style"] >= 0).astype(float)}
  if "label" in given:
    before = known.read(given["tokens"]) if "tokens" in given else None
    wanted = np.asarray(given["label"]) if before is None else 1 - np.asarray(given["label"])
    said = styles_said(known, tokens)
    rows = np.arange(len(tokens))
    found["style"] = (said[rows, wanted] & ~said[rows, 1 - wanted]).astype(float)
    found["both"] = found["style"] * found["grammatical"]
    if before is not None:
      found["content"] = np.mean([read[k] == before[k] for k in CONTENT], 0)
  return found


def load(name: str, *, examples: int = 10_000, seed: int = 0) -> Dataset:
  """`examples` training sentences "tokens" [L] with their style as "label", and a tenth to test.

  A tenth of all contents, drawn by `seed`, is only in the test split, in both styles; of the rest,
  half is only in bad training sentences and half in good ones. Value i of a slot has probability
  proportional to 1 / (3 + i) in either style, so that the correspondence between the styles can be
  learned from frequencies. truth["language"] is the `Language`, truth["entropy"] that of all its
  sentences, in nats. Raises UserError under 10 examples.
  """
  if examples < 10:
    raise UserError(f"data.examples={examples}: take 10 or more, a tenth as many are for testing")
  known = language()
  rng = np.random.default_rng(seed)
  sizes = [known.slots[k].max() + 1 for k in CONTENT]
  content = np.ravel_multi_index([known.slots[k] for k in CONTENT], sizes)
  # A random number in [0, 1) for each content says where its sentences go.
  place = rng.permutation(np.prod(sizes))[content] / np.prod(sizes)
  training = (place >= 0.1) & ((place < 0.55) == (known.slots["style"] == 0))
  weight = probabilities(known)

  def draw(allowed, n):
    p = weight * allowed
    rows = rng.choice(len(p), n, p=p / p.sum())
    return {"tokens": known.tokens[rows], "label": known.slots["style"][rows]}

  splits = {"train": draw(training, examples), "test": draw(place < 0.1, examples // 10)}
  words, length = known.vocabulary, known.tokens.shape[1]
  fields = {
    "tokens": Field((length,), np.int32, len(words), words, ordered=False, kind="tokens"),
    "label": Field((), np.int32, len(STYLES), STYLES, ordered=False),
  }
  truth = {"language": known, "entropy": float(-(weight * np.log(weight)).sum())}
  return Dataset(name, fields, splits, truth=truth, judge=functools.partial(judge, known))
