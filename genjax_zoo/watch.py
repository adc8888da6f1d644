"""What the loop watches: metrics on their way to the log, and numbers that are no longer finite."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import UserError
from genjax_zoo.sharding import jit


def tell(log, step, window, checkpoints):
  """Logs the means of the metrics of the last steps, NaN (not measured) left out; raises on a loss
  that diverged.
  """
  rows = jax.tree.map(lambda *m: np.concatenate(m), *jax.device_get(window))
  for name, values in rows.items():
    finite = np.isfinite(values)
    if (name == "loss" or name.endswith("_loss")) and not finite.all():
      i = int(np.argmin(finite))
      raise diverged(f"{name} is {values[i]} at step {step - len(values) + 1 + i}", checkpoints)
  log.scalars(
    step, {name: float(np.nanmean(v)) for name, v in rows.items() if not np.isnan(v).all()}
  )


def check_finite(step, params, checkpoints):
  """Raises rather than save parameters that are not finite."""
  if not jit(all_finite)(params):
    raise diverged(f"the parameters are no longer finite at step {step}", checkpoints)


def all_finite(params):
  """Whether every number of a tree is finite."""
  return jnp.stack(
    [jnp.isfinite(x).all() for x in jax.tree.leaves(params)] or [jnp.array(True)]
  ).all()


def diverged(what, checkpoints):
  """The error that names the last good checkpoint."""
  good = checkpoints.latest
  kept = (
    "no checkpoint was saved before it"
    if good is None
    else f"the last good checkpoint is {checkpoints.folder / str(good)}"
  )
  return UserError(
    f"training diverged: {what}; {kept}. Try a smaller learning rate or optimizer.clip_norm"
  )
