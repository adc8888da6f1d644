"""The first moments of a command, before its libraries are imported."""

import contextlib
from importlib.metadata import version
import os
import signal
import sys
import threading

# JAX takes a GPU's memory as it needs it: others may use the device too.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

SIGNALS = signal.SIGINT, signal.SIGTERM
TUNABLES = "GLIBC_TUNABLES"


def on_large_pages():
  """Begins a command again, on Linux, with memory in pages of 2 MiB.

  XLA takes a step's memory anew at every step on a CPU; to clear it in pages of 4 KiB took up to
  half of the time. The allocator reads this variable only when a process begins.
  """
  if sys.platform == "linux" and TUNABLES not in os.environ:
    os.environ[TUNABLES] = "glibc.malloc.hugetlb=1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def quick_compilation() -> dict[str, str]:
  """The environment of a command that XLA compiles for a CPU quickly rather than thoroughly."""
  flags = "--xla_backend_optimization_level=0"
  if version("jaxlib").startswith("0.10."):  # Later ones have no other emitters, and no such flag.
    flags += " --xla_cpu_use_fusion_emitters=false"
  return {"XLA_FLAGS": f"{flags} {os.environ.get('XLA_FLAGS', '')}"}


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
