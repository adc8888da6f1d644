"""What users hand to a run, checked by the fields of its data before anything is compiled.

Values that a model can't have would otherwise be computed with in silence: the one-hot vector of
the label 99 is zeros, and images in [0, 1] are nearly black among 17 gray levels.
"""

from collections.abc import Mapping
import inspect
import operator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from PIL import Image

from genjax_zoo.core import Field, Model, UserError, check_sizes, nearest
from genjax_zoo.data import tokenizer
from genjax_zoo.data.dataset import kind_of
from genjax_zoo.data.images import decode

SHOWN = 12  # The most names that an error lists.
# Arguments of a model's functions that are not options.
NOT_OPTIONS = {"params", "state", "batch", "key", "n", "given"}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's, by the number of channels.


def count(name: str, n, least: int = 1) -> int:
  """n as an int. Raises UserError, naming the argument, unless it is an integer >= `least`."""
  try:
    number = operator.index(n)
  except TypeError:
    number = None
  if number is None or isinstance(n, (bool, np.bool_)) or number < least:
    raise UserError(f"{name}={n!r}: it must be an integer, {least} or more")
  return number


def options(section: str, given: Mapping, f) -> dict:
  """The options of a function of a model, with the types of their defaults.

  Raises UserError for an option that the function f doesn't take, and for a value that it can't
  have.
  """
  parameters = inspect.signature(f).parameters
  known = [k for k in parameters if k not in NOT_OPTIONS]
  takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
  found = {}
  for name, value in given.items():
    if name not in known and (name in NOT_OPTIONS or not takes_any):
      listed = ", ".join(sorted(known)) or "none"
      raise UserError(f"{section} takes no {name!r}{nearest(name, known)}; its options: {listed}")
    default = parameters[name].default if name in known else None
    found[name] = option(f"{section}.{name}", value, default)
  check_sizes(section, found, {k: parameters[k].default for k in known})
  return found


def option(name: str, value, default):
  """A value with the type of the default, as far as that says one.

  Numbers of other libraries become Python's, lists tuples, and integers floats where the default is
  one: what is equal is then compiled once. Raises UserError for a value of another type.
  """
  if np.ndim(value) == 0 and hasattr(value, "item"):
    value = value.item()
  if isinstance(value, list):
    value = tuple(value)
  wanted = type(default)
  if wanted is float and type(value) is int:
    return float(value)
  if wanted in (bool, int, float) and type(value) is not wanted and value is not None:
    raise UserError(f"{name}={value!r}: it must be of type {wanted.__name__}, such as {default}")
  return value


def log_prob_options(section: str, given: Mapping, model: Model) -> dict:
  """The options of a model's `log_prob`. Raises UserError for an estimator that it lacks, too."""
  found = options(section, given, model.log_prob)
  estimator = found.get("estimator")
  if estimator not in (None, *model.likelihood):
    known = ", ".join(model.likelihood)
    raise UserError(f"{section}.estimator={estimator!r}: the model has {known}")
  return found


def rows(given: Mapping, fields: Mapping[str, Field], n: int | None = None) -> dict:
  """{name: array [n, *shape]} of entries as users write them; n is theirs if it is None.

  An entry is an array-like, one example that stands for all n, or text: the name of a class, a
  caption, the path of an image. Names without a field are arrays as they are. Raises UserError for
  other shapes, numbers of rows and values.
  """
  if not isinstance(given, Mapping):
    first = next(iter(fields), "z")
    raise UserError(f"examples are a dict such as {{{first!r}: array}}, not {type(given).__name__}")
  found = {}
  single = []
  for name, x in given.items():
    if name not in fields:
      found[name] = np.asarray(x)
      single += [name] * (not found[name].ndim)
      continue
    found[name] = values(name, x, fields[name])
    if found[name].shape == fields[name].shape:
      single.append(name)
    elif found[name].shape[1:] != fields[name].shape or not found[name].ndim:
      raise UserError(other_form(found, fields))
  lengths = {name: len(x) for name, x in found.items() if name not in single}
  n = next(iter(lengths.values()), 1) if n is None else n
  for name, length in lengths.items():
    if length != n or not n:
      raise UserError(f"{name} has {length} rows where {n or 'some'} are needed")
  return found | {name: np.repeat(found[name][None], n, 0) for name in single}


def batch(given: Mapping, fields: Mapping[str, Field]) -> dict:
  """A batch of the data, see `rows`. Raises UserError for an entry that the data lack, too."""
  if isinstance(given, Mapping):
    for name in given:
      if name not in (*fields, "weight"):
        shapes = {k: np.empty(np.shape(x)) for k, x in given.items()}
        raise UserError(f"{other_form(shapes, fields)}{nearest(name, fields)}")
  return rows(given, fields)


