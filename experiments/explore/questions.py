"""What the page asks of a model: each question is a function (subject, **fields) -> answer.

The annotations of the fields are what the server checks. An answer is JSON: what was made, as a
picture, a film, texts, points or meshes; the seconds that it took; and the Python that makes it
again.
"""

import base64
import io
import json
import time

import jax
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from experiments.explore.subject import Subject, asked, classes, unflat
from genjax_zoo import inputs
from genjax_zoo.core import UserError
from genjax_zoo.data.dataset import kind_of, main_entry
from genjax_zoo.figures.kinds import film, show, whole_meshes, words
from genjax_zoo.figures.pictures import grid
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.sample import given_of
from genjax_zoo.sharding import compiled

NUMBERS = 1, 4, 16, 64  # Of samples: each is compiled once.
STEPS = 8  # Of a way between two latents.
FRAMES = 24  # Of a chain, at most.
MODELS = 16  # Clouds and meshes that are sent, at most.
# What the page may send of what a model is given, beside the row of a test example.
SENT = {
  "class": ((str, int), "a class or "),
  "text": ((str,), "a text or "),
  "numbers": ((list,), "numbers or "),
  "example": ((), ""),
}


def sample(subject: Subject, n: int, seed: int, given: dict, options: dict) -> dict:
  """n samples by the options of the model's own `sample`."""
  run = subject.run
  check_number(n)
  rows, lines = conditions(subject, given, n)
  values = inputs.options("sample", options, run.model.sample)
  begun = time.perf_counter()
  batch = run.sample(n, seed, rows, **values)
  arguments = [str(n), f"seed={seed}", *([f"given={lines}"] if lines else []), *keywords(values)]
  code = f"batch = run.sample({', '.join(arguments)})"
  found = shown(subject, rows_shown(subject, rows) | batch, code, begun)
  return found | {"calls": run.model.calls(**values)}


def complete(subject: Subject, row: int, mask: list, seed: int, given: dict, options: dict) -> dict:
  """Four samples that keep the pixels of a test example where the mask [H, W] is 1."""
  run, n = subject.run, 4
  if subject.mask is None:
    raise UserError("the model can't keep a part of an example")
  name = main_entry(run.fields)
  shape = run.fields[name].shape
  kept = np.asarray(mask, bool)
  if kept.shape != shape[:2]:
    raise UserError(f"mask: it must be {list(shape[:2])} of 0 and 1, not {list(kept.shape)}")
  example = subject.example(row)[name]
  rows, lines = conditions(subject, given, n)
  keep = np.broadcast_to(kept[None, :, :, None], (n, *shape))
  rows = rows | {name: np.repeat(example, n, 0), subject.mask: keep}
  values = inputs.options("sample", options, run.model.sample)
  begun = time.perf_counter()
  batch = run.sample(n, seed, rows, **values)
  entries = [*([lines[1:-1]] if lines else []), f"{name!r}: subject.test[{name!r}][{row}]"]
  entries.append(f"{subject.mask!r}: np.broadcast_to(mask[..., None], shape)")
  arguments = [f"{n}", f"seed={seed}", f"given={{{', '.join(entries)}}}", *keywords(values)]
  code = (
    f"mask = np.array({json.dumps(kept.astype(int).tolist())}, bool)\n"
    f"shape = ({n}, *run.fields[{name!r}].shape)\n"
    f"batch = run.sample({', '.join(arguments)})"
  )
  hidden = np.where(kept[None, :, :, None], example, 0).astype(example.dtype)
  found = {name: np.concatenate([example, hidden, batch[name]])}
  return shown(subject, found, code, begun)


def restore(subject: Subject, row: int, seed: int) -> dict:
  """A test example, what the model is given of it, and what the model makes of that."""
  run = subject.run
  if "restorations" not in run.model.parts:
    raise UserError("the model does not restore examples")
  name = main_entry(run.fields)
  example = subject.example(row)
  begun = time.perf_counter()
  f = compiled(run.model.parts["restorations"])
  found = jax.device_get(f(run.weights, run.state, example, jax.random.key(seed)))
  field = run.fields[name]
  first = example[name] / np.float32((field.num_values or 256) - 1)
  tiles = np.concatenate([first, *(np.clip(found[k], 0, 1) for k in ("corrupted", "restored"))])
  code = (
    'restorations = run.model.parts["restorations"]\n'
    f"example = subject.example({row})\n"
    f"batch = restorations(run.weights, run.state, example, jax.random.key({seed}))"
  )
  code = python(subject, code)
  return answer({"picture": png(grid(tiles, columns=3), code)}, code, begun)


