"""One command for a GPU: turns are shared out, a job is stopped in time, and what is done stays."""

import json
from pathlib import Path
import subprocess
import sys
import time

import pytest

from experiments import gpu
from experiments.config_file import find
from experiments.gpu import JOBS, Job, command, following, run, work
from genjax_zoo.core import UserError

A, B, C = (Job(name, 1.0) for name in "abc")


def test_whoever_had_the_fewest_turns_is_next_and_of_those_the_first():
  assert following([A, B, C], {}) == A
  assert following([A, B, C], {"a": ["stopped"]}) == B
  assert following([A, C], {"a": ["stopped"], "c": ["stopped"]}) == A
  assert following([], {}) is None


def test_every_training_job_is_a_committed_config():
  for job in JOBS:
    if job.module == "experiments.main":
      find(f"configs/{job.name}.py")
  assert len({job.name for job in JOBS}) == len(JOBS)


def test_a_command_is_stopped_in_time_and_may_save(tmp_path):
  saves = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(143)))\n"
    "print('begun', flush=True); time.sleep(60)"
  )
  begun = time.monotonic()
  with open(tmp_path / "log", "w") as log:
    assert run([sys.executable, "-c", saves], 2, log) is None
    assert run([sys.executable, "-c", "raise SystemExit(3)"], 30, log) == 3
  assert time.monotonic() - begun < 20
  assert (tmp_path / "log").read_text() == "begun\nsaved\n"


def test_work_ends_in_time_and_goes_on_where_it_was(tmp_path, monkeypatch):
  now = [0.0]
  asked = []

  def turn(job, out, seconds, smoke):
    asked.append((job.name, seconds))
    now[0] += seconds
    return {"a": "stopped", "b": "failed", "c": "done"}[job.name]

  monkeypatch.setattr(gpu, "turn", turn)
  again = lambda minutes: work([A, B, C], tmp_path, minutes, False, clock=lambda: now[0])
  again(1.5)
  assert asked == [("a", 60), ("b", 30)]
  again(4)  # What failed is tried once a command, what is done no more.
  assert asked[2:] == [("c", 60), ("a", 60), ("b", 60), ("a", 60)]
  ended = json.loads((tmp_path / "jobs.json").read_text())
  assert ended == {"a": ["stopped"] * 3, "b": ["failed"] * 2, "c": ["done"]}


def test_in_a_smoke_each_has_a_turn_however_long_the_others_take(tmp_path, monkeypatch):
  now = [0.0]
  asked = []

  def turn(job, out, seconds, smoke):
    asked.append((job.name, seconds))
    now[0] += seconds + 6
    return "stopped"

  monkeypatch.setattr(gpu, "turn", turn)
  work([A, B, C], tmp_path, 1, True, clock=lambda: now[0])
  assert asked == [("a", 20), ("b", 17), ("c", 11)]
  # Resumed, those that are done have no share.
  (tmp_path / "jobs.json").write_text(json.dumps({"a": ["done"]}))
  now[0], asked[:] = 0.0, []
  work([A, B, C], tmp_path, 1, True, clock=lambda: now[0])
  assert asked == [("b", 30), ("c", 24)]


def test_a_smoke_command_is_a_small_one():
  train, compare, device = Job("vae_digits", 1.0), JOBS[0], JOBS[2]
  assert command(train, Path("o"), True)[3:] == [
    "--config=configs/vae_digits.py:smoke",
    *gpu.DIGITS,
    "--mode=train_only",
    f"--workdir={Path('o/vae_digits')}",
  ]
  assert command(compare, Path("o"), False)[3:] == [
    f"--workdir={Path('o/bench')}",
    "--workloads=dit",
  ]
  assert command(device, Path("o"), True)[3:] == [f"--workdir={Path('o/bench')}", "--smoke"]


def test_a_machine_without_a_gpu_is_told_what_to_install(monkeypatch):
  answers = iter(["cpu, cpu\n", "cpu, cpu\n", "gpu, NVIDIA H200\n"])
  answer = lambda *_, **__: subprocess.CompletedProcess((), 0, next(answers), "")
  monkeypatch.setattr(subprocess, "run", answer)
  with pytest.raises(UserError, match="cuda"):
    gpu.device(smoke=False)
  assert gpu.device(smoke=True) == "cpu, cpu"
  assert gpu.device(smoke=False) == "gpu, NVIDIA H200"


@pytest.mark.slow
def test_the_whole_of_it_runs_in_a_small_size(tmp_path):
  smoke = [sys.executable, "-m", "experiments.gpu", "--smoke", "--minutes=3", f"--out={tmp_path}"]
  ended = subprocess.run(smoke, capture_output=True, text=True, timeout=300)
  assert ended.returncode == 0, ended.stderr
  turns = json.loads((tmp_path / "jobs.json").read_text())
  assert turns.keys() == {job.name for job in gpu.available(JOBS)}
  assert {ending for ended in turns.values() for ending in ended} <= {"done", "stopped"}
  for job in JOBS:  # Whoever was stopped has saved.
    if job.module == "experiments.main":
      assert any((tmp_path / job.name / "checkpoints").iterdir())
  # On a slow machine not all is measured in its share of the minutes.
  found = json.loads((tmp_path / "bench/device.json").read_text())
  rates = [row["matmul"] for row in found["training"].values()]
  assert rates and all(0 < rate < 1.5 for rate in rates)
  assert all(row["cached"] > row["naive"] for row in found["sampling"].values())
