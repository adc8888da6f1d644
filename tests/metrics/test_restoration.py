"""PSNR and SSIM equal scikit-image's, and distances that grow with what they measure."""

import numpy as np
import pytest

from genjax_zoo.metrics.features import Features
from genjax_zoo.metrics.restoration import (
  gradient_ratio,
  laplacian_ratio,
  low_error,
  perceptual,
  psnr,
  ssim,
)

INDEX = np.arange(2 * 9 * 11 * 3).reshape(2, 9, 11, 3)
COLOUR = (INDEX * 37 % 256).astype(np.uint8)
NOISY = np.clip(COLOUR.astype(int) + INDEX * INDEX % 41 - 20, 0, 255).astype(np.uint8)
GRAY = (INDEX[..., :1] * 5 % 17).astype(np.uint8)
OTHER = ((INDEX[..., :1] * 5 + INDEX[..., :1] // 7) % 17).astype(np.uint8)


@pytest.mark.parametrize(
  ("pair", "num_values", "similarity", "decibels"),
  [
    # scikit-image 0.26: structural_similarity(channel_axis=-1), peak_signal_noise_ratio.
    ((COLOUR, NOISY), 256, (0.9850172623341648, 0.9850146309313432), (25.950473, 25.955167)),
    ((GRAY, OTHER), 17, (0.0028833667628325463, -0.013474493219851218), (7.173283, 7.155443)),
  ],
)
def test_values_are_those_of_scikit_image(pair, num_values, similarity, decibels):
  np.testing.assert_allclose(ssim(*pair, num_values), similarity, atol=1e-12)
  np.testing.assert_allclose(psnr(*pair, num_values), decibels, rtol=1e-6)


def test_equal_images_are_as_near_as_it_gets_and_frames_are_images():
  np.testing.assert_allclose(ssim(COLOUR, COLOUR, 256), 1)
  np.testing.assert_array_equal(psnr(COLOUR, COLOUR, 256), [100, 100])
  video, other = COLOUR[None], NOISY[None]  # One video of two frames.
  np.testing.assert_allclose(ssim(video, other, 256), [ssim(COLOUR, NOISY, 256).mean()])
  assert ssim(COLOUR[:, :4, :4], NOISY[:, :4, :4], 256).shape == (2,)


def test_perceptual_distance_is_one_minus_the_cosine():
  net = Features("toy", lambda batch: (batch["x"], None))
  a = {"x": np.array([[1.0, 0], [1, 1], [3, 4]])}
  b = {"x": np.array([[0, 2.0], [2, 2], [-3, -4]])}
  np.testing.assert_allclose(perceptual(a, b, net), [1, 0, 2], atol=1e-12)


def test_sharpness_of_waves_and_ramps_by_hand():
  """Stripes of period 2 and amplitude a: differences of 2 a along one axis, Laplacian of 4 a."""
  stripes = np.tile(np.array([0, 8]), (2, 6, 4))[..., None]
  flat = np.full_like(stripes, 4)
  assert gradient_ratio(stripes, flat) == laplacian_ratio(stripes, flat) == 0
  half = stripes // 2
  np.testing.assert_allclose(gradient_ratio(stripes, half), 0.5)
  np.testing.assert_allclose(laplacian_ratio(stripes, half), 0.25)
  square = stripes[:, :6, :6]
  turned = square.swapaxes(1, 2)
  np.testing.assert_allclose(laplacian_ratio(square, turned), 1)
  np.testing.assert_allclose(gradient_ratio(square, turned), 1)
  checks = (square + turned) % 16  # Both differences in one image, a Laplacian of 8 a.
  np.testing.assert_allclose(gradient_ratio(square, checks), 2)
  np.testing.assert_allclose(laplacian_ratio(square, checks), 4)
  # A ramp has edges and no detail.
  ramp = np.tile(np.arange(8), (2, 6, 1))[..., None]
  assert laplacian_ratio(stripes, ramp) == 0 < gradient_ratio(stripes, ramp)
  # One of two images counts for half.
  one = np.stack([stripes[0], flat[0]])
  np.testing.assert_allclose(gradient_ratio(stripes, one), 0.5)


def test_the_error_at_low_resolution_is_that_of_means_of_blocks():
  """Detail that averages out is no error; an image that is 3 levels brighter is off by 3."""
  low = np.arange(2 * 2 * 3 * 1).reshape(2, 2, 3, 1).astype(np.uint8) + 20
  images = low.repeat(2, 1).repeat(4, 2)
  np.testing.assert_array_equal(low_error(low, images), 0)
  stripes = np.where(np.arange(12) % 2, 1, -1)[None, None, :, None]
  np.testing.assert_array_equal(low_error(low, images + stripes), 0)
  np.testing.assert_allclose(low_error(low, images + np.array([3, 0])[:, None, None, None]), [3, 0])