def prior(subject: Subject, seed: int) -> dict:
  """Latents, in a row, from the model's prior, or as usual as those of test examples."""
  run = subject.run
  check_latents(subject)
  if "prior" in run.model.parts:
    f = compiled(run.model.parts["prior"], n=1)
    return {"z": subject.rows(f(run.weights, run.state, jax.random.key(seed)))[0].tolist()}
  mean, sd = subject.usual
  noise = np.random.default_rng(seed).standard_normal(len(mean))
  return {"z": (mean + sd * noise).astype(np.float32).tolist()}


def encode(subject: Subject, row: int) -> dict:
  """The latents of a test example, in a row."""
  check_latents(subject)
  if not subject.encodes:
    raise UserError("the model does not encode examples")
  example = subject.example(row)
  fields = subject.run.fields
  latents = subject.run.encode({k: x for k, x in example.items() if k in fields})
  return {"z": subject.rows(latents)[0].tolist()}


def decode(subject: Subject, z: list, given: dict, seed: int, mean: bool) -> dict:
  """What latents, one in a row, are decoded to: a sample of p(x | z), or its mean."""
  return decoded(subject, latent_rows(subject, [z]), given, seed, mean)


def between(
  subject: Subject, start: list, end: list, way: str, given: dict, seed: int, mean: bool
) -> dict:
  """The way from latents to others, decoded: a "line", or an "arc" about the origin."""
  if way not in ("line", "arc"):
    raise UserError(f"way={way!r}: it is 'line' or 'arc'")
  ends = latent_rows(subject, [start, end])
  t = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
  a, b = ends[:1], ends[1:]
  z = (1 - t) * a + t * b if way == "line" else np.asarray(spherical(a, b, t))
  return decoded(subject, z, given, seed, mean)


def arithmetic(
  subject: Subject, z: list, plus: int, minus: int, given: dict, seed: int, mean: bool
) -> dict:
  """Latents z, moved by growing shares of one class's mean latents less those of another."""
  start = latent_rows(subject, [z])
  label = subject.test.get("label") if subject.maps else None
  n = len(classes(subject.run.fields["label"])) if label is not None else 0
  if not (0 <= plus < n and 0 <= minus < n):
    raise UserError(f"plus={plus}, minus={minus}: the data have {n} classes")
  found = subject.rows(subject.encoded)
  for k in plus, minus:
    if not (label == k).any():
      raise UserError(f"no test example here has the class {k}")
  direction = found[label == plus].mean(0) - found[label == minus].mean(0)
  share = np.linspace(-0.5, 1.5, STEPS, dtype=np.float32)[:, None]
  return decoded(subject, start + share * direction, given, seed, mean)


def plane(subject: Subject) -> dict:
  """The test examples' two most active coordinates [N, 2], and their labels."""
  check_latents(subject)
  if not subject.maps or len(subject.active) < 2:
    raise UserError("there is no map: it takes two coordinates of quickly encoded examples")
  z = subject.rows(subject.encoded)[:, subject.active[:2]]
  label = subject.test.get("label")
  labels = label.tolist() if label is not None and label.ndim == 1 else []
  return {"points": z.round(4).tolist(), "labels": labels}


