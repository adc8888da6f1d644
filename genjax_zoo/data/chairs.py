"""Chairs of random kinds and proportions, rendered from all sides, as in DC-IGN.

Kulkarni et al. 2015 (arXiv:1503.03167) trained on renderings of CAD chairs; these are unions of
boxes, cast exactly (ray_casting.py), so that every picture of every chair is known.
"""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data import ray_casting
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.factors import Factors, check_examples, render, rendered
from genjax_zoo.data.ray_casting import Objects, to_bytes

KINDS = ("legs", "panels", "pedestal", "armchair")
WIDTHS = (0.3, 0.43, 0.56, 0.7)  # Half of the seat's width,
DEPTH = 0.5  # and of its depth.
HEIGHTS = (0.4, 0.55, 0.7, 0.85)  # Of the seat above the floor.
BACKS = (0.3, 0.5, 0.7, 0.9)  # Height of the back above the seat.
THICKNESSES = (0.05, 0.09)  # Half of that of legs and boards.
AZIMUTHS = 12  # Steps of 30 degrees; at 0 the chair faces the camera.
ELEVATIONS = (10, 25, 40)  # Degrees.
FLOOR = -0.8
GRAY = 0.75  # Of chairs, in full light.
PROPORTIONS = {
  "kind": len(KINDS),
  "width": len(WIDTHS),
  "height": len(HEIGHTS),
  "back": len(BACKS),
  "thickness": len(THICKNESSES),
}
VIEW = {"azimuth": AZIMUTHS, "elevation": len(ELEVATIONS)}
CHAIRS = int(np.prod([*PROPORTIONS.values()]))  # 512
VIEWS = AZIMUTHS * len(ELEVATIONS)


def boxes(kind: int, width, height, back, thickness):
  """The boxes of a chair of one kind: centres and halves of the extent, each [8, 3].

  x points to the front, z up from the floor. Unused boxes are inside the seat.
  """
  t = thickness
  middle = height / 2
  seat = (0.0, 0.0, height), (DEPTH, width, t)
  parts = [seat, ((t - DEPTH, 0.0, height + back / 2), (t, width, back / 2))]
  sides = (t - width, width - t)
  if kind in (KINDS.index("legs"), KINDS.index("armchair")):
    corners = [(x, y) for x in (t - DEPTH, DEPTH - t) for y in sides]
    parts += [((x, y, middle), (t, t, middle)) for x, y in corners]
  if kind == KINDS.index("panels"):
    parts += [((0.0, y, middle), (DEPTH, t, middle)) for y in sides]
  if kind == KINDS.index("pedestal"):
    parts += [((0.0, 0.0, middle), (2 * t, 2 * t, middle)), ((0.0, 0.0, t), (0.35, 0.35, t))]
  if kind == KINDS.index("armchair"):
    parts += [((0.0, y, height + 0.13), (DEPTH, t, 0.13)) for y in sides]
  inside = seat[0], (t / 2, t / 2, t / 2)
  parts += [inside] * (8 - len(parts))
  centres, halves = (jnp.stack([jnp.stack([*x]) for x in xs]) for xs in zip(*parts))
  return centres, halves


def chair(factors) -> Objects:
  """The boxes of a chair with these PROPORTIONS, int [5], in gray."""
  kind, *indices = factors
  values = [jnp.array(x)[i] for x, i in zip((WIDTHS, HEIGHTS, BACKS, THICKNESSES), indices)]
  centres, halves = (jnp.stack(x)[kind] for x in zip(*(boxes(k, *values) for k in range(4))))
  n = len(centres)
  centres = centres + jnp.array([[0.0, 0.0, FLOOR]])
  return Objects(jnp.zeros(n, int), centres, halves, jnp.zeros(n), jnp.full((n, 3), GRAY))


def azimuth_chairs(size: int = 32) -> Factors:
  """18,432 gray images [size, size, 1] of 512 chairs from 12 azimuths and 3 elevations, on white.

  The factors are those of PROPORTIONS, then the azimuth and the elevation. The light stands still
  beside the chair while the camera goes round.
  """

  def one(factors):
    azimuth, elevation = factors[5:]
    elevation = jnp.radians(jnp.array(ELEVATIONS, jnp.float32))[elevation]
    azimuth = 2 * jnp.pi * azimuth / AZIMUTHS
    image = ray_casting.render(chair(factors[:5]), azimuth, elevation, size, shapes=("cube",))
    return to_bytes(image[..., :1])

  sizes = PROPORTIONS | VIEW
  return Factors(tuple(sizes), tuple(sizes.values()), ray_casting.few_at_once(one), 256)


def load(
  name: str, *, size: int = 32, examples: int = 5000, turntable: bool = False, seed: int = 0
) -> Dataset:
  """`examples` training images of `azimuth_chairs(size)`, and a tenth as many to test.

  A tenth of the 512 chairs, drawn by `seed`, is only in the test split. The entries are "image" and
  "factors" int32 [7]. With `turntable` an example is a chair: "views" uint8 [12, size, size, 1],
  from all azimuths at the middle elevation, and "factors" int32 [5]; there are 461 to train and 51
  to test. Raises UserError for too many or too few examples.
  """
  images = azimuth_chairs(size)
  chairs = np.random.default_rng(seed).permutation(CHAIRS)
  parts = {"train": np.sort(chairs[CHAIRS // 10 :]), "test": np.sort(chairs[: CHAIRS // 10])}
  if turntable:
    return load_turntable(name, images, parts)
  check_examples(name, examples, VIEWS * len(parts["train"]))
  splits = {}
  for split, n in {"train": examples, "test": examples // 10}.items():
    views = np.random.default_rng((seed, n)).choice(VIEWS * len(parts[split]), n, replace=False)
    splits[split] = parts[split][views // VIEWS] * VIEWS + views % VIEWS
  return rendered(name, images, splits)


def load_turntable(name: str, images: Factors, parts: dict[str, np.ndarray]) -> Dataset:
  """The data set of chairs, {split: their numbers}, each from all sides."""
  chairs = np.concatenate([*parts.values()])
  views = np.arange(AZIMUTHS) * len(ELEVATIONS) + len(ELEVATIONS) // 2
  factors = np.asarray(images.at(jnp.asarray(chairs[:, None] * VIEWS + views[None])))
  drawn = render(images, factors.reshape(-1, len(images.names)))
  arrays = {
    "views": drawn.reshape(len(chairs), AZIMUTHS, *drawn.shape[1:]),
    "factors": factors[:, 0, : len(PROPORTIONS)],
  }
  n = len(parts["train"])
  rows = {"train": slice(n), "test": slice(n, None)}
  splits = {split: {k: x[rows[split]] for k, x in arrays.items()} for split in parts}
  fields = {
    "views": Field(arrays["views"].shape[1:], np.uint8, 256, kind="video"),
    "factors": Field((len(PROPORTIONS),), np.int32, max(PROPORTIONS.values())),
  }
  return Dataset(name, fields, splits, truth={"factors": images})
