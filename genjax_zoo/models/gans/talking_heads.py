"""Talking heads (Zakharov 2019, arXiv:1905.08233): a person of a few pictures, in any pose.

A pose is an image y of landmarks, which says nothing of the person i. An embedder reads the person
in K shots x_k beside their landmarks, and a generator paints that person in a pose: e sets the mean
and the deviation of its feature maps (AdaIN). A critic has a vector W_i of each person it knows:

  e = mean_k E(x_k, y_k),   G(y, e),   l(x, y, W_i) = v(x, y) . (W_i + w) + b

  critic_loss = relu(1 - l(x, y, W_i)) + relu(1 + l(G(y, e), y, W_i))
  gen_loss    = l1 mean |x - G(y, e)| - adversarial l(G(y, e), y, W_i) + match mean |e - W_i|

The last term makes e stand for W_i: that of a new person, whom the critic does not know, is e. So
the parts "critic" and "realism" take it, and fine-tuning to a person (talking_heads_tuned.py).

A portrait is alive when one picture gives e and another, of anybody, the pose.

Departures: the difference of pixels in place of that of features of a network, and no matching of
the critic's features; no self-attention and no spectral norms; an average of G's and E's weights.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Learner, Model, UserError
from genjax_zoo.models._form import image_of, mean_of, to_data, to_floats
from genjax_zoo.models._game import play, translator_model
from genjax_zoo.models.gans.gan import leaky_relu
from genjax_zoo.nn.convnet import Encoder
from genjax_zoo.nn.styled import StyledTranslator
from genjax_zoo.prob.adversarial import GAMES

GIVEN = "landmarks", "shots", "shot_landmarks"


class Critic(nn.Module):
  """Images with landmarks [B, H, W, C], vectors of persons [B, D] -> logits [B]."""

  body: Encoder

  @nn.compact
  def __call__(self, x, person):
    v = leaky_relu(self.body(x))
    return (v * person).sum(-1) + nn.Dense(1)(v)[..., 0]


class Networks(NamedTuple):
  """The three networks; images x and landmarks y are floats [B, H, W, C], e [B, D]."""

  fields: Mapping[str, Field]
  generator: StyledTranslator
  embedder: Encoder
  critic: Critic

  def floats(self, batch, name: str):
    """An entry of a batch, as networks see it."""
    return to_floats(batch[name], self.fields[name])

  def person(self, gen, batch):
    """e, where a batch has it, or of its K shots and their landmarks, [B, K, H, W, C]."""
    if "e" in batch:
      return batch["e"]
    x = jnp.concatenate([self.floats(batch, "shots"), self.floats(batch, "shot_landmarks")], -1)
    e = self.embedder.apply({"params": gen["embedder"]}, x.reshape(-1, *x.shape[2:]))
    return e.reshape(*x.shape[:2], -1).mean(1)

  def make(self, gen, y, e):
    """G(y, e)."""
    return self.generator.apply({"params": gen["generator"]}, y, e)

  def logits(self, critic, x, y, person):
    """l(x, y, person), [B], of vectors W_i or e."""
    pair = jnp.concatenate([x, y], -1)
    return self.critic.apply({"params": critic["net"]}, pair, person)

  def init(self, key, x, y, people: int):
    """The parameters of both players; x and y are a batch, `people` are known to the critic."""
    keys = jax.random.split(key, 4)
    pair = jnp.concatenate([x, y], -1)
    features = self.embedder.features
    e = jnp.zeros((len(x), features))
    gen = {
      "generator": self.generator.init(keys[0], y, e)["params"],
      "embedder": self.embedder.init(keys[1], pair)["params"],
    }
    critic = {
      "net": self.critic.init(keys[2], pair, e)["params"],
      "people": jax.random.normal(keys[3], (people, features)) / features**0.5,
    }
    return {"gen": gen, "critic": critic}


def heads_model(nets: Networks, init: Callable) -> Model:
  """The Model: portraits, the persons and poses that they are made of, and what a critic says."""
  fields = nets.fields

  def made_of(params, batch):
    person = nets.person(params["gen"], batch)
    return nets.make(params["gen"], nets.floats(batch, "landmarks"), person)

  def logits_of(params, x, batch):
    person = nets.person(params["gen"], batch)
    return nets.logits(params["critic"], x, nets.floats(batch, "landmarks"), person)

  def encode(params, state, batch, key=None):
    """The person, from the shots, and the pose."""
    return {"e": nets.person(params["gen"], batch), "landmarks": batch["landmarks"]}

  def decode(params, state, latents, key=None):
    return {"image": to_data(made_of(params, latents), fields["image"])}

  def evaluate(params, state, batch, key):
    """The mean absolute error, in the units of the loss: black and white are 2 apart."""
    return {"l1": mean_of(jnp.abs(nets.floats(batch, "image") - made_of(params, batch)))}

  def translate(params, state, given, key):
    return {"image": made_of(params, given)}

  def mean(params, state, latents):
    return (made_of(params, latents) + 1) / 2

  def critic(params, state, batch):
    return logits_of(params, nets.floats(batch, "image"), batch)

  def realism(params, state, latents):
    return logits_of(params, made_of(params, latents), latents)

  e = Field((nets.embedder.features,), np.float32)
  model = translator_model(fields, init, translate, {name: fields[name] for name in GIVEN})
  return model._replace(
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    latents={"e": e, "landmarks": fields["landmarks"]},
    parts={"mean": mean, "critic": critic, "realism": realism},
  )


def learner(
  data,
  tx,
  *,
  widths: tuple[int, ...] = (16, 32, 48),
  blocks: int = 2,
  critic: tuple[int, ...] = (24, 48, 64),
  features: int = 64,
  l1: float = 10.0,
  adversarial: float = 1.0,
  match: float = 1.0,
  ema: float = 0.0,
) -> Learner:
  """Makes "image" of the "landmarks" of a pose and of "shots" of a person with their landmarks.

  `widths` and `blocks` are the generator's, `critic` the widths of the critic and of the embedder,
  `features` the length of e. There may be any number of shots. Raises UserError for data without
  people in poses.
  """
  channels = image_of(data).shape[-1]
  missing = {*GIVEN, "identity"} - data.keys()
  if missing:
    raise UserError(
      f"talking_heads needs the entries {', '.join(GIVEN)} and identity, and the data lack "
      f"{', '.join(sorted(missing))}: take data such as avatars"
    )
  game = GAMES["hinge"]
  nets = Networks(
    data,
    StyledTranslator(widths, blocks, channels),
    Encoder(critic, features, leaky_relu),
    Critic(Encoder(critic, features, leaky_relu)),
  )

  def init(key, batch):
    x, y = nets.floats(batch, "image"), nets.floats(batch, "landmarks")
    return nets.init(key, x, y, data["identity"].num_values), {}

  def critic_loss(critic, gen, state, batch, key):
    x, y = nets.floats(batch, "image"), nets.floats(batch, "landmarks")
    person = critic["people"][batch["identity"]]
    made = nets.make(gen, y, nets.person(gen, batch))
    real, fake = nets.logits(critic, x, y, person), nets.logits(critic, made, y, person)
    return game.critic(real, fake), ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    x, y = nets.floats(batch, "image"), nets.floats(batch, "landmarks")
    person = critic["people"][batch["identity"]]
    e = nets.person(gen, batch)
    made = nets.make(gen, y, e)
    metrics = {"l1": mean_of(jnp.abs(x - made)), "match": mean_of(jnp.abs(e - person))}
    fooled = game.gen(nets.logits(critic, made, y, person))
    loss = l1 * metrics["l1"] + adversarial * fooled + match * metrics["match"]
    return loss, ({}, metrics)

  return play(heads_model(nets, init), tx, critic_loss, gen_loss, ema=ema)
