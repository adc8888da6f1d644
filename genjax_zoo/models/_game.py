"""What all GANs share: the training step, Algorithm 1 of arXiv:1406.2661, and their Models."""

from collections.abc import Callable, Mapping
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax

from genjax_zoo.core import (
  Field,
  Learner,
  Model,
  UserError,
  average,
  mean_metrics,
  minimize,
  nearest,
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
  schedules: Mapping[str, Mapping[str, Callable]] = {},
  rates: Mapping[str, float] = {},
) -> Learner:
  """Trains params["critic"] and params["gen"] of `model` in turn, by tx["critic"] and tx["gen"].

  A step makes `n_critic` updates of the critic, each on its own part of the batch and followed by
  `constrain`, which the initial critic goes through too; then one update of the generator on the
  last part. `ema` averages the generator. The losses are

    critic_loss(critic, gen, state, batch, key, **scheduled) -> (loss [B], (changes, metrics))
    gen_loss(gen, critic, state, batch, key, **scheduled)    -> (loss [B], (changes, metrics))

  A player is a pytree, with one optimizer: gen = {"ab": ..., "ba": ...} are two generators, and a
  global clip_norm is over both.

  `schedules` = {"critic": {"r1": f}} passes r1 = f(updates) to the critic's loss and logs it as
  "critic_r1"; `updates` is the number of that player's earlier updates. The schedule of a lazy
  penalty is 0 in most updates: the loss then skips the penalty by `lax.cond`, its metric NaN.
  `rates` = {"mapping": 0.01} scales the updates of every sub-tree of that name.

  Raises UserError when an optimizer is missing, when the critic has no update, and for schedules or
  rates of no player.
  """
  check_players(tx, n_critic, schedules)
  tx = {player: slowed(tx[player], rates) for player in PLAYERS}

  def scheduled(player, updates):
    return {name: f(updates) for name, f in schedules.get(player, {}).items()}

  def init(key, batch, *frozen):
    params, state = model.init(key, batch, *frozen)
    check_rates(rates, params)
    params |= {"critic": constrain(params["critic"])}
    opt = {player: tx[player].init(params[player]) for player in PLAYERS}
    return start(params, state, opt, ema=("gen",) if ema else ())

  def step(ts, batch, key):
    k_critic, k_gen = jax.random.split(key)
    parts = split(batch, n_critic)

    def critic_step(carry, inputs):
      critic, opt, state = carry
      part, key, updates = inputs
      arguments = scheduled("critic", updates)

      def loss(critic, batch, key):
        return critic_loss(critic, ts.params["gen"], state, batch, key, **arguments)

      critic, opt, value, (changes, metrics) = minimize(loss, tx["critic"], critic, opt, part, key)
      return (constrain(critic), opt, state | changes), (value, metrics, arguments)

    keys = jax.random.split(k_critic, n_critic)
    updates = n_critic * ts.step + jnp.arange(n_critic)
    carry = ts.params["critic"], ts.opt["critic"], ts.state
    carry, (critic_values, metrics, critic_arguments) = jax.lax.scan(
      critic_step, carry, (parts, keys, updates)
    )
    critic, critic_opt, state = carry

    last = jax.tree.map(lambda x: x[-1], parts)
    arguments = scheduled("gen", ts.step)

    def loss(gen, batch, key):
      return gen_loss(gen, critic, state, batch, key, **arguments)

    gen, gen_opt, gen_value, (changes, gen_metrics) = minimize(
      loss, tx["gen"], ts.params["gen"], ts.opt["gen"], last, k_gen
    )

    params = {"gen": gen, "critic": critic}
    opt = {"gen": gen_opt, "critic": critic_opt}
    losses = {"gen_loss": gen_value, "critic_loss": critic_values.mean()}
    metrics |= gen_metrics | logged("critic", critic_arguments) | logged("gen", arguments)
    # A lazy penalty, which has a schedule, leaves its metric NaN where it was not measured. A loss
    # that is NaN is an error, and stays NaN.
    metrics = losses | mean_metrics(metrics, jnp.nanmean if schedules else jnp.mean)
    ema_params = average(ts.ema, params, ts.step, ema)
    ts = ts.replace(step=ts.step + 1, params=params, state=state | changes, opt=opt, ema=ema_params)
    return ts, metrics

  return Learner(init, step, model)


def logged(player: str, arguments: Mapping) -> dict:
  """The scheduled arguments of a player's loss as metrics: {"critic_r1": ...}."""
  return {f"{player}_{name}": value for name, value in arguments.items()}


