"""One process at a time trains in a run folder."""

import contextlib
import os
from pathlib import Path
import socket

from genjax_zoo.core import UserError

try:
  import fcntl
except ImportError:  # Windows has no such locks.
  fcntl = None


@contextlib.contextmanager
def alone(folder, say=print):
  """Holds the lock of a run folder, which is made if it isn't there.

  It is an flock on the file .lock, which names the process: the system drops it however the process
  ends, so that a crash leaves nothing to clean up. Linux takes it on NFS too, so that another host
  sees it; where a disk has no locks `say` gets a warning, and nothing is checked. Raises UserError
  when another process holds it.
  """
  path = Path(folder) / ".lock"
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a+")
  except OSError as e:
    raise UserError(f"can't write in {folder}: {e.strerror}; choose another --workdir") from e
  with file:
    take(file, folder, say)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    yield


def take(file, folder, say):
  """Locks an open file. Raises UserError, with what it says, when another process has it."""
  try:
    if fcntl:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as e:
    file.seek(0)
    owner = file.read() or "another process"
    raise UserError(
      f"{folder} is being trained by {owner}; wait for it, or choose another --workdir"
    ) from e
  except OSError as e:
    say(f"warning: {folder} can't be locked ({e.strerror}): no other process may train there")
