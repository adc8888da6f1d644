"""Data sets by name: `load("digits")`, `load("tfds:mnist", binarize="static")`,
`load("folder:photos", size=64)`.
"""

import difflib
import importlib
import inspect

from genjax_zoo.core import UserError, nearest
from genjax_zoo.data import augment
from genjax_zoo.data.cache import cache_folder
from genjax_zoo.data.dataset import Dataset, Source, count, set_apart, take

__all__ = ["Dataset", "Source", "cache_folder", "count", "load", "names", "options", "take"]

# Where each set is made: a module of this package, and the function in it.
NAMED = {
  "digits": "digits.load",
  "spoken_digits": "spoken.load",
  "dsprites": "factors.load_dsprites",
  "coloured_shapes": "factors.load_coloured_shapes",
  "reviews": "reviews.load",
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
  "stacked": "stacked.load",
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
  """The data set of this name: one of `names()`, "tfds:NAME", "npz:PATH", "folder:PATH" or
  "stacked:SET".

  `binarize` ("threshold", "static" or "dynamic") makes gray images binary, `flip` mirrors training
  images at random, `validation` sets so many training examples, or such a share of them, apart as
  the split "validation". `seed` draws what is random in the set itself: procedural examples, splits
  that it comes without, static binarisation. `own` are keyword arguments of the set's function, as
  `options(name)` lists them. Raises UserError when there is no such set or argument, and where the
  set's function does.
  """
  takes = options(name)
  for key in own:
    if key not in takes:
      raise UserError(
        f"data {name!r} takes no {key!r}{nearest(key, takes)}; it takes {', '.join(takes)}"
      )
  make = _function(name)
  dataset = make(
    name, **own, **({"seed": seed} if "seed" in inspect.signature(make).parameters else {})
  )
  if validation:
    n = count(dataset.splits["train"])
    apart = int(validation if validation >= 1 else n * validation)
    if "validation" in dataset.splits or not 0 < apart < n:
      has = "has that split" if "validation" in dataset.splits else f"has {n:,} training examples"
      raise UserError(
        f"data.validation={validation}: data {name!r} {has}; leave it 0, or take fewer than there are"
      )
    dataset = dataset._replace(splits=set_apart(dataset.splits, "validation", apart, seed))
  if binarize:
    dataset = augment.binarize(dataset, binarize, seed)
  return augment.flip(dataset) if flip else dataset


def options(name: str) -> dict:
  """The arguments of `load` for this set, with their defaults."""
  own = inspect.signature(_function(name)).parameters
  return {"name": name, "binarize": None, "flip": False, "validation": 0.0, "seed": 0} | {
    k: own[k].default for k in own if k != "name"
  }


def names() -> list[str]:
  """The sets that can be loaded here by name alone: the procedural and embedded ones, and prepared
  tfds sets.
  """
  from genjax_zoo.data.tfds import prepared

  return [*NAMED, *(f"tfds:{name}" for name in prepared())]


def _function(name):
  """The function that makes a set; UserError, the nearest name first, if there is none."""
  prefix, _, rest = name.partition(":")
  where = PREFIXED.get(prefix) if rest else NAMED.get(name)
  if where is None:
    known = [*names(), *(f"{prefix}:..." for prefix in PREFIXED)]
    alike = lambda other: difflib.SequenceMatcher(None, name, other.removeprefix("tfds:")).ratio()
    raise UserError(
      f"there is no data {name!r}; there are {', '.join(sorted(known, key=alike, reverse=True))}"
    )
  module, function = where.split(".")
  return getattr(importlib.import_module(f"genjax_zoo.data.{module}"), function)
