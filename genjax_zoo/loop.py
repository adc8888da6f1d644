"""The training loop: one for every model."""

from collections.abc import Mapping

import jax
import numpy as np

from genjax_zoo.checkpoint import Checkpoints
from genjax_zoo.core import Learner, TrainState, UserError
from genjax_zoo.dispatch import dispatches, first_state, several_steps
from genjax_zoo.evaluate import parameters
from genjax_zoo.interrupt import Interrupt
from genjax_zoo.sharding import fsdp, jit, placed, put, replicated, training_mesh, with_shardings
from genjax_zoo.watch import check_finite, log_means


def train(
  learner: Learner,
  data,
  log,
  *,
  workdir,
  steps: int,
  steps_per_dispatch: int = 1,
  seed: int = 0,
  log_every: int = 100,
  save_every: int = 1000,
  fsdp_min_size: int = 2**20,
  frozen=(),
  hooks={},
) -> TrainState:
  """Trains up to `steps` and returns the state; after a signal it saves and raises `Stopped`.

  Resumes from the newest checkpoint in `workdir`. `data` is a `genjax_zoo.data.loader.Loader`. One
  dispatch runs `steps_per_dispatch` optimizer steps, or fewer where they take long. `frozen` is ()
  or ({stage: (params, state)},) and goes to the learner's `init`; a model keeps what it needs of it
  in `state["frozen"]`. `hooks` are {"sample_every": (every, f)}: `f(step, ts)` runs every `every`
  steps.

  Raises UserError when an interval is not a multiple of `steps_per_dispatch`, when the folder holds
  another model's checkpoints, and when a loss or a parameter is no longer finite.
  """
  K = steps_per_dispatch
  intervals = {"log_every": log_every, "save_every": save_every}
  intervals |= {name: every for name, (every, _) in hooks.items()}
  check_intervals(K, steps, intervals)
  mesh = training_mesh()
  frozen = placed(frozen, mesh)
  k_init, k_step = placed(tuple(jax.random.split(jax.random.key(seed))), mesh)

  with jax.set_mesh(mesh), Interrupt() as interrupted, Checkpoints(workdir) as checkpoints:
    resident = put(data.resident, mesh)
    first = put(next(data.inputs(0)), mesh, None, "data")
    init = first_state(learner, data.fetch)
    shapes = jax.eval_shape(init, k_init, resident, first, *frozen)
    shardings = fsdp(mesh, shapes, fsdp_min_size)
    ts = checkpoints.restore(with_shardings(shapes, shardings), log.say)
    # With earlier stages there may be more to do: reflow draws its pairs.
    if ts is None:
      init = jit(init, once=not frozen, out_shardings=shardings)
      ts = init(k_init, resident, first, *frozen)
    step = int(ts.step)
    if not steps and checkpoints.latest is None:
      checkpoints.save(0, ts)  # Nothing to train: the model combines earlier stages.
    if step >= steps:
      return ts

    # On a GPU only a run that was stopped within K steps needs the parts.
    in_parts = jax.default_backend() == "cpu" or step % K > 0
    part = (np.int32(0), np.int32(K)) if in_parts else ()
    with log.clock("compiling"):
      dispatch = jit(
        several_steps(learner, data.fetch, K),
        donate_argnums=0,
        out_shardings=(shardings, replicated(mesh)),
      )
      dispatch = dispatch.lower(ts, k_step, resident, first, *part).compile()
    log.compile_seconds = log.clocked

    def send(ts, *args):
      return dispatch(ts, k_step, resident, *args)

    def timed(seconds, step):
      log.cost(parameters(ts.params), seconds, steps - step, dispatch.memory_analysis())

    log.begin(step)
    window = []  # Metrics of the dispatches since the last line of the log.
    pending = None  # (step, window): the next line, not read from the device yet.
    sent = dispatches(send, data, ts, step, K, mesh, in_parts, timed)
    for ts, metrics, step in sent:
      window.append(metrics)

      # Metrics are read one dispatch late. Reading those of the dispatch just sent would stall the
      # device: it would finish, and then wait for the host to send the next one.
      if pending:
        log_means(log, *pending, checkpoints)
        pending = None

      stop = interrupted(step) or step >= steps
      save = stop or step % save_every == 0
      if save or step % log_every == 0:
        pending, window = (step, window), []
      if save:
        # Before a checkpoint the device is waited for: what diverged must not be saved.
        log_means(log, *pending, checkpoints)
        pending = None
        check_finite(step, ts.params, checkpoints)
        checkpoints.save(step, ts)
      for every, hook in hooks.values():
        if step % every == 0:
          hook(step, ts)
      if stop:
        if step < steps:
          log.say(f"stopped and saved at step {step}")
        return ts


def check_intervals(K: int, steps: int, intervals: Mapping[str, int]):
  """Raises UserError for an interval that is not a positive multiple of K; `steps` may be 0."""
  for name, every in ({"steps": steps} | intervals).items():
    positive = every > 0 or name == "steps"
    if K < 1 or every % K or not positive:
      raise UserError(
        f"train.{name}={every} must be a multiple of train.steps_per_dispatch={K}, and positive"
      )
