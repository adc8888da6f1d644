"""Continuous normalizing flow (Chen et al. 2018, arXiv:1806.07366; FFJORD, Grathwohl et al. 2018,
arXiv:1810.01367).

A network says how fast points move. From the data at t = 0 to the latents at t = 1:

  dx/dt = net(x, t),   d log p / dt = -tr(d net / dx)
  log p(x) = log N(x(1); 0, I) + int_0^1 tr(d net / dx) dt
  loss = -log p(x) + speed * int_0^1 |net|^2 dt / D

No triangular Jacobian is needed, for an ODE can always be solved backwards. The trace is exact with
D products of the Jacobian and a vector; with one it is Hutchinson's estimate, E eps^T (d net / dx)
eps over random signs eps, the same along a path, which training takes. The solver chooses its
steps, and the density is exact up to `tolerance`; training goes in `steps` equal ones, of a known
cost.

Departures: a penalty on the speed (Finlay et al. 2020, arXiv:2002.02798), which keeps paths
straight and steps large; gradients through the solver's steps, not by the adjoint equation; tanh
networks that take t as one more input.

The deck (D, line 218) takes triangular Jacobians for the only cheap determinants; a trace needs
none.
"""

import diffrax
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.flows._flow import PRIORS, flow, shown
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.bijectors import Bijector, actnorm, actnorm_init, chain


def exact(f, x):
  """(f(x), tr df/dx [B]) of f on rows x [B, D], by D products."""
  y, push = jax.linearize(f, x)
  columns = jax.vmap(lambda e: push(jnp.broadcast_to(e, x.shape)))(
    jnp.eye(x.shape[1], dtype=x.dtype)
  )
  return y, jnp.einsum("dbd->b", columns)


def hutchinson(eps):
  """The same, estimated with random signs eps [B, D]."""

  def trace(f, x):
    y, product = jax.jvp(f, (x,), (eps,))
    return y, (eps * product).sum(-1)

  return trace


def move(field, x, trace, start, stop, steps: int = 0, tolerance: float = 1e-5, save=None):
  """(x, log |det|, int |dx/dt|^2 dt / D) at `stop` of rows x [B, D] at `start`, moved by dx/dt =
  field(x, t).

  With `steps` > 0 in so many equal steps of Tsitouras' method, else in as many as `tolerance` asks;
  all rows take the same. With `save`, times, all three have an axis of these times first.
  """

  def derivative(t, state, _):
    speed, change = trace(lambda x: field(x, t), state[0])
    return speed, change, (speed**2).mean(-1)

  zero = jnp.zeros(len(x), x.dtype)
  found = diffrax.diffeqsolve(
    diffrax.ODETerm(derivative),
    diffrax.Tsit5(),
    start,
    stop,
    (stop - start) / steps if steps else None,
    (x, zero, zero),
    saveat=diffrax.SaveAt(t1=True) if save is None else diffrax.SaveAt(ts=save),
    stepsize_controller=diffrax.ConstantStepSize()
    if steps
    else diffrax.PIDController(rtol=tolerance, atol=tolerance),
    max_steps=steps + 1 if steps else 4096,
  ).ys
  return jax.tree.map(lambda y: y[0], found) if save is None else found


def model(
  data,
  *,
  hidden: tuple[int, ...] = (64, 64, 64),
  steps: int = 6,
  speed: float = 0.02,
  tolerance: float = 1e-5,
  dtype: str = "float32",
) -> Model:
  """A continuous flow of real vectors "x" [D] by a perceptron `hidden`.

  `log_prob` takes estimator = "exact" or "hutchinson", of one draw of signs. Raises UserError for
  other data.
  """
  shape, _, levels = data.get("x", ((), None, None))[:3]
  if len(shape) != 1 or levels:
    raise UserError(f"cnf takes real vectors x [D]; the data have {shown(data)}")
  net, log_prior = MLP((*hidden, shape[0]), jnp.tanh, dtype), PRIORS["normal"][0]

  def field(params):
    return lambda x, t: net.apply(
      {"params": params["net"]}, jnp.concatenate([x, jnp.full((len(x), 1), t)], -1)
    )

  def bijector(params, trace=exact):
    through = lambda *ends: lambda x: move(field(params), x, trace, *ends, tolerance=tolerance)[:2]
    return chain(actnorm(params["first"]), Bijector(through(0.0, 1.0), through(1.0, 0.0)))

  def initialize(key, x):
    return {"first": actnorm_init(x), "net": net.init(key, jnp.zeros((1, shape[0] + 1)))["params"]}

  def signs(batch, key):
    return hutchinson(jax.random.rademacher(key, batch["x"].shape, float))

  def loss(params, state, batch, key, train):
    x, change = actnorm(params["first"]).forward_and_log_det(jnp.asarray(batch["x"], float))
    z, log_det, squared = move(field(params), x, signs(batch, key), 0.0, 1.0, steps)
    nats = log_prior(z).sum(-1) + change + log_det
    return -nats + speed * squared, ({}, {"nats": nats, "speed": squared})

  def log_prob(params, state, batch, key, estimator="exact"):
    """log p(x), up to the solver's tolerance."""
    trace = exact if estimator == "exact" else signs(batch, key)
    z, log_det = bijector(params, trace).forward_and_log_det(jnp.asarray(batch["x"], float))
    return log_prior(z).sum(-1) + log_det

  def warp(params, state, z):
    points = move(
      field(params), z, exact, 1.0, 0.0, tolerance=tolerance, save=jnp.linspace(1, 0, 9)
    )[0]
    return jnp.concatenate(
      [points, actnorm(params["first"]).inverse_and_log_det(points[-1])[0][None]]
    )

  parts = {"warp": warp, "field": lambda params, x, t: field(params)(x, t)}
  likelihood = {"exact": "exact", "hutchinson": "estimate"}
  base = flow(data, initialize, bijector, parts)
  return base._replace(loss=loss, log_prob=log_prob, likelihood=likelihood)
