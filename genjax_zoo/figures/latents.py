"""What latents mean: traversals, the plane of a two-dimensional latent, a map of all, clusters."""

from jax.scipy.special import ndtri
import numpy as np

from genjax_zoo.figures.common import (
  are_shares,
  columns_of,
  decodes_images,
  floats,
  held,
  in_plane,
  real,
)
from genjax_zoo.figures.pictures import grid, plot

ACTIVE = 0.01  # Burda et al. 2015, 1509.00519, section 5.2.
# Of the latent's coordinates, so many are traversed; of components, so many are shown.
DIMS, ROWS = 10, 20


def traversals(run, dataset, test, encoded):
  """Rows in which one coordinate of a test image's latents varies and the others stay."""
  if not decodes_images(run, dataset) or not (names := real(encoded(), ndim=2)):
    return None
  name, z = names[0], encoded()[names[0]]
  images = traversed(run, dataset, encoded(), name, range(min(DIMS, z.shape[1])))
  caption = (
    f"Latent traversals: the first {len(images)} of {z.shape[1]} coordinates of {name}, one a row, go from -3 to 3 "
    "standard deviations of the test examples' latents, about their mean; all else stays as in one test image."
  )
  return grid(np.concatenate(images), columns=images.shape[1]), caption


def traversed(run, dataset, latents, name, coordinates) -> np.ndarray:
  """Images [coordinates, columns, H, W, C]: each coordinate of a latent from -3 to 3 deviations,
  the rest as it is.
  """
  z, columns = latents[name], columns_of(dataset, 11)
  values = z.mean(0) + np.linspace(-3, 3, columns)[:, None] * z.std(0)
  moved = np.tile(z[:1], (len(coordinates), columns, 1))
  for row, i in zip(moved, coordinates):
    row[:, i] = values[:, i]
  images = floats(run.decode(held(latents, name, moved.reshape(-1, z.shape[1]))), dataset)
  return images.reshape(len(coordinates), columns, *images.shape[1:])


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


def active_units(run, dataset, test, encoded):
  """How much of each latent coordinate depends on x: the variance of its posterior mean over test
  examples.
  """
  bounded = "lower_bound" in run.model.likelihood.values() and run.model.encode is not None
  if not bounded or not (names := real(encoded())):
    return None
  variances = {
    name: np.sort(encoded()[name].reshape(len(encoded()[name]), -1).var(0))[::-1] for name in names
  }

  def paint(ax):
    for name, variance in variances.items():
      ax.semilogy(
        np.arange(1, len(variance) + 1), np.maximum(variance, 1e-8), marker=".", label=name
      )
    ax.axhline(ACTIVE, color="gray", linestyle=":")
    ax.set(xlabel="coordinate, by its variance", ylabel="variance of E[z | x] over x")
    ax.legend()

  counts = ", ".join(
    f"{(variance > ACTIVE).sum()} of {len(variance)} of {name}"
    for name, variance in variances.items()
  )
  return (
    plot(paint, size=4),
    f"Active units, whose posterior mean varies by more than {ACTIVE} from image to image: {counts}.",
  )


def latent_map(run, dataset, test, encoded):
  """The test examples' latents in the plane, coloured by label."""
  if run.model.encode is None or not (names := real(encoded())):
    return None
  z = np.concatenate(
    [encoded()[k].reshape(len(test["weight"]), -1).astype(np.float32) for k in names], 1
  )
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
  few = label is not None and label.ndim == 1 and (dataset.fields["label"].num_values or 99) <= 10

  def scatter(ax):
    colour = dict(c=label, cmap="tab10", vmin=-0.5, vmax=9.5) if few else {}
    dots = ax.scatter(*z.T, s=6, **colour)
    if few:
      ax.legend(
        *dots.legend_elements(num=None), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
      )

  return plot(scatter, size=6), f"{what}{', coloured by label' if few else ''}."


def clusters(run, dataset, test, encoded):
  """Test examples by the component of a mixture that they are likeliest of."""
  if run.model.encode is None or not (shares := [z for z in encoded().values() if are_shares(z)]):
    return None
  kind = shares[0].argmax(1)
  found, counts = np.unique(kind, return_counts=True)
  told = f"{len(found)} of {shares[0].shape[1]} components are the likeliest of some test example."
  if in_plane(dataset):
    # Those of neighbours differ.
    colours = np.random.default_rng(0).permutation(shares[0].shape[1]) % 20

    def scatter(ax):
      ax.scatter(*test["x"].T, s=4, c=colours[kind], cmap="tab20")
      ax.set_aspect("equal")

    return plot(scatter), f"A colour for each component: {told}"
  if "image" not in dataset.fields:
    return None
  columns, images = columns_of(dataset, 12), floats(test, dataset)
  shown = found[counts.argsort()[::-1]][:ROWS]
  rows = np.zeros((len(shown), columns, *images.shape[1:]), images.dtype)
  for row, k in zip(rows, shown):
    members = images[kind == k][:columns]
    row[: len(members)] = members
  return grid(
    np.concatenate(rows), columns=columns
  ), f"A row for each component, the largest first: {told}"
