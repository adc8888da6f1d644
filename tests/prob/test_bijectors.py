"""Bijectors: inverses at depth and log-determinants against the Jacobian."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.prob import bijectors as b, univariate as u

slow = pytest.mark.slow  # Together, minutes of compiling.

IMAGE = (4, 4, 2)


def normal(seed, *shape, scale=1.0):
  return scale * jax.random.normal(jax.random.key(seed), shape, float)


def net(seed, fixed, transformed, K):
  """A random smooth function [B, *fixed] -> [B, *transformed, K]."""
  inputs = int(np.prod(fixed))
  outputs = int(np.prod(transformed)) * K
  w = normal(seed, inputs, 16) / inputs**0.5
  v = normal(seed + 1, 16, outputs) / 3
  return lambda x: (jnp.tanh(x.reshape(len(x), -1) @ w) @ v).reshape(len(x), *transformed, K)


UNIVARIATE = {
  "additive": (u.additive, 1),
  "affine": (u.affine, 2),
  "spline": (u.rational_quadratic, 14),
  "mixture": (u.mixture_of_logistics, 14),
}


def couple(split, name, shape, seed=0):
  univariate, K = UNIVARIATE[name]
  fixed, transformed = (x.shape[1:] for x in split.part(jnp.zeros((1, *shape))))
  return b.coupling(split, univariate, net(seed, fixed, transformed, K))


def norm(seed, c):
  return b.actnorm({"log_scale": normal(seed, c, scale=0.3), "shift": normal(seed + 1, c)})


def triangles(seed, c):
  return {
    "lower": normal(seed, c, c) / c,
    "upper": normal(seed + 1, c, c) / c,
    "log_diagonal": normal(seed + 2, c, scale=0.5),
  }


def mixing(seed, c):
  return b.linear(triangles(seed, c), jnp.roll(jnp.arange(c), 1))


def normalised(seed, c):
  params = {"log_scale": normal(seed, c, scale=0.3), "shift": normal(seed + 1, c)}
  moments = {"mean": normal(seed + 2, c), "var": jnp.exp(normal(seed + 3, c))}
  return b.batch_norm(params, moments)


def masked(seed, dim, K):
  """A random smooth function [B, dim] -> [B, dim, K], output d of the elements before d."""
  w = normal(seed, dim, dim, K) * (jnp.arange(dim)[:, None] < jnp.arange(dim)[None])[..., None]
  return lambda x: jnp.tanh(jnp.einsum("bi,idk->bdk", x, w)) + normal(seed + 1, dim, K)[None]


def rotation(c):
  return np.linalg.qr(np.random.default_rng(0).normal(size=(c, c)))[0]


def multiscale():
  tail = b.chain(norm(5, 4), couple(b.checkerboard(), "affine", (2, 2, 4)), b.flatten((2, 2, 4)))
  steps = (
    couple(b.checkerboard(False), "affine", IMAGE),
    b.squeeze(),
    mixing(6, 8),
    couple(b.halves(), "affine", (2, 2, 8)),
  )
  return b.chain(*steps, b.factor_out(tail, (2, 2, 8)))


def repeated(depth, dim=5):
  def layer(p):
    conditioner = lambda x: (jnp.tanh(x @ p["w"]) @ p["v"]).reshape(len(x), dim - dim // 2, 14)
    couple = b.coupling(b.halves(), u.rational_quadratic, conditioner)
    return b.chain(b.actnorm(p["norm"]), b.permutation(jnp.arange(dim)[::-1]), couple)

  w, v = normal(1, depth, dim // 2, 16), normal(2, depth, 16, (dim - dim // 2) * 14, scale=0.03)
  scales = {
    "log_scale": normal(3, depth, dim, scale=0.03),
    "shift": normal(4, depth, dim, scale=0.1),
  }
  return b.repeat(layer, {"w": w, "v": v, "norm": scales})


# {name: (a function that makes a bijector, called in a test in its precision, an example's shape)}
LAYERS = {
  "additive": (lambda: couple(b.halves(), "additive", (5,)), (5,)),
  "affine": (lambda: couple(b.halves(), "affine", (5,)), (5,)),
  "spline": (lambda: couple(b.halves(), "spline", (5,)), (5,)),
  "mixture": (lambda: couple(b.halves(), "mixture", (5,)), (5,)),
  "autoregressive": (lambda: b.autoregressive(u.affine, masked(0, 5, 2)), (5,)),
  "autoregressive splines": (
    lambda: b.autoregressive(u.rational_quadratic, masked(0, 4, 14)),
    (4,),
  ),
  "batch norm": (lambda: normalised(0, 2), IMAGE),
  "rotation": (lambda: b.rotation(rotation(3)), (3,)),
  "last half fixed": (lambda: couple(b.halves(False), "affine", (5,)), (5,)),
  "channels": (lambda: couple(b.halves(), "affine", IMAGE), IMAGE),
  "checkerboard": (lambda: couple(b.checkerboard(), "affine", (3, 4, 2)), (3, 4, 2)),
  "odd checkerboard of splines": (
    lambda: couple(b.checkerboard(False), "spline", (3, 4, 1)),
    (3, 4, 1),
  ),
  "actnorm": (lambda: norm(0, 2), IMAGE),
  "linear": (lambda: mixing(1, 4), (4,)),
  "1 x 1 convolution": (lambda: mixing(1, 2), IMAGE),
  "permutation": (lambda: b.permutation(jnp.array([2, 0, 3, 1])), (4,)),
  "squeeze": (b.squeeze, IMAGE),
  "flatten": (lambda: b.flatten(IMAGE), IMAGE),
  "two logits": (
    lambda: b.chain(b.invert(b.elementwise(u.logit())), b.elementwise(u.logit(0.1))),
    (3,),
  ),
  "multi-scale": (multiscale, IMAGE),
  "scanned": (lambda: repeated(3), (5,)),
}

# Between them, every layer and univariate map of the module.
QUICK = (
  "affine",
  "autoregressive",
  "actnorm",
  "1 x 1 convolution",
  "mixture",
  "batch norm",
  "last half fixed",
  "two logits",
  "multi-scale",
)


@pytest.mark.parametrize(
  "name", [name if name in QUICK else pytest.param(name, marks=slow) for name in LAYERS]
)
def test_inverse_and_log_det_are_those_of_the_jacobian(name):
  with jax.enable_x64(True):
    make, shape = LAYERS[name]
    f = make()
    x = normal(7, 3, *shape, scale=2.0)
    y, log_det = jax.jit(f.forward_and_log_det)(x)
    back, inverse_log_det = jax.jit(f.inverse_and_log_det)(y)
    assert y.dtype == log_det.dtype == jnp.float64 and log_det.shape == (3,)
    np.testing.assert_allclose(back, x, atol=1e-10)
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=1e-10)
    one = lambda x: f.forward_and_log_det(x.reshape(1, *shape))[0].ravel()
    sign, expected = jnp.linalg.slogdet(jax.vmap(jax.jacfwd(one))(x.reshape(3, -1)))
    assert (sign != 0).all()
    np.testing.assert_allclose(log_det, expected, atol=1e-10)


@slow
@pytest.mark.parametrize("double, tolerance", [(False, 1e-4), (True, 1e-10)])
def test_deep_flows_are_inverted(double, tolerance):
  with jax.enable_x64(double):
    f = repeated(32)
    x = normal(8, 200, 5)
    y, log_det = jax.jit(f.forward_and_log_det)(x)
    back, inverse_log_det = jax.jit(f.inverse_and_log_det)(y)
    np.testing.assert_allclose(back, x, atol=tolerance)
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=100 * tolerance)


def test_batch_moments_normalise_and_repeat_with_them_is_the_same_flow():
  def layer(p, moments):
    return b.chain(
      b.batch_norm(p["norm"], moments),
      b.autoregressive(u.affine, lambda x: p["net"][None] * 0 + 0.3),
    )

  params = {
    "norm": {"log_scale": normal(0, 3, 2), "shift": normal(1, 3, 2)},
    "net": normal(2, 3, 2, 2),
  }
  x = normal(3, 400, 2, scale=3.0) + 5
  y, log_det, moments = b.forward_with_batch_moments(layer, params, x)
  again = b.repeat(lambda p: layer(*p), (params, moments))
  for a, c in zip(again.forward_and_log_det(x), (y, log_det)):
    np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-5)
  np.testing.assert_allclose(moments["mean"][0], x.mean(0), rtol=1e-5)
  np.testing.assert_allclose(moments["var"][0], x.var(0), rtol=1e-5)
  first = layer(*jax.tree.map(lambda p: p[0], (params, moments)))
  second_input, _ = first.forward_and_log_det(x)
  np.testing.assert_allclose(moments["mean"][1], second_input.mean(0), rtol=1e-4, atol=1e-5)


def test_actnorms_are_each_initialised_on_the_output_of_those_before():
  x = normal(0, 500, 3, scale=4.0) + 2
  seeds = jax.random.split(jax.random.key(0), 3)
  w = jnp.array(rotation(3))
  layer = lambda p: b.chain(b.actnorm(p), b.volume_preserving(lambda x: jnp.tanh(x @ w), None))
  params, y = b.init_from_data(layer, lambda key, x: b.actnorm_init(x), seeds, x)
  for i in range(3):
    normed = b.actnorm(jax.tree.map(lambda p: p[i], params)).forward_and_log_det(x)[0]
    np.testing.assert_allclose(normed.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(normed.std(0), 1, atol=1e-3)
    x = jnp.tanh(normed @ w)
  np.testing.assert_allclose(y, x, atol=1e-5)


def test_inverse_path_goes_back_through_all_layers():
  params = {"log_scale": normal(0, 4, 3), "shift": normal(1, 4, 3)}
  y = normal(2, 6, 3)
  points = b.inverse_path(b.actnorm, params, y)
  np.testing.assert_allclose(
    points[0], b.repeat(b.actnorm, params).inverse_and_log_det(y)[0], rtol=1e-5
  )
  one = lambda i: b.actnorm(jax.tree.map(lambda p: p[i], params))
  np.testing.assert_allclose(
    one(0).forward_and_log_det(points[0])[0], points[1], rtol=1e-4, atol=1e-4
  )
  np.testing.assert_allclose(one(3).forward_and_log_det(points[3])[0], y, rtol=1e-4, atol=1e-4)


def test_autoregressive_is_in_order_and_its_inverse_too():
  f = b.autoregressive(u.affine, masked(0, 5, 2))
  x = normal(1, 5)
  for g in f, b.invert(f):
    jacobian = np.asarray(jax.jacfwd(lambda x: g.forward_and_log_det(x[None])[0][0])(x))
    np.testing.assert_allclose(np.triu(jacobian, 1), 0, atol=1e-6)
    assert (np.diag(jacobian) > 0).all()


def test_repeat_is_the_chain():
  params = {"log_scale": normal(0, 4, 3), "shift": normal(1, 4, 3)}
  scanned = b.repeat(b.actnorm, params)
  chained = b.chain(*(b.actnorm(jax.tree.map(lambda p: p[i], params)) for i in range(4)))
  x = normal(2, 6, 3)
  for direction in b.Bijector._fields:
    y, log_det = getattr(scanned, direction)(x)
    expected_y, expected_log_det = getattr(chained, direction)(x)
    np.testing.assert_allclose(y, expected_y, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(log_det, expected_log_det, rtol=1e-5, atol=1e-5)


def test_a_checkerboard_fixes_the_even_pixels():
  x = normal(0, 2, 3, 4, 1)
  even = (np.add.outer(np.arange(3), np.arange(4)) % 2 == 0)[None, :, :, None]
  fixed, _ = b.checkerboard().part(x)
  np.testing.assert_array_equal(fixed, np.where(even, x, 0))
  add_one = b.coupling(b.checkerboard(), u.additive, lambda x: jnp.ones((*x.shape, 1)))
  y, _ = add_one.forward_and_log_det(x)
  np.testing.assert_allclose(y, np.where(even, x, x + 1), rtol=1e-6)


def test_squeeze_turns_blocks_into_pixels():
  x = jnp.arange(16.0).reshape(1, 4, 4, 1)
  y, _ = b.squeeze().forward_and_log_det(x)
  np.testing.assert_array_equal(y[0, 0, 1], [2, 3, 6, 7])
  np.testing.assert_array_equal(y[0, 1, 0], [8, 9, 12, 13])


def test_linear_is_its_matrix():
  params = triangles(3, 6)
  order = jnp.array([3, 1, 5, 0, 2, 4])
  x = normal(4, 5, 6)
  L = jnp.tril(params["lower"], -1) + jnp.eye(6)
  U = jnp.triu(params["upper"], 1) + jnp.diag(jnp.exp(params["log_diagonal"]))
  w = L @ U
  y, log_det = b.linear(params, order).forward_and_log_det(x)
  np.testing.assert_allclose(y, x[:, order] @ w, atol=1e-5)
  np.testing.assert_allclose(log_det, np.linalg.slogdet(w)[1], atol=1e-5)


def test_identity_parameters_change_nothing_but_the_order():
  x = normal(6, 5, 4)
  order = jnp.array([2, 0, 3, 1])
  y, _ = b.actnorm(b.actnorm_identity(4)).forward_and_log_det(x)
  np.testing.assert_array_equal(y, x)
  y, log_det = b.linear(b.linear_identity(4), order).forward_and_log_det(x)
  np.testing.assert_allclose(y, x[:, order], rtol=1e-6)
  np.testing.assert_array_equal(log_det, 0)


def test_actnorm_starts_with_unit_statistics():
  x = normal(5, 64, 3, 3, 4) * jnp.array([1e-2, 1.0, 5.0, 100.0])[None, None, None] + 7
  y, _ = b.actnorm(b.actnorm_init(x)).forward_and_log_det(x)
  np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=2e-3)
  np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=2e-3)


def test_batch_norm_has_unit_statistics():
  """By the batch's own moments, then a learned scale and shift."""
  x = normal(5, 200, 3) * jnp.array([0.1, 1.0, 20.0])[None] + 7
  params = {"log_scale": jnp.array([0.0, 1.0, -1.0]), "shift": jnp.array([0.0, 2.0, 3.0])}
  moments = {"mean": x.mean(0), "var": x.var(0)}
  y, _ = b.batch_norm(params, moments).forward_and_log_det(x)
  np.testing.assert_allclose(y.mean(0), params["shift"], atol=1e-3)
  np.testing.assert_allclose(y.std(0), np.exp(params["log_scale"]), rtol=1e-2)


def test_the_example_of_the_module_runs():
  results = doctest.testmod(b)
  assert results.attempted > 4 and not results.failed
