"""Convolutions that are fast on the CPU too: `Conv` and `ConvTranspose` in place of `flax.linen`'s.

XLA's CPU backend has a fast kernel for the layout NHWC x HWIO -> NHWC only. The pass that brings
other layouts to this one (`ConvCanonicalization`) visits the entry computation and no loop body:
the weight gradient, which autodiff writes in another layout, is 20 to 50 times slower inside
`lax.scan` than outside. A kernel larger than the image, as in the weight gradient of a transposed
convolution, or groups of images, as in that of a grouped one, are that slow anywhere; and dilated
images are convolved zeros and all. The weight gradient of a convolution to few features, as at the
end of networks that make images, is slow in the fast kernel too: a matrix product takes its place.

`conv_p` is the primitive of `lax.conv_general_dilated` with a lowering of its own on the CPU, where
the canonical layout is written out and zeros are left out; on other platforms it is lowered as
ever. Its rules of differentiation and batching are those of `lax` with `conv_p` in the place of the
original, hence all derivatives are as fast.
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
# Places times features of an output for which `_product` is faster: 7 times for 3 x 3 x 1, 3 for 3
# x 3 x 4.
FEW = 40


def with_conv_p(fun):
  """`fun`, of arrays and to one array, with `conv_p` in the place of every convolution of `lax`."""

  def replaced(*args):
    closed = jax.make_jaxpr(fun)(*args)
    jaxpr = closed.jaxpr
    values = dict(zip(jaxpr.constvars + jaxpr.invars, [*closed.consts, *args]))
    read = lambda v: v.val if isinstance(v, Literal) else values[v]
    for eqn in jaxpr.eqns:
      primitive = conv_p if eqn.primitive is original_p else eqn.primitive
      out = primitive.bind(*map(read, eqn.invars), **eqn.params)
      values.update(zip(eqn.outvars, out if primitive.multiple_results else [out]))
    return read(jaxpr.outvars[0])

  return replaced


def conv_general_dilated(lhs, rhs, *args, **kwargs):
  """`lax.conv_general_dilated(lhs, rhs, *args, **kwargs)`, by `conv_p`."""
  return with_conv_p(lambda lhs, rhs: lax.conv_general_dilated(lhs, rhs, *args, **kwargs))(lhs, rhs)


def _transpose_lhs(cotangent, lhs, rhs, **params):
  transpose = lambda y, rhs: jax.linear_transpose(
    lambda x: original_p.bind(x, rhs, **params), lhs.aval
  )(y)[0]
  return with_conv_p(transpose)(cotangent, rhs)


def _transpose_rhs(cotangent, lhs, rhs, **params):
  transpose = lambda y, lhs: jax.linear_transpose(
    lambda w: original_p.bind(lhs, w, **params), rhs.aval
  )(y)[0]
  return with_conv_p(transpose)(cotangent, lhs)


def _batch(args, dims, **params):
  return with_conv_p(jax.vmap(functools.partial(original_p.bind, **params), dims))(*args), 0


def _canonical(lhs, rhs, *, dimension_numbers, **params):
  """The convolution of any layout, by one of x [N, spatial, I] and w [spatial, I, O] to y [N,
  spatial, O].
  """
  (n, c, *s), (o, i, *k), (m, d, *p) = dimension_numbers
  places, taps = _places(lhs, rhs, dimension_numbers, **params), math.prod(rhs.shape[a] for a in k)
  one = (
    math.prod(params["lhs_dilation"])
    == params["feature_group_count"]
    == params["batch_group_count"]
    == 1
  )
  if one and math.prod(places) < taps and math.prod(places) * rhs.shape[o] <= FEW:
    return _product(lhs, rhs, places, dimension_numbers, **params)
  y = _groups(lhs.transpose(n, *s, c), rhs.transpose(*k, i, o), **params)
  return y.transpose(np.argsort((m, *p, d)))


def _places(
  lhs, rhs, dimension_numbers, *, padding, window_strides, rhs_dilation, lhs_dilation, **_
):
  """The size of the output."""
  (_, _, *s), (_, _, *k), _ = dimension_numbers
  axes = zip(s, k, padding, window_strides, lhs_dilation, rhs_dilation)
  reach = lambda n, dilation: (n - 1) * dilation + 1
  return [
    (reach(lhs.shape[a], d) + sum(p) - reach(rhs.shape[b], r)) // w + 1 for a, b, p, w, d, r in axes
  ]


def _product(
  lhs, rhs, places, dimension_numbers, *, padding, window_strides, rhs_dilation, **params
):
  """A convolution, of any layout, of few outputs: the product of the images and of kernels shifted
  to each place.

  Such is the weight gradient of a convolution to few features, whose kernel is the cotangent, as
  large as an image.
  """
  (n, c, *s), (o, i, *k), out = dimension_numbers

  def shifted(place):
    pads = [(0, 0, 0)] * rhs.ndim
    for a, b, p, w, r, (low, _) in zip(s, k, place, window_strides, rhs_dilation, padding):
      first = p * w - low
      pads[b] = first, lhs.shape[a] - first - (rhs.shape[b] - 1) * r - 1, r - 1
    return lax.pad(rhs, jnp.zeros((), rhs.dtype), pads)

  kernels = jnp.stack(
    [shifted(place) for place in itertools.product(*map(range, places))], rhs.ndim
  )
  # In the order of the images in memory: they are not copied.
  summed = zip(*sorted(zip((c, *s), (i, *k))))
  numeric = {name: params[name] for name in ("precision", "preferred_element_type")}
  y = lax.dot_general(lhs, kernels, (tuple(summed), ((), ())), **numeric)
  return y.reshape(lhs.shape[n], rhs.shape[o], *places).transpose(np.argsort(out))


def _groups(x, w, *, feature_group_count, batch_group_count, **params):
  """The canonical convolution, one group of channels or images at a time but for depthwise kernels."""
  groups = max(feature_group_count, batch_group_count)
  if groups == 1 or (feature_group_count > 1 and w.shape[-2] == 1):
    return _phases(x, w, feature_group_count=groups, batch_group_count=1, **params)

  def parts(a, axis):
    return jnp.moveaxis(a.reshape(*a.shape[:axis], groups, -1, *a.shape[axis + 1 :]), axis, 0)

  one = functools.partial(_phases, feature_group_count=1, batch_group_count=1, **params)
  axis = 0 if batch_group_count > 1 else x.ndim - 1
  y = jnp.moveaxis(lax.map(lambda part: one(*part), (parts(x, axis), parts(w, w.ndim - 1))), 0, -2)
  return y.reshape(*y.shape[:-2], -1)


def _phases(x, w, *, padding, lhs_dilation, window_strides, rhs_dilation, **params):
  """The canonical convolution; of an image dilated by s = lhs_dilation, as prod(s) of the undilated
  one.

  Along an axis, y[p] = sum_k w[k] dilated[p + k - low], where dilated[s q] = x[q] and the rest is
  0. For p = s m + r: y[s m + r] = sum_j w[first + s j] x[m + j - before], with first = (low - r)
  mod s, before = (low - r - first) / s.
  """
  if not 1 < math.prod(lhs_dilation) <= 16 or max(*window_strides, *rhs_dilation) > 1:
    windows = dict(
      lhs_dilation=lhs_dilation, window_strides=window_strides, rhs_dilation=rhs_dilation
    )
    return _padded(x, w, padding=padding, **windows, **params)
  d = len(lhs_dilation)
  axes = list(zip(x.shape[1:], w.shape, lhs_dilation, padding))
  sizes = [(n - 1) * s + 1 + low + high - (k - 1) for n, k, s, (low, high) in axes]
  outputs = [-(-size // s) for size, s in zip(sizes, lhs_dilation)]
  # At least one tap a phase.
  w = jnp.pad(w, [(0, max(s - k, 0)) for _, k, s, _ in axes] + [(0, 0)] * 2)

  def phase(a, r):
    n, _, s, (low, _) = axes[a]
    first = (low - r) % s
    before = (low - r - first) // s
    taps = len(range(first, w.shape[a], s))
    return slice(first, None, s), (before, outputs[a] + taps - 1 - n - before)

  ys, one = [], (1,) * d
  for rs in itertools.product(*map(range, lhs_dilation)):
    taps, pads = zip(*map(phase, range(d), rs))
    ys.append(
      _padded(
        x, w[taps], padding=pads, lhs_dilation=one, window_strides=one, rhs_dilation=one, **params
      )
    )
  y = jnp.stack(ys).reshape(*lhs_dilation, *ys[0].shape)
  y = y.transpose(d, *(i for a in range(d) for i in (d + 1 + a, a)), 2 * d + 1)
  y = y.reshape(ys[0].shape[0], *(m * s for m, s in zip(outputs, lhs_dilation)), -1)
  return y[:, *map(slice, sizes)]


def _padded(x, w, *, padding, lhs_dilation, **params):
  """The canonical convolution, its zeros written out where XLA's padding is slow or wrong.

  Slow: a kernel larger than the image. Wrong in jaxlib 0.10.2: padding such as (-1, 1), which reads
  beyond the image.
  """
  d = len(padding)
  if any(k > n for n, k in zip(x.shape[1:], w.shape[:d])) or min(map(min, padding)) < 0:
    zeros = [(low, high, s - 1) for (low, high), s in zip(padding, lhs_dilation)]
    # The barrier keeps XLA from folding the zeros back into the convolution.
    x = lax.optimization_barrier(lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *zeros, (0, 0, 0)]))
    padding, lhs_dilation = ((0, 0),) * d, (1,) * d
  image, kernel = (0, d + 1, *range(1, d + 1)), (d + 1, d, *range(d))
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
  """`nn.ConvTranspose` by `conv_p`: `Conv` of the input dilated by `strides`, to strides times its
  size if "SAME".

  `padding` is "SAME", "VALID", or [(low, high)] around the dilated input; `options` are those of
  `Conv`.
  """
  if padding in ("SAME", "VALID"):
    padding = [_transposed_padding(k, s, padding) for k, s in zip(kernel_size, strides)]
  return Conv(features, kernel_size, padding=padding, input_dilation=strides, **options)


def _transposed_padding(k, s, padding):
  """(low, high) around the dilated input, as in `lax.conv_transpose`."""
  total = k + s - 2 + (max(k - s, 0) if padding == "VALID" else 0)
  low = k - 1 if padding == "VALID" or s > k else -(-total // 2)
  return low, total - low
