"""Convolutions that are fast on the CPU too: `Conv` and `ConvTranspose`, as those of `flax.linen`.

XLA's CPU backend has one fast kernel. It computes NHWC x HWIO -> NHWC; of images that are not
dilated, without groups, and with kernels no larger than the image. A generic loop, 20 to 50 times
slower, computes everything else. Training needs everything else:

  what                    where it occurs                               what is done instead
  another layout          gradients of weights, inside `lax.scan`       transposed (_canonical)
  dilated images          transposed convolutions, strides' gradients   zeros left out (_phases)
  groups                  grouped convolutions and their gradients      one by one (_groups)
  kernel above the image  gradients of transposed convolutions          padded before (_padded)
  few outputs             gradients of the weights of a last layer      a product (_product)

Outside of loops XLA itself brings other layouts to the fast one (its pass `ConvCanonicalization`),
but the pass does not visit the bodies of loops, and training is a loop over steps. The last row is
slow in the fast kernel too.

All this concerns the CPU alone, and every derivative. So `conv_p` is a second primitive beside that
of `lax.conv_general_dilated`. It is lowered on the CPU to the functions above, and on other
platforms like the original. Its derivatives and its batching rule are those of the original, in
which `with_conv_p` replaces each convolution by `conv_p`: derivatives of any order are fast too.
"""

import functools
import itertools
import math

import flax.linen as nn
import jax
from jax import lax
from jax.extend.core import Literal, Primitive, primitives
from jax.interpreters import ad, batching, mlir
import jax.numpy as jnp
import numpy as np

original_p = primitives.conv_general_dilated_p
conv_p = Primitive("conv")
# `_product` is faster up to so many positions times features of the output: 7 times for 3 x 3 x 1,
# 3 times for 3 x 3 x 4.
FEW = 40


def conv_general_dilated(lhs, rhs, *args, **kwargs):
  """`lax.conv_general_dilated(lhs, rhs, *args, **kwargs)`, by `conv_p`."""
  return with_conv_p(lambda lhs, rhs: lax.conv_general_dilated(lhs, rhs, *args, **kwargs))(lhs, rhs)


def with_conv_p(fun):
  """`fun`, from arrays to one array, with `conv_p` in place of every convolution of `lax`."""

  def replaced(*args):
    closed = jax.make_jaxpr(fun)(*args)
    jaxpr = closed.jaxpr
    values = dict(zip(jaxpr.constvars, closed.consts)) | dict(zip(jaxpr.invars, args))

    def read(variable):
      return variable.val if isinstance(variable, Literal) else values[variable]

    for eqn in jaxpr.eqns:
      primitive = conv_p if eqn.primitive is original_p else eqn.primitive
      out = primitive.bind(*map(read, eqn.invars), **eqn.params)
      values.update(zip(eqn.outvars, out if primitive.multiple_results else [out]))
    return read(jaxpr.outvars[0])

  return replaced


def _transpose_lhs(cotangent, lhs, rhs, **params):
  """The gradient in the images; `lhs` is their shape alone."""

  def transpose(cotangent, rhs):
    conv = lambda lhs: original_p.bind(lhs, rhs, **params)
    return jax.linear_transpose(conv, lhs.aval)(cotangent)[0]

  return with_conv_p(transpose)(cotangent, rhs)


def _transpose_rhs(cotangent, lhs, rhs, **params):
  """The gradient in the kernels; `rhs` is their shape alone."""

  def transpose(cotangent, lhs):
    conv = lambda rhs: original_p.bind(lhs, rhs, **params)
    return jax.linear_transpose(conv, rhs.aval)(cotangent)[0]

  return with_conv_p(transpose)(cotangent, lhs)


def _batch(args, dims, **params):
  conv = functools.partial(original_p.bind, **params)
  return with_conv_p(jax.vmap(conv, dims))(*args), 0


def _canonical(lhs, rhs, *, dimension_numbers, **params):
  """A convolution of any layout, as one of x [N, space, I] and w [space, I, O] to [N, space, O]."""
  lhs_spec, rhs_spec, out_spec = dimension_numbers
  batch, inputs, *space = lhs_spec
  outputs, of_inputs, *taps = rhs_spec
  positions = _output_size(lhs, rhs, dimension_numbers, **params)
  if _is_few(rhs, positions, dimension_numbers, **params):
    return _product(lhs, rhs, positions, dimension_numbers, **params)
  x = lhs.transpose(batch, *space, inputs)
  w = rhs.transpose(*taps, of_inputs, outputs)
  out_batch, out_features, *out_space = out_spec
  return _groups(x, w, **params).transpose(np.argsort((out_batch, *out_space, out_features)))


