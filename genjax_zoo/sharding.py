"""Devices: the mesh, shardings of arrays, several hosts, and one `jit` for the whole project."""

import functools
import math
import os
from pathlib import Path
import platform
import re

import jax
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import numpy as np

from genjax_zoo.nn.blocks import STACK, whole

DEVICE_COUNT = "xla_force_host_platform_device_count"
CPU_OPTIONS = {
  # XLA's default hands convolutions to a library, which is slow with the gradients of weights.
  "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE",
  # LLVM compiles in 0.7 to 0.9 of the time at its first level; the programs are as fast.
  "xla_backend_optimization_level": 1,
  # Devices that share busy cores wait for each other; by default XLA aborts after 40 s.
  "xla_cpu_collective_call_warn_stuck_seconds": 600,
  "xla_cpu_collective_call_terminate_timeout_seconds": 3600,
}
# Without gradients of weights that library is 1.1 to 4 times as fast.
FORWARD = {
  "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE,"
  "LIBRARY_FUSION_TYPE_INDIVIDUAL_CONVOLUTION",
}
MOST_CORES = 8  # That are devices: more, of few samples each, would hardly gain.
UNOPTIMIZED = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


@functools.cache
def compiler_options(once: bool = False, forward: bool = False) -> dict | None:
  """The project's options of XLA, but for those in XLA_FLAGS and unknown ones; None off a CPU."""
  if jax.default_backend() != "cpu":
    return None
  options = CPU_OPTIONS | (UNOPTIMIZED if once else {}) | (FORWARD if forward else {})
  flags = os.environ.get("XLA_FLAGS", "")
  return {k: v for k, v in options.items() if k not in flags and is_known(k, v)}


def is_known(option: str, value) -> bool:
  """Whether this version of XLA has an option."""
  try:
    jax.jit(lambda: 0, compiler_options={option: value})()
    return True
  except Exception:  # An unknown option raises; which error depends on the version.
    return False


def jit(fun, once: bool = False, forward: bool = False, **kwargs):
  """`jax.jit` with the project's compiler options.

  `once` is for a function that runs once: on a CPU it compiles faster and runs slower. `forward` is
  for one without gradients of weights.
  """
  return jax.jit(fun, compiler_options=compiler_options(once, forward), **kwargs)


# `typed`: 7, 7.0 and True are equal, but not the same option.
@functools.lru_cache(maxsize=64, typed=True)
def compiled(f, /, out_shardings=None, **static):
  """`f(..., **static)`, compiled once for each function and choice of its static options.

  f takes no gradients of weights.
  """
  return jit(functools.partial(f, **static), forward=True, out_shardings=out_shardings)


def cores() -> int:
  """The cores that this process may use; on Linux it may be held to some."""
  several = hasattr(os, "sched_getaffinity")
  return len(os.sched_getaffinity(0)) if several else os.cpu_count()


class Cores:
  """Whether the devices of a CPU are its cores: samples are split over them, one device trains.

  XLA gives a convolution or a small product to one core. A step of training, which waits for the
  gradients of all, is slower on several.
  """

  split = False

  @classmethod
  def are_devices(cls) -> bool:
    return cls.split and jax.default_backend() == "cpu"


def split_over_cores():
  """Makes a device of each core of a CPU, unless the environment says how many there are.

  It must come before anything is computed.
  """
  flags = os.environ.get("XLA_FLAGS", "")
  if DEVICE_COUNT not in flags and "JAX_NUM_CPU_DEVICES" not in os.environ:
    jax.config.update("jax_num_cpu_devices", min(cores(), MOST_CORES))
    Cores.split = True


def device_name() -> str:
  """The devices that train, in evaluation.json's words: "4 x cpu"."""
  n = training_mesh().size
  kind = jax.devices()[0].device_kind
  return f"{n} x {kind}" if n > 1 else kind


def processor() -> dict:
  """{"processor", "cores"}: its name, and how many of its cores this process may use."""
  info = Path("/proc/cpuinfo")
  found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
  name = found[1] if found else platform.processor() or platform.machine()
  return {"processor": name, "cores": cores()}


