"""Figures of models, most with the pixels as latents, whose outputs are known."""

import json

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest
from scipy.stats import norm

from genjax_zoo import figures
from genjax_zoo.core import Field, Model
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures import common, latents, pictures, plane, space
from genjax_zoo.figures.pictures import beside, grid, unit
from genjax_zoo.prob.interpolation import spherical
from genjax_zoo.run import Run
from genjax_zoo.sharding import make_mesh
from tests.figures.test_pictures import scale_of, tiles

SHAPE, LEVELS = (2, 3, 1), 17


def pixels(**changes):
  """A model of images whose latent z is the image, as floats."""
  encode = lambda params, state, batch, key: {"z": batch["image"].reshape(-1, 6) / (LEVELS - 1)}

  def decode(params, state, latents, key):
    x = jnp.clip(jnp.round(latents["z"] * (LEVELS - 1)), 0, LEVELS - 1)
    return {"image": x.reshape(-1, *SHAPE).astype(jnp.uint8)}

  def sample(params, state, key, n, given={}):
    return {"image": jax.random.randint(key, (n, *SHAPE), 0, LEVELS).astype(jnp.uint8)}

  return Model(lambda key, batch: ({}, {}), sample=sample, encode=encode, decode=decode)._replace(
    **changes
  )


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
  names = ["samples", "reconstructions", "interpolations", "traversals", "latent_map", "attributes"]
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

  rows = tiles(
    picture := drawn(tmp_path, "traversals.png"), 2, 3, scale_of(picture, 11, 3)
  ).reshape(6, 11, 6, 3)
  z = test["image"].reshape(-1, 6) / 16
  for i in range(6):
    others = [j for j in range(6) if j != i]
    assert (rows[i][:, others] == original[0].reshape(6, 3)[others]).all()
    expected = np.clip(z[:, i].mean() + np.linspace(-3, 3, 11) * z[:, i].std(), 0, 1)
    np.testing.assert_allclose(rows[i, :, i, 0] / 255, expected, atol=1 / 31)

  rows = tiles(
    picture := drawn(tmp_path, "attributes.png"), 2, 3, scale_of(picture, 11, 3)
  ).reshape(10, 11, 6, 3)
  label = test["label"]
  for i in range(10):
    first, *means = (z[label == i][0], *(z[label == (i + k) % 10].mean(0) for k in range(2)))
    expected = np.clip(first + np.linspace(0, 1, 11)[:, None] * (means[1] - means[0]), 0, 1)
    np.testing.assert_allclose(rows[i, :, :, 0] / 255, expected, atol=1 / 30)


def test_spherical_interpolations_go_from_sample_to_sample(tmp_path):
  z = jax.random.uniform(jax.random.key(3), (12, 6))
  dataset = images_of()
  model = pixels(encode=None, parts={"prior": lambda params, state, key, n: {"z": z[:n]}})
  assert "spherical_interpolations.png" in dict(
    figures.draw(run_of(model, dataset, tmp_path), dataset, tmp_path)
  )
  rows = tiles(
    picture := drawn(tmp_path, "spherical_interpolations.png"), 2, 3, scale_of(picture, 11, 3)
  )
  ends = pictures.colours(unit(model.decode({}, {}, {"z": z}, None)["image"], LEVELS))
  assert rows.shape[:2] == (6, 11)
  # A gray level.
  np.testing.assert_allclose(rows[:, (0, -1)].swapaxes(0, 1).reshape(ends.shape), ends, atol=16)
  middle = np.asarray(spherical(z[:6], z[6:], 0.5)).reshape(6, *SHAPE)
  np.testing.assert_allclose(rows[:, 5, :, :, :1] / 255, np.clip(middle, 0, 1), atol=1 / 31)


def test_the_mean_is_shown_where_there_is_one(tmp_path):
  dataset = images_of()
  mean = lambda params, state, latents: jnp.full((len(latents["z"]), *SHAPE), 0.4)
  figures.draw(run_of(pixels(parts={"mean": mean}), dataset, tmp_path), dataset, tmp_path)
  rows = tiles(picture := drawn(tmp_path, "reconstructions.png"), 2, 3, scale_of(picture, 12, 3))
  assert (rows[1::2] == 102).all() and np.ptp(rows[::2]) > 200


