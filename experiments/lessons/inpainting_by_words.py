"""A model that sees the hole paints what the caption says there; RePaint has to be told many times.

Deck C shows GLIDE's inpainting by words. Of test images of coloured shapes the half is missing in
which the shape is; the caption is another one of the same ground and the same half. So what is
known says nothing of the shape, and all its words must be followed in the hole, as the nearest of
all 18,432 images reads them. GLIDE's model was trained further on images with holes. RePaint takes
the model as it was, and steps back and forth at every noise level, which costs as many calls.

Verdict: not measured yet.
"""

import numpy as np

from experiments.lessons._runs import finished_run, trained
from genjax_zoo.data.shapes import labels
from genjax_zoo.figures.pictures import grid

TRAINED, PLAIN = "glide_inpainting_shapes", "text_diffusion_shapes16"
REPEATS = 1, 5  # Of RePaint.
STEPS = 20
COLUMNS = 12
KEPT = "background", "y"  # What the new caption says alike.


def run_of(config: str, smoke: bool):
  """A run that is there, or one that is trained, and its data."""
  return (not smoke and finished_run(config)) or trained(config, smoke)


def other_rows(factors, seed: int = 0) -> np.ndarray:
  """For each example another with the same words for KEPT, int [N]; itself where there is none."""
  alike = np.stack([labels(name, factors)[1] for name in KEPT], 1)
  rows = np.arange(len(factors))
  rng = np.random.default_rng(seed)
  for kind in np.unique(alike, axis=0):
    members = rng.permutation(np.flatnonzero((alike == kind).all(1)))
    rows[members] = np.roll(members, 1)
  return rows


def without_shapes(factors, size: int) -> np.ndarray:
  """What is known, uint8 [N, size, size, 1]: the half, top or bottom, where the shape is not."""
  field, half = labels("y", factors)
  is_bottom = half == field.names.index("bottom")
  in_bottom = np.arange(size) >= size / 2
  known = in_bottom[None] != is_bottom[:, None]
  return np.broadcast_to(known[:, :, None, None], (len(factors), size, size, 1)).astype(np.uint8)


def lesson(smoke):
  run, dataset = run_of(TRAINED, smoke)
  plain, _ = run_of(PLAIN, smoke)
  n = 20 if smoke else 300
  test = {k: x[:n] for k, x in dataset.splits["test"].items()}
  known = without_shapes(test["factors"], test["image"].shape[1])
  given = {
    "image": np.where(known, test["image"], 0).astype(np.uint8),
    "known": known,
    "tokens": test["tokens"][other_rows(test["factors"])],
  }
  full = given | {"known": np.broadcast_to(known, test["image"].shape)}
  made = {"GLIDE": run.sample(n, given=given, steps=STEPS)["image"]}
  for repeats in REPEATS:
    painted = plain.sample(n, given=full, steps=STEPS, repeats=repeats)
    made[f"RePaint, {repeats} times"] = painted["image"]
  results = {}
  for name, x in made.items():
    judged = dataset.judge({"image": x}, {"tokens": given["tokens"]})
    results[name] = {k: float(v.mean()) for k, v in judged.items()}
    is_known = np.broadcast_to(known, x.shape) > 0
    results[name]["pixels kept"] = float((x == test["image"])[is_known].mean())
  results["GLIDE"]["calls"] = run.model.calls(steps=STEPS)
  for repeats in REPEATS:
    results[f"RePaint, {repeats} times"]["calls"] = STEPS * repeats
  rows = np.concatenate([x[:COLUMNS] for x in (test["image"], given["image"], *made.values())])
  captions = "Test images; what is known, beside another caption; painted by "
  values = dataset.fields["image"].num_values
  return results, [(grid(rows, values, columns=COLUMNS), captions + ", ".join(made) + ".")]
