"""Small pictures of samples for docs/gallery.md, from finished runs of committed configs:

  python -m experiments.gallery runs/vae_digits runs/gan_digits && python -m experiments.table

The picture is that of the samples after the last step, none of them chosen; the second command
writes the page.
"""

from pathlib import Path
import sys

import numpy as np
from PIL import Image

from experiments import resolve
from experiments.pages import ROOT
from experiments.table import check_trained
from genjax_zoo.core import UserError
from genjax_zoo.log import read_json, read_rows
from genjax_zoo.run import read_description

WIDTH = 240  # Of a gray picture, in pixels, at most; colours and wide ones get twice as many.


def add(run: Path, folder: Path = ROOT / "docs/gallery") -> Path:
  """Writes folder/CONFIG.webp of a run, and returns its path.

  Raises UserError for a run that is not finished, was trained otherwise than its config says, or
  has no picture of samples.
  """
  config = read_description(run)[0]
  committed = resolve.resolve(f"configs/{config['name']}.py")
  if committed.data.name.startswith("folder:"):  # It is for files of the user's own.
    config["data"]["name"] = committed.data.name
  check_trained(run, config)
  rows = read_rows(run / "metrics.jsonl")
  reached = rows[-1]["step"] if rows else 0
  if reached < config["train"]["steps"]:
    raise UserError(f"{run} is not finished: it is at step {reached}")
  picture = samples(run, reached)
  coloured = np.ptp(np.asarray(picture), axis=-1).any()
  width = 2 * WIDTH if coloured or picture.width > 1.5 * picture.height else WIDTH
  picture.thumbnail((width, 2 * width))
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / f"{config['name']}.webp"
  picture.save(path, quality=75)
  return path


def samples(run: Path, step: int) -> Image.Image:
  """The samples drawn in training at a step, or else in the figure, without what is beside them.

  Of a model that restores its data, and draws no samples in training, it is the figure of what was
  corrupted and restored. Raises UserError where there is none.
  """
  figure = run / "figures/samples.png"
  for picture in (run / f"samples/step_{step:07d}.png", run / "figures/restorations.png", figure):
    if picture.exists():
      break
  else:
    raise UserError(f"{run} has no picture of the samples at step {step}")
  image = Image.open(picture).convert("RGB")
  if picture != figure:
    return image
  caption = dict(read_json(run / "figures/captions.json", {})).get(figure.name, "")
  others = [what in caption for what in ("what they were given", "test examples")]
  return image.crop((0, 0, image.width // (1 + sum(others)), image.height))


if __name__ == "__main__":
  try:
    for argument in sys.argv[1:]:
      print(add(Path(argument)))
  except UserError as e:
    sys.exit(f"error: {e}")
