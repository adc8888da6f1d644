"""Flow matching and rectified flow (Lipman 2022, arXiv:2210.02747; Liu 2022, arXiv:2209.03003).

An ODE dx/dt = v(x, t) carries noise at t = 1 to data at t = 0. If each pair (x_0, eps) moved along
its straight line x_t = (1 - t) x_0 + t eps, its velocity were eps - x_0; the mean of those that
meet at x_t moves the whole law alike:

  loss = |v(x_t, t) - (eps - x_0)|² / D,   t ~ U(0, 1), eps ~ N(0, I)

Samples take Euler's steps, x_s = x_t - (t - s) v, exact in one if the ways are straight. Two things
straighten them:

  coupling="ot"  pairs of the least distance within a batch (Pooladian 2023, arXiv:2304.14772; Tong 2023, 2302.00482)
  teacher        reflow: the pairs are noise and what an earlier flow made of it; crossings are gone from them

With a teacher, `init` draws `pairs` pairs, of which all batches are taken, and starts from its
weights: the network's arguments must be the teacher's. The ODE gives log p (`prob.likelihood`).

Departures: t runs from data to noise, as in all of this code; the paper draws millions of pairs.
Times may be "logit_normal" (Esser 2024, arXiv:2403.03206).
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError, shard_batch
from genjax_zoo.models.diffusion._diffusion import (
  check,
  column,
  diffusion,
  filled,
  functions,
  network as make,
  ode,
  space,
  told,
)
from genjax_zoo.prob import samplers, schedules
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import NoiseLevel
from genjax_zoo.prob.transport import optimal_pairs

LOW, HIGH = 1e-3, 1e3  # Ends of sigma / alpha for the density.
ROWS = 1000  # Pairs that are drawn at a time.


def model(
  data,
  *,
  teacher: Model | None = None,
  pairs: int = 10_000,
  teacher_steps: int = 20,
  coupling: str = "independent",
  time: str = "uniform",
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  conditional: bool = False,
  drop_label: float = 0.1,
  dequantize: bool = False,
  octaves: tuple[int, ...] = (),
  dtype: str = "float32",
) -> Model:
  """A flow of "image" or real "x"; with a `teacher`, another flow, its reflow on `pairs` of
  `teacher_steps` of Heun.

  `coupling` is "independent" or "ot", `time` "uniform" or "logit_normal". The network: see
  `_diffusion.network`. `conditional` on "label", left out with probability `drop_label`. Integers
  have a likelihood where training fills their cells with noise, `dequantize`, which costs some
  quality.
  """
  check(
    **{
      "model.coupling": (coupling, ("independent", "ot")),
      "model.time": (time, ("uniform", "logit_normal")),
    }
  )
  here = space(data, conditional)
  options = dict(
    classes=here.classes, blocks=blocks, attention=attention, patch=patch, dropout=dropout
  )
  options |= dict(octaves=octaves, dtype=dtype)
  init, apply = functions(here, make(network, here.shape, hidden, **options))

  def velocity(params, x, t, label, key=None):
    """v [B, ...] at times t, [] or [B]; the network is told 20 t - 10."""
    return apply(params, x, 20 * t - 10, label, key)

  def denoise(params, state, x, level: NoiseLevel, label):
    """x_t - t v of x brought to the line alpha + sigma = 1."""
    total = level.alpha + level.sigma
    x, t = x / column(total, x), level.sigma / total
    return x - column(t, x) * velocity(params, x, t, label)

  path = lambda steps: schedules.flow(jnp.linspace(1.0, 0.0, steps + 1))

  def init_reflow(key, batch, frozen):
    params, state = frozen["teacher"]
    own = jax.eval_shape(init, key, batch)[0]
    if jax.tree.map(jnp.shape, own) != jax.tree.map(jnp.shape, params):
      raise UserError(
        "stages.teacher has another network: reflow goes on from its weights, with its model arguments"
      )

    def draw(key):
      k_eps, k_label = jax.random.split(key)
      eps = jax.random.normal(k_eps, (ROWS, *here.shape))
      label = jax.random.randint(k_label, (ROWS,), 0, here.classes) if here.classes else None
      f = lambda x, level: teacher.parts["denoise"](params, state, x, level, label)
      x0 = samplers.heun(f, eps, path(teacher_steps), key)
      return {"x0": x0, "eps": eps} | ({"label": label} if here.classes else {})

    drawn = jax.lax.map(draw, jax.random.split(key, -(-pairs // ROWS)))
    return params, {
      "frozen": {"pairs": jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:pairs], drawn)}
    }

  def pair(state, batch, key):
    """(x_0, eps, what labels there are) for a batch."""
    k_fill, k_eps = jax.random.split(key)
    if teacher:
      known = state["frozen"]["pairs"]
      rows = jax.random.randint(key, (len(batch[here.name]),), 0, pairs)
      drawn = shard_batch({k: v[rows] for k, v in known.items()})
      return drawn["x0"], drawn["eps"], drawn
    x0 = filled(here, batch, k_fill) if dequantize else here.floats(batch)
    eps = jax.random.normal(k_eps, x0.shape)
    return x0, optimal_pairs(x0, eps) if coupling == "ot" else eps, batch

  def loss(params, state, batch, key, train):
    k_label, k_t, k_pair, k_drop = jax.random.split(key, 4)
    x0, eps, told_of = pair(state, batch, k_pair)
    label = told(here, told_of, k_label, drop_label if train else 0.0)
    n = len(x0)
    t = (
      jax.random.uniform(k_t, (n,))
      if time == "uniform"
      else jax.nn.sigmoid(jax.random.normal(k_t, (n,)))
    )
    predict = lambda x, level: velocity(params, x, level.sigma, label, k_drop if train else None)
    return denoising_loss(predict, x0, eps, schedules.flow(t), "velocity"), ({}, {})

  density = ode(here, denoise, LOW, HIGH) if dequantize or not here.num_values else {}
  start = init_reflow if teacher else init
  return diffusion(here, start, loss, denoise, path, sampler="ddim", steps=50, **density)
