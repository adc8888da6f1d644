"""Cross-aligned autoencoder: style transfer without pairs (Shen et al. 2017, arXiv:1705.09655).

Each sentence x comes with a style y, and no content comes in both styles. An encoder maps x to a
latent z = E(x, y) of its content; a recurrent generator writes it in a style y, word by word:

  h_t, logits_t = cell(h_{t-1}, w_{t-1}),   h_0 = start(z, y),   p(w_t) = softmax(logits_t)

To keep the style out of z, transferred sentences must be indistinguishable from those of the style
y' = 1 - y that they are transferred to. Words have no gradient, so the critic of each style
compares sequences of hidden states h(z, y) (professor forcing, Lamb 2016, arXiv:1610.09038): of
real sentences with teacher forcing, of transferred ones in free running, where the generator gets
its own words back as relaxed one-hot samples (Gumbel-softmax, `temperature`). With d_y the logit of
style y's critic that a sequence is real,

  critic_loss = -log sigmoid(d_y(h(x | z, y))) - log sigmoid(-d_y'(h(z, y')))
  gen_loss    = -log p(x | z, y) - weight log sigmoid(d_y'(h(z, y')))

The word 0 ends a sentence and pads it, and is learned like the others: all sentences have L words.

Departures: the generator has the non-saturating loss, and no gradient flows to it through
teacher-forced states (the paper's -lambda L_adv, the critic's loss with the other sign, has both);
the critics of the two styles share all but their last layer; nothing is annealed.

Errata of the slides: docs/errata.md#cross_aligned
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Learner, Model, UserError
from genjax_zoo.models._game import play
from genjax_zoo.prob.adversarial import GAMES
from genjax_zoo.prob.distributions import categorical_log_prob, gumbel_softmax_sample


class Encoder(nn.Module):
  """words [B, L, V], y [B] -> z [B, latent], the last state of a GRU that starts at the style."""

  hidden: int
  embed: int
  latent: int
  styles: int

  @nn.compact
  def __call__(self, words, y):
    x = nn.Dense(self.embed, use_bias=False)(words)
    start = nn.Embed(self.styles, self.hidden)(y)
    h = nn.RNN(nn.GRUCell(self.hidden))(x, initial_carry=start)
    return nn.Dense(self.latent)(h[:, -1])


class Generator(nn.Module):
  """A step (h [B, H], word [B, V]) -> (h, logits [B, V]); `start` makes the first h of z and y."""

  hidden: int
  embed: int
  words: int
  styles: int

  def setup(self):
    self.embedding = nn.Dense(self.embed, use_bias=False)
    self.cell = nn.GRUCell(self.hidden)
    self.head = nn.Dense(self.words)
    self.of_z = nn.Dense(self.hidden)
    self.of_y = nn.Embed(self.styles, self.hidden)

  def start(self, z, y):
    return self.of_z(z) + self.of_y(y)

  def __call__(self, h, word):
    h, _ = self.cell(h, self.embedding(word))
    return h, self.head(h)

  def start_and_step(self, z, y, word):
    """Calls every sub-module, for init."""
    return self(self.start(z, y), word)


class Critic(nn.Module):
  """Hidden states [B, L, H] -> logits [B, styles]: features of windows, at their maximum over L."""

  widths: tuple[int, ...]
  features: int
  styles: int

  @nn.compact
  def __call__(self, h):
    L = h.shape[1]
    pooled = []
    for width in self.widths:
      windows = jnp.concatenate([h[:, i : L - width + 1 + i] for i in range(width)], -1)
      pooled.append(nn.leaky_relu(nn.Dense(self.features)(windows), 0.2).max(1))
    return nn.Dense(self.styles)(jnp.concatenate(pooled, -1))


def rollout(generator: Generator, params, z, y, inputs, next_word: Callable):
  """(h [B, L, H], logits [B, L, V], words [B, L, V]) of a generator that starts at z and style y.

  The word after logits_t [B, V] is next_word(inputs[t], logits_t) [B, V]; before the first one it
  is zeros.
  """
  variables = {"params": params}

  def step(carry, x):
    h, word = carry
    h, logits = generator.apply(variables, h, word)
    word = next_word(x, logits)
    return (h, word), (h, logits, word)

  h = generator.apply(variables, z, y, method="start")
  _, outputs = jax.lax.scan(step, (h, jnp.zeros((len(z), generator.words))), inputs)
  return jax.tree.map(lambda x: x.swapaxes(0, 1), outputs)


def teacher_forced(generator: Generator, params, z, y, words):
  """(h [B, L, H], logits [B, L, V]) of a generator that is fed the true words [B, L, V]."""
  inputs = words.swapaxes(0, 1)
  h, logits, _ = rollout(generator, params, z, y, inputs, lambda word, logits: word)
  return h, logits


def free_running(generator: Generator, params, z, y, keys, temperature: float):
  """h [B, L, H] of a generator that is fed its own words, relaxed samples; one key for each."""

  def next_word(key, logits):
    return gumbel_softmax_sample(key, logits, temperature)

  h, _, _ = rollout(generator, params, z, y, keys, next_word)
  return h


def decode_tokens(generator: Generator, params, z, y, inputs, next_token: Callable):
  """tokens [B, L]: the one after logits_t [B, V] is next_token(inputs[t], logits_t) [B]."""

  def next_word(x, logits):
    return jax.nn.one_hot(next_token(x, logits), generator.words)

  _, _, words = rollout(generator, params, z, y, inputs, next_word)
  return words.argmax(-1)


class Networks(NamedTuple):
  """The networks, and functions of the generator's params gen = {"encoder", "generator"}."""

  encoder: Encoder
  generator: Generator
  critic: Critic

  def one_hot(self, tokens):
    return jax.nn.one_hot(tokens, self.generator.words)

  def content(self, gen, batch):
    """z [B, latent] of a batch of sentences."""
    words = self.one_hot(batch["tokens"])
    return self.encoder.apply({"params": gen["encoder"]}, words, batch["label"])

  def reconstruct(self, gen, z, batch):
    """(h [B, L, H], -log p(x | z, y) [B], nats) with teacher forcing."""
    words = self.one_hot(batch["tokens"])
    h, logits = teacher_forced(self.generator, gen["generator"], z, batch["label"], words)
    return h, -categorical_log_prob(batch["tokens"], logits).sum(-1)

  def logits(self, critic, h, y):
    """d_y(h), [B]."""
    all_styles = self.critic.apply({"params": critic}, h)
    return jnp.take_along_axis(all_styles, y[:, None], 1)[:, 0]


