"""The command line: it runs, resumes, refuses, and never shows a traceback for a user's mistake."""

from concurrent.futures import ThreadPoolExecutor
import json
import os
from pathlib import Path
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
from PIL import Image
import pytest

from experiments import resolve
from experiments.pipeline import perform
from genjax_zoo import UserError, load
from genjax_zoo.lock import alone
from genjax_zoo.log import read_rows

ROOT = Path(__file__).parents[2]
TINY = (
  "--config.train.steps=40",
  "--config.train.steps_per_dispatch=10",
  "--config.train.log_every=10",
  "--config.train.save_every=20",
  "--config.train.sample_every=20",
  "--config.train.fid_every=20",
  "--config.evaluate.log_prob.k=5",
  "--config.sample.n=16",
  "--config.evaluate.examples=100",
)


def main(*args, cwd=ROOT, **options):
  environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300"} | options.pop("env", {})
  command = [sys.executable, "-m", "experiments.main", *map(str, args)]
  return subprocess.run(
    command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, **options
  )


def refused(*args, **options):
  """The one line that a refused command prints."""
  begun = time.perf_counter()
  done = main(*args, **options)
  assert done.returncode != 0, done.stdout
  assert "Traceback" not in done.stderr, done.stderr
  errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
  assert len(errors) == 1, done.stderr
  return errors[0], time.perf_counter() - begun


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  """A short run of vae_digits: (folder, what it printed)."""
  folder = tmp_path_factory.mktemp("runs") / "vae"
  done = main("--config=configs/vae_digits.py", f"--workdir={folder}", *TINY)
  assert done.returncode == 0, done.stderr
  return folder, done.stdout


def test_a_run_folder_is_complete(trained):
  folder, out = trained
  for name in (
    "config.json",
    "data.json",
    "log.txt",
    "metrics.jsonl",
    "evaluation.json",
    "report.html",
  ):
    assert (folder / name).stat().st_size > 0, name
  assert list((folder / "tensorboard").iterdir()) and list((folder / "figures").glob("*.png"))
  assert [p.name for p in sorted((folder / "samples").iterdir())] == [
    "step_0000020.png",
    "step_0000040.png",
  ]
  rows = read_rows(folder / "metrics.jsonl")
  assert [row["step"] for row in rows if "loss" in row] == [10, 20, 30, 40]
  evaluation = json.loads((folder / "evaluation.json").read_text())
  fids = {row["step"]: row["fid"] for row in rows if "fid" in row}
  assert fids.keys() == {20, 40} and fids[40] == pytest.approx(
    evaluation["quality"]["fid"], rel=1e-3
  )
  assert evaluation["examples"] == 100 and evaluation["step"] == 40
  likelihood = evaluation["likelihood"]
  assert likelihood["kind"] == "lower_bound" and likelihood["estimator"] == "iwae-5"
  assert likelihood["bits_per_dim"] == pytest.approx(-likelihood["nats"] / (64 * np.log(2)))
  assert -evaluation["metrics"]["loss"] <= likelihood["nats"]  # ELBO <= IWAE-5
  assert "parameters" in out and "compiling" in out and "40 steps" in out


def test_the_same_command_again_says_it_is_finished(trained, capsys):
  tiny = [a.removeprefix("--config.") for a in TINY]
  for steps, said in (40, "at step 40: "), (20, "at step 40, and 20 were asked for: "):
    perform("train", "vae_digits", str(trained[0]), [*tiny, f"train.steps={steps}"])
    assert f"{trained[0]} is finished, {said}" in capsys.readouterr().out


def test_the_report_has_the_whole_command(trained):
  command = json.loads((trained[0] / "config.json").read_text())["command"]
  program, config, workdir, *overrides = shlex.split(command.removeprefix("python -m "))
  assert program == "experiments.main" and config == "--config=configs/vae_digits.py"
  assert workdir == f"--workdir={trained[0]}" and sorted(overrides) == sorted(TINY)
  assert "--config.train.fid_every=20" in (trained[0] / "report.html").read_text()


