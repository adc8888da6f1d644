"""Flow matching and rectified flow (Lipman 2022, arXiv:2210.02747; Liu 2022, arXiv:2209.03003).

An ODE dx/dt = v(x, t) carries noise at t = 1 to data at t = 0. If each pair (x_0, eps) moved along
its straight line x_t = (1 - t) x_0 + t eps, its velocity would be eps - x_0; the mean velocity of
the pairs that meet at x_t moves their distribution in the same way:

  loss = |v(x_t, t) - (eps - x_0)|² / D,   t ~ U(0, 1), eps ~ N(0, I)

Sampling takes Euler steps, x_s = x_t - (t - s) v, exact in one step if trajectories are straight.
Two things straighten them:

  coupling="ot"  pairs of the least distance within a batch (Pooladian 2023, arXiv:2304.14772;
                 Tong 2023, 2302.00482)
  teacher        reflow: the pairs are noise and what an earlier flow makes of it, which never cross

With a teacher, `init` draws `pairs` pairs, of which all batches are taken, and starts from its
weights: the network's arguments must be the teacher's. The ODE gives log p (`prob.likelihood`).

Departures: t runs from data to noise, as in all of this code; the paper draws millions of pairs.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError, shard_batch
from genjax_zoo.models._condition import drop as drop_condition
from genjax_zoo.models.diffusion._diffusion import diffusion, ode_density
from genjax_zoo.models.diffusion._space import (
  Space,
  align,
  check_choices,
  network_functions,
  space_of,
)
from genjax_zoo.prob import samplers, schedules
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import NoiseLevel
from genjax_zoo.prob.transport import optimal_pairs

LOW, HIGH = 1e-3, 1e3  # Ends of sigma / alpha for the density.
ROWS = 1000  # Pairs of a teacher that are drawn at a time.


def path(steps: int) -> NoiseLevel:
  """The levels of evenly spaced times from 1, noise, to 0, data."""
  return schedules.flow(jnp.linspace(1.0, 0.0, steps + 1))


def teacher_pairs(space: Space, denoise: Callable, key, n: int, steps: int) -> dict:
  """n pairs {"x0", "eps"} of noise and what a flow makes of it by Heun's rule; and their labels.

  denoise(x, level, c) is the flow's; its labels are drawn uniformly. Of a condition, only labels
  can be drawn: UserError for others.
  """
  fields = space.condition_fields
  if any(field.shape or not field.num_values for field in fields.values()):
    raise UserError("reflow draws its own condition, and can draw nothing but labels")

  def draw(key):
    k_eps, k_label = jax.random.split(key)
    eps = jax.random.normal(k_eps, (ROWS, *space.shape))
    given = {
      name: jax.random.randint(k_label, (ROWS,), 0, field.num_values)
      for name, field in fields.items()
    }
    c = space.condition(given, ROWS)
    x0 = samplers.heun(lambda x, level: denoise(x, level, c), eps, path(steps), key)
    return {"x0": x0, "eps": eps} | given

  pairs = jax.lax.map(draw, jax.random.split(key, -(-n // ROWS)))
  return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:n], pairs)


def model(
  data,
  *,
  teacher: Model | None = None,
  pairs: int = 10_000,
  teacher_steps: int = 20,
  coupling: str = "independent",
  dequantize: bool = False,
  network: Mapping = {"name": "unet"},
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
) -> Model:
  """A flow of "image" or real "x", with `coupling` "independent" or "ot".

  With a `teacher`, another flow, it is its reflow on `pairs` pairs drawn in `teacher_steps`.
  Integers have a likelihood where they are trained with uniform dequantization, `dequantize`, which
  costs some quality. The network: `_network.py`; its `condition` is dropped with probability
  `drop`.
  """
  check_choices(model__coupling=(coupling, ("independent", "ot")))
  space = space_of(data, condition, drop)
  init, apply = network_functions(space, network)

  def velocity(params, x, t, c={}, key=None):
    """v [B, ...] at times t, [] or [B]; the network's input is 20 t - 10."""
    return apply(params, x, 20 * t - 10, c, key)

  def denoise(params, state, x, level: NoiseLevel, c={}):
    """x_t - t v, of x brought to the line alpha + sigma = 1."""
    total = level.alpha + level.sigma
    x, t = x / align(total, x), level.sigma / total
    return x - align(t, x) * velocity(params, x, t, c)

  def init_reflow(key, batch, frozen):
    params, state = frozen["teacher"]
    own = jax.eval_shape(init, key, batch)[0]
    if jax.tree.map(jnp.shape, own) != jax.tree.map(jnp.shape, params):
      raise UserError(
        "stages.teacher has another network: reflow starts from its weights, so take its arguments"
      )
    flow = lambda x, level, c: teacher.parts["denoise"](params, state, x, level, c)
    return params, {"frozen": {"pairs": teacher_pairs(space, flow, key, pairs, teacher_steps)}}

  def pair(state, batch, key):
    """(x_0, eps, a batch with their condition)."""
    k_dequantize, k_eps = jax.random.split(key)
    if teacher:
      rows = jax.random.randint(key, (len(batch[space.name]),), 0, pairs)
      known = shard_batch({name: v[rows] for name, v in state["frozen"]["pairs"].items()})
      return known["x0"], known["eps"], known
    x0 = space.dequantized(batch, k_dequantize) if dequantize else space.to_floats(batch)
    eps = jax.random.normal(k_eps, x0.shape)
    return x0, optimal_pairs(x0, eps) if coupling == "ot" else eps, batch

  def loss(params, state, batch, key, train):
    k_drop, k_t, k_pair, k_dropout = jax.random.split(key, 4)
    x0, eps, given = pair(state, batch, k_pair)
    c = drop_condition(space.condition(given, len(x0)), k_drop, drop if train else 0.0)
    t = jax.random.uniform(k_t, (len(x0),))
    predict = lambda x, level: velocity(params, x, level.sigma, c, k_dropout if train else None)
    return denoising_loss(predict, x0, eps, schedules.flow(t), "velocity"), ({}, {})

  density = {}
  if dequantize or not space.num_values:
    density = ode_density(space, denoise, LOW, HIGH)
  start = init_reflow if teacher else init
  return diffusion(space, start, loss, denoise, path, sampler="ddim", steps=50, **density)
