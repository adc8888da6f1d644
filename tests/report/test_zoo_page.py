"""The page of a data set's runs: comparable runs share a table, sorted, with every number."""

import base64
import itertools
import json
import re
import shutil

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.figures.pictures import save
from genjax_zoo.report.zoo_page import apart, groups, read, write_comparison
from tests.report.test_run_page import Page

QUALITY = {
  "fid": 12.5,
  "kid": 0.0042,
  "kid_standard_error": 0.0003,
  "sliced_wasserstein": 0.7,
  "precision": 0.8,
  "recall": 0.7,
  "density": 0.9,
  "coverage": 0.85,
  "copies": 0.45,
  "fid_train_vs_test": 2.75,
  "fid_noise_vs_test": 271.25,
  "samples": 1000,
  "reference": "digits test",
  "reference_examples": 297,
  "features": "digits@sha256:6170c57c",
}


def evaluation(name, model, likelihood=None, quality={}, seconds=7.5, device="cpu"):
  kind, nats = likelihood or (None, None)
  found = (
    None
    if likelihood is None
    else {
      "kind": kind,
      "estimator": kind,
      "nats": -nats,
      "standard_error": 0.5,
      "bits_per_dim": nats / (64 * np.log(2)),
    }
  )
  return {
    "model": model,
    "config": name,
    "data": "digits",
    "split": "test",
    "examples": 297,
    "step": 400,
    "seed": 0,
    "parameters": 45665,
    "likelihood": found,
    "quality": QUALITY | quality if quality is not None else None,
    "sampling": {
      "seconds_per_image": 3e-5,
      "network_evaluations": 1,
      "batch": 64,
      "device": device,
    },
    "training": {
      "seconds": seconds,
      "compile_seconds": 11.5,
      "steps_per_second": 760.0,
      "examples_per_second": 76000.0,
      "device": device,
      "versions": {"jax": "0.10.2"},
    },
  }


