"""Controlled generation of text (Hu et al. 2017, arXiv:1703.00955): a VAE with a structured code.

A sentence x has a code c, its style, and a latent z of all else. A recurrent generator writes it
from both, an encoder q(z | x, c) finds z, and a discriminator q_D(c | x) finds c. Sentences that
the generator dreams from z ~ N(0, I) and c ~ U are relaxed samples x~ (Gumbel-softmax), through
which gradients flow. Sleep: the discriminator learns from labels and from dreams,

  critic_loss = -log q_D(c | x) + dreams (-log q_D(c | x~) + balance H(q_D(. | x~)))

Wake: the VAE, and what the dreams must keep,

  gen_loss = -log p(x | z, c) + kl_weight KL(q(z | x, c) || N(0, I))
             - code log q_D(c | x~) - rest mean_d log q(z_d | x~, c)

The first of the last two makes c say all of the style, the second z all of the rest: so c can be
exchanged. A code is a vector of its style; `strength` moves it from the mean of both, past 1 too.
The generator starts at z and c and reads both at every step. Words are hidden from it with
probability `hide` in training, so that it needs z for the rest (word dropout, Bowman 2016,
arXiv:1511.06349). The word 0 ends a sentence and pads it, and is
learned like the others.

Departures: all sentences have labels; the encoder is given the style; the gradient of the second
reaches the encoder as well; no annealing but that of the config.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Learner, Model, UserError
from genjax_zoo.models._game import play
from genjax_zoo.models.gans.cross_aligned import (
  Critic,
  Encoder,
  Generator,
  decode_tokens,
  rollout,
  teacher_forced,
)
from genjax_zoo.nn.hooks import edited
from genjax_zoo.prob.distributions import (
  categorical_log_prob,
  gumbel_softmax_sample,
  normal_log_prob,
  normal_sample,
)
from genjax_zoo.prob.divergences import kl_standard_normal


class Discriminator(nn.Module):
  """Words [B, L, V], relaxed ones too -> logits [B, styles], by windows of some lengths."""

  embed: int
  widths: tuple[int, ...]
  features: int
  styles: int

  @nn.compact
  def __call__(self, words):
    h = nn.Dense(self.embed, use_bias=False)(words)
    return Critic(self.widths, self.features, self.styles)(h)


class Writer(Generator):
  """A generator that reads what z and y start it with at every step: nothing to remember."""

  def start(self, z, y):
    code = super().start(z, y)
    return code, code

  def __call__(self, h, word):
    h, code = h
    h, _ = self.cell(h, jnp.concatenate([self.embedding(word), code], -1))
    return (h, code), self.head(h)


class Networks(NamedTuple):
  """The networks, and functions of the generator's params gen = {"encoder", "generator"}."""

  encoder: Encoder
  generator: Writer
  discriminator: Discriminator

  def one_hot(self, tokens):
    return jax.nn.one_hot(tokens, self.generator.words)

  def posterior(self, gen, words, y):
    """(mean, logvar) of q(z | x, c), each [B, latent]; words [B, L, V]."""
    out = self.encoder.apply({"params": gen["encoder"]}, words, y)
    return jnp.split(out, 2, -1)

  def reconstruction(self, gen, z, batch, shown):
    """-log p(x | z, c), nats [B]; the generator is shown the words before times `shown` [B, L]."""
    words = self.one_hot(batch["tokens"]) * shown[..., None]
    _, logits = teacher_forced(self.generator, gen["generator"], z, batch["label"], words)
    return -categorical_log_prob(batch["tokens"], logits).sum(-1)

  def elbo_terms(self, gen, batch, key, hide: float = 0.0):
    """(-log p(x | z, c), KL(q || p)), nats [B], of z ~ q(z | x, c).

    Each word is hidden from those after it with probability `hide`.
    """
    k_z, k_hide = jax.random.split(key)
    mean, logvar = self.posterior(gen, self.one_hot(batch["tokens"]), batch["label"])
    z = normal_sample(k_z, mean, logvar / 2)
    shown = jax.random.bernoulli(k_hide, 1 - hide, batch["tokens"].shape)
    return self.reconstruction(gen, z, batch, shown), kl_standard_normal(mean, logvar)

  def log_code(self, critic, words):
    """log q_D(c | x) of all styles, [B, styles]."""
    return jax.nn.log_softmax(self.discriminator.apply({"params": critic}, words))


