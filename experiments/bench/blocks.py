"""The gradient step of each building block, alone and inside a scan:

  python -m experiments.bench.blocks [names]

Training scans many steps a dispatch, and inside a scan XLA's CPU backend may choose another, slow
kernel: then the ratio is far above 1. `nn/conv.py` avoids that for convolutions.
"""

from experiments.start import on_large_pages

if __name__ == "__main__":
  on_large_pages()

import functools
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp

from experiments.bench.measure import Contender, rates
from genjax_zoo.nn.attention import attend
from genjax_zoo.nn.conv import Conv, ConvTranspose
from genjax_zoo.nn.masked import MaskedConv
from genjax_zoo.nn.norm import GroupNorm
from genjax_zoo.sharding import jit

STEPS = 8
IMAGE, TOKENS = (32, 16, 16, 32), (32, 64, 64)


class Attention(nn.Module):
  @nn.compact
  def __call__(self, x):
    q, k, v = (nn.DenseGeneral((4, 16))(x) for _ in range(3))
    return attend(q, k, v)


class Embedding(nn.Module):
  @nn.compact
  def __call__(self, x):
    index = (128 + 60 * jnp.tanh(x[..., 0])).astype(jnp.int32)
    return nn.Embed(256, 64)(index)


class TriangularSolve(nn.Module):
  @nn.compact
  def __call__(self, x):
    lower = self.param("lower", nn.initializers.normal(0.01), (64, 64))
    lower = jnp.tril(lower, -1) + jnp.eye(64)
    return jax.scipy.linalg.solve_triangular(lower, x.reshape(-1, 64).T, lower=True)


BLOCKS = {  # Name: (module, shape of its input).
  "dense": (nn.Dense(64), TOKENS),
  "conv": (Conv(32, (3, 3)), IMAGE),
  "conv 1 x 1": (Conv(32, (1, 1)), IMAGE),
  "strided conv": (Conv(32, (4, 4), (2, 2)), IMAGE),
  "transposed conv": (ConvTranspose(32, (4, 4), (2, 2)), IMAGE),
  "dilated conv": (Conv(32, (3, 3), kernel_dilation=(2, 2)), IMAGE),
  "grouped conv": (Conv(32, (3, 3), feature_group_count=4), IMAGE),
  "depthwise conv": (Conv(32, (3, 3), feature_group_count=32), IMAGE),
  "masked conv": (MaskedConv(32, (2, 3), 1), IMAGE),
  "group norm": (GroupNorm(), IMAGE),
  "layer norm": (nn.LayerNorm(), TOKENS),
  "attention": (Attention(), TOKENS),
  "embedding": (Embedding(), TOKENS),
  "GRU": (nn.RNN(nn.GRUCell(64)), (32, 16, 64)),
  "triangular solve": (TriangularSolve(), TOKENS),
}


def measure(module, shape, seconds: float) -> tuple[float, float]:
  """Microseconds of a step: (alone, each of STEPS in a scan).

  A step takes the gradient by parameters and input.
  """
  xs = jax.random.normal(jax.random.key(0), (STEPS, *shape))
  params = jit(module.init)(jax.random.key(1), xs[0])

  def loss(params, x):
    return (module.apply(params, x) ** 2).mean()

  def step(params, x):
    grads, slope = jax.grad(loss, (0, 1))(params, x)
    return jax.tree.map(lambda p, g: p - 1e-3 * g, params, grads), slope.mean()

  def contender(f, x, steps):
    compiled = jit(f).lower(params, x).compile()

    def run(calls):
      for _ in range(calls):
        out = compiled(params, x)
      jax.block_until_ready(out)

    return Contender(run, steps)

  contenders = {
    "alone": contender(step, xs[0], 1),
    "scan": contender(functools.partial(jax.lax.scan, step), xs, STEPS),
  }
  found = rates(contenders, seconds, rounds=5)
  return 1e6 / found["alone"], 1e6 / found["scan"]


def main(names):
  unknown = set(names) - BLOCKS.keys()
  if unknown:
    sys.exit(f"error: no block is named {unknown.pop()!r}; there are {', '.join(BLOCKS)}")
  for name in names or BLOCKS:
    alone, scanned = measure(*BLOCKS[name], 0.1)
    ratio = scanned / alone
    print(f"{name}: alone {alone:,.0f} us, in a scan {scanned:,.0f} us, {ratio:.2f} x", flush=True)


if __name__ == "__main__":
  main(sys.argv[1:])
