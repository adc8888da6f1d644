"""The time to the first step: of one's own step, with earlier stages there before."""

import sys
from types import SimpleNamespace

import pytest

from experiments import pipeline
from experiments.bench import startup
from experiments.resolve import override, resolve
from genjax_zoo.core import UserError
from genjax_zoo.log import read_json


def command_of(code: str) -> list[str]:
  return [sys.executable, "-c", code]


def test_the_wait_ends_when_the_step_is_compiled(tmp_path):
  work = "sum(range(10**7))"  # Linux counts hundredths of a second.
  code = f"import time; {work}; print('compiling... 2.5 s', flush=True); time.sleep(60)"
  wait = startup.first_step(command_of(code), tmp_path)
  assert wait["compile_seconds"] == 2.5
  assert 0 < wait["cpu_seconds"] <= wait["seconds"] + 0.1 < 30


def test_a_command_without_a_step_says_why(tmp_path):
  with pytest.raises(UserError, match="error: no data"):
    startup.first_step(command_of("print('begun'); print('error: no data')"), tmp_path)


def test_stages_of_stages_are_there_before_too(monkeypatch, tmp_path):
  made = []

  def train_run(stage, folder, measured):
    folder.mkdir()
    made.append((folder.name, stage["train"]["steps"]))
    return SimpleNamespace(folder=folder)

  monkeypatch.setattr(pipeline, "train_run", train_run)
  config = resolve("configs/prompt_tuning_digits.py")
  assignments = startup.untrained(config.to_dict(), tmp_path)
  assert made == [("vqvae_digits", 0), ("token_prior_digits", 0)]
  for assignment in assignments:
    override(config, assignment.removeprefix("--config."))
  (prior,) = config.stages.values()
  (first,) = prior.stages.values()
  assert (config.train.steps > 0, prior.train.steps, first.train.steps) == (True, 0, 0)


def test_untrained_stages_are_finished_runs(tmp_path):
  config = resolve("configs/ddls_digits.py").to_dict()
  startup.untrained(config, tmp_path)
  saved = read_json(tmp_path / "gan_digits/config.json")
  (stage,) = config["stages"].values()
  assert pipeline.finished(tmp_path / "gan_digits", saved, stage) == 0


def test_a_combination_of_stages_has_no_first_step():
  with pytest.raises(UserError, match="takes no step"):
    startup.waits("rerank_digits")
