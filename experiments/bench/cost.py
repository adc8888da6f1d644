"""Arithmetic of a step, and what the device can do."""

import math

import jax
from jax.extend.core import jaxprs_in_params
import jax.numpy as jnp

from experiments.bench import ours
from experiments.bench.measure import timed
from genjax_zoo.sharding import jit


def flops(w) -> int:
  """Of matrix products and convolutions of one training step."""
  return counted(step(w))


def step(w):
  """One training step as a jaxpr."""
  learner, batch = (
    ours.learner(w),
    {"image": jnp.zeros((w.batch, w.size, w.size, w.channels), jnp.uint8)},
  )
  key = jax.random.key(0)
  ts = jax.eval_shape(learner.init, key, batch)
  return jax.make_jaxpr(learner.step)(ts, batch, key).jaxpr


def counted(jaxpr) -> int:
  """Two for each multiplication of a product or a convolution; a loop's body counts as often as it
  runs.
  """
  total = 0
  for eqn in jaxpr.eqns:
    if eqn.primitive.name == "dot_general":
      (axes, _), _ = eqn.params["dimension_numbers"]
      total += 2 * eqn.outvars[0].aval.size * math.prod(eqn.invars[0].aval.shape[a] for a in axes)
    elif eqn.primitive.name in ("conv_general_dilated", "conv"):
      kernel, made = eqn.invars[1].aval, eqn.params["dimension_numbers"].rhs_spec[0]
      zeros = math.prod(eqn.params["lhs_dilation"])
      total += 2 * eqn.outvars[0].aval.size * kernel.size // (kernel.shape[made] * zeros)
    total += eqn.params.get("length", 1) * sum(map(counted, jaxprs_in_params(eqn.params)))
  return total


def loops(jaxpr) -> bool:
  """Whether it has a loop that runs more than once, whose body XLA's own count takes once."""
  again = lambda eqn: eqn.primitive.name == "while" or eqn.params.get("length", 1) > 1
  return any(again(eqn) or any(map(loops, jaxprs_in_params(eqn.params))) for eqn in jaxpr.eqns)


def device_rates(dtype: str) -> tuple[float, float]:
  """(operations, bytes) a second of the best of large matrix products in `dtype`, and of large
  copies.
  """
  n = 8192
  a = jnp.ones((n, n), dtype)
  product, copy = jit(lambda x: x @ x), jit(lambda x: x + 1)
  wait = lambda f: jax.block_until_ready(f(a))
  best = lambda f: (wait(f), min(timed(wait, f) for _ in range(10)))[1]
  return 2 * n**3 / best(product), 2 * a.nbytes / best(copy)
