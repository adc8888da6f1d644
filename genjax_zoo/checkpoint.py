"""Checkpoints, by Orbax v1: asynchronous, atomic, restored onto the present devices."""

import logging
from pathlib import Path

import jax
from orbax.checkpoint import v1 as ocp

from genjax_zoo.core import TrainState, UserError

KEEP = 2


def thaw(ts: TrainState) -> TrainState:
  """The state without its frozen stages, which are saved once, beside the checkpoints."""
  return ts.replace(state={k: v for k, v in ts.state.items() if k != "frozen"})


def arrays_of(tree) -> dict[str, str]:
  """{path: "dtype[shape]"} of every array (or array's shape) of a tree."""
  leaves = jax.tree_util.tree_leaves_with_path(tree)
  name = lambda path: jax.tree_util.keystr(path, simple=True, separator="/")
  return {name(path): f"{x.dtype}{list(x.shape)}" for path, x in leaves}


class Checkpoints:
  """The checkpoints of the run folder `workdir`, a context manager; keeps the newest two.

  With `write` off nothing in the folder is touched: a run may be loaded while it trains.
  """

  def __init__(self, workdir, write: bool = True):
    self.folder, self.frozen = (
      Path(workdir).absolute() / "checkpoints",
      Path(workdir).absolute() / "frozen",
    )
    # Orbax tells of a damaged file on both, at length; `restore` in one line.
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
      if kind is None:
        raise self._unwritable(e) from e

  @property
  def latest(self) -> int | None:
    """The step of the newest complete checkpoint."""
    return self.checkpointer.latest.step if self.checkpointer.latest else None

  def save(self, step: int, ts: TrainState):
    """Starts to save `ts`; returns once its arrays may change. Raises UserError when the disk
    refuses.
    """
    try:
      if "frozen" in ts.state and self.latest is None:
        ocp.save(self.frozen, {"frozen": ts.state["frozen"]}, overwrite=True)
      # `overwrite`: a damaged checkpoint's step is reached, and saved, again.
      about = {"arrays": arrays_of(thaw(ts))}
      self.checkpointer.save_async(step, thaw(ts), overwrite=True, custom_metadata=about)
    except Exception as e:
      raise self._unwritable(e) from e

  def restore(self, ts: TrainState, say=print) -> TrainState | None:
    """The newest readable checkpoint in the structure and shardings of `ts` (arrays or their
    shapes).

    None if there is none yet. A damaged checkpoint is passed over with a warning. Raises UserError
    when the checkpoint is of another model or optimizer, or when none can be read.
    """
    wanted = arrays_of(thaw(ts))
    steps = sorted((c.step for c in self.checkpointer.checkpoints), reverse=True)
    for step in steps:
      try:
        found = self.checkpointer.metadata(step).custom_metadata["arrays"]
      except Exception:
        found = wanted
      if odd := sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k)):
        raise UserError(
          f"checkpoint {step} in {self.folder} is of another model or optimizer: {odd[0]} is "
          f"{found.get(odd[0], 'absent')} there and {wanted.get(odd[0], 'absent')} here"
        )
      try:
        saved = self.checkpointer.load(step, thaw(ts))
        frozen = (
          ocp.load(self.frozen, {"frozen": ts.state["frozen"]}) if "frozen" in ts.state else {}
        )
        return saved.replace(state=saved.state | frozen)
      except Exception as e:
        say(
          f"warning: checkpoint {step} can't be read ({type(e).__name__}); trying the one before it"
        )
    if steps:
      raise UserError(
        f"no checkpoint in {self.folder} can be read; delete the run folder to train again"
      )
    return None

  def _unwritable(self, error):
    reason = getattr(error, "strerror", None) or str(error).split("\n")[0][:200]
    return UserError(
      f"can't write to {self.folder}: {reason}; free some disk or choose another --workdir"
    )
