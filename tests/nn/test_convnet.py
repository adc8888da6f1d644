"""Encoder and decoder for images of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn.conv import ConvTranspose
from genjax_zoo.nn.convnet import Decoder, Encoder

SHAPES = [(4, 4, 1), (8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3), (7, 13, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_any_size(shape):
  x, z = jnp.zeros((2, *shape)), jnp.zeros((2, 5))
  for widths in ((4,), (4, 6, 8)):
    for net, a, expected in (
      (Encoder(widths, 10), x, (2, 10)),
      (Decoder(widths[::-1], shape), z, (2, *shape)),
    ):
      out, params = jax.eval_shape(net.init_with_output, jax.random.key(0), a)
      assert out.shape == expected
      assert len(params["params"]) == len(widths) + 1


@pytest.mark.parametrize("shape, dtype", [((8, 8, 1), "float32"), ((7, 13, 2), "bfloat16")])
def test_output_is_float32_and_every_parameter_matters(shape, dtype):
  x = jax.random.normal(jax.random.key(0), (2, *shape))
  z = jax.random.normal(jax.random.key(1), (2, 5))
  for net, a in ((Encoder((4, 6), 10, dtype=dtype), x), (Decoder((6, 4), shape, dtype=dtype), z)):
    params = jax.jit(net.init)(jax.random.key(2), a)
    out, grads = jax.jit(jax.value_and_grad(lambda p, net=net, a=a: (net.apply(p, a) ** 2).sum()))(
      params
    )
    assert jax.eval_shape(net.apply, params, a).dtype == jnp.float32 and jnp.isfinite(out)
    for leaf in jax.tree.leaves(grads):
      assert leaf.dtype == jnp.float32 and (leaf != 0).any()


def test_a_linear_activation_makes_the_decoder_affine():
  z = jax.random.normal(jax.random.key(0), (2, 5))
  params = jax.jit(Decoder((6, 4), (8, 8, 1)).init)(jax.random.key(1), z)
  linear = Decoder((6, 4), (8, 8, 1), activation=lambda x: x)
  apply = jax.jit(lambda z: linear.apply(params, z))
  np.testing.assert_allclose(
    apply(z + 1) - apply(z), apply(2 * z + 1) - apply(2 * z), rtol=1e-3, atol=1e-4
  )


def test_all_layers_but_the_last_compute_in_the_dtype():
  for net, shape in (
    (Encoder((4, 6), 10, dtype="bfloat16"), (2, 8, 8, 1)),
    (Decoder((6, 4), (8, 8, 1), dtype="bfloat16"), (2, 5)),
  ):
    x = jnp.zeros(shape)
    apply = lambda x, net=net: net.init_with_output(
      jax.random.key(0), x, capture_intermediates=True
    )
    _, variables = jax.eval_shape(apply, x)
    layers = {
      k: v["__call__"][0].dtype for k, v in variables["intermediates"].items() if k != "__call__"
    }
    assert sorted(map(str, layers.values())) == ["bfloat16", "bfloat16", "float32"]


def test_every_pixel_is_the_sum_of_equally_many_terms():
  net = ConvTranspose(1, (4, 4), (2, 2), use_bias=False)
  params = {"params": {"kernel": jnp.ones((4, 4, 1, 1))}}
  np.testing.assert_allclose(net.apply(params, jnp.ones((1, 5, 5, 1)))[0, 1:-1, 1:-1, 0], 4.0)
