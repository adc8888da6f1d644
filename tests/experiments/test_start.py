"""The first moments of a command: Ctrl-C, and a Python that lacks the libraries."""

import json
import os
import subprocess
import sys

import pytest

BEGIN = "import os, signal, time; from experiments.start import importing\nwith importing():\n  "


def ended(code: str):
  """(exit code, lines of stderr) of a command whose imports are `code`."""
  done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True)
  return done.returncode, [line for line in done.stderr.splitlines() if line]


@pytest.mark.parametrize("name, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_during_the_imports_is_one_line(name, code):
  found = ended(f"os.kill(os.getpid(), signal.{name}); time.sleep(9)")
  assert found == (code, ["stopped before it began"])


def test_a_python_without_the_libraries_is_told_of_the_environment():
  code, lines = ended("import absent_library")
  assert code == 1 and len(lines) == 1 and "source .venv/bin/activate" in lines[0]
  assert sys.executable in lines[0] and "'absent_library'" in lines[0]


def test_afterwards_signals_are_as_before():
  # A process in the background of a shell begins with Ctrl-C ignored.
  before = "import signal; before = signal.getsignal(signal.SIGINT)\n"
  code = "pass\nprint(signal.getsignal(signal.SIGINT) == before)"
  command = [sys.executable, "-c", before + BEGIN + code]
  done = subprocess.run(command, capture_output=True, text=True)
  assert done.stdout == "True\n"


def test_a_command_begins_once_more_for_its_pages_of_memory():
  """With the same process, arguments and flags of Python, and not a third time."""
  code = (
    "import os, sys; from experiments.start import on_large_pages\n"
    "print(os.getpid(), sys.argv[1:], sys.flags.optimize, os.environ.get('GLIBC_TUNABLES'))\n"
    "sys.stdout.flush(); on_large_pages()"
  )
  command = [sys.executable, "-O", "-c", code, "--a", "b c"]
  environment = {k: v for k, v in os.environ.items() if k != "GLIBC_TUNABLES"}
  options = dict(capture_output=True, text=True, env=environment, check=True, timeout=60)
  done = subprocess.run(command, **options)
  first, *second = done.stdout.splitlines()
  assert first.endswith("['--a', 'b c'] 1 None")
  again = [first.replace("None", "glibc.malloc.hugetlb=1")]
  assert second == (again if sys.platform == "linux" else [])


def test_training_imports_no_library_that_only_evaluation_needs():
  late = "sklearn", "scipy", "matplotlib", "tensorboardX"
  code = f"import sys, experiments.main; print([m for m in {late} if m in sys.modules])"
  found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
  assert found.stdout == "[]\n"


def test_a_flow_as_users_compile_it_has_the_loss_of_its_data(tmp_path):
  """Tests compile with fewer passes, and see nothing of what only a user's program gets wrong."""
  environment = {k: v for k, v in os.environ.items() if not k.startswith(("XLA_", "JAX_"))}
  command = [sys.executable, "-m", "experiments.main", "--config=configs/glow_digits.py:smoke"]
  command += [f"--workdir={tmp_path / 'run'}"]
  subprocess.run(command, env=environment, check=True, capture_output=True)
  evaluation = json.loads((tmp_path / "run/evaluation.json").read_text())
  assert 3 < evaluation["metrics"]["bits_per_dim"] < 4  # log2(17) = 4.09 of uniform levels.
