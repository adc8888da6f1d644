"""Bijectors: inverses at depth, log-determinants against the Jacobian, finite and exact splines."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BPoly

from genjax_zoo.prob import bijectors as b, univariate as u
from genjax_zoo.prob.splines import inverse_spline, spline

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


@slow
@pytest.mark.parametrize("distance", [0.1, 3.0, 1000.0])
def test_mixture_of_logistics_is_its_cdf_and_is_inverted(distance):
  """Also far in the tails, and between components so far apart that the slope underflows."""
  with jax.enable_x64(True):
    K, x = 5, jnp.r_[jnp.linspace(-6, 6, 101), -1e4, 1e4, 50.0]
    params = normal(0, 3 * K + 2).at[K : 2 * K].mul(distance)
    f = u.mixture_of_logistics(jnp.broadcast_to(params, (len(x), len(params))))
    y, log_slope = f.forward_and_log_det(x)
    means = params[K : 2 * K] + jnp.linspace(-1, 1, K)
    log_scales = 4 * jnp.tanh(params[2 * K : 3 * K] / 4)
    components = jax.nn.sigmoid((x[:, None] - means[None]) * jnp.exp(-log_scales)[None])
    F = (jax.nn.softmax(params[:K])[None] * components).sum(-1)
    logit_F = (y - params[-1]) * np.exp(-4 * np.tanh(params[-2] / 4))
    np.testing.assert_allclose(jax.nn.sigmoid(logit_F), F, atol=1e-12)
    assert np.isfinite(y).all() and np.isfinite(log_slope).all()
    back, inverse_slope = f.inverse_and_log_det(y)
    np.testing.assert_allclose(f.forward_and_log_det(back)[0], y, rtol=1e-12, atol=1e-12)
    near = log_slope > -10  # Elsewhere y is nearly the same for different x.
    np.testing.assert_allclose(back[near], x[near], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(inverse_slope[near], -log_slope[near], atol=1e-7)


@slow
def test_derivatives_of_the_mixtures_inverse_are_those_of_the_implicit_function_theorem():
  with jax.enable_x64(True):
    params = normal(0, 14)
    y = jnp.array(0.7)
    h = 1e-6
    g = lambda y, params: u.mixture_of_logistics(params).inverse_and_log_det(y)[0]
    dy, dp = jax.grad(g, (0, 1))(y, params)
    np.testing.assert_allclose(dy, (g(y + h, params) - g(y - h, params)) / (2 * h), rtol=1e-6)
    shifted = jax.vmap(lambda e: (g(y, params + h * e) - g(y, params - h * e)) / (2 * h))(
      jnp.eye(14)
    )
    np.testing.assert_allclose(dp, shifted, rtol=1e-5, atol=1e-8)


@slow
def test_mixture_of_logistics_in_float32_is_finite_with_its_gradients():
  points = jnp.r_[jnp.linspace(-20, 20, 41), 1e4, -1e4]
  for size in 1.0, 30.0:
    row = normal(1, 14, scale=size)
    for direction in u.Bijector._fields:
      both = lambda x, p: jnp.stack(getattr(u.mixture_of_logistics(p), direction)(x))
      value = jax.jit(jax.vmap(both, (0, None)))(points, row)
      dx, dp = jax.jit(jax.vmap(jax.jacrev(both, (0, 1)), (0, None)))(points, row)
      for found in value, dx, dp:
        assert np.isfinite(found).all(), (size, direction)


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


def test_logit_takes_the_closed_interval():
  x = jnp.array([[0.0, 0.3, 1.0]])
  y, log_det = b.elementwise(u.logit(0.05)).forward_and_log_det(x)
  p = 0.025 + 0.95 * np.asarray(x)
  np.testing.assert_allclose(y, np.log(p / (1 - p)), rtol=1e-5)
  np.testing.assert_allclose(log_det, np.log(0.95 / (p * (1 - p))).sum(-1), rtol=1e-5)


def test_spline_of_zeros_is_the_identity():
  x = jnp.linspace(-5, 5, 1001)
  y, log_slope = spline(x, jnp.zeros((1001, 23)))
  np.testing.assert_allclose(y, x, atol=2e-6)
  np.testing.assert_allclose(log_slope, 0, atol=2e-5)


def test_splines_end_with_slope_1_at_the_edges_of_the_identity():
  bound, step = 3.0, 1e-7
  params = jnp.broadcast_to(normal(0, 23, scale=2.0), (6, 23))
  with jax.enable_x64(True):
    x = jnp.array([-1e6, -bound - step, -bound + step, bound - step, bound + step, 1e6])
    for function in spline, inverse_spline:
      y, log_slope = function(x, params.astype(float), bound)
      np.testing.assert_allclose(y, x, atol=1e-9)
      np.testing.assert_allclose(log_slope, 0, atol=1e-3)
      np.testing.assert_array_equal(log_slope[jnp.array([0, 1, 4, 5])], 0)
      assert (
        np.abs(function(x[2:4] / 2, params[:2].astype(float), bound)[0] - x[2:4] / 2).min() > 0.1
      )


def rational_quadratic_piece(x, at, to, slopes):
  """The spline by scipy, bin by bin: a quotient of two quadratics in the Bernstein basis."""
  k = np.clip(np.searchsorted(at, x, "right") - 1, 0, len(at) - 2)
  out = np.empty_like(x)
  for i in range(len(at) - 1):
    s = (to[i + 1] - to[i]) / (at[i + 1] - at[i])
    w = np.array([1, (slopes[i] + slopes[i + 1]) / (2 * s), 1])  # Gregory and Delbourgo 1982.
    middle = (to[i] * slopes[i + 1] + to[i + 1] * slopes[i]) / (2 * s)
    top = BPoly([[to[i]], [middle], [to[i + 1]]], at[i : i + 2])
    bottom = BPoly(w[:, None], at[i : i + 2])
    out[k == i] = top(x[k == i]) / bottom(x[k == i])
  return out


def test_spline_is_the_quotient_of_two_quadratics():
  rng = np.random.default_rng(0)
  K, bound, least = 6, 3.0, 1e-3
  params = rng.normal(size=3 * K - 1) * 2
  widths = lambda raw: least + (1 - K * least) * np.exp(raw) / np.exp(raw).sum()
  edges = lambda raw: bound * np.r_[-1, 2 * np.cumsum(widths(raw)) - 1]
  slopes = np.r_[1, least + np.log1p(np.exp(params[2 * K :] + np.log(np.expm1(1 - least)))), 1]
  x = rng.uniform(-bound, bound, 400)
  expected = rational_quadratic_piece(x, edges(params[:K]), edges(params[K : 2 * K]), slopes)
  with jax.enable_x64(True):
    y, log_slope = spline(jnp.array(x), jnp.broadcast_to(params, (400, 3 * K - 1)), bound)
    slope = jax.vmap(jax.grad(lambda x: spline(x, jnp.array(params), bound)[0]))(jnp.array(x))
  np.testing.assert_allclose(y, expected, atol=1e-9)
  np.testing.assert_allclose(log_slope, np.log(slope), atol=1e-9)


@slow
@pytest.mark.parametrize("size", [1.0, 10.0, 100.0])
def test_spline_is_monotone_inverted_and_finite_everywhere(size):
  """Values and gradients at edges, knots and in the tails; extreme parameters give bins of 1e-3."""
  bound = 4.0
  points = jnp.concatenate([jnp.linspace(-5, 5, 401), jnp.array([-bound, bound, 0.0, 1e6, -1e30])])
  for seed in range(2):
    row = normal(seed, 23, scale=size)
    for function in spline, inverse_spline:
      both = lambda x, p: jnp.stack(function(x, p, bound))
      value = jax.jit(both)(points, jnp.broadcast_to(row, (len(points), 23)))
      assert np.isfinite(value).all()
      dx, dp = jax.jit(jax.vmap(jax.jacrev(both, (0, 1)), (0, None)))(points, row)
      assert np.isfinite(dx).all() and np.isfinite(dp).all()
      assert (np.diff(value[0, :401]) >= 0).all()
      tails = np.abs(points) >= bound
      np.testing.assert_array_equal(
        value[:, tails], np.stack([points, np.zeros_like(points)])[:, tails]
      )
      np.testing.assert_array_equal(dx[tails, 0], 1)
    # A float32 step of y is at most as many steps of x as the slope says.
    p = jnp.broadcast_to(row, (len(points), 23))
    y, log_slope = spline(points, p, bound)
    x, _ = inverse_spline(y, p, bound)
    error = np.abs(x - points)[:401]
    if size < 100:  # Beyond, float32 can't tell the points of the flattest bins apart.
      assert (error <= 1e-4 + 4e-6 * np.exp(-log_slope[:401])).all()


def test_the_example_of_the_module_runs():
  results = doctest.testmod(b)
  assert results.attempted > 4 and not results.failed