def run(folder, name, about, losses=("loss",), seed=0, binarize=None):
  """A run folder, as training leaves it."""
  rng, folder = np.random.default_rng(seed), folder / name
  for step in (200, 400):
    save(folder / "samples" / f"step_{step:07d}.png", rng.integers(0, 255, (90, 90, 3), np.uint8))
  rows = [
    {"step": 20 * i, "seconds": 0.1 * i} | {loss: 100 / i + 3 + rng.normal() / 9 for loss in losses}
    for i in range(1, 21)
  ]
  (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  (folder / "config.json").write_text(
    json.dumps({"name": name, "data": {"name": "digits", "binarize": binarize}})
  )
  fields = {"image": {"shape": [8, 8, 1], "dtype": "uint8", "levels": 2 if binarize else 17}}
  (folder / "data.json").write_text(json.dumps({"fields": fields, "stages": {}}))
  (folder / "evaluation.json").write_text(json.dumps(about))
  (folder / "report.html").write_text("<p>the run's own report")
  return folder


@pytest.fixture
def runs(tmp_path):
  """Exact, bound, estimate, none; one conditional, one without quality, one of other features."""
  other = {"features": "inception-2015-12-05", "fid": 1.5}
  conditional = {"fid": 101.0, "agreement": 0.9, "kid": 668.15, "kid_standard_error": 789.6}
  return [
    run(
      tmp_path,
      "vae_digits",
      evaluation("vae_digits", "vae", ("lower_bound", 100.0), {"fid": 19.5}),
      seed=1,
    ),
    run(
      tmp_path,
      "flow_digits",
      evaluation("flow_digits", "flow", ("exact", 104.25), {"fid": 9.25}, 100.0),
      seed=2,
    ),
    run(tmp_path, "ar_digits", evaluation("ar_digits", "ar", ("exact", 88.5), conditional), seed=3),
    run(
      tmp_path,
      "gan_digits",
      evaluation("gan_digits", "gan", None, {"fid": 7.5}, 12.0),
      ("gen_loss", "critic_loss"),
    ),
    run(
      tmp_path,
      "score_digits",
      evaluation("score_digits", "score", ("estimate", 90.0), None),
      seed=5,
    ),
    run(
      tmp_path,
      "other_digits",
      evaluation("other_digits", "vae", ("lower_bound", 80.0), other),
      seed=6,
    ),
  ]


FAILURES = {"glow_digits": "FloatingPointError: loss is nan <at> step 30"}
NOTES = ["vae_digits: 0.50 of its steps, to train for 60 s"]
COMMAND = "python -m experiments.zoo --data=digits --budget=1m"


@pytest.fixture
def page(runs, tmp_path):
  return write_comparison(tmp_path / "zoo page", runs, FAILURES, NOTES, COMMAND)


class Tables(Page):
  """A page whose tables can be read: rows of {column's key: (text, attributes)}, in order."""

  def __init__(self, path):
    self.tables, self.keys, self.cell = [], [], None
    super().__init__(path.read_text(encoding="utf-8"))

  def handle_starttag(self, tag, attributes):
    super().handle_starttag(tag, attributes)
    attributes = dict(attributes)
    if tag == "table":
      self.tables.append([])
    if tag == "th" and "data-key" in attributes:
      self.keys = [] if attributes["data-key"] == "name" else self.keys
      self.keys.append(attributes["data-key"])
    elif tag == "tr" and "tbody" in self.open:
      self.tables[-1].append({})
    elif tag in ("th", "td") and "tbody" in self.open:
      row = self.tables[-1][-1]
      self.cell = self.keys[len(row)]
      row[self.cell] = ("", attributes)

  def handle_data(self, data):
    super().handle_data(data)
    if "tbody" in self.open and self.cell:
      text, attributes = self.tables[-1][-1][self.cell]
      self.tables[-1][-1][self.cell] = (text + data, attributes)


def names(table):
  return [row["name"][1]["data-value"] for row in table]


def test_numbers_measured_otherwise_have_a_table_of_their_own(page):
  tables = [t for t in Tables(page).tables if t and "name" in t[0]]
  assert [sorted(names(t)) for t in tables] == [
    ["ar_digits", "flow_digits", "gan_digits", "score_digits", "vae_digits"],
    ["other_digits"],
  ]
  text = Tables(page).text
  assert "features is digits@sha256:6170c57c for one and inception-2015-12-05 for the other" in text
  for fact in (
    "1,000 samples of each run were compared with 297 examples, digits test, "
    "by features of a digits classifier",
    "the training set itself has FID 2.75, noise 271.25",
    "by Inception's features",
  ):
    assert fact in text, fact


def test_what_makes_numbers_incomparable(tmp_path):
  about = evaluation("a", "vae", ("exact", 90.0))
  a, k = read(run(tmp_path, "a", about)), itertools.count()
  changed = lambda **changes: read(run(tmp_path, f"b{next(k)}", about | changes))
  other = lambda **changes: changed(quality=about["quality"] | changes)
  assert apart(a, changed(seed=3, parameters=7)) is None and apart(a, other(fid=0.5)) is None
  assert apart(a, changed(quality=None)) is None and apart(a, changed(likelihood=None)) is None
  for condition in ("features", "samples", "samples_are", "reference", "reference_examples"):
    assert condition in apart(a, other(**{condition: 5})), condition
  for condition in ("data", "split", "examples"):
    assert f"{condition} is" in apart(a, changed(**{condition: 5})), condition
  static, dynamic = (read(run(tmp_path, how, about, binarize=how)) for how in ("static", "dynamic"))
  assert "levels" in apart(a, static) and "static" in apart(static, dynamic)


def test_groups_hold_no_two_that_are_apart(tmp_path):
  """Being comparable is not transitive: a run of unknown conditions joins no two that differ."""
  rng, entries = np.random.default_rng(0), []
  for i in range(24):
    about = evaluation(
      f"m{i}",
      "vae",
      ("exact", 90.0),
      {"samples": int(rng.integers(2))} if rng.random() < 0.7 else None,
    )
    about["examples"] = int(rng.integers(2))
    if rng.random() < 0.5:
      del about["examples"]
    entries.append(read(run(tmp_path, f"m{i}", about)))
  parts = groups(entries)
  assert sorted(e.name for part in parts for e in part) == sorted(e.name for e in entries)
  assert all(apart(x, y) is None for part in parts for x, y in itertools.combinations(part, 2))
  assert [len(p) for p in parts] == sorted(map(len, parts), reverse=True) and len(parts) > 2
  page = write_comparison(tmp_path / "page", [e.folder for e in entries])
  assert page.read_text().count("A table apart") == len(parts) - 1


def test_a_likelihood_is_never_shown_without_its_kind(page):
  table = {row["name"][1]["data-value"]: row for row in Tables(page).tables[0]}
  shown = {
    "vae_digits": ("≤ 100.00 ± 0.5", "≤ 2.254"),
    "flow_digits": ("= 104.25 ± 0.5", "= 2.350"),
    "ar_digits": ("= 88.50 ± 0.5", "= 1.995"),
    "score_digits": ("≈ 90.00 ± 0.5", "≈ 2.029"),
    "gan_digits": ("–", "–"),
  }
  assert {k: (row["nats"][0], row["bits_per_dim"][0]) for k, row in table.items()} == shown
  for key in ("nats", "bits_per_dim"):  # One bound, one estimate: nothing to be better than.
    assert [k for k, row in table.items() if "best" in row[key][1]["class"]] == ["ar_digits"]


def test_a_conditional_likelihood_is_ranked_by_its_marginal(tmp_path):
  """The better number, given the label, stands below the name and is compared with nothing."""
  about = evaluation("cvae", "cvae", ("exact", 80.0))
  marginal = about["likelihood"] | {"nats": -95.0, "bits_per_dim": 95 / (64 * np.log(2))}
  about["likelihood"] |= {"given": ["label"], "marginal": marginal}
  lacks = evaluation("mfm", "mfm", ("exact", 70.0))
  lacks["likelihood"] |= {"given": ["image", "label"], "marginal": None}
  others = {"cvae": about, "mfm": lacks, "flow": evaluation("flow", "maf", ("exact", 90.0))}
  folders = [run(tmp_path, name, found) for name, found in others.items()]
  page = write_comparison(tmp_path / "page", folders)
  table = {row["name"][1]["data-value"]: row for row in Tables(page).tables[0]}
  shown = {name: row["nats"][0] for name, row in table.items()}
  assert shown == {"cvae": "= 95.00 ± 0.5", "mfm": "–", "flow": "= 90.00 ± 0.5"}
  assert [k for k, row in table.items() if "best" in row["nats"][1]["class"]] == ["flow"]
  text = page.read_text()
  assert "−log p(x | label) = 80.00 nats" in text
  assert "−log p(x | image, label) = 70.00 nats" in text


def test_unknown_network_calls_are_not_the_fewest(tmp_path):
  known, other = (evaluation(name, "vae", ("exact", 90.0)) for name in ("a", "b"))
  unknown = evaluation("cnf", "cnf", ("exact", 90.0))
  known["sampling"]["network_evaluations"] = 3
  unknown["sampling"]["network_evaluations"] = None
  folders = [run(tmp_path, e["config"], e) for e in (known, other, unknown)]
  table = Tables(write_comparison(tmp_path / "page", folders)).tables[0]
  best = {
    row["name"][1]["data-value"]: "best" in row["network_evaluations"][1]["class"] for row in table
  }
  assert best == {"a": False, "b": True, "cnf": False}


def test_every_number_is_there(page):
  table = {row["name"][1]["data-value"]: row for row in Tables(page).tables[0]}
  vae = {k: text for k, (text, _) in table["vae_digits"].items()}
  want = {
    "parameters": "45,665",
    "fid": "19.50",
    "kid": "0.00420 ± 0.0003",
    "precision": "0.800",
    "recall": "0.700",
    "density": "0.900",
    "coverage": "0.850",
    "copies": "0.450",
    "seconds_per_image": "0.0300",
    "seconds": "7.50",
    "network_evaluations": "1",
    "steps_per_second": "760.00",
    "examples_per_second": "76,000",
    "compile_seconds": "11.50",
    "agreement": "–",
  }
  assert {k: vae[k] for k in want} == want and "modes" not in vae
  assert (
    table["ar_digits"]["agreement"][0] == "0.900" and table["ar_digits"]["kid"][0] == "668.15 ± 790"
  )
  assert (
    "class" not in table["ar_digits"]["name"][1]
    and "data-value" not in table["gan_digits"]["nats"][1]
  )


def test_the_table_begins_in_the_order_of_fid_the_missing_last(page):
  tables = Tables(page)
  assert names(tables.tables[0]) == [
    "gan_digits",
    "flow_digits",
    "vae_digits",
    "ar_digits",
    "score_digits",
  ]
  assert [a["data-key"] for a in tables.all("th") if "aria-sort" in a] == ["fid", "fid"]


def test_the_page_needs_nothing_but_itself_and_leads_to_the_runs(page, runs):
  tables = Tables(page)
  text = re.sub(r'src="data:[^"]*"', "", page.read_text())
  assert not re.search(r"https?:|//[a-z]|@import|url\(", text) and not tables.all("link")
  linked = [a["href"] for a in tables.all("a") if not a["href"].startswith("#sort=")]
  assert {(page.parent / href).resolve() for href in linked} == {
    (r / "report.html").resolve() for r in runs
  }
  pictures = [a["src"].removeprefix("data:image/png;base64,") for a in tables.all("img")]
  names = ("gan", "flow", "vae", "ar", "score", "other")  # The order of the tables.
  ordered = [next(r for r in runs if r.name == f"{name}_digits") for name in names]
  files = [r / "samples/step_0000400.png" for r in ordered]
  assert pictures == [base64.b64encode(file.read_bytes()).decode() for file in files]
  assert len(tables.all("script")) == 1
  (runs[0] / "report.html").unlink()
  shutil.copytree(runs[1] / "samples", runs[1] / "figures")
  shutil.rmtree(runs[1] / "samples")
  (runs[1] / "figures/step_0000200.png").rename(runs[1] / "figures/samples.png")
  again = Tables(write_comparison(page.parent, runs))
  assert len([a for a in again.all("a") if a["href"].startswith("..")]) == len(runs) - 1
  assert len(again.all("img")) == len(runs)
  save(page.parent / "real.png", np.zeros((9, 9, 3), np.uint8))
  first, *others = Tables(write_comparison(page.parent, runs)).all("img")
  real = base64.b64encode((page.parent / "real.png").read_bytes()).decode()
  assert first["src"].endswith(real) and len(others) == len(runs)


def test_curves_are_of_the_losses_and_plots_of_the_trade_offs(page):
  labels = [a["aria-label"] for a in Tables(page).all("svg")]
  assert labels == [
    "FID against ms a sample",
    "recall against precision",
    "coverage against density",
    "bits/dim against FID",
    "loss by step",
    "loss by step",
    "loss by step",
    "gen_loss by step",
    "critic_loss by step",
    "loss by step",
    "loss by step",
  ]


def test_failures_notes_and_the_command_are_printed(page):
  text = Tables(page).text
  for line in (*FAILURES.values(), *NOTES, COMMAND, "6 of 7 runs", "jax 0.10.2"):
    assert line in text, line


def test_results_are_the_evaluations_with_the_hardware(page, runs):
  results = json.loads((page.parent / "results.json").read_text())
  assert results["evaluations"] == [json.loads((r / "evaluation.json").read_text()) for r in runs]
  assert (
    results["failures"] == FAILURES
    and results["notes"] == NOTES
    and results["versions"] == {"jax": ["0.10.2"]}
  )
  assert results["hardware"]["devices"] == ["cpu"] and results["hardware"]["cores"] > 0
  assert not list(page.parent.glob("*.tmp"))


def test_numbers_that_are_none_are_missing(tmp_path):
  about = evaluation("a_digits", "vae", ("exact", float("nan")), {"fid": float("inf")})
  page = write_comparison(
    tmp_path, [run(tmp_path, "a_digits", about), run(tmp_path, "b_digits", about)]
  )
  row = Tables(page).tables[0][0]
  assert "nats" not in row and "fid" not in row and row["recall"][0] == "0.700"
  json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)


