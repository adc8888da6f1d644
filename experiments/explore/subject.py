"""A trained model as the page sees it: its run, its test examples, and what it can do."""

from collections.abc import Mapping
import functools
import inspect

import jax
import numpy as np

from experiments.pipeline import load_data
from genjax_zoo import inputs, load
from genjax_zoo.core import Field, UserError
from genjax_zoo.data import count
from genjax_zoo.data.dataset import Dataset, kind_of, main_entry
from genjax_zoo.figures.common import are_responsibilities
from genjax_zoo.log import read_json
from genjax_zoo.metrics.quality import examples
from genjax_zoo.models.diffusion._sampling import SAMPLERS
from genjax_zoo.published import FOLDER, PREFIX, read
from genjax_zoo.run import Run
from genjax_zoo.sample import check_used, sample_options
from genjax_zoo.sharding import compiled

TEST = 256  # Test examples that the page offers, and whose latents say what is usual.
COORDINATES = 12  # Latent coordinates that have a slider.
FEW = 4  # Numbers that have a slider each when they are given, at most.
MASKS = "known", "keep"  # What `sample` is given to keep a part of an example.


class Subject:
  """A run and its test examples, each loaded when it is first needed."""

  def __init__(self, name: str):
    self.name = name

  @functools.cached_property
  def run(self) -> Run:
    """The run. Raises UserError where it can't be loaded."""
    return load(self.name)

  @functools.cached_property
  def n(self) -> int:
    """The number of samples that the page begins with: 16, or fewer where these take over 1 s."""
    if self.name.startswith(PREFIX):
      evaluation = read(FOLDER, self.name.removeprefix(PREFIX))[1]["evaluation"]
    else:
      evaluation = read_json(self.run.folder / "evaluation.json", {})
    seconds = (evaluation.get("sampling") or {}).get("seconds_per_image", 0)
    return max([n for n in (1, 4, 16) if n * seconds <= 1], default=1)

  @functools.cached_property
  def dataset(self) -> Dataset | None:
    """The run's data set; None where it is not on this machine."""
    try:
      return load_data(self.run.config)
    except UserError:
      return None

  @functools.cached_property
  def test(self) -> dict:
    """The first test examples, {name: [N, ...]}. Raises UserError where there are none."""
    if self.dataset is None:
      raise UserError(f"the data {self.run.config['data']['name']} are not on this machine")
    n = min(TEST, count(self.dataset.splits["test"]))
    return examples(self.dataset, "test", np.arange(n))

  def example(self, row: int) -> dict:
    """One test example as a batch. Raises UserError for a row that is not there."""
    test = self.test
    n = len(test[main_entry(self.run.fields)])
    if not 0 <= row < n:
      raise UserError(f"there is no test example {row}; there are {n}")
    return {name: x[row : row + 1] for name, x in test.items()}

  @functools.cached_property
  def encodes(self) -> bool:
    """Whether test examples have latents here."""
    return self.run.model.encode is not None and self.dataset is not None

  @functools.cached_property
  def maps(self) -> bool:
    """Whether all test examples can be encoded at once: the solver of an ODE would take long."""
    model = self.run.model
    solves = "chain" in model.parts or model.calls() is None
    return self.encodes and not solves

  @functools.cached_property
  def encoded(self) -> dict:
    """The latents of the test examples, {name: [N, ...]}."""
    return self.run.encode({k: self.test[k] for k in self.run.fields})

  @functools.cached_property
  def real(self) -> dict[str, Field]:
    """The latents that have sliders: real numbers, and not what `sample` is given too."""
    model = self.run.model
    return {name: f for name, f in model.latents.items() if name not in model.given}

  def rows(self, latents: Mapping) -> np.ndarray:
    """The real ones of latents {name: [N, ...]}, in rows [N, D]."""
    parts = [np.asarray(latents[name], np.float32) for name in self.real]
    return np.concatenate([z.reshape(len(z), -1) for z in parts], 1)

  @functools.cached_property
  def usual(self) -> tuple[np.ndarray, np.ndarray]:
    """(mean, standard deviation), each [D], of all real latent coordinates in a row.

    Of the test examples' latents where they are quickly encoded; else 0 and 1, as of a prior.
    """
    if not self.maps:
      size = sum(int(np.prod(f.shape)) for f in self.real.values())
      return np.zeros(size, np.float32), np.ones(size, np.float32)
    z = self.rows(self.encoded)
    return z.mean(0), z.std(0)

  @functools.cached_property
  def active(self) -> list[int]:
    """The coordinates that vary most, at most COORDINATES, the most active first."""
    return np.argsort(-self.usual[1], kind="stable")[:COORDINATES].tolist()

  @functools.cached_property
  def mask(self) -> str | None:
    """What `sample` calls the part of an example that it keeps; None where it keeps none."""
    run, name = self.run, main_entry(self.run.fields)
    if run.model.sample is None or kind_of(run.fields[name]) != "image":
      return None
    given = {k: np.zeros((1, *f.shape), f.dtype) for k, f in run.model.given.items()}
    draw = compiled(run.model.sample, n=1)
    shape = (1, *run.fields[name].shape)
    for mask in MASKS:
      rows = given | {name: np.zeros(shape, run.fields[name].dtype), mask: np.ones(shape, bool)}
      try:
        with jax.set_mesh(run.mesh):
          traced = draw.trace(run.weights, run.state, jax.random.key(0), given=rows)
        check_used(run.model, traced, rows)
      except (UserError, KeyError, TypeError):  # It can't, or keeps a part of latents.
        continue
      return mask
    return None

  def about(self) -> dict:
    """All that the page needs to know of the model, as JSON."""
    run = self.run
    return {
      "name": self.name,
      "title": repr(run).partition(", in ")[0],
      "given": [self.entry(name) for name in run.model.given],
      "options": options_of(run) if run.model.sample else None,
      "n": self.n,
      "latents": self.latents,
      "chain": "chain" in run.model.parts,
      "mask": self.mask and {"shape": run.fields[main_entry(run.fields)].shape[:2]},
      "restores": "restorations" in run.model.parts and self.dataset is not None,
      "examples": self.dataset is not None and len(self.test[main_entry(run.fields)]),
    }

  @functools.cached_property
  def latents(self) -> dict | None:
    """The sliders of a model that decodes real latents; None of others."""
    model = self.run.model
    if model.decode is None or not self.real or any(f.num_values for f in self.real.values()):
      return None
    if self.maps and any(are_responsibilities(self.encoded[name]) for name in self.real):
      return None
    mean, sd = self.usual
    label = self.run.fields.get("label")
    return {
      "size": len(mean),
      "given": [self.entry(name) for name in model.latents if name in model.given],
      "active": self.active,
      "mean": mean[self.active].tolist(),
      "sd": sd[self.active].tolist(),
      "encodes": self.encodes,
      "map": self.maps and len(self.active) > 1,
      "means": "mean" in model.parts,
      "classes": classes(label) if self.maps and label is not None else [],
    }

  def entry(self, name: str) -> dict:
    """How the page asks for what the model is given; of a few numbers it has their ranges too."""
    field = self.run.model.given[name]
    found = {"name": name, "kind": asked(field)}
    if found["kind"] == "class":
      return found | {"names": classes(field)}
    if found["kind"] == "text":
      words = [] if field.tokenizer else [w for w in field.names if w and w[0] != "<"]
      return found | {"words": words[:500]}  # Without <pad>.
    if found["kind"] == "numbers" and self.dataset is not None and name in self.test:
      x = self.test[name]
      return found | {"ranges": np.stack([x.min(0), x.max(0)], 1).tolist()}
    return found | {"kind": "example"}


