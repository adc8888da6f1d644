"""StyleGAN2: modulation against kernels of each image's own, equal rates, scanned layers."""

import jax
from jax import lax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.nn import stylegan
from genjax_zoo.nn.resize import downsample, enlarged, halvings, upsample

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (3, 5, 4, 2))
STYLE = 1 + jax.random.normal(jax.random.key(1), (3, 2))
KERNEL = jax.random.normal(jax.random.key(2), (3, 3, 2, 6))


def test_demodulated_weights_have_unit_norm():
  own = STYLE[:, None, None, :, None] * KERNEL[None]
  own = own * stylegan.demodulation(STYLE, KERNEL)[:, None, None, None]
  np.testing.assert_allclose((own**2).sum((1, 2, 3)), jnp.ones((3, 6)), rtol=1e-5)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_of_activations_is_a_kernel_of_each_image_s_own(demodulate):
  """Equations 1 and 3, in one grouped convolution: w s, over its norm."""
  own = STYLE[:, None, None, :, None] * KERNEL[None]
  if demodulate:
    own = own / jnp.sqrt((own**2).sum((1, 2, 3), keepdims=True))
  images = X.transpose(1, 2, 0, 3).reshape(1, 5, 4, 6)
  kernels = own.transpose(1, 2, 3, 0, 4).reshape(3, 3, 2, 18)
  layout = "NHWC", "HWIO", "NHWC"
  grouped = lax.conv_general_dilated(
    images, kernels, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=3
  )
  expected = grouped.reshape(5, 4, 3, 6).transpose(2, 0, 1, 3)
  found = stylegan.modulated(X, STYLE, KERNEL, demodulate)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_layers_keep_the_variance_of_their_inputs():
  """With weights of variance 1 over the number of inputs, and leaky ReLU times sqrt(2)."""
  x = jax.random.normal(KEY, (64, 8, 8, 32))
  net = stylegan.EqualConv(64, 1)
  params = net.init(jax.random.key(1), x)
  assert params["params"]["kernel"].std() == pytest.approx(1, abs=0.05)
  y = net.apply(params, x)
  assert y.std() == pytest.approx(1, abs=0.1)
  # E leaky(x)² = (1 + 0.2²) for x ~ N(0, 1).
  assert (stylegan.leaky_relu(x) ** 2).mean() == pytest.approx(1.04, abs=0.02)
  dense = stylegan.EqualDense(256, bias=1.0)
  y = dense.apply(dense.init(KEY, x[:, 0, 0]), x[:, 0, 0])
  assert y.std() == pytest.approx(1, abs=0.1) and y.mean() == pytest.approx(1, abs=0.05)


def test_the_mapping_is_its_layers_one_after_the_other_of_a_normalised_z():
  z = 3 * jax.random.normal(KEY, (4, 5))
  net = stylegan.Mapping(2)
  params = net.init(jax.random.key(1), z)
  w = z / np.sqrt((z**2).mean(-1, keepdims=True))
  for kernel in params["params"]["kernels"]:
    h = w @ kernel / np.sqrt(5)
    w = np.sqrt(2) * np.where(h > 0, h, 0.2 * h)
  np.testing.assert_allclose(net.apply(params, z), w, rtol=1e-4, atol=1e-5)
  # pixel_norm: the length of z does not matter.
  np.testing.assert_allclose(net.apply(params, 2 * z), w, rtol=1e-4, atol=1e-5)


def test_a_layer_is_a_modulated_convolution_with_noise_of_a_learned_strength():
  net = stylegan.StyledConv(6)
  w = jax.random.normal(KEY, (3, 7))
  params = net.init(KEY, X, w)["params"]
  assert params["noise"] == 0
  params = params | {"noise": jnp.array(0.7), "bias": jnp.arange(6.0)}
  affine = params["EqualDense_0"]
  style = w @ affine["kernel"] / np.sqrt(7) + 1  # The bias is 1 at first.
  y = stylegan.modulated(X, style, params["kernel"] / np.sqrt(18))
  eps = jax.random.normal(jax.random.key(5), (3, 5, 4, 1))
  for extra, noise in ((0.0, None), (0.7 * eps, eps)):
    expected = stylegan.leaky_relu(y + extra + jnp.arange(6.0)[None, None, None])
    found = net.apply({"params": params}, X, w, noise)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_each_style_reaches_the_image_from_its_layer_on():
  """The image is a sum over resolutions: the last w scales what the last one adds, alone."""
  net = stylegan.Synthesis((4, 4), (7, 6, 2))
  assert net.layers == 4
  ws = jax.random.normal(KEY, (2, 4, 3))
  params = net.init(KEY, ws)
  assert params["params"]["constant"].shape == (1, 4, 3, 4)
  jacobian = jax.jit(jax.jacobian(lambda ws: net.apply(params, ws)))(ws)
  assert jacobian.shape == (2, 7, 6, 2, 2, 4, 3)
  reached = np.abs(jacobian).max((1, 2, 3, 6))
  assert (reached[0, 0] > 0).all() and (reached[1, 1] > 0).all()
  assert (reached[0, 1] == 0).all() and (reached[1, 0] == 0).all()


def test_the_critic_sees_how_much_the_images_of_a_group_differ():
  x = jax.random.normal(KEY, (8, 3, 3, 2))
  groups = np.asarray(x).reshape(2, 4, 3, 3, 2)
  expected = groups.std(1).mean((1, 2, 3)).repeat(4)
  np.testing.assert_allclose(stylegan.group_deviation(x), expected, rtol=1e-4)
  np.testing.assert_allclose(stylegan.group_deviation(x[:1]), 1e-4, rtol=1e-3)
  net = stylegan.Critic((4, 4, 6))
  images = jax.random.normal(KEY, (8, 9, 7, 1))
  params = net.init(KEY, images)
  apart = jax.jit(net.apply)(params, images)
  alone = jnp.concatenate([net.apply(params, image[None]) for image in images[:2]])
  assert apart.shape == (8,) and np.abs(apart[:2] - alone).min() > 1e-4


def test_images_at_half_and_twice_their_size():
  """Interpolation is the filter [1, 3, 3, 1] / 4 of both axes, away from the border."""
  x = jax.random.normal(KEY, (1, 4, 4, 1))
  y = enlarged(x, (8, 7))
  assert y.shape == (1, 8, 7, 1)
  a, b, c, d = x[0, 1, 1, 0], x[0, 1, 2, 0], x[0, 2, 1, 0], x[0, 2, 2, 0]
  np.testing.assert_allclose(y[0, 3, 3, 0], (9 * a + 3 * b + 3 * c + d) / 16, rtol=1e-4)
  np.testing.assert_allclose(downsample(upsample(x)), x, rtol=1e-6)
  np.testing.assert_allclose(downsample(x[:, :3, :3])[0, 1, 1, 0], x[0, 2, 2, 0], rtol=1e-6)
  assert halvings((7, 9), 2) == [(2, 3), (4, 5), (7, 9)]