def chain(subject: Subject, seed: int, frames: int, given: dict) -> dict:
  """Four samples from noise to data: frames of x, and of the model's mean of the data given x."""
  run, n = subject.run, 4
  if "chain" not in run.model.parts:
    raise UserError("the model has no chain from noise to data")
  if not 2 <= frames <= FRAMES:
    raise UserError(f"frames={frames}: from 2 to {FRAMES}")
  rows, lines = conditions(subject, given, n)
  begun = time.perf_counter()
  f = compiled(run.model.parts["chain"], n=n, frames=frames)
  x, x0 = jax.device_get(f(run.weights, run.state, jax.random.key(seed), given=rows))
  name = main_entry(run.fields)
  field = run.fields[name]
  both = np.concatenate([x, x0], 1)
  if x.shape[2:] != field.shape:
    raise UserError("the chain is of latents, which are no pictures")
  code = (
    f'x, x0 = run.model.parts["chain"](run.weights, run.state, jax.random.key({seed}), n={n}, '
    f"given={lines or {}}, frames={frames})"
  )
  if kind_of(field) == "image":
    pictures = [png(grid(np.clip((part + 1) / 2, 0, 1), columns=n)) for part in both]
    found = {"frames": pictures}
  elif kind_of(field) == "points" or field.shape == (2,):
    found = {"points_frames": both.round(3).tolist()}
  else:
    raise UserError(f"there are no pictures of a chain of {name!r}")
  return answer(found, python(subject, code), begun)


QUESTIONS = {
  f.__name__: f
  for f in (
    sample, complete, restore, prior, encode, decode, between, arithmetic, plane, chain,
  )
}  # fmt: skip


def check_number(n: int):
  """Raises UserError for a number of samples that is not one of NUMBERS."""
  if n not in NUMBERS:
    raise UserError(f"n={n}: it is one of {', '.join(map(str, NUMBERS))}")


def check_latents(subject: Subject):
  """Raises UserError for a model whose latents have no sliders."""
  if subject.latents is None:
    raise UserError("the model has no real latents to decode")


def latent_rows(subject: Subject, rows: list) -> np.ndarray:
  """Lists of numbers as latents [N, D]. Raises UserError for what has another form."""
  check_latents(subject)
  try:
    z = np.asarray(rows, np.float32)
  except (TypeError, ValueError):
    z = np.zeros(0)
  size = len(subject.usual[0])
  if z.shape != (len(rows), size) or not np.isfinite(z).all():
    raise UserError(f"latents are {size} finite numbers in a row")
  return z


def decoded(subject: Subject, z: np.ndarray, given: dict, seed: int, mean: bool) -> dict:
  """The answer of rows of latents [N, D], decoded with what the model is given, side by side."""
  run = subject.run
  # A caption, say, may be of samples alone.
  needed = run.model.given.keys() & run.model.latents.keys()
  rows, _ = conditions(subject, given, len(z), needed)
  latents = unflat(z, subject.real) | rows
  numbers = {k: listed(x) for k, x in latents.items()}
  lines = f"latents = {{k: np.array(x) for k, x in {json.dumps(numbers)}.items()}}\n"
  begun = time.perf_counter()
  if not mean:
    batch = run.decode(latents, seed)
    code = f"{lines}batch = run.decode(latents, seed={seed})"
    return shown(subject, batch, code, begun, columns=len(z))
  if "mean" not in run.model.parts:
    raise UserError("the model has no mean of p(x | z)")
  f = compiled(run.model.parts["mean"])
  name = main_entry(run.fields)
  batch = {name: jax.device_get(f(run.weights, run.state, latents))}
  code = f'{lines}mean = run.model.parts["mean"](run.weights, run.state, latents)\n'
  code = f"{code}batch = {{{name!r}: np.asarray(mean)}}"
  return shown(subject, batch, code, begun, columns=len(z))


def conditions(subject: Subject, given: dict, n: int, needed=None) -> tuple[dict, str]:
  """(rows of what a model is given, the same as Python), from the page's classes, texts, numbers.

  They are those of the names `needed`, all by default. {"row": i} stands for what the model is
  given of a test example. Raises UserError for what it can't be given, or lacks: a text stands for
  a class or a caption, never for a file.
  """
  run = subject.run
  unknown = given.keys() - run.model.given.keys()
  if unknown:
    raise UserError(f"the model is given no {sorted(unknown)[0]!r}")
  rows, lines = {}, []
  for name, field in run.model.given.items():
    if needed is not None and name not in needed:
      continue
    value = given.get(name)
    if isinstance(value, dict):
      row = value.get("row", 0)
      if type(row) is not int:
        raise UserError(f"{name}: the row of a test example is an integer")
      rows[name] = np.repeat(given_of(run, subject.example(row))[name], n, 0)
      lines.append(f'"{name}": given_of(run, subject.example({row}))["{name}"][0]')
      continue
    types, what = SENT[asked(field)]
    if type(value) not in types:
      raise UserError(f"{name}: the model needs {what}a test example of it")
    if isinstance(value, list) and not all(type(x) in (int, float) for x in value):
      raise UserError(f"{name}: these are no numbers")
    if isinstance(value, str) and not field.names and value.isdigit():
      value = int(value)
    rows[name] = inputs.rows({name: value}, {name: field}, n)[name]
    lines.append(f"{json.dumps(name)}: {json.dumps(value)}")
  return rows, "{" + ", ".join(lines) + "}" if lines else ""