def test_codes_are_decoded_but_not_interpolated(tmp_path):
  dataset = images_of()
  encode = lambda params, state, batch, key: {"codes": batch["image"].astype(jnp.int32)}
  decode = lambda params, state, latents, key: {"image": latents["codes"].astype(jnp.uint8)}
  made = dict(
    figures.draw(run_of(pixels(encode=encode, decode=decode), dataset, tmp_path), dataset, tmp_path)
  )
  assert list(made) == ["samples.png", "reconstructions.png"]


def test_responsibilities_are_clusters(tmp_path):
  """Dark images and bright ones, a row for each; responsibilities are not interpolated."""
  dataset = images_of()

  def encode(params, state, batch, key):
    bright = batch["image"].reshape(-1, 6).mean(1) / (LEVELS - 1)
    return {"z": jnp.stack([1 - bright, bright], 1)}

  decode = lambda params, state, latents, key: {"image": jnp.ones((len(latents["z"]), *SHAPE))}
  made = dict(
    figures.draw(run_of(pixels(encode=encode, decode=decode), dataset, tmp_path), dataset, tmp_path)
  )
  assert (
    list(made) == ["samples.png", "reconstructions.png", "clusters.png"]
    and "2 of 2" in made["clusters.png"]
  )
  rows = tiles(picture := drawn(tmp_path, "clusters.png"), 2, 3, scale_of(picture, 12, 3))
  dark, bright = sorted(rows.reshape(2, 12, -1).mean(-1) / 255, key=np.mean)
  assert rows.shape[:2] == (2, 12) and dark.max() < 0.51 and bright.min() > 0.49


def test_labels_among_latents_stay_as_they_are(tmp_path):
  dataset, model = images_of(), pixels()
  encode = lambda p, s, batch, key: model.encode(p, s, batch, key) | {"label": batch["label"]}

  def decode(params, state, latents, key):  # All pixels show the label.
    return {
      "image": jnp.broadcast_to(
        latents["label"][:, None, None, None] / 10.0, (len(latents["z"]), *SHAPE)
      )
    }

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
    # Row 0: the first latent; row 1: the second.
    return {"image": jnp.repeat(latents["z"], 3, 1).reshape(-1, *SHAPE)}

  run = run_of(pixels(encode=encode, decode=decode), dataset, tmp_path)
  assert "latent_grid.png" in dict(figures.draw(run, dataset, tmp_path))
  rows = (
    tiles(picture := drawn(tmp_path, "latent_grid.png"), 2, 3, scale_of(picture, 20, 3))[..., 0]
    / 255
  )
  z = figures.held_out(run, dataset)["image"].reshape(-1, 6)[:, :2] / 16
  for axis, found in (0, rows[7, :, 0, 0]), (1, rows[::-1, 7, 1, 0]):  # To the right, and upwards.
    expected = norm.ppf((np.arange(20) + 0.5) / 20, z[:, axis].mean(), z[:, axis].std())
    np.testing.assert_allclose(found, np.clip(expected, 0, 1), atol=1 / 254)


FAIL = "reconstructions.png", "interpolations.png", "traversals.png", "attributes.png"


def test_one_failing_figure_loses_no_other(tmp_path):
  dataset = images_of()

  def broken(params, state, latents, key):
    raise ValueError("no such decoder\nmore")

  said = []
  (tmp_path / "reconstructions.png").write_bytes(b"of an earlier run")
  made = dict(
    figures.draw(run_of(pixels(decode=broken), dataset, tmp_path), dataset, tmp_path, said.append)
  )
  assert (
    "ValueError: no such decoder" in made["reconstructions.png"]
    and not (tmp_path / "reconstructions.png").exists()
  )
  assert (tmp_path / "samples.png").exists() and (tmp_path / "latent_map.png").exists()
  assert said == [f"figures/{k}: ValueError: no such decoder" for k in FAIL]


