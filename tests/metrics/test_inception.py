"""Inception-v3: number of parameters, equality with torch-fidelity, resizing, wrong files.

inception.npz: names and shapes of the entries of torch-fidelity 0.4.0's
`FeatureExtractorInceptionV3` (torch 2.13), and what it returns for "2048" and
softmax("logits_unbiased") with the weights and images below.
"""

import jax
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.metrics.inception import inception, resize, variables_of
from tests.metrics.references import FIXTURES


@pytest.fixture(scope="module")
def reference():
  with np.load(FIXTURES / "inception.npz") as file:
    return dict(file)


@pytest.fixture(scope="module")
def state(reference):
  """Random weights: convolutions after He, normalisation near the identity."""
  rng, found = np.random.default_rng(4), {}
  for name, shape in zip(reference["names"], reference["shapes"]):
    name, shape = name.decode(), tuple(int(n) for n in shape if n)
    noise = rng.standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
      found[name] = noise * np.float32(np.sqrt(2 / np.prod(shape[1:])))
    elif name.endswith("var"):
      found[name] = np.exp(0.1 * noise)
    else:
      found[name] = 0.1 * noise + np.float32(name.endswith("bn.weight"))
  return found


@pytest.fixture(scope="module")
def extract(state, tmp_path_factory):
  path = tmp_path_factory.mktemp("weights") / "inception.npz"
  np.savez(path, **state)
  return inception(path)


def test_parameter_count(state):
  """Keras has 23,817,352 trainable of 23,851,784 parameters, without 17,216 scales of its norms.

  The 34,432 others are the stored means and variances of 17,216 channels. Here there are 1,008
  classes for 1,000.
  """
  variables = variables_of(state)
  count = lambda tree: sum(x.size for x in jax.tree.leaves(tree))
  assert count(variables["params"]) == 23_817_352 + 17_216 + 8 * 2049 == 23_850_960
  assert count(variables["batch_stats"]) == 34_432


def test_equals_torch_fidelity(extract, reference):
  images = (
    np.random.default_rng(5)
    .integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    .repeat(8, 1)
    .repeat(8, 2)
  )
  seen = []
  features, probabilities = extract(
    images, batch=1, progress=lambda blocks: seen.extend(blocks) or blocks
  )
  np.testing.assert_allclose(features, reference["features"], atol=1e-4)
  np.testing.assert_allclose(probabilities, reference["probabilities"], rtol=1e-3)
  assert (
    np.abs(reference["features"][0] - reference["features"][1]).mean() > 100 * 1e-4
    and len(seen) == 2
  )


def test_grey_images_of_few_values_are_coloured_ones_of_256(extract):
  grey = np.random.default_rng(6).integers(0, 2, (1, 40, 32, 1), dtype=np.uint8)
  np.testing.assert_allclose(
    extract(grey, num_values=2)[0],
    extract(grey.repeat(3, -1) * np.uint8(255), batch=1)[0],
    atol=1e-4,
  )
  with pytest.raises(UserError, match=r"images of shape \(2, 6, 6\)"):
    extract(np.zeros((2, 6, 6)))


@pytest.mark.parametrize("h, w", [(8, 28), (32, 5), (299, 299), (500, 310)])
def test_resizing_puts_output_i_at_i_h_over_299(h, w):
  """A plane stays one, shifted by no half pixel, but constant past the last row and column."""
  row, column = np.arange(h)[:, None], np.arange(w)[None]
  image = (3.0 * row + 2.0 * column).astype("f4")[None, :, :, None]
  at = lambda n: np.minimum(np.arange(299) * n / 299, n - 1)
  np.testing.assert_allclose(
    resize(image)[0, :, :, 0], 3 * at(h)[:, None] + 2 * at(w)[None], rtol=1e-4, atol=1e-2
  )


def test_wrong_files_are_named(state, tmp_path):
  with pytest.raises(
    UserError, match=r"there is no weight file .*pt_inception-2015-12-05-6726825d\.pth"
  ):
    inception(str(tmp_path / "pt_inception-2015-12-05-6726825d.pth"))
  with pytest.raises(
    UserError, match=r"fc\.weight has shape \(2048, 1000\), expected \(2048, 1008\)"
  ):
    variables_of(state | {"fc.weight": np.zeros((1000, 2048))})
  with pytest.raises(UserError, match=r"the weights lack Mixed_7c\.branch1x1\.bn\.running_var"):
    variables_of(
      {name: x for name, x in state.items() if name != "Mixed_7c.branch1x1.bn.running_var"}
    )
