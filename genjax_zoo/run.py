"""A run folder, loaded: `load("runs/vae_mnist").sample(64)`."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image

from genjax_zoo import inputs
from genjax_zoo.build import build, dummy
from genjax_zoo.checkpoint import Checkpoints
from genjax_zoo.core import Field, Learner, Model, TrainState, UserError, nearest
from genjax_zoo.data.dataset import listed
from genjax_zoo.log import read_rows, write_json
from genjax_zoo.migrate import migrate
from genjax_zoo.published import FOLDER, PREFIX, named, read
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import compiled, fsdp, gather, placed, put, sampling_mesh, with_shardings
from genjax_zoo.validate import best


class Curves(dict):
  """{name: (steps, values)}; of a name that is not there it says which there are."""

  def __missing__(self, name):
    raise UserError(f"there is no curve {name!r}{nearest(name, self)}; there are {', '.join(self)}")


class Run(NamedTuple):
  """A trained model with its weights, on the present devices; results are NumPy arrays.

  Examples are given as users have them, see `inputs.rows`: arrays, one example for all, names of
  classes, captions, paths of images. All methods raise UserError for values that the data can't
  have.
  """

  model: Model
  weights: dict
  state: dict
  config: dict
  fields: dict[str, Field]
  step: int
  folder: Path
  mesh: jax.sharding.Mesh

  def sample(self, n: int, seed: int = 0, given={}, **options) -> dict:
    """n samples with the keys of the data; `options` are those of the model's `sample`."""
    self._check("sample")
    n = inputs.count("n", n)
    options = inputs.options("sample", options, self.model.sample)
    rows = inputs.rows(given, {**self.fields, **self.model.given}, n)
    draw = sampler(self.model, self.mesh, n, **options)
    return draw(self.weights, self.state, self._key(seed), rows)

  def log_prob(self, batch: dict, seed: int = 0, **options) -> np.ndarray:
    """log p of each example, or its bound or estimate as `model.likelihood` says, nats [B]."""
    self._check("log_prob")
    options = inputs.log_prob_options("log_prob", options, self.model)
    return self._call("log_prob", inputs.batch(batch, self.fields), seed, **options)

  def encode(self, batch: dict, seed: int = 0) -> dict:
    """The latents of each example, {name: [B, ...]}."""
    self._check("encode")
    return self._call("encode", inputs.batch(batch, self.fields), seed)

  def decode(self, latents: dict, seed: int = 0) -> dict:
    """The batch that latents are decoded to, with the keys, shapes and dtypes of the data."""
    self._check("decode")
    return self._call("decode", inputs.rows(latents, self.model.latents), seed)

  def evaluate(self, batch: dict, seed: int = 0) -> dict:
    """The metrics of each example, {name: [B]}."""
    self._check("evaluate")
    return self._call("evaluate", inputs.batch(batch, self.fields), seed)

  def picture(self, batch: dict) -> Image.Image:
    """A batch as a picture, which notebooks show: images as a grid, points as a plot."""
    from genjax_zoo.figures.kinds import show  # Its package draws figures of runs.

    pixels = show(batch, self.fields)
    if pixels is None:
      raise UserError(f"there is no picture of {', '.join(batch)}")
    return Image.fromarray(pixels)

  def save(self, path, batch: dict):
    """Writes `picture(batch)` to a file, whose name says the format: "three.png".

    Raises UserError where it says none.
    """
    if Path(path).suffix.lower() not in Image.registered_extensions():
      raise UserError(f"{path}: the name of a picture ends in its format, as in {path}.png")
    self.picture(batch).save(path)

  @property
  def metrics(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The curves of training, {name: (steps [N], values [N])}: `plt.plot(*run.metrics["loss"])`."""
    points = {}
    for row in read_rows(self.folder / "metrics.jsonl"):
      for name, value in row.items():
        if name != "step" and isinstance(value, (int, float)):
          points.setdefault(name, []).append((row["step"], value))
    return Curves({name: tuple(map(np.array, zip(*found))) for name, found in points.items()})

  def __repr__(self) -> str:
    can = [f for f in OPERATIONS if getattr(self.model, f) is not None]
    needs = f", given {' and '.join(self.model.given)}" if self.model.given else ""
    what = f"{self.config['model']['name']} on {self.config['data']['name']}"
    return (
      f"Run of {what} ({listed(self.fields)}), "
      f"at step {self.step:,}, in {self.folder}\ncan {', '.join(can)}{needs}"
    )

  def _repr_png_(self) -> bytes | None:
    """The newest picture of samples in the run folder, for notebooks; None if there is none."""
    found = [*sorted((self.folder / "samples").glob("*.png")), self.folder / "figures/samples.png"]
    found = [path for path in found if path.is_file()]
    return found[-1].read_bytes() if found else None

  def _check(self, name: str):
    if getattr(self.model, name) is None:
      raise UserError(f"model {self.config['model']['name']!r} has no {name}")

  def _key(self, seed: int):
    return jax.random.key(inputs.count("seed", seed, 0))

  def _call(self, name, rows, seed, **options):
    key = self._key(seed)
    n = len(jax.tree.leaves(rows)[0])
    if name != "decode":
      rows = rows | {"weight": np.ones(n, np.float32)}
    fill = lambda x: np.concatenate([x, np.repeat(x[-1:], -n % self.mesh.size, 0)])
    f = compiled(getattr(self.model, name), **options)
    weights, state, key = placed((self.weights, self.state, key), self.mesh)
    with jax.set_mesh(self.mesh):
      sharded = put(jax.tree.map(fill, rows), self.mesh, "data")
      try:
        out = f(weights, state, sharded, key)
      except KeyError as e:
        missing = e.args[0]
        if missing in rows or missing not in {**self.fields, **self.model.latents}:
          raise
        given = ", ".join(k for k in rows if k != "weight")
        raise UserError(f"{name} needs {missing!r} of every example; given is {given}") from e
    return jax.tree.map(lambda x: x[:n], gather(out))


OPERATIONS = "sample", "log_prob", "encode", "decode", "evaluate"


def describe(fields: dict[str, Field], batch: int, stages: dict[str, dict] = {}) -> dict:
  """The fields and the batch size of a run's data, and of its stages', as JSON."""

  def about(field):
    return field._asdict() | {"dtype": np.dtype(field.dtype).name}

  return {"fields": {k: about(f) for k, f in fields.items()}, "batch": batch, "stages": stages}


def fields_of(data: dict) -> dict[str, Field]:
  """The fields that `describe` wrote."""

  def field(about):
    known = {k: about[k] for k in Field._fields if k in about}
    known |= {"shape": tuple(about["shape"]), "dtype": np.dtype(about["dtype"])}
    # Runs from before values had names say `levels`.
    return Field(**{"num_values": about.get("levels")} | known)

  return {k: field(about) for k, about in data["fields"].items()}


def write_description(folder: Path, config: dict, data: dict):
  """Writes what `load` needs beside the checkpoints: config.json and data.json."""
  write_json(folder / "config.json", config)
  write_json(folder / "data.json", data)


def read_description(folder) -> tuple[dict, dict]:
  """The (config, data) of a run folder, in today's keys. Raises UserError when it is none."""
  try:
    config, data = (
      tuples(json.loads((Path(folder) / name).read_text())) for name in ("config.json", "data.json")
    )
  except (OSError, ValueError) as e:
    raise UserError(
      f"{folder} is not a run folder: its config.json or data.json can't be read"
    ) from e
  return migrate(config), data


def tuples(tree):
  """JSON's lists as the tuples that they were."""
  if isinstance(tree, dict):
    return {k: tuples(v) for k, v in tree.items()}
  return tuple(map(tuples, tree)) if isinstance(tree, list) else tree


def learner_of(config: dict, data: dict) -> tuple[Learner, tuple]:
  """(the learner of a config, its earlier stages as `init` takes them, as shapes).

  The stages are () or ({stage: (params, state)},).
  """
  models, frozen = {}, {}
  for name, stage in config["stages"].items():
    learner, earlier = learner_of(stage, data["stages"][name])
    models[name] = learner.model
    frozen[name] = values(shapes(learner, data["stages"][name], *earlier))
  return build(config, fields_of(data), models), (frozen,) if frozen else ()


def shapes(learner: Learner, data: dict, *frozen) -> TrainState:
  """The TrainState of a learner, as shapes."""
  return jax.eval_shape(
    learner.init, jax.random.key(0), dummy(fields_of(data), data["batch"]), *frozen
  )


def values(ts: TrainState) -> tuple[dict, dict]:
  """What a later stage gets of a trained one: (params, state)."""
  return ts.weights, ts.state


def load(folder) -> Run:
  """The newest checkpoint of a run folder, on the present devices, whatever devices trained it.

  Of a run that was validated the weights are the best. Needs neither the data nor the folders of
  earlier stages. "pretrained:vae_digits" is a trained model of the package, see `pretrained`.
  Raises UserError when the folder is not a run's, or holds no checkpoint.
  """
  if str(folder).startswith(PREFIX):
    return load_published(str(folder).removeprefix(PREFIX))
  folder = Path(folder)
  config, data = read_description(folder)
  learner, abstract, mesh = described(config, data)
  with Checkpoints(folder, write=False) as checkpoints:
    ts = checkpoints.restore(abstract)
  if ts is None:
    raise UserError(f"{folder} holds no checkpoint yet")
  ts = best(folder, ts)
  fields = fields_of(data)
  return Run(learner.model, ts.weights, ts.state, config, fields, int(ts.step), folder, mesh)


def load_published(name: str, folder: Path = FOLDER) -> Run:
  """A trained model of the package, whose files are in `folder`.

  Raises UserError when there is none of the name, and when its files are damaged.
  """
  arrays, about = read(folder, name)
  config, data = migrate(tuples(about["config"])), tuples(about["data"])
  learner, abstract, mesh = described(config, data)
  weights, state = values(abstract)
  like = dict(named({"weights": weights, "state": state}))
  if {k: x.shape for k, x in arrays.items()} != {k: x.shape for k, x in like.items()}:
    raise UserError(f"{name} was published from another version of {config['model']['name']}")
  leaves = [jax.device_put(arrays[k].astype(x.dtype), x.sharding) for k, x in like.items()]
  tree = jax.tree.unflatten(jax.tree.structure({"weights": weights, "state": state}), leaves)
  step, fields = about["evaluation"]["step"], fields_of(data)
  return Run(
    learner.model, tree["weights"], tree["state"], config, fields, step, folder / name, mesh
  )


def described(config: dict, data: dict) -> tuple[Learner, TrainState, jax.sharding.Mesh]:
  """(learner, the shapes of its TrainState with shardings, mesh) of a run, from its description."""
  learner, frozen = learner_of(config, data)
  abstract = shapes(learner, data, *frozen)
  mesh = sampling_mesh((abstract.params, abstract.state))
  shardings = fsdp(mesh, abstract, config["train"]["fsdp_min_size"])
  return learner, with_shardings(abstract, shardings), mesh
