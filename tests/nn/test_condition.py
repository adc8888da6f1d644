"""How a condition enters: sinusoids at their frequencies, null vectors, masks of a sequence."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.nn.condition import Condition, condition_channels
from genjax_zoo.nn.dit import modulate, positions
from genjax_zoo.nn.embed import sinusoids

KEY, N, E = jax.random.key(0), 3, 6
NOISE = jnp.array([-4.0, 0.5, 3.0])


def silu(x):
  return x / (1 + np.exp(-x))


def dense(params, x):
  return x @ np.asarray(params["kernel"]) + np.asarray(params["bias"])


def conditioned(field, value, nulls, known=(1.0, 0.0, 1.0)):
  """(params, vector [N, E]) of a condition of one entry "c", and the layers of the noise."""
  net = Condition(E, (("c", field),), nulls)
  c = {"c": (value, jnp.array(known))}
  params = net.init(KEY, NOISE, c)["params"]
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(KEY, len(leaves))
  params = tree.unflatten([p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)])
  return params, net.apply({"params": params}, NOISE, c).vector


def of_noise(params):
  """A perceptron of the noise's sinusoids, 16 frequencies from 0.1 to 10."""
  angles = np.asarray(NOISE)[:, None] * np.geomspace(0.1, 10, 16)[None]
  h = np.concatenate([np.sin(angles), np.cos(angles)], -1)
  mlp = params["MLP_0"]
  return dense(mlp["Dense_1"], silu(dense(mlp["Dense_0"], h)))


def test_a_real_entry_is_null_plus_known_times_its_layer():
  """Where it is not known, its value is not seen; without a null vector known plays no part."""
  value = jax.random.normal(KEY, (N, 4))
  known = np.array([[1.0], [0.0], [1.0]])
  for nulls in ("c",), ():
    params, vector = conditioned(Field((4,), np.float32), value, nulls)
    entry = dense(params["Dense_0"], np.asarray(value))
    entry = np.asarray(params["null_c"])[None] + known * entry if nulls else entry
    np.testing.assert_allclose(vector, silu(of_noise(params) + entry), rtol=1e-4, atol=1e-5)


def test_a_camera_enters_by_the_harmonics_of_its_angles():
  """So that it is the same a whole turn further."""
  angles = jnp.array([[0.3, 0.1], [2.0, 0.5], [5.0, 1.0]])
  params, vector = conditioned(Field((2,), np.float32, kind="camera"), angles, ())
  times = np.concatenate([k * np.asarray(angles) for k in (1, 2, 3, 4)], -1)
  entry = dense(params["Dense_0"], np.concatenate([np.cos(times), np.sin(times)], -1))
  np.testing.assert_allclose(vector, silu(of_noise(params) + entry), rtol=1e-4, atol=1e-5)


def test_a_label_that_is_unknown_has_a_row_of_its_own():
  label = jnp.array([2, 2, 0])
  params, vector = conditioned(Field((), np.int32, 3), label, ("c",))
  table = np.asarray(params["Embed_0"]["embedding"])
  assert table.shape == (4, E)
  expected = silu(of_noise(params) + table[np.array([2, 3, 0])])
  np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-5)


def test_a_number_has_the_sinusoids_of_the_noise_s_frequencies():
  number = jnp.array([0.3, -1.0, 2.0])
  params, vector = conditioned(Field((), np.float32), number, ())
  entry = dense(params["Dense_0"], np.asarray(sinusoids(number)))
  np.testing.assert_allclose(vector, silu(of_noise(params) + entry), rtol=1e-4, atol=1e-5)


