"""Pictures of sentences: the right ones below each other, and something to see."""

from types import SimpleNamespace

from genjax_zoo.data import load
from genjax_zoo.figures import text


def test_transfers_show_a_sentence_its_copy_and_its_other_style(monkeypatch):
  assert text.lines(["the pizza was tasty", ""]).std() > 0
  dataset = load("reviews", examples=100)
  language, test = dataset.truth["language"], {k: v[:3] for k, v in dataset.splits["test"].items()}
  other = lambda z: {"tokens": language.tokens[:3] if z["label"][0] != test["label"][0] else z["z"]}
  run = SimpleNamespace(model=SimpleNamespace(decode=other), decode=other)
  monkeypatch.setattr(text, "lines", lambda texts: texts)
  shown, _ = text.transfers(
    run, dataset, test, lambda: {"z": test["tokens"], "label": test["label"]}
  )
  said = text.captions(language.vocabulary, test["tokens"])
  assert shown[0::4] == said == shown[1::4] and shown[3::4] == [""] * 3
  assert shown[2::4] == text.captions(language.vocabulary, language.tokens[:3])
  assert text.transfers(run, dataset._replace(truth={}), test, lambda: {}) is None
