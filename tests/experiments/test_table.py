"""The tables of README.md and docs are those of the committed evaluations, which are of runs that
anyone can repeat.
"""

import json
from pathlib import Path

import pytest

from experiments import pages, resolve, table
from genjax_zoo.core import UserError
from genjax_zoo.run import write_description

QUALITY = {"fid": 19.4446, "samples": 1000, "features": "digits@sha256:6170c57c"}


def evaluation(config="vae_digits", **changes):
  likelihood = {
    "kind": "lower_bound",
    "nats": -100.113,
    "standard_error": 0.5376,
    "bits_per_dim": 100.113 / 44.3614,
  }
  return {
    "model": "vae",
    "config": config,
    "data": "digits",
    "split": "test",
    "examples": 297,
    "step": 4000,
    "likelihood": likelihood | {"binarization": None},
    "quality": QUALITY,
    "training": {"seconds": 7.2, "device": "cpu"},
  } | changes


def cells(text):
  """The rows of a Markdown table, a list of cells each; its head and rule first."""
  return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def test_no_page_is_stale():
  table.main(["--check"])


@pytest.fixture
def root(tmp_path):
  """A folder with the pages, their tables empty."""
  for page, tables in pages.PAGES.items():
    path = tmp_path / page
    path.parent.mkdir(exist_ok=True)
    body = "".join(f"<!-- table: {name} -->\n<!-- /table -->\n\n" for name in tables)
    path.write_text(f"# Title\n\n{body}After | all.\n")
  return tmp_path


def test_check_fails_until_the_tables_are_written(root):
  folder = root / "results"
  page = root / "docs/results.md"
  table.main([], root, folder)
  assert pages.EMPTY in page.read_text()
  folder.mkdir()
  for i, (config, data) in enumerate({"gan_digits": "moons", "vae_digits": "digits"}.items()):
    path = folder / f"{config}.json"
    path.write_text(json.dumps(evaluation(config, data=data)))
    stale = page.read_text()
    with pytest.raises(UserError, match=r"is stale in the table \w+: run python -m"):
      table.main(["--check"], root, folder)
    assert page.read_text() == stale
    table.main([], root, folder)
    table.main(["--check"], root, folder)
    assert len(cells(page.read_text())) == 3 * (i + 1)
  text = page.read_text()
  assert text.startswith("# Title\n\n<!-- table: results -->\n")
  assert text.endswith("<!-- /table -->\n\nAfter | all.\n")
  assert pages.EMPTY not in text and text.index("vae_digits") < text.index("gan_digits")
  table.main([], root, folder)
  assert page.read_text() == text
  path.write_text(json.dumps(evaluation(quality=QUALITY | {"fid": 3.0})))
  with pytest.raises(UserError, match=r"README\.md is stale in the table families"):
    table.main(["--check"], root, folder)


def test_errors_name_what_is_wrong(root):
  folder = root / "results"
  folder.mkdir()
  for name, content in {
    "vae_mnist": evaluation("vae_digits"),
    "half": "{",
    "gone": evaluation("gone"),
    "list": [1],
  }.items():
    path = folder / f"{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=name):
      table.main([], root, folder)
    path.unlink()
  (root / "README.md").write_text("no table")
  with pytest.raises(UserError, match="table: families"):
    table.main([], root, folder)


def run(folder, name="vae_digits", evaluated={}, **train):
  """The folder of a finished run of a config, as far as a result needs it."""
  folder.mkdir(exist_ok=True)
  config = resolve.resolve(f"configs/{name}.py")
  config.train.update(train)
  write_description(folder, config.to_dict(), {"fields": {}, "stages": {}})
  (folder / "evaluation.json").write_text(
    json.dumps(evaluation(config.name, step=config.train.steps) | evaluated)
  )
  return folder


def test_a_finished_run_is_taken_in(root, tmp_path):
  folder = run(tmp_path / "anything")
  table.main(["--add", str(folder)], root, tmp_path / "results")
  taken = tmp_path / "results/vae_digits.json"
  assert taken.read_bytes() == (folder / "evaluation.json").read_bytes()
  assert "[vae_digits](" in (root / "README.md").read_text()
  staged = run(tmp_path / "staged", "latent_diffusion_digits", {"model": "latent_diffusion"})
  assert (
    table.add(staged, tmp_path / "results") == tmp_path / "results/latent_diffusion_digits.json"
  )


def test_runs_that_do_not_count_are_refused(tmp_path):
  results = tmp_path / "results"
  refused = {}
  config = resolve.resolve("configs/vae_digits.py:smoke").to_dict()
  smoke = run(tmp_path / "smoke")
  write_description(smoke, config, {})
  refused["smoke run"] = smoke
  refused["step 3999 of"] = run(tmp_path / "early", evaluated={"step": 3999})
  refused["400 steps, not"] = run(tmp_path / "shortened", steps=400)
  refused["'validation'"] = run(tmp_path / "validation", evaluated={"split": "validation"})
  for section, key, value in ("sample", "noise", True), ("evaluate", "samples", 10):
    refused[f"--config.{section}.{key}="] = folder = run(tmp_path / f"measured_{key}")
    saved = json.loads((folder / "config.json").read_text())
    saved[section][key] = value
    (folder / "config.json").write_text(json.dumps(saved))
  other = run(tmp_path / "other")
  saved = json.loads((other / "config.json").read_text())
  saved["model"]["latent"] += 1
  (other / "config.json").write_text(json.dumps(saved))
  refused["model.latent"] = other
  staged = run(tmp_path / "staged", "latent_diffusion_digits")
  saved = json.loads((staged / "config.json").read_text())
  next(iter(saved["stages"].values()))["train"]["steps"] = 7
  (staged / "config.json").write_text(json.dumps(saved))
  refused["7 steps, not"] = staged
  for why, folder in refused.items():
    with pytest.raises(UserError, match=why):
      table.add(folder, results)
  begun = run(tmp_path / "begun")
  (begun / "evaluation.json").unlink()
  with pytest.raises(UserError, match="not finished"):
    table.add(begun, results)
  with pytest.raises(UserError, match="not a run folder"):
    table.add(tmp_path / "nothing", results)
  assert not results.exists()


def test_committed_results_are_of_committed_configs():
  for name, found in table.read(table.RESULTS).items():
    assert Path(resolve.HERE / "configs" / f"{name}.py").is_file() and found["split"] == "test"
