"""The first moments of a command, before its libraries are imported."""

import contextlib
import os
import signal
import sys
import threading

SIGNALS = signal.SIGINT, signal.SIGTERM


@contextlib.contextmanager
def importing():
  """Around a command's imports: Ctrl-C ends them in one line, and so does a missing library."""
  here = threading.current_thread() is threading.main_thread()
  before = {s: signal.signal(s, leave) for s in SIGNALS} if here else {}
  try:
    yield
  except ModuleNotFoundError as e:
    if (e.name or "").startswith(("experiments", "genjax_zoo")):
      raise
    sys.exit(
      f"error: {sys.executable} has no module {e.name!r}: `make setup` installs it into .venv, and "
      "`source .venv/bin/activate` makes that the python of this shell"
    )
  finally:
    for s, handler in before.items():
      signal.signal(s, handler)


def leave(signum, frame):
  """Ends the process at once: nothing has begun."""
  sys.stderr.write("\nstopped before it began\n")
  sys.stderr.flush()
  os._exit(128 + signum)
