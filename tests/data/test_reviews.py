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
