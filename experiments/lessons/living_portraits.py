"""A picture comes alive: a person of few pictures is painted in the pose of anybody.

Deck C shows living portraits. talking_heads_avatars has learned from 400 people how pictures of one
person in several poses hang together. 100 people it has never seen are to be painted in a pose of
which only landmarks are known: one picture of each, given 1 or 4 others ("shots"). Every result is
read by the nearest of all images of the 100 people in all 60 poses: "pose" and "identity" are how
often it is the right one, "likeness" the share of the seven things a person is made of. A shot
itself, which has the person and not the pose, and the true image are beside them. Tuned to the
four shots (talking_heads_tuned_avatars) the networks are each person's own.

Of 100 people, four shots give the pose in 0.95 and the person in 0.99 of the pictures, one shot in
0.92 and 0.94, the shot as it is in 0 and 1. Tuning makes the person right in 1.00, as it does all
of the likeness, and PSNR 27.6 dB for 26.4; the pose is right in 0.92, within the standard error of
0.03. Tuned in the game, as the paper does, at the same rate the pose falls to 0.88 at 26.5 dB: of
four images the critic learns their four poses.

Verdict: holds: pose and person are right in 0.95 and 0.99; tuning gains 1.3 dB and the last person.
"""

from pathlib import Path
import tempfile

import numpy as np

from experiments.lessons._runs import finished_run, trained_in
from genjax_zoo.data import take
from genjax_zoo.data.avatars import EACH, SHOTS
from genjax_zoo.figures.images import portraits
from genjax_zoo.figures.pictures import grid
from genjax_zoo.metrics.restoration import psnr
from genjax_zoo.sample import sample_options

CONFIG = "talking_heads_tuned_avatars"


def judged(dataset, made, test) -> dict:
  """How often images show the person and the pose they should, and PSNR in dB."""
  found = dataset.judge({"image": made}, test)
  found["PSNR, dB"] = psnr(test["image"], made, 256)
  return {name: float(x.mean()) for name, x in found.items()}


def runs(smoke):
  """(the tuned run, its stage, the data)."""
  if not smoke and (found := finished_run(CONFIG)):
    return found[0], finished_run("talking_heads_avatars")[0], found[1]
  with tempfile.TemporaryDirectory() as folder:
    tuned, dataset = trained_in(Path(folder) / CONFIG, CONFIG, smoke)
    first, _ = trained_in(Path(folder) / "talking_heads_avatars", "talking_heads_avatars", smoke)
    return tuned, first, dataset


def lesson(smoke):
  tuned, first, dataset = runs(smoke)
  n = 4 if smoke else 100
  test = take(dataset.splits["test"], EACH * np.arange(n))
  given = {name: test[name] for name in first.model.given}
  # The one as often as there are shots, whose mean it is then.
  one = {name: test[name][:, :1].repeat(SHOTS, 1) for name in ("shots", "shot_landmarks")}
  made = {
    "one shot": first.sample(n, given=given | one)["image"],
    "four shots": first.sample(n, given=given)["image"],
    "tuned": tuned.sample(n, given=given, **sample_options(tuned.config))["image"],
    "a shot": test["shots"][:, 0],
    "the true image": test["image"],
  }
  results = {name: judged(dataset, x, test) for name, x in made.items()}
  rows = np.concatenate([x[:10] for x in made.values()])
  caption = f"Unseen people, a column each; from above {', '.join(made)}."
  return results, [(grid(rows, 256, min(n, 10)), caption), portraits(first, dataset, test, None)]
