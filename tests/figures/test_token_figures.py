"""Figures of grids of codes: of a model whose codes are the gray levels of 2 x 2 blocks."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo import figures
from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures import tokens
from genjax_zoo.figures.kinds import palette
from tests.figures.test_figures import drawn, run_of
from tests.figures.test_pictures import scale_of, tiles

LEVELS = 17
CODES = np.random.default_rng(5).integers(0, LEVELS, (50, 2, 2), np.int32)


def blocks(codes):
  """Images [N, 4, 4, 1] whose blocks have these gray levels [N, 2, 2]."""
  return codes.repeat(2, 1).repeat(2, 2)[..., None].astype(np.uint8)


def gray(codes):
  """What is drawn of them."""
  return np.repeat(np.round(255.0 * blocks(codes) / (LEVELS - 1)), 3, -1)


def model(**changes):
  return Model(
    lambda *_: ({}, {}),
    encode=lambda params, state, batch, key: {"codes": batch["image"][:, ::2, ::2, 0] * 1},
    decode=lambda params, state, latents, key: {
      "image": jnp.repeat(jnp.repeat(latents["codes"], 2, 1), 2, 2)[..., None].astype(jnp.uint8)
    },
    latents={"codes": Field((2, 2), np.uint8, LEVELS, ordered=False)},
  )._replace(**changes)


def made(folder, **changes):
  fields = {"image": Field((4, 4, 1), np.uint8, LEVELS)}
  dataset = Dataset("random", fields, {"test": {"image": blocks(CODES)}})
  run = run_of(model(**changes), dataset, folder)
  captions = dict(figures.draw(run, dataset, folder))
  return captions, figures.held_out(run, dataset)["image"][:, ::2, ::2, 0]


def tiles_of(folder, name, columns):
  picture = drawn(folder, name)
  return tiles(picture, 4, 4, scale_of(picture, columns, 4))


def test_equal_codes_have_equal_colours_and_the_caption_counts_them(tmp_path):
  captions, codes = made(tmp_path)
  shown = tiles_of(tmp_path, "code_grids.png", 12)
  np.testing.assert_array_equal(shown[:2], np.stack([gray(codes[:12])] * 2))
  expected = palette(LEVELS)[codes[:12]].repeat(2, 1).repeat(2, 2)
  np.testing.assert_array_equal(shown[2], expected)
  count = np.bincount(CODES.ravel(), minlength=LEVELS)
  p = count[count > 0] / count.sum()
  perplexity = np.exp(-(p * np.log(p)).sum())
  line = f"of 17 codes {len(p)} are used, as many as {perplexity:.0f} that are used alike"
  assert line in captions["codebook_use.png"]
  assert "tokens_drawn.png" not in captions and "interpolations.png" not in captions


def test_codes_are_mixed_by_places_and_by_numbers(tmp_path):
  _, codes = made(tmp_path)
  shown = tiles_of(tmp_path, "mixed_codes.png", 11)
  first, last = gray(codes[:3]), gray(codes[3:6])
  for way in (shown[::2], shown[1::2]):
    np.testing.assert_array_equal(way[:, 0], first)
    np.testing.assert_array_equal(way[:, -1], last)
  places = shown[::2]
  assert ((places == first[:, None]) | (places == last[:, None])).all()
  a, b = np.array([[0, 3], [8, 1]]), np.array([[4, 4], [5, 6]])
  halves = tokens.places_exchanged(a, b, np.array([0.5]))
  assert (halves == a).sum() == (halves == b).sum() == 2
  np.testing.assert_array_equal(tokens.numbers_between(a, b, np.array([0.25])), [[[1, 3], [7, 2]]])


def test_tokens_are_drawn_row_by_row_and_the_rest_is_gray(tmp_path):
  samples = jax.random.randint(jax.random.key(3), (4, 2, 2), 0, LEVELS)
  part = lambda params, state, key, n, given: {"codes": samples[:n].astype(jnp.uint8)}
  made(tmp_path, parts={"latent_samples": part})
  shown = tiles_of(tmp_path, "tokens_drawn.png", 11)
  assert (shown[:, 0] == 128).all()
  np.testing.assert_array_equal(shown[:, -1], gray(np.asarray(samples)))
  half = shown[:, 5]  # Two of the four tokens.
  np.testing.assert_array_equal(half[:, :2], gray(np.asarray(samples))[:, :2])
  assert (half[:, 2:] == 128).all()


def test_of_two_grids_the_first_is_drawn_first():
  latents = {"top": np.ones((1, 1, 1), int), "bottom": np.full((1, 2, 2), 2)}
  usual = {"top": 5, "bottom": 7}
  codes, known = tokens.partly(latents, usual, ["top", "bottom"], 0)
  assert not known and codes["top"] == 5 and (codes["bottom"] == 7).all()
  codes, known = tokens.partly(latents, usual, ["top", "bottom"], 3)
  assert known and codes["top"] == 1
  np.testing.assert_array_equal(codes["bottom"], [[[2, 2], [7, 7]]])
