"""The game of a generator and a critic: what all GANs share, and the step that is Algorithm 1 of
arXiv:1406.2661.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_zoo.core import (
  Learner,
  Model,
  UserError,
  average,
  mean_metrics,
  minimize,
  shard_batch,
  split,
  start,
)
from genjax_zoo.models._form import entry, to_data, to_floats
from genjax_zoo.models._networks import encoder_decoder

PLAYERS = "gen", "critic"


def play(
  model: Model,
  tx,
  critic_loss: Callable,
  gen_loss: Callable,
  *,
  n_critic: int = 1,
  ema: float = 0.0,
  constrain: Callable = lambda critic: critic,
) -> Learner:
  """Trains the "gen" and the "critic" of `model`'s params, each by its own optimizer `tx["gen"]`,
  `tx["critic"]`.

  The critic starts as `constrain` has it. A step takes `n_critic` updates of it, each on its part
  of the batch and followed by `constrain`, then one of the generator, on the last part. `ema`
  averages the generator. The losses are

    critic_loss(critic, gen, state, batch, key) -> (loss [B], (changes of state, metrics {name: [B]}))
    gen_loss(gen, critic, state, batch, key)    -> the same

  Raises UserError when an optimizer is missing, and when the critic has no update.
  """
  if missing := [player for player in PLAYERS if player not in tx]:
    raise UserError(f"a game has two optimizers, and the config's optimizer lacks {missing[0]!r}")
  if n_critic < 1:
    raise UserError(
      f"model.n_critic={n_critic}: the critic needs an update before each of the generator's"
    )

  def init(key, batch, *frozen):
    params, state = model.init(key, batch, *frozen)
    params |= {"critic": constrain(params["critic"])}
    return start(
      params, state, {k: tx[k].init(params[k]) for k in PLAYERS}, ema=("gen",) if ema else ()
    )

  def step(ts, batch, key):
    k_critic, k_gen = jax.random.split(key)
    parts = split(batch, n_critic)

    def critic_step(carry, part):
      critic, opt, state = carry
      loss = lambda critic, batch, key: critic_loss(critic, ts.params["gen"], state, batch, key)
      critic, opt, value, (changes, metrics) = minimize(loss, tx["critic"], critic, opt, *part)
      return (constrain(critic), opt, state | changes), {"critic_loss": value} | metrics

    carry = ts.params["critic"], ts.opt["critic"], ts.state
    keyed = parts, jax.random.split(k_critic, n_critic)
    (critic, critic_opt, state), metrics = jax.lax.scan(critic_step, carry, keyed)

    last = jax.tree.map(lambda x: x[-1], parts)
    loss = lambda gen, batch, key: gen_loss(gen, critic, state, batch, key)
    gen, gen_opt, value, (changes, more) = minimize(
      loss, tx["gen"], ts.params["gen"], ts.opt["gen"], last, k_gen
    )

    params, opt = {"gen": gen, "critic": critic}, {"gen": gen_opt, "critic": critic_opt}
    metrics = {"gen_loss": value} | mean_metrics(metrics | more)
    ts = ts.replace(step=ts.step + 1, params=params, state=state | changes, opt=opt)
    return ts.replace(ema=average(ts.ema, params, ts.step - 1, ema)), metrics

  return Learner(init, step, model)


def generator_model(
  data, latent: int, init, generate, critic, given: tuple[str, ...] = ()
) -> Model:
  """A Model that samples x = generate(params, state, {"z"} | given), z ~ N(0, I) [B, latent].

  `generate` gives x as `to_floats` does and critic(params, state, x, given) -> [B] takes it so.
  Parts, on which later models and figures build: "critic" of a batch of data; "prior", (key, n) ->
  the latents {"z"} of n samples; "realism", the critic of what latents are decoded to,
  differentiable in them.
  """
  name, field = entry(data)

  def prior(key, n):
    return {"z": shard_batch(jax.random.normal(key, (n, latent)))}

  def decode(params, state, latents, key=None):
    return {name: to_data(generate(params, state, latents), field)}

  def sample(params, state, key, n, given={}, temperature=1.0):
    """G(z), z ~ N(0, temperature² I): below 1 more typical and less diverse."""
    return decode(params, state, {"z": temperature * prior(key, n)["z"]} | given)

  parts = {
    "critic": lambda params, state, batch: critic(
      params, state, to_floats(batch[name], field), batch
    ),
    "realism": lambda params, state, latents: critic(
      params, state, generate(params, state, latents), latents
    ),
    "prior": prior,
  }
  return Model(init, sample=sample, decode=decode, given=given, parts=parts)


def mirrored(data, latent: int, hidden, network: str, activation: Callable, dtype: str):
  """(Model, generate, critic) of two networks that mirror each other, see `_networks`, without a
  state.

  generate(params, state, {"z"}) is held in [-1, 1] by a tanh where the data are gray levels.
  """
  name, field = entry(data)
  critic_net, gen_net = encoder_decoder(network, hidden, 1, field.shape, activation, dtype)

  def generate(params, state, latents):
    x = gen_net.apply({"params": params["gen"]}, latents["z"])
    return jnp.tanh(x) if field.num_values else x

  def critic(params, state, x, given={}):
    return critic_net.apply({"params": params["critic"]}, x)[..., 0]

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)))["params"]
    return {
      "gen": gen,
      "critic": critic_net.init(k_critic, to_floats(batch[name], field))["params"],
    }, {}

  return generator_model(data, latent, init, generate, critic), generate, critic
