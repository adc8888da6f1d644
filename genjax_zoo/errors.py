"""Errors that users can fix themselves, reported in one line."""

from collections.abc import Mapping
import difflib


class UserError(Exception):
  """An error that the user can fix: commands print its message alone, without a traceback."""


def nearest(name, known) -> str:
  """The end of an error message, ", did you mean 'x'?"; "" if no known name is similar."""
  close = difflib.get_close_matches(str(name), list(known), 1, 0.5)
  return f", did you mean {close[0]!r}?" if close else ""


def similar(name, known, n: int = 4) -> str:
  """The n known names that are most like a name, and how many others there are."""
  names = list(known)
  close = difflib.get_close_matches(str(name), names, n, 0.0)
  rest = len(names) - len(close)
  return ", ".join(close) + (f" and {rest} others" if rest else "")


# Sizes and counts that may be 0, for none of what they count.
MAY_BE_ZERO = "blocks", "depth", "layers", "mixtures", "pool", "shift", "z_dim"


def check_sizes(section: str, options: Mapping, defaults: Mapping):
  """Raises UserError for a size or a count among the options that is no integer, or below 1.

  Sizes are the options whose default is an integer or a tuple of integers; 0 is allowed where it is
  the default, and for MAY_BE_ZERO.
  """
  several = lambda x: x if isinstance(x, (tuple, list)) else (x,)
  for name, value in options.items():
    default = defaults.get(name)
    if [type(size) for size in several(default)[:1]] != [int]:
      continue
    if any(type(size) is not int for size in several(value)):
      kind = "integers" if isinstance(default, tuple) else "an integer"
      raise UserError(f"{section}.{name}={value!r}: it must be {kind}, such as {default}")
    least = 0 if default == 0 or name in MAY_BE_ZERO else 1
    if any(size < least for size in several(value)) or (name == "widths" and not value):
      raise UserError(f"{section}.{name}={value}: there must be {least} or more")
