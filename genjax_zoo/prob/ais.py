"""Annealed importance sampling (Neal 2001, physics/9803008): a lower bound on a log normaliser.

The distributions lie on a geometric path from a normalised density f_0 that can be sampled to an
unnormalised f_1 = f_0 r:

    log f_b(z) = log f_0(z) + b log r(z),    b = 0 .. 1,    Z = E_{f_0}[r] = integral of f_1.

A chain starts at z_0 ~ f_0 and alternates a weight with a transition that leaves f_b invariant:

    log w += (b_t - b_{t-1}) log r(z_{t-1}),    z_t ~ T_{b_t}(z_{t-1}).

Then E[w] = Z for any number of steps, so E[log of a mean of w] <= log Z (Jensen), with equality as
the number of steps grows. For a latent-variable model f_0 = p(z) and r = p(x | z), and so Z = p(x)
(Wu et al. 2017, 1611.04273).

The same chain run backwards, `betas[::-1]` from a z ~ f_1 / Z, has E[w] = 1/Z: minus its log is an
upper bound (Grosse et al. 2015, 1511.02543). All functions are pure and batched.
"""

from collections.abc import Callable

import jax
from jax.nn import logsumexp
import jax.numpy as jnp

Density = Callable[[jax.Array], jax.Array]  # z [..., D] -> log density [...].


def sigmoid_schedule(steps: int, sharpness: float = 4.0) -> jax.Array:
  """Inverse temperatures 0 = b_0 < .. < b_steps = 1, dense at both ends.

  They are sigmoid(sharpness (2 t / steps - 1)), rescaled.
  """
  b = jax.nn.sigmoid(sharpness * jnp.linspace(-1, 1, steps + 1))
  return (b - b[0]) / (b[-1] - b[0])


def anneal(
  key: jax.Array, z: jax.Array, log_ratio: Density, transition: Callable, betas: jax.Array
):
  """(log weights [...], last states [..., D]) of chains that start at z [..., D].

  z is drawn from the distribution at betas[0], and the last states are approximate samples of that
  at betas[-1]. `transition(key, z, b) -> z` moves all chains at once and leaves f_b invariant:
  `hmc`, or a Gibbs sampler. `log_ratio` is log r.
  """

  def step(carry, inputs):
    z, log_w = carry
    key, before, b = inputs
    log_w += (b - before) * log_ratio(z)
    return (transition(key, z, b), log_w), None

  keys = jax.random.split(key, len(betas) - 1)
  start = (z, jnp.zeros(z.shape[:-1]))
  (z, log_w), _ = jax.lax.scan(step, start, (keys, betas[:-1], betas[1:]))
  return log_w, z


def hmc(
  key: jax.Array, z: jax.Array, log_density: Density, step_size: jax.Array, leapfrogs: int = 10
):
  """One Hamiltonian Monte Carlo transition of each chain: (z [..., D], acceptance rate [...]).

  `log_density` may be unnormalised; `step_size` broadcasts with z. With one leapfrog it is MALA
  (Neal 2011, 1206.1901).
  """

  def value_and_gradient(z):
    # Chains do not interact, so the gradient of their sum holds that of each.
    value, pullback = jax.vjp(log_density, z)
    return value, pullback(jnp.ones_like(value))[0]

  def leapfrog(carry, _):
    z, momentum, _, gradient = carry
    momentum = momentum + 0.5 * step_size * gradient
    z = z + step_size * momentum
    value, gradient = value_and_gradient(z)
    return (z, momentum + 0.5 * step_size * gradient, value, gradient), None

  k_momentum, k_accept = jax.random.split(key)
  start = jax.random.normal(k_momentum, z.shape)
  value, gradient = value_and_gradient(z)
  carry, _ = jax.lax.scan(leapfrog, (z, start, value, gradient), length=leapfrogs)
  proposal, end, new_value, _ = carry
  log_accept = new_value - value + 0.5 * (start**2 - end**2).sum(-1)
  # NaN where the trajectory diverged: the proposal is rejected.
  accept = jnp.where(jnp.isnan(log_accept), 0.0, jnp.exp(jnp.minimum(log_accept, 0.0)))
  accepted = jax.random.uniform(k_accept, accept.shape) < accept
  return jnp.where(accepted[..., None], proposal, z), accept


def tune(
  key: jax.Array,
  z: jax.Array,
  move: Callable,
  betas: jax.Array,
  step_size: float,
  target: float,
  rate=0.2,
):
  """Step sizes [T, ...] for betas[1:] with which chains z [C, ..., D] accept at the rate `target`.

  `move(key, z, b, step_size [...]) -> (z, acceptance rate [C, ...])`. Each step adds
  rate (acceptance - target) to the log step size.
  """

  def step(carry, inputs):
    z, size = carry
    key, b = inputs
    z, accept = move(key, z, b, size)
    return (z, size * jnp.exp(rate * (accept.mean(0) - target))), size

  keys = jax.random.split(key, len(betas) - 1)
  start = (z, jnp.full(z.shape[1:-1], step_size))
  _, sizes = jax.lax.scan(step, start, (keys, betas[1:]))
  return sizes


def log_marginal(
  key: jax.Array,
  sample_prior: Callable,
  log_prior: Density,
  log_likelihood: Density,
  betas: jax.Array,
  chains: int = 16,
  leapfrogs: int = 10,
  step_size: float = 0.1,
  target: float = 0.65,
):
  """(log p(x) [B], log weights [chains, B]) of B examples by HMC.

  The first is the log mean exp of the second. `sample_prior(key) -> z [B, D]`,
  `log_prior(z) -> [B]`, and `log_likelihood(z) -> [B]` is that of the b-th example given z[b]. The
  shape B may be anything, also (). `betas` rise from 0 to 1: `sigmoid_schedule(steps)`.

  Step sizes start at `step_size` and are tuned on pilot chains, a quarter as many, then fixed: if
  they were adapted during annealing they would depend on the states that they move, and the
  estimate would be biased.
  """
  prior = jax.vmap(log_prior)
  likelihood = jax.vmap(log_likelihood)

  def move(key, z, b, size):
    k_jitter, k_move = jax.random.split(key)
    # Jitter: trajectories of one length would return to their start when it is a period.
    jitter = jax.random.uniform(k_jitter, (*z.shape[:-1], 1), minval=0.5, maxval=1.5)
    size = size[None, ..., None] * jitter
    return hmc(k_move, z, lambda z: prior(z) + b * likelihood(z), size, leapfrogs)

  def start(key, n):
    return jax.vmap(sample_prior)(jax.random.split(key, n))

  k_pilot, k_tune, k_start, k_anneal = jax.random.split(key, 4)
  pilots = start(k_pilot, -(-chains // 4))
  sizes = tune(k_tune, pilots, move, betas, step_size, target)

  def transition(key, z, b):
    z, _ = move(key, z, b, sizes[jnp.searchsorted(betas[1:], b)])
    return z

  log_w, _ = anneal(k_anneal, start(k_start, chains), likelihood, transition, betas)
  return logsumexp(log_w, 0) - jnp.log(chains), log_w
