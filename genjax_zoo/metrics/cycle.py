"""Whether what is translated there and back is what it was (Zhu 2017, arXiv:1703.10593)."""

from collections.abc import Callable

import numpy as np


def cycle_error(there: Callable, back: Callable, x, num_values: int | None) -> np.ndarray:
  """The mean absolute difference of x [N, ...] and back(there(x)), [N].

  Of gray levels, integers in [0, num_values), it is in units of their range: 0 of a map that is
  undone, 1 at most. A map that changes nothing has no cycle error: look at what it maps to besides.
  """
  # In float64: differences of uint8 would wrap.
  difference = np.asarray(back(there(x))) - np.asarray(x, np.float64)
  error = np.abs(difference).reshape(len(difference), -1).mean(1)
  return error / (num_values - 1) if num_values else error
