"""Early stopping without stopping: keeps the weights with the least loss on held-out examples.

Training runs to its last step, so that schedules end where they should and a run can be resumed.
The run folder keeps the best weights so far in best/ and their step and loss in validation.json.
"""

from pathlib import Path

import jax

from genjax_zoo.checkpoint import Checkpoints, without_frozen
from genjax_zoo.core import Model, TrainState
from genjax_zoo.evaluate import per_example
from genjax_zoo.log import read_json, write_json


def validation(model: Model, data, mesh, folder: Path, log, seed: int = 0):
  """A hook `f(step, ts)` of the loop that logs the mean loss over the loader `data`.

  The weights are saved when it is the least loss so far.
  """
  key = jax.random.key(seed)

  def hook(step, ts):
    losses = per_example(model.evaluate, ts.weights, ts.state, data, mesh, key)["loss"]
    loss = float(losses.mean())
    log.measured(step, {"validation_loss": loss})
    best = read_json(folder / "validation.json")
    if best is None or loss < best["loss"]:
      with Checkpoints(folder / "best") as checkpoints:
        checkpoints.save(step, weights_only(ts))
      if jax.process_index() == 0:
        write_json(folder / "validation.json", {"step": step, "loss": loss})

  return hook


def weights_only(ts: TrainState) -> TrainState:
  """The part of a state that evaluation and sampling need."""
  return without_frozen(ts).replace(params=ts.weights, opt=(), ema={})


def best(folder: Path, ts: TrainState) -> TrainState:
  """`ts` with the best weights of a run folder; `ts` itself if the run was not validated."""
  if not (folder / "best").exists():
    return ts
  with Checkpoints(folder / "best", write=False) as checkpoints:
    saved = checkpoints.restore(weights_only(ts))
  if saved is None:
    return ts
  return ts.replace(params=saved.params, state=ts.state | saved.state, ema={})
