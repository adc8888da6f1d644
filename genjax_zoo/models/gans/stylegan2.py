"""StyleGAN2 (Karras 2019, arXiv:1912.04958): images made of styles w, which a mapping finds of z.

The mapping w = F(z) need not keep the Gaussian of z: what is rare in the data may take little room
in w, and w may be smoother than z. The synthesis G(w) starts at a constant; w modulates its
convolutions, at each resolution anew, and noise at each pixel paints what is left to chance
(nn/stylegan.py). The game is that of gan.py, with two penalties:

  critic_loss = softplus(-l(x)) + softplus(l(G(w))) + r1 / 2 |grad_x l(x)|²
  gen_loss    = softplus(-l(G(w))) + path (|J_w^T y| - a)²,    y ~ N(0, I / pixels)

where a is the running mean of the path lengths |J_w^T y|: a step in w is to change the image by as
much wherever it starts. Both penalties are lazy: at every `lazy`-th update, times `lazy`. Style
mixing: in training the layers of most images take w from two z, those before a random layer from
the first, so that no layer relies on what the others are given.

With `truncation` below 1 samples are at m + truncation (w - m), m the running mean of w: more
typical and less diverse. An image is projected into w by gradient descent (appendix D).

Few images may be augmented by as much as keeps the critic from memorising them (nn/ada.py):
StyleGAN2-ADA (Karras 2020, arXiv:2006.06676).

Departures: a penalty is added to the loss of its update, where the authors make a second one; a
starts at the first length, where theirs starts at 0: of short runs all images became one;
images are halved by means of 2 x 2 pixels; the projection's error is that of pixels, where the
paper's is that of features, and its noise is 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Field, Learner, Model, UserError, nearest, shard_batch
from genjax_zoo.models._form import image_of, mean_of, to_data, to_floats
from genjax_zoo.models._game import generator_model, noise, play
from genjax_zoo.nn import ada
from genjax_zoo.nn.stylegan import Critic, Mapping, Synthesis
from genjax_zoo.prob.adversarial import GAMES, pulled_back, squared_slope

MEAN_DECAY = 0.995  # Of the running mean of w.
PATH_DECAY = 0.99  # Of the running mean of path lengths.
SHARE = 2  # Path lengths are of a batch over so much.


class Networks(NamedTuple):
  """The three networks; z and w [B, D], ws [B, layers, D], images x are floats [B, H, W, C]."""

  mapping: Mapping
  synthesis: Synthesis
  critic: Critic
  latent: int

  def map(self, gen, z):
    """w = F(z)."""
    return self.mapping.apply({"params": gen["mapping"]}, z)

  def make(self, gen, ws, key=None):
    """G(ws), with noise if there is a key."""
    return self.synthesis.apply({"params": gen["synthesis"]}, ws, key)

  def every_layer(self, w):
    """ws of one w for all layers."""
    return w[:, None].repeat(self.synthesis.layers, 1)

  def mixed(self, gen, key, n: int, mixing: float):
    """ws of random z, and with probability `mixing` of a second one from a random layer on."""
    layers = self.synthesis.layers
    if not mixing:
      return self.every_layer(self.map(gen, noise(key, n, self.latent)))
    k_z, k_layer = jax.random.split(key)
    z = noise(k_z, n, 2 * self.latent).reshape(2 * n, self.latent)
    first, second = jnp.moveaxis(self.map(gen, z).reshape(n, 2, self.latent), 1, 0)
    # Uniform in [0, 1), and where it is below `mixing` over that again.
    u = jax.random.uniform(k_layer, (n,)) / mixing
    start = jnp.where(u < 1, 1 + jnp.floor(u * (layers - 1)), layers)
    of_first = jnp.arange(layers)[None] < start[:, None]
    return jnp.where(of_first[..., None], first[:, None], second[:, None])

  def logits(self, critic, x):
    """l(x), [B]."""
    return self.critic.apply({"params": critic}, x)

  def init(self, key, x):
    """(the parameters of both players, the means of w and of path lengths)."""
    k_mapping, k_synthesis, k_critic = jax.random.split(key, 3)
    z = jnp.zeros((1, self.latent))
    gen = {
      "mapping": self.mapping.init(k_mapping, z)["params"],
      "synthesis": self.synthesis.init(k_synthesis, self.every_layer(z))["params"],
    }
    params = {"gen": gen, "critic": self.critic.init(k_critic, x)["params"]}
    return params, {"w": jnp.zeros(self.latent), "path": jnp.zeros(())}


def periodic(weight: float, every: int) -> Callable:
  """The schedule of a lazy penalty: `every` times its weight in every so many updates, else 0."""
  return lambda updates: jnp.where(updates % every == 0, weight * every, 0.0)


def lazily(measure: Callable, weight, n: int):
  """measure() [n] where the weight is positive; NaN where it is 0, and nothing is done."""
  return jax.lax.cond(weight > 0, measure, lambda: jnp.full(n, jnp.nan))


def weighted(weight, penalty):
  """The weight times a penalty that was measured `lazily`, 0 where it was not."""
  return jnp.where(weight > 0, weight * penalty, 0.0)


def truncated(w, mean, truncation):
  """w [B, D] on the line to their mean [D]: all of the way for 0, as they are for 1."""
  return mean[None] + truncation * (w - mean[None])


def path_lengths(nets: Networks, gen, key, n: int, mixing: float):
  """|J_w^T y| [n] of random ws, y ~ N(0, I / pixels); section 3.2."""
  k_w, k_y, k_noise = jax.random.split(key, 3)
  ws = nets.mixed(gen, k_w, n, mixing)
  height, width, channels = nets.synthesis.shape
  y = shard_batch(jax.random.normal(k_y, (n, height, width, channels))) / (height * width) ** 0.5
  return pulled_back(lambda ws: nets.make(gen, ws, k_noise), ws, y)


def project(nets: Networks, gen, mean, x, key, steps: int):
  """w [B, D] whose images are near x [B, H, W, C], by `steps` of Adam from the mean of w [D].

  Noise is added to w, of a standard deviation that falls to 0 in the first three quarters of the
  steps: near w that make other images than x it finds the way. Appendix D.
  """
  k_scale, k_steps = jax.random.split(key)
  others = nets.map(gen, jax.random.normal(k_scale, (1000, nets.latent)))
  deviation = jnp.sqrt(((others - mean[None]) ** 2).sum(-1).mean())
  tx = optax.adam(optax.warmup_cosine_decay_schedule(0.0, 0.1, steps // 20, steps))

  def error(w, eps):
    made = nets.make(gen, nets.every_layer(w + eps))
    return mean_of((made - x) ** 2).sum()

  def step(carry, inputs):
    w, opt = carry
    i, key = inputs
    left = jnp.maximum(1 - i / (0.75 * steps), 0)
    eps = 0.05 * deviation * left**2 * jax.random.normal(key, w.shape)
    updates, opt = tx.update(jax.grad(error)(w, eps), opt)
    return (optax.apply_updates(w, updates), opt), None

  w = jnp.broadcast_to(mean[None], (len(x), nets.latent))
  keys = jax.random.split(k_steps, steps)
  (w, _), _ = jax.lax.scan(step, (w, tx.init(w)), (jnp.arange(steps), keys))
  return w


def stylegan2_model(nets: Networks, field: Field, init: Callable) -> Model:
  """The Model: samples by truncation, latents z or w, the projection of images."""

  def ws_of(params, latents):
    """Of {"z"}, of {"w": [B, D]}, or of {"w": [B, layers, D]}, which mixes styles."""
    w = latents["w"] if "w" in latents else nets.map(params["gen"], latents["z"])
    return w if w.ndim == 3 else nets.every_layer(w)

  def generate(params, state, latents):
    return nets.make(params["gen"], ws_of(params, latents))

  def sample(params, state, key, n, given={}, truncation=1.0):
    """G(w), w truncated to the mean: truncation 1 is none, 0 the mean itself; with noise."""
    k_z, k_noise = jax.random.split(key)
    w = nets.map(params["gen"], noise(k_z, n, nets.latent))
    ws = nets.every_layer(truncated(w, state["w"], truncation))
    return {"image": to_data(nets.make(params["gen"], ws, k_noise), field)}

  def mean(params, state, latents):
    """The image without noise, [0, 1]."""
    return (generate(params, state, latents) + 1) / 2

  def mapped(params, state, latents):
    return {"w": nets.map(params["gen"], latents["z"])}

  def projected(params, state, batch, key, steps=200):
    x = to_floats(batch["image"], field)
    return {"w": project(nets, params["gen"], state["w"], x, key, steps)}

  critic = lambda params, state, x, given: nets.logits(params["critic"], x)
  model = generator_model({"image": field}, nets.latent, init, generate, critic)
  parts = model.parts | {"mean": mean, "map": mapped, "project": projected}
  return model._replace(sample=sample, parts=parts)


def learner(
  data,
  tx,
  *,
  latent: int = 64,
  mapping: int = 4,
  widths: tuple[int, ...] = (64, 64, 32),
  critic: tuple[int, ...] = (32, 64, 64),
  r1: float = 1.0,
  path: float = 2.0,
  lazy: int = 8,
  mixing: float = 0.9,
  rate: float = 0.01,
  augment: tuple[str, ...] = (),
  target: float = 0.6,
  speed: float = 500_000.0,
  ema: float = 0.0,
) -> Learner:
  """A StyleGAN2 of "image"; `tx = {"gen": ..., "critic": ...}`.

  z and w have `latent` numbers, with `mapping` layers between them, which learn `rate` times as
  fast. `widths` are those of the synthesis, one a resolution, from the smallest on; `critic` those
  of the critic, from the image on. `r1` and `path` are weights of the penalties, 0 for none.
  `augment` are the changes of nn/ada.py, all with probability p, which takes `speed` images to go
  from 0 to 1 while E sign l(x) is above its `target`. Raises UserError for data without images.
  """
  field = image_of(data)
  if len(field.shape) != 3 or lazy < 1:
    raise UserError(
      "stylegan2 has convolutions, for images [H, W, C], and penalties every model.lazy >= 1 "
      f"updates; 'image' has the shape {list(field.shape)}, and model.lazy={lazy}"
    )
  for name in augment:
    if name not in ada.CHANGES:
      raise UserError(
        f"unknown model.augment {name!r}{nearest(name, ada.CHANGES)}; there are "
        f"{', '.join(ada.CHANGES)}"
      )
  game = GAMES["non_saturating"]
  synthesis = Synthesis(tuple(widths), field.shape)
  nets = Networks(Mapping(mapping), synthesis, Critic(tuple(critic)), latent)

  def init(key, batch):
    params, state = nets.init(key, to_floats(batch["image"], field))
    return params, state | {"ada": ada.started(augment)}

  def drawn(key, n, state):
    """Changes of n images with the present p; {} for none."""
    p = state["ada"]["p"] if augment else 0.0
    return ada.drawn(jax.random.fold_in(key, 1), (n, *field.shape), augment, p)

  def fakes(gen, key, n):
    k_w, k_noise = jax.random.split(key)
    ws = nets.mixed(gen, k_w, n, mixing)
    return nets.make(gen, ws, k_noise), ws

  def critic_loss(critic, gen, state, batch, key, r1_weight=0.0):
    x = to_floats(batch["image"], field)
    made, _ = fakes(gen, key, len(x))
    logits = lambda x, changes: nets.logits(critic, ada.changed(x, changes))
    keys = jnp.stack([jax.random.fold_in(key, 2), key])
    changes = jax.vmap(lambda key: drawn(key, len(x), state))(keys)
    # One compiled critic for both; each of its groups has images of one kind.
    real, fake = jax.vmap(logits)(jnp.stack([x, made]), changes)
    value = game.critic(real, fake)
    metrics = {"real_logit": real, "fake_logit": fake}
    if r1:
      of_real = jax.tree.map(lambda change: change[0], changes)
      slope = lambda: squared_slope(lambda x: logits(x, of_real), x)
      metrics["squared_slope"] = lazily(slope, r1_weight, len(x))
      value += weighted(r1_weight / 2, metrics["squared_slope"])
    if augment:
      metrics |= {"p": state["ada"]["p"], "real_sign": jnp.sign(real)}
    return value, ({"ada": ada.adapted(state["ada"], real, target, speed)}, metrics)

  def gen_loss(gen, critic, state, batch, key, path_weight=0.0):
    k_fake, k_path = jax.random.split(key)
    n = len(batch["image"])
    made, ws = fakes(gen, k_fake, n)
    made = ada.changed(made, drawn(k_fake, n, state))
    value = game.gen(nets.logits(critic, made))
    changes = {"w": optax.incremental_update(ws[:, 0].mean(0), state["w"], 1 - MEAN_DECAY)}
    metrics = {}
    if path:
      part = max(n // SHARE, 1)
      lengths = lazily(lambda: path_lengths(nets, gen, k_path, part, mixing), path_weight, part)
      start = jnp.where(state["path"] > 0, state["path"], lengths.mean())
      moved = optax.incremental_update(lengths.mean(), start, 1 - PATH_DECAY)
      mean = jax.lax.stop_gradient(jnp.where(path_weight > 0, moved, state["path"]))
      value += weighted(path_weight, (lengths - mean) ** 2).mean()
      changes["path"] = mean
      metrics["path_length"] = lengths
    return value, (changes, metrics)

  lazy_penalties = {
    "critic": {"r1_weight": periodic(r1, lazy)} if r1 else {},
    "gen": {"path_weight": periodic(path, lazy)} if path else {},
  }
  options = dict(ema=ema, rates={"mapping": rate}, schedules=lazy_penalties)
  return play(stylegan2_model(nets, field, init), tx, critic_loss, gen_loss, **options)
