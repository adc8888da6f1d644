"""Procedural data that are functions of known factors of variation, and captions of the factors.

Every example is rendered from a row of indices: `images.render(images.at(number))`. A data set is a
random subset of all of them. What is known of every example makes judges that need no training:
the factors of the rendering that is nearest to a sample, against those that its caption asks for.
"""

from collections.abc import Callable, Mapping, Sequence
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset

PART = 250  # Examples rendered or compared at once.


class Factors(NamedTuple):
  """Images that are functions of F discrete factors, one image for each combination."""

  names: tuple[str, ...]
  sizes: tuple[int, ...]  # Number of values of each factor.
  render: Callable  # factors int [..., F] -> uint8 [..., H, W, C] in [0, num_values), pure JAX.
  num_values: int
  # Words of the captions; the first is padding, and all padding is no caption.
  vocabulary: tuple[str, ...] = ()
  tokens: Callable | None = None  # factors int [..., F] -> caption int32 [..., L], pure JAX.
  # tokens int [N, L] -> bool [N, F, max(sizes)]: the values of each factor that a caption allows.
  wanted: Callable | None = None
  # {factor: its places in a caption}, where captions are alike.
  slots: Mapping[str, tuple[int, ...]] = {}
  # uint8 [N, H, W, C] -> factors int32 [N, F] of the nearest of all renderings, in squared error.
  nearest: Callable | None = None

  @property
  def total(self) -> int:
    """The number of images."""
    return math.prod(self.sizes)

  def at(self, index: jax.Array) -> jax.Array:
    """Factors int32 [..., F] of images by number [...] in [0, total); the last varies fastest."""
    return jnp.stack(jnp.unravel_index(index, self.sizes), -1).astype(jnp.int32)


def caption_tokens(
  template: Sequence[str], words: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], Callable]:
  """The vocabulary of captions, and factors int [..., F] -> tokens int32 [..., L].

  `template` has a word, or the "{factor}" that chooses it, for each place; `words` has what is said
  for each value of each of the F factors, in their order.
  """
  slots = [words.get(word[1:-1], (word,)) for word in template]
  vocabulary = ("<pad>", *dict.fromkeys(word for slot in slots for word in slot))

  def tokens(factors):
    columns = []
    for word, slot in zip(template, slots):
      numbers = jnp.array([vocabulary.index(w) for w in slot], jnp.int32)
      if len(slot) > 1:
        value = factors[..., list(words).index(word[1:-1])]
      else:  # A word that is the same in every caption.
        value = jnp.zeros(factors.shape[:-1], jnp.int32)
      columns.append(numbers[value])
    return jnp.stack(columns, -1)

  return vocabulary, tokens


def slots(template: Sequence[str]) -> dict[str, tuple[int, ...]]:
  """The places in captions of the words for each factor."""
  return {word[1:-1]: (i,) for i, word in enumerate(template) if word.startswith("{")}


def wanted_values(
  vocabulary: Sequence[str], words: Mapping[str, Sequence[str]], tokens
) -> np.ndarray:
  """The values of each factor that captions [N, L] allow, bool [N, F, largest size].

  Those whose word is in the caption; all values of a factor that no word is about. No two factors
  may share a word.
  """
  tokens = np.asarray(tokens)
  said = (tokens[..., None] == np.arange(len(vocabulary))[None, None]).any(1)
  allowed = np.ones((len(tokens), len(words), max(map(len, words.values()))), bool)
  for factor, (_, values) in enumerate(words.items()):
    if set(values) <= set(vocabulary):
      asked = said[:, [vocabulary.index(word) for word in values]]
      allowed[:, factor, : len(values)] = asked | ~asked.any(1, keepdims=True)
  return allowed


def agreement(found, wanted) -> np.ndarray:
  """Whether factors [N, F] are among the wanted values bool [N, F, V]: bool [N, F]."""
  return np.take_along_axis(wanted, found[..., None], 2)[..., 0]


