"""Data sets by name: `load("digits")`, `load("tfds:mnist", binarize="static")`."""

from collections.abc import Callable
import difflib
import importlib
import inspect
from pathlib import Path

from genjax_zoo.core import UserError, nearest
from genjax_zoo.data import augment
from genjax_zoo.data.cache import cache_folder
from genjax_zoo.data.dataset import Dataset, Source, count, set_apart, take

__all__ = ["Dataset", "Source", "cache_folder", "count", "load", "names", "options", "take"]

# The function that makes each set: a module of this package, and its name there.
NAMED = {
  "digits": "digits.load",
  "spoken_digits": "spoken.load",
  "dsprites": "dsprites.load",
  "coloured_shapes": "shapes.load",
  "two_shapes": "two_shapes.load",
  "outlines": "pairs.outlines",
  "gray_shapes": "pairs.gray_shapes",
  "two_renderings": "pairs.two_renderings",
  "moving_shapes": "moving.load",
  "avatars": "avatars.load",
  "reviews": "reviews.load",
  "meshes": "meshes.load",
  "points": "points.load",
  "azimuth_chairs": "chairs.load",
  "coloured_scenes": "scenes.load",
  "scene_views": "scenes.load_views",
  "moons": "synthetic.moons",
  "8gaussians": "synthetic.eight_gaussians",
  "25gaussians": "synthetic.twenty_five_gaussians",
  "swirl": "synthetic.swirl",
  "checkerboard": "synthetic.checkerboard",
}
PREFIXED = {
  "tfds": "tfds.load",
  "npz": "npz.load",
  "folder": "folder.load",
  "pairs": "translation.load",
  "domains": "domains.load",
  "video": "video.load",
  "meshes": "meshes.load_folder",
  "points": "points.load_path",
  "stacked": "stacked.load",
  "text": "text.load",
}


def load(
  name: str,
  *,
  binarize: str | None = None,
  flip: bool = False,
  validation: float = 0.0,
  seed: int = 0,
  **own,
) -> Dataset:
  """The data set of a name: one of `names()`, tfds:NAME, stacked:SET, or a user's files.

  These are npz:PATH, folder:PATH, and the other kinds in PREFIXED, such as video:PATH.

  `binarize` ("threshold", "static" or "dynamic") makes gray images binary. `flip` mirrors training
  images at random. `validation` is a number of training examples, or a fraction of them, to move to
  the split "validation". `seed` draws what is random in the set itself: procedural examples, splits
  of a set that has none, static binarization. `own` are the keyword arguments of the set's
  function, which `options(name)` lists. Raises UserError when there is no such set or argument, and
  where the set's function does.
  """
  known = options(name)
  for key in own:
    if key not in known:
      names = ", ".join(known)
      raise UserError(f"data {name!r} takes no {key!r}{nearest(key, known)}; it takes {names}")
  make = maker(name)
  if "seed" in inspect.signature(make).parameters:
    own["seed"] = seed
  dataset = make(name, **own)
  if validation:
    dataset = with_validation(dataset, validation, seed)
  if binarize:
    dataset = augment.binarize(dataset, binarize, seed)
  return augment.flip(dataset) if flip else dataset


def with_validation(dataset: Dataset, validation: float, seed: int) -> Dataset:
  """The data set with a number, or a fraction, of its training examples as "validation".

  Raises UserError where it has that split, or too few examples.
  """
  asked = f"data.validation={validation}: data {dataset.name!r}"
  if "validation" in dataset.splits:
    raise UserError(f"{asked} has that split; leave it 0")
  n = count(dataset.splits["train"])
  size = int(validation if validation >= 1 else n * validation)
  if not 0 < size < n:
    raise UserError(f"{asked} has {n:,} training examples; leave it 0, or take fewer")
  return dataset._replace(splits=set_apart(dataset.splits, "validation", size, seed))


def options(name: str) -> dict:
  """The arguments of `load` for a set, with their defaults."""
  parameters = inspect.signature(maker(name)).parameters
  shared = {"name": name, "binarize": None, "flip": False, "validation": 0.0, "seed": 0}
  return shared | {k: p.default for k, p in parameters.items() if k != "name"}


def names() -> list[str]:
  """The sets that can be loaded by name alone: procedural, embedded, and prepared tfds sets."""
  from genjax_zoo.data.tfds import prepared

  return [*NAMED, *(f"tfds:{name}" for name in prepared())]


def maker(name: str) -> Callable:
  """The function that makes a set. Raises UserError, with names that are near, if there is none."""
  prefix, _, rest = name.partition(":")
  path = PREFIXED.get(prefix) if rest else NAMED.get(name)
  if path is None:
    raise UserError(f"there is no data {name!r}{meant(name)}")
  module, function = path.split(".")
  return getattr(importlib.import_module(f"genjax_zoo.data.{module}"), function)


def meant(name: str) -> str:
  """The end of the error for an unknown set: what the name may stand for."""
  prefix, _, rest = name.partition(":")
  path = Path(name).expanduser()
  close = difflib.get_close_matches(prefix, PREFIXED, 1, 0.7)
  if close and (rest or prefix in PREFIXED):
    return f", did you mean {close[0]}:{rest or 'PATH'}?"
  if name and path.is_dir():
    return f": a folder of images is folder:{name}"
  if path.is_file() or "/" in name or path.suffix:
    return f": a file of arrays is npz:{name}, a folder of images folder:PATH"
  bare = {known.removeprefix("tfds:"): known for known in names()}
  if name in bare:
    return f", did you mean {bare[name]!r}?"
  near = [bare[x] for x in difflib.get_close_matches(name, bare, 4, 0.0)]
  prefixed = ", ".join(f"{prefix}:..." for prefix in PREFIXED)
  known = f"there are {', '.join(near)} and others, and {prefixed}"
  if name.isidentifier():
    known += f"; `make data DATASET={name}` prepares tfds:{name}, if that is a set of tfds"
  return f"{nearest(name, bare)}; {known}"
