"""A transformer of one to three axes of places: what attends to what, by its Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.nn.condition import Conditioning
from genjax_zoo.nn.dit import SpaceTimeBlock, positions
from genjax_zoo.nn.embed import sinusoids
from tests.nn.test_denoiser import perturbed

KEY = jax.random.key(0)
TOKENS = {"tokens": Field((3,), np.int32, 4)}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 1, 2)])
def test_frames_look_at_later_ones_unless_time_is_causal(shape, causal):
  """By the Jacobian of every frame by every frame; a caption is seen by all."""
  options = {"name": "dit", "width": 8, "depth": 1, "causal": causal}
  net = make_network(options, shape, 1, TOKENS, nulls=("tokens",))
  x = jax.random.normal(KEY, (1, *shape))
  caption = lambda word: {"tokens": (jnp.array([[word, 2, 0]]), jnp.ones(1))}
  params = perturbed(jax.jit(net.init)(KEY, x, jnp.zeros(1), caption(1)))
  frames = lambda x, c: net.apply(params, x, jnp.zeros(1), c)[0].reshape(shape[0], -1)

  @jax.jit
  def jacobian(x):
    """Of the outputs' frames, by the first number of each frame of x: [T, T of out, ...]."""
    moves = jnp.zeros((shape[0], *x.shape)).at[jnp.arange(shape[0]), 0, jnp.arange(shape[0])].set(1)
    return jax.vmap(lambda move: jax.jvp(lambda x: frames(x, caption(1)), (x,), (move,))[1])(moves)

  seen = np.abs(jacobian(x)).max(-1).T > 1e-6
  expected = np.tri(shape[0], dtype=bool) if causal else np.ones((shape[0],) * 2, bool)
  np.testing.assert_array_equal(seen, expected)
  words = jax.jit(jax.vmap(lambda word: frames(x, caption(word))))(jnp.array([1, 3]))
  assert (np.abs(words[0] - words[1]).max(-1) > 1e-5).all()


def test_attention_is_over_space_and_then_over_time():
  """A block mixes the places of a frame, and then the times of a place; causal, earlier ones."""
  h = jax.random.normal(KEY, (1, 3, 4, 8))
  c = Conditioning(jax.random.normal(KEY, (1, 8)))
  block = SpaceTimeBlock(0.0, False, "float32", causal=True)
  params = perturbed(jax.jit(block.init)(KEY, h, c))
  parts = params["params"]
  still = jax.tree.map(jnp.zeros_like, parts["time"])  # Its gates are 0: the identity.
  without_time = {"params": parts | {"time": still}}

  moves = jnp.zeros((13, 1, 12, 8)).at[jnp.arange(12), 0, jnp.arange(12), 0].set(1.0)

  @jax.jit
  def influence(params):
    """Whether out[frame, place] changes where h[frame', place'] does; the last move is none."""
    outputs = jax.vmap(lambda move: block.apply(params, h + move.reshape(h.shape), c)[0][0])(moves)
    changes = abs(outputs[:12] - outputs[12:]).max(-1)
    return (changes > 1e-6).reshape(3, 4, 3, 4).transpose(2, 3, 0, 1)

  of_places = lambda frames: np.broadcast_to(frames[:, None, :, None], (3, 4, 3, 4))
  np.testing.assert_array_equal(influence(without_time), of_places(np.eye(3, dtype=bool)))
  np.testing.assert_array_equal(influence(params), of_places(np.tri(3, dtype=bool)))


def test_places_along_three_axes_share_the_width_equally():
  place = np.asarray(positions((2, 3, 4), 15))
  assert place.shape == (2, 3, 4, 15)
  for axis, size in enumerate((2, 3, 4)):
    sines = np.asarray(sinusoids(jnp.arange(size, dtype=jnp.float32), 4, 0.1, 3.0))
    part = np.moveaxis(place[..., 4 * axis : 4 * axis + 4], axis, 0)
    np.testing.assert_allclose(part, np.broadcast_to(sines[:, None, None], part.shape), atol=1e-6)
  assert not place[..., 12:].any()
