"""BLEU: the examples of its paper, and what follows from its definition."""

import math

import pytest

from genjax_zoo.metrics.bleu import bleu


def test_words_count_as_often_as_in_the_reference():
  """The paper's example, section 2.1."""
  assert bleu(["the the the the the the the"], ["the cat is on the mat"], 1) == pytest.approx(2 / 7)


def test_a_corpus_is_counted_as_one_and_shortness_costs():
  assert bleu(["a b c d", "e"], ["a b c d", "e"]) == 1
  assert bleu(["a b c d", "e"], ["a b c d", "f"], 1) == pytest.approx(4 / 5)
  assert bleu(["a b"], ["a b c d"], 2) == pytest.approx(math.exp(1 - 4 / 2))
  assert bleu(["a b c d e"], ["a b x d e"]) == 0  # No three in a row.
  # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 fours.
  found = bleu(["a b c d e"], ["a b c d x"])
  assert found == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
