"""From a mixture of Gaussians to the VAE: the sum over components becomes an integral that can only be bounded.

A mixture p(x) = sum_k p(k) p(x | k) is summed exactly; a VAE p(x) = E_z p(x | z), z ~ N(0, I), is a mixture of as many
Gaussians as there are z (deck E). On eight Gaussians in the plane, whose density is known, the mixture's exact log p is
set beside the VAE's: the ELBO, which one z a point gives, IWAE-k, which rises to log p with k, and log p itself, by a
sum over a fine grid of z, which two dimensions allow and thirty would not. -log p of 1,000 test points: -0.43 nats
of the truth, -0.42 of the mixture; of the VAE 0.79 (ELBO), 0.43 (IWAE-5), 0.12 (IWAE-1000) and 0.08 (grid).
"""

from pathlib import Path
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.pictures import plot
from genjax_zoo.prob.distributions import normal_log_prob


def by_grid(run, x, cells):
  """log p(x) [N] by a sum over cells x cells values of a latent of two numbers, and how much of the prior they hold."""
  z = jnp.linspace(-5, 5, cells)
  grid = jnp.stack(jnp.meshgrid(z, z), -1).reshape(-1, 2)
  prior = normal_log_prob(grid, 0.0, 0.0).sum(-1) + 2 * jnp.log(z[1] - z[0])

  def log_p(weights, x):
    batch = {"x": jnp.broadcast_to(x, grid.shape), "weight": jnp.ones(len(grid))}
    joint = run.model.parts["log_joint"](weights, run.state, batch, {"z": grid}, jax.random.key(0))
    return jax.nn.logsumexp(joint + 2 * jnp.log(z[1] - z[0]))

  return np.asarray(jax.jit(lambda w, x: jax.lax.map(lambda x: log_p(w, x), x))(run.weights, x)), float(
    jnp.exp(jax.nn.logsumexp(prior))
  )


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

  return numbers, [(plot(draw), f"Mean -log p of {n:,} test points of eight Gaussians.")]
