"""Our convolution against `lax`'s: values, derivatives of every kind, compiled code, and time."""

import functools
import re
import time

import flax.linen as nn
import jax
from jax import lax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.conv import Conv, ConvTranspose, conv_general_dilated

NHWC = ("NHWC", "HWIO", "NHWC")


def arrays(seed, *shapes):
  keys = jax.random.split(jax.random.key(seed), len(shapes))
  return [jax.random.normal(key, shape) for key, shape in zip(keys, shapes)]


def close(ours, theirs, tolerance=2e-5):
  """Equal up to rounding, relative to each array's largest entry."""
  assert jax.tree.structure(ours) == jax.tree.structure(theirs)
  for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs)):
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, np.abs(b).max()))


def derivatives(conv, x, w):
  """The value, first derivatives in both modes, and those of a gradient penalty."""
  f = lambda x, w: jnp.sin(conv(x, w)).sum()
  penalty = lambda x, w: (jax.grad(f)(x, w) ** 2).sum()
  weights = lambda x, w: (jax.grad(f, 1)(x, w) ** 2).sum()
  both = functools.partial(jax.grad, argnums=(0, 1))
  return (
    conv(x, w),
    both(f)(x, w),
    jax.jvp(f, (x, w), (w.sum() * x, w)),
    both(penalty)(x, w),
    both(weights)(x, w),
  )


