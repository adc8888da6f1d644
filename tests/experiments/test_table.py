"""The README's numbers are those of the committed evaluations, and these are of runs that anyone
can repeat.
"""

import json
from pathlib import Path
import re

import numpy as np
import pytest

from experiments import resolve, table
from genjax_zoo.core import UserError
from genjax_zoo.run import write_description

MODELS = sorted((table.ROOT / "genjax_zoo/models").glob("*/[a-z]*.py"))
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


def test_the_readme_is_not_stale():
  table.main(["--check"])


def test_a_row():
  head, rule, row = cells(table.models({"vae_digits": evaluation()}))
  assert len(head) == len(row) == len(rule) and set(rule) == {"---"}
  assert dict(zip(head, row)) == {
    "model": "[vae](genjax_zoo/models/latent_variable/vae.py)",
    "paper": "Kingma & Welling 2013, [1312.6114](https://arxiv.org/abs/1312.6114)",
    "config": "[vae_digits](experiments/configs/vae_digits.py)",
    "−log p(x) of test data": "≤ 2.257 ± 0.012 bits/dim",
    "FID": "19.44 (1,000 samples)",
    "training": "7 s, cpu",
  }
  assert "the features `digits@sha256:6170c57c`" in table.models({"vae_digits": evaluation()})
  for link in re.findall(r"\]\(([^h)][^)]*)\)", " ".join(row)):
    assert (table.ROOT / link).is_file(), link


def test_what_a_run_lacks_is_empty():
  lacks = evaluation(likelihood=None, quality=None, training={"seconds": 0.0, "device": "cpu"})
  text = table.models({"vae_digits": lacks})
  assert cells(text)[2][3:] == ["", "", ""] or text.splitlines()[2].endswith("|  |  |  |")
  assert "FID is" not in text


@pytest.mark.parametrize("kind, sign", [("exact", "="), ("lower_bound", "≤"), ("estimate", "≈")])
def test_a_likelihood_has_its_mark_and_unit(kind, sign):
  rng = np.random.default_rng(0)
  for dim in (2, 64, 784):
    nats, error = rng.normal(0, 50), rng.uniform(0.1, 1)
    found = {
      "kind": kind,
      "nats": nats,
      "standard_error": error,
      "bits_per_dim": -nats / (dim * np.log(2)),
    }
    told = re.fullmatch(rf"{sign} (\S+) ± (\S+) bits/dim", table.likelihood(found)).groups()
    numbers = [float(x.replace("−", "-")) for x in told]
    np.testing.assert_allclose(
      numbers, [found["bits_per_dim"], error / (dim * np.log(2))], atol=5e-4
    )
    # Real numbers; two levels.
    for other in (found | {"bits_per_dim": None}, found | {"binarization": "static"}):
      told = re.fullmatch(rf"{sign} (\S+) ± (\S+) nats", table.likelihood(other)).groups()
      np.testing.assert_allclose(
        [float(x.replace("−", "-")) for x in told], [-nats, error], atol=5e-3
      )


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_the_paper_of_a_model_is_found(file):
  """The arXiv number that stands first in its docstring's first paragraph, if one is there."""
  text = file.read_text(encoding="utf-8").split('"""')[1].split("\n\n")[0]
  numbers = re.findall(r"arXiv:([\d.]+\d)", text)
  found = table.paper(text)
  assert re.findall(r"\[([^]]*)\]\(https://arxiv.org/abs/\1\)", found) == numbers[:1]
  assert found or not re.search(r"\(\w[^)]* \d{4}\)", text)


def test_papers():
  assert table.paper(
    "Bits (Ho, Jain & Abbeel 2020,\narXiv:2006.11239, equation 3).\n\n(Me 1999)"
  ).startswith("Ho, Jain & Abbeel 2020, [2006.11239]")
  assert (
    table.paper("Old (A 2001, arXiv:cs/0112017).")
    == "A 2001, [cs/0112017](https://arxiv.org/abs/cs/0112017)"
  )
  assert table.paper("EM (Dempster, Laird & Rubin 1977).") == "Dempster, Laird & Rubin 1977"
  assert table.paper("No paper (a remark).\n\nIt departs from (B 2002).") == ""


def test_durations():
  assert [table.duration(s) for s in (0.4, 61.2, 119, 121, 3600, 7300, 86400)] == [
    "0 s",
    "61 s",
    "119 s",
    "2 min",
    "60 min",
    "2.0 h",
    "24.0 h",
  ]


@pytest.fixture
def readme(tmp_path):
  path = tmp_path / "README.md"
  path.write_text("# Title\n\n<!-- table: models -->\n<!-- /table -->\n\nAfter | all.\n")
  return path


def test_check_fails_until_the_table_is_written(readme, tmp_path):
  results = tmp_path / "results"
  command = lambda *arguments: table.main(arguments, readme, results)
  command()
  assert table.EMPTY in readme.read_text() and len(cells(readme.read_text())) == 2
  results.mkdir()
  for i, (config, data) in enumerate({"gan_digits": "tfds:later", "vae_digits": "digits"}.items()):
    path = results / f"{config}.json"
    path.write_text(json.dumps(evaluation(config, data=data)))
    stale = readme.read_text()
    with pytest.raises(
      UserError, match=r"stale in the table models: run python -m experiments\.table"
    ):
      command("--check")
    assert readme.read_text() == stale
    command()
    command("--check")
    assert len(cells(readme.read_text())) == 3 + i
  text = readme.read_text()
  assert text.startswith("# Title\n\n<!-- table: models -->\n") and text.endswith(
    "<!-- /table -->\n\nAfter | all.\n"
  )
  assert table.EMPTY not in text and text.index("vae_digits") < text.index("gan_digits")
  command()
  assert readme.read_text() == text
  path.write_text(json.dumps(evaluation(quality=QUALITY | {"fid": 3.0})))
  with pytest.raises(UserError, match="stale"):
    command("--check")


def test_errors_name_what_is_wrong(readme, tmp_path):
  results = tmp_path / "results"
  results.mkdir()
  command = lambda: table.main([], readme, results)
  for name, content in {
    "vae_mnist": evaluation("vae_digits"),
    "half": "{",
    "gone": evaluation("gone"),
    "list": [1],
    "vae_digits": evaluation(model="gone"),
  }.items():
    path = results / f"{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=name):
      command()
    path.unlink()
  readme.write_text("no table")
  with pytest.raises(UserError, match="table: models"):
    command()


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


def test_a_finished_run_is_taken_in(readme, tmp_path):
  folder = run(tmp_path / "anything")
  table.main(["--add", str(folder)], readme, tmp_path / "results")
  taken = tmp_path / "results/vae_digits.json"
  assert taken.read_bytes() == (folder / "evaluation.json").read_bytes()
  assert "[vae_digits](" in readme.read_text()
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
