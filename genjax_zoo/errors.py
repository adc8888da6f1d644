"""What the user can mend, told in one line."""

import difflib


class UserError(Exception):
  """What the user can mend: commands print its message alone, without a traceback."""


def nearest(name, known) -> str:
  """ ", did you mean 'x'?" for the known name nearest to a wrong one, else nothing: the end of a
  message.
  """
  close = difflib.get_close_matches(str(name), list(known), 1, 0.5)
  return f", did you mean {close[0]!r}?" if close else ""
