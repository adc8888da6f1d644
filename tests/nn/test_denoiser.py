"""Networks of diffusion models: zero at the start, the right shapes, conditioned on all they are
told.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.models.diffusion._diffusion import network
from genjax_zoo.nn.denoiser import patches
from genjax_zoo.nn.embed import fourier, sinusoids
from genjax_zoo.nn.norm import GroupNorm

KEY = jax.random.key(0)
CASES = {
  "unet": dict(shape=(6, 6, 2), hidden=(8, 8), attention=(3,), patch=1),
  "dit": dict(shape=(6, 6, 2), hidden=(16, 16), patch=2, octaves=(1,)),
  "mlp": dict(shape=(5,), hidden=(16, 16), octaves=(0, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_zero_at_the_start_and_moved_by_all_that_it_is_told(name):
  options = dict(CASES[name])
  shape = options.pop("shape")
  net = network(name, shape, outputs=2, classes=3, **options)
  x, noise, label = (
    jax.random.normal(KEY, (4, *shape)),
    jnp.linspace(-5, 5, 4),
    jnp.array([0, 1, 2, 3]),
  )
  extra = jax.random.normal(KEY, (4, 7))
  params = jax.jit(net.init)(KEY, x, noise, label, extra)
  apply = jax.jit(net.apply)
  out = apply(params, x, noise, label, extra)
  assert out.shape == (4, *shape[:-1], 2 * shape[-1]) and out.dtype == jnp.float32 and not out.any()
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(KEY, len(leaves))
  params = jax.tree.unflatten(
    tree, [p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)]
  )
  base = apply(params, x, noise, label, extra)
  others = (
    (x + 1, noise, label, extra),
    (x, noise + 1, label, extra),
    (x, noise, label[::-1], extra),
  )
  for args in (*others, (x, noise, label, -extra)):
    assert (np.abs(apply(params, *args) - base).reshape(4, -1).max(-1) > 1e-4).all()
  alone = apply(params, x[1:2], noise[1:2], label[1:2], extra[1:2])
  np.testing.assert_allclose(alone, base[1:2], atol=1e-4)  # Examples don't see each other.


def test_group_norm_is_flax_s():
  x, scale, shift = (
    jax.random.normal(KEY, (3, 4, 5, 24)) * 3 + 1,
    jnp.full((3, 24), 0.5),
    jnp.full((3, 24), 2.0),
  )
  reference = nn.GroupNorm(num_groups=2, epsilon=1e-5)
  expected = reference.apply(reference.init(KEY, x), x)
  ours = GroupNorm()
  params = ours.init(KEY, x)
  # gcd(32, 24 / 4) = 2 groups.
  np.testing.assert_allclose(ours.apply(params, x), expected, atol=2e-5)
  np.testing.assert_allclose(ours.apply(params, x, scale, shift), expected * 1.5 + 2, atol=5e-5)


def test_patches_hold_neighbours_and_unfold():
  x = jnp.arange(2 * 4 * 6 * 3.0).reshape(2, 4, 6, 3)
  fold, unfold = patches(x.shape, 2)
  np.testing.assert_array_equal(fold(x)[0, 1, 2].reshape(2, 2, 3), x[0, 2:4, 4:6])
  np.testing.assert_array_equal(unfold(fold(x)), x)
  fold, unfold = patches(x.shape, 0)
  np.testing.assert_array_equal(unfold(fold(x)), x)


def test_features_of_numbers():
  x = jnp.array([0.0, 0.3])
  out = sinusoids(x, 4, 1.0, 2.0)
  np.testing.assert_allclose(
    out[1], [np.sin(0.3), np.sin(0.6), np.cos(0.3), np.cos(0.6)], rtol=1e-5
  )
  out = fourier(x[:, None], (0, 1))
  np.testing.assert_allclose(
    out[1],
    [np.sin(0.3 * np.pi), np.sin(0.6 * np.pi), *np.cos([0.3 * np.pi, 0.6 * np.pi])],
    rtol=1e-5,
  )


@pytest.mark.parametrize(
  "args, wrong",
  [
    (("unett", (8, 8, 1), (8,)), "did you mean 'unet'"),
    (("unet", (3,), (8,)), "take 'mlp'"),
    (("dit", (8, 8, 1), (8, 16)), "one width"),
  ],
)
def test_mistakes_are_named(args, wrong):
  with pytest.raises(UserError, match=wrong):
    network(*args)
  with pytest.raises(UserError, match="must divide"):
    network("unet", (7, 8, 1), (8,), patch=2)
