"""Tables of what is judged: samples beside real and wrong pairings, of one run and of several."""

import re

from genjax_zoo.report.judgements import compared_judgements, run_judgements

JUDGED = {
  "samples": {"colour": 0.9, "psnr": 21.5},
  "real": {"colour": 1.0},
  "wrong": {"colour": 0.25, "psnr": 9.0},
}


def cells(html):
  """The text of each row's cells."""
  rows = re.findall(r"<tr>(.*?)</tr>", html)
  return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_a_run_has_a_row_for_each_judgement():
  assert cells(run_judgements({"judged": JUDGED})) == [
    ["judged", "samples", "real", "wrong"],
    ["colour", "0.9", "1", "0.25"],
    ["PSNR, dB", "21.50", "", "9"],
  ]
  assert run_judgements({}) is None


def test_a_model_without_conditions_has_no_wrong_pairing():
  found = cells(run_judgements({"judged": {"samples": {"closed": 0.5}, "real": {"closed": 1.0}}}))
  assert found == [["judged", "samples", "real"], ["closed", "0.5", "1"]]


def test_runs_are_compared_below_real_and_wrong():
  other = {"samples": {"colour": 0.5}, "real": {"colour": 1.0}, "wrong": {"colour": 0.25}}
  found = cells(compared_judgements({"a": {"judged": JUDGED}, "b": {"judged": other}, "c": {}}))
  assert found == [
    ["", "colour", "PSNR, dB"],
    ["real", "1", ""],
    ["wrong", "0.25", "9"],
    ["a", "0.9", "21.50"],
    ["b", "0.5", ""],
  ]
  assert compared_judgements({"c": {}}) is None


def test_what_only_other_runs_were_asked_for_is_in_no_row_of_real_and_wrong():
  """A judgement of real examples counts where the model's samples have it too."""
  other = {"samples": {"kept": 1e-15}, "wrong": {"kept": 0.5, "colour": 1.0}}
  found = cells(compared_judgements({"a": {"judged": JUDGED}, "b": {"judged": other}}))
  rows = {row[0]: row[1:] for row in found}
  assert rows["wrong"] == ["0.25", "9", "0.5"] and rows["b"] == ["", "", "0"]


def test_what_is_unseen_stands_beside_a_run_s_samples():
  judged = JUDGED | {"unseen": {"colour": 0.7}}
  assert cells(run_judgements({"judged": judged}))[:2] == [
    ["judged", "samples", "unseen", "real", "wrong"],
    ["colour", "0.9", "0.7", "1", "0.25"],
  ]
  rows = cells(compared_judgements({"a": {"judged": judged}}))
  assert rows[-2:] == [["a", "0.9", "21.50"], ["a, unseen", "0.7", ""]]
