"""A learned mapping of the noise makes smooth latents, whose layers have a part of the image each.

Deck C shows paths between faces by StyleGAN. stylegan2_mnist makes images of w, which a mapping
finds of z. The perceptual path length is how far the features of an image move, squared, for a
small step along a path, over the step squared (Karras 2019, arXiv:1812.04948, section 4.1): of z
along the arc, of w along the line, between the same 2,000 pairs of samples. Images of the test set
are projected into w by gradient descent (Karras 2019, arXiv:1912.04958, appendix D).

The path in w is 27.7 long and that in z 62.3. The generator is of a short training, its digits are
blurred and few kinds of them are there; w changes them evenly where along z one digit turns into
another at once. Projected images have a PSNR of 17.8 dB, where the image of the mean w has 10.8:
digits of a kind that is never sampled are found too, if not well.

Verdict: holds: a path in w is 0.44 times as long as in z.
"""

import jax
import numpy as np

from experiments.lessons._runs import run_of
from genjax_zoo.figures.common import first_rows, held_out
from genjax_zoo.figures.mapping import mapped, mixed_styles, paths, projections, truncations
from genjax_zoo.metrics.features import choose
from genjax_zoo.metrics.path_length import line, path_lengths, trimmed_mean
from genjax_zoo.metrics.restoration import psnr
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.sharding import jit

CONFIG = "stylegan2_mnist"


def lengths(run, features, name: str, interpolate, ends) -> float:
  """The perceptual path length of latents `name` between two ends [N, D]."""
  mean = run.model.parts["mean"]
  decode = jit(lambda x: 255 * mean(run.weights, run.state, {name: x}))
  read = lambda images: features.extract({"image": images})[0]
  squared = lambda a, b: ((read(a) - read(b)) ** 2).sum(-1)
  return trimmed_mean(path_lengths(decode, interpolate, squared, *ends, jax.random.key(0)))


def lesson(smoke):
  n = 20 if smoke else 2000
  run, dataset = run_of(CONFIG, smoke)
  features = choose("auto", dataset.name, dataset.fields)
  z, w = mapped(run, 2 * n, seed=1)
  found = {
    "z": lengths(run, features, "z", spherical, (z[:n], z[n:])),
    "w": lengths(run, features, "w", line, (w[:n], w[n:])),
  }
  test = held_out(run, dataset)
  batch = first_rows(test, 4 if smoke else 64)
  projected = run.model.parts["project"](run.weights, run.state, batch, jax.random.key(0))
  near = run.decode({"w": np.asarray(projected["w"])})["image"]
  at_mean = run.decode({"w": np.asarray(run.state["w"])[None]})["image"].repeat(len(near), 0)
  results = {
    "path length": found | {"w over z": found["w"] / found["z"]},
    "PSNR of projections, dB": float(psnr(batch["image"], near, 256).mean()),
    "PSNR of the image of the mean w, dB": float(psnr(batch["image"], at_mean, 256).mean()),
  }
  figures = mixed_styles, paths, truncations, projections
  return results, [figure(run, dataset, test, None) for figure in figures]
