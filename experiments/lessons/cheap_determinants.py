"""Flows need the determinant of their Jacobian: triangular ones are cheap, some full ones too.

Deck D (line 218) makes the Jacobian triangular to get a cheap determinant. Couplings (RealNVP) and
autoregressive layers (MAF) have triangular Jacobians: the log-determinant is the sum of the logs of
the diagonal. But a 1 x 1 convolution written as L U (Glow) mixes all dimensions and has the
determinant of U, and a continuous flow (FFJORD) needs only the trace of its vector field's Jacobian
along the trajectory. The lesson takes random layers of each kind, compares log |det| as the layer
computes it with that of the whole matrix, and measures the time of both.

Verdict: half: triangular Jacobians are cheap, but they are not the only cheap ones.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.figures.pictures import plot
from genjax_zoo.models.flows.cnf import exact, integrate
from genjax_zoo.prob import bijectors as b
from genjax_zoo.prob.univariate import affine


def layers(dim: int) -> dict[str, b.Bijector]:
  """Random layers of vectors [B, dim] by name."""
  rng = np.random.default_rng(0)

  def draw(*shape):
    return jnp.asarray(rng.normal(size=shape) / shape[0] ** 0.5, jnp.float32)

  half = dim // 2
  w = draw(half, 64)
  v = 3 * draw(64, (dim - half) * 2)
  u = draw(dim, dim, 2)
  before = jnp.arange(dim)[:, None] < jnp.arange(dim)[None]
  triangles = {"lower": draw(dim, dim), "upper": draw(dim, dim), "log_diagonal": draw(dim)}

  def conditioner(x):
    return (jnp.tanh(x @ w) @ v).reshape(len(x), -1, 2)

  def masked_conditioner(x):
    return jnp.tanh(jnp.einsum("bi,idk->bdk", x, u * before[..., None]))

  def field(x, t):
    return jnp.tanh(2 * x @ u[..., 0]) @ u[..., 1]

  def flow(start, end):
    return lambda x: integrate(field, x, exact, start, end, steps=10)[:2]

  return {
    "coupling": b.coupling(b.halves(), affine, conditioner),
    "autoregressive": b.autoregressive(affine, masked_conditioner),
    "1 x 1 convolution": b.linear(triangles, jnp.asarray(rng.permutation(dim))),
    "continuous": b.Bijector(flow(0.0, 1.0), flow(1.0, 0.0)),
  }


def seconds(f, *arguments) -> float:
  """The shortest time of five calls, compilation apart."""
  f = jax.jit(f)
  times = []
  for _ in range(6):
    begun = time.perf_counter()
    jax.block_until_ready(f(*arguments))
    times.append(time.perf_counter() - begun)
  return min(times[1:])


def log_det(layer, x):
  """log |det| of a layer at one vector x [D], as the layer computes it."""
  return layer.forward_and_log_det(x[None])[1][0]


def jacobian(layer, x):
  """dy/dx of a layer at one vector x [D], [D, D]."""
  return jax.jacrev(lambda x: layer.forward_and_log_det(x[None])[0][0])(x)


def lesson(smoke):
  dim, wide = 16, 32 if smoke else 256
  x = jax.random.normal(jax.random.key(0), (dim,))
  x_wide = jax.random.normal(jax.random.key(1), (wide,))
  wide_layers = layers(wide)
  results, matrices = {}, {}
  for name, layer in layers(dim).items():
    other = wide_layers[name]
    matrix = jax.jit(lambda x, layer=layer: jacobian(layer, x))(x)
    by_layer = lambda x, other=other: log_det(other, x)
    by_matrix = lambda x, other=other: jnp.linalg.slogdet(jacobian(other, x))[1]
    results[name] = {
      "log |det| of the layer": float(log_det(layer, x)),
      "log |det| of the matrix": float(jnp.linalg.slogdet(matrix)[1]),
      "share of zeros": float((matrix == 0).mean()),
      f"seconds in {wide} dimensions, layer": seconds(by_layer, x_wide),
      f"seconds in {wide} dimensions, matrix": seconds(by_matrix, x_wide),
    }
    matrices[name] = np.abs(np.asarray(matrix))

  def paint(*axes):
    for ax, (name, matrix) in zip(axes, matrices.items()):
      ax.imshow(np.log10(np.maximum(matrix, 1e-3)), vmin=-3, vmax=1)
      ax.set(title=name, xticks=[], yticks=[], xlabel="input", ylabel="output")

  caption = f"|dy/dx| in {dim} dimensions, on a logarithmic scale; dark is 0."
  return results, [(plot(paint, len(matrices), 3), caption)]