def test_a_model_that_does_not_sample_is_trained_on_the_same_hardware(tmp_path):
  about = (
    evaluation("a_digits", "vae"),
    evaluation("b_digits", "classifier", seconds=3.0) | {"sampling": None},
  )
  page = write_comparison(tmp_path, [run(tmp_path, e["config"], e) for e in about])
  table = {row["name"][1]["data-value"]: row for row in Tables(page).tables[0]}
  assert [k for k, row in table.items() if "best" in row["seconds"][1]["class"]] == ["b_digits"]


def test_restorations_have_their_psnr_and_not_the_quality_of_samples(runs, tmp_path):
  about = evaluation("denoising_digits", "autoencoder", None, {"fid": 0.001})
  about["metrics"] = {"loss": 1.0, "psnr": 18.528, "psnr_baseline": 13.004}
  page = write_comparison(tmp_path, [*runs, run(tmp_path, "denoising_digits", about, seed=9)])
  tables = Tables(page)
  assert "Restorations" in tables.text and "0.001" not in tables.text
  assert not any("denoising_digits" in names(t) for t in tables.tables if t and "name" in t[0])
  assert "denoising_digits\nautoencoder\n18.53 dB\n13.00 dB\n45,665\n7.5\n" in tables.text
  assert any(a["href"].endswith("denoising_digits/report.html") for a in tables.all("a"))
  alone = Tables(write_comparison(tmp_path / "alone", [tmp_path / "denoising_digits"]))
  assert "18.53 dB" in alone.text and "Comparison" not in alone.text


