"""The table's best, and its order after a click: in a real browser, as a reader sees it."""

import itertools
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from genjax_zoo.report.ranking import COLUMNS, Row, best, short_names
from genjax_zoo.report.scatter import width
from genjax_zoo.report.zoo_page import write_comparison
from tests.report.test_zoo_page import Tables, evaluation, run


def test_the_best_of_a_column():
  rng = np.random.default_rng(0)
  for key, kind in itertools.product(("fid", "recall", "copies", "seconds"), ("cpu", "gpu")):
    values = rng.permutation(20) / 10
    rows = [Row(str(i), {key: v}, device="cpu") for i, v in enumerate(values)] + [
      Row("missing", {}, device=kind)
    ]
    merit = {"fid": values, "seconds": values, "recall": -values, "copies": abs(values - 0.5)}[key]
    assert [row.name for row in best(rows, key)] == [
      str(i) for i in np.flatnonzero(merit == merit.min())
    ]
  assert best([Row("a", {"fid": 1.0}), Row("b", {"fid": 1.0})], "fid") == []
  fast, slow = (
    Row("a", {"seconds": 1.0, "fid": 1.0}, device="gpu"),
    Row("b", {"seconds": 9.0, "fid": 2.0}, device="cpu"),
  )
  assert best([fast, slow], "seconds") == [] and best([fast, slow], "fid") == [fast]
  rows = [
    Row(f"{kind}{v}", {"nats": v}, kind)
    for kind in ("exact", "lower_bound", "estimate")
    for v in (3.0, 5.0, 4.0)
  ]
  assert [row.name for row in best(rows, "nats")] == ["exact3.0", "lower_bound3.0", "estimate3.0"]


def test_short_names():
  assert short_names(["vae_fashion_mnist", "beta_vae_fashion_mnist"]) == ["vae", "beta_vae"]
  assert short_names(["vae_digits", "vae_mnist"]) == ["vae_digits", "vae_mnist"]
  assert short_names(["vae_digits"]) == ["vae"] and short_names(["a", "b"]) == ["a", "b"]


PROBE = """
<script>
const seen = [], table = document.querySelector(".ranking");
const keys = [...table.tHead.rows[0].cells].map(head => head.dataset.key);
const steps = keys.flatMap(key => [key, key]);
const label = text => [text.textContent, text.getBBox().width];
const note = () => seen.push({
  hash: location.hash,
  names: [...table.tBodies[0].rows].map(row => row.cells[0].dataset.value),
  sorted: [...table.querySelectorAll("[aria-sort]")].map(
    head => [head.dataset.key, head.getAttribute("aria-sort")]),
  focus: document.activeElement.textContent,
  labels: [...document.querySelectorAll(".label")].map(label),
});
const next = () => {
  if (!steps.length) {
    const found = document.createElement("pre");
    found.textContent = JSON.stringify(seen);
    document.body.replaceChildren(found);
    return;
  }
  const link = table.querySelector(`[data-key=${steps.shift()}] a`);
  link.focus();
  link.click();
};
addEventListener("hashchange", () => { note(); next(); });
note();
next();
</script>
"""  # Clicks on every column twice, and writes what the table is then like.


def chromium(page, tmp_path, fragment=""):
  """What the probe sees of a page in a real browser: the table as opened, then after each click."""
  browser = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
  )
  if browser is None:
    pytest.skip("no chromium is installed")
  probed = tmp_path / "probed.html"
  probed.write_text(page.read_text(encoding="utf-8") + PROBE, encoding="utf-8")
  quiet = (
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
  )
  flags = ["--headless", "--no-sandbox", "--disable-gpu", *(f"--{flag}" for flag in quiet)]
  flags += [f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=20000", "--dump-dom"]
  done = subprocess.run(
    [browser, *flags, probed.as_uri() + fragment], capture_output=True, text=True, timeout=120
  )
  dumped = re.search(r"<pre>(\[.*\])</pre>", done.stdout)
  assert dumped, done.stdout[-500:] + done.stderr[-500:]
  return json.loads(dumped[1])


def test_a_click_sorts_in_a_real_browser(tmp_path):
  """Every column both ways: numbers as numbers, kinds of likelihood apart, the missing last."""
  rng, runs, kinds = np.random.default_rng(0), [], ("exact", "lower_bound", "estimate")
  for i in range(9):
    # 9 and 10, 1e-5 and 2: as text they sort otherwise.
    number = lambda: float(np.exp(rng.normal(0, 4)))
    likelihood = (kinds[i % 3], 100 + number()) if i < 7 else None
    about = evaluation(
      f"model{i}_digits",
      "vae",
      likelihood,
      {k: number() for k in ("fid", "kid", "recall", "copies")},
    )
    about["sampling"]["seconds_per_image"], about["parameters"] = (
      number(),
      int(rng.integers(5, 20000)),
    )
    about["quality"] = None if i == 4 else about["quality"]
    runs.append(run(tmp_path, f"model{i}_digits", about, seed=i))
  page = write_comparison(tmp_path / "page", runs)
  rows = {row["name"][1]["data-value"]: row for row in Tables(page).tables[0]}
  first, *states = chromium(page, tmp_path, "#sort=-recall")
  assert first["sorted"] == [["recall", "descending"]]  # A link to an order opens in it.
  keys = [a["data-key"] for a in Tables(page).all("th") if "data-key" in a]
  of_others = {"agreement", "modes", "high_quality", "one_nearest_neighbour", "mmd"}
  of_others |= {"bits_per_vertex", "bits_per_vertex_uniform", "prediction_error", "copying_error"}
  assert set(keys) == {"name", *COLUMNS} - of_others and len(states) == 2 * len(keys)
  for previous, now in zip([first, *states], states):
    minus, key = re.fullmatch(r"#sort=(-?)(\w+)", now["hash"]).groups()
    assert (
      now["sorted"] == [[key, "descending" if minus else "ascending"]]
      and now["hash"] != previous["hash"]
    )
    attributes = {name: row[key][1] for name, row in rows.items()}
    assert sorted(now["names"]) == sorted(rows)
    known = [n for n in now["names"] if "data-value" in attributes[n]]
    assert now["names"][: len(known)] == known  # The missing last.
    of = lambda n: (
      attributes[n]["data-value"] if key == "name" else float(attributes[n]["data-value"])
    )
    expected = [(int(attributes[n].get("data-kind", 0)), of(n)) for n in known]
    upward = sorted(expected, reverse=bool(minus))
    assert expected == (
      sorted(upward, key=lambda x: x[0]) if key in ("nats", "bits_per_dim") else upward
    )
  orders = {
    key: [s["hash"].startswith("#sort=-") for s in states if s["sorted"][0][0] == key]
    for key in keys
  }
  assert orders["recall"] == orders["density"] == [True, False]  # The best first.
  assert orders["name"] == orders["fid"] == orders["seconds"] == [False, True]
  assert all(set(order) == {False, True} for order in orders.values())
  assert all(true <= width(name) + 1 for name, true in first["labels"]) and first["labels"]
  assert states[0]["focus"] == "model"
