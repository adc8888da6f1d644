"""The training loop: one for every model."""

import time

import jax

from genjax_zoo.checkpoint import Checkpoints
from genjax_zoo.core import Learner, TrainState, UserError, unroll
from genjax_zoo.evaluate import parameters
from genjax_zoo.interrupt import Interrupt
from genjax_zoo.sharding import fsdp, jit, make_mesh, put, replicated
from genjax_zoo.watch import check_finite, tell


def several(learner: Learner, fetch, key, K: int):
  """What a dispatch runs: (ts, resident, inputs of K steps) -> (ts, metrics [K]), on the batches
  that `fetch` makes.
  """

  def steps(ts, resident, inputs):
    def step(ts, inputs, key):
      k_data, key = jax.random.split(key)
      return learner.step(ts, fetch(resident, inputs, k_data), key)

    return unroll(step, key, K)(ts, inputs)

  return steps


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
  """Trains to `steps`, resuming from the newest checkpoint of `workdir`; returns early when asked
  to stop.

  `data` is a `genjax_zoo.data.loader.Loader`; one dispatch runs `steps_per_dispatch` optimizer
  steps. `frozen`, () or ({stage: (params, state)},), goes to `init`; a model keeps what it needs of
  it as `state["frozen"]`. `hooks` are {"sample_every": (every, f)}: `f(step, ts)` runs each `every`
  steps. Raises UserError when an interval is no multiple of `steps_per_dispatch`, when the folder
  holds another model's checkpoints, and when a loss or a parameter is no longer finite.
  """
  K, mesh = steps_per_dispatch, make_mesh()
  k_init, k_step = jax.random.split(jax.random.key(seed))
  intervals = {"steps": steps, "log_every": log_every, "save_every": save_every}
  for name, every in (intervals | {name: every for name, (every, _) in hooks.items()}).items():
    if K < 1 or every % K or (not every and name != "steps"):
      raise UserError(
        f"train.{name}={every} must be a multiple of train.steps_per_dispatch={K}, and positive"
      )

  def init(resident, inputs, *frozen):
    k_data, key = jax.random.split(k_init)
    first = jax.tree.map(lambda x: x[0], inputs)
    return learner.init(key, data.fetch(resident, first, k_data), *frozen)

  with jax.set_mesh(mesh), Interrupt() as asked, Checkpoints(workdir) as checkpoints:
    resident = put(data.resident, mesh)
    first = put(next(data.inputs(0)), mesh, None, "data")
    shardings = fsdp(mesh, jax.eval_shape(init, resident, first, *frozen), fsdp_min_size)
    ts = jit(init, once=True, out_shardings=shardings)(resident, first, *frozen)
    ts = checkpoints.restore(ts, log.say) or ts
    step = int(ts.step)
    # Nothing to train: a composition of earlier stages.
    if not steps and checkpoints.latest is None:
      checkpoints.save(0, ts)
    if step >= steps:
      return ts
    if step % K:
      raise UserError(
        f"to resume at step {step}, train.steps_per_dispatch must divide it; {K} doesn't"
      )
    with log.clock("compiling"):
      dispatch = jit(
        several(learner, data.fetch, k_step, K),
        donate_argnums=0,
        out_shardings=(shardings, replicated(mesh)),
      )
      dispatch = dispatch.lower(ts, resident, first).compile()
    log.compile_seconds = log.clocked

    log.begin(step)
    window, unread, begun = [], None, time.perf_counter()
    for inputs in data.inputs(step):
      ts, metrics = dispatch(ts, resident, put(inputs, mesh, None, "data"))
      step += K
      if begun:  # The first dispatch is waited for, and tells what all will cost.
        jax.block_until_ready(metrics)
        log.cost(
          parameters(ts.params),
          (time.perf_counter() - begun) / K,
          steps - step,
          dispatch.memory_analysis(),
        )
        begun = None
      window.append(metrics)
      # Read only now that the next dispatch was sent: the device never waits for the host.
      if unread:
        tell(log, *unread, checkpoints)
      stop = asked(step) or step >= steps
      save = stop or step % save_every == 0
      unread, window = ((step, window), []) if save or step % log_every == 0 else (None, window)
      if save:
        tell(log, *unread, checkpoints)
        check_finite(step, ts.params, checkpoints)
        checkpoints.save(step, ts)
        unread = None
      for every, hook in hooks.values():
        if step % every == 0:
          hook(step, ts)
      if stop:
        return ts
