"""Many steps in one compiled program, and how many of them are sent to the device at once."""

from collections.abc import Callable, Iterator
import time

import jax
from jax.experimental import multihost_utils
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Learner, TrainState, unroll
from genjax_zoo.sharding import put

# A dispatch can't be interrupted: it has as many steps as take so many seconds, one at least.
LONGEST = 3.0


def first_state(learner: Learner, fetch):
  """(key, resident, inputs of K steps, *frozen) -> the state before training.

  `fetch(resident, inputs, key)` makes the batch of a step inside the compiled program. The key is
  an argument, as in `several_steps`: another seed is the same program, which is not compiled again.
  """

  def init(key, resident, inputs, *frozen):
    k_data, k_init = jax.random.split(key)
    first = jax.tree.map(lambda x: x[0], inputs)
    return learner.init(k_init, fetch(resident, first, k_data), *frozen)

  return init


def several_steps(learner: Learner, fetch, K: int):
  """One dispatch: (ts, key, resident, inputs of K steps[, start, stop]) -> (ts, metrics [K]).

  With `start` and `stop` it runs the steps start..stop - 1 of the K, and the metrics of the others
  are zeros.
  """

  def steps(ts, key, resident, inputs, *part):
    def step(ts, inputs, key):
      k_data, key = jax.random.split(key)
      return learner.step(ts, fetch(resident, inputs, k_data), key)

    if not part:
      return unroll(step, key, K)(ts, inputs)
    return unroll_part(step, key, K)(ts, inputs, *part)

  return steps


def unroll_part(step, key, length: int):
  """`unroll` whose number of steps is an argument: (ts, batches, start, stop) -> (ts, rows).

  A loop whose length the compiler doesn't know is as fast on a CPU; a GPU asks the host at every
  step whether to go on.
  """
  # Traced once, for the shapes of its metrics and in the loop.
  once = jax.jit(lambda ts, batch: step(ts, batch, jax.random.fold_in(key, ts.step)), inline=True)
  at = lambda tree, i: jax.tree.map(lambda x: x[i], tree)

  def run(ts, batches, start, stop):
    _, metrics = jax.eval_shape(once, ts, at(batches, start))
    rows = jax.tree.map(lambda x: jnp.zeros((length, *x.shape), x.dtype), metrics)

    def body(i, carry):
      ts, rows = carry
      ts, metrics = once(ts, at(batches, i))
      return ts, jax.tree.map(lambda r, x: r.at[i].set(x), rows, metrics)

    return jax.lax.fori_loop(start, stop, body, (ts, rows))

  return run


def dispatches(
  run: Callable, data, ts: TrainState, step: int, K: int, mesh, in_parts: bool, timed: Callable
) -> Iterator:
  """Yields (ts, (metrics [K], the steps that were run), step) after each dispatch, without end.

  `run(ts, inputs of K steps[, start, stop])` sends one. With `in_parts` the first is one step,
  which is timed before more are sent, and K steps that take long are sent in parts. The state that
  was yielded is donated to the next dispatch. `timed(seconds a step, step)` is called once.
  """
  size = 1 if in_parts else K
  seconds = None
  reported = False
  for inputs in data.inputs(step - step % K):
    inputs = put(inputs, mesh, None, "data")
    while True:
      start = step % K
      stop = min(start + size, K)
      part = (np.int32(start), np.int32(stop)) if in_parts else ()
      begun = time.perf_counter()
      ts, metrics = run(ts, inputs, *part)
      step += stop - start
      if not reported or size < K:
        first = seconds is None  # The first step of a program is slower than the others.
        jax.block_until_ready(metrics)
        seconds = agreed(time.perf_counter() - begun) / (stop - start)
        size = max(1, min(K, int(LONGEST / seconds))) if in_parts else K
        if not reported and not (first and in_parts and seconds < LONGEST):
          timed(seconds, step)
          reported = True
      yield ts, (metrics, slice(start, stop)), step
      if step % K == 0:
        break


def agreed(seconds: float) -> float:
  """The first host's measurement, on every host: all must send the same dispatches."""
  if jax.process_count() == 1:
    return seconds
  return float(multihost_utils.broadcast_one_to_all(np.float32(seconds)))