def _output_size(
  lhs, rhs, dimension_numbers, *, padding, window_strides, rhs_dilation, lhs_dilation, **_
):
  """The spatial size of the output."""
  (_, _, *space), (_, _, *taps), _ = dimension_numbers

  def size(image_axis, kernel_axis, pads, stride, image_dilation, kernel_dilation):
    image = (lhs.shape[image_axis] - 1) * image_dilation + 1 + sum(pads)
    kernel = (rhs.shape[kernel_axis] - 1) * kernel_dilation + 1
    return (image - kernel) // stride + 1

  return list(map(size, space, taps, padding, window_strides, lhs_dilation, rhs_dilation))


def _is_few(
  rhs, positions, dimension_numbers, *, lhs_dilation, feature_group_count, batch_group_count, **_
):
  """Whether `_product` is faster: few outputs of large kernels, undilated and without groups."""
  outputs, _, *taps = dimension_numbers[1]
  if math.prod(lhs_dilation) * feature_group_count * batch_group_count > 1:
    return False
  few = math.prod(positions) * rhs.shape[outputs] <= FEW
  return few and math.prod(positions) < math.prod(rhs.shape[a] for a in taps)


def _product(
  lhs, rhs, positions, dimension_numbers, *, padding, window_strides, rhs_dilation, **params
):
  """A convolution with few outputs, as the product of images and kernels shifted to each position.

  Such is the gradient of the weights of a convolution to few features: its kernel is the cotangent,
  as large as an image.
  """
  (batch, inputs, *space), (outputs, of_inputs, *taps), out_spec = dimension_numbers

  def shifted(position):
    """The kernels, padded to the images' size, at this position of the output."""
    pads = [(0, 0, 0)] * rhs.ndim
    axes = zip(space, taps, position, window_strides, rhs_dilation, padding)
    for image_axis, kernel_axis, p, stride, dilation, (low, _) in axes:
      first = p * stride - low
      last = first + (rhs.shape[kernel_axis] - 1) * dilation
      pads[kernel_axis] = first, lhs.shape[image_axis] - 1 - last, dilation - 1
    return lax.pad(rhs, jnp.zeros((), rhs.dtype), pads)

  every_position = itertools.product(*map(range, positions))
  kernels = jnp.stack([shifted(position) for position in every_position], rhs.ndim)
  # Summed in the order of the images' axes in memory: they are not copied.
  summed = sorted(zip((inputs, *space), (of_inputs, *taps)))
  contracting = tuple(zip(*summed))
  numeric = {name: params[name] for name in ("precision", "preferred_element_type")}
  y = lax.dot_general(lhs, kernels, (contracting, ((), ())), **numeric)
  y = y.reshape(lhs.shape[batch], rhs.shape[outputs], *positions)
  return y.transpose(np.argsort(out_spec))


def _groups(x, w, *, feature_group_count, batch_group_count, **params):
  """The canonical convolution, one group of channels or images at a time.

  Depthwise kernels are an exception: XLA is fast with them.
  """
  groups = max(feature_group_count, batch_group_count)
  depthwise = feature_group_count > 1 and w.shape[-2] == 1
  if groups == 1 or depthwise:
    return _phases(x, w, feature_group_count=groups, batch_group_count=1, **params)

  def parts(a, axis):
    """[groups, ...]: `a` divided along an axis."""
    divided = a.reshape(*a.shape[:axis], groups, -1, *a.shape[axis + 1 :])
    return jnp.moveaxis(divided, axis, 0)

  def convolve(part):
    return _phases(*part, feature_group_count=1, batch_group_count=1, **params)

  axis = 0 if batch_group_count > 1 else x.ndim - 1
  y = lax.map(convolve, (parts(x, axis), parts(w, w.ndim - 1)))
  y = jnp.moveaxis(y, 0, -2)
  return y.reshape(*y.shape[:-2], -1)


