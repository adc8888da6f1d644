"""Triples that a model has never seen are drawn nearly as well as others, if it has seen the pairs.

A tenth of the 72 triples of shape, colour and background are in no training image, but any two of
their values are together in some. DALL-E (Ramesh 2021, arXiv:2102.12092), in two sizes, learns from
1,000, 4,000 or 15,000 shapes of 24 x 24 pixels, for 800 steps of 32; its first stage, 6 x 6 codes
of 512, learns from 15,000, without the triples either. What samples show is that of the nearest
rendering. The caption's nats are how much likelier its own caption makes the codes of a test image
than that of another one does.

Of 300 captions of unseen triples the large model draws all three right in 0.16, 0.20 and 0.19, by
the number of images, and of seen ones in 0.19, 0.28 and 0.23 (standard error 0.02); by chance it
would be 0.01, and of reconstructions it is 0.57 and 0.61. The small model has 0.03 to 0.04, and
0.05 to 0.07. A caption is worth 131 to 135 nats and 136 to 144 to the large model, 91 to 98 and 103
to 107 to the small one. So a larger model composes better; more images than 1,000 hardly help in as
few steps. Shapes, by chance right in 0.25, are in 0.26 to 0.31 and 0.29 to 0.33: what is composed
is colour and ground.

Verdict: half: 0.19 of unseen triples are right for 0.23 of seen ones; shapes are hardly learned.
"""

from pathlib import Path
import tempfile

import numpy as np

from experiments.lessons._runs import trained_in
from genjax_zoo import data
from genjax_zoo.figures.pictures import beside, grid, plot
from genjax_zoo.metrics.judged import derangement

SPLITS = {"seen": "test", "unseen": "unseen"}  # Triples of shape, colour and background.
TRIPLE = "shape", "colour", "background"
SIZES = 1_000, 4_000, 15_000  # Training images.
SCALES = {"small": (32, 2), "large": (64, 3)}  # Width and layers of the transformer.
STEPS = {"stage": 1500, "prior": 800}
SIDE = 24  # Pixels.
CAPTIONS = 300
SHOWN = 24  # Samples in the picture.


def settings(examples: int, scale: str, most: int, smoke: bool) -> dict:
  """What is changed in dalle_shapes: unseen triples, smaller images, a smaller model.

  The first stage, one for all, has `most` images to learn from.
  """
  width, layers = SCALES[scale]
  shapes = {"data.unseen": True, "data.size": SIDE}
  own = shapes | {"data.examples": examples, "model.width": width, "model.layers": layers}
  stage = shapes | {"data.examples": most}
  if not smoke:
    own["train.steps"] = STEPS["prior"]
    stage["train.steps"] = STEPS["stage"]
  return own | {f"stages.first.{key}": value for key, value in stage.items()}


def agreement(judge, image, tokens) -> dict:
  """The share of images whose nearest rendering agrees with their captions."""
  found = judge({"image": image}, {"tokens": tokens})
  triple = np.all([found[name] for name in TRIPLE], 0)
  shares = {"shape": found["shape"], "triple": triple, "all": found["all"]}
  return {name: float(np.mean(share)) for name, share in shares.items()}


def nats(run, rows) -> float:
  """The mean of -log p(codes | caption)."""
  return float(run.evaluate(rows)["image_nats"].mean())


def measured(run, judge, rows) -> dict:
  """What samples given the captions of examples agree in, and -log p of the examples' own codes.

  "caption's nats" is how much their own captions say of the codes more than those of others do.
  """
  tokens = rows["tokens"]
  image = run.sample(len(tokens), given={"tokens": tokens})["image"]
  own = nats(run, rows)
  others = nats(run, rows | {"tokens": tokens[derangement(len(tokens))]})
  return agreement(judge, image, tokens) | {"nats": own, "caption's nats": others - own}


def lesson(smoke):
  sizes = (200, 400) if smoke else SIZES
  most = max(sizes)
  shapes = data.load("coloured_shapes", examples=most, unseen=True, size=SIDE)
  n = 16 if smoke else CAPTIONS
  test = {k: {f: x[:n] for f, x in shapes.splits[s].items()} for k, s in SPLITS.items()}
  results = {k: {} for k in SPLITS}
  with tempfile.TemporaryDirectory() as folder:
    for scale in SCALES:
      for examples in sizes:
        name = f"{scale}, {examples} images"
        changes = settings(examples, scale, most, smoke)
        run, _ = trained_in(Path(folder) / name, "dalle_shapes", smoke, **changes)
        for kind, rows in test.items():
          results[kind][name] = measured(run, shapes.judge, rows)
    # The last one is the largest.
    for kind, rows in test.items():
      decoded = run.decode(run.encode(rows))["image"]
      results[kind]["reconstructions"] = agreement(shapes.judge, decoded, rows["tokens"])
    shown = [rows["tokens"][:SHOWN] for rows in test.values()]
    samples = [run.sample(len(tokens), given={"tokens": tokens}) for tokens in shown]
  picture = beside(*(grid(batch["image"], 256, 4) for batch in samples))
  return results, [
    (curves(results, sizes), "Agreement of samples with captions, by the nearest rendering."),
    (picture, "Samples of the large model given captions: left, of triples that training has."),
  ]


def curves(results, sizes) -> np.ndarray:
  """The shares of right triples against the number of training images."""

  def paint(*axes):
    for ax, measure in zip(axes, ("triple", "caption's nats")):
      for kind, found in results.items():
        for scale in SCALES:
          values = [found[f"{scale}, {n} images"][measure] for n in sizes]
          style = "-" if kind == "seen" else "--"
          ax.semilogx(sizes, values, style, marker="o", label=f"{scale}, {kind}")
      ax.set(xlabel="training images", ylabel=measure)
    axes[0].legend()

  return plot(paint, 2, 4)
