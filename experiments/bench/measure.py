"""Rates of several contenders, taken in turn so that all share whatever else the machine does, and
their memory.
"""

from collections.abc import Callable
import ctypes
from pathlib import Path
import re
import time
from typing import NamedTuple

import numpy as np


class Contender(NamedTuple):
  """What is timed."""

  run: Callable  # (calls) -> None, when all is done
  examples: int  # Of one call.


def rates(contenders: dict[str, Contender], seconds: float, rounds: int) -> dict[str, float]:
  """Examples a second: medians of `rounds`, in each of which every contender runs for about
  `seconds`.
  """
  calls, seen = {}, {name: [] for name in contenders}
  for name, contender in contenders.items():
    contender.run(1)
    took = timed(contender.run, 1)
    calls[name] = max(1, round(seconds / took))
  for _ in range(rounds):
    for name, contender in contenders.items():
      seen[name].append(contender.examples * calls[name] / timed(contender.run, calls[name]))
  return {name: float(np.median(x)) for name, x in seen.items()}


def timed(f, *args) -> float:
  """Seconds that f takes."""
  begun = time.perf_counter()
  f(*args)
  return time.perf_counter() - begun


def working_memory(contender: Contender) -> int | None:
  """Bytes that are resident at the peak of a call beyond those before it; None where the system
  does not tell.
  """
  status = Path("/proc/self/status")
  tell = lambda name: 1024 * int(re.search(rf"{name}:\s+(\d+)", status.read_text())[1])
  try:
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # The peak starts anew.
    before = tell("VmRSS")
    contender.run(1)
    return tell("VmHWM") - before
  except (OSError, TypeError):
    return None
