"""A report is one whole page that shows what the run folder holds, and nothing from elsewhere."""

import base64
from html.parser import HTMLParser
import json
import re

import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.figures.pictures import save, save_film
from genjax_zoo.report.measures import meaning
from genjax_zoo.report.page import (
  BOTTOM,
  TOP,
  curve,
  decades,
  number,
  section,
  short,
  table,
  tag,
  ticks,
)
from genjax_zoo.report.run_page import measures, write_report

VOID = "img", "meta"
CONFIG = {
  "name": "vae_digits",
  "model": {"name": "vae", "latent": 8, "note": "<script>alert(1)</script>", "hidden": [256, 128]},
  "data": {"name": "digits", "batch": 128},
  "train": {"steps": 200},
  "stages": {"first": {"name": "ae", "model": {"name": "ae", "width": 77}, "stages": {}}},
}
EVALUATION = {
  "model": "vae",
  "config": "vae_digits",
  "data": "digits",
  "split": "test",
  "examples": 297,
  "step": 200,
  "parameters": 652824,
  "seed": 0,
  "likelihood": {
    "kind": "lower_bound",
    "estimator": "elbo",
    "nats": -102.1,
    "bits_per_dim": 2.3018,
    "standard_error": 0.21,
    "binarization": "static",
    "dequantization": None,
  },
  "metrics": {"elbo": -103.25, "kl": 25.125},
  "quality": {
    "fid": 12.3,
    "kid": 0.004,
    "kid_standard_error": 0.00102,
    "recall": 0.7,
    "samples": 10000,
    "reference": "test",
    "features": "digits_cnn@sha256:ab",
  },
  "sampling": {
    "seconds_per_image": 0.0001,
    "network_evaluations": 7,
    "batch": 1024,
    "device": "cpu",
  },
  "training": {
    "seconds": 61.5,
    "compile_seconds": 2.5,
    "steps_per_second": 812.0,
    "examples_per_second": 103936.0,
    "peak_bytes": None,
    "device": "cpu",
    "versions": {"jax": "0.10.2"},
  },
}


class Page(HTMLParser):
  """A page read strictly: every element closed by its own end tag."""

  def __init__(self, text):
    super().__init__()
    self.open, self.elements, self.text = [], [], ""
    self.feed(text)
    self.close()
    assert not self.open, f"not closed: {self.open}"

  def handle_starttag(self, tag, attributes):
    self.elements.append((tag, dict(attributes)))
    if tag not in VOID:
      self.open.append(tag)

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    if self.open[-1:] != ["style"]:
      self.text += data + "\n"

  def all(self, tag):
    return [attributes for t, attributes in self.elements if t == tag]


def read(folder):
  path = write_report(folder)
  assert path == folder / "report.html" and not list(folder.glob("*.tmp"))
  return Page(path.read_text(encoding="utf-8"))