def test_no_figure_is_begun_when_their_time_is_over(tmp_path, monkeypatch):
  monkeypatch.setattr(figures, "LONGEST", -1)
  dataset = images_of()
  said = []
  assert figures.draw(run_of(pixels(), dataset, tmp_path), dataset, tmp_path, said.append) == []
  (line,) = said
  assert "left out: samples, reconstructions" in line


def test_reconstructions_of_clouds_are_beside_the_clouds(tmp_path):
  points = np.random.default_rng(0).normal(size=(20, 9, 3)).astype(np.float32)
  fields = {"points": Field((9, 3), np.float32, kind="points")}
  dataset = Dataset("random", fields, {"test": {"points": points}})
  model = Model(
    lambda *_: ({}, {}),
    encode=lambda params, state, batch, key: {"z": batch["points"]},
    decode=lambda params, state, latents, key: {"points": latents["z"][:, ::-1] * 2},
  )
  run = run_of(model, dataset, tmp_path)
  assert "reconstructions.png" in dict(figures.draw(run, dataset, tmp_path))
  clouds = grid(space.clouds(figures.held_out(run, dataset)["points"][:12]), 256)
  # The order of the points and the size of a cloud make no difference to its picture.
  np.testing.assert_array_equal(drawn(tmp_path, "reconstructions.png"), beside(clouds, clouds))


def test_what_sampling_needs_comes_from_test_examples(tmp_path):
  dataset = images_of()
  # Draws what it was given.
  echo = lambda params, state, key, n, given={}: {"image": given["image"]}
  run = run_of(
    Model(lambda *_: ({}, {}), sample=echo, given={"image": dataset.fields["image"]}),
    dataset,
    tmp_path,
  )
  assert list(dict(figures.draw(run, dataset, tmp_path))) == ["samples.png"]
  expected = grid(figures.held_out(run, dataset)["image"][:16], LEVELS)
  np.testing.assert_array_equal(
    drawn(tmp_path, "samples.png"), beside(expected, expected, expected)
  )


def test_few_test_examples_are_shown_once(tmp_path):
  dataset = images_of(5)
  zeros = lambda params, state, key, n, given={}: {"image": jnp.zeros((n, *SHAPE), jnp.int32)}
  run = run_of(Model(lambda *_: ({}, {}), sample=zeros), dataset, tmp_path)
  figures.draw(run, dataset, tmp_path)
  samples = grid(np.zeros((16, *SHAPE), np.int32), LEVELS)
  examples = grid(figures.held_out(run, dataset)["image"][:5], LEVELS)
  np.testing.assert_array_equal(drawn(tmp_path, "samples.png"), beside(samples, examples))


def test_given_text_is_the_caption_of_the_samples(tmp_path):
  """A model of images and captions that samples both: the captions have no column of their own."""
  words = Field((1,), np.int32, 3, ("<pad>", "cat", "dog"))
  dataset = images_of()
  splits = {k: x | {"tokens": np.full((50, 1), 2, np.int32)} for k, x in dataset.splits.items()}
  dataset = dataset._replace(fields=dataset.fields | {"tokens": words}, splits=splits)
  zeros = lambda n: jnp.zeros((n, *SHAPE), jnp.int32)
  sample = lambda params, state, key, n, given={}: {"image": zeros(n), "tokens": given["tokens"]}
  run = run_of(
    Model(lambda *_: ({}, {}), sample=sample, given={"tokens": words}), dataset, tmp_path
  )
  figures.draw(run, dataset, tmp_path)
  images = np.zeros((16, *SHAPE), np.int32), figures.held_out(run, dataset)["image"][:16]
  columns = [grid(x, LEVELS, captions=["dog"] * 16) for x in images]
  np.testing.assert_array_equal(drawn(tmp_path, "samples.png"), beside(*columns))


def test_test_examples_are_as_the_model_gets_them_and_fewer_of_a_slow_model(tmp_path):
  dataset = images_of(5000)._replace(
    augment=lambda batch, key, train: batch | {"image": batch["image"] * (0 if train else 2)}
  )
  test = figures.held_out(run_of(pixels(), dataset, tmp_path), dataset)
  assert len(test["image"]) == len(test["weight"]) == common.EXAMPLES and test[
    "image"
  ].max() == 2 * (LEVELS - 1)
  slow = pixels(calls=lambda steps: steps)
  assert len(figures.held_out(run_of(slow, dataset, tmp_path, steps=10**6), dataset)["image"]) == 64


