"""One generator serves many domains, in the style of any image or of a random number.

Deck C shows "image to image translation in multiple domains"; it is StarGAN v2, not StyleGAN.
stargan_v2_shapes translates shapes between six colours, each a domain. What a style may say, the
ground, is to be that of the reference, or random; what must come from the image, place, shape and
size, is to be kept. All are read by the nearest of all 18,432 images.

Of 1,000 translations by a reference all have the colour of its domain and its ground, and the place
of the image up to one step of eight; by latents 1.00 and 0.99. The shape is kept in 0.46 and 0.43,
the size in 0.49 and 0.46 (chance 0.25): of the image a shape is 7 %, and the critic asks for some
shape, not for the same. Latents make one ground of each colour: a random style that says nothing
costs the cycle and the styles' losses nothing, once the weight of the diversity has fallen to 0.

Verdict: holds for colour, ground and place; shapes are lost half, and random styles are alike.
"""

import jax
import numpy as np

from experiments.lessons._runs import run_of
from genjax_zoo.data.shapes import coloured_shapes
from genjax_zoo.figures.images import styles
from genjax_zoo.metrics import quality

CONFIG = "stargan_v2_shapes"
LATENTS = 10  # Of which the grounds are counted.


def factor(images, x, name: str) -> np.ndarray:
  """The value of a factor of the nearest image to each of x, [N]."""
  return images.nearest(x)[:, images.names.index(name)]


def place_kept(images, x, source) -> float:
  """How often both coordinates are those of the source, up to one step of eight."""
  near = lambda axis: abs(factor(images, x, axis) - factor(images, source, axis)) <= 1
  return float((near("x") & near("y")).mean())


def lesson(smoke):
  n = 20 if smoke else 1000
  run, dataset = run_of(CONFIG, smoke)
  images = coloured_shapes(dataset.fields["image"].shape[0])
  test = quality.examples(dataset, "test", np.arange(n) % len(dataset.splits["test"]["image"]))
  others = np.random.default_rng(0).permutation(n)
  given = {"image": test["image"], "label": test["label"][others]}
  reference = test["image"][others]
  made = {
    "by reference": run.sample(n, given=given | {"reference": reference})["image"],
    "by latents": run.sample(n, given=given)["image"],
    "the image itself": test["image"],
    "the reference itself": reference,
  }
  results = {}
  for name, x in made.items():
    judged = dataset.judge({"image": x}, given)
    results[name] = {k: float(v.mean()) for k, v in judged.items() if k != "kept"}
    results[name]["place kept"] = place_kept(images, x, test["image"])
    same = factor(images, x, "background") == factor(images, reference, "background")
    results[name]["ground of the reference"] = float(same.mean())
  one = {k: np.repeat(x[:20], LATENTS, 0) for k, x in given.items()}
  grounds = factor(images, run.sample(len(one["label"]), given=one)["image"], "background")
  different = [len(set(row)) for row in grounds.reshape(-1, LATENTS)]
  results["by latents"][f"grounds of {LATENTS}"] = float(np.mean(different))
  picture, caption = styles(run, dataset, jax.tree.map(lambda x: x[:100], test), None)
  return results, [(picture, caption)]
