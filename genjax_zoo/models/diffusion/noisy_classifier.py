"""A classifier of noisy data, to guide diffusion by (Dhariwal & Nichol 2021, arXiv:2105.05233).

It learns p(c | x_t) at all noise levels x_t = alpha x_0 + sigma eps that a diffusion model goes
through:

  loss = -log softmax(logits(x_t, t))[c],   t ~ U{1..T},  eps ~ N(0, I)

Alone it samples nothing: it is a stage of classifier_guidance.py.

Departures: the logits are means, over the image, of a whole U-Net's outputs, in place of its first
half and attention pooling (section 4).
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models.diffusion._space import (
  apply_scaled,
  check_choices,
  network_functions,
  space_of,
)
from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.schedules import NoiseLevel


def model(
  data, *, T: int = 1000, schedule: str = "linear", network: Mapping = {"name": "unet"}
) -> Model:
  """A classifier of "image" or real "x" by "label", at the T noise levels of a schedule.

  `schedule` is "linear", "quadratic" or "cosine". The network: `_network.py`.
  parts["log_label"](params, state, x, level) -> log p(c | x), [B, classes].
  """
  check_choices(model__schedule=(schedule, schedules.DISCRETE))
  classes = label_classes(condition_fields(data, ("label",)))
  space = space_of(data)
  chain = getattr(schedules, schedule)(T)
  init, apply = network_functions(space, network, outputs=classes)

  def log_label(params, state, x, level: NoiseLevel, key=None):
    """`key` is that of dropout in training."""
    out = apply_scaled(apply, params, x, level, key=key)
    return jax.nn.log_softmax(out.reshape(len(x), -1, classes).mean(1))

  def loss(params, state, batch, key, train):
    k_t, k_eps, k_dropout = jax.random.split(key, 3)
    x0, label = space.to_floats(batch), batch["label"]
    level = chain.at(jax.random.randint(k_t, (len(x0),), 1, T + 1))
    x = processes.diffuse(x0, jax.random.normal(k_eps, x0.shape), level)
    log_p = log_label(params, state, x, level, k_dropout if train else None)
    accuracy = (log_p.argmax(-1) == label).astype(jnp.float32)
    nats = optax.softmax_cross_entropy_with_integer_labels(log_p, label)
    return nats, ({}, {"accuracy": accuracy})

  return Model(init, loss, parts={"log_label": log_label})
