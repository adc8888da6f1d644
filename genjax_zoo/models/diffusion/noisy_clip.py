"""CLIP of noisy images, to guide diffusion by (GLIDE, Nichol 2021, arXiv:2112.10741, section 2.4).

CLIP (models/discriminative/clip.py) whose image encoder f is trained at all noise levels that a
diffusion model goes through, x_t = alpha x_0 + sigma eps, t ~ U{1..T}, and is given the level:

  u_i = f(x_i, t_i) / |f(x_i, t_i)|,   v_j = g(caption_j) / |g(caption_j)|
  loss_i = InfoNCE of scale u_i . v_j, as in CLIP

log p(c | x_t) is scale u . v up to what does not depend on c, and its gradient guides samples
towards a caption: classifier_guidance.py, of which this is a stage. A CLIP of clean images has
never seen an x_t.

Departures: the image encoder is a network of diffusion models, whose outputs are averaged.
"""

from collections.abc import Mapping
import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.diffusion._space import (
  apply_scaled,
  check_choices,
  network_functions,
  space_of,
)
from genjax_zoo.models.discriminative.clip import (
  SCALE,
  TEXT,
  CaptionEncoder,
  check,
  no_negatives,
  scale_of,
  unit,
)
from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.contrastive import info_nce, ranks
from genjax_zoo.prob.schedules import NoiseLevel


def model(
  data,
  *,
  embedding: int = 32,
  text_width: int = 64,
  text_depth: int = 2,
  T: int = 1000,
  schedule: str = "cosine",
  network: Mapping = {"name": "unet"},
) -> Model:
  """CLIP of noisy "image" and "tokens", at the T noise levels of a schedule.

  `schedule` is "linear", "quadratic" or "cosine". The network: `_network.py`.
  parts["log_caption"](params, state, x, level, tokens) -> log p(caption | x) + constant, [B].
  Raises UserError for data without captions.
  """
  check_choices(model__schedule=(schedule, schedules.DISCRETE))
  words = check(data)
  space = space_of(data)
  chain = getattr(schedules, schedule)(T)
  net_init, apply = network_functions(space, network, outputs=embedding)
  text_net = CaptionEncoder(words.num_values, text_width, text_depth, embedding)

  def init(key, batch):
    k_net, k_text, k_offset = jax.random.split(key, 3)
    # The network is 0 at the start, and 0 has no direction.
    params = {
      "text": text_net.init(k_text, batch[TEXT])["params"],
      "offset": jax.random.normal(k_offset, (embedding,)),
      "log_scale": jnp.array(math.log(SCALE)),
    }
    return net_init(k_net, batch)[0] | params, {}

  def embed_noisy(params, x, level: NoiseLevel, key=None):
    """Unit vectors [B, embedding] of noisy images; `key` is that of dropout in training."""
    out = apply_scaled(apply, params, x, level, key=key)
    return unit(out.reshape(len(x), -1, embedding).mean(1) + params["offset"][None])

  def embed_text(params, tokens):
    return text_net.apply({"params": params["text"]}, tokens)[0]

  def log_caption(params, state, x, level: NoiseLevel, tokens):
    return scale_of(params) * (embed_noisy(params, x, level) * embed_text(params, tokens)).sum(-1)

  def loss(params, state, batch, key, train):
    k_t, k_eps, k_dropout = jax.random.split(key, 3)
    x0, tokens = space.to_floats(batch), batch[TEXT]
    level = chain.at(jax.random.randint(k_t, (len(x0),), 1, T + 1))
    x = processes.diffuse(x0, jax.random.normal(k_eps, x0.shape), level)
    images = embed_noisy(params, x, level, k_dropout if train else None)
    texts = embed_text(params, tokens)
    ignored = no_negatives(batch)
    similarity = scale_of(params) * images @ texts.T
    own = jnp.eye(len(x0), dtype=bool)
    found = ranks(jnp.where(ignored & ~own, -jnp.inf, similarity), own) == 0
    return info_nce(similarity, ignored), ({}, {"caption_found": found.astype(jnp.float32)})

  return Model(init, loss, parts={"log_caption": log_caption})