def join_hosts(
  coordinator: str = "", process: int = -1, processes: int = 0, distributed: bool = False
) -> bool:
  """Connects this process to those of the other hosts; whether there are any.

  They are found by the arguments, or by the environment of a SLURM step or a TPU pod. With
  `distributed` JAX itself finds out from the cluster that it runs on.
  """
  slurm = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1
  tpu_pod = "," in os.environ.get("TPU_WORKER_HOSTNAMES", "")
  if coordinator:
    jax.distributed.initialize(coordinator, processes, process)
  elif distributed or slurm or tpu_pod:
    jax.distributed.initialize()
  return bool(coordinator) or distributed or slurm or tpu_pod


def make_mesh():
  """One axis, "data", over all devices of all hosts; the compiler partitions everything else."""
  return jax.make_mesh((jax.device_count(),), ("data",), axis_types=(AxisType.Auto,))


def training_mesh():
  """The mesh of the devices that train: all, but one of a CPU that is split over its cores."""
  if not Cores.are_devices():
    return make_mesh()
  return jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:1])


def sampling_mesh(weights):
  """The mesh of the devices that sample and evaluate: all of them.

  Of a CPU that is split over its cores one, where the weights are those of dense networks: they
  take microseconds, less than devices wait for each other.
  """
  dense = all(np.ndim(x) < 3 for x in jax.tree.leaves(weights))
  return training_mesh() if dense else make_mesh()


def placed(tree, mesh):
  """Arrays on the devices of a mesh: as they are, or replicated if they are on others.

  Several hosts have one mesh for all.
  """
  devices = set(mesh.devices.flat)
  several = jax.process_count() > 1
  there = lambda x: several or not isinstance(x, jax.Array) or x.sharding.device_set == devices
  return jax.tree.map(lambda x: x if there(x) else jax.device_put(x, replicated(mesh)), tree)


def replicated(mesh):
  """The sharding of an array of which every device holds all."""
  return NamedSharding(mesh, P())


def fsdp(mesh, shapes, min_size: int):
  """Shardings for a tree: arrays of `min_size` elements or more are split, the rest is replicated.

  An array is split along its largest axis that the number of devices divides, a stack of blocks not
  along that of the blocks.
  """

  everywhere = mesh.size == 1 or Cores.are_devices()  # Cores share their memory.

  def sharding(path, x):
    first = int(in_stack(path))
    axes = [i for i in np.argsort(x.shape)[::-1] if i >= first and x.shape[i] % mesh.size == 0]
    if everywhere or math.prod(x.shape) < min_size or not axes:
      return replicated(mesh)
    return NamedSharding(mesh, P(*[None] * axes[0], "data"))

  return jax.tree_util.tree_map_with_path(sharding, shapes)


def shard_batch(tree):
  """Examples [B, ...] that a step generates, sharded over the mesh like the batch.

  Without it every device would compute all of them. They stay as they are where the number of
  devices doesn't divide B.
  """
  size = jax.sharding.get_abstract_mesh().shape.get("data", 1)
  if size == 1:
    return tree
  constrain = lambda x: x if len(x) % size else jax.lax.with_sharding_constraint(x, P("data"))
  return jax.tree.map(constrain, tree)


def with_shardings(shapes, shardings):
  """The shapes of a tree of arrays that are to have these shardings."""
  shape = lambda x, sharding: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
  return jax.tree.map(shape, shapes, shardings)


def in_stack(path) -> bool:
  """Whether a path of a tree of parameters leads into a stack of equal blocks."""
  return any(getattr(key, "key", None) == STACK for key in path)


def all_gather(params):
  """Sharded parameters gathered before use, but those of stacks, which `nn.blocks` gathers."""
  gather = lambda path, x: x if in_stack(path) else whole(x)
  return jax.tree_util.tree_map_with_path(gather, params)


def put(tree, mesh, *axes):
  """Host arrays as device arrays sharded by `axes`.

  Along a "data" axis each process passes its own part.
  """
  sharding = NamedSharding(mesh, P(*axes))
  to_device = lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x))
  return jax.tree.map(to_device, tree)


def gather(tree):
  """Device arrays, of all hosts, as NumPy arrays on every host."""
  if jax.process_count() == 1:
    return jax.device_get(tree)
  return multihost_utils.process_allgather(tree, tiled=True)
