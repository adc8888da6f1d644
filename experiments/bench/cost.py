"""Arithmetic of a step, and what the device can do."""

import math

import jax
from jax.extend.core import jaxprs_in_params
import jax.numpy as jnp

from experiments.bench import ours
from experiments.bench.measure import timed
from genjax_zoo.sharding import jit


def flops(w) -> int:
  """Of matrix products and convolutions of one training step; a loop's body counts as often as it runs."""
  learner, batch = ours.learner(w), {"image": jnp.zeros((w.batch, w.size, w.size, w.channels), jnp.uint8)}
  key = jax.random.key(0)
  ts = jax.eval_shape(learner.init, key, batch)
  return counted(jax.make_jaxpr(learner.step)(ts, batch, key).jaxpr)


def counted(jaxpr) -> int:
  """Two for each multiplication of a product or a convolution."""
  total = 0
  for eqn in jaxpr.eqns:
    out, times = eqn.outvars[0].aval, eqn.params.get("length", 1) if eqn.primitive.name == "scan" else 1
    if eqn.primitive.name == "dot_general":
      (axes, _), _ = eqn.params["dimension_numbers"]
      total += 2 * out.size * math.prod(eqn.invars[0].aval.shape[a] for a in axes)
    elif eqn.primitive.name in ("conv_general_dilated", "conv"):
      kernel, made = eqn.invars[1].aval, eqn.params["dimension_numbers"].rhs_spec[0]
      zeros = math.prod(eqn.params["lhs_dilation"])
      total += 2 * out.size * kernel.size // (kernel.shape[made] * zeros * eqn.params["batch_group_count"])
    total += sum(times * counted(inner) for inner in jaxprs_in_params(eqn.params))
  return total


def device_rates(dtype: str) -> tuple[float, float]:
  """(operations, bytes) a second of the best of large matrix products in `dtype`, and of large copies."""
  n = 8192
  a = jnp.ones((n, n), dtype)
  product, copy = jit(lambda x: x @ x), jit(lambda x: x + 1)
  wait = lambda f: jax.block_until_ready(f(a))
  best = lambda f: (wait(f), min(timed(wait, f) for _ in range(10)))[1]
  return 2 * n**3 / best(product), 2 * a.nbytes / best(copy)
