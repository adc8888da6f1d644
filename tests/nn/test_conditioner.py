"""Networks of couplings: 0 at the start, and kinks spread over the inputs."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import kstest

from genjax_zoo.nn.conditioner import ConvConditioner, DenseConditioner

KEY = jax.random.key(0)


def test_biases_are_uniform_by_the_number_of_inputs():
  """In +-2 / sqrt(inputs)."""
  params = DenseConditioner((2000, 4), (3, 2)).init(KEY, jnp.zeros((1, 9)))["params"]
  assert kstest(params["Dense_0"]["bias"], "uniform", (-2 / 3, 4 / 3)).pvalue > 1e-3
  assert np.abs(params["Dense_1"]["bias"]).max() < 2 / 2000**0.5


def test_every_element_has_its_parameters_which_start_at_0():
  dense, conv = DenseConditioner((8,), (3, 2)), ConvConditioner(8, 1, (3, 2))
  for net, shape in (dense, (5,)), (conv, (4, 6, 2)):
    x = jax.random.normal(KEY, (2, *shape))
    out, params = net.init_with_output(KEY, x)
    assert out.shape == (2, *shape[:-1], 3, 2) and out.dtype == jnp.float32 and not out.any()
    moved = net.apply(jax.tree.map(lambda p: p + 0.3, params), x)
    assert np.abs(moved[0] - moved[1]).max() > 1e-3
