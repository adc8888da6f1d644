"""Checkpoints with Orbax v1: asynchronous, atomic, restored onto whatever devices are present."""

import logging
from pathlib import Path

import jax
from orbax.checkpoint import v1 as ocp

from genjax_zoo.core import TrainState, UserError

KEEP = 2


def without_frozen(ts: TrainState) -> TrainState:
  """The state without its frozen stages, which are saved once, beside the checkpoints."""
  return ts.replace(state={k: v for k, v in ts.state.items() if k != "frozen"})


def arrays_of(tree) -> dict[str, str]:
  """{path: "dtype[shape]"} of every array (or array's shape) of a tree."""
  name = lambda path: jax.tree_util.keystr(path, simple=True, separator="/")
  leaves = jax.tree_util.tree_leaves_with_path(tree)
  return {name(path): f"{x.dtype}{list(x.shape)}" for path, x in leaves}


class Checkpoints:
  """The checkpoints of the run folder `workdir`, a context manager; keeps the newest two.

  With `write` off nothing in the folder changes: a run may be loaded while it trains.
  """

  def __init__(self, workdir, write: bool = True):
    self.folder = Path(workdir).absolute() / "checkpoints"
    self.frozen = Path(workdir).absolute() / "frozen"
    # Orbax reports a damaged file on both loggers, at length; `restore` says it in one line.
    for name in ("absl", "asyncio"):
      logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
      if write:
        self.folder.mkdir(parents=True, exist_ok=True)
      self.checkpointer = ocp.training.Checkpointer(
        self.folder,
        save_decision_policy=ocp.training.save_decision_policies.FixedIntervalPolicy(1),
        preservation_policy=ocp.training.preservation_policies.LatestN(KEEP),
        cleanup_tmp_directories=write,
      )
    except OSError as e:
      raise self._unwritable(e) from e

  def __enter__(self):
    return self

  def __exit__(self, kind, *_):
    try:
      self.checkpointer.close()
    except Exception as e:
      if kind is None:  # Otherwise the first error is the one to show.
        raise self._unwritable(e) from e

  @property
  def latest(self) -> int | None:
    """The step of the newest complete checkpoint."""
    return self.checkpointer.latest.step if self.checkpointer.latest else None

  def save(self, step: int, ts: TrainState):
    """Starts to save `ts` and returns once its arrays may change.

    Raises UserError when the disk refuses.
    """
    saved = without_frozen(ts)
    try:
      if "frozen" in ts.state and self.latest is None:
        ocp.save(self.frozen, {"frozen": ts.state["frozen"]}, overwrite=True)
      # `overwrite`: a run that resumed before a damaged checkpoint saves that step again.
      about = {"arrays": arrays_of(saved)}
      self.checkpointer.save_async(step, saved, overwrite=True, custom_metadata=about)
    except Exception as e:
      raise self._unwritable(e) from e

  def restore(self, ts: TrainState, say=print) -> TrainState | None:
    """The newest readable checkpoint, with the structure and shardings of `ts`, or None.

    `ts` holds arrays or their shapes; None means that nothing was saved yet. A damaged checkpoint
    is skipped with a warning. Raises UserError when a checkpoint is of another model or optimizer,
    or when none can be read.
    """
    steps = sorted((c.step for c in self.checkpointer.checkpoints), reverse=True)
    for step in steps:
      self._check_arrays(step, ts)
      try:
        return self._load(step, ts)
      except Exception as e:
        say(f"warning: checkpoint {step} can't be read ({type(e).__name__}); trying an older one")
    if steps:
      raise UserError(
        f"no checkpoint in {self.folder} can be read; delete the run folder to train again"
      )
    return None

  def _load(self, step: int, ts: TrainState) -> TrainState:
    """One checkpoint, with the frozen stages that are saved beside it."""
    saved = self.checkpointer.load(step, without_frozen(ts))
    if "frozen" not in ts.state:
      return saved
    frozen = ocp.load(self.frozen, {"frozen": ts.state["frozen"]})
    return saved.replace(state=saved.state | frozen)

  def _check_arrays(self, step: int, ts: TrainState):
    """Raises UserError when a checkpoint's arrays are not those of `ts`."""
    wanted = arrays_of(without_frozen(ts))
    try:
      found = self.checkpointer.metadata(step).custom_metadata["arrays"]
    except Exception:  # Damaged: `restore` finds out when it loads it.
      return
    for name in sorted(found.keys() | wanted.keys()):
      if found.get(name) != wanted.get(name):
        raise UserError(
          f"checkpoint {step} in {self.folder} is of another model or optimizer: {name} is "
          f"{found.get(name, 'absent')} there and {wanted.get(name, 'absent')} here"
        )

  def _unwritable(self, error) -> UserError:
    reason = getattr(error, "strerror", None) or str(error).split("\n")[0][:200]
    return UserError(
      f"can't write to {self.folder}: {reason}; free some disk space or choose another --workdir"
    )
