"""Watching the training: metrics go to the log, and values that are not finite stop the run."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.sharding import jit


def log_means(log, step, window, checkpoints):
  """Logs the mean of each metric over a window of dispatches, [({name: [K]}, slice), ...].

  NaN means "not measured at that step" and is left out of the mean. Only the loss and metrics that
  end in "_loss" must be finite: raises UserError otherwise.
  """
  metrics = jax.device_get([metrics for metrics, _ in window])
  parts = [jax.tree.map(lambda x: x[run], rows) for rows, (_, run) in zip(metrics, window)]
  rows = jax.tree.map(lambda *x: np.concatenate(x), *parts)
  means = {}
  for name, values in rows.items():
    finite = np.isfinite(values)
    if (name == "loss" or name.endswith("_loss")) and not finite.all():
      i = int(np.argmin(finite))
      raise diverged(f"{name} is {values[i]} at step {step - len(values) + 1 + i}", checkpoints)
    if not np.isnan(values).all():
      means[name] = float(np.nanmean(values))
  log.scalars(step, means)


def check_finite(step, params, checkpoints):
  """Raises UserError if a parameter is not finite, so that such parameters are never saved."""
  if not jit(all_finite)(params):
    raise diverged(f"the parameters are no longer finite at step {step}", checkpoints)


def all_finite(params):
  """Whether all values of a tree of arrays are finite, bool []."""
  finite = [jnp.isfinite(x).all() for x in jax.tree.leaves(params)]
  return jnp.stack(finite or [jnp.array(True)]).all()


def diverged(what, checkpoints) -> UserError:
  """The error for a run that diverged; it names the last good checkpoint."""
  step = checkpoints.latest
  if step is None:
    good = "no checkpoint was saved before it"
  else:
    good = f"the last good checkpoint is {checkpoints.folder / str(step)}"
  return UserError(
    f"training diverged: {what}; {good}. Try a smaller learning rate or optimizer.clip_norm"
  )
