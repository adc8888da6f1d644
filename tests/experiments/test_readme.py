"""The README: its commands resolve, its example trains, its links are right."""

from pathlib import Path
import re
import shlex
import subprocess

import numpy as np

from experiments import resolve
from experiments.pipeline import perform
from genjax_zoo import load
from genjax_zoo.data import load as digits

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_worked_example_trains_samples_and_loads(tmp_path, monkeypatch):
  blocks = re.findall(r"```python\n# (mine/\w+\.py)\n(.*?)```", README, re.DOTALL)
  assert [name for name, _ in blocks] == ["mine/templates.py", "mine/templates_digits.py"]
  assert sum(len(code.splitlines()) for _, code in blocks) < 80
  (tmp_path / "mine").mkdir()
  for name, code in blocks:
    (tmp_path / name).write_text(code)
  monkeypatch.chdir(tmp_path)
  monkeypatch.syspath_prepend(tmp_path)
  perform("train", "mine/templates_digits.py", "run")
  run = load("run")
  images, data = run.sample(2000)["image"], digits("digits").splits["train"]["image"]
  # The distribution of each pixel was learned.
  assert np.abs(images.mean(0) - data.mean(0)).mean() < 0.5
  independent = np.log(17) * 64
  assert run.log_prob({"image": data}).mean() > -independent + 50
  found = run.encode({"image": images})["template"]
  decoded = run.decode({"template": found})["image"]
  assert len(np.unique(found)) > 5 and decoded.shape == images.shape


def test_the_python_example_runs(tmp_path, monkeypatch):
  code = re.search(r"## From Python\n\n```python\n(.*?)```", README, re.DOTALL)[1]
  assert len(code.splitlines()) <= 12
  monkeypatch.chdir(tmp_path)
  perform("train", "cvae_digits:smoke", "runs/cvae_digits")
  names = {}
  exec(code, names)
  assert names["threes"]["image"].shape == (10, 8, 8, 1) and names["nats"].shape == (10,)
  assert Path("threes.png").is_file() and Path("path.png").is_file()
  assert len(names["steps"]) == len(names["losses"]) == 2


def test_commands_resolve():
  commands = re.findall(
    r"^python -m experiments\.main (.*?)(?:#.*)?$", README.replace("\\\n", " "), re.MULTILINE
  )
  assert len(commands) >= 4
  for command in commands:
    config = None
    for argument in shlex.split(command):
      key, _, value = argument.removeprefix("--").partition("=")
      if key == "config":
        config = resolve.resolve(value)
      elif key.startswith("config.") and config:
        resolve.override(config, f"{key.removeprefix('config.')}={value}")


def test_commands_can_be_pasted_into_a_shell():
  """(32,64) without quotes is a syntax error in bash."""
  for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL):
    checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True)
    assert not checked.returncode, checked.stderr


def test_files_it_names_are_there():
  root = Path(__file__).parents[2]
  for path in re.findall(r"\]\(([^):#]+)\)", README):
    assert (root / path).exists(), path
