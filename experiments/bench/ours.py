"""This project's side: the loop's own step and the sampler that users call."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.bench.measure import Contender
from experiments.bench.workloads import Workload
from genjax_zoo.build import constructor
from genjax_zoo.core import Field, Learner, descend
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.loader import train_loader
from genjax_zoo.loop import several_steps
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import jit, make_mesh, put

EXAMPLES = 4096


def dataset(w: Workload) -> Dataset:
  """Random images."""
  shape = w.size, w.size, w.channels
  image = np.random.default_rng(0).integers(0, w.levels, (EXAMPLES, *shape)).astype(np.uint8)
  return Dataset("random", {"image": Field(shape, np.uint8, w.levels)}, {"train": {"image": image}})


def learner(w: Workload, **changed) -> Learner:
  """The workload's learner, by Adam."""
  options = w.model | changed
  construct, tx = constructor(options.pop("name")), optax.adam(1e-3)
  if w.model["name"] == "wgan":
    return construct(dataset(w).fields, {"gen": tx, "critic": tx}, **options)
  return descend(construct(dataset(w).fields, **options), tx)


def some_params(w: Workload):
  """Parameters to compare functions with: as they start, and noise, for much is zero at the start."""
  batch = {"image": jnp.asarray(dataset(w).splits["train"]["image"][:16])}
  params = jit(learner(w).init)(jax.random.key(0), batch).params
  leaves, tree = jax.tree.flatten(params)
  rng = np.random.default_rng(0)
  return tree.unflatten(
    [np.asarray(x) + 0.03 * rng.normal(size=x.shape).astype("f4") for x in leaves]
  )


def training(w: Workload, K: int, seed: int = 0):
  """(Contender of dispatches of K steps, seconds to the first, the compiled program)."""
  begun, mesh = time.perf_counter(), make_mesh()
  made = learner(w)
  loader = train_loader(
    dataset(w), batch=w.batch, steps_per_dispatch=K, seed=seed, devices=mesh.size
  )
  k_init, k_step, k_data = jax.random.split(jax.random.key(seed), 3)
  with jax.set_mesh(mesh):
    resident = put(loader.resident, mesh)
    inputs = (put(x, mesh, None, "data") for x in loader.inputs(0))
    first = next(inputs)
    one = jax.tree.map(lambda x: x[0], first)
    ts = jit(lambda key, resident, one: made.init(key, loader.fetch(resident, one, k_data)))(
      k_init, resident, one
    )
    dispatch = (
      jit(several_steps(made, loader.fetch, k_step, K), donate_argnums=0)
      .lower(ts, resident, first)
      .compile()
    )

  def run(calls):
    nonlocal ts
    with jax.set_mesh(mesh):
      for _ in range(calls):
        ts, metrics = dispatch(ts, resident, next(inputs))
    jax.block_until_ready(metrics)

  run(1)
  return Contender(run, K * w.batch), time.perf_counter() - begun, dispatch


def sampling(w: Workload, params, **options) -> Contender:
  """Draws of `w.drawn` samples, as NumPy arrays."""
  draw, keys = (
    sampler(learner(w).model, make_mesh(), w.drawn, **w.sample, **options),
    iter(range(2**31)),
  )
  return Contender(
    lambda calls: [draw(params, {}, jax.random.key(next(keys))) for _ in range(calls)], w.drawn
  )


def compared(w: Workload, params, inputs) -> np.ndarray:
  """What the twin must give as well, in full precision."""
  model = learner(w, **({"dtype": "float32"} if "dtype" in w.model else {})).model
  with jax.default_matmul_precision("highest"):
    return np.asarray(
      jit(lambda params, inputs: w.compared(model, params, **inputs))(params, inputs)
    )