def kept(names: Sequence[str], found, wanted, free: Sequence[str] = ()) -> dict[str, np.ndarray]:
  """Whether factors [N, F] are the wanted ones: {"kept_shape": bool [N], ..., "kept": all of them}.

  The factors in `free` are left out.
  """
  columns = [i for i, name in enumerate(names) if name not in free]
  same = (found == wanted)[:, columns]
  return {f"kept_{names[i]}": x for i, x in zip(columns, same.T)} | {"kept": same.all(1)}


def distance(images: Factors, found, x) -> np.ndarray:
  """Root mean square difference of images [N, ...] and the renderings of factors, in [0, 1]."""
  drawn = render(images, found)
  difference = (np.asarray(x, np.float32) - drawn).reshape(len(drawn), -1)
  return np.sqrt((difference**2).mean(1)) / (images.num_values - 1)


def render(images: Factors, factors) -> np.ndarray:
  """The images uint8 [N, ...] of factors [N, F], PART at a time: it compiles once for all N."""
  draw = jax.jit(images.render)
  factors = np.asarray(factors)
  padded = np.pad(factors, ((0, -len(factors) % PART), (0, 0)), mode="edge")
  return in_parts(lambda part: np.asarray(draw(part)), padded)[: len(factors)]


def in_parts(f: Callable, x) -> np.ndarray:
  """`f` of an array [N, ...], PART rows at a time."""
  return np.concatenate([f(x[start : start + PART]) for start in range(0, len(x), PART)])


def check_examples(name: str, examples: int, most: int):
  """Raises UserError unless there are 10 to `most` examples for training."""
  if not 10 <= examples <= most:
    raise UserError(f"data.examples={examples}: take 10 to {most:,} of {name}")


def most_examples(total: int) -> int:
  """The most that can be for training of so many, where a tenth more are for testing."""
  return (10 * total + 9) // 11


def draw_numbers(
  name: str, pool: int | np.ndarray, examples: int, seed: int
) -> dict[str, np.ndarray]:
  """{"train": [examples], "test": [a tenth]}: different members of a pool, or of range(pool).

  Raises UserError for too many or too few.
  """
  check_examples(name, examples, most_examples(len(pool) if np.ndim(pool) else pool))
  n = examples + examples // 10
  numbers = np.random.default_rng(seed).choice(pool, n, replace=False)
  return {"train": numbers[:examples], "test": numbers[examples:]}


def rendered(
  name: str,
  images: Factors,
  splits: Mapping[str, np.ndarray],
  *,
  entry: str = "image",
  more: Callable = lambda factors: {},
  judge: Callable | None = None,
) -> Dataset:
  """The data set of the images of these numbers, {split: [n]}.

  Its entries are `entry`, "factors", "tokens" where there are captions, and those of `more`:
  (factors [N, F]) -> {name: (Field, array [N, ...])}.
  """
  values = np.asarray(images.at(jnp.asarray(np.concatenate([*splits.values()]))))
  arrays = {entry: render(images, values), "factors": values}
  kind = "video" if arrays[entry].ndim == 5 else "image"
  fields = {
    entry: Field((), np.uint8, images.num_values, kind=kind),
    "factors": Field((), np.int32, max(images.sizes)),
  }
  if images.tokens:
    words = images.vocabulary
    arrays["tokens"] = np.asarray(images.tokens(values))
    fields["tokens"] = Field((), np.int32, len(words), words, ordered=False)
  for key, (field, array) in more(values).items():
    arrays[key] = array
    fields[key] = field
  fields = {k: f._replace(shape=arrays[k].shape[1:]) for k, f in fields.items()}
  ends = np.cumsum([len(numbers) for numbers in splits.values()])[:-1]
  parts = {k: np.split(x, ends) for k, x in arrays.items()}
  rows = {split: {k: x[i] for k, x in parts.items()} for i, split in enumerate(splits)}
  return Dataset(name, fields, rows, truth={"factors": images}, judge=judge)
