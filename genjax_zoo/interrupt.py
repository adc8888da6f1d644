"""Graceful stopping: after SIGTERM or Ctrl-C the loop saves at a step that all hosts agree on."""

import signal

import jax
from jax.experimental import multihost_utils

SIGNALS = signal.SIGINT, signal.SIGTERM


class Interrupt:
  """`with Interrupt() as interrupted: ... if interrupted(step): save and stop`.

  A second Ctrl-C stops at once.
  """

  def __enter__(self):
    self.received = False
    self.before = {}
    if jax.process_count() == 1:
      try:
        self.before = {s: signal.signal(s, self._receive) for s in SIGNALS}
      except ValueError:  # Outside the main thread Python allows no signal handlers.
        pass
    return self

  def __exit__(self, *_):
    self._restore()

  def __call__(self, step: int) -> bool:
    """Whether training should stop after `step`."""
    if jax.process_count() == 1:
      return self.received
    # A SIGTERM reaches one host; JAX's own handler there lets all hosts agree on a step.
    return multihost_utils.reached_preemption_sync_point(step)

  def _receive(self, *_):
    self.received = True
    self._restore()

  def _restore(self):
    for s, handler in self.before.items():
      signal.signal(s, handler)