def picture(seed):
  return np.random.default_rng(seed).integers(0, 255, (4, 6, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
  """The folder of a run that is finished."""
  folder = tmp_path / "vae_digits"
  for i, step in enumerate(range(10, 210, 10)):
    save(folder / "samples" / f"step_{step:07d}.png", picture(i))
  save(folder / "samples" / "samples.png", picture(99))  # Drawn later, by --mode=sample.
  for i, name in enumerate(["samples", "latent_map", "uncaptioned"]):
    save(folder / "figures" / f"{name}.png", picture(100 + i))
  captions = [
    ["samples.png", "Samples & data."],
    ["traversals.png", "No <traversals>."],
    ["latent_map.png", "A map."],
  ]
  rows = [
    {"step": 2 * i + 2, "loss": 500 / (i + 1), "kl": 3.0 + i % 2, "seconds": 0.6 * i}
    for i in range(100)
  ]
  files = {"config.json": CONFIG, "evaluation.json": EVALUATION, "figures/captions.json": captions}
  files["data.json"] = {
    "fields": {"image": {"shape": [8, 8, 1], "dtype": "uint8", "levels": 17}},
    "stages": {},
  }
  for name, content in files.items():
    (folder / name).write_text(json.dumps(content))
  (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  return folder


def embedded(page):
  return [
    base64.b64decode(a["src"].removeprefix("data:image/png;base64,")) for a in page.all("img")
  ]


def test_pictures_are_embedded_and_nothing_comes_from_elsewhere(folder):
  page = read(folder)
  pictures = embedded(page)
  first, *others = [
    (folder / "figures" / f"{k}.png").read_bytes() for k in ("samples", "latent_map", "uncaptioned")
  ]
  assert pictures[0] == first and pictures[-2:] == others
  samples = [p.read_bytes() for p in sorted((folder / "samples").glob("step*"))]
  shown = [samples.index(p) for p in pictures[1:-2]]
  # The samples of step 200 are those of the figure.
  assert shown[0] == 0 and shown[-1] == 18 and len(shown) == 6 and shown == sorted(set(shown))
  assert "step 10\n" in page.text and "step 190\n" in page.text
  assert (
    "Samples & data." in page.text and "A map." in page.text and "No <traversals>." in page.text
  )
  text = (folder / "report.html").read_text()
  assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r'src="data:[^"]*"', "", text))
  linked = [
    a for _, attributes in page.elements for k, a in attributes.items() if k in ("src", "href")
  ]
  assert (
    all(a.startswith("data:") for a in linked) and not page.all("link") and not page.all("script")
  )


def test_videos_move(folder):
  """A film beside the picture of the same samples takes its place."""
  frames = np.random.default_rng(0).integers(0, 255, (3, 8, 8, 3), np.uint8)
  path = folder / "samples" / "step_0000007.webp"
  save_film(path, frames)
  save(path.with_suffix(".png"), frames[0])
  page = write_report(folder).read_text()
  assert f"data:image/webp;base64,{base64.b64encode(path.read_bytes()).decode()}" in page
  still = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
  assert still not in page and "step 7" in page


def test_what_the_config_says_is_text(folder):
  page = read(folder)
  assert "<script>" not in (folder / "report.html").read_text()
  assert "<script>alert(1)</script>\n" in page.text
  assert "hidden\n[256, 128]\n" in page.text and "width\n77\n" in page.text


@pytest.mark.parametrize(
  "kind, sentence",
  [
    (
      "lower_bound",
      "−log p(x) ≤ 102.10 ± 0.21 nats, ≤ 2.302 bits/dim (lower bound of log p, elbo)",
    ),
    ("exact", "−log p(x) = 102.10 ± 0.21 nats, = 2.302 bits/dim (exact, elbo)"),
    ("estimate", "−log p(x) ≈ 102.10 ± 0.21 nats, ≈ 2.302 bits/dim (estimate of log p, elbo)"),
  ],
)
def test_a_likelihood_stands_beside_its_kind(folder, kind, sentence):
  evaluation = EVALUATION | {"likelihood": EVALUATION["likelihood"] | {"kind": kind}}
  (folder / "evaluation.json").write_text(json.dumps(evaluation))
  text = read(folder).text
  assert sentence in text
  row = re.search(r"log p\(x\)\n(.*), elbo\n(.*)\n(.*)\n(.*)\n", text)
  assert row.groups() == (kind.replace("_", " "), "-102.10", "0.21", "nats")
  row = re.search(r"bits per dimension\n(.*), elbo\n(.*)\n(.*)\n(.*)\n", text)
  assert row.groups() == (kind.replace("lower_bound", "upper bound"), "2.302", "0.0047", "bits/dim")


def test_a_conditional_likelihood_stands_beside_its_marginal(folder):
  marginal = EVALUATION["likelihood"] | {"nats": -104.2, "bits_per_dim": 2.35, "given": []}
  likelihood = EVALUATION["likelihood"] | {"given": ["label"], "marginal": marginal}
  (folder / "evaluation.json").write_text(json.dumps(EVALUATION | {"likelihood": likelihood}))
  text = read(folder).text
  assert "−log p(x | label) ≤ 102.10 ± 0.21 nats" in text
  assert "−log p(x) ≤ 104.20 ± 0.21 nats" in text and "−log p(x) ≤ 102.10" not in text
  assert re.search(r"log p\(x \| label\)\n.*\n-102.10\n", text)
  assert re.search(r"log p\(x\)\n.*\n-104.20\n", text)


def test_every_number_of_the_evaluation_is_there(folder):
  text = read(folder).text
  for line in (
    f"elbo\n{meaning('elbo')}\n-103.25\nnats",
    f"kl\n{meaning('kl')}\n25.12\nnats",
    f"FID\n{meaning('fid')}\n12.30\n",
    f"KID\n{meaning('kid')}\n0.004\n0.001\n",
    f"recall\n{meaning('recall')}\n0.7\n",
  ):
    assert line in text, line
  for fact in (
    "297 test examples",
    "binarization: static",
    "digits_cnn@sha256:ab",
    "quality samples: 10000",
  ):
    assert fact in text, fact
  for line in (
    "parameters\n652,824",
    "training\n61.50\ns",
    "speed\n812.00\nsteps/s",
    "jax 0.10.2",
    "evaluations\n7\n",
  ):
    assert line in text, line
  assert "dequantization" not in text and "peak" not in text


def test_commands_reproduce_and_load(folder, monkeypatch):
  text = read(folder).text
  assert f"python -m experiments.main --config=configs/vae_digits.py --workdir={folder}" in text
  assert f"genjax_zoo.load('{folder}')" in text
  whole = "python -m experiments.main --config=mine.py --config.train.steps=7"
  (folder / "config.json").write_text(json.dumps(CONFIG | {"command": whole}))
  assert whole in read(folder).text and "Add the" not in read(folder).text
  (folder / "config.json").write_text(json.dumps(CONFIG | {"name": "vae_digits_smoke"}))
  assert "--config=configs/vae_digits.py:smoke" in read(folder).text
  monkeypatch.chdir(folder.parent)
  (folder.parent / "runs").mkdir()
  (folder.parent / "runs" / "vae_digits").mkdir()
  text = write_report("runs/vae_digits").read_text()
  assert "--config=configs/vae_digits.py</pre>" in text and "workdir" not in text


def test_a_report_needs_none_of_the_files(folder):
  files = [p for p in folder.rglob("*") if p.is_file()]
  for missing in files:
    content = missing.read_bytes()
    missing.unlink()
    assert "vae" in read(folder).text
    missing.write_bytes(content)
  for path in files:
    path.unlink()
  page = read(folder)
  assert "Not evaluated yet" in page.text and "Reproduce" in page.text and not page.all("img")
  assert not any(
    name in page.text for name in ("Training\n", "Figures\n", "Evaluation\n", "Cost\n")
  )


def test_a_run_in_progress_says_how_far_it_is(folder):
  (folder / "evaluation.json").unlink()
  (folder / "metrics.jsonl").write_text(
    '{"step": 50, "loss": 1.0, "seconds": 3.5}\n{"step": 60, "lo'
  )
  text = read(folder).text
  assert "step 50 of 200, not finished" in text and "training\n3.5\ns" in text


def test_a_run_without_steps_or_likelihood(folder):
  (folder / "metrics.jsonl").unlink()
  (folder / "config.json").write_text(json.dumps(CONFIG | {"train": {"steps": 0}}))
  parts = {"step": 0, "likelihood": None, "metrics": None, "quality": None, "sampling": None}
  (folder / "evaluation.json").write_text(json.dumps(EVALUATION | parts))
  text = read(folder).text
  assert "0 steps" in text and "The model has no likelihood." in text and "not finished" not in text


def test_errors_name_the_folder_or_the_file(folder):
  with pytest.raises(UserError, match="nothing_here"):
    write_report(folder / "nothing_here")
  (folder / "evaluation.json").write_text("{")
  with pytest.raises(UserError, match=r"evaluation\.json"):
    write_report(folder)


def test_curves_are_of_the_metrics_and_the_loss_comes_first(folder):
  page = read(folder)
  assert [a["aria-label"] for a in page.all("svg")] == ["loss by step", "kl by step"]
  (folder / "metrics.jsonl").write_text(
    '{"step": 1, "loss": Infinity}\n{"step": 2, "loss": NaN, "rare": 5.0}\n'
  )
  assert [a["aria-label"] for a in read(folder).all("svg")] == ["rare by step"]


def line(svg):
  """The points of a curve, and its ticks' labels and heights."""
  page = Page(svg)
  points = np.array([p.split(",") for p in page.all("polyline")[0]["points"].split()], float)
  heights = [float(a["y1"]) for a in page.all("line")]
  labels = re.findall(r'text-anchor="end">([^<]*)<', svg)[1 : 1 + len(heights)]
  return points, [(float(label), y) for label, y in zip(labels, heights)], page.text


@pytest.mark.parametrize(
  "values", [[3.0, 9.5, 4.0, 7.25], [-2.0, 1e-3, 0.5, 1.5], [400.0, 100.0, 130.0, 90.0]]
)
def test_a_curve_goes_through_its_values(values):
  points, marks, text = line(curve("m", [10, 20, 30, 40], values))
  # The ruled lines give the scale.
  slope, offset = np.polyfit([y for _, y in marks], [v for v, _ in marks], 1)
  np.testing.assert_allclose(points[:, 1] * slope + offset, values, atol=0.02 * np.ptp(values))
  assert points[:, 1].min() >= TOP and points[:, 1].max() <= BOTTOM
  np.testing.assert_allclose(np.diff(points[:, 0]), np.diff(points[:, 0])[0], atol=0.11)
  assert "log scale" not in text and len(marks) >= 3


def test_a_curve_over_decades_has_a_log_scale():
  values = np.geomspace(1e3, 1e-3, 7)
  points, marks, text = line(curve("m", range(7), values))
  slope, offset = np.polyfit([y for _, y in marks], np.log10([v for v, _ in marks]), 1)
  np.testing.assert_allclose(points[:, 1] * slope + offset, np.log10(values), atol=0.02)
  assert "log scale" in text


def test_a_beginning_that_would_flatten_the_rest_is_left_out():
  values = np.r_[-1e4, np.linspace(0, 1, 99)]
  points, _, text = line(curve("m", range(100), values))
  assert "first tenth left out" in text and len(points) == 90 and np.ptp(points[:, 1]) > 100


@pytest.mark.parametrize(
  "steps, values",
  [([5], [2.0]), ([5, 6], [2.0, 2.0]), ([1], [0.0]), (range(5000), np.arange(5000) % 7 - 3.0)],
)
def test_curves_of_one_value_of_constants_and_of_many(steps, values):
  points, _, _ = line(curve("m", steps, values))
  assert 1 <= len(points) <= 300 and np.isfinite(points).all()


def test_ticks_are_round_and_inside():
  rng = np.random.default_rng(0)
  for low, width in zip(rng.normal(size=200) * 100, 10.0 ** rng.uniform(-4, 6, 200)):
    found = ticks(low, low + width)
    step = np.diff(found)[0]
    assert (
      2 <= len(found) <= 6
      and low - 1e-9 * width <= found[0]
      and found[-1] <= low + width * (1 + 1e-9)
    )
    assert f"{step:.0e}"[0] in "125" and np.isclose(step, float(f"{step:.0e}"), rtol=1e-6)
    logs = decades(low / 100, low / 100 + 1.5 + width % 30)
    assert 2 <= len(logs) <= 10 and all(f"{10**v:.0e}"[0] in "125" for v in logs)
  assert [short(x) for x in (0, 0.5, 2000, 40000, 1.5e6, -3e9)] == [
    "0",
    "0.5",
    "2000",
    "40k",
    "1.5M",
    "-3G",
  ]
  shown = {
    3: "3",
    1234567: "1,234,567",
    0.123456: "0.1235",
    12.3456: "12.35",
    98765.4: "98,765",
    -96.1: "-96.10",
  }
  assert {x: number(x) for x in shown} == shown


def test_elements_escape_all_that_is_not_html():
  text = tag("p", "a < b & c", tag("b", "<i>"), None, title='"x" <y>', class_="z")
  assert text == '<p title="&quot;x&quot; &lt;y&gt;" class="z">a &lt; b &amp; c<b>&lt;i&gt;</b></p>'
  assert table([]) is None and section("empty", None, table([])) is None


def test_an_oracle_s_measures_stand_beside_those_of_the_samples():
  measured = {"one_nearest_neighbour": 0.75, "oracle": {"one_nearest_neighbour": 0.5}}
  page = str(measures({"quality": measured}))
  assert page.count("1-NNA") == 2 and "0.75" in page
  assert "oracle&#x27;s 1-NNA" in page and "{" not in page


def test_the_measures_of_reconstructions_are_those_of_a_first_stage():
  restored = {"gradient_ratio": 0.848, "fid": 0.1868, "features": "toy", "examples": 382}
  page = str(measures({"reconstructions": restored}))
  assert "reconstructions: gradient ratio" in page and "0.848" in page
  assert "toy" not in page and "382" not in page


def test_a_sweep_is_plotted_with_its_options_as_names(tmp_path):
  """In milliseconds; a row without a distance has no point."""
  row = {"steps": 8, "sampler": "heun", "calls": 15, "seconds": 0.002, "fid": 0.125}
  rows = [row, row | {"steps": 1, "seconds": 0.0005, "fid": 20.0}, {"steps": 2, "calls": 3}]
  (tmp_path / "evaluation.json").write_text(json.dumps(EVALUATION | {"sweep": rows}))
  text = read(tmp_path).text
  assert "8 heun: ms a sample 2, FID 0.125" in text and "1 heun: ms a sample 0.5, FID 20" in text
  assert "Seconds and quality of a sample" in text and "2: " not in text
