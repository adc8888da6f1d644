"""What latents stand for: traversals, the plane of a two-dimensional latent, maps, clusters."""

from jax.scipy.special import ndtri
import numpy as np

from genjax_zoo.figures.common import (
  are_responsibilities,
  columns_of,
  decodes_images,
  floats,
  has_images,
  in_plane,
  main,
  real,
  with_values,
)
from genjax_zoo.figures.pictures import grid, plot

ACTIVE = 0.01  # Burda et al. 2015, 1509.00519, section 5.2.
DIMS = 10  # Coordinates of a latent that are traversed.
ROWS = 20  # Components that are shown.
REACH = 3  # Standard deviations that a traversal goes to either side.


def traversals(run, dataset, test, encoded):
  """Rows in which one coordinate of a test image's latents varies and the others are fixed."""
  if not decodes_images(run, dataset):
    return None
  names = real(encoded(), ndim=2)
  if not names:
    return None
  name = names[0]
  total = encoded()[name].shape[1]
  images = traversed(run, dataset, encoded(), name, range(min(DIMS, total)))
  caption = (
    f"Latent traversals: the first {len(images)} of {total} coordinates of {name}, one a row, go "
    f"from -{REACH} to {REACH} standard deviations of the test examples' latents about their mean; "
    "all else is as in one test image."
  )
  return grid(np.concatenate(images), columns=images.shape[1]), caption


def traversed(run, dataset, latents, name, coordinates) -> np.ndarray:
  """Images [coordinates, columns, H, W, C], a row for each coordinate of a latent that varies.

  It goes from -3 to 3 standard deviations about its mean; the rest is as in the first example.
  """
  z = latents[name]
  columns = columns_of(dataset, 11)
  values = z.mean(0) + np.linspace(-REACH, REACH, columns)[:, None] * z.std(0)
  moved = np.tile(z[:1], (len(coordinates), columns, 1))
  for row, i in zip(moved, coordinates):
    row[:, i] = values[:, i]
  decoded = run.decode(with_values(latents, name, moved.reshape(-1, z.shape[1])))
  images = floats(decoded, dataset)
  return images.reshape(len(coordinates), columns, *images.shape[1:])


def latent_grid(run, dataset, test, encoded):
  """The images decoded from all over the plane of a two-dimensional latent."""
  if not decodes_images(run, dataset):
    return None
  names = [k for k in real(encoded(), ndim=2) if encoded()[k].shape[1] == 2]
  if not names:
    return None
  z = encoded()[names[0]]
  n = columns_of(dataset, 20)
  quantiles = np.asarray(ndtri((np.arange(n) + 0.5) / n))
  points = np.stack(np.meshgrid(quantiles, quantiles[::-1]), -1).reshape(-1, 2)
  points = (z.mean(0) + points * z.std(0)).astype(z.dtype)
  decoded = run.decode(with_values(encoded(), names[0], points))
  caption = (
    f"The plane of {names[0]}, decoded: {n} x {n} points at equal quantiles of the Gaussian with "
    "the mean and the standard deviations of the test examples' latents."
  )
  return grid(floats(decoded, dataset), columns=n), caption


def active_units(run, dataset, test, encoded):
  """The variance of each latent coordinate's posterior mean over test examples."""
  bounded = "lower_bound" in run.model.likelihood.values() and run.model.encode is not None
  if not bounded or not real(encoded()):
    return None
  variances = {}
  for name in real(encoded()):
    z = encoded()[name]
    variances[name] = np.sort(z.reshape(len(z), -1).var(0))[::-1]

  def paint(ax):
    for name, variance in variances.items():
      rank = np.arange(1, len(variance) + 1)
      ax.semilogy(rank, np.maximum(variance, 1e-8), marker=".", label=name)
    ax.axhline(ACTIVE, color="gray", linestyle=":")
    ax.set(xlabel="coordinate, by its variance", ylabel="variance of E[z | x] over x")
    ax.legend()

  counts = [f"{(v > ACTIVE).sum()} of {len(v)} of {name}" for name, v in variances.items()]
  caption = (
    f"Active units, whose posterior mean has a variance of more than {ACTIVE} over test examples: "
    f"{', '.join(counts)}."
  )
  return plot(paint, size=4), caption


def class_names(field, label) -> list[str]:
  """What the classes among labels [N] are called, or their numbers, in order."""
  return [field.names[y] if field.names else str(y) for y in np.unique(label)]


def latent_map(run, dataset, test, encoded):
  """The test examples' latents in the plane, coloured by label."""
  if run.model.encode is None or not real(encoded()):
    return None
  parts = [encoded()[k].reshape(len(test["weight"]), -1) for k in real(encoded())]
  z = np.concatenate([x.astype(np.float32) for x in parts], 1)
  if z.shape[1] < 2:
    return None
  what = "Latents of test examples"
  if z.shape[1] > 2:
    z, shares = principal_plane(z)
    what += (
      f", {sum(x.shape[1] for x in parts)} coordinates, by their first two principal components "
      f"({', '.join(f'{share:.0%}' for share in shares)} of the variance)"
    )
  label = test.get("label")
  few = label is not None and label.ndim == 1 and (dataset.fields["label"].num_values or 99) <= 10

  def scatter(ax):
    if not few:
      ax.scatter(*z.T, s=6)
      return
    dots = ax.scatter(*z.T, s=6, c=label, cmap="tab10", vmin=-0.5, vmax=9.5)
    handles, _ = dots.legend_elements(num=None)
    names = class_names(dataset.fields["label"], label)
    ax.legend(handles, names, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

  return plot(scatter, size=6), f"{what}{', coloured by label' if few else ''}."


def principal_plane(z) -> tuple[np.ndarray, np.ndarray]:
  """The first two principal components [N, 2] of z [N, D], and their shares of the variance [2]."""
  from sklearn.decomposition import PCA

  pca = PCA(2, random_state=0)
  return pca.fit_transform(z), pca.explained_variance_ratio_


def clusters(run, dataset, test, encoded):
  """Test examples by the most probable component of a mixture."""
  if run.model.encode is None:
    return None
  found = [z for z in encoded().values() if are_responsibilities(z)]
  if not found:
    return None
  components = found[0].shape[1]
  component = found[0].argmax(1)
  used = len(np.unique(component))
  count = f"{used} of {components} components are the most probable one of some test example."
  if in_plane(dataset):
    picture = coloured_points(main(test, dataset), component, components)
    return picture, f"A colour for each component: {count}"
  if not has_images(dataset):
    return None
  picture = component_rows(floats(test, dataset), component, columns_of(dataset, 12))
  return picture, f"A row for each component, the largest first: {count}"


def coloured_points(points, component, components: int) -> np.ndarray:
  """Points [N, 2] in the colours of their components [N]."""
  # In random order, so that neighbours have different colours.
  colours = np.random.default_rng(0).permutation(components) % 20

  def scatter(ax):
    ax.scatter(*points.T, s=4, c=colours[component], cmap="tab20")
    ax.set_aspect("equal")

  return plot(scatter)


def component_rows(images, component, columns: int) -> np.ndarray:
  """Rows of images [N, H, W, C] of one component each, the most frequent components first."""
  found, counts = np.unique(component, return_counts=True)
  largest = found[counts.argsort()[::-1]][:ROWS]
  rows = np.zeros((len(largest), columns, *images.shape[1:]), images.dtype)
  for row, k in zip(rows, largest):
    members = images[component == k][:columns]
    row[: len(members)] = members
  return grid(np.concatenate(rows), columns=columns)