def test_load_and_sample_in_python_on_other_devices(trained):
  run = load(trained[0])
  batch = run.sample(10, seed=1)
  assert batch["image"].shape == (10, 8, 8, 1) and batch["image"].dtype == np.uint8
  np.testing.assert_array_equal(batch["image"], run.sample(10, seed=1)["image"])
  assert run.log_prob(batch, k=3).shape == (10,)
  decoded = run.decode(run.encode(batch))
  assert decoded["image"].shape == (10, 8, 8, 1)


def test_a_batch_of_other_shapes_is_refused(trained):
  run = load(trained[0])
  for batch in {"image": np.zeros((4, 8, 8), np.uint8)}, {"x": np.zeros((4, 3))}, {"image": 3}:
    with pytest.raises(UserError, match=r"image \[n, 8, 8, 1\], label \[n\]; given is"):
      run.log_prob(batch)


def test_modes_of_an_existing_run(trained):
  done = main("--mode=sample", f"--workdir={trained[0]}", "--config.sample.n=9")
  assert done.returncode == 0, done.stderr
  assert np.load(trained[0] / "samples" / "samples.npz")["image"].shape == (9, 8, 8, 1)
  (trained[0] / "samples" / "samples.npz").unlink()
  (trained[0] / "samples" / "samples.png").unlink()
  before = json.loads((trained[0] / "evaluation.json").read_text())
  done = main("--mode=evaluate", f"--workdir={trained[0]}", "--config.evaluate.log_prob.k=50")
  assert done.returncode == 0, done.stderr
  after = json.loads((trained[0] / "evaluation.json").read_text())
  assert after["likelihood"]["estimator"] == "iwae-50"
  assert after["likelihood"]["nats"] > before["likelihood"]["nats"]
  # The config of this evaluation.
  assert json.loads((trained[0] / "config.json").read_text())["evaluate"]["log_prob"]["k"] == 50
  assert main("--mode=report", f"--workdir={trained[0]}").returncode == 0


def test_smoke_and_stages_train_what_is_missing_and_load_alone(tmp_path):
  done = main("--config=configs/rerank_digits.py:smoke", f"--workdir={tmp_path}/rerank")
  assert done.returncode == 0, done.stderr
  assert (tmp_path / "vae_digits_smoke" / "report.html").exists()
  stages = "vae_digits_smoke", "gmm_digits_smoke"
  own, *theirs = (
    json.loads((tmp_path / name / "training.json").read_text()) for name in ("rerank", *stages)
  )
  assert own["seconds"] == sum(cost["seconds"] for cost in theirs) > 0
  for stage in stages:  # A run loads alone, its stages' folders gone.
    os.rename(tmp_path / stage, tmp_path / f"{stage}_moved")
  assert load(tmp_path / "rerank").sample(4)["image"].shape == (4, 8, 8, 1)


@pytest.mark.slow
def test_two_hosts_measure_what_one_does(trained, tmp_path):
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{s.getsockname()[1]}"
  joined = (
    "--config=configs/vae_digits.py",
    f"--workdir={tmp_path}",
    *TINY,
    f"--coordinator={address}",
  )
  with ThreadPoolExecutor(2) as pool:
    both = [pool.submit(main, *joined, f"--process={i}", "--processes=2") for i in range(2)]
  assert [b.result().returncode for b in both] == [0, 0], [b.result().stderr for b in both]
  two, one = (
    json.loads((folder / "evaluation.json").read_text()) for folder in (tmp_path, trained[0])
  )
  np.testing.assert_allclose(two["likelihood"]["nats"], one["likelihood"]["nats"], rtol=1e-4)
  np.testing.assert_allclose(two["quality"]["fid"], one["quality"]["fid"], rtol=0.01)
  assert (tmp_path / "report.html").exists() and "report" not in both[1].result().stdout


