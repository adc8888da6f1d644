"""CycleGAN (Zhu 2017, arXiv:1703.10593): two translators between domains without pairs.

ab maps images a of one domain to the other, ba images b back; two critics of patches tell images
made for their domain from real ones. With the game of least squares,

  critic_loss = mean over patches of ((l_b(b) - 1)² + l_b(old ab(a))²) / 2, and the same of a
  gen_loss    = mean over patches of (l_b(ab(a)) - 1)² / 2, and the same of l_a and ba(b)
                + cycle mean |ba(ab(a)) - a| + cycle mean |ab(ba(b)) - b|
                + cycle identity (mean |ab(b) - b| + mean |ba(a) - a|)

The critics alone let ab pair the domains in any way, all digits 3 with digits 8, say. The cycle
forbids what can't be undone, many images made one; not a permutation, and not a detail that is
hidden in an image to be read again (lesson `unpaired`). The identity loss keeps what is in the
domain already.

Old are images from a pool of earlier translations (Shrivastava 2017, arXiv:1612.07828): a critic
that has seen the latest ones alone forgets the others. The pool is in `state`.

Departures: small networks, whose last layer sees the input too; the squares are halved; an average
of the translators' weights. Translators x + f(x) with f = 0 at first stayed there in our runs: both
losses of the cycle are least at the identity, with a kink, and the critics had won before.

Errata of the slides: docs/errata.md#cyclegan
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Learner, UserError
from genjax_zoo.models._form import mean_of, to_data, to_floats
from genjax_zoo.models._game import play, translator_model
from genjax_zoo.models.gans.gan import check_options
from genjax_zoo.nn.patch_critic import PatchCritic
from genjax_zoo.nn.translators import ResidualTranslator
from genjax_zoo.prob.adversarial import GAMES

A, B = "image_a", "image_b"
OTHER = {A: B, B: A}


def empty_pool(size: int, shape) -> dict:
  """A pool for `size` images of this shape, {} for none."""
  if not size:
    return {}
  return {"images": jnp.zeros((size, *shape)), "filled": jnp.zeros((), jnp.int32)}


def exchange(pool: dict, x, key):
  """(images [B, ...] to show a critic, the pool after x [B, ...] has come).

  One after the other, as in the paper's code: while the pool is not full an image goes in, and is
  shown; then it is shown itself with probability 1/2, else it takes the place of one of the pool,
  drawn uniformly, which is shown. Without a pool x is shown.
  """
  if not pool:
    return x, pool
  size = len(pool["images"])

  def one(pool, inputs):
    image, swap, place = inputs
    growing = pool["filled"] < size
    place = jnp.where(growing, pool["filled"], place)
    old = pool["images"][place]
    shown = jnp.where(growing | ~swap, image, old)
    kept = jnp.where(growing | swap, image, old)
    filled = pool["filled"] + growing
    return {"images": pool["images"].at[place].set(kept), "filled": filled}, shown

  k_swap, k_place = jax.random.split(key)
  swaps = jax.random.bernoulli(k_swap, 0.5, (len(x),))
  places = jax.random.randint(k_place, (len(x),), 0, size)
  pool, shown = jax.lax.scan(one, pool, (x, swaps, places))
  return shown, pool


def domain_fields(data: Mapping[str, Field]) -> dict[str, Field]:
  """The fields of both domains. Raises UserError unless these are images of one shape."""
  fields = {name: data[name] for name in (A, B) if name in data}
  shapes = {field.shape for field in fields.values()}
  if len(fields) < 2 or len(shapes) > 1 or len(data[A].shape) != 3:
    raise UserError(
      "cyclegan translates between images of one shape of two domains, image_a and image_b, and "
      f"the data have {', '.join(data)}: take domains:PATH or two_renderings"
    )
  return fields


class Networks(NamedTuple):
  """What all functions of a CycleGAN share; images are dicts by domain, floats [B, H, W, C]."""

  fields: Mapping[str, Field]
  translator: ResidualTranslator
  critic: PatchCritic

  def floats(self, batch) -> dict:
    """The images of the domains that a batch has."""
    return {k: to_floats(batch[k], field) for k, field in self.fields.items() if k in batch}

  def translated(self, gen, x: Mapping) -> dict:
    """{the other domain: translations} of images of domains."""

    def to(name, x):
      y = self.translator.apply({"params": gen[name]}, x)
      return jnp.tanh(y) if self.fields[name].num_values else y

    return {OTHER[k]: to(OTHER[k], images) for k, images in x.items()}

  def logits(self, critics, name: str, x):
    """Of patches of images of a domain, [B, h, w]."""
    return self.critic.apply({"params": critics[name]}, x)

  def init(self, x: Mapping, key):
    """The parameters of both players."""
    players = {"gen": self.translator, "critic": self.critic}
    keys = iter(jax.random.split(key, 4))
    return {
      player: {k: net.init(next(keys), images)["params"] for k, images in x.items()}
      for player, net in players.items()
    }


def learner(
  data,
  tx,
  *,
  width: int = 32,
  blocks: int = 3,
  halvings: int = 1,
  critic: tuple[int, ...] = (32, 64),
  cycle: float = 10.0,
  identity: float = 0.5,
  pool: int = 50,
  loss: str = "least_squares",
  ema: float = 0.0,
) -> Learner:
  """Translators between "image_a" and "image_b"; sampling is given "image_a", and makes "image_b".

  Given "image_b" too it makes "image_a" of that. `width`, `blocks` and `halvings` are the
  translators', `critic` the widths of both critics, `pool` is the number of earlier translations
  of each that are kept. Raises UserError for data without two domains.
  """
  fields = domain_fields(data)
  check_options(loss, (), fields[A])
  game = GAMES[loss]
  nets = Networks(fields, ResidualTranslator(width, blocks, halvings), PatchCritic(critic))
  translated, logits = nets.translated, nets.logits

  def init(key, batch):
    pools = {name: empty_pool(pool, field.shape) for name, field in fields.items()}
    return nets.init(nets.floats(batch), key), {"pool": pools}

  def critic_loss(critics, gen, state, batch, key):
    x = nets.floats(batch)
    made = translated(gen, x)
    value, pools, metrics = 0.0, {}, {}
    for name, k in zip(fields, jax.random.split(key)):
      old, pools[name] = exchange(state["pool"][name], made[name], k)
      real, fake = logits(critics, name, x[name]), logits(critics, name, old)
      value += mean_of(game.critic(real, fake))
      end = name.removeprefix("image")
      metrics |= {f"real_logit{end}": mean_of(real), f"fake_logit{end}": mean_of(fake)}
    return value, ({"pool": pools}, metrics)

  def gen_loss(gen, critics, state, batch, key):
    x = nets.floats(batch)
    made = translated(gen, x)
    back = translated(gen, made)
    fooled = sum(mean_of(game.gen(logits(critics, k, made[k]))) for k in fields)
    lost = sum(mean_of(jnp.abs(back[k] - x[k])) for k in fields)
    value = fooled + cycle * lost
    metrics = {"cycle_l1": lost / 2}
    if identity:
      same = translated(gen, {OTHER[k]: x[k] for k in fields})
      changed = sum(mean_of(jnp.abs(same[k] - x[k])) for k in fields)
      value += cycle * identity * changed
      metrics["identity_l1"] = changed / 2
    return value, ({}, metrics)

  def translate(params, state, given, key):
    return translated(params["gen"], nets.floats(given))

  def cycles(params, state, batch):
    x = nets.floats(batch)
    made = translated(params["gen"], x)
    back = translated(params["gen"], made)
    return {k: tuple(to_data(y, fields[k]) for y in (made[OTHER[k]], back[k])) for k in x}

  def evaluate(params, state, batch, key):
    """What the cycle loses, in the units of the loss: black and white are 2 apart."""
    x = nets.floats(batch)
    back = translated(params["gen"], translated(params["gen"], x))
    return {f"cycle_l1{k.removeprefix('image')}": mean_of(jnp.abs(back[k] - x[k])) for k in fields}

  model = translator_model(data, init, translate, {A: fields[A]})
  model = model._replace(evaluate=evaluate, parts={"cycles": cycles})
  return play(model, tx, critic_loss, gen_loss, ema=ema)
