"""Continuous normalizing flow (Chen et al. 2018, arXiv:1806.07366; FFJORD, 2018, arXiv:1810.01367).

A network is the velocity of points that move from the data at t = 0 to the latents at t = 1:

  dx/dt = net(x, t),   d log p / dt = -tr(d net / dx)
  log p(x) = log N(x(1); 0, I) + int_0^1 tr(d net / dx) dt
  loss = -log p(x) + 0.02 int_0^1 |net|^2 dt / D

The Jacobian need not be triangular, since an ODE can always be solved backwards. D Jacobian-vector
products give the exact trace; one gives Hutchinson's estimate eps^T (d net / dx) eps, its random
signs eps fixed along a trajectory, which training uses. In evaluation the solver chooses its steps,
and the density is exact up to `tolerance`; training takes `steps` equal ones, at a known cost.

Departures from the papers: the penalty on the squared velocity (Finlay et al. 2020,
arXiv:2002.02798), which keeps trajectories straight and steps large; gradients through the solver's
steps, not by the adjoint equation; tanh networks with t as one more input.

Errata of the slides: docs/errata.md#cnf
"""

import diffrax
import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.flows._flow import PRIORS, Layer, describe, flow
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.bijectors import Bijector, actnorm, actnorm_init, chain

SPEED_PENALTY = 0.02
FRAMES = 9  # Of the trajectories that parts["warp"] shows.


def exact(f, x):
  """(f(x), tr df/dx [B]) of a function f of rows x [B, D], by D Jacobian-vector products."""
  y, jacobian_times = jax.linearize(f, x)
  column = lambda e: jacobian_times(jnp.broadcast_to(e, x.shape))
  columns = jax.vmap(column)(jnp.eye(x.shape[1], dtype=x.dtype))
  return y, jnp.einsum("dbd->b", columns)


def no_trace(f, x):
  """(f(x), 0 [B]): a function like `exact` for samples, which need no density."""
  return f(x), jnp.zeros(len(x), x.dtype)


def hutchinson(eps):
  """A function like `exact` that estimates the trace by random signs eps [B, D], in one product."""

  def trace(f, x):
    y, product = jax.jvp(f, (x,), (eps,))
    return y, (eps * product).sum(-1)

  return trace


def integrate(field, x, trace, start, stop, steps: int = 0, tolerance: float = 1e-5, save=None):
  """(x, log |det|, int |dx/dt|^2 dt / D) at time `stop`, of rows x [B, D] at time `start`.

  Solves dx/dt = field(x, t) by Tsitouras' method, in `steps` equal steps if `steps` > 0, else in
  steps adapted to `tolerance`, the same ones for all rows. `trace` is `exact`, `no_trace` or
  `hutchinson(eps)`. With times `save` [T], all three are at these times, [T, B, ...].
  """

  def derivative(t, state, _):
    velocity, divergence = trace(lambda x: field(x, t), state[0])
    return velocity, divergence, (velocity**2).mean(-1)

  if steps:
    controller = diffrax.ConstantStepSize()
    first_step = (stop - start) / steps
    max_steps = steps + 1  # Rounding may leave a last step of no length.
  else:
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
    first_step = None
    max_steps = 4096
  zero = jnp.zeros(len(x), x.dtype)
  solution = diffrax.diffeqsolve(
    diffrax.ODETerm(derivative),
    diffrax.Tsit5(),
    start,
    stop,
    first_step,
    (x, zero, zero),
    saveat=diffrax.SaveAt(t1=True) if save is None else diffrax.SaveAt(ts=save),
    stepsize_controller=controller,
    max_steps=max_steps,
  )
  return jax.tree.map(lambda y: y[0], solution.ys) if save is None else solution.ys


def model(
  data,
  *,
  hidden: tuple[int, ...] = (64, 64, 64),
  steps: int = 6,
  tolerance: float = 1e-5,
  dtype: str = "float32",
) -> Model:
  """A continuous flow of real vectors "x" [D], its velocity a perceptron with layers `hidden`.

  `log_prob` takes estimator = "exact" or "hutchinson", with one sample of signs. Raises UserError
  for other data.
  """
  data_field = data.get("x", Field((), None))
  if len(data_field.shape) != 1 or data_field.num_values:
    raise UserError(f"cnf takes real vectors x [D]; the data have {describe(data)}")
  dim = data_field.shape[0]
  net = MLP((*hidden, dim), jnp.tanh, dtype)
  log_prior = PRIORS["normal"].log_prob

  def velocity(params):
    def field(x, t):
      time = jnp.full((len(x), 1), t)
      return net.apply({"params": params["net"]}, jnp.concatenate([x, time], -1))

    return field

  def bijector(params, trace=exact):
    def between(start, stop):
      return lambda x: integrate(velocity(params), x, trace, start, stop, tolerance=tolerance)[:2]

    return chain(actnorm(params["first"]), Bijector(between(0.0, 1.0), between(1.0, 0.0)))

  def init(key, x):
    params = net.init(key, jnp.zeros((1, dim + 1)))["params"]
    return {"first": actnorm_init(x), "net": params}

  def estimated_trace(batch, key):
    return hutchinson(jax.random.rademacher(key, batch["x"].shape, float))

  def loss(params, state, batch, key, train):
    x = jnp.asarray(batch["x"], float)
    x, change = actnorm(params["first"]).forward_and_log_det(x)
    trace = estimated_trace(batch, key)
    z, log_det, speed = integrate(velocity(params), x, trace, 0.0, 1.0, steps)
    nats = log_prior(z).sum(-1) + change + log_det
    return -nats + SPEED_PENALTY * speed, ({}, {"nats": nats, "speed": speed})

  def log_prob(params, state, batch, key, estimator="exact"):
    """log p(x), up to the solver's tolerance."""
    trace = exact if estimator == "exact" else estimated_trace(batch, key)
    z, log_det = bijector(params, trace).forward_and_log_det(jnp.asarray(batch["x"], float))
    return log_prior(z).sum(-1) + log_det

  def warp(params, state, z):
    times = jnp.linspace(1, 0, FRAMES)
    path, _, _ = integrate(velocity(params), z, no_trace, 1.0, 0.0, tolerance=tolerance, save=times)
    x, _ = actnorm(params["first"]).inverse_and_log_det(path[-1])
    return jnp.concatenate([path, x[None]])

  base = flow(data, Layer(init, bijector), {"warp": warp})
  sampled = flow(data, Layer(init, lambda params: bijector(params, no_trace)))
  return base._replace(
    loss=loss,
    sample=sampled.sample,
    log_prob=log_prob,
    decode=sampled.decode,
    likelihood={"exact": "exact", "hutchinson": "estimate"},
    calls=lambda **options: None,  # The solver decides while it goes.
  )