def dream(nets: Networks, gen, key, n: int, length: int, temperature: float):
  """(z [n, latent], c [n], x~ [n, L, V]): codes of the prior and relaxed sentences of them."""
  k_z, k_y, k_x = jax.random.split(key, 3)
  z = jax.random.normal(k_z, (n, nets.encoder.latent // 2))
  y = jax.random.randint(k_y, (n,), 0, nets.generator.styles)

  def next_word(key, logits):
    return gumbel_softmax_sample(key, logits, temperature)

  keys = jax.random.split(k_x, length)
  _, _, words = rollout(nets.generator, gen["generator"], z, y, keys, next_word)
  return z, y, words


def own(log_p, y):
  """Column y [B] of log_p [B, styles]."""
  return jnp.take_along_axis(log_p, y[:, None], 1)[:, 0]


def learner(
  data,
  tx,
  *,
  latent: int = 32,
  hidden: int = 128,
  embed: int = 32,
  kl_weight: float = 0.3,
  hide: float = 0.5,
  code: float = 1.0,
  rest: float = 1.0,
  dreams: float = 0.1,
  balance: float = 0.1,
  temperature: float = 0.5,
  widths: tuple[int, ...] = (1, 2, 3, 4),
  features: int = 64,
  ema: float = 0.0,
  schedules={},
) -> Learner:
  """A controlled VAE of "tokens" [L] whose style is "label"; `tx = {"gen": ..., "critic": ...}`.

  `widths` are the lengths of the discriminator's windows of words, `features` the number of
  features of each. Raises UserError for data without tokens or labels.
  """
  if "tokens" not in data or "label" not in data:
    raise UserError(f"controlled_vae needs 'tokens' and a 'label'; the data have {', '.join(data)}")
  (L,) = data["tokens"].shape
  V = data["tokens"].num_values
  styles = data["label"].num_values
  nets = Networks(
    Encoder(hidden, embed, 2 * latent, styles),
    Writer(hidden, embed, V, styles),
    Discriminator(embed, widths, features, styles),
  )

  def critic_loss(critic, gen, state, batch, key):
    log_q = nets.log_code(critic, nets.one_hot(batch["tokens"]))
    _, y, words = dream(nets, gen, key, len(log_q), L, temperature)
    log_dream = nets.log_code(critic, words)
    entropy = -(jnp.exp(log_dream) * log_dream).sum(-1)
    real = -own(log_q, batch["label"])
    loss = real + dreams * (balance * entropy - own(log_dream, y))
    return loss, ({}, {"real_code": real})

  def gen_loss(gen, critic, state, batch, key, kl_weight=kl_weight):
    k_q, k_dream = jax.random.split(key)
    reconstruction, kl = nets.elbo_terms(gen, batch, k_q, hide)
    z, y, words = dream(nets, gen, k_dream, len(kl), L, temperature)
    dream_code = -own(nets.log_code(critic, words), y)
    mean, logvar = nets.posterior(gen, words, y)
    dream_rest = -normal_log_prob(z, mean, logvar / 2).mean(-1)
    loss = reconstruction + kl_weight * kl + code * dream_code + rest * dream_rest
    metrics = {"reconstruction": reconstruction, "kl": kl, "dream_code": dream_code}
    return loss, ({}, metrics | {"dream_rest": dream_rest})

  model = sentence_vae(data, nets)
  return play(model, tx, critic_loss, gen_loss, ema=ema, schedules=schedules)


def sentence_vae(data, nets: Networks) -> Model:
  """The Model that samples sentences of a given style."""
  tokens = data["tokens"]
  (L,) = tokens.shape
  latent = nets.encoder.latent // 2

  def init(key, batch):
    k_enc, k_gen, k_critic = jax.random.split(key, 3)
    y = batch["label"][:1]
    words = nets.one_hot(batch["tokens"][:1])
    z = jnp.zeros((1, latent))
    encoder = nets.encoder.init(k_enc, words, y)["params"]
    generator = nets.generator.init(k_gen, z, y, words[:, 0], method="start_and_step")["params"]
    critic = nets.discriminator.init(k_critic, words)["params"]
    return {"gen": {"encoder": encoder, "generator": generator}, "critic": critic}, {}

  def evaluate(params, state, batch, key):
    """The terms of the bound, nats, and whether the discriminator finds the style."""
    reconstruction, kl = nets.elbo_terms(params["gen"], batch, key)
    found = nets.log_code(params["critic"], nets.one_hot(batch["tokens"])).argmax(-1)
    accuracy = (found == batch["label"]).astype(jnp.float32)
    return {"reconstruction": reconstruction, "kl": kl, "accuracy": accuracy}

  def log_prob(params, state, batch, key):
    """log p(x | c) >= log p(x | z, c) - KL, nats [B]."""
    reconstruction, kl = nets.elbo_terms(params["gen"], batch, key)
    return -reconstruction - kl

  def encode(params, state, batch, key):
    """The mean of q(z | x, c) and the style "label"."""
    words = nets.one_hot(batch["tokens"])
    z, _ = nets.posterior(params["gen"], words, batch["label"])
    return {"z": z, "label": batch["label"]}

  def written(params, latents, inputs, next_token):
    generator = params["gen"]["generator"]
    z, y = latents["z"], latents["label"]
    words = decode_tokens(nets.generator, generator, z, y, inputs, next_token)
    return {"tokens": words.astype(tokens.dtype)}

  def decode(params, state, latents, key):
    """The most likely word after those before it, in the style "label"."""
    return written(params, latents, jnp.zeros(L), lambda _, logits: logits.argmax(-1))

  def sample(params, state, key, n, given={}, strength=1.0, temperature=1.0):
    """Sentences of z ~ N(0, I) and given["label"], word by word from p(w_t)^(1 / temperature)."""
    k_z, k_x = jax.random.split(key)
    latents = {"z": jax.random.normal(k_z, (n, latent)), "label": given["label"]}
    middle = params["gen"]["generator"]["of_y"]["embedding"].mean(0)[None]

    def next_token(key, logits):
      # Temperature 0 is the most likely word.
      return jax.random.categorical(key, logits / jnp.maximum(temperature, 1e-6))

    with edited({"of_y": lambda c: middle + strength * (c - middle)}):
      return written(params, latents, jax.random.split(k_x, L), next_token)

  return Model(
    init,
    sample=sample,
    log_prob=log_prob,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    likelihood={"elbo": "lower_bound"},
    given={"label": data["label"]},
    latents={"z": Field((latent,), np.float32), "label": data["label"]},
    calls=lambda **options: L,
  )