def _phases(x, w, *, padding, lhs_dilation, window_strides, rhs_dilation, **params):
  """The canonical convolution; of an image dilated by s, as prod(s) convolutions of the image.

  Along an axis, y[p] = sum_k w[k] dilated[p + k - low], where dilated[s q] = x[q] and all else is
  0. Only every s-th k meets an x. With p = s m + r, of phase r:

    y[s m + r] = sum_j w[first + s j] x[m + j - before]
    first = (low - r) mod s,   before = (low - r - first) / s
  """
  windows = dict(
    lhs_dilation=lhs_dilation, window_strides=window_strides, rhs_dilation=rhs_dilation
  )
  phases = math.prod(lhs_dilation)
  if not 1 < phases <= 16 or max(*window_strides, *rhs_dilation) > 1:
    return _padded(x, w, padding=padding, **windows, **params)
  d = len(lhs_dilation)
  axes = list(zip(x.shape[1:], w.shape, lhs_dilation, padding))
  sizes = [(n - 1) * s + 1 + low + high - (k - 1) for n, k, s, (low, high) in axes]
  outputs = [-(-size // s) for size, s in zip(sizes, lhs_dilation)]  # Of each phase, at most.
  # A kernel shorter than s has phases without taps: each gets at least one, which is 0.
  missing = [(0, max(s - k, 0)) for _, k, s, _ in axes]
  w = jnp.pad(w, [*missing, (0, 0), (0, 0)])

  def phase(axis, r):
    """(taps of the kernel, padding of the image) of phase r along an axis."""
    n, _, s, (low, _) = axes[axis]
    first = (low - r) % s
    before = (low - r - first) // s
    taps = len(range(first, w.shape[axis], s))
    after = outputs[axis] + taps - 1 - n - before
    return slice(first, None, s), (before, after)

  ones = (1,) * d
  undilated = dict(lhs_dilation=ones, window_strides=ones, rhs_dilation=ones)
  ys = []
  for rs in itertools.product(*map(range, lhs_dilation)):
    taps, pads = zip(*map(phase, range(d), rs))
    ys.append(_padded(x, w[taps], padding=pads, **undilated, **params))
  return _interleaved(ys, lhs_dilation)[:, *map(slice, sizes)]


def _interleaved(ys, strides):
  """y [N, space, O] of its phases, prod(strides) arrays: y[s m + r] = ys[r][m] along each axis."""
  for axis, s in reversed(list(enumerate(strides, 1))):
    groups = [ys[i : i + s] for i in range(0, len(ys), s)]
    shape = [n * s if a == axis else n for a, n in enumerate(ys[0].shape)]
    ys = [jnp.stack(group, axis + 1).reshape(shape) for group in groups]
  return ys[0]


def _padded(x, w, *, padding, lhs_dilation, **params):
  """The canonical convolution; zeros are written out where XLA's own padding is slow or wrong.

  Slow: a kernel larger than the image. Wrong in jaxlib 0.10.2: padding such as (-1, 1), which reads
  beyond the image.
  """
  d = len(padding)
  larger = any(k > n for n, k in zip(x.shape[1:], w.shape[:d]))
  cropped = any(min(pads) < 0 for pads in padding)
  if larger or cropped:
    none = 0, 0, 0
    zeros = [(low, high, s - 1) for (low, high), s in zip(padding, lhs_dilation)]
    x = lax.pad(x, jnp.zeros((), x.dtype), [none, *zeros, none])
    # The barrier keeps XLA from folding the zeros back into the convolution.
    x = lax.optimization_barrier(x)
    padding, lhs_dilation = ((0, 0),) * d, (1,) * d
  # The axes of (N, features, space) and of (O, I, taps).
  image = 0, d + 1, *range(1, d + 1)
  kernel = d + 1, d, *range(d)
  layout = lax.ConvDimensionNumbers(image, kernel, image)
  return original_p.bind(
    x, w, padding=padding, lhs_dilation=lhs_dilation, dimension_numbers=layout, **params
  )


conv_p.def_impl(original_p.bind)
conv_p.def_abstract_eval(lambda *args, **params: original_p.abstract_eval(*args, **params)[0])
ad.defbilinear(conv_p, _transpose_lhs, _transpose_rhs)
batching.primitive_batchers[conv_p] = _batch
mlir.register_lowering(conv_p, mlir.lower_fun(original_p.bind, multiple_results=False))
mlir.register_lowering(conv_p, mlir.lower_fun(_canonical, multiple_results=False), platform="cpu")

Conv = functools.partial(nn.Conv, conv_general_dilated_cls=lambda: conv_general_dilated)


def ConvTranspose(features, kernel_size, strides, padding="SAME", **options) -> nn.Conv:
  """`nn.ConvTranspose` by `conv_p`: `Conv` of the input dilated by `strides`.

  With "SAME" the output is `strides` times as large. `padding` is "SAME", "VALID", or [(low, high)]
  around the dilated input; `options` are those of `Conv`.
  """
  if padding in ("SAME", "VALID"):
    padding = [_transposed_padding(k, s, padding) for k, s in zip(kernel_size, strides)]
  return Conv(features, kernel_size, padding=padding, input_dilation=strides, **options)


def _transposed_padding(k, s, padding):
  """(low, high) around the dilated input, as in `lax.conv_transpose`."""
  total = k + s - 2 + (max(k - s, 0) if padding == "VALID" else 0)
  low = k - 1 if padding == "VALID" or s > k else -(-total // 2)
  return low, total - low