def check_players(tx, n_critic: int, schedules: Mapping):
  """Raises UserError when an optimizer is missing, for no updates, and for an unknown player."""
  for player in PLAYERS:
    if player not in tx:
      raise UserError(f"a game has two optimizers, and the config's optimizer lacks {player!r}")
  if n_critic < 1:
    raise UserError(
      f"model.n_critic={n_critic}: the critic needs an update before each of the generator's"
    )
  for player in schedules:
    if player not in PLAYERS:
      raise UserError(f"schedules.{player}: the players are {' and '.join(PLAYERS)}")


def check_rates(rates: Mapping[str, float], params):
  """Raises UserError for a rate whose sub-network no player has."""
  paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(params)]
  known = {key for path in paths for key in names(path)}
  for name in rates:
    if name not in known:
      raise UserError(f"rates: no player has a sub-network {name!r}{nearest(name, known)}")


def slowed(tx, rates: Mapping[str, float]):
  """The optimizer `tx` with the updates of every sub-tree named in `rates` times its rate."""

  def scale(path, update):
    return update * math.prod(rates.get(name, 1.0) for name in names(path))

  def update(grads, opt, params=None):
    updates, opt = tx.update(grads, opt, params)
    return jax.tree_util.tree_map_with_path(scale, updates), opt

  return optax.GradientTransformation(tx.init, update) if rates else tx


def names(path) -> list[str]:
  """The keys of dicts along a path in a tree of parameters."""
  return [key.key for key in path if isinstance(key, jax.tree_util.DictKey)]


def noise(key, n: int, latent: int):
  """z ~ N(0, I), [n, latent], sharded like a batch."""
  return shard_batch(jax.random.normal(key, (n, latent)))


def generator_model(
  data, latent: int, init, generate, critic, given: Mapping[str, Field] = {}
) -> Model:
  """The Model that samples x = generate(params, state, {"z"} | given), z ~ N(0, I) [B, latent].

  `generate` returns floats as `to_floats` does; critic(params, state, x, given) -> logits [B] takes
  them, and a batch or latents as `given`. "realism" is differentiable in the latents.
  """
  name, field = entry(data)

  def decode(params, state, latents, key=None):
    return {name: to_data(generate(params, state, latents), field)}

  def sample(params, state, key, n, given={}, temperature=1.0):
    """G(z) with z ~ N(0, temperature² I): below 1 more typical and less diverse samples."""
    return decode(params, state, {"z": temperature * noise(key, n, latent)} | given)

  def prior(params, state, key, n):
    return {"z": noise(key, n, latent)}

  def critic_of_batch(params, state, batch):
    return critic(params, state, to_floats(batch[name], field), batch)

  def realism(params, state, latents):
    return critic(params, state, generate(params, state, latents), latents)

  return Model(
    init,
    sample=sample,
    decode=decode,
    given=given,
    latents={"z": Field((latent,), np.float32)} | given,
    parts={"critic": critic_of_batch, "realism": realism, "prior": prior},
  )


def translator_model(data, init, translate, given: Mapping[str, Field]) -> Model:
  """The Model whose samples are translations of the given entries, such as images.

  translate(params, state, given, key) -> {name: floats as `to_floats` returns them}, of fields of
  `data`; it takes the entries as the batch has them.
  """

  def sample(params, state, key, n, given):
    translated = translate(params, state, given, key)
    return {name: to_data(x, data[name]) for name, x in translated.items()}

  return Model(init, sample=sample, given=given)


def mirrored(data, latent: int, hidden, network: str, activation: Callable, dtype: str):
  """(Model, generate, logits) of two networks that mirror each other, see `_networks`.

  generate(gen, z [B, latent]) -> x [B, ...], in [-1, 1] by a tanh where the data are gray levels;
  logits(critic, x) -> [B]. There is no state.
  """
  name, field = entry(data)
  critic_net, gen_net = encoder_decoder(network, hidden, 1, field.shape, activation, dtype)

  def generate(gen, z):
    x = gen_net.apply({"params": gen}, z)
    return jnp.tanh(x) if field.num_values else x

  def logits(critic, x):
    return critic_net.apply({"params": critic}, x)[..., 0]

  def init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)))["params"]
    critic = critic_net.init(k_critic, to_floats(batch[name], field))["params"]
    return {"gen": gen, "critic": critic}, {}

  model = generator_model(
    data,
    latent,
    init,
    generate=lambda params, state, latents: generate(params["gen"], latents["z"]),
    critic=lambda params, state, x, given: logits(params["critic"], x),
  )
  return model, generate, logits
