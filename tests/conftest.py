"""Four simulated devices, strict ranks, and compilations that are quick rather than thorough,
shared between runs.
"""

import os
from pathlib import Path

from experiments.start import quick_compilation

os.environ |= quick_compilation()  # Inherited by the processes that tests start.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))

import jax
import pytest

from experiments.bench.measure import resident

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


@pytest.fixture(autouse=True, scope="module")
def bounded_memory():
  """Programs that were compiled for a file's tests don't stay for those of all others."""
  yield
  if Path("/proc/self/status").exists() and resident() > 3 * 2**30:
    jax.clear_caches()
