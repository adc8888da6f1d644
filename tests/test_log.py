"""The files of a run: JSON that is whole or absent, rows of metrics, durations in words."""

import json
import math
import time

from genjax_zoo.log import Log, duration, read_json, read_rows, write_json


def test_json_comes_back_with_none_for_what_json_lacks(tmp_path):
  write_json(tmp_path / "x.json", {"a": (1, 2.5), "b": {"c": math.nan, "d": -math.inf}})
  assert read_json(tmp_path / "x.json") == {"a": [1, 2.5], "b": {"c": None, "d": None}}
  assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_json_that_is_missing_or_damaged_is_the_default(tmp_path):
  assert read_json(tmp_path / "x.json") is None
  (tmp_path / "x.json").write_text('{"a": ')
  assert read_json(tmp_path / "x.json", {}) == {}
  (tmp_path / "x.json").write_text('{"a": NaN}')
  assert read_json(tmp_path / "x.json") == {"a": None}


def test_resuming_drops_later_rows_and_an_incomplete_one(tmp_path):
  rows = [{"step": step, "loss": 1.0, "seconds": float(step)} for step in (5, 10, 15)]
  text = "".join(json.dumps(row) + "\n" for row in rows) + '{"step": 2'
  (tmp_path / "metrics.jsonl").write_text(text)
  with Log(tmp_path) as log:
    log.begin(10)
    log.measured(12, {"fid": math.nan})
  rows = read_rows(tmp_path / "metrics.jsonl")
  assert [row["step"] for row in rows] == [5, 10, 12]
  assert rows[-1]["fid"] is None and rows[-1]["seconds"] == 10.0


def test_durations():
  seconds = 0.4, 61.2, 119, 121, 3600, 7300, 86400
  expected = "0 s", "61 s", "119 s", "2 min", "60 min", "2.0 h", "24.0 h"
  assert tuple(duration(s) for s in seconds) == expected


def test_a_long_pass_says_how_long_and_ends_in_time(tmp_path, monkeypatch):
  """A block takes ten seconds of a clock that the test turns."""
  now = [0.0]
  monkeypatch.setattr(time, "perf_counter", lambda: now[0])

  def blocks(total, seconds):
    done = 0
    for _ in log.bounded(total, "500 examples", seconds)(range(total)):
      now[0] += 10
      done += 1
    return done

  with Log(tmp_path) as log:
    assert blocks(3, 25) == 3 and (tmp_path / "log.txt").read_text() == ""
    assert blocks(5, math.inf) == 5
    assert blocks(4, 25) == 3
  said = [line.split(" ", 2)[2] for line in (tmp_path / "log.txt").read_text().splitlines()]
  assert said == [
    "30 s for the other 3 blocks of 500 examples",
    "25 s are over: 3 of 4 blocks of 500 examples done",
  ]
