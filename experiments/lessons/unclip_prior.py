"""unCLIP's prior samples embeddings like those of images; the words come out without it too.

Deck C shows DALL-E 2 by three figures: variations of an image, interpolations, edits by words. They
are measured here on coloured shapes, of which the nearest of all 18,432 images reads every word.
The decoder makes images of CLIP's embeddings: of an image's own, which are its variations; of one
that a prior samples given the caption, diffusion or autoregressive, one sample or the better of
two; and of the caption's own, which needs no prior. Text differences move an image's embedding from
its caption to one with another colour, by a fraction of the arc. The decoder is guided by 2.

Of 200 test captions a sample of the diffusion prior has the cosine 0.948 with the embedding of the
image, the autoregressive prior's better one of two 0.927, the caption's own 0.928; two images of a
caption, and so a sample of an exact prior, have 0.930: the diffusion's are too near to the mean.
Decoded, all of them have the colour in 1.00, left or right, top or bottom and the ground in 1.00,
the size in 0.79 to 0.82; the shape in 0.27 to 0.33, hardly more than by chance, 0.25: so short a
training of the decoder shows none. Of an image's own embedding the exact place is another one in
0.95: that is left to the noise, as 32 images share a caption. Half of the arc to another colour
gives that colour in 0.97, and left or right, top or bottom and ground stay in 0.99; a quarter of it
gives it in 0.33.

Verdict: the three figures hold, and the prior is not needed for them where captions are so plain.
"""

import jax
import numpy as np

from experiments.lessons._runs import run_of
from genjax_zoo.data.shapes import WORDS, coloured_shapes, labels
from genjax_zoo.figures.pictures import grid
from genjax_zoo.models.diffusion.unclip import text_difference
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.sharding import jit

SYSTEM, AUTOREGRESSIVE = "unclip_shapes", "unclip_ar_prior_shapes"
EDITED = "colour"
TURNS = 0.25, 0.5  # Of text differences.
GUIDANCE = 2.0  # Of the decoder, towards its embedding.
PLACE = [list(WORDS).index(name) for name in ("x", "y")]
COLUMNS = 10
PAIRS = 4  # Of images between which is interpolated.


def recoloured(tokens, vocabulary) -> tuple[np.ndarray, np.ndarray]:
  """(captions [N, L] with the next colour in place of their own, those colours as classes [N])."""
  numbers = np.array([vocabulary.index(name) for name in WORDS[EDITED]])
  own = tokens[..., None] == numbers[None, None]
  target = (own.any(1).argmax(1) + 1) % len(numbers)
  return np.where(own.any(2), numbers[target][:, None], tokens), target


def agreement(read, factors) -> dict:
  """How often the words for factors [N, 6] are those of others, and how often the exact place."""
  same = lambda name: labels(name, read)[1] == labels(name, factors)[1]
  found = {name: float(same(name).mean()) for name in WORDS}
  exact = (read[:, PLACE] == factors[:, PLACE]).all(1)
  return found | {"exact place": float(exact.mean())}


def lesson(smoke):
  run, dataset = run_of(SYSTEM, smoke)
  other, _ = run_of(AUTOREGRESSIVE, smoke)
  n, key = 20 if smoke else 200, jax.random.key(0)
  test = {k: x[:n] for k, x in dataset.splits["test"].items()}
  weights, parts = (run.weights, run.state), run.model.parts
  embed_text = jit(lambda tokens: parts["embed_text"](*weights, tokens))
  image = jit(lambda: parts["embed_image"](*weights, test["image"]))()

  def sampled(run, candidates):
    """Embeddings that a prior samples for the captions."""
    draw = run.model.parts["latent_samples"]
    one = jit(lambda given: draw(run.weights, run.state, key, n, given, candidates))
    return one({"tokens": test["tokens"]})["image_embedding"]

  text = embed_text(test["tokens"])
  tokens, target = recoloured(test["tokens"], dataset.fields["tokens"].names)
  new_text = embed_text(tokens)
  embeddings = {
    "the image's own": image,
    "diffusion prior": sampled(run, 1),
    "diffusion prior, better of two": sampled(run, 2),
    "autoregressive prior, better of two": sampled(other, 2),
    "the caption's own": text,
  }
  for turn in TURNS:
    embeddings[f"new {EDITED}, {turn}"] = text_difference(image, text, new_text, turn)

  decode = jit(
    lambda u: run.model.decode(*weights, {"image_embedding": u}, key, scale=GUIDANCE)["image"]
  )
  made = {name: jax.device_get(decode(u)) for name, u in embeddings.items()}
  read = coloured_shapes(test["image"].shape[1]).nearest
  results = {}
  for name, x in made.items():
    factors = read(x)
    results[name] = {"cosine": float((embeddings[name] * image).sum(-1).mean())}
    results[name] |= agreement(factors, test["factors"])
    results[name][f"new {EDITED}"] = float((labels(EDITED, factors)[1] == target).mean())

  t = np.linspace(0, 1, COLUMNS, dtype=np.float32)[None, :, None]
  ends = image[: 2 * PAIRS].reshape(2, PAIRS, 1, -1)
  arcs = jax.device_get(decode(spherical(*ends, t).reshape(PAIRS * COLUMNS, -1)))
  values = dataset.fields["image"].num_values
  rows = np.concatenate([test["image"][:COLUMNS], *(x[:COLUMNS] for x in made.values())])
  return results, [
    (
      grid(rows, values, columns=COLUMNS),
      f"Test images, and images decoded from embeddings, row by row: {'; '.join(made)}.",
    ),
    (
      grid(arcs, values, columns=COLUMNS),
      "On the arc between the embeddings of two test images: the ends of a row are variations.",
    ),
  ]
