"""The arithmetic of a training step, and the speed of the device."""

import math

import jax
from jax.extend.core import jaxprs_in_params
import jax.numpy as jnp

from experiments.bench import ours
from experiments.bench.measure import timed
from genjax_zoo.sharding import jit


def step_flops(w) -> int:
  """Floating-point operations of a training step, in matrix products and convolutions."""
  return flops(step(w))


def step(w):
  """One training step as a jaxpr."""
  learner = ours.learner(w)
  batch = {"image": jnp.zeros((w.batch, w.size, w.size, w.channels), jnp.uint8)}
  key = jax.random.key(0)
  ts = jax.eval_shape(learner.init, key, batch)
  return jax.make_jaxpr(learner.step)(ts, batch, key).jaxpr


def flops(jaxpr) -> int:
  """Two for each multiplication of a matrix product or convolution, in every pass of a loop."""
  total = 0
  for eqn in jaxpr.eqns:
    if eqn.primitive.name == "dot_general":
      total += product_flops(eqn)
    elif eqn.primitive.name in ("conv_general_dilated", "conv"):
      total += convolution_flops(eqn)
    inner = sum(flops(body) for body in jaxprs_in_params(eqn.params))
    total += eqn.params.get("length", 1) * inner
  return total


def product_flops(eqn) -> int:
  """Of a matrix product: the size of the output times that of the contracted axes."""
  (axes, _), _ = eqn.params["dimension_numbers"]
  shape = eqn.invars[0].aval.shape
  return 2 * eqn.outvars[0].aval.size * math.prod(shape[a] for a in axes)


def convolution_flops(eqn) -> int:
  """Of a convolution: the size of the output times that of the kernel for one output channel."""
  kernel = eqn.invars[1].aval
  output_axis = eqn.params["dimension_numbers"].rhs_spec[0]
  # A transposed convolution's input is mostly zeros, which nobody multiplies.
  zeros = math.prod(eqn.params["lhs_dilation"])
  return 2 * eqn.outvars[0].aval.size * kernel.size // (kernel.shape[output_axis] * zeros)


def loops(jaxpr) -> bool:
  """Whether it has a loop that runs more than once; XLA's own count takes its body once."""
  for eqn in jaxpr.eqns:
    if eqn.primitive.name == "while" or eqn.params.get("length", 1) > 1:
      return True
    if any(loops(body) for body in jaxprs_in_params(eqn.params)):
      return True
  return False


def device_rates(dtype: str, n: int) -> tuple[float, float]:
  """(operations a second of products of matrices [n, n] in `dtype`, bytes a second of copies)."""
  a = jnp.ones((n, n), dtype)

  def shortest(f):
    f = jit(f)
    run = lambda: jax.block_until_ready(f(a))
    run()
    return min(timed(run) for _ in range(10))

  product = shortest(lambda x: x @ x)
  copy = shortest(lambda x: x + 1)
  return 2 * n**3 / product, 2 * a.nbytes / copy


def utilisation(w, program, examples: float, n: int = 8192) -> dict:
  """Fractions of the device's measured rates, {"matmul", "copy"}, at `examples` a second.

  The rates are of matrices [n, n], `program` is the compiled training of the workload `w`. "copy"
  is missing for a step with a loop, whose body XLA's count of bytes takes once.
  """
  matmul, copy = device_rates(w.dtype, n)
  steps = examples / w.batch
  arithmetic = step(w)
  attained = {"matmul": flops(arithmetic) * steps / matmul}
  # A dispatch is itself a loop over steps: XLA counts the bytes of one step.
  if not loops(arithmetic):
    attained["copy"] = program.cost_analysis().get("bytes accessed", 0.0) * steps / copy
  return attained
