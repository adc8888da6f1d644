"""In a GAN's latents arcs lead from sample to sample through samples; differences of means are
directions.

Deck C shows paths between images (its figure 27 and the StyleGAN page). N(0, I) in D dimensions
lives near the radius sqrt(D); the line between two draws passes at sqrt(D / 2), the arc does not
(White 2016, arXiv:1609.04468). Of 1,000 pairs the middles of the lines have an FID of 0.20, those
of the arcs 0.13, as the ends. The arithmetic is that of Radford 2015 (arXiv:1511.06434): the mean
latent of heavy samples less that of light ones is added to others. The ink follows, but four in ten
change their class: nothing in the game disentangles the two.
"""

from pathlib import Path
import tempfile

import numpy as np

from experiments.lessons._runs import measured, trained
from genjax_zoo.figures.pictures import grid
from genjax_zoo.metrics.features import choose
from genjax_zoo.prob.interpolation import spherical

ROWS, COLUMNS = 5, 11


def linear(a, b, t):
  """The point at t of the line from a to b."""
  return (1 - t) * a + t * b


def walks(decode, z, path):
  """ROWS walks of COLUMNS images between pairs of z."""
  t = np.linspace(0, 1, COLUMNS, dtype=np.float32)
  return np.concatenate(
    [
      decode(np.stack([np.asarray(path(z[2 * i], z[2 * i + 1], s)) for s in t]))
      for i in range(ROWS)
    ]
  )


def lesson(smoke):
  n = 100 if smoke else 1000
  with tempfile.TemporaryDirectory() as folder:
    run, dataset = trained("gan_digits", Path(folder), smoke)
    levels, see = dataset.fields["image"].num_values, choose("auto", "digits", dataset.fields)
    decode = lambda z: run.decode({"z": np.asarray(z, np.float32)})["image"]
    classes = lambda images: see.extract({"image": images})[1]
    rng = np.random.default_rng(0)
    z, other, fresh = rng.normal(size=(3, n, run.config["model"]["latent"])).astype(np.float32)
    ends = {
      "ends": z,
      "middle of the line": linear(z, other, 0.5),
      "middle of the arc": spherical(z, other, 0.5),
    }
    numbers = {}
    for name, latents in ends.items():
      images, radius = decode(latents), np.linalg.norm(latents, axis=-1).mean()
      found = measured({"image": images}, dataset, n)
      sure = float(classes(images).max(-1).mean())
      numbers[name] = {"radius": float(radius), "classifier's confidence": sure} | {
        k: found[k] for k in ("fid", "precision", "recall")
      }

    ink = decode(fresh).astype(np.float32).mean((1, 2, 3))
    order = np.argsort(ink)
    direction = fresh[order[-n // 5 :]].mean(0) - fresh[order[: n // 5]].mean(0)
    steps = (-1.5, 0.0, 1.5)
    moved = [decode(z + s * direction) for s in steps]
    kept = [float((classes(x).argmax(-1) == classes(moved[1]).argmax(-1)).mean()) for x in moved]
    numbers["direction of ink"] = {
      f"{s:+.1f}": {"ink": float(x.mean() / (levels - 1)), "same class": share}
      for s, x, share in zip(steps, moved, kept)
    }
    amounts = np.linspace(-2, 2, COLUMNS, dtype=np.float32)
    heavier = np.concatenate([decode(start + amounts[:, None] * direction) for start in z[:ROWS]])
    pictures = [
      (grid(walks(decode, z, linear), levels, COLUMNS), "Walks along lines."),
      (
        grid(walks(decode, z, spherical), levels, COLUMNS),
        "Walks along arcs between the same samples.",
      ),
      (
        grid(heavier, levels, COLUMNS),
        "Rows: a sample in the middle, less ink to the left, more to the right.",
      ),
    ]
  return numbers, pictures