def test_a_caption_is_the_mean_of_its_words():
  words = jnp.array([[1, 2, 0, 0], [3, 1, 2, 0], [2, 2, 2, 2]])
  net = Condition(E, (("c", Field((4,), np.int32, 5)),), ("c",), text=8)
  known = jnp.array([1.0, 0.0, 1.0])
  params = net.init(KEY, NOISE, {"c": (words, known)})
  out = net.apply(params, NOISE, {"c": (words, known)})
  np.testing.assert_array_equal(out.mask, [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
  p = params["params"]
  mean = np.stack(
    [out.sequence[0, :2].mean(0), out.sequence[1, :3].mean(0), out.sequence[2].mean(0)]
  )
  pooled = np.asarray(known)[:, None] * dense(p["pooled_c"], mean)
  expected = silu(of_noise(p) + np.asarray(p["null_c"])[None] + pooled)
  np.testing.assert_allclose(out.vector[::2], expected[::2], rtol=1e-4, atol=1e-5)
  # A caption that is not known has no mean, and the null vector alone.
  np.testing.assert_allclose(out.vector[1], expected[1], rtol=1e-4, atol=1e-5)


def test_states_of_words_are_a_sequence_and_enter_by_their_mean():
  """What a frozen network read, with states of 0 as padding."""
  rng = np.random.default_rng(0)
  states = rng.normal(size=(N, 4, 3)).astype("f4")
  states[0, 2:] = 0
  known = np.array([1.0, 0.0, 1.0])
  net = Condition(E, (("c", Field((4, 3), np.float32, kind="states")),), ("c",), text=8)
  params = net.init(KEY, NOISE, {"c": (states, known)})
  out = net.apply(params, NOISE, {"c": (states, known)})
  np.testing.assert_array_equal(out.mask, [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
  p = params["params"]
  np.testing.assert_allclose(out.sequence, dense(p["states_c"], states), rtol=1e-4, atol=1e-5)
  mean = np.stack([states[0, :2].mean(0), states[1].mean(0), states[2].mean(0)])
  pooled = known[:, None] * dense(p["pooled_c"], mean)
  expected = silu(of_noise(p) + np.asarray(p["null_c"])[None] + pooled)
  np.testing.assert_allclose(out.vector, expected, rtol=1e-4, atol=1e-5)


def test_images_and_maps_are_channels_beside_whether_they_are_known():
  image = jnp.arange(N * 4).reshape(N, 2, 2, 1) % 5
  classes = jnp.arange(N * 4).reshape(N, 2, 2) % 3
  known = np.array([1.0, 0.0, 1.0])
  c = {"image": (image, known), "map": (classes, known), "label": (jnp.zeros(N), known)}
  fields = {
    "image": Field((2, 2, 1), np.uint8, 5),
    "map": Field((2, 2), np.int32, 3),
    "label": Field((), np.int32, 3),
  }
  out = condition_channels(c, tuple(fields.items()), (2, 2))
  ones = np.ones((N, 2, 2, 1))
  parts = [np.asarray(image) / 2 - 1, ones, np.eye(3)[np.asarray(classes)], ones]
  expected = np.concatenate(parts, -1) * known[:, None, None, None]
  np.testing.assert_allclose(out, expected, atol=1e-6)
  larger = condition_channels({"map": (classes, known)}, (("map", fields["map"]),), (4, 4))
  np.testing.assert_array_equal(larger[..., :3], expected[..., 2:5].repeat(2, 1).repeat(2, 2))
  assert condition_channels(c, (("label", fields["label"]),), (2, 2)) is None


def test_places_are_sinusoids_of_row_and_column():
  """From a tenth of a radian a pixel to 3."""
  frequencies = np.geomspace(0.1, 3.0, 2)
  place = np.asarray(positions((3, 5), 8))
  row, column = 2 * frequencies, 4 * frequencies
  expected = [*np.sin(row), *np.cos(row), *np.sin(column), *np.cos(column)]
  assert place.shape == (3, 5, 8)
  np.testing.assert_allclose(place[2, 4], expected, rtol=1e-5)


class Modulated(nn.Module):
  @nn.compact
  def __call__(self, h, scale, shift):
    return modulate(h, scale, shift)


def test_modulation_is_a_layer_norm_scaled_and_shifted():
  h, scale, shift = np.random.default_rng(0).normal(size=(3, 2, 4, 5)).astype("f4")
  norm = (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + 1e-6)
  expected = norm * (1 + scale[:, :1]) + shift[:, :1]
  found = Modulated().apply({}, jnp.array(h), scale[:, :1], shift[:, :1])
  np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
