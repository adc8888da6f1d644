"""The files of a run: JSON that is whole or absent, rows of metrics, durations in words."""

import json
import math

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
