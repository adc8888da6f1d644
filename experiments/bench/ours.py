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
from genjax_zoo.dispatch import several_steps
from genjax_zoo.sample import sampler
from genjax_zoo.sharding import jit, put, replicated, sampling_mesh, training_mesh

EXAMPLES = 4096


def dataset(w: Workload) -> Dataset:
  """Random images, or vectors "x" that are normal."""
  rng = np.random.default_rng(0)
  if w.vector:
    x = rng.normal(size=(EXAMPLES, w.vector)).astype("f4")
    return Dataset("random", {"x": Field(x.shape[1:], np.float32)}, {"train": {"x": x}})
  field = Field((w.size, w.size, w.channels), np.uint8, w.num_values)
  image = rng.integers(0, w.num_values, (EXAMPLES, *field.shape)).astype(np.uint8)
  return Dataset("random", {"image": field}, {"train": {"image": image}})


def learner(w: Workload) -> Learner:
  """The workload's learner, with Adam."""
  options = dict(w.model)
  construct = constructor(options.pop("name"))
  tx = optax.adam(1e-3)
  fields = dataset(w).fields
  if w.model["name"] == "wgan":
    return construct(fields, {"gen": tx, "critic": tx}, **options)
  return descend(construct(fields, **options), tx)


def some_params(w: Workload):
  """Parameters for comparing functions: initial ones plus noise, for many are 0 initially."""
  batch = {k: jnp.asarray(x[:16]) for k, x in dataset(w).splits["train"].items()}
  params = jit(learner(w).init)(jax.random.key(0), batch).params
  rng = np.random.default_rng(0)
  add_noise = lambda x: np.asarray(x) + 0.03 * rng.normal(size=x.shape).astype("f4")
  leaves, tree = jax.tree.flatten(params)
  return tree.unflatten([add_noise(x) for x in leaves])


def training(w: Workload, K: int, seed: int = 0):
  """(Contender of dispatches of K steps, seconds to the first, the compiled program)."""
  begun = time.perf_counter()
  mesh = training_mesh()
  model = learner(w)
  loader = train_loader(
    dataset(w), batch=w.batch, steps_per_dispatch=K, seed=seed, devices=mesh.size
  )
  k_init, k_step, k_data = jax.random.split(jax.random.key(seed), 3)

  def init(key, resident, inputs):
    return model.init(key, loader.fetch(resident, inputs, k_data))

  with jax.set_mesh(mesh):
    resident = put(loader.resident, mesh)
    inputs = (put(x, mesh, None, "data") for x in loader.inputs(0))
    first = next(inputs)
    ts = jit(init, once=True)(k_init, resident, jax.tree.map(lambda x: x[0], first))
    dispatch = jit(several_steps(model, loader.fetch, K), donate_argnums=0)
    dispatch = dispatch.lower(ts, k_step, resident, first).compile()

  def run(calls):
    nonlocal ts
    with jax.set_mesh(mesh):
      for _ in range(calls):
        ts, metrics = dispatch(ts, k_step, resident, next(inputs))
    jax.block_until_ready(metrics)

  run(1)
  return Contender(run, K * w.batch), time.perf_counter() - begun, dispatch


def sampling(w: Workload, params, **options) -> Contender:
  """A contender that draws `w.samples` samples, as NumPy arrays."""
  mesh = sampling_mesh(params)
  params = jax.device_put(params, replicated(mesh))
  sample = sampler(learner(w).model, mesh, w.samples, **w.sample, **options)
  seeds = iter(range(2**31))

  def run(calls):
    for _ in range(calls):
      sample(params, {}, jax.random.key(next(seeds)))

  return Contender(run, w.samples)


def compared(w: Workload, params, inputs) -> np.ndarray:
  """The outputs that the twin must equal, in full precision."""
  model = learner(w.in_float32()).model
  outputs = jit(lambda params, inputs: w.compared(model, params, **inputs))
  with jax.default_matmul_precision("highest"):
    return np.asarray(outputs(params, inputs))
