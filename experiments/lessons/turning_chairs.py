"""Clamping what does not vary gives latents of azimuth alone, by which a chair is turned.

DC-IGN (Kulkarni et al. 2015) and a beta-VAE of the same views, with the same network and beta of
the DC-IGN or 4, are trained on chairs from twelve azimuths, with three seeds. From one view of a
new chair each makes the eleven others: its latents of azimuth are replaced by their means over the
training chairs. The beta-VAE is not taught which latents these are: they are those from which, one
by one, most of the azimuth is explained on the training set. Beside them: the mean training chair
from each azimuth, and all views of the training chair whose view is nearest.

Mean squared errors of the other views, in the mean of three seeds: DC-IGN 0.0028, the beta-VAEs
0.0227 and 0.0205, the mean chair 0.0168, the nearest chair 0.0047. Of the azimuth 0.88 is explained
by the DC-IGN's own latents and 0.06 by the others; by those of the beta-VAEs 0.58 and 0.53, and
0.76 and 0.44. 3.5 CPU minutes.

Verdict: holds: an error of 0.0028 for 0.0205, and 0.0047 of the nearest chair.
"""

from pathlib import Path
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import trained_in
from genjax_zoo.figures.pictures import beside, grid, unit
from genjax_zoo.models.latent_variable.dc_ign import explained, turned
from genjax_zoo.sharding import jit

SEEDS = 0, 1, 2
METHODS = {  # Name: changes of the config.
  "DC-IGN": {},
  "VAE": {"model.clamped": False},
  "beta-VAE, 4": {"model.clamped": False, "schedules.beta.value": 4.0},
}
SHOWN = 4  # Chairs in the picture.


def flat(views):
  """Views uint8 [N, A, H, W, C] as floats [N, A, D] in [0, 1]."""
  return unit(views).reshape(*views.shape[:2], -1)


def error_of_others(made, views) -> float:
  """Mean squared error of views [N, source, A, D] made from one, of those that are not that one."""
  error = ((made - views[:, None]) ** 2).mean(-1)
  others = 1 - np.eye(views.shape[1])
  return float((error * others).sum() / (len(views) * others.sum()))


def without_learning(train, test) -> dict:
  """The errors of the mean chair and of the nearest, for views [N, A, D]."""
  mean = np.broadcast_to(train.mean(0), (len(test), test.shape[1], *train.shape[1:]))
  squared = lambda s: ((test[:, None, s] - train[None, :, s]) ** 2).sum(-1)
  nearest = np.stack([squared(s).argmin(1) for s in range(test.shape[1])], 1)
  return {
    "mean chair": error_of_others(mean, test),
    "nearest chair": error_of_others(train[nearest], test),
  }


def angles_of(z):
  """(cos, sin) of the azimuth of latents [N, A, D] of all views, [N A, 2]."""
  angle = 2 * np.pi * np.arange(z.shape[1]) / z.shape[1]
  return np.tile(np.stack([np.cos(angle), np.sin(angle)], -1), (len(z), 1)).astype(np.float32)


def azimuth_first(z, count: int) -> np.ndarray:
  """The order of latents [N, A, D] that puts the `count` most telling of the azimuth first."""
  rows, target = jnp.asarray(z.reshape(-1, z.shape[-1])), jnp.asarray(angles_of(z))
  score = jit(jax.vmap(lambda column: explained(column[:, None], target), 1))(rows)
  best = np.argsort(-np.asarray(score), kind="stable")[:count]
  return np.concatenate([best, np.setdiff1d(np.arange(z.shape[-1]), best)])


def turn(run, dataset):
  """(views [N, source, A, ...] of test chairs, {measure: number}) of a run."""
  encode = jit(lambda views: run.model.encode(run.weights, run.state, {"views": views}, None)["z"])
  train, test = (np.asarray(encode(dataset.splits[s]["views"])) for s in ("train", "test"))
  count = run.config["model"]["azimuth"]
  order = np.arange(train.shape[-1])
  if not run.config["model"]["clamped"]:
    order = azimuth_first(train, count)
  own = jnp.asarray(train[..., order[:count]].mean(0))

  def views_of(z):
    moved = turned(z[:, order], own, count)[..., np.argsort(order)]
    return run.model.parts["mean"](run.weights, run.state, {"z": moved})

  made = np.asarray(jit(jax.vmap(views_of, 1, 1))(test))
  key = jax.random.key(0)
  batch = {"views": dataset.splits["test"]["views"]}
  noisy = np.asarray(jit(run.model.evaluate)(run.weights, run.state, batch, key)["z"])[..., order]
  rows = jnp.asarray(noisy.reshape(-1, noisy.shape[-1]))
  parts = {"own": rows[:, :count], "other": rows[:, count:]}
  share = jit(explained)
  found = {f"R2 of azimuth, {k}": float(share(x, angles_of(noisy))) for k, x in parts.items()}
  error = error_of_others(made.reshape(*made.shape[:3], -1), flat(batch["views"]))
  return made, {"error": error} | found


def rotation(true, made: dict) -> np.ndarray:
  """Chairs [SHOWN, A, H, W, C]: the truth, then what each method makes of the first view."""
  columns = true.shape[1]
  blocks = []
  for i in range(len(true)):
    rows = [true[i], *(views[i] for views in made.values())]
    blocks.append(grid(np.concatenate(rows), columns=columns))
  halves = [np.concatenate(blocks[k::2]) for k in (0, 1)]
  return beside(*halves)


def lesson(smoke):
  if not smoke:
    return study(Path("runs/turning_chairs"), SEEDS)
  with tempfile.TemporaryDirectory() as folder:
    return study(Path(folder), SEEDS[:1], smoke=True)


def study(folder: Path, seeds, smoke: bool = False):
  """The lesson's results and its picture, from runs in `folder`."""
  found, shown = {}, {}
  for method, changes in METHODS.items():
    name = method.lower().replace(", ", "_")
    for seed in seeds:
      seeded = changes | {"train.seed": seed}
      run, dataset = trained_in(folder / f"{name}_{seed}", "dc_ign_chairs", smoke, **seeded)
      made, numbers = turn(run, dataset)
      found.setdefault(method, []).append(numbers)
      if seed == seeds[0]:
        shown[method] = made[:SHOWN, 0]
  results = without_learning(*(flat(dataset.splits[s]["views"]) for s in ("train", "test")))
  results |= {
    method: {
      k: {"mean": float(x.mean()), "standard deviation": float(x.std())}
      for k in rows[0]
      for x in [np.array([row[k] for row in rows])]
    }
    for method, rows in found.items()
  }
  true = unit(dataset.splits["test"]["views"][:SHOWN])
  caption = f"New chairs: all views, and below, made from the first alone by {', '.join(shown)}."
  return results, [(rotation(true, shown), caption)]
