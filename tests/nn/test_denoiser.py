"""Networks of diffusion models: 0 at the start, right shapes, moved by all that they are given."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.nn.denoiser import patches
from genjax_zoo.nn.embed import fourier_features, sinusoids
from genjax_zoo.nn.norm import GroupNorm

KEY, N = jax.random.key(0), 4
IMAGE = (6, 6, 2)
CASES = {
  "unet": (IMAGE, dict(hidden=(8, 8), attention=(3,), patch=1)),
  "dit": (IMAGE, dict(width=16, depth=2, patch=2, fourier=(1,))),
  "mlp": ((5,), dict(hidden=(16, 16), fourier=(0, 1))),
  "set": ((7, 3), dict(width=16, depth=2, fourier=(0,))),
}
VECTORS = {"label": Field((), np.int32, 3), "code": Field((7,), np.float32)}
FIELDS = VECTORS | {"tokens": Field((5,), np.int32, 6), "low": Field((3, 3, 1), np.uint8, 256)}


def condition(fields):
  """A condition of random values, all known."""
  rng = np.random.default_rng(0)
  draw = lambda f: rng.integers(1, f.num_values, (N, *f.shape)) if f.num_values else None
  real = lambda f: rng.normal(size=(N, *f.shape)).astype(np.float32)
  value = lambda f: jnp.asarray(draw(f) if f.num_values else real(f))
  return {name: (value(f), jnp.ones(N)) for name, f in fields.items()}


def perturbed(params):
  """Parameters with which no output is 0."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(KEY, len(leaves))
  moved = [p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)]
  return jax.tree.unflatten(tree, moved)


@pytest.mark.parametrize("name", CASES)
def test_zero_at_the_start_and_moved_by_all_that_it_is_given(name):
  shape, options = CASES[name]
  fields = VECTORS if name in ("mlp", "set") else FIELDS
  net = make_network({"name": name, **options}, shape, 2, fields, nulls=tuple(fields))
  x, noise, c = jax.random.normal(KEY, (N, *shape)), jnp.linspace(-5, 5, N), condition(fields)
  params = jax.jit(net.init)(KEY, x, noise, c)
  apply = jax.jit(net.apply)
  out = apply(params, x, noise, c)
  assert out.shape == (N, *shape[:-1], 2 * shape[-1]) and out.dtype == jnp.float32 and not out.any()
  params = perturbed(params)
  base = apply(params, x, noise, c)
  moved = lambda other: (np.abs(other - base).reshape(N, -1).max(-1) > 1e-4).all()
  assert moved(apply(params, x + 1, noise, c)) and moved(apply(params, x, noise + 1, c))
  for entry, (value, known) in c.items():
    other = (value + 1) % 6 if entry == "tokens" else value - 1
    assert moved(apply(params, x, noise, c | {entry: (other, known)})), entry
    # Where it is not known, its value is not looked at, and the null condition is another.
    off, off_other = (c | {entry: (v, jnp.zeros(N))} for v in (value, other))
    np.testing.assert_array_equal(apply(params, x, noise, off), apply(params, x, noise, off_other))
    assert moved(apply(params, x, noise, off)), entry
  one = jax.tree.map(lambda a: a[1:2], c)
  alone = apply(params, x[1:2], noise[1:2], one)
  np.testing.assert_allclose(alone, base[1:2], atol=1e-4)  # Examples do not depend on each other.