@pytest.mark.parametrize("sent, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_says_how_to_resume(tmp_path, sent, code):
  args = ["--config=configs/vae_digits.py", f"--workdir={tmp_path}", "--config.train.steps=1000000"]
  process = subprocess.Popen(
    [sys.executable, "-m", "experiments.main", *args],
    cwd=ROOT,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
  )
  for line in process.stdout:
    if line.startswith("step "):
      break
  process.send_signal(sent)
  out, err = process.communicate(timeout=60)
  assert process.returncode == code, err
  assert "stopped and saved at step" in out and "Traceback" not in err
  assert "stopping after this dispatch" in err
  assert "resumes from the last checkpoint: python -m experiments.main --config=configs/vae" in err
  assert load(tmp_path).step > 0


@pytest.mark.parametrize(
  "args, expected",
  [
    (["--config.data.name=tfds:cifar10"], "make data DATASET=cifar10"),
    (["--config.model.latnt=3"], "did you mean 'model.latent'?"),
    (["--config.optimizer.learning_rate=1e30"], "diverged"),
    (["--steps=100"], "--steps is not a flag; .*, did you mean 'optimizer.steps' or 'train.steps'"),
    (["--workdr=runs/a"], "--workdr is not a flag; .*, did you mean 'workdir'"),
    (["--mode=tran"], "--mode=tran: value should be one of <train|train_only"),
    (["also"], "is not a flag"),
  ],
)
def test_bad_input_is_one_clear_line(tmp_path, args, expected):
  line, seconds = refused(
    "--config=configs/vae_digits.py",
    f"--workdir={tmp_path}/run",
    *args,
    env={"TFDS_DATA_DIR": str(tmp_path / "nothing")},
  )
  assert re.search(expected, line), line
  # Data are looked for on the disk only; the rest is start-up.
  assert "tfds" not in args[0] or seconds < 20


@pytest.mark.parametrize(
  "path, assignments, expected",
  [
    ("configs/vae_digit.py", [], "did you mean 'configs/vae_digits.py'?"),
    ("vae_digit", [], "did you mean 'configs/vae_digits.py'?"),
    ("configs/vae_digits.py:small", [], "there is :smoke"),
    ("C:/mine/pixels.py", [], "no config C:/mine/pixels.py"),
    ("configs/vae_digits.py", ["lr=3"], "did you mean 'optimizer.learning_rate'?"),
    ("configs/vae_digits.py", ["data.name=mnist"], "`make data DATASET=mnist` prepares tfds:mnist"),
    ("configs/vae_digits.py", ["data.name=/usr"], "a folder of images is folder:/usr"),
    ("configs/vae_digits.py", ["data.name=a/b.npz"], "a file of arrays is npz:a/b.npz"),
    ("configs/vae_digits.py", ["model.name=va"], "did you mean 'vae'?; there are vae, "),
    ("configs/vae_digits.py", ["model.latent=many"], "needs a value of type int, such as 100"),
    (
      "configs/vae_digits.py",
      ["model.hidden=64,many"],
      "hidden=('64', 'many'): it must be integers",
    ),
    ("configs/vae_digits.py", ["model.network=cnn"], "model.network='cnn'"),
    ("configs/vae_digits.py", ["model.likelihood=bernoulli"], "data.binarize"),
    ("configs/vae_digits.py", ["optimizer.name=adamm"], "did you mean 'adam"),
    ("configs/vae_digits.py", ["optimizer.schedule=cosin"], "cosine"),
    ("configs/vae_digits.py", ["data.name=digit"], "digits"),
    ("configs/vae_digits.py", ["data.binarize=sometimes"], "sometimes"),
    ("configs/vae_digits.py", ["data.batch=2"], "4 devices"),
    ("configs/vae_digits.py", ["model.name=gan"], "an optimizer for each player"),
    ("configs/vae_digits.py", ["train.log_every=7"], "train.log_every=7 must be a multiple"),
    ("configs/cvae_digits.py", ["sample.given.label=10"], "label must be integers in [0, 10)"),
    ("configs/vae_digits.py", ["sample.temprature=1"], "did you mean 'temperature'?"),
    ("configs/vae_digits.py", ["evaluate.log_prob.k=-3"], "evaluate.log_prob.k=-3: there must be"),
    (None, [], "--config=vae_digits"),
  ],
)
def test_bad_values_are_refused(tmp_path, path, assignments, expected):
  with pytest.raises(UserError) as error:
    perform("train", path, path and str(tmp_path / "run"), assignments)
  assert expected in str(error.value) and "\n" not in str(error.value)


def test_a_missing_run_is_an_error(tmp_path):
  with pytest.raises(UserError, match=r"is not a run folder"):
    perform("sample", "configs/vae_digits.py", str(tmp_path / "run"))


@pytest.mark.parametrize("spoil", ["text", "odd shape"])
def test_an_image_that_does_not_fit_is_named(tmp_path, spoil):
  for i in range(4):
    Image.new("L", (8, 8), i).save(tmp_path / f"{i}.png")
  bad = tmp_path / "bad.png"
  bad.write_text("no image") if spoil == "text" else Image.new("L", (8, 9)).save(bad)
  with pytest.raises(UserError, match=r"bad.png"):
    perform(
      "train", "configs/vae_digits.py", str(tmp_path / "run"), [f"data.name=folder:{tmp_path}"]
    )


def test_a_run_folder_of_another_config_is_refused(trained):
  line, _ = refused(
    "--config=configs/vae_digits.py", f"--workdir={trained[0]}", *TINY, "--config.model.latent=3"
  )
  assert "model.latent=" in line and "not 3" in line and "another --workdir" in line


def test_an_unwritable_folder_is_one_clear_line(tmp_path):
  (tmp_path / "file").write_text("")
  line, _ = refused("--config=configs/vae_digits.py:smoke", f"--workdir={tmp_path}/file/run")
  assert str(tmp_path / "file") in line


def test_help_is_no_error():
  done = main("--help")
  assert done.returncode == 0 and "--config" in done.stdout and not done.stderr


@pytest.mark.parametrize(
  "text, expected",
  [
    ("def get_config(:\n  pass\n", "mine.py, line 1: invalid syntax"),
    ("x = 1\ndef get_config():\n  return y\n", "mine.py, line 3: NameError: name 'y' is not def"),
    ("import absent_library\n", "mine.py, line 1: ModuleNotFoundError: No module named 'absent"),
    ("x = 1\n", "mine.py has no get_config()"),
    ("def get_config():\n  return 3\n", "get_config() must return a ConfigDict, not int"),
  ],
)
def test_a_config_that_cannot_be_run_is_named_with_its_line(tmp_path, text, expected):
  (tmp_path / "mine.py").write_text(text)
  with pytest.raises(UserError) as error:
    resolve.resolve(str(tmp_path / "mine.py"))
  assert expected in str(error.value) and "\n" not in str(error.value)


def test_a_colon_is_part_of_a_path_but_behind_a_config(tmp_path):
  folder = tmp_path / "a:b"
  folder.mkdir()
  shutil.copy(ROOT / "experiments/configs/vae_digits.py", folder / "mine.py")
  assert resolve.resolve(str(folder / "mine.py")).name == "mine"
  assert resolve.resolve(str(folder / "mine.py:smoke")).name == "mine_smoke"
  for name in "vae_digits", "vae_digits.py", "configs/vae_digits":
    assert resolve.resolve(name).name == "vae_digits"


def test_a_run_that_another_process_trains_is_left_alone(tmp_path):
  with alone(tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=f"is being trained by process {os.getpid()} on "):
      perform("train", "vae_digits:smoke", str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_training_alone_then_the_labels_of_the_command_line(tmp_path):
  options = ["sample.n=3", "sample.given.label=7"]
  perform("train_only", "cvae_digits:smoke", str(tmp_path), options)
  assert not (tmp_path / "evaluation.json").exists() and not (tmp_path / "report.html").exists()
  perform("sample", None, str(tmp_path))
  image = np.load(tmp_path / "samples" / "samples.npz")["image"]
  np.testing.assert_array_equal(image, load(tmp_path).sample(3, given={"label": 7})["image"])
  assert (image != load(tmp_path).sample(3, given={"label": 6})["image"]).any()


def test_loading_an_empty_folder_is_an_error(tmp_path):
  with pytest.raises(UserError, match=r"is not a run folder"):
    load(tmp_path)
