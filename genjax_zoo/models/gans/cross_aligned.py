"""Cross-aligned autoencoder: style transfer without pairs (Shen et al. 2017, arXiv:1705.09655).

Sentences x come with a style y, and none of them in two styles. An encoder finds what x says apart
from its style, z = E(x, y), and a recurrent generator says it in the other style y', one word w_t
after another:

  h_t, logits_t = cell(h_{t-1}, w_{t-1}),   h_0 = start(z, y),   p(w_t) = softmax(logits_t)

What keeps z from holding the style is that transferred sentences must be no stranger than those of
style y'. Words have no gradient, so what the critic of each style compares are sequences of hidden
states (professor forcing, Lamb 2016, arXiv:1610.09038): of real sentences, the generator being told
every word; and of transferred ones, it being fed what it said itself, as relaxed one-hot draws
(Gumbel-softmax, `temperature`). With d_y the logits that a sequence is real,

  critic_loss = -log sigmoid(d_y(h(x | z, y))) - log sigmoid(-d_y'(h(z, y')))
  gen_loss    = -log p(x | z, y) - weight log sigmoid(d_y'(h(z, y')))

The word 0 ends a sentence and fills its rest, and is learned like the others: all sentences have L
words.

Departures: the generator takes the non-saturating loss, and the states of what it is told are no
affair of its own (the paper's -lambda L_adv is the critic's loss with the other sign, and so
reaches both); the critics of the two styles share all but their last layer; nothing is annealed.
The deck (E, line 405) shows such transfers, and no method.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError
from genjax_zoo.models._game import play
from genjax_zoo.prob.adversarial import GAMES
from genjax_zoo.prob.distributions import categorical_log_prob, gumbel_softmax_sample


class Encoder(nn.Module):
  """words [B, L, V] and styles [B] -> z [B, latent], from the last state of a GRU that starts at
  the style.
  """

  hidden: int
  embed: int
  latent: int
  styles: int

  @nn.compact
  def __call__(self, words, y):
    x = nn.Dense(self.embed, use_bias=False)(words)
    h = nn.RNN(nn.GRUCell(self.hidden))(x, initial_carry=nn.Embed(self.styles, self.hidden)(y))
    return nn.Dense(self.latent)(h[:, -1])


class Generator(nn.Module):
  """A step (h [B, H], word [B, V]) -> (h, logits [B, V]); `start` gives the first h of z and y."""

  hidden: int
  embed: int
  words: int
  styles: int

  def setup(self):
    self.embedding = nn.Dense(self.embed, use_bias=False)
    self.cell, self.head = nn.GRUCell(self.hidden), nn.Dense(self.words)
    self.of_z, self.of_y = nn.Dense(self.hidden), nn.Embed(self.styles, self.hidden)

  def start(self, z, y):
    return self.of_z(z) + self.of_y(y)

  def __call__(self, h, word):
    h, _ = self.cell(h, self.embedding(word))
    return h, self.head(h)

  def both(self, z, y, word):
    """All of it, for init."""
    return self(self.start(z, y), word)


class Critic(nn.Module):
  """Hidden states [B, L, H] -> logits [B, styles]: each feature at its largest over windows of
  `widths`.
  """

  widths: tuple[int, ...]
  features: int
  styles: int

  @nn.compact
  def __call__(self, h):
    L = h.shape[1]
    windows = lambda k: jnp.concatenate([h[:, i : L - k + 1 + i] for i in range(k)], -1)
    seen = [nn.leaky_relu(nn.Dense(self.features)(windows(k)), 0.2).max(1) for k in self.widths]
    return nn.Dense(self.styles)(jnp.concatenate(seen, -1))


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
  """A cross-aligned autoencoder of "tokens" [L] in the two styles of "label"; `tx = {"gen": ...,
  "critic": ...}`.

  `widths` and `features` are the windows of the critic and the features of each. Samples are given
  sentences in the other style. Raises UserError for data without tokens in two styles.
  """
  if "tokens" not in data or "label" not in data or data["label"].num_values != 2:
    raise UserError(
      f"cross_aligned wants 'tokens' and a 'label' of two styles; the data have {', '.join(data)}"
    )
  (L,), form, V = data["tokens"][:3]
  encoder, generator = Encoder(hidden, embed, latent, 2), Generator(hidden, embed, V, 2)
  net = Critic(widths, features, 2)
  game = GAMES["non_saturating"]

  def one_hot(tokens):
    return jax.nn.one_hot(tokens, V)

  def encoded(gen, batch):
    return encoder.apply({"params": gen["encoder"]}, one_hot(batch["tokens"]), batch["label"])

  def unrolled(gen, z, y, inputs, speak):
    """(h [B, L, H], logits [B, L, V], words [B, L, V]), the word of t + 1 being speak(inputs[t],
    logits_t).
    """
    variables = {"params": gen["generator"]}

    def step(carry, given):
      h, logits = generator.apply(variables, *carry)
      word = speak(given, logits)
      return (h, word), (h, logits, word)

    first = generator.apply(variables, z, y, method="start"), jnp.zeros((len(z), V))
    return jax.tree.map(lambda x: x.swapaxes(0, 1), jax.lax.scan(step, first, inputs)[1])

  def told(gen, z, batch):
    """What the generator, told each word of the batch, thinks of the next: (h, logits)."""
    words = one_hot(batch["tokens"]).swapaxes(0, 1)
    return unrolled(gen, z, batch["label"], words, lambda word, _: word)[:2]

  def free(gen, z, y, key):
    """h of relaxed draws."""
    draw = lambda key, logits: gumbel_softmax_sample(key, logits, temperature)
    return unrolled(gen, z, y, jax.random.split(key, L), draw)[0]

  def logits(critic, h, y):
    return jnp.take_along_axis(net.apply({"params": critic}, h), y[:, None], 1)[:, 0]

  def nats(out, batch):
    return -categorical_log_prob(batch["tokens"], out).sum(-1)

  def init(key, batch):
    k_enc, k_gen, k_critic = jax.random.split(key, 3)
    y, words = batch["label"][:1], one_hot(batch["tokens"][:1])
    z = jnp.zeros((1, latent))
    gen = {
      "encoder": encoder.init(k_enc, words, y)["params"],
      "generator": generator.init(k_gen, z, y, words[:, 0], method="both")["params"],
    }
    return {"gen": gen, "critic": net.init(k_critic, jnp.zeros((1, L, hidden)))["params"]}, {}

  def critic_loss(critic, gen, state, batch, key):
    z, y = encoded(gen, batch), batch["label"]
    real = logits(critic, told(gen, z, batch)[0], y)
    fake = logits(critic, free(gen, z, 1 - y, key), 1 - y)
    return game.critic(real, fake), ({}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    z, y = encoded(gen, batch), batch["label"]
    reconstruction = nats(told(gen, z, batch)[1], batch)
    alike = game.gen(logits(critic, free(gen, z, 1 - y, key), 1 - y))
    return reconstruction + weight * alike, ({}, {"reconstruction": reconstruction})

  def evaluate(params, state, batch, key):
    """Nats of the sentences' words given z, and whether each sentence is decoded as it was."""
    z = encoded(params["gen"], batch)
    exact = (
      decode(params, state, {"z": z, "label": batch["label"]}, key)["tokens"] == batch["tokens"]
    ).all(-1)
    reconstruction = nats(told(params["gen"], z, batch)[1], batch)
    return {"reconstruction": reconstruction, "exact": exact.astype(jnp.float32)}

  def encode(params, state, batch, key):
    """What is said, "z", and its style, "label"."""
    return {"z": encoded(params["gen"], batch), "label": batch["label"]}

  def spoken(params, latents, inputs, pick):
    words = unrolled(
      params["gen"], latents["z"], latents["label"], inputs, lambda k, out: one_hot(pick(k, out))
    )[2]
    return {"tokens": words.argmax(-1).astype(form)}

  def decode(params, state, latents, key):
    """The likeliest word after those before it, in the style "label"."""
    return spoken(params, latents, jnp.zeros(L), lambda _, out: out.argmax(-1))

  def sample(params, state, key, n, given={}, temperature=1.0):
    """The sentences given, in the other style, word by word from p(w_t)^(1 / temperature)."""
    latents = encode(params, state, given, key) | {"label": 1 - given["label"]}
    pick = lambda key, out: jax.random.categorical(key, out / jnp.maximum(temperature, 1e-6))
    return spoken(params, latents, jax.random.split(key, L), pick)

  model = Model(
    init,
    sample=sample,
    encode=encode,
    decode=decode,
    evaluate=evaluate,
    given=("tokens", "label"),
    calls=lambda **options: L + 1,
  )
  return play(model, tx, critic_loss, gen_loss, ema=ema)