@pytest.mark.parametrize("name", ["dit", pytest.param("unet", marks=pytest.mark.slow)])
def test_the_null_condition_reaches_no_input_and_padding_changes_nothing(name):
  """The Jacobian of what is not known is 0: of real values, images, and the vectors of words."""
  shape, options = CASES[name]
  net = make_network({"name": name, **options}, shape, 1, FIELDS, nulls=tuple(FIELDS))
  x, noise, c = jax.random.normal(KEY, (N, *shape)), jnp.linspace(-5, 5, N), condition(FIELDS)
  c["tokens"] = (c["tokens"][0].at[:, 3:].set(0), jnp.ones(N))  # Two words of padding.
  params = perturbed(jax.jit(net.init)(KEY, x, noise, c))
  real = ("code", "low")

  @jax.jit
  def gradients(known):
    """Of the output's sum of squares, by the real values and by the parameters."""

    def output(values, params):
      given = {k: (values[k] if k in real else v, known * jnp.ones(N)) for k, (v, _) in c.items()}
      return (net.apply(params, x, noise, given) ** 2).sum()

    values = {k: c[k][0].astype(jnp.float32) for k in real}
    return jax.grad(output, (0, 1))(values, params)

  (values, weights), (no_values, no_weights) = gradients(1.0), gradients(0.0)
  for k in real:
    assert jnp.abs(values[k]).max() > 0 and not no_values[k].any()
  words = lambda tree: jax.tree_util.tree_flatten_with_path(tree)[0]
  of_text = lambda tree: [g for path, g in words(tree) if "text_tokens" in str(path)]
  assert of_text(weights) and all(jnp.abs(g).max() > 0 for g in of_text(weights))
  assert not any(g.any() for g in of_text(no_weights))
  # No gradient by the vector of padding, its place, or what is computed there.
  (table,) = [g for g in of_text(weights) if g.shape[0] == FIELDS["tokens"].num_values]
  (places,) = [g for g in of_text(weights) if g.shape[0] == 5 and g.ndim == 2]
  assert not table[0].any() and not places[3:].any() and jnp.abs(places[:3]).min() > 0


@pytest.mark.parametrize(
  "shape, field",
  [
    ((5,), Field((4, 4, 3), np.uint8, 256)),  # An image, for vectors.
    (IMAGE, Field((2, 4, 4, 3), np.uint8, 256)),  # A video.
    (IMAGE, Field((4, 4), np.float32)),  # A map of real numbers.
  ],
)
def test_a_condition_that_no_network_takes_is_refused(shape, field):
  name = "mlp" if len(shape) == 1 else "unet"
  with pytest.raises(UserError, match="no network of data"):
    make_network({"name": name}, shape, fields={"given": field})


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


def test_patches_of_videos_and_sequences_have_a_size_along_each_axis():
  x = jnp.arange(2 * 4 * 2 * 6 * 3.0).reshape(2, 4, 2, 6, 3)
  fold, unfold = patches(x.shape, (2, 1, 3))
  assert fold(x).shape == (2, 2, 2, 2, 18)
  np.testing.assert_array_equal(fold(x)[1, 1, 0, 1].reshape(2, 1, 3, 3), x[1, 2:, :1, 3:])
  np.testing.assert_array_equal(unfold(fold(x)), x)
  fold, unfold = patches((2, 6, 5), (3,))
  sequence = jnp.arange(60.0).reshape(2, 6, 5)
  np.testing.assert_array_equal(fold(sequence), sequence.reshape(2, 2, 15))
  np.testing.assert_array_equal(unfold(fold(sequence)), sequence)


def test_features_of_numbers():
  x = jnp.array([0.0, 0.3])
  out = sinusoids(x, 4, 1.0, 2.0)
  np.testing.assert_allclose(
    out[1], [np.sin(0.3), np.sin(0.6), np.cos(0.3), np.cos(0.6)], rtol=1e-5
  )
  out = fourier_features(x[:, None], (0, 1))
  np.testing.assert_allclose(
    out[1],
    [np.sin(0.3 * np.pi), np.sin(0.6 * np.pi), *np.cos([0.3 * np.pi, 0.6 * np.pi])],
    rtol=1e-5,
  )


@pytest.mark.parametrize(
  "network, shape, wrong",
  [
    ({"name": "unett"}, (8, 8, 1), "did you mean 'unet'"),
    ({"name": "unet"}, (3,), "take 'mlp'"),
    ({"name": "dit", "width": 6}, (8, 8, 1), "multiple of 4"),
    ({"name": "unet", "patch": 2}, (7, 8, 1), "must divide"),
    ({"name": "unet", "hidden": ()}, (8, 8, 1), "at least one width"),
    ({"name": "mlp", "hidden": (8, 0)}, (3,), "model.network.hidden"),
  ],
)
def test_mistakes_are_named(network, shape, wrong):
  with pytest.raises(UserError, match=wrong):
    make_network(network, shape)
