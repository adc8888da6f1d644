"""Windows over grids larger than those of training: where they lie, and what a token depends on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.tokens import _prior, _window, dalle
from genjax_zoo.models.tokens._stream import stream
from tests.models.tokens import toy

WORDS = Field((2,), np.int32, 3, ordered=False)
CODES = Field((2, 3), np.int32, 4, ordered=False)
STREAM = stream({"tokens": WORDS, "codes": CODES})
KEY = jax.random.key(0)


def test_a_window_has_its_token_as_near_to_its_centre_as_it_can():
  """The centre of a window of h rows is row h // 2: of all windows inside, the nearest one's."""
  for trained, whole in ((2, 5), (3, 7), (4, 4)):
    inside = np.arange(whole - trained + 1)
    for place in range(whole):
      nearest = inside[np.abs(inside + trained // 2 - place).argmin()]
      assert _window.corner(place, trained, whole) == nearest


def test_every_token_is_in_its_window_with_all_words():
  whole = _window.enlarged(STREAM, ["codes"], (4, 5))
  inside, places = _window.windows(STREAM, whole)
  assert inside.shape == (22, 8)
  np.testing.assert_array_equal(inside[np.arange(22), places], np.arange(22))
  np.testing.assert_array_equal(inside[:, :2], np.tile([0, 1], (22, 1)))
  # Row 2, column 3 of the codes: the window of rows 1 and 2 and columns 2 to 4.
  codes = 2 + np.arange(20).reshape(4, 5)
  token = codes[2, 3]
  np.testing.assert_array_equal(inside[token][2:], codes[1:3, 2:5].ravel())


def test_a_window_as_large_as_the_grid_is_the_grid():
  inside, places = _window.windows(STREAM, _window.enlarged(STREAM, ["codes"], (2, 3)))
  np.testing.assert_array_equal(inside, np.tile(np.arange(8), (8, 1)))
  np.testing.assert_array_equal(places, np.arange(8))


def test_a_token_depends_on_those_of_its_window_before_it_alone():
  p = _prior.prior({"tokens": WORDS, "codes": CODES}, 8, 1, 2, ("dense",), "float32")
  params = _prior.initial_params(p, KEY)
  noise = lambda x: x + 0.3 * jax.random.normal(jax.random.key(x.size), x.shape)
  params = jax.tree.map(noise, params)
  whole = _window.enlarged(STREAM, ["codes"], (4, 5))
  conditional, _ = _prior.conditional_of(p, params, {}, cached=False)
  logits = jax.jit(_window.through_windows(STREAM, whole, conditional))
  tokens = np.concatenate([np.zeros(2, int), np.full(20, 3)])
  changed = np.tile(tokens, (23, 1))
  changed[np.arange(22), np.arange(22)] += 1  # In row j token j is another; the last is as it was.
  inside, places = _window.windows(STREAM, whole)
  for i in (0, 1, 2, 9, 14, 21):
    found, _ = logits((), jnp.array(changed), i)
    moved = np.abs(found[:22] - found[22:]).max(1, where=np.isfinite(found[22:]), initial=0) > 1e-6
    assert set(np.flatnonzero(moved)) == set(inside[i][: places[i]])


@pytest.fixture(scope="module")
def model():
  model = dalle.model(toy.FIELDS, first=toy.first(), width=8, layers=1, heads=2, drop=0.5)
  params, state = model.init(KEY, toy.batch(), toy.FROZEN)
  noise = lambda x: x + 0.3 * jax.random.normal(jax.random.key(x.size), x.shape)
  return model, jax.tree.map(noise, params), state


@pytest.mark.parametrize("scale", [None, 2.0])
def test_sampling_a_grid_of_the_size_of_training_is_ordinary_sampling(model, scale):
  model, params, state = model
  given = {"tokens": toy.batch(16)["tokens"]}
  draw = lambda grid: model.parts["latent_samples"](
    params, state, KEY, 16, given, grid=grid, scale=scale
  )["codes"]
  codes = draw(toy.GRID)
  assert len(np.unique(codes)) > 1
  np.testing.assert_array_equal(codes, draw(None))


def test_a_larger_grid_makes_larger_images_of_the_same_caption(model):
  model, params, state = model
  tokens = toy.batch(3)["tokens"]
  found = model.sample(params, state, KEY, 3, {"tokens": tokens}, grid=(3, 5))
  assert found["image"].shape == (3, 3, 5, 1)
  np.testing.assert_array_equal(found["tokens"], tokens)
  assert model.calls(grid=(3, 5)) == 15 and model.calls(grid=(3, 5), scale=1.0) == 30
  # Codes that are given are kept.
  codes = np.ones((3, 3, 5), int)
  keep = np.broadcast_to(np.arange(15).reshape(3, 5) < 7, codes.shape)
  given = {"tokens": tokens, "codes": codes, "keep": keep}
  done = model.parts["latent_samples"](params, state, KEY, 3, given, grid=(3, 5))["codes"]
  assert (done[keep] == 1).all() and (done[~keep] != 1).any()


def test_grids_that_are_too_small_or_several_are_refused():
  for grid in ((1, 3), (2, 2), (4,)):
    with pytest.raises(UserError, match="as many as in training, \\(2, 3\\), or more"):
      _window.enlarged(STREAM, ["codes"], grid)
  with pytest.raises(UserError, match="one grid of codes, and these are top and bottom"):
    _window.enlarged(stream({"top": CODES, "bottom": CODES}), ["top", "bottom"], (4, 4))
