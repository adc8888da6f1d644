"""Spherical interpolation suits a GAN's latents; differences of means are semantic directions.

Deck C shows paths between images (its figure 27 and the StyleGAN page). N(0, I) in D dimensions is
concentrated near the radius sqrt(D); a line between two draws passes at sqrt(D / 2), spherical
interpolation does not (White 2016, arXiv:1609.04468). For 1,000 pairs, the midpoints of the lines
have an FID of 0.20, those of spherical interpolation 0.13, as the ends. The arithmetic is that of
Radford 2015 (arXiv:1511.06434): the mean latent of samples with much ink minus that of samples with
little is added to other latents. The ink follows, but four in ten change their class: nothing in
the training disentangles the two.

Verdict: half: spherical paths are better; a direction changes the class of four in ten.
"""

import numpy as np

from experiments.lessons._runs import measured, trained
from genjax_zoo.figures.pictures import grid
from genjax_zoo.metrics.features import choose
from genjax_zoo.prob.interpolation import spherical

ROWS, COLUMNS = 5, 11
AMOUNTS = -1.5, 0.0, 1.5


def linear(a, b, t):
  """The point at t on the line from a to b."""
  return (1 - t) * a + t * b


def walks(decode, z, interpolate):
  """ROWS walks of COLUMNS images between pairs of z."""
  t = np.linspace(0, 1, COLUMNS, dtype=np.float32)
  rows = []
  for i in range(ROWS):
    path = [np.asarray(interpolate(z[2 * i], z[2 * i + 1], s)) for s in t]
    rows.append(decode(np.stack(path)))
  return np.concatenate(rows)


def lesson(smoke):
  n = 100 if smoke else 1000
  run, dataset = trained("gan_digits", smoke)
  num_values = dataset.fields["image"].num_values
  features = choose("auto", "digits", dataset.fields)
  decode = lambda z: run.decode({"z": np.asarray(z, np.float32)})["image"]
  class_probabilities = lambda images: features.extract({"image": images})[1]
  rng = np.random.default_rng(0)
  latent = run.config["model"]["latent"]
  z, other, fresh = rng.normal(size=(3, n, latent)).astype(np.float32)

  results = {}
  for name, latents in {
    "ends": z,
    "middle of the line": linear(z, other, 0.5),
    "middle of the arc": spherical(z, other, 0.5),
  }.items():
    images = decode(latents)
    quality = measured({"image": images}, dataset, n)
    results[name] = {
      "radius": float(np.linalg.norm(latents, axis=-1).mean()),
      "classifier's confidence": float(class_probabilities(images).max(-1).mean()),
      "fid": quality["fid"],
      "precision": quality["precision"],
      "recall": quality["recall"],
    }

  direction = ink_direction(decode, fresh)
  moved = {s: decode(z + s * direction) for s in AMOUNTS}
  classes = {s: class_probabilities(images).argmax(-1) for s, images in moved.items()}
  results["direction of ink"] = {
    f"{s:+.1f}": {
      "ink": float(images.mean() / (num_values - 1)),
      "same class": float((classes[s] == classes[0.0]).mean()),
    }
    for s, images in moved.items()
  }
  steps = np.linspace(-2, 2, COLUMNS, dtype=np.float32)[:, None]
  heavier = np.concatenate([decode(start + steps * direction) for start in z[:ROWS]])
  lines, arcs = walks(decode, z, linear), walks(decode, z, spherical)
  return results, [
    (grid(lines, num_values, COLUMNS), "Linear interpolation."),
    (grid(arcs, num_values, COLUMNS), "Spherical interpolation between the same samples."),
    (
      grid(heavier, num_values, COLUMNS),
      "Rows: a sample in the middle, less ink to the left, more to the right.",
    ),
  ]


def ink_direction(decode, z):
  """The mean latent of the fifth with the most ink minus that of the fifth with the least, [D]."""
  ink = decode(z).astype(np.float32).mean((1, 2, 3))
  order = np.argsort(ink)
  fifth = len(z) // 5
  return z[order[-fifth:]].mean(0) - z[order[:fifth]].mean(0)
