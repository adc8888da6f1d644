"""Pictures show the arrays they are made of, pixel by pixel; figures show what a model that is known does."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest

from genjax_zoo import figures, pictures
from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.pictures import BORDER, GRAY, WIDTH, beside, clouds, grid, save, save_arrays, show, unit
from genjax_zoo.run import Run
from genjax_zoo.sharding import make_mesh


def tiles(picture, h, w, scale=1):
  """The tiles of a grid of h x w images, [rows, columns, h, w, 3]; the inverse of `grid`."""
  H, W = h * scale + BORDER, w * scale + BORDER
  rows, columns = (picture.shape[0] - BORDER) // H, (picture.shape[1] - BORDER) // W
  assert picture.shape == (rows * H + BORDER, columns * W + BORDER, 3) and picture.dtype == np.uint8
  inner = picture[BORDER:, BORDER:].reshape(rows, H, columns, W, 3).swapaxes(1, 2)[:, :, :-BORDER, :-BORDER]
  blocks = inner.reshape(rows, columns, h, scale, w, scale, 3)
  assert (blocks == blocks[:, :, :, :1, :, :1]).all()  # Nearest neighbour: each pixel is a block of one colour.
  return blocks[:, :, :, 0, :, 0]


def scale_of(picture, columns, w):
  return ((picture.shape[1] - BORDER) // columns - BORDER) // w


@pytest.mark.parametrize("columns, scale", [(2, 1), (3, 4), (5, 2), (7, 1)])
def test_grid_shows_each_image_in_its_tile(columns, scale):
  images = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 3), np.uint8)
  picture = grid(images, 256, columns, scale)
  found = tiles(picture, 3, 4, scale).reshape(-1, 3, 4, 3)
  np.testing.assert_array_equal(found[:5], images)
  assert (found[5:] == GRAY).all() and len(found) == -(-5 // columns) * columns


def test_grid_is_gray_between_the_tiles():
  picture = grid(np.full((4, 2, 2, 1), 255, np.uint8), 256, 2, 3)
  white = (picture == 255).all(-1)
  assert white.sum() == 4 * 36 and (picture[~white] == GRAY).all()
  assert not white[:BORDER].any() and not white[-BORDER:].any() and not white[:, -BORDER:].any()


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_gray_levels_span_black_to_white(levels):
  images = np.arange(levels, dtype=np.uint8).reshape(1, 1, levels, 1)
  found = tiles(grid(images, levels, 1, 1), 1, levels)[0, 0, 0]
  np.testing.assert_array_equal(found[:, 0], np.round(np.linspace(0, 255, levels)))
  assert (found == found[:, :1]).all()


def test_integers_and_their_floats_look_the_same():
  images = np.random.default_rng(1).integers(0, 17, (6, 8, 8, 1), np.uint8)
  np.testing.assert_array_equal(grid(images, 17), grid(images / 16.0))
  np.testing.assert_array_equal(grid(images, 17), grid(jnp.asarray(images, jnp.bfloat16) / 16))
  np.testing.assert_array_equal(grid(images > 8, 2), grid((images > 8).astype(np.int64), 2))


def test_floats_out_of_range_are_clipped_and_nan_is_black():
  np.testing.assert_array_equal(unit(np.array([-1.0, 0.25, 3.0, np.nan, np.inf])), [0, 0.25, 1, 0, 1])


def test_opacity_is_over_white():
  rgba = np.array([[[[255, 0, 0, 255], [255, 0, 0, 0]]]], np.uint8)
  np.testing.assert_array_equal(tiles(grid(rgba, 256, 1, 1), 1, 2)[0, 0, 0], [[255, 0, 0], [255, 255, 255]])


@pytest.mark.parametrize("n, size", [(64, 8), (64, 28), (100, 32), (64, 64), (9, 128), (1, 8), (3, 256), (2, 1200)])
def test_grids_fit_the_page_and_are_as_large_as_fits(n, size):
  picture = grid(np.full((n, size, size, 1), 255, np.uint8), 256)
  starts = np.diff((picture[BORDER, :, 0] == 255).astype(int)) == 1  # Where a white tile of the first row begins.
  columns, scale = starts.sum(), scale_of(picture, starts.sum(), size)
  assert picture.shape[0] == -(-n // columns) * (size * scale + BORDER) + BORDER
  assert picture.shape[1] <= max(WIDTH, 2 * (size + BORDER) + BORDER)
  assert scale == 1 or size * scale <= pictures.TILE
  larger = size * (scale + 1)
  assert larger > pictures.TILE or columns * (larger + BORDER) + BORDER > WIDTH
  if n == 64 and size < 64:
    assert columns == 8 and picture.shape[1] >= 600


def test_beside_keeps_the_pictures():
  a, b = (np.random.default_rng(2).integers(0, 255, s, np.uint8) for s in ((4, 5, 3), (7, 2, 3)))
  both = beside(a, b, gap=3)
  assert both.shape == (7, 10, 3)
  np.testing.assert_array_equal(both[:4, :5], a)
  np.testing.assert_array_equal(both[:, 8:], b)


def test_clouds_show_where_points_are_and_which_are_near():
  up, down, near, far = [0, 0, 1.0], [0, 0, -1.0], [0, -1.0, 0], [0, 1.0, 0]
  image = clouds(np.array([[up, down, near, far]]), size=65)[0, ..., 0]
  rows, columns = np.nonzero(image)
  assert len(rows) == 4 and columns[0] == columns[-1] == 32 and rows[0] + rows[-1] == 64
  low, high = sorted(image[rows, columns])[0], sorted(image[rows, columns])[-1]
  assert image[rows[1], columns[1]] == low and image[rows[2], columns[2]] == high  # Seen from above: near is lower.
  assert 0 < low < high <= 1
  np.testing.assert_allclose(
    clouds(7 * np.array([[up, down, near]]) + 3), clouds(np.array([[up, down, near]])), atol=1e-6
  )


def numbers(shape, levels=None):
  x = np.random.default_rng(3).normal(size=(40, *shape)).astype(np.float32)
  return x if levels is None else np.clip(np.round(x + levels / 2), 0, levels - 1).astype(np.int32)


@pytest.mark.parametrize(
  "name, shape, levels",
  [
    ("x", (2,), None), ("x", (), None), ("x", (1,), None), ("x", (12,), None), ("x", (12,), 2), ("label", (), 10),
    ("tokens", (16,), 30), ("points", (50, 3), None), ("image", (8, 8, 1), 17), ("image", (8, 8, 3), None),
  ],
)  # fmt: skip
def test_each_kind_of_data_is_shown(name, shape, levels):
  fields = {name: Field(shape, np.float32 if levels is None else np.int32, levels)}
  batch = {name: numbers(shape, levels)}
  picture = show(batch, fields)
  assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3 and np.ptp(picture) > 100
  np.testing.assert_array_equal(show(batch | {"weight": np.ones(40)}, fields), picture)
  batch[name] = batch[name][::2] * 0
  other = show(batch, fields)
  assert other.shape != picture.shape or (other != picture).any()


def test_show_prefers_images_and_leaves_out_what_it_cannot_show():
  fields = {
    "label": Field((), np.int32, 10),
    "tokens": Field((5,), np.int32, 9),
    "image": Field((4, 4, 1), np.uint8, 256),
  }
  batch = {k: np.zeros((9, *f.shape), f.dtype) for k, f in fields.items()}
  np.testing.assert_array_equal(show(batch, fields), grid(batch["image"], 256))
  assert show({}, fields) is None
  assert show({"mask": np.ones((9, 5))}, fields | {"mask": Field((5,), bool)}) is None
  assert show({"voxels": np.ones((2, 5, 5, 5))}, {"voxels": Field((5, 5, 5), np.float32)}) is None


def test_scatter_leaves_pyplot_alone():
  show({"x": numbers((2,))}, {"x": Field((2,), np.float32)})
  pyplot = sys.modules.get("matplotlib.pyplot")
  assert pyplot is None or not pyplot.get_fignums()


def test_files_hold_what_was_saved(tmp_path):
  picture = np.random.default_rng(4).integers(0, 255, (5, 6, 3), np.uint8)
  save(tmp_path / "new" / "a.png", picture)
  save_arrays(tmp_path / "new" / "a.npz", {"x": picture})
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), picture)
  np.testing.assert_array_equal(np.load(tmp_path / "new" / "a.npz")["x"], picture)
  assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.npz", "a.png"]


def test_a_failed_save_leaves_the_file_that_was_there(tmp_path):
  picture = np.zeros((2, 2, 3), np.uint8)
  save(tmp_path / "a.png", picture)
  with pytest.raises(Exception):  # noqa: B017
    save(tmp_path / "a.png", np.zeros((2, 2, 5), np.complex64))
  np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)


# Figures of a model whose latents are the pixels: what it decodes is known.

SHAPE, LEVELS = (2, 3, 1), 17


def pixels(**changes):
  """A model of images whose latent z is the image, as floats."""
  encode = lambda params, state, batch, key: {"z": batch["image"].reshape(-1, 6) / (LEVELS - 1)}

  def decode(params, state, latents, key):
    x = jnp.clip(jnp.round(latents["z"] * (LEVELS - 1)), 0, LEVELS - 1)
    return {"image": x.reshape(-1, *SHAPE).astype(jnp.uint8)}

  def sample(params, state, key, n, given={}):
    return {"image": jax.random.randint(key, (n, *SHAPE), 0, LEVELS).astype(jnp.uint8)}

  return Model(lambda key, batch: ({}, {}), sample=sample, encode=encode, decode=decode)._replace(**changes)


def images_of(n=50):
  rng = np.random.default_rng(5)
  image, label = rng.integers(0, LEVELS, (n, *SHAPE), np.uint8), rng.integers(0, 10, n)
  fields = {"image": Field(SHAPE, np.uint8, LEVELS), "label": Field((), np.int32, 10)}
  return Dataset("random", fields, {"test": {"image": image, "label": label.astype(np.int32)}})


def run_of(model, dataset, folder, **sample):
  return Run(
    model,
    {},
    {},
    {"model": {"name": "toy"}, "sample": {"n": 16, "seed": 0} | sample},
    dataset.fields,
    0,
    folder,
    make_mesh(),
  )


def drawn(folder, name):
  return np.asarray(Image.open(folder / name))


def test_figures_of_images_that_are_their_own_latents(tmp_path):
  dataset = images_of()
  run = run_of(pixels(), dataset, tmp_path)
  captions = dict(figures.draw(run, dataset, tmp_path))
  names = ["samples", "reconstructions", "interpolations", "traversals", "latent_map"]
  assert list(captions) == [f"{name}.png" for name in names]
  assert {p.name for p in tmp_path.glob("*.png")} == set(captions)
  assert dict(json.loads((tmp_path / "captions.json").read_text())) == captions
  test = figures.held_out(run, dataset)
  original = pictures.colours(unit(test["image"], LEVELS))

  rows = tiles(picture := drawn(tmp_path, "reconstructions.png"), 2, 3, scale_of(picture, 12, 3))
  assert rows.shape[:2] == (4, 12)
  np.testing.assert_array_equal(rows[::2].reshape(24, 2, 3, 3), original[:24])
  np.testing.assert_array_equal(rows[1::2], rows[::2])

  rows = tiles(picture := drawn(tmp_path, "interpolations.png"), 2, 3, scale_of(picture, 11, 3))
  np.testing.assert_array_equal(rows[:, 0], original[:6])
  np.testing.assert_array_equal(rows[:, -1], original[6:12])
  middle = np.round((test["image"][:6].astype(float) + test["image"][6:12]) / 2 - 1e-9)
  assert np.abs(rows[:, 5, :, :, :1] / 255 * 16 - middle).max() < 1.1

  rows = tiles(picture := drawn(tmp_path, "traversals.png"), 2, 3, scale_of(picture, 11, 3)).reshape(6, 11, 6, 3)
  z = test["image"].reshape(-1, 6) / 16
  for i in range(6):
    others = [j for j in range(6) if j != i]
    assert (rows[i][:, others] == original[0].reshape(6, 3)[others]).all()
    expected = np.clip(z[:, i].mean() + np.linspace(-3, 3, 11) * z[:, i].std(), 0, 1)
    np.testing.assert_allclose(rows[i, :, i, 0] / 255, expected, atol=1 / 31)


def test_the_mean_takes_the_place_of_decode(tmp_path):
  dataset = images_of()
  mean = lambda params, state, latents: jnp.full((len(latents["z"]), *SHAPE), 0.4)
  figures.draw(run_of(pixels(parts={"mean": mean}), dataset, tmp_path), dataset, tmp_path)
  rows = tiles(picture := drawn(tmp_path, "reconstructions.png"), 2, 3, scale_of(picture, 12, 3))
  assert (rows[1::2] == 102).all() and np.ptp(rows[::2]) > 200


def test_codes_are_decoded_but_not_interpolated(tmp_path):
  dataset = images_of()
  encode = lambda params, state, batch, key: {"codes": batch["image"].astype(jnp.int32)}
  decode = lambda params, state, latents, key: {"image": latents["codes"].astype(jnp.uint8)}
  made = dict(figures.draw(run_of(pixels(encode=encode, decode=decode), dataset, tmp_path), dataset, tmp_path))
  assert list(made) == ["samples.png", "reconstructions.png"]


def test_labels_among_latents_stay_as_they_are(tmp_path):
  dataset, model = images_of(), pixels()
  encode = lambda p, s, batch, key: model.encode(p, s, batch, key) | {"label": batch["label"]}

  def decode(params, state, latents, key):  # All pixels tell the label.
    return {"image": jnp.broadcast_to(latents["label"][:, None, None, None] / 10.0, (len(latents["z"]), *SHAPE))}

  run = run_of(pixels(encode=encode, decode=decode), dataset, tmp_path)
  figures.draw(run, dataset, tmp_path)
  label = figures.held_out(run, dataset)["label"]
  for name, expected in ("interpolations", label[:6]), ("traversals", np.repeat(label[:1], 6)):
    rows = tiles(picture := drawn(tmp_path, f"{name}.png"), 2, 3, scale_of(picture, 11, 3))
    assert (np.round(rows / 25.5) == expected[:, None, None, None, None]).all()


def test_a_plane_of_latents_is_decoded_at_gaussian_quantiles(tmp_path):
  dataset = images_of()
  encode = lambda params, state, batch, key: {"z": batch["image"].reshape(-1, 6)[:, :2] / 16}

  def decode(params, state, latents, key):
    return {"image": jnp.repeat(latents["z"], 3, 1).reshape(-1, *SHAPE)}  # Row 0: the first latent; row 1: the second.

  run = run_of(pixels(encode=encode, decode=decode), dataset, tmp_path)
  assert "latent_grid.png" in dict(figures.draw(run, dataset, tmp_path))
  rows = tiles(picture := drawn(tmp_path, "latent_grid.png"), 2, 3, scale_of(picture, 20, 3))[..., 0] / 255
  z = figures.held_out(run, dataset)["image"].reshape(-1, 6)[:, :2] / 16
  from scipy.stats import norm

  for axis, found in (0, rows[7, :, 0, 0]), (1, rows[::-1, 7, 1, 0]):  # To the right, and upwards.
    expected = norm.ppf((np.arange(20) + 0.5) / 20, z[:, axis].mean(), z[:, axis].std())
    np.testing.assert_allclose(found, np.clip(expected, 0, 1), atol=1 / 254)


def test_one_failing_figure_loses_no_other(tmp_path):
  dataset = images_of()

  def broken(params, state, latents, key):
    raise ValueError("no such decoder\nmore")

  said = []
  (tmp_path / "reconstructions.png").write_bytes(b"of an earlier run")
  made = dict(figures.draw(run_of(pixels(decode=broken), dataset, tmp_path), dataset, tmp_path, said.append))
  assert (
    "ValueError: no such decoder" in made["reconstructions.png"] and not (tmp_path / "reconstructions.png").exists()
  )
  assert (tmp_path / "samples.png").exists() and (tmp_path / "latent_map.png").exists()
  assert said == [
    f"figures/{k}: ValueError: no such decoder" for k in ("reconstructions.png", "interpolations.png", "traversals.png")
  ]


def test_what_sampling_needs_comes_from_test_examples(tmp_path):
  dataset = images_of()
  echo = lambda params, state, key, n, given={}: {"image": given["image"]}  # Draws what it was given.
  run = run_of(Model(lambda *_: ({}, {}), sample=echo, given=("image",)), dataset, tmp_path)
  assert list(dict(figures.draw(run, dataset, tmp_path))) == ["samples.png"]
  expected = grid(figures.held_out(run, dataset)["image"][:16], LEVELS)
  np.testing.assert_array_equal(drawn(tmp_path, "samples.png"), beside(expected, expected, expected))


def test_test_examples_are_as_the_model_gets_them_and_fewer_of_a_slow_model(tmp_path):
  dataset = images_of(5000)._replace(
    augment=lambda batch, key, train: batch | {"image": batch["image"] * (0 if train else 2)}
  )
  test = figures.held_out(run_of(pixels(), dataset, tmp_path), dataset)
  assert len(test["image"]) == len(test["weight"]) == figures.EXAMPLES and test["image"].max() == 2 * (LEVELS - 1)
  slow = pixels(calls=lambda steps: steps)
  assert len(figures.held_out(run_of(slow, dataset, tmp_path, steps=10**6), dataset)["image"]) == 64


@pytest.mark.parametrize("kind, says", [("exact", False), ("lower_bound", True)])
def test_a_density_is_seen_where_it_is(tmp_path, monkeypatch, kind, says):
  centre = np.array([1.0, -2.0], np.float32)
  log_prob = lambda x: -0.5 * ((x - centre[None]) ** 2).sum(-1) - np.log(2 * np.pi)
  x = (centre + np.random.default_rng(6).normal(size=(3000, 2))).astype(np.float32)
  dataset = Dataset("normal", {"x": Field((2,), np.float32)}, {"test": {"x": x}}, log_prob=log_prob)
  sample = lambda params, state, key, n, given={}: {"x": centre[None] + jax.random.normal(key, (n, 2))}
  model = Model(
    lambda *_: ({}, {}), sample=sample, log_prob=lambda p, s, batch, key: log_prob(batch["x"]), likelihood={"a": kind}
  )
  shown = {}

  class Axes:
    def __init__(self, i):
      self.i = i

    def set(self, title, **_):
      shown[self.i] = [title]

    def scatter(self, x, y, **_):
      shown[self.i] += [np.stack([x, y], 1)]

    def imshow(self, values, extent, **_):
      shown[self.i] += [values, extent]

  monkeypatch.setattr(
    figures, "plot", lambda draw, panels, size: draw(*map(Axes, range(panels))) or np.zeros((2, 2, 3), np.uint8)
  )
  ((name, caption),) = figures.draw(run_of(model, dataset, tmp_path), dataset, tmp_path)
  assert name == "density.png" and ("a lower bound of" in caption) == says
  assert [v[0] for v in shown.values()] == ["test examples", "samples", "model", "truth"]
  assert len(shown[0][1]) == len(shown[1][1]) == 2000
  for _, p, (left, right, bottom, top) in (shown[2], shown[3]):
    cell = (right - left) * (top - bottom) / p.size
    xs = left + (np.arange(p.shape[1]) + 0.5) * (right - left) / p.shape[1]
    ys = bottom + (np.arange(p.shape[0]) + 0.5) * (top - bottom) / p.shape[0]
    assert abs(p.sum() * cell - 1) < 5e-3  # All the mass, but a little, is in view.
    np.testing.assert_allclose([(p.sum(0) * xs).sum() * cell, (p.sum(1) * ys).sum() * cell], centre, atol=2e-2)
