"""A flow needs the determinant of its Jacobian: triangular ones are cheap, and so are some full
ones.

Deck D (line 218) takes a triangular Jacobian for the way to a determinant. Couplings (RealNVP) and
autoregressive steps (MAF) have one: the logarithms of its diagonal are at hand, and summed. But a 1
x 1 convolution written as L U (Glow) mixes all numbers and has the determinant of U, and of a
continuous flow (FFJORD) only a trace is wanted, along the way. Here are Jacobians of random ones,
log |det| as the layer tells it beside that of the whole matrix, and what both cost.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.pictures import plot
from genjax_zoo.models.flows.cnf import exact, move
from genjax_zoo.prob import bijectors as b
from genjax_zoo.prob.univariate import affine


def layers(dim: int) -> dict[str, b.Bijector]:
  """Random layers of vectors [B, dim] by name."""
  rng, kept = np.random.default_rng(0), dim // 2
  draw = lambda *shape: jnp.asarray(rng.normal(size=shape) / shape[0] ** 0.5, jnp.float32)
  w, v, u = draw(kept, 64), 3 * draw(64, (dim - kept) * 2), draw(dim, dim, 2)
  before = jnp.arange(dim)[:, None] < jnp.arange(dim)[None]
  triangles = {"lower": draw(dim, dim), "upper": draw(dim, dim), "log_diagonal": draw(dim)}
  field = lambda x, t: jnp.tanh(2 * x @ u[..., 0]) @ u[..., 1]
  through = lambda *ends: lambda x: move(field, x, exact, *ends, steps=10)[:2]
  return {
    "coupling": b.coupling(
      b.halves(), affine, lambda x: (jnp.tanh(x @ w) @ v).reshape(len(x), -1, 2)
    ),
    "autoregressive": b.autoregressive(
      affine, lambda x: jnp.tanh(jnp.einsum("bi,idk->bdk", x, u * before[..., None]))
    ),
    "1 x 1 convolution": b.linear(triangles, jnp.asarray(rng.permutation(dim))),
    "continuous": b.Bijector(through(0.0, 1.0), through(1.0, 0.0)),
  }


def seconds(f, *arguments) -> float:
  """The least of five calls, compiled before."""
  f, found = jax.jit(f), []
  for _ in range(6):
    begun = time.perf_counter()
    jax.block_until_ready(f(*arguments))
    found.append(time.perf_counter() - begun)
  return min(found[1:])


def lesson(smoke):
  dim, wide = 16, 32 if smoke else 256
  numbers, jacobians, x = {}, {}, jax.random.normal(jax.random.key(0), (dim,))
  for (name, f), g in zip(layers(dim).items(), layers(wide).values()):
    jacobian = jax.jit(jax.jacrev(lambda x, f=f: f.forward_and_log_det(x[None])[0][0]))(x)
    told, whole = (
      float(f.forward_and_log_det(x[None])[1][0]),
      float(jnp.linalg.slogdet(jacobian)[1]),
    )
    one = lambda x, g=g: g.forward_and_log_det(x[None])[0][0]
    at = jax.random.normal(jax.random.key(1), (wide,))
    numbers[name] = {
      "log |det| of the layer": told,
      "log |det| of the matrix": whole,
      "share of zeros": float((jacobian == 0).mean()),
      f"seconds at {wide} numbers, layer": seconds(
        lambda x, g=g: g.forward_and_log_det(x[None])[1], at
      ),
      f"seconds at {wide} numbers, matrix": seconds(
        lambda x, one=one: jnp.linalg.slogdet(jax.jacrev(one)(x))[1], at
      ),
    }
    jacobians[name] = np.abs(np.asarray(jacobian))

  def draw(*axes):
    for ax, (name, jacobian) in zip(axes, jacobians.items()):
      ax.imshow(np.log10(np.maximum(jacobian, 1e-3)), vmin=-3, vmax=1)
      ax.set(title=name, xticks=[], yticks=[], xlabel="input", ylabel="output")

  return numbers, [
    (plot(draw, len(jacobians), 3), "|dy/dx| of 16 numbers, on a logarithmic scale; dark is 0.")
  ]
