"""StarGAN v2 (Choi 2020, arXiv:1912.01865): one generator between many domains, in many styles.

A domain is a class y of the data. A style s [B, S] in it is mapped from z ~ N(0, I), s = F_y(z), or
read in an image of it, s = E_y(x'). G(x, s) is the image x in the domain and style of s; a critic
has a logit l_y for each domain, and is trained with the gradient penalty R1.

  critic_loss = softplus(-l_y(x)) + softplus(l_y'(G(x, s'))) + r1 / 2 |grad_x l_y(x)|²
  gen_loss    = softplus(-l_y'(G(x, s')))                        it is an image of the domain y',
                + style mean |E_y'(G(x, s')) - s'|               in the style that was asked for;
                - diversity mean |G(x, s') - G(x, s'')|          other styles are other images;
                + cycle mean |G(G(x, s'), E_y(x)) - x|           and the way back is known.

What the style can't say, as place and pose, must come from x, or the cycle could not find it again.

Departures: half of an update's s' are of z and half of other images, where the paper makes two
updates; `diversity` is of styles s'' of z. The paper's diversity falls to 0, by the schedule
gen.diversity; the mapping F learns at a lower `rate`.

Errata of the slides: docs/errata.md#stargan_v2
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models._form import image_of, mean_of, to_data, to_floats
from genjax_zoo.models._game import noise, play
from genjax_zoo.nn import styled
from genjax_zoo.prob.adversarial import GAMES, squared_slope


def of_domain(x, y):
  """x [B, domains, ...] of each example's domain y [B], [B, ...]."""
  return jax.vmap(lambda x, y: x[y])(x, y)


class Networks(NamedTuple):
  """The four networks; images x are floats [B, H, W, C], domains y [B], styles s [B, S]."""

  generator: styled.StyledTranslator
  encoder: styled.DomainHeads
  mapping: styled.Mapping
  critic: styled.DomainHeads
  latent: int

  def make(self, gen, x, s):
    """G(x, s)."""
    return self.generator.apply({"params": gen["generator"]}, x, s)

  def read(self, gen, x, y):
    """E_y(x), the styles of images in their domains."""
    return of_domain(self.encoder.apply({"params": gen["encoder"]}, x), y)

  def mapped(self, gen, y, key):
    """F_y(z), styles in domains, of random z."""
    z = noise(key, len(y), self.latent)
    return of_domain(self.mapping.apply({"params": gen["mapping"]}, z), y)

  def wanted(self, gen, x, y, key):
    """(styles, their domains): half of other images, half of z in the domains of these."""
    k_order, k_z, k_half = jax.random.split(key, 3)
    order = jax.random.permutation(k_order, len(x))
    x, y = x[order], y[order]
    of_image = jax.random.bernoulli(k_half, 0.5, (len(x), 1))
    return jnp.where(of_image, self.read(gen, x, y), self.mapped(gen, y, k_z)), y

  def logits(self, critic, x, y):
    """l_y(x), [B]."""
    return of_domain(self.critic.apply({"params": critic}, x), y)[..., 0]

  def init(self, key, x):
    """The parameters of both players."""
    keys = jax.random.split(key, 4)
    s = jnp.zeros((len(x), self.encoder.features))
    gen = {
      "generator": self.generator.init(keys[0], x, s)["params"],
      "encoder": self.encoder.init(keys[1], x)["params"],
      "mapping": self.mapping.init(keys[2], jnp.zeros((1, self.latent)))["params"],
    }
    return {"gen": gen, "critic": self.critic.init(keys[3], x)["params"]}


def learner(
  data,
  tx,
  *,
  widths: tuple[int, ...] = (32, 64),
  blocks: int = 2,
  critic: tuple[int, ...] = (32, 64, 64),
  latent: int = 8,
  features: int = 16,
  hidden: int = 64,
  style: float = 1.0,
  cycle: float = 1.0,
  r1: float = 1.0,
  rate: float = 0.01,
  schedules: Mapping = {},
  ema: float = 0.0,
) -> Learner:
  """Translates "image" between the classes of "label".

  `widths` and `blocks` are the generator's, `critic` the widths of the critic and of the style
  encoder; styles have `features` numbers, made of `latent` by layers of `hidden`. The schedule
  gen.diversity is the weight of that loss, 1 by default. Sampling is given "image" and the "label"
  to translate to, and may be given a "reference" [B, H, W, C] in that domain, whose style it takes.
  Raises UserError for data without images or without classes.
  """
  field = image_of(data)
  classes = label_classes(condition_fields(data, ("label",)))
  if len(field.shape) != 3 or not classes:
    raise UserError("stargan_v2 translates images [H, W, C] between classes of known number")
  game = GAMES["non_saturating"]
  nets = Networks(
    styled.StyledTranslator(widths, blocks),
    styled.DomainHeads(critic, classes, features),
    styled.Mapping(hidden, classes, features),
    styled.DomainHeads(critic, classes, 1),
    latent,
  )

  def init(key, batch):
    return nets.init(key, to_floats(batch["image"], field)), {}

  def critic_loss(critic, gen, state, batch, key):
    x, y = to_floats(batch["image"], field), batch["label"]
    s, other = nets.wanted(gen, x, y, key)
    real, fake = nets.logits(critic, x, y), nets.logits(critic, nets.make(gen, x, s), other)
    penalty = r1 / 2 * squared_slope(lambda x: nets.logits(critic, x, y), x)
    return game.critic(real, fake) + penalty, ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key, diversity=1.0):
    k_wanted, k_other = jax.random.split(key)
    x, y = to_floats(batch["image"], field), batch["label"]
    s, other = nets.wanted(gen, x, y, k_wanted)
    made = nets.make(gen, x, s)
    # Fixed, as in the authors' code: `made` moves away from it.
    second = jax.lax.stop_gradient(nets.make(gen, x, nets.mapped(gen, other, k_other)))
    metrics = {
      "style_l1": mean_of(jnp.abs(nets.read(gen, made, other) - s)),
      "diversity_l1": mean_of(jnp.abs(made - second)),
      "cycle_l1": mean_of(jnp.abs(nets.make(gen, made, nets.read(gen, x, y)) - x)),
    }
    loss = game.gen(nets.logits(critic, made, other))
    loss += style * metrics["style_l1"] - diversity * metrics["diversity_l1"]
    return loss + cycle * metrics["cycle_l1"], ({}, metrics)

  def observe(params, state, batch, key):
    """The images, and the labels of others to translate them to."""
    order = jax.random.permutation(key, len(batch["label"]))
    return {"image": batch["image"], "label": batch["label"][order]}

  def sample(params, state, key, n, given):
    """given["image"] in the domain given["label"], in the style of given["reference"] or of z."""
    gen, y = params["gen"], given["label"]
    reference = given.get("reference")
    if reference is None:
      s = nets.mapped(gen, y, key)
    else:
      s = nets.read(gen, to_floats(reference, field), y)
    return {"image": to_data(nets.make(gen, to_floats(given["image"], field), s), field)}

  def style_of(params, state, images, label):
    return nets.read(params["gen"], to_floats(images, field), label)

  given = {"image": field, "label": data["label"]}
  parts = {"style": style_of}
  model = Model(init, sample=sample, given=given, observe=observe, parts=parts)
  options = dict(ema=ema, schedules=schedules, rates={"mapping": rate})
  return play(model, tx, critic_loss, gen_loss, **options)
