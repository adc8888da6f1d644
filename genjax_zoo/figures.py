"""The figures that a run's model can make, from what it has and never by its name.

Each is a function (run, dataset, test, encoded) -> (picture, caption), None where the model or the data can't: `test`
is a batch of held-out examples in random order and `encoded()` their latents.
"""

import functools
import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
import numpy as np

from genjax_zoo.data.dataset import Dataset, count
from genjax_zoo.pictures import beside, fitting, grid, plot, save, show, unit
from genjax_zoo.quality import examples
from genjax_zoo.run import Run

EXAMPLES, NUMBERS = 2000, 2**22  # So many test examples are encoded; fewer when they are large or the model is slow.
DIMS = 10  # Of the latent's coordinates, so many are traversed.
PIXELS = 200  # A density is seen on so many by so many points.
SIGN = {"exact": "", "lower_bound": "a lower bound of ", "estimate": "an estimate of "}


def draw(run: Run, dataset: Dataset, folder, say=print) -> list[tuple[str, str]]:
  """Writes all figures of a run to `folder`, with captions.json; returns pairs (file name, caption).

  A figure that fails has no file, the reason as its caption, and is told by `say`. The pictures are of
  `model.parts["mean"]`, (params, state, latents) -> floats in [0, 1], where there is one in place of `decode`.
  """
  folder, captions, writes = Path(folder), [], jax.process_index() == 0
  test = held_out(run, dataset)
  encoded = functools.cache(lambda: run.encode(test))
  if mean := run.model.parts.get("mean"):
    decode = lambda params, state, latents, key: {"image": mean(params, state, latents)}
    run = run._replace(model=run.model._replace(decode=decode))
  for figure in FIGURES:
    name = f"{figure.__name__}.png"
    if writes:
      (folder / name).unlink(missing_ok=True)
    try:
      if made := figure(run, dataset, test, encoded):
        captions.append((name, made[1]))
        if writes:
          save(folder / name, made[0])
    except Exception as e:  # A figure is not worth a run.
      reason = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
      captions.append((name, f"The figure of {figure.__name__.replace('_', ' ')} could not be drawn: {reason}"))
      say(f"figures/{name}: {reason}")
  if writes:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "captions.json").write_text(json.dumps(captions, indent=1))
  return captions


def held_out(run: Run, dataset: Dataset) -> dict:
  """Test examples as a model gets them (binarized, say), in an order drawn once and for all."""
  total, numbers = count(dataset.splits["test"]), sum(math.prod(f.shape) for f in dataset.fields.values())
  affordable = NUMBERS // (numbers * run.model.calls(**sample_options(run)))
  n = min(EXAMPLES, max(64, affordable), total)
  rows = examples(dataset, "test", np.random.default_rng(0).permutation(total)[:n])
  return rows | {"weight": np.ones(n, np.float32)}


def samples(run, dataset, test, encoded):
  """Samples beside what they were given, if that is images, and beside real examples."""
  if run.model.sample is None or in_plane(dataset):
    return None
  n = min(64, run.config["sample"]["n"])
  batch = draw_samples(run, test, n)
  views = {
    "samples": batch,
    "what they were given": {k: test[k][:n] for k in run.model.given if test[k].ndim == 4},
    "test examples": {k: test[k][:n] for k in batch if k in test},
  }
  pictures = {what: show(view, dataset.fields) for what, view in views.items()}
  pictures = {what: picture for what, picture in pictures.items() if picture is not None}
  if "samples" not in pictures:
    return None
  alike = f", of the same {' and '.join(run.model.given)}" if run.model.given else ""
  return beside(*pictures.values()), f"From left to right: {', '.join(pictures)}{alike}. None is hand-picked."


