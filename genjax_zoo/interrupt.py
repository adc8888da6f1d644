"""Graceful stopping: after SIGTERM or Ctrl-C the loop saves at a step that all hosts agree on."""

import os
import signal

import jax
from jax.experimental import multihost_utils

SIGNALS = signal.SIGINT, signal.SIGTERM


class Stopped(KeyboardInterrupt):
  """A signal ended the work, `signum`."""

  def __init__(self, signum: int):
    super().__init__()
    self.signum = signum


def stop(signum, frame):
  """A signal handler that raises `Stopped`."""
  raise Stopped(signum)


class Interrupt:
  """`with Interrupt() as interrupted: ... if interrupted(step): save and leave`.

  A signal is remembered until then, and raised as `Stopped` on leaving. A second Ctrl-C stops at
  once.
  """

  def __enter__(self):
    self.received = 0
    self.before = {}
    if jax.process_count() == 1:
      try:
        self.before = {s: signal.signal(s, self._receive) for s in SIGNALS}
      except ValueError:  # Outside the main thread Python allows no signal handlers.
        pass
    return self

  def __exit__(self, kind, *_):
    self._restore()
    if kind is None and self.received:
      raise Stopped(self.received)

  def __call__(self, step: int) -> bool:
    """Whether training should stop after `step`."""
    # A SIGTERM reaches one host; JAX's own handler there lets all hosts agree on a step.
    if jax.process_count() > 1 and multihost_utils.reached_preemption_sync_point(step):
      self.received = signal.SIGTERM
    return bool(self.received)

  def _receive(self, signum, frame):
    self.received = signum
    self._restore()
    # Not `print`, whose buffer the signal may have interrupted.
    os.write(2, b"\nstopping after this dispatch; a second Ctrl-C stops at once\n")

  def _restore(self):
    for s, handler in self.before.items():
      signal.signal(s, handler)
