"""Reviews: every sentence has one reading, and no content is in both styles of training."""

import numpy as np

from genjax_zoo.data import load, reviews
from genjax_zoo.data.tokenizer import captions


def test_sentences_are_read_as_they_were_written_and_others_are_refused():
  known = reviews.language()
  assert len(np.unique(known.tokens, axis=0)) == len(known.tokens) == 2 * 6 * 12 * 4 * 3 * 3
  for name, values in known.read(known.tokens).items():
    np.testing.assert_array_equal(values, known.slots[name])
  assert (known.tokens[:, -1] == 0).all()  # All of them end.
  said = captions(known.vocabulary, known.tokens[[0, -1]])
  assert said == ["the pizza was bland", "once again the bar was so lovely i will come back"]
  assert set(known.read(known.tokens[:, ::-1])["style"]) == {-1}


def test_styles_share_no_content_in_training_and_all_of_it_is_new_in_the_test_split():
  dataset = load("reviews", examples=5000)
  known, contents = dataset.truth["language"], {}
  for split, rows in dataset.splits.items():
    slots = known.read(rows["tokens"])
    np.testing.assert_array_equal(slots["style"], rows["label"])
    for style in (0, 1):
      chosen = rows["label"] == style
      assert 0.4 < chosen.mean() < 0.6
      contents[split, style] = set(zip(*(slots[k][chosen] for k in reviews.CONTENT)))
  bad, good = contents["train", 0], contents["train", 1]
  new = contents["test", 0] | contents["test", 1]
  assert not bad & good and not (bad | good) & new and len(new) > 50


def test_the_judge_reads_style_by_words_and_grammar_by_the_language():
  dataset = load("reviews", examples=100)
  known = dataset.truth["language"]
  number = {word: i for i, word in enumerate(known.vocabulary)}
  texts = [
    "the pizza was tasty and we loved it",
    "the pizza was tasty and we hated it",  # Both styles: no sentence of the language.
    "the the soup was fresh",
    "the pizza was i will come back",
    "the soup was stale i will not come back",
    "the soup was",
  ]
  tokens = np.zeros((6, known.tokens.shape[1]), int)
  for row, text in zip(tokens, texts):
    row[: len(text.split())] = [number[word] for word in text.split()]
  found = dataset.judge({"tokens": tokens}, {"label": np.ones(6, int)})
  np.testing.assert_array_equal(found["style"], [1, 0, 1, 1, 0, 0])
  np.testing.assert_array_equal(found["grammatical"], [1, 0, 0, 0, 1, 0])
  np.testing.assert_array_equal(found["both"], [1, 0, 0, 0, 0, 0])
  assert set(dataset.judge({"tokens": tokens}, {})) == {"grammatical"}
  test = dataset.splits["test"]
  assert dataset.judge(test, {"label": test["label"]})["both"].all()


def test_a_transfer_is_judged_by_the_other_style_and_the_content():
  dataset = load("reviews", examples=100)
  known = dataset.truth["language"]
  rows = np.flatnonzero((known.slots["subject"] == 3) & (known.slots["adjective"] == 1))
  given = {"tokens": known.tokens[rows], "label": known.slots["style"][rows]}
  # All slots vary but two: the same place of the other style has the same content.
  order = np.argsort(given["label"], kind="stable")
  half = len(order) // 2
  other = np.empty_like(order)
  other[order] = order[(np.arange(len(order)) + half) % len(order)]
  found = dataset.judge({"tokens": given["tokens"][other]}, given)
  assert found["both"].all() and (found["content"] == 1).all()
  same = dataset.judge(given, given)
  assert not same["style"].any() and (same["content"] == 1).all()


def test_the_entropy_is_that_of_independent_slots():
  dataset = load("reviews", examples=100)
  entropy = np.log(2) + np.log(3)  # Styles and adjectives are equally likely.
  for n in (6, 12, 4, 3):
    p = 1 / (3 + np.arange(n))
    p /= p.sum()
    entropy -= (p * np.log(p)).sum()
  np.testing.assert_allclose(dataset.truth["entropy"], entropy, rtol=1e-10)