def panels_of(monkeypatch):
  """{panel: [title, what is drawn, ...]} of the next plot in the plane."""
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
    plane,
    "plot",
    lambda draw, panels, size: draw(*map(Axes, range(panels))) or np.zeros((2, 2, 3), np.uint8),
  )
  return shown


@pytest.mark.parametrize(
  "kind, says, cells", [("exact", "", 200), ("lower_bound", "a lower bound of", 200),
                        ("estimate", "an estimate of", 100)]
)  # fmt: skip
def test_a_density_is_plotted_where_it_is(tmp_path, monkeypatch, kind, says, cells):
  centre = np.array([1.0, -2.0], np.float32)
  log_prob = lambda x: -0.5 * ((x - centre[None]) ** 2).sum(-1) - np.log(2 * np.pi)
  x = (centre + np.random.default_rng(6).normal(size=(3000, 2))).astype(np.float32)
  dataset = Dataset("normal", {"x": Field((2,), np.float32)}, {"test": {"x": x}}, log_prob=log_prob)
  sample = lambda params, state, key, n, given={}: {
    "x": centre[None] + jax.random.normal(key, (n, 2))
  }
  model = Model(
    lambda *_: ({}, {}),
    sample=sample,
    log_prob=lambda p, s, batch, key: log_prob(batch["x"]),
    likelihood={"a": kind},
  )
  shown = panels_of(monkeypatch)
  ((name, caption),) = figures.draw(run_of(model, dataset, tmp_path), dataset, tmp_path)
  assert name == "density.png" and says in caption and ("exp of" in caption) == bool(says)
  assert [v[0] for v in shown.values()] == ["test examples", "samples", "model", "truth"]
  assert len(shown[0][1]) == len(shown[1][1]) == 2000
  for _, p, (left, right, bottom, top) in (shown[2], shown[3]):
    assert p.shape == (cells, cells)
    cell = (right - left) * (top - bottom) / p.size
    xs = left + (np.arange(p.shape[1]) + 0.5) * (right - left) / p.shape[1]
    ys = bottom + (np.arange(p.shape[0]) + 0.5) * (top - bottom) / p.shape[0]
    assert abs(p.sum() * cell - 1) < 5e-3  # All the mass, but a little, is in view.
    np.testing.assert_allclose(
      [(p.sum(0) * xs).sum() * cell, (p.sum(1) * ys).sum() * cell], centre, atol=2e-2
    )


def test_a_critic_is_plotted_where_it_is(tmp_path, monkeypatch):
  """f(x, y) = x + 10 y, on a grid that grows to the right and upwards."""
  x = np.random.default_rng(6).normal(size=(300, 2)).astype(np.float32)
  dataset = Dataset("normal", {"x": Field((2,), np.float32)}, {"test": {"x": x}})
  sample = lambda params, state, key, n, given={}: {"x": jax.random.normal(key, (n, 2))}
  f = lambda params, state, batch: batch["x"] @ jnp.array([1.0, 10.0])
  model = Model(lambda *_: ({}, {}), sample=sample, parts={"critic": f})
  shown = panels_of(monkeypatch)
  assert plane.critic(run_of(model, dataset, tmp_path), dataset, {"x": x}, None)
  for _, values, extent, _ in shown.values():
    cell = (extent[1] - extent[0]) / len(values)
    np.testing.assert_allclose(np.diff(values, axis=1), cell, rtol=0.1)
    np.testing.assert_allclose(np.diff(values, axis=0), 10 * cell, rtol=0.1)


def test_a_legend_has_the_names_of_the_classes_that_occur():
  label = np.array([2, 0, 2])
  flowers = Field((), np.int32, 3, ("daisy", "rose", "tulip"), ordered=False)
  assert latents.class_names(flowers, label) == ["daisy", "tulip"]
  assert latents.class_names(flowers._replace(names=()), label) == ["0", "2"]