def test_runs_without_an_evaluation_are_failures(runs, tmp_path):
  (runs[0] / "evaluation.json").unlink()
  (runs[1] / "evaluation.json").write_text('{"half')
  page = Tables(write_comparison(tmp_path, runs))
  assert "4 of 6 runs" in page.text and page.text.count("it has no evaluation.json") == 2
  page = Tables(write_comparison(tmp_path, [], FAILURES))
  assert "No model was measured" in page.text and FAILURES["glow_digits"] in page.text
  with pytest.raises(UserError, match="no run"):
    write_comparison(tmp_path, [])


def test_the_command_names_the_data_and_the_folder(runs, tmp_path):
  text = Tables(write_comparison(tmp_path / "my zoo", runs)).text
  assert f"python -m experiments.zoo --data=digits --workdir='{tmp_path}/my zoo'" in text


def test_clouds_stand_beside_the_oracle_and_meshes_beside_uniform_tokens(tmp_path):
  oracle = {"one_nearest_neighbour": 0.505, "coverage": 0.59, "mmd": 0.166, "clouds": 200}
  clouds = oracle | {"one_nearest_neighbour": 0.75, "oracle": oracle}
  about = evaluation("lion_points", "lion", None, None) | {
    "quality": clouds | {k: QUALITY[k] for k in ("samples", "reference", "reference_examples")},
    "metrics": {"bits_per_vertex": 1.238, "bits_per_vertex_uniform": 15.54, "nats": 3.0},
  }
  about["quality"]["features"] = "clouds"
  folder = run(tmp_path, "lion_points", about)
  text = write_comparison(tmp_path, [folder]).read_text()
  assert "1-NNA is 0.505, coverage 0.59 and MMD 0.166" in text
  keys = re.findall(r'data-key="(\w+)"', text)
  for key in ("one_nearest_neighbour", "coverage", "mmd"):
    assert key in keys
  assert keys.index("bits_per_vertex_uniform") == keys.index("bits_per_vertex") + 1
  assert "1.238" in text and "15.54" in text
  # A metric of this name is no likelihood of the data.
  assert not {"nats", "bits_per_dim"} & set(keys)


def test_a_video_distance_is_called_one(tmp_path):
  folder = run(tmp_path, "video_shapes", evaluation("video_shapes", "video_diffusion"))
  fields = {"video": {"shape": [8, 16, 16, 3], "dtype": "uint8", "num_values": 256}}
  (folder / "data.json").write_text(json.dumps({"fields": fields, "stages": {}}))
  assert "Fréchet video distance" in write_comparison(tmp_path, [folder]).read_text()


def test_runs_without_a_likelihood_may_have_measured_other_numbers_of_examples(tmp_path):
  few = {"examples": 100}
  plain = read(run(tmp_path, "gan_digits", evaluation("gan_digits", "gan") | few))
  other = read(run(tmp_path, "ebm_digits", evaluation("ebm_digits", "ebm")))
  assert apart(plain, other) is None
  likely = evaluation("vae_digits", "vae", ("exact", 90.0))
  a = read(run(tmp_path, "vae_digits", likely))
  b = read(run(tmp_path, "nice_digits", likely | few))
  assert apart(a, plain) is None and "examples is 297 for one and 100" in apart(a, b)
