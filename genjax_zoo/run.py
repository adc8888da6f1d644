"""A run folder, loaded: `load("runs/vae_mnist").sample(64)`."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from genjax_zoo.build import build, dummy
from genjax_zoo.checkpoint import Checkpoints
from genjax_zoo.core import Field, Learner, Model, TrainState, UserError
from genjax_zoo.log import write_json
from genjax_zoo.migrate import migrate
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import compiled, fsdp, gather, make_mesh, put
from genjax_zoo.validate import best


class Run(NamedTuple):
  """A trained model with its weights, on the present devices; results are NumPy arrays."""

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
    return sampler(self.model, self.mesh, n, **options)(
      self.weights, self.state, jax.random.key(seed), given
    )

  def log_prob(self, batch: dict, seed: int = 0, **options) -> np.ndarray:
    """log p of each example, or its bound or estimate as `model.likelihood` says, nats [B]."""
    return self._call("log_prob", batch, seed, **options)

  def encode(self, batch: dict, seed: int = 0) -> dict:
    """The latents of each example, {name: [B, ...]}."""
    return self._call("encode", batch, seed)

  def decode(self, latents: dict, seed: int = 0) -> dict:
    """The batch that latents are decoded to, with the keys, shapes and dtypes of the data."""
    return self._call("decode", latents, seed)

  def evaluate(self, batch: dict, seed: int = 0) -> dict:
    """The metrics of each example, {name: [B]}."""
    return self._call("evaluate", batch, seed)

  def _call(self, name, batch, seed, **options):
    f = getattr(self.model, name)
    if f is None:
      raise UserError(f"model {self.config['model']['name']!r} has no {name}")
    if name != "decode":
      check_form(batch, self.fields)
    n = len(jax.tree.leaves(batch)[0])
    batch = batch | {"weight": np.ones(n, np.float32)} if name != "decode" else batch
    fill = lambda x: np.concatenate([x, np.repeat(x[-1:], -n % self.mesh.size, 0)])
    with jax.set_mesh(self.mesh):
      rows = put(jax.tree.map(fill, batch), self.mesh, "data")
      out = compiled(f, **options)(self.weights, self.state, rows, jax.random.key(seed))
    return jax.tree.map(lambda x: x[:n], gather(out))


def check_form(batch: dict, fields: dict[str, Field]):
  """Raises UserError for a batch without the keys and shapes of the data of training."""
  form = lambda shapes: ", ".join(f"{k} {list(shape)}" for k, shape in shapes.items()) or "nothing"
  shapes = {k: np.shape(batch[k]) for k in batch if k in fields}
  if not shapes or any(len(s) < 1 or s[1:] != fields[k].shape for k, s in shapes.items()):
    wanted = form({k: ("n", *f.shape) for k, f in fields.items()}).replace("'", "")
    given = form({k: np.shape(x) for k, x in batch.items()})
    raise UserError(f"a batch of n examples is {wanted}; given is {given}")


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
  earlier stages. Raises UserError when the folder is not a run's, or holds no checkpoint.
  """
  folder = Path(folder)
  config, data = read_description(folder)
  learner, frozen = learner_of(config, data)
  abstract = shapes(learner, data, *frozen)
  mesh = make_mesh()
  shardings = fsdp(mesh, abstract, config["train"]["fsdp_min_size"])
  sharded = lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s)
  with Checkpoints(folder, write=False) as checkpoints:
    ts = checkpoints.restore(jax.tree.map(sharded, abstract, shardings))
  if ts is None:
    raise UserError(f"{folder} holds no checkpoint yet")
  ts = best(folder, ts)
  fields = fields_of(data)
  return Run(learner.model, ts.weights, ts.state, config, fields, int(ts.step), folder, mesh)
