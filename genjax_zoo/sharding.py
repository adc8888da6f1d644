"""Devices: the mesh, where arrays live, hosts, and one `jit` for the whole project."""

import functools
import math
import os

import jax
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import numpy as np

# XLA's CPU default hands convolutions to a library 2 to 4 times slower than its own kernels.
CPU_OPTIONS = {
  "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
}

UNOPTIMIZED = {"xla_backend_optimization_level": 0}


@functools.cache
def compiler_options() -> dict | None:
  """The project's compiler options: None but on a CPU whose XLA knows them."""
  if jax.default_backend() != "cpu":
    return None
  try:
    jax.jit(lambda: 0, compiler_options=CPU_OPTIONS)()
    return CPU_OPTIONS
  except Exception:  # An unknown option raises; which error depends on the version.
    return None


def jit(fun, once: bool = False, **kwargs):
  """`jax.jit` with the project's compiler options; what runs `once` had better compile fast than
  run fast.
  """
  options = compiler_options()
  return jax.jit(
    fun, compiler_options=options | UNOPTIMIZED if once and options else options, **kwargs
  )


def join_hosts(
  coordinator: str = "", process: int = -1, processes: int = 0, distributed: bool = False
):
  """Joins the other hosts' processes: by the arguments, or as SLURM's step or a TPU pod says; else
  does nothing.

  With `distributed`, as JAX finds out by itself from the cluster it runs on.
  """
  if coordinator:
    jax.distributed.initialize(coordinator, processes, process)
  elif (
    distributed
    or int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1
    or "," in os.environ.get("TPU_WORKER_HOSTNAMES", "")
  ):
    jax.distributed.initialize()


def make_mesh():
  """One axis, "data", over all devices of all hosts; the compiler partitions everything else."""
  return jax.make_mesh((jax.device_count(),), ("data",), axis_types=(AxisType.Auto,))


def replicated(mesh):
  """The sharding of an array that every device holds whole."""
  return NamedSharding(mesh, P())


def fsdp(mesh, shapes, min_size: int):
  """Shardings that spread each array of `min_size` elements or more over its largest divisible
  axis.
  """

  def sharding(x):
    axes = [i for i in np.argsort(x.shape)[::-1] if x.shape[i] % mesh.size == 0]
    if mesh.size == 1 or math.prod(x.shape) < min_size or not axes:
      return replicated(mesh)
    return NamedSharding(mesh, P(*[None] * axes[0], "data"))

  return jax.tree.map(sharding, shapes)


def shard_batch(tree):
  """Examples that a step draws, [B, ...], over all devices of the mesh, as batches are: else each
  computes them all.
  """
  size = jax.sharding.get_abstract_mesh().shape.get("data", 1)
  constrain = lambda x: x if len(x) % size else jax.lax.with_sharding_constraint(x, P("data"))
  return jax.tree.map(constrain, tree) if size > 1 else tree


def all_gather(tree):
  """Sharded parameters, gathered on every device of the mesh before their use: else XLA may send
  activations.
  """
  size = jax.sharding.get_abstract_mesh().shape.get("data", 1)
  return jax.lax.with_sharding_constraint(tree, P()) if size > 1 else tree


def put(tree, mesh, *axes):
  """Host arrays as device arrays sharded by `axes`; each process gives its own part of a "data"
  axis.
  """
  sharding = NamedSharding(mesh, P(*axes))
  return jax.tree.map(
    lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), tree
  )


def gather(tree):
  """Device arrays, of all hosts, as NumPy arrays on every host."""
  if jax.process_count() == 1:
    return jax.device_get(tree)
  return multihost_utils.process_allgather(tree, tiled=True)