def rows_shown(subject: Subject, rows: dict) -> dict:
  """Of what a model was given, that which has a tile beside what it made: images, say."""
  given = subject.run.model.given
  return {k: x for k, x in rows.items() if kind_of(given[k]) in ("image", "segmentation", "points")}


def keywords(values: dict) -> list[str]:
  """Options as they are written in Python."""
  return [f"{k}={v!r}" for k, v in values.items()]


def shown(subject: Subject, batch: dict, code: str, begun: float, columns: int = 0) -> dict:
  """The answer that shows a batch, by the kind of its entries; images in `columns`."""
  run = subject.run
  fields = dict(run.model.given) | dict(run.fields)
  name = main_entry(run.fields)
  field, x = fields[name], batch.get(name)
  code = python(subject, f"{code}\nrun.picture(batch)")
  if x is None:
    raise UserError(f"there is no picture of {', '.join(batch)}")
  if kind_of(field) == "tokens" and field.names:
    return answer({"texts": words(x, field)}, code, begun)
  if meshes := whole_meshes(batch, fields):
    solid = lambda m: {
      "vertices": np.round(m.vertices, 4).tolist(),
      "faces": [[int(i) for i in face] for face in m.faces],
    }
    return answer({"meshes": [solid(m) for m in meshes[:MODELS]]}, code, begun)
  if kind_of(field) == "points":
    return answer({"clouds": np.round(x[:MODELS], 3).tolist()}, code, begun)
  if field.shape == (2,):
    return answer({"plane": np.round(x, 3).tolist()}, code, begun)
  if (moving := film(batch, fields)) is not None:
    return answer({"picture": webp(moving)}, code, begun)
  picture = grid(x, field.num_values, columns) if columns else show(batch, fields)
  if picture is None:
    raise UserError(f"there is no picture of {name!r}")
  return answer({"picture": png(picture, code)}, code, begun)


def listed(x: np.ndarray) -> list:
  """An array as lists, real numbers to six digits after the point."""
  return np.round(x.astype(float), 6).tolist() if x.dtype.kind == "f" else x.tolist()


def answer(made: dict, code: str, begun: float) -> dict:
  """What was made, with its time and its Python."""
  return made | {"seconds": time.perf_counter() - begun, "code": code}


def python(subject: Subject, code: str) -> str:
  """Lines that make `batch` of a model, with those before them that load it."""
  lines = ["import genjax_zoo"] + ["import numpy as np"] * ("np." in code)
  if "given_of" in code:
    lines.append("from genjax_zoo.sample import given_of")
  if "jax." in code.replace("genjax", ""):
    lines.append("import jax")
  if "subject." not in code:
    return "\n".join([*lines, f"run = genjax_zoo.load({subject.name!r})", code])
  lines[0] = "from experiments.explore.subject import Subject"
  return "\n".join([*lines, f"subject = Subject({subject.name!r})", "run = subject.run", code])


def png(pixels: np.ndarray, python: str = "") -> str:
  """A picture uint8 [H, W, 3] as the address of a PNG."""
  about = PngInfo()
  if python:
    about.add_text("python", python)
  buffer = io.BytesIO()
  Image.fromarray(pixels).save(buffer, format="PNG", pnginfo=about, compress_level=1)
  return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def webp(frames: np.ndarray) -> str:
  """Moving pictures uint8 [T, H, W, 3] as the address of an endless WebP."""
  first, *others = map(Image.fromarray, frames)
  buffer = io.BytesIO()
  first.save(buffer, "WEBP", save_all=True, append_images=others, duration=200, loop=0)
  return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
