"""For the same bits few codes of a large codebook are better than many codes of a small one.

A VQ-VAE (van den Oord 2017, arXiv:1711.00937) makes h x w codes of K of a digit: h w log2 K bits.
"coded" are those of a code that knows how often each number occurs. k-means of the patches of 2 x 2
or 4 x 4 pixels is the same without a network. A VAE's bits are KL(q(z | x) || p(z)), which
bits-back coding reaches, and its PSNR is that of latents drawn from q(z | x); it has dense layers,
and Gaussian pixels of a fixed standard deviation, by which bits are exchanged for decibels.

With 32 bits, 2 x 2 codes of 256 have a PSNR of 20.3 dB on test digits, 4 x 4 codes of 4 have 18.4,
and the VAE has 20.8. Four times the codes on the same grid cost two bits a place: 4 x 4 codes of 4,
16, 64, 256 have 18.4, 21.5, 23.9, 26.4 dB. The networks are worth 4.0 dB more than k-means with 4
codes, and nothing with 256, where the patch of 2 x 2 pixels is known to its last detail.

Verdict: holds: 20.3 dB for 18.4 at 32 bits; the VAE's real numbers are better still, by 0.6 dB.
"""

import math

import jax
import numpy as np
from sklearn.cluster import KMeans

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import grid, plot
from genjax_zoo.figures.tokens import places_exchanged
from genjax_zoo.metrics.restoration import psnr
from genjax_zoo.nn.grid import from_patches, to_patches

# {grid: (widths, sizes of the codebook)}; a width for each halving of the 8 x 8 digits.
GRIDS = {"4 x 4": ("(64,)", (4, 16, 64, 256)), "2 x 2": ("(32, 64)", (16, 64, 256))}
# The standard deviations of a VAE's pixels: the larger one is, the fewer bits z is worth.
DEVIATIONS = 0.4, 0.25, 0.15, 0.1, 0.06
STEPS = 1500
COLUMNS = 9  # Of an interpolation,
PAIRS = 3  # of pairs of test images.


def decibels(images, mean) -> float:
  """The PSNR of E[v | z], floats in [0, 1], the mean over images of 17 gray levels."""
  return float(psnr(images, 16 * np.asarray(mean), 17).mean())


def decoded(run, latents) -> np.ndarray:
  """E[v | z] of latents, floats in [0, 1]."""
  return np.asarray(run.model.parts["mean"](run.weights, run.state, latents))


def of_codes(run, images) -> dict:
  """Bits, were all codes equally likely, and PSNR of a VQ-VAE.

  "coded" are the bits of a code for each number that knows how often it occurs.
  """
  field = run.model.latents["codes"]
  codes = run.encode({"image": images})["codes"]
  share = np.bincount(codes.ravel()) / codes.size
  entropy = -np.sum(share * np.log2(np.maximum(share, 1e-12)))
  cells = math.prod(field.shape)
  return {
    "bits": cells * math.log2(field.num_values),
    "coded": cells * float(entropy),
    "PSNR": decibels(images, decoded(run, {"codes": codes})),
  }


def of_kmeans(train, images, size: int, cells: int) -> dict:
  """Bits and PSNR where each of `cells` patches is the nearest of `size` means of patches."""
  edge = images.shape[1] // math.isqrt(cells)
  patches = lambda x: to_patches(x.astype(np.float32), edge)
  rows = lambda x: patches(x).reshape(-1, edge**2)
  means = KMeans(size, n_init=1, random_state=0).fit(rows(train))
  nearest = means.cluster_centers_[means.predict(rows(images))]
  restored = from_patches(nearest.reshape(patches(images).shape), edge)
  return {"bits": cells * math.log2(size), "PSNR": decibels(images, restored / 16)}


def of_vae(run, images) -> dict:
  """Bits, the mean KL(q(z | x) || p(z)), and PSNR of a VAE, of z drawn from q(z | x)."""
  elbo_terms = run.model.parts["elbo_terms"]
  z, _, nats = elbo_terms(run.weights, run.state, {"image": images}, jax.random.key(0))
  return {
    "bits": float(nats["kl"].mean() / math.log(2)),
    "PSNR": decibels(images, decoded(run, {"z": z})),
  }


def between(run, images) -> np.ndarray:
  """Rows from one image to another, as far as latents go: along the line, or by places of codes."""
  (name,) = run.model.latents
  z = run.encode({"image": images[: 2 * PAIRS]})[name]
  t = np.linspace(0, 1, COLUMNS, dtype=np.float32)
  rows = []
  for first, last in zip(z[:PAIRS], z[PAIRS:]):
    line = lambda a=first, b=last: (1 - t)[:, None] * a + t[:, None] * b
    path = places_exchanged(first, last, t) if name == "codes" else line()
    rows.append(decoded(run, {name: path}))
  return np.stack(rows)


def lesson(smoke):
  steps = {"train.steps": 2 if smoke else STEPS}
  points = {name: [] for name in (*GRIDS, *(f"k-means, {name}" for name in GRIDS), "VAE")}
  paths = {}
  for name, (widths, sizes) in GRIDS.items():
    for size in sizes[:2] if smoke else sizes:
      options = {"model.widths": widths, "model.codes": size} | steps
      run, dataset = trained("vqvae_digits", smoke, **options)
      train, images = (dataset.splits[split]["image"] for split in ("train", "test"))
      points[name].append(of_codes(run, images))
      cells = math.prod(run.model.latents["codes"].shape)
      points[f"k-means, {name}"].append(of_kmeans(train, images, size, cells))
      paths[name] = between(run, images)
  for deviation in DEVIATIONS[:1] if smoke else DEVIATIONS:
    options = {"model.likelihood": "gaussian", "model.scale": deviation, "model.latent": 16}
    run, _ = trained("vae_digits", smoke, **options | steps)
    points["VAE"].append(of_vae(run, images))
    paths["VAE"] = between(run, images)
  tiles = np.stack([paths["VAE"], paths["4 x 4"]], 1)
  results = {
    f"{name}, {x['bits']:.0f} bits": {k: v for k, v in x.items() if k != "bits"}
    for name, found in points.items()
    for x in found
  }
  return results, [
    (curves(points), "PSNR of test digits against the bits of their latents."),
    (
      grid(tiles.reshape(-1, *images.shape[1:]), columns=COLUMNS),
      "Two rows for each pair of test digits: the straight line between a VAE's latents, and codes "
      "of which more and more places are the second image's. Codes are names: nothing lies between "
      "two of them.",
    ),
  ]


def curves(points) -> np.ndarray:
  """PSNR against bits, a line for each, {name: [{"bits", "PSNR"}, ...]}."""

  def paint(ax):
    for name, found in points.items():
      pairs = sorted((x["bits"], x["PSNR"]) for x in found)
      dashed = "--" if name.startswith("k-means") else "-"
      ax.plot(*zip(*pairs), dashed, marker="o", label=name)
    ax.set(xlabel="bits an image", ylabel="PSNR, dB")
    ax.legend()

  return plot(paint, size=5)
