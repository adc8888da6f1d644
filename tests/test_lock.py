"""The lock of a run folder: one process at a time, and none after a crash."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from genjax_zoo import UserError
from genjax_zoo.lock import alone

HOLD = "import sys, time; from genjax_zoo.lock import alone\nwith alone(sys.argv[1]):\n  "


def test_the_second_is_told_who_the_first_is(tmp_path):
  folder = tmp_path / "a" / "b"
  with alone(folder):
    expected = f"{folder} is being trained by process {os.getpid()} on {socket.gethostname()}"
    for _ in range(2):  # Asking changes nothing.
      with pytest.raises(UserError, match=expected), alone(folder):
        pass
  with alone(folder), alone(tmp_path):
    pass


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_crash_leaves_no_lock(tmp_path, end):
  code = f"{HOLD}print('held', flush=True); time.sleep(100)"
  process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
  assert process.stdout.readline() == b"held\n"
  with pytest.raises(UserError, match=f"by process {process.pid} on"), alone(tmp_path):
    pass
  process.send_signal(end)
  process.wait()
  with alone(tmp_path):
    pass


def test_a_disk_without_locks_is_said(tmp_path, monkeypatch):
  def unsupported(*_):
    raise OSError(95, "Operation not supported")

  said = []
  monkeypatch.setattr("fcntl.flock", unsupported)
  with alone(tmp_path, said.append):
    pass
  assert len(said) == 1 and "no other process may train there" in said[0]