def other_form(given: Mapping, fields: Mapping[str, Field]) -> str:
  """The error for a batch that has not the keys and shapes of the data."""
  form = lambda shapes: ", ".join(f"{k} {list(shape)}" for k, shape in shapes.items()) or "nothing"
  wanted = form({k: ("n", *f.shape) for k, f in fields.items()}).replace("'", "")
  found = form({k: np.shape(x) for k, x in given.items()})
  return f"a batch of n examples is {wanted}; given is {found}"


def values(name: str, x, field: Field) -> np.ndarray:
  """An entry as an array of its field's type. Raises UserError for values that it can't have."""
  if isinstance(x, Path):
    x = str(x)
  if isinstance(x, (list, tuple)) and x and isinstance(x[0], (str, Path)):
    return np.stack([values(name, one, field) for one in x])
  if isinstance(x, str):
    return from_text(name, x, field)
  x = np.asarray(x)
  if x.dtype.kind == "U":
    return values(name, x.tolist(), field)
  if field.num_values is None and not jnp.issubdtype(field.dtype, jnp.integer):
    return reals(name, x, field)
  return integers(name, x, field)


def reals(name: str, x: np.ndarray, field: Field) -> np.ndarray:
  """Real numbers in the field's type. Raises UserError for what is none, or not finite in it."""
  if not jnp.issubdtype(x.dtype, jnp.number) and x.dtype != bool:
    raise UserError(f"{name} must be numbers, not {x.dtype}")
  with np.errstate(over="ignore"):
    found = x.astype(field.dtype)
  finite = np.isfinite(found.astype(np.float32))
  if not finite.all():
    row = np.argwhere(~finite)[0].tolist()
    raise UserError(f"{name} must be finite as {found.dtype}: it is not at index {row}")
  return found


def integers(name: str, x: np.ndarray, field: Field) -> np.ndarray:
  """Integers in [0, num_values), in the field's type. Raises UserError for anything else."""
  top = field.num_values
  wanted = f"{name} must be integers" + (f" in [0, {top})" if top else "")
  if x.dtype.kind not in "iub":
    raise UserError(f"{wanted}{guess(x, field)}")
  if x.size and top and (x.min() < 0 or x.max() >= top):
    looks = guess(x, field) or f"; these are from {x.min()} to {x.max()}"
    raise UserError(f"{wanted}{looks}")
  return x.astype(field.dtype)


def guess(x: np.ndarray, field: Field) -> str:
  """The end of an error: what values that are no integers of the field look like."""
  top = field.num_values
  if x.dtype.kind not in "iufb":
    return f", not {x.dtype}"
  if top and x.size and x.min() >= 0:
    image = kind_of(field) == "image"
    if x.dtype.kind == "f" and x.max() < top and not (x % 1).any():
      return f", not {x.dtype}: x.astype(int) makes them such"
    if image and x.dtype.kind == "f" and x.max() <= 1:
      return f"; these look like [0, 1]: (x * {top - 1}).round().astype(int) makes such integers"
    if image and top != 256 and x.max() <= 255:
      return (
        f"; these look like [0, 255]: (x * ({top - 1} / 255)).round().astype(int) rescales them"
      )
  return f", not {x.dtype}" if x.dtype.kind == "f" else ""


def from_text(name: str, text: str, field: Field) -> np.ndarray:
  """The value that a text stands for: a class by name, a caption, or an image file.

  A file is scaled to the field's size and number of gray levels. Raises UserError for a text that
  stands for nothing.
  """
  if kind_of(field) == "image":
    return image_file(name, text, field)
  if field.names and not field.shape:
    if text not in field.names:
      listed = ", ".join(field.names[:SHOWN]) + (", ..." if len(field.names) > SHOWN else "")
      raise UserError(
        f"{name}: there is no {text!r}{nearest(text, field.names)}; there are {listed}"
      )
    return np.asarray(field.names.index(text), field.dtype)
  if field.names and len(field.shape) == 1:
    return tokenizer.encode(field, [text])[0]
  raise UserError(f"{name} must be numbers, not the text {text!r}: its values have no names")


def image_file(name: str, path: str, field: Field) -> np.ndarray:
  """An image file with the field's shape and gray levels.

  Raises UserError when it can't be, and for a strip of which the square has less than half.
  """
  height, width, channels = field.shape
  try:
    with Image.open(path) as image:
      sides = image.size
    pixels = decode(path, MODES[channels], width if height == width else None)
  except OSError as e:
    raise UserError(f"{name}: {path} can't be read as an image: {e.strerror or e}") from e
  if height == width and max(sides) > 2 * min(sides):
    raise UserError(
      f"{name}: {path} is {sides[0]} x {sides[1]} pixels, a strip: cut it to one square image"
    )
  if pixels.shape != field.shape:
    raise UserError(f"{name}: {path} is {pixels.shape}, the model's images are {field.shape}")
  if field.num_values is None:
    return (pixels / 255).astype(field.dtype)
  return np.round(pixels * ((field.num_values - 1) / 255)).astype(field.dtype)
