"""From a mixture of Gaussians to the VAE: the sum over components becomes an integral that can only
be bounded.

A mixture p(x) = sum_k p(k) p(x | k) is summed exactly; a VAE p(x) = E_z p(x | z), z ~ N(0, I), is a
mixture of as many Gaussians as there are z (deck E). On eight Gaussians in the plane, whose density
is known, the mixture's exact log p is set beside the VAE's: the ELBO, which one z a point gives,
IWAE-k, which rises to log p with k, and log p itself, by a sum over a fine grid of z, which two
dimensions allow and thirty would not. -log p of 1,000 test points: -0.43 nats of the truth, -0.42
of the mixture; of the VAE 0.81 (ELBO), 0.43 (IWAE-5), 0.12 (IWAE-1000) and 0.08 (grid). What the
ELBO lacks, 0.7 nats, is KL(q(z | x) || p(z | x)): the grid shows posteriors that no Gaussian fits.
"""

from pathlib import Path
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot
from genjax_zoo.prob.distributions import normal_log_prob

EDGE = 5  # Of the grid of z.


def lattice(cells):
  """cells x cells values of a latent of two numbers, [cells², 2], and the logarithm of the area of
  each one's cell.
  """
  z = jnp.linspace(-EDGE, EDGE, cells)
  return jnp.stack(jnp.meshgrid(z, z), -1).reshape(-1, 2), 2 * jnp.log(z[1] - z[0])


def log_joint(run, x, z):
  """log p(x, z) [N] of one point x [2] and latents z [N, 2]."""
  batch = {"x": jnp.broadcast_to(x, z.shape), "weight": jnp.ones(len(z))}
  return run.model.parts["log_joint"](run.weights, run.state, batch, {"z": z}, jax.random.key(0))


def by_grid(run, x, cells):
  """log p(x) [N] by a sum over cells x cells values of z, and how much of the prior they hold."""
  z, area = lattice(cells)
  log_p = jax.jit(
    lambda x, z: jax.lax.map(lambda x: jax.nn.logsumexp(log_joint(run, x, z)) + area, x)
  )(x, z)
  return np.asarray(log_p), float(
    jnp.exp(jax.nn.logsumexp(normal_log_prob(z, 0.0, 0.0).sum(-1)) + area)
  )


def posteriors(run, x, cells):
  """A picture of p(z | x) of points x [N, 2], and of draws of q(z | x)."""
  z, _ = lattice(cells)
  draws = jax.jit(lambda x: run.model.parts["draw"](run.weights, {"x": x}, jax.random.key(0)))

  def paint(*axes):
    for ax, point in zip(axes, x):
      p = np.exp(log_joint(run, point, z))
      ax.contourf(
        *z.reshape(cells, cells, 2).T, (p / p.max()).reshape(cells, cells).T, levels=8, cmap="Blues"
      )
      q = np.asarray(draws(np.repeat(point[None], 300, 0)))
      ax.scatter(*q.T, s=2, color="tab:orange")
      middle, half = q.mean(0), 5 * q.std(0).max()
      low, high = middle - half, middle + half
      ax.set(
        title=f"x = ({point[0]:.1f}, {point[1]:.1f})",
        xlim=(low[0], high[0]),
        ylim=(low[1], high[1]),
        aspect="equal",
      )

  return plot(paint, len(x), 3.5)


def lesson(smoke):
  ks, n, cells = ((1, 5), 20, 50) if smoke else ((1, 2, 5, 10, 50, 200, 1000), 1000, 400)
  with tempfile.TemporaryDirectory() as folder:
    gmm, _ = trained("gmm_2d", Path(folder) / "gmm", smoke, **{"data.name": "8gaussians"})
    vae, dataset = trained("vae_2d", Path(folder) / "vae", smoke)
  x = dataset.splits["test"]["x"][:n]
  batch = {"x": x, "weight": np.ones(n, np.float32)}
  exact, mass = by_grid(vae, x, cells)
  bounds = {k: float(-vae.log_prob(batch, k=k).mean()) for k in ks}
  numbers = {
    "truth": float(-np.asarray(dataset.log_prob(x)).mean()),
    "mixture, exact": float(-gmm.log_prob(batch).mean()),
    "VAE, ELBO": float(-vae.log_prob(batch, estimator="elbo").mean()),
    "VAE": {f"IWAE-{k}": v for k, v in bounds.items()},
    "VAE, by a grid of z": float(-exact.mean()),
    "prior on the grid": mass,
  }

  def draw(ax):
    ax.semilogx(ks, list(bounds.values()), "o-", label="VAE, IWAE-k")
    for name, style in (("VAE, by a grid of z", "--"), ("mixture, exact", ":"), ("truth", "-.")):
      ax.axhline(numbers[name], ls=style, color="black", label=name)
    ax.set(xlabel="k", ylabel="-log p(x), nats")
    ax.legend()

  caption = (
    "Of three test points, p(z | x) by the grid of z, in blue, and draws of q(z | x), in orange: what the ELBO lacks "
    "is the divergence between them."
  )
  return numbers, [
    (plot(draw), f"Mean -log p of {n:,} test points of eight Gaussians."),
    (posteriors(vae, x[2:5], cells), caption),  # Of three modes.
  ]
