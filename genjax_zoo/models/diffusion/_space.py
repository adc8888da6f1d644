"""What a diffusion model is of: one entry of a batch as floats, its condition, and the network."""

from collections.abc import Callable, Mapping
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, UserError, nearest
from genjax_zoo.models._condition import condition_fields, condition_of, null
from genjax_zoo.models._form import entry, to_data, to_floats
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.prob.schedules import NoiseLevel


class Space(NamedTuple):
  """The entry of a batch that is modelled, and the fields of the condition."""

  name: str
  field: Field
  condition_fields: Mapping[str, Field] = {}
  kept: tuple[str, ...] = ()  # Entries of the condition that are always given in training.

  @property
  def shape(self) -> tuple[int, ...]:
    return self.field.shape

  @property
  def num_values(self) -> int | None:
    return self.field.num_values

  @property
  def dim(self) -> int:
    return math.prod(self.shape)

  @property
  def gray_step(self) -> float:
    """The distance of neighbouring gray levels in `to_floats`."""
    return 2 / (self.num_values - 1)

  def to_floats(self, batch):
    """x_0 [B, *shape]: gray levels in [-1, 1], real numbers as they are."""
    return to_floats(batch[self.name], self.field)

  def dequantized(self, batch, key):
    """x_0 with uniform noise of a gray level's width, which a density of integers needs."""
    x0 = self.to_floats(batch)
    if not self.num_values:
      return x0
    return x0 + self.gray_step * jax.random.uniform(key, x0.shape, minval=-0.5, maxval=0.5)

  def to_data(self, x) -> dict:
    """x_0 as a batch, with the data's key, shape and dtype."""
    return {self.name: to_data(x, self.field)}

  def condition(self, given, n: int) -> dict:
    """The condition of n examples, from a batch or from what is given; null where it is missing."""
    return condition_of(self.condition_fields, given, n)

  def null(self, c: dict) -> dict:
    """The condition without what training left out now and then: guidance leads away from it."""
    return null(c) | {name: c[name] for name in self.kept}


def space_of(
  data: Mapping[str, Field],
  condition: tuple[str, ...] = (),
  drop: float | Mapping[str, float] = 1.0,
) -> Space:
  """The Space of some data; `drop` is the probability that training leaves the condition out.

  Raises UserError for a condition that the data lack.
  """
  fields = condition_fields(data, condition)
  dropped = drop if isinstance(drop, Mapping) else dict.fromkeys(fields, drop)
  return Space(*entry(data), fields, tuple(name for name in fields if not dropped.get(name)))


def check_choices(**choices):
  """Raises UserError for a value that is not among those known: key=(value, known)."""
  for key, (value, known) in choices.items():
    if value not in known:
      raise UserError(
        f"{key.replace('__', '.')}={value!r} is unknown{nearest(str(value), known)}; "
        f"there are {', '.join(known)}"
      )


def align(a, x):
  """a, [] or [B], with as many axes as x [B, ...]."""
  return jnp.reshape(a, (-1, *[1] * (x.ndim - 1)))


def network_functions(
  space: Space, network: Mapping, outputs: int = 1
) -> tuple[Callable, Callable]:
  """(init, apply) of the network that a config describes, for params {"net"}.

  init(key, batch) -> (params, {}). apply(params, x, noise, c, key=None) -> [B, ...] for noise [] or
  [B], the condition c and, in training, the `key` of dropout.
  """
  fields = space.condition_fields
  net = make_network(network, space.shape, outputs, fields, nulls=tuple(fields))

  def init(key, batch):
    n = len(batch[space.name])
    args = jnp.zeros((n, *space.shape)), jnp.zeros(n), space.condition({}, n)
    return {"net": net.init(key, *args)["params"]}, {}

  def apply(params, x, noise, c={}, key=None):
    return apply_network(net, params["net"], x, noise, c, key)

  return init, apply


def apply_network(net: nn.Module, params, x, noise, c={}, key=None):
  """A network's output, [B, ...]; noise is [] or [B], `key` that of dropout in training."""
  rngs = {"dropout": key} if key is not None else {}
  noise = jnp.reshape(noise, -1)  # [1] for a level that all share, as in sampling: embedded once.
  return net.apply({"params": params}, x, noise, c, train=key is not None, rngs=rngs)


def apply_scaled(apply: Callable, params, x, level: NoiseLevel, c={}, key=None):
  """A network's output for x / sqrt(alpha² + sigma²), of about unit variance, at
  log(sigma / alpha).
  """
  scaled = x / align(jnp.hypot(level.alpha, level.sigma), x)
  return apply(params, scaled, -level.log_snr / 2, c, key)


def score_functions(space: Space, network: Mapping) -> tuple[Callable, Callable, Callable]:
  """(init, score, denoise) of a network that is a score at any noise level, for params {"net"}.

  score(params, x, level, c, key=None) = -net / sigma. By the input of `apply_scaled` what a network
  learns of one noise process holds for all. `denoise` is the Model's part: x0_hat by Tweedie's
  formula, (x + sigma² score) / alpha.
  """
  init, apply = network_functions(space, network)

  def score(params, x, level: NoiseLevel, c={}, key=None):
    return -apply_scaled(apply, params, x, level, c, key) / align(level.sigma, x)

  def denoise(params, state, x, level: NoiseLevel, c={}):
    shifted = x + align(level.sigma, x) ** 2 * score(params, x, level, c)
    return shifted / align(level.alpha, x)

  return init, score, denoise