def by_definition(
  x, w, *, window_strides, padding, lhs_dilation, rhs_dilation, feature_group_count
):
  """The convolution as an einsum over patches.

  XLA's own is wrong for some derivatives in jaxlib 0.10.2.
  """
  if isinstance(padding, str):
    extent = [(k - 1) * d + 1 for k, d in zip(w.shape, rhs_dilation)]
    padding = lax.padtype_to_pads(x.shape[1:3], extent, window_strides, padding)
  zeros = [(low, high, d - 1) for (low, high), d in zip(padding, lhs_dilation)]
  x = lax.pad(x, 0.0, [(0, 0, 0), *zeros, (0, 0, 0)])
  for axis, k, stride, d in zip((1, 3), w.shape, window_strides, rhs_dilation):
    starts = jnp.arange((x.shape[axis] - (k - 1) * d - 1) // stride + 1) * stride
    x = jnp.take(x, starts[:, None] + d * jnp.arange(k)[None], axis)
  x = x.reshape(*x.shape[:-1], feature_group_count, -1)
  w = w.reshape(*w.shape[:-1], feature_group_count, -1)
  y = jnp.einsum("nphqwgi,hwigo->npqgo", x, w)
  return y.reshape(*y.shape[:3], -1)


def random_case(seed):
  """Shapes of x and w, and windows: strides, dilations, groups and kernels, unlike in each axis."""
  rng = np.random.default_rng(seed)
  ints = lambda low, high, n=2: tuple(int(i) for i in rng.integers(low, high, n))
  groups = int(rng.choice([1, 1, 2, 4]))
  kernel = ints(1, 6)
  dilated_image = seed % 2 == 1
  strides = (1, 1) if dilated_image and seed % 4 == 1 else ints(1, 4)
  rhs_dilation = (1, 1) if dilated_image else ints(1, 3)
  extent = [(k - 1) * d + 1 for k, d in zip(kernel, rhs_dilation)]
  explicit = tuple(ints(0, e) for e in extent)
  padding = explicit if dilated_image else ("SAME", "VALID", explicit)[seed // 2 % 3]
  covered = {"SAME": extent, "VALID": (0, 0)}.get(padding) or [low + high for low, high in explicit]
  size = tuple(i + max(e - 1 - c, 0) for i, e, c in zip(ints(1, 6), extent, covered))
  lhs_dilation = ints(1, 4) if dilated_image else (1, 1)
  windows = dict(
    window_strides=strides, padding=padding, lhs_dilation=lhs_dilation, rhs_dilation=rhs_dilation
  )
  return (
    (3, *size, 2 * groups),
    (*kernel, 2, 3 * groups),
    windows | dict(feature_group_count=groups),
  )


@pytest.mark.parametrize("seed", range(10))
def test_value_and_all_derivatives(seed):
  x_shape, w_shape, windows = random_case(seed)
  x, w = arrays(seed, x_shape, w_shape)
  ours = functools.partial(conv_general_dilated, dimension_numbers=NHWC, **windows)
  definition = functools.partial(by_definition, **windows)
  out = lambda conv: jax.jit(functools.partial(derivatives, conv))(x, w)
  close(out(ours), out(definition))
  close(ours(x, w), lax.conv_general_dilated(x, w, dimension_numbers=NHWC, **windows))


@pytest.mark.parametrize(
  "layout", [("NWC", "WIO", "NWC"), ("NDHWC", "DHWIO", "NDHWC"), ("NCHW", "OIHW", "NCHW")]
)
def test_other_ranks_and_layouts(layout):
  d = len(layout[0]) - 2
  size = dict(zip("DHW", (4, 5, 6))) | {"N": 2, "C": 3}
  tap = dict(zip("DHW", (2, 3, 4))) | {"I": 3, "O": 2}
  x, w = arrays(0, [size[a] for a in layout[0]], [tap[a] for a in layout[1]])
  for dilation in (1, 2):
    options = dict(window_strides=(1,) * d, padding=((1, 2),) * d, lhs_dilation=(dilation,) * d)
    apply = lambda conv: lambda x, w: conv(x, w, dimension_numbers=layout, **options)
    out = lambda conv: jax.jit(functools.partial(derivatives, apply(conv)))(x, w)
    close(out(conv_general_dilated), out(lax.conv_general_dilated))


def test_padding_that_crops_one_side_and_extends_the_other():
  """jaxlib 0.10.2 itself reads beyond the image here."""
  x, w = arrays(0, (2, 5, 8, 3), (3, 4, 3, 2))
  for low, high in ((-2, 1), (-1, 1), (1, -1), (-1, -1)):
    conv = jax.jit(
      lambda x: conv_general_dilated(x, w, (1, 1), ((0, 0), (low, high)), dimension_numbers=NHWC)
    )
    shifted = jnp.pad(x, ((0, 0), (0, 0), (2, 2), (0, 0)))[:, :, 2 - low : 10 + high]
    close(conv(x), lax.conv_general_dilated(shifted, w, (1, 1), "VALID", dimension_numbers=NHWC))


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_vmap_inside_and_outside_of_grad(axes):
  shapes = (3, 2, 6, 5, 4), (3, 3, 2, 2, 6)
  x, w = (a if axis == 0 else a[0] for a, axis in zip(arrays(0, *shapes), axes))
  windows = dict(
    window_strides=(2, 1), padding="SAME", feature_group_count=2, dimension_numbers=NHWC
  )

  def out(conv):
    f = lambda x, w: jnp.sin(conv(x, w, **windows)).sum()
    inside = jax.grad(lambda x, w: jax.vmap(f, axes)(x, w).sum(), (0, 1))
    return jax.jit(lambda x, w: (inside(x, w), jax.vmap(jax.grad(f, (0, 1)), axes)(x, w)))(x, w)

  close(out(conv_general_dilated), out(lax.conv_general_dilated))


def test_forward_over_reverse_and_jacobians_of_both_modes_agree():
  x, w = arrays(0, (1, 4, 4, 2), (3, 3, 2, 2))
  f = lambda w: conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=NHWC)
  close(jax.jit(jax.jacfwd(f))(w), jax.jit(jax.jacrev(f))(w))
  scalar = lambda w: (f(w) ** 3).sum()
  close(jax.jit(jax.hessian(scalar))(w), jax.jit(jax.jacrev(jax.jacrev(scalar)))(w))


CASES = {
  "3x3": (3, dict(padding="SAME")),
  "4x4 stride 2": (4, dict(padding="SAME", window_strides=(2, 2))),
  "3x3 dilated": (3, dict(padding="SAME", rhs_dilation=(2, 2))),
  "4x4 transposed": (4, dict(padding=((2, 2), (2, 2)), lhs_dilation=(2, 2))),
  "3x3 transposed": (3, dict(padding=((2, 1), (2, 1)), lhs_dilation=(2, 2))),
  "3x3 full": (3, dict(padding=((2, 2), (2, 2)))),
  "3x3 grouped": (3, dict(padding="SAME", feature_group_count=2)),
  "3x3 depthwise": (3, dict(padding="SAME", feature_group_count=4)),
}


def start(case, images=2, size=8, channels=4):
  k, windows = CASES[case]
  groups = windows.get("feature_group_count", 1)
  return tuple(arrays(0, (images, size, size, channels), (k, k, channels // groups, channels)))


def descent(conv, case, kind="loss"):
  """A step of gradient descent on (x, w), for `scan`.

  On a "loss" of the convolution, its gradient "penalty", or with each image's "own" kernel.
  """
  windows = dict(window_strides=(1, 1), dimension_numbers=NHWC) | CASES[case][1]
  loss = lambda x, w: jnp.sin(conv(x, w, **windows)).sum()
  penalty = lambda x, w: (jax.grad(loss)(x, w) ** 2).sum()

  def own(x, w):
    scales = 1.0 + jnp.arange(len(x))
    return jax.vmap(lambda x, scale: loss(x[None], scale * w))(x, scales).sum()

  f = dict(loss=loss, penalty=penalty, own=own)[kind]

  def step(args, _):
    gradient = jax.grad(lambda args: f(*args))(args)
    return jax.tree.map(lambda p, g: p - 1e-3 * g, args, gradient), None

  return step


@pytest.mark.parametrize("kind", ["loss", "penalty", "own"])
@pytest.mark.parametrize("case", CASES)
def test_compiled_convolutions_in_a_loop_are_canonical(case, kind):
  """In the body of `scan`: NHWC, HWIO, no dilated images, no kernels larger than the image."""
  run = lambda conv: jax.jit(lambda a: lax.scan(descent(conv, case, kind), a, length=3)[0])
  text = run(conv_general_dilated).lower(start(case)).compile().as_text()
  arrays = re.findall(r"%?([\w.-]+) = f32\[([\d,]*)\]", text)
  sizes = {name: shape.split(",") for name, shape in arrays}
  lines = [line for line in text.splitlines() if " convolution(" in line]
  assert len(lines) >= 2
  for line in lines:
    assert "dim_labels=b01f_01io->b01f" in line and "lhs_dilate" not in line, line
    operands = re.search(r" convolution\(%?([\w.-]+), %?([\w.-]+)\)", line).groups()
    image, kernel = (sizes[name] for name in operands)
    assert int(kernel[0]) <= int(image[1]) and int(kernel[1]) <= int(image[2]), line
  if kind == "loss":
    close(run(conv_general_dilated)(start(case)), run(lax.conv_general_dilated)(start(case)))


def test_other_platforms_get_the_operations_of_lax():
  def operations(conv):
    step = jax.jit(
      lambda a: [descent(conv, case)(a, None) for case in ("4x4 stride 2", "4x4 transposed")]
    )
    text = step.trace(start("4x4 stride 2")).lower(lowering_platforms=("cuda",)).as_text()
    return sorted(
      re.sub(r"%\w+", "", line).strip()
      for line in text.splitlines()
      if "stablehlo.convolution" in line
    )

  assert len(operations(lax.conv_general_dilated)) == 6
  assert operations(conv_general_dilated) == operations(lax.conv_general_dilated)


def test_gradient_of_a_sharded_batch_costs_one_all_reduce():
  mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
  sharding = lambda *spec: jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec))
  x, w = start("3x3", images=8)
  for case in ("3x3", "3x3 transposed"):
    step = lambda x, w: descent(conv_general_dilated, case)((x, w), None)[0]
    compiled = jax.jit(step, in_shardings=(sharding("data"), sharding())).lower(x, w).compile()
    collectives = re.findall(
      r" (all-reduce|all-gather|all-to-all|collective-permute)\(", compiled.as_text()
    )
    assert collectives == ["all-reduce"]
    close(compiled(*jax.device_put((x, w), (sharding("data"), sharding()))), jax.jit(step)(x, w))


def test_modules_equal_those_of_linen():
  x = jax.random.normal(jax.random.key(0), (2, 5, 7, 3))
  mask = jnp.ones((3, 3, 3, 4)).at[2].set(0)
  pairs = [
    (Conv(4, (3, 3), **options), nn.Conv(4, (3, 3), **options))
    for options in ({}, dict(strides=2, mask=mask))
  ]
  for k, s, padding in (
    (4, 2, "SAME"),
    (3, 2, "SAME"),
    (2, 3, "SAME"),
    (5, 1, "VALID"),
    (2, 3, "VALID"),
  ):
    pairs.append(
      [cls(4, (k, k), (s, s), padding=padding) for cls in (ConvTranspose, nn.ConvTranspose)]
    )
  pairs.append(
    [cls(4, (3, 3), (2, 2), padding=((1, 2), (2, 0))) for cls in (ConvTranspose, nn.ConvTranspose)]
  )
  for ours, theirs in pairs:
    params = theirs.init(jax.random.key(1), x)
    assert jax.tree.map(jnp.shape, ours.init(jax.random.key(1), x)) == jax.tree.map(
      jnp.shape, params
    )
    close(jax.jit(ours.apply)(params, x), jax.jit(theirs.apply)(params, x))
  assert (
    jax.eval_shape(ConvTranspose(4, (3, 3), (2, 2), dtype=jnp.bfloat16).apply, params, x).dtype
    == jnp.bfloat16
  )


def test_bfloat16():
  x, w = (a.astype(jnp.bfloat16) for a in arrays(0, (2, 6, 6, 4), (4, 4, 4, 4)))
  f = lambda x, w: conv_general_dilated(
    x, w, (1, 1), ((2, 2), (2, 2)), (2, 2), dimension_numbers=NHWC
  )
  out = lambda x, w: (
    f(x, w),
    jax.jit(jax.grad(lambda x, w: f(x, w).sum().astype(jnp.float32), (0, 1)))(x, w),
  )
  for a, b in zip(
    jax.tree.leaves(out(x, w)), jax.tree.leaves(out(*(a.astype(jnp.float32) for a in (x, w))))
  ):
    assert a.dtype == jnp.bfloat16
    np.testing.assert_allclose(a.astype(jnp.float32), b, rtol=0, atol=0.03 * jnp.abs(b).max())


@pytest.mark.slow
@pytest.mark.parametrize("case", ["3x3", "4x4 stride 2", "4x4 transposed"])
def test_a_step_in_scan_takes_no_more_than_three_alone(case):
  a = start(case, 32, 14, 32)
  step, steps = descent(conv_general_dilated, case), 4

  def seconds(f):
    f = jax.jit(f)
    times = []
    for _ in range(6):
      begun = time.perf_counter()
      jax.block_until_ready(f(a))
      times.append(time.perf_counter() - begun)
    return min(times[1:])

  assert seconds(lambda a: lax.scan(step, a, length=steps)[0]) / steps < 3 * seconds(
    lambda a: step(a, None)[0]
  )
