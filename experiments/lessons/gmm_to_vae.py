"""From a mixture of Gaussians to the VAE: the sum over components becomes an intractable integral.

A mixture p(x) = sum_k p(k) p(x | k) is summed exactly; a VAE p(x) = E_z p(x | z), z ~ N(0, I), is a
mixture of as many Gaussians as there are z (deck E). On eight Gaussians in the plane, whose density
is known, the mixture's exact log p is compared with the VAE's: the ELBO, from one z a point;
IWAE-k, which rises to log p with k; and log p itself, by a sum over a fine grid of z, feasible in
two dimensions and not in thirty. -log p of 1,000 test points: -0.43 nats for the true density,
-0.42 for the mixture; for the VAE 0.81 (ELBO), 0.43 (IWAE-5), 0.12 (IWAE-1000) and 0.08 (grid). The
gap of the ELBO, 0.7 nats, is KL(q(z | x) || p(z | x)): the grid shows posteriors that no Gaussian
fits.

Verdict: holds: the ELBO is 0.7 nats below log p, which the mixture has exactly.
"""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot
from genjax_zoo.prob.distributions import normal_log_prob

EDGE = 5  # Of the grid of z.


def lattice(cells):
  """(cells x cells latents of two dimensions [cells², 2], log of the area of a cell)."""
  z = jnp.linspace(-EDGE, EDGE, cells)
  return jnp.stack(jnp.meshgrid(z, z), -1).reshape(-1, 2), 2 * jnp.log(z[1] - z[0])


def log_joint(run, x, z):
  """log p(x, z) [N] of one point x [2] and latents z [N, 2]."""
  batch = {"x": jnp.broadcast_to(x, z.shape), "weight": jnp.ones(len(z))}
  return run.model.parts["log_joint"](run.weights, run.state, batch, {"z": z}, jax.random.key(0))


def by_grid(run, x, cells):
  """(log p(x) [N] by a sum over cells x cells values of z, the prior's mass on the grid)."""
  z, log_area = lattice(cells)

  def log_prob(x, z):
    one = lambda x: jax.nn.logsumexp(log_joint(run, x, z)) + log_area
    return jax.lax.map(one, x)

  log_p = jax.jit(log_prob)(x, z)
  log_mass = jax.nn.logsumexp(normal_log_prob(z, 0.0, 0.0).sum(-1)) + log_area
  return np.asarray(log_p), float(jnp.exp(log_mass))


def posteriors(run, x, cells):
  """A picture of p(z | x) of points x [N, 2], and of samples of q(z | x)."""
  z, _ = lattice(cells)

  def sample(x):
    return run.model.parts["posterior_sample"](run.weights, run.state, {"x": x}, jax.random.key(0))[
      "z"
    ]

  sample = jax.jit(sample)

  def paint(*axes):
    for ax, point in zip(axes, x):
      p = np.exp(log_joint(run, point, z))
      height = (p / p.max()).reshape(cells, cells).T
      ax.contourf(*z.reshape(cells, cells, 2).T, height, levels=8, cmap="Blues")
      q = np.asarray(sample(np.repeat(point[None], 300, 0)))
      ax.scatter(*q.T, s=2, color="tab:orange")
      middle, half = q.mean(0), 5 * q.std(0).max()
      ax.set(
        title=f"x = ({point[0]:.1f}, {point[1]:.1f})",
        xlim=(middle[0] - half, middle[0] + half),
        ylim=(middle[1] - half, middle[1] + half),
        aspect="equal",
      )

  return plot(paint, len(x), 3.5)


def lesson(smoke):
  if smoke:
    ks, n, cells = (1, 5), 20, 50
  else:
    ks, n, cells = (1, 2, 5, 10, 50, 200, 1000), 1000, 400
  gmm, _ = trained("gmm_2d", smoke, **{"data.name": "8gaussians"})
  vae, dataset = trained("vae_2d", smoke)
  x = dataset.splits["test"]["x"][:n]
  batch = {"x": x, "weight": np.ones(n, np.float32)}
  exact, mass = by_grid(vae, x, cells)
  bounds = {k: float(-vae.log_prob(batch, k=k).mean()) for k in ks}
  results = {
    "truth": float(-np.asarray(dataset.log_prob(x)).mean()),
    "mixture, exact": float(-gmm.log_prob(batch).mean()),
    "VAE, ELBO": float(-vae.log_prob(batch, estimator="elbo").mean()),
    "VAE": {f"IWAE-{k}": bound for k, bound in bounds.items()},
    "VAE, by a grid of z": float(-exact.mean()),
    "prior on the grid": mass,
  }

  def paint(ax):
    ax.semilogx(ks, list(bounds.values()), "o-", label="VAE, IWAE-k")
    for name, style in (("VAE, by a grid of z", "--"), ("mixture, exact", ":"), ("truth", "-.")):
      ax.axhline(results[name], ls=style, color="black", label=name)
    ax.set(xlabel="k", ylabel="-log p(x), nats")
    ax.legend()

  caption = (
    "p(z | x) of three test points by the grid of z, in blue, and samples of q(z | x), in orange. "
    "The gap of the ELBO is the divergence between them."
  )
  return results, [
    (plot(paint), f"Mean -log p of {n:,} test points of eight Gaussians."),
    (posteriors(vae, x[2:5], cells), caption),  # These three are of different modes.
  ]
