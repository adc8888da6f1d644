"""Early stopping: of the weights that training passes through, those with the least loss on
held-out examples.

Training itself goes on to its last step, so that schedules end where they should and a run resumes
as any other; its folder keeps the best weights so far in best/ and says in validation.json which
they are.
"""

from pathlib import Path

import jax

from genjax_zoo.checkpoint import Checkpoints, thaw
from genjax_zoo.core import Model, TrainState
from genjax_zoo.evaluate import per_example, read
from genjax_zoo.log import write_json


def validation(model: Model, data, mesh, folder: Path, log, seed: int = 0):
  """`f(step, ts)`, a hook of the loop: logs the mean loss over a test loader, keeps the weights if
  it is the least.
  """
  key = jax.random.key(seed)

  def hook(step, ts):
    loss = float(per_example(model.evaluate, ts.weights, ts.state, data, mesh, key)["loss"].mean())
    best = read(folder, "validation.json")
    log.measured(step, {"validation_loss": loss})
    if best is None or loss < best["loss"]:
      with Checkpoints(folder / "best") as checkpoints:
        checkpoints.save(step, bare(ts))
      if jax.process_index() == 0:
        write_json(folder / "validation.json", {"step": step, "loss": loss})

  return hook


def bare(ts: TrainState) -> TrainState:
  """What evaluation and sampling need of a state."""
  return thaw(ts).replace(params=ts.weights, opt=(), ema={})


def best(folder: Path, ts: TrainState) -> TrainState:
  """A state with the weights kept in a run folder; as it is where none were."""
  if not (folder / "best").exists():
    return ts
  with Checkpoints(folder / "best", write=False) as checkpoints:
    kept = checkpoints.restore(bare(ts))
  return ts if kept is None else ts.replace(params=kept.params, state=ts.state | kept.state, ema={})
