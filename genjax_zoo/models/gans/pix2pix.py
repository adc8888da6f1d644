"""pix2pix (Isola 2017, arXiv:1611.07004): an image made of another one, learned from pairs.

A generator G makes the target y of the image x; a critic of patches with logits l(x, y) tells pairs
with true targets from pairs with made ones. G is also to be near the target, pixel by pixel:

  critic_loss = mean over patches of softplus(-l(x, y)) + softplus(l(x, G(x)))
  gen_loss    = adversarial mean over patches of softplus(-l(x, G(x))) + l1 mean |y - G(x)|

Where x does not say all of y, the best G for the second term alone is the median of y given x at
each pixel: gray between colours, flat between textures. The critic knows that no target is so. It
sees x too, so that a made target must fit it. What G paints is one of the targets that fit: its
only noise is dropout, in sampling too, and it makes little use of it, as in the paper.

Departures: instance normalisation without scale and shift, and not of small maps; an average of the
generator's weights; the critic is not normalised and its loss not halved.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_zoo.core import Field, Learner, UserError
from genjax_zoo.models._condition import condition_fields, condition_of
from genjax_zoo.models._form import entry, mean_of, to_floats
from genjax_zoo.models._game import play, translator_model
from genjax_zoo.models.gans.gan import check_options
from genjax_zoo.nn.condition import condition_channels
from genjax_zoo.nn.patch_critic import PatchCritic
from genjax_zoo.nn.translators import UNetTranslator
from genjax_zoo.prob.adversarial import GAMES


def learner(
  data,
  tx,
  *,
  condition: tuple[str, ...] = ("image",),
  widths: tuple[int, ...] = (32, 64, 128, 128),
  critic: tuple[int, ...] = (32, 64),
  dropout: float = 0.5,
  l1: float = 100.0,
  adversarial: float = 1.0,
  loss: str = "non_saturating",
  ema: float = 0.0,
) -> Learner:
  """Translates the images, or maps of classes, of `condition` to the main entry of the data.

  `widths` are the U-Net's, `critic` those of the patch critic. With adversarial = 0 it is the
  regression that the paper compares with. Raises UserError for data without pairs.
  """
  name, field = entry(data)
  given = condition_fields(data, condition)
  check_pairs(name, field, given)
  check_options(loss, (), field)
  game = GAMES[loss]
  gen_net = UNetTranslator(widths, field.shape[-1], dropout)
  patches = PatchCritic(critic)

  def channels(batch):
    """What is given, as channels [B, H, W, K]."""
    n = len(next(iter(batch.values())))
    return condition_channels(condition_of(given, batch, n), given.items(), field.shape[:2])

  def generate(gen, x, key):
    y = gen_net.apply({"params": gen}, x, rngs={"dropout": key})
    return jnp.tanh(y) if field.num_values else y

  def logits(critic, x, y):
    """Of patches, [B, h, w]."""
    return patches.apply({"params": critic}, jnp.concatenate([x, y], -1))

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    x, y = channels(batch), to_floats(batch[name], field)
    gen = gen_net.init({"params": k_gen, "dropout": k_gen}, x)["params"]
    return {"gen": gen, "critic": patches.init(k_critic, jnp.concatenate([x, y], -1))["params"]}, {}

  def critic_loss(critic, gen, state, batch, key):
    x = channels(batch)
    real = logits(critic, x, to_floats(batch[name], field))
    fake = logits(critic, x, generate(gen, x, key))
    metrics = {"real_logit": mean_of(real), "fake_logit": mean_of(fake)}
    return mean_of(game.critic(real, fake)), ({}, metrics)

  def gen_loss(gen, critic, state, batch, key):
    x = channels(batch)
    made = generate(gen, x, key)
    error = mean_of(jnp.abs(to_floats(batch[name], field) - made))
    fooled = mean_of(game.gen(logits(critic, x, made)))
    return adversarial * fooled + l1 * error, ({}, {"l1": error})

  def translate(params, state, given, key):
    return {name: generate(params["gen"], channels(given), key)}

  def evaluate(params, state, batch, key):
    """The mean absolute error, in the units of the loss: black and white are 2 apart."""
    made = translate(params, state, batch, key)[name]
    return {"l1": mean_of(jnp.abs(to_floats(batch[name], field) - made))}

  model = translator_model(data, init, translate, given)._replace(evaluate=evaluate)
  return play(model, tx, critic_loss, gen_loss, ema=ema)


def check_pairs(name: str, field: Field, given: Mapping[str, Field]):
  """Raises UserError unless an image is made of other images, or of maps."""
  of_images = all(len(f.shape) in (2, 3) for f in given.values())
  if len(field.shape) != 3 or name in given or not given or not of_images:
    raise UserError(
      f"pix2pix makes an image of another, and here makes {name!r} {list(field.shape)} of "
      f"{' and '.join(given) or 'nothing'}: take data of pairs, such as outlines or pairs:PATH"
    )
