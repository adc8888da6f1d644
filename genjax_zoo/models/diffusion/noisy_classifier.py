"""A classifier of noisy data, to guide diffusion by (Dhariwal & Nichol 2021, arXiv:2105.05233,
section 4).

It learns p(c | x_t) at all levels of the noise x_t = alpha x_0 + sigma eps that a diffusion model
goes through:

  loss = -log softmax(logits(x_t, t))[c],   t ~ U{1..T},  eps ~ N(0, I)

Alone it samples nothing: it is a stage of models/diffusion/classifier_guidance.py.

Departures: the logits are means, over the image, of what a whole U-Net says, in place of its first
half and a pooling by attention.
"""

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._diffusion import check, column, network as make, space
from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.schedules import NoiseLevel


def model(
  data,
  *,
  T: int = 1000,
  schedule: str = "linear",
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  dtype: str = "float32",
) -> Model:
  """A classifier of "image" or real "x" by "label", at the T levels of a "linear", "quadratic" or
  "cosine" schedule.

  parts["log_label"], (params, state, x, level) -> log p(c | x) [B, classes] of x at a level of
  numbers [] or [B]. The network: see `_diffusion.network`.
  """
  check(**{"model.schedule": (schedule, schedules.DISCRETE)})
  here, chain = space(data, conditional=True), getattr(schedules, schedule)(T)
  options = dict(blocks=blocks, attention=attention, patch=patch, dropout=dropout, dtype=dtype)
  net = make(network, here.shape, hidden, outputs=here.classes, **options)

  def log_label(params, state, x, level: NoiseLevel, key=None):
    """`key` is that of dropout in training."""
    seen = x / column(jnp.hypot(level.alpha, level.sigma), x)
    rngs, noise = (
      {"dropout": key} if key is not None else {},
      jnp.broadcast_to(-level.log_snr / 2, len(x)),
    )
    out = net.apply({"params": params["net"]}, seen, noise, train=key is not None, rngs=rngs)
    return jax.nn.log_softmax(out.reshape(len(x), -1, here.classes).mean(1))

  def init(key, batch):
    n = len(batch[here.name])
    return {"net": net.init(key, jnp.zeros((n, *here.shape)), jnp.zeros(n))["params"]}, {}

  def loss(params, state, batch, key, train):
    k_t, k_eps, k_drop = jax.random.split(key, 3)
    x0, label = here.floats(batch), batch["label"]
    level = chain.at(jax.random.randint(k_t, (len(x0),), 1, T + 1))
    x = processes.diffuse(x0, jax.random.normal(k_eps, x0.shape), level)
    log_p = log_label(params, state, x, level, k_drop if train else None)
    correct = (log_p.argmax(-1) == label).astype(jnp.float32)
    return optax.softmax_cross_entropy_with_integer_labels(log_p, label), (
      {},
      {"accuracy": correct},
    )

  return Model(init, loss, parts={"log_label": log_label})