def unflat(z: np.ndarray, fields: Mapping[str, Field]) -> dict[str, np.ndarray]:
  """Rows [N, D] as latents {name: [N, ...]}, with the types of their fields."""
  sizes = [int(np.prod(field.shape)) for field in fields.values()]
  parts = np.split(z, np.cumsum(sizes)[:-1], axis=1)
  return {
    name: part.reshape(len(z), *field.shape).astype(field.dtype)
    for part, (name, field) in zip(parts, fields.items())
  }


def asked(field: Field) -> str:
  """What the page may send of a field: a "class", a "text", "numbers", or an "example"'s row."""
  if classes(field):
    return "class"
  if field.names and len(field.shape) == 1:
    return "text"
  few = len(field.shape) == 1 and field.shape[0] <= FEW and not field.num_values
  return "numbers" if few and np.issubdtype(field.dtype, np.floating) else "example"


def classes(field: Field) -> list[str]:
  """The names of a label's classes, or their numbers; [] of other fields."""
  if field.shape or not field.num_values:
    return []
  return list(field.names) or [str(i) for i in range(field.num_values)]


def options_of(run: Run) -> list[dict]:
  """The options of a model's `sample`, by its signature, with the values that the config gives."""
  parameters = inspect.signature(run.model.sample).parameters.values()
  defaults = {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}
  found = []
  for name, default in (defaults | sample_options(run.config)).items():
    if name in inputs.NOT_OPTIONS:
      continue
    if name == "scale" and not run.model.given:  # Of guidance, which takes a condition.
      continue
    if default is not None and not isinstance(default, (bool, int, float, str)):
      continue
    kind = "number" if default is None else type(default).__name__
    choices = list(SAMPLERS) if name == "sampler" else []
    found.append({"name": name, "type": kind, "default": default, "choices": choices})
  return found