def reconstructions(run, dataset, test, encoded):
  """Test images above what the model decodes from their latents."""
  if not decodes_images(run, dataset):
    return None
  columns = min(columns_of(dataset, 12), len(test["image"]))
  bands = min(2, len(test["image"]) // columns)
  shown = lambda z: z[: bands * columns]
  pairs = floats(test, dataset), floats(run.decode(jax.tree.map(shown, encoded())), dataset)
  pairs = np.stack([shown(x).reshape(bands, columns, *x.shape[1:]) for x in pairs], 1)
  picture = grid(pairs.reshape(-1, *pairs.shape[3:]), columns=columns)
  return picture, "Reconstructions: test images and, below each, what the model decodes from its latents."


def interpolations(run, dataset, test, encoded):
  """Rows from one test image to another along the line between their latents."""
  if not decodes_images(run, dataset) or not real(encoded()):
    return None
  rows, columns = min(6, len(test["image"]) // 2), columns_of(dataset, 11)
  t = np.tile(np.linspace(0, 1, columns, dtype=np.float32), rows)
  first, last = np.repeat(np.arange(rows), columns), np.repeat(np.arange(rows, 2 * rows), columns)

  def between(z):
    w = t.reshape(-1, *[1] * (z.ndim - 1))
    return ((1 - w) * z[first] + w * z[last]).astype(z.dtype) if is_real(z) else z[first]

  decoded = run.decode(jax.tree.map(between, encoded()))
  caption = "Interpolations: each row is decoded from equal steps along the line between two test images' latents."
  return grid(floats(decoded, dataset), columns=columns), caption


def traversals(run, dataset, test, encoded):
  """Rows in which one coordinate of a test image's latents varies and the others stay."""
  if not decodes_images(run, dataset) or not (names := real(encoded(), ndim=2)):
    return None
  name, z = names[0], encoded()[names[0]]
  rows, columns = min(DIMS, z.shape[1]), columns_of(dataset, 11)
  values = z.mean(0) + np.linspace(-3, 3, columns)[:, None] * z.std(0)
  moved = np.tile(z[:1], (rows, columns, 1))
  for i in range(rows):
    moved[i, :, i] = values[:, i]
  decoded = run.decode(held(encoded(), name, moved.reshape(-1, z.shape[1])))
  caption = (
    f"Latent traversals: the first {rows} of {z.shape[1]} coordinates of {name}, one a row, go from -3 to 3 standard "
    "deviations of the test examples' latents, about their mean; all else stays as in one test image."
  )
  return grid(floats(decoded, dataset), columns=columns), caption


def latent_grid(run, dataset, test, encoded):
  """What a two-dimensional latent decodes to, all over the plane."""
  if not decodes_images(run, dataset):
    return None
  names = [k for k in real(encoded(), ndim=2) if encoded()[k].shape[1] == 2]
  if not names:
    return None
  z, n = encoded()[names[0]], columns_of(dataset, 20)
  quantiles = np.asarray(ndtri((np.arange(n) + 0.5) / n))
  points = np.stack(np.meshgrid(quantiles, quantiles[::-1]), -1).reshape(-1, 2)
  points = (z.mean(0) + points * z.std(0)).astype(z.dtype)
  caption = (
    f"The plane of {names[0]}, decoded: {n} x {n} points at equal quantiles of the Gaussian with the mean and the "
    "standard deviations of the test examples' latents."
  )
  return grid(floats(run.decode(held(encoded(), names[0], points)), dataset), columns=n), caption


def latent_map(run, dataset, test, encoded):
  """The test examples' latents in the plane, coloured by label."""
  if run.model.encode is None or not (names := real(encoded())):
    return None
  z = np.concatenate([encoded()[k].reshape(len(test["weight"]), -1).astype(np.float32) for k in names], 1)
  if z.shape[1] < 2:
    return None
  what = "Latents of test examples"
  if z.shape[1] > 2:
    from sklearn.decomposition import PCA

    pca = PCA(2, random_state=0)
    z = pca.fit_transform(z)
    kept = ", ".join(f"{ratio:.0%}" for ratio in pca.explained_variance_ratio_)
    what += f", {pca.n_features_in_} coordinates, by their first two principal components ({kept} of the variance)"
  label = test.get("label")
  few = label is not None and label.ndim == 1 and (dataset.fields["label"].levels or 99) <= 10

  def scatter(ax):
    colour = dict(c=label, cmap="tab10", vmin=-0.5, vmax=9.5) if few else {}
    dots = ax.scatter(*z.T, s=6, **colour)
    if few:
      ax.legend(*dots.legend_elements(num=None), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

  return plot(scatter, size=6), f"{what}{', coloured by label' if few else ''}."


def density(run, dataset, test, encoded):
  """Data, samples, the model's density and the true one, in the plane."""
  if not in_plane(dataset):
    return None
  data = test["x"]
  low, high = data.min(0), data.max(0)
  middle, half = (low + high) / 2, 0.55 * (high - low).max()
  extent = [*(middle[0] + (-half, half)), *(middle[1] + (-half, half))]
  cells = (np.arange(PIXELS) + 0.5) / PIXELS * 2 - 1
  points = (middle + half * np.stack(np.meshgrid(cells, cells), -1).reshape(-1, 2)).astype(data.dtype)
  panels, notes = [("test examples", data)], ""
  if run.model.sample:
    panels.append(("samples", draw_samples(run, test, len(data))["x"]))
  if run.model.log_prob:
    panels.append(("model", run.log_prob({"x": points, "weight": np.ones(len(points), np.float32)})))
    kind = next(iter(run.model.likelihood.values()), "estimate")
    notes = f" The model's density is exp of {SIGN[kind]}log p." if SIGN[kind] else ""
  if dataset.log_prob:
    panels.append(("truth", np.asarray(dataset.log_prob(points))))
  maps = [np.exp(x) for _, x in panels if x.ndim == 1]
  top = np.nanmax(maps[-1]) if maps else None

  def paint(*axes):
    for ax, (title, x) in zip(axes, panels):
      ax.set(title=title, xlim=extent[:2], ylim=extent[2:], aspect="equal")
      if x.ndim == 2:
        ax.scatter(*x.T, s=1, alpha=0.6)
      else:
        ax.imshow(np.exp(x).reshape(PIXELS, PIXELS), origin="lower", extent=extent, vmin=0, vmax=top)

  listed = ", ".join(title for title, _ in panels)
  return plot(paint, len(panels), size=3), f"In the plane: {listed}.{notes}"


def in_plane(dataset) -> bool:
  """Whether the data are points in the plane."""
  return "x" in dataset.fields and dataset.fields["x"].shape == (2,)


def decodes_images(run, dataset) -> bool:
  """Whether the model maps images to latents and back."""
  return "image" in dataset.fields and run.model.encode is not None and run.model.decode is not None


def sample_options(run) -> dict:
  """The config's options of the model's `sample`."""
  return {k: v for k, v in run.config["sample"].items() if k not in ("n", "seed")}


def draw_samples(run, test, n) -> dict:
  """n samples of seed 0, given test examples where the model needs them."""
  return run.sample(n, given={k: test[k][:n] for k in run.model.given}, **sample_options(run))


def is_real(z) -> bool:
  """Whether latents are real numbers, not codes or labels."""
  return hasattr(z, "dtype") and jnp.issubdtype(z.dtype, jnp.floating)


def real(latents, ndim: int | None = None) -> list[str]:
  """The names of the latents that are real; with `ndim` = 2, of those that are vectors [N, D]."""
  return [k for k, z in latents.items() if is_real(z) and ndim in (None, z.ndim)]


def held(latents, name, values):
  """Latents [N, ...] with `values` under `name`, and all others as in the first example."""
  first = jax.tree.map(lambda z: np.repeat(z[:1], len(values), 0), latents)
  return first | {name: values}


def floats(batch, dataset) -> np.ndarray:
  """A batch's images as floats in [0, 1], [N, H, W, C]."""
  return unit(batch["image"], dataset.fields["image"].levels)


def columns_of(dataset, most) -> int:
  """How many of the data's images a row can hold, `most` at most."""
  return fitting(dataset.fields["image"].shape[1], most)


FIGURES = samples, reconstructions, interpolations, traversals, latent_grid, latent_map, density
