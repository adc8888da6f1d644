"""The tutorials: their code runs, and shows what they say."""

from pathlib import Path
import re
import shlex
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest

from experiments import pipeline
from genjax_zoo.core import UserError

PAGES = Path(__file__).parents[2] / "docs/tutorials"


def blocks(page: str, language: str) -> list[str]:
  return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)


def commands(page: str) -> list[list[str]]:
  """The arguments of every `python -m experiments.main` of a page."""
  lines = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
  main = "python -m experiments.main "
  return [shlex.split(line.removeprefix(main)) for line in lines if line.startswith(main)]


def perform(arguments: list[str], *more: str, smoke: str = ":smoke"):
  """Trains what a command trains, by default in seconds."""
  flags = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
  path = flags.pop("config").removesuffix(":smoke")
  workdir = flags.pop("workdir")
  overrides = [f"{k.removeprefix('config.')}={v}" for k, v in flags.items()]
  pipeline.perform("train", f"{path}{smoke}", workdir, [*overrides, *more])


def test_the_paper_becomes_a_model_and_its_claim_holds(tmp_path, monkeypatch, capsys):
  """The MMD brings the codes to the prior, in a tenth of the training that the page describes."""
  (tmp_path / "mine").mkdir()
  for code in blocks("paper.md", "python"):
    name = code.splitlines()[0].removeprefix("# ")
    (tmp_path / name).write_text(code)
  monkeypatch.chdir(tmp_path)
  monkeypatch.syspath_prepend(tmp_path)
  from mine import compare, test_wae

  tests = [f for name, f in vars(test_wae).items() if name.startswith("test_")]
  assert len(tests) == 2
  for test in tests:
    test()
  shorter = [f"train.{k}=400" for k in ("steps", "log_every", "save_every")]
  for arguments in commands("paper.md"):
    perform(arguments, *shorter, "evaluate.samples=300", smoke="")
  compare.main()
  assert (tmp_path / "runs/wae/samples.png").is_file()
  lines = [line for line in capsys.readouterr().out.splitlines() if ": FID" in line]
  found = {
    line.split(":")[0]: [float(x) for x in re.findall(r"-?\d+\.\d+", line)] for line in lines
  }
  (fid, error, mmd), (other_fid, other_error, other_mmd) = found["wae"], found["no_mmd"]
  assert abs(mmd) < other_mmd / 5
  assert fid < other_fid
  assert error > other_error


@pytest.fixture
def photographs(tmp_path, monkeypatch):
  """A folder of images in two sub-folders, as a user may have."""
  monkeypatch.chdir(tmp_path)
  r = np.random.default_rng(0)
  for name in "cats", "dogs":
    (tmp_path / "photographs" / name).mkdir(parents=True)
    for i in range(40):
      pixels = r.integers(0, 256, (40, 50, 3)).astype(np.uint8)
      Image.fromarray(pixels).save(tmp_path / "photographs" / name / f"{i}.png")


def test_own_images_are_trained_on_and_sampled(photographs):
  photos, trial, vae = (c for c in commands("images.md"))
  perform(photos)
  (code,) = blocks("images.md", "python")
  names = {}
  exec(code, names)
  assert names["first"] == "cats"
  assert Path("samples.png").is_file()
  assert trial[0].endswith(":smoke")
  perform(vae)
  assert Path("runs/vae/report.html").is_file()


def test_a_wrong_path_is_told_in_a_line(photographs):
  wrong = [a.replace("folder:photographs", "folder:nowhere") for a in commands("images.md")[0]]
  with pytest.raises(UserError, match="nowhere"):
    perform(wrong)


def test_the_other_commands_are_known():
  for page in PAGES.glob("*.md"):
    for line in "".join(blocks(page.name, "bash")).replace("\\\n", " ").splitlines():
      module = shlex.split(line)[2]
      subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
