"""Speed and memory of contenders, which run in turn so that all share the machine's load."""

from collections.abc import Callable
import ctypes
from pathlib import Path
import re
import time
from typing import NamedTuple

import numpy as np


class Contender(NamedTuple):
  """A computation that is timed."""

  run: Callable  # (calls) -> None, when all is done
  examples: int  # Of one call.


def rates(contenders: dict[str, Contender], seconds: float, rounds: int) -> dict[str, float]:
  """{name: examples a second}, medians over rounds; in a round each runs for about `seconds`."""
  calls = {}
  for name, contender in contenders.items():
    contender.run(1)
    one = timed(contender.run, 1)
    calls[name] = max(1, round(seconds / one))
  found = {name: [] for name in contenders}
  for _ in range(rounds):
    for name, contender in contenders.items():
      n = calls[name]
      found[name].append(contender.examples * n / timed(contender.run, n))
  return {name: float(np.median(x)) for name, x in found.items()}


def ratio(rates: dict[str, float]) -> float:
  """The best of ours, whose names begin so, over the best of the others."""
  best = lambda mine: max(v for name, v in rates.items() if name.startswith("ours") == mine)
  return best(True) / best(False)


def timed(f, *args) -> float:
  """The seconds that a call of f takes."""
  begun = time.perf_counter()
  f(*args)
  return time.perf_counter() - begun


def working_memory(contender: Contender) -> int | None:
  """Resident bytes at the peak of a call beyond those before it; None without Linux's /proc."""
  try:
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # Resets the peak.
    before = resident()
    contender.run(1)
    return resident("VmHWM") - before
  except (OSError, TypeError):
    return None


def resident(name: str = "VmRSS") -> int:
  """Resident bytes of this process, now or, as "VmHWM", at their peak, from Linux's /proc."""
  status = Path("/proc/self/status").read_text()
  return 1024 * int(re.search(rf"{name}:\s+(\d+)", status)[1])