def learner(
  data,
  tx,
  *,
  latent: int = 128,
  hidden: int = 128,
  embed: int = 32,
  weight: float = 1.0,
  temperature: float = 0.1,
  widths: tuple[int, ...] = (1, 2, 3, 4),
  features: int = 64,
  ema: float = 0.0,
) -> Learner:
  """A cross-aligned autoencoder of "tokens" [L] in two styles; `tx = {"gen": ..., "critic": ...}`.

  The style is "label". `widths` are the lengths of the critic's windows of words, `features` the
  number of features of each. A sample is a given sentence in the other style. Raises UserError for
  data without tokens in two styles.
  """
  if "tokens" not in data or "label" not in data or data["label"].num_values != 2:
    raise UserError(
      f"cross_aligned needs 'tokens' and a 'label' of two styles; the data have {', '.join(data)}"
    )
  (L,) = data["tokens"].shape
  V = data["tokens"].num_values
  nets = Networks(
    Encoder(hidden, embed, latent, 2), Generator(hidden, embed, V, 2), Critic(widths, features, 2)
  )
  game = GAMES["non_saturating"]

  def fake_logits(gen, critic, z, y, key):
    """d_y of transferred sentences: high where they could be real ones of style y."""
    keys = jax.random.split(key, L)
    h = free_running(nets.generator, gen["generator"], z, y, keys, temperature)
    return nets.logits(critic, h, y)

  def critic_loss(critic, gen, state, batch, key):
    y = batch["label"]
    z = nets.content(gen, batch)
    h, _ = nets.reconstruct(gen, z, batch)
    real = nets.logits(critic, h, y)
    fake = fake_logits(gen, critic, z, 1 - y, key)
    return game.critic(real, fake), ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    y = batch["label"]
    z = nets.content(gen, batch)
    _, reconstruction = nets.reconstruct(gen, z, batch)
    fake = fake_logits(gen, critic, z, 1 - y, key)
    return reconstruction + weight * game.gen(fake), ({}, {"reconstruction": reconstruction})

  return play(transfer_model(data, nets), tx, critic_loss, gen_loss, ema=ema)


def transfer_model(data, nets: Networks) -> Model:
  """The Model that samples given sentences in the other style."""
  tokens = data["tokens"]
  (L,) = tokens.shape
  latent, hidden = nets.encoder.latent, nets.encoder.hidden

  def init(key, batch):
    k_enc, k_gen, k_critic = jax.random.split(key, 3)
    y = batch["label"][:1]
    words = nets.one_hot(batch["tokens"][:1])
    z = jnp.zeros((1, latent))
    encoder = nets.encoder.init(k_enc, words, y)["params"]
    generator = nets.generator.init(k_gen, z, y, words[:, 0], method="start_and_step")["params"]
    critic = nets.critic.init(k_critic, jnp.zeros((1, L, hidden)))["params"]
    return {"gen": {"encoder": encoder, "generator": generator}, "critic": critic}, {}

  def evaluate(params, state, batch, key):
    """-log p(x | z, y), nats, and whether the sentence is decoded exactly."""
    latents = encode(params, state, batch, key)
    exact = (decode(params, state, latents, key)["tokens"] == batch["tokens"]).all(-1)
    _, reconstruction = nets.reconstruct(params["gen"], latents["z"], batch)
    return {"reconstruction": reconstruction, "exact": exact.astype(jnp.float32)}

  def encode(params, state, batch, key):
    """The content "z" and the style "label"."""
    return {"z": nets.content(params["gen"], batch), "label": batch["label"]}

  def written(params, latents, inputs, next_token):
    params = params["gen"]["generator"]
    z, y = latents["z"], latents["label"]
    words = decode_tokens(nets.generator, params, z, y, inputs, next_token)
    return {"tokens": words.astype(tokens.dtype)}

  def decode(params, state, latents, key):
    """The most likely word after those before it, in the style "label"."""
    return written(params, latents, jnp.zeros(L), lambda _, logits: logits.argmax(-1))

  def sample(params, state, key, n, given={}, temperature=1.0):
    """The given sentences in the other style, word by word from p(w_t)^(1 / temperature)."""
    latents = encode(params, state, given, key) | {"label": 1 - given["label"]}

    def next_token(key, logits):
      # Temperature 0 is the most likely word.
      return jax.random.categorical(key, logits / jnp.maximum(temperature, 1e-6))

    return written(params, latents, jax.random.split(key, L), next_token)

  return Model(
    init,
    sample=sample,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    given={"tokens": tokens, "label": data["label"]},
    latents={"z": Field((latent,), np.float32), "label": data["label"]},
    calls=lambda **options: L + 1,
  )
