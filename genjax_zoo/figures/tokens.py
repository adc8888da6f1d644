"""Grids of codes: which, how often, in what order they are drawn, and why no line joins them.

They are of models whose latents are grids of codes: first stages, and priors of their codes.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.common import (
  columns_of,
  decodes_images,
  first_rows,
  floats,
  main,
)
from genjax_zoo.figures.kinds import palette
from genjax_zoo.figures.pictures import enlarged, grid, plot
from genjax_zoo.nn.codebook import perplexity
from genjax_zoo.sample import given_of
from genjax_zoo.sharding import compiled

COLUMNS = 11  # Where they fit.
ROWS = 4  # Images whose tokens are drawn one by one.
PAIRS = 3  # Of images whose codes are mixed.


def grids_of(run, dataset) -> list[str]:
  """The names of the latents that are grids of codes, coarsest first; [] where there are none."""
  if not decodes_images(run, dataset):
    return []
  return [k for k, f in run.model.latents.items() if f.num_values and len(f.shape) == 2]


def coloured(codes, size: int, height: int) -> np.ndarray:
  """Grids of codes [N, h, w] as images of a colour for each of `size`, floats [N, H, W, 3]."""
  return enlarged(palette(size)[codes] / 255, height // codes.shape[1])


def code_grids(run, dataset, test, encoded):
  """Test images, their reconstructions, and the codes of each place."""
  names = grids_of(run, dataset)
  if not names:
    return None
  columns = min(columns_of(dataset, 12), len(main(test, dataset)))
  latents = {k: z[:columns] for k, z in encoded().items()}
  images = floats(test, dataset)[:columns]
  rows = [images, floats(run.decode(latents), dataset)]
  rows = [np.broadcast_to(x, (*x.shape[:3], 3)) for x in rows]
  for name in names:
    rows.append(coloured(latents[name], run.model.latents[name].num_values, images.shape[1]))
  caption = (
    f"Tokens: test images, what is decoded from their codes, and the codes themselves "
    f"({', '.join(names)}), a colour for each. Only equal colours mean something."
  )
  return grid(np.concatenate(rows), columns=columns), caption


def codebook_use(run, dataset, test, encoded):
  """How often each code is used in test images, the most frequent first."""
  names = grids_of(run, dataset)
  if not names:
    return None
  counts = {
    name: np.bincount(encoded()[name].ravel(), minlength=run.model.latents[name].num_values)
    for name in names
  }

  def paint(ax):
    for name, count in counts.items():
      share = np.sort(count)[::-1] / count.sum()
      used = np.count_nonzero(count)
      ax.loglog(1 + np.arange(used), share[:used], marker=".", label=name)
      ax.axhline(1 / len(count), color="gray", linestyle=":")
    ax.set(xlabel="code, by how often it is used", ylabel="share of places")
    ax.legend()

  uses = [
    f"of {len(count)} {name} {np.count_nonzero(count)} are used, as many as "
    f"{float(perplexity(jnp.asarray(count))):.0f} that are used alike (perplexity)"
    for name, count in counts.items()
  ]
  many = len(encoded()[names[0]])
  caption = f"Use of the codebook by {many:,} test images: {'; '.join(uses)}. Dotted: all alike."
  return plot(paint), caption


def tokens_drawn(run, dataset, test, encoded):
  """Samples while their tokens are drawn, one after the other."""
  names = grids_of(run, dataset)
  if not names or "latent_samples" not in run.model.parts:
    return None
  columns = columns_of(dataset, COLUMNS)
  draw = compiled(run.model.parts["latent_samples"], n=ROWS)
  given = given_of(run, first_rows(test, ROWS))
  latents = jax.device_get(draw(run.weights, run.state, jax.random.key(0), given=given))
  usual = {name: np.bincount(encoded()[name].ravel()).argmax() for name in names}
  total = sum(latents[name][0].size for name in names)
  frames = []
  for n in np.linspace(0, total, columns).round().astype(int):
    codes, drawn = partly(latents, usual, names, n)
    images = floats(run.decode(codes), dataset)
    known = enlarged(drawn[None, ..., None], images.shape[1] // len(drawn))
    frames.append(np.where(known, images, 0.5))
  tiles = np.stack(frames, 1)
  finer = " Codes of the finer grid not yet drawn are the most frequent one." if names[1:] else ""
  caption = (
    f"Samples while their {total} tokens are drawn, row by row of the grid; gray is what has no "
    f"token yet.{finer}"
  )
  return grid(tiles.reshape(-1, *tiles.shape[2:]), columns=columns), caption


def partly(latents: Mapping, usual: Mapping, names, n: int) -> tuple[dict, np.ndarray]:
  """(the first n codes of each example, the others the `usual` ones; which of the first grid)."""
  codes, drawn = {}, {}
  for name in names:
    shape = latents[name].shape[1:]
    drawn[name] = np.arange(latents[name][0].size).reshape(shape) < n
    codes[name] = np.where(drawn[name], latents[name], usual[name]).astype(latents[name].dtype)
    n -= latents[name][0].size
  return codes, drawn[names[0]]


def mixed_codes(run, dataset, test, encoded):
  """From one image's codes to another's: by more and more places, and by the codes' numbers."""
  names = grids_of(run, dataset)
  pairs = min(PAIRS, len(main(test, dataset)) // 2)
  if not names or not pairs:
    return None
  columns = columns_of(dataset, COLUMNS)
  steps = np.linspace(0, 1, columns)
  rows = [
    {name: way(encoded()[name][i], encoded()[name][pairs + i], steps) for name in names}
    for i in range(pairs)
    for way in (places_exchanged, numbers_between)
  ]
  images = np.concatenate([floats(run.decode(codes), dataset) for codes in rows])
  caption = (
    "Codes can't be interpolated. Two rows for each pair of test images: above, more and more "
    "places, in random order, take the code of the second image, which makes a collage of both; "
    "below, the codes' numbers go along the line between the two, and numbers are names: the codes "
    "on the way have nothing to do with either."
  )
  return grid(images, columns=columns), caption


def places_exchanged(first, last, steps) -> np.ndarray:
  """Grids [len(steps), h, w] in which a share t of the places, in random order, is `last`'s."""
  order = np.random.default_rng(0).permutation(first.size).reshape(first.shape)
  return np.where(order < steps[:, None, None] * first.size, last, first)


def numbers_between(first, last, steps) -> np.ndarray:
  """Grids [len(steps), h, w] of the numbers on the line between two grids, rounded."""
  t = steps[:, None, None]
  return ((1 - t) * first + t * last).round().astype(first.dtype)
