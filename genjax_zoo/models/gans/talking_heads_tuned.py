"""Few-shot fine-tuning of talking heads (Zakharov 2019, arXiv:1905.08233, section 3.3).

What the embedder says of a person, e, is a start. The generator and the critic are then trained on
the few shots of that person alone, in the game that they were trained in, with e for the critic's
vector of the person:

  critic_loss = relu(1 - l(x_k, y_k, e)) + relu(1 + l(G(y_k, e), y_k, e))
  gen_loss    = l1 mean |x_k - G(y_k, e)| - adversarial l(G(y_k, e), y_k, e)

A network of each person's own paints what e has no room for, and after a few updates not yet the
shots alone. Nothing is trained before sampling, where each example is a person to tune to.
"""

import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._form import mean_of, to_data, to_floats
from genjax_zoo.prob.adversarial import GAMES


def model(data, *, first: Model, l1: float = 10.0, adversarial: float = 1.0) -> Model:
  """Samples of the talking heads `first`, tuned to the person on the shots that are given.

  Raises UserError for another stage.
  """
  if not {"mean", "critic", "realism"} <= first.parts.keys() or "shots" not in first.given:
    raise UserError("stages.first paints no person of shots: it must be talking_heads")
  field, game = data["image"], GAMES["hinge"]

  def init(key, batch, frozen):
    return {}, {"frozen": frozen}

  def critic_loss(critic, gen, batch):
    players = {"gen": gen, "critic": critic}
    real = first.parts["critic"](players, {}, batch)
    return game.critic(real, first.parts["realism"](players, {}, batch)).mean()

  def gen_loss(gen, critic, batch):
    players = {"gen": gen, "critic": critic}
    made = 2 * first.parts["mean"](players, {}, batch) - 1
    loss = l1 * mean_of(jnp.abs(to_floats(batch["image"], field) - made))
    if adversarial:
      loss += adversarial * game.gen(first.parts["realism"](players, {}, batch))
    return loss.mean()

  def tuned(players, batch, steps: int, rate):
    """The players after `steps` updates each, on "image", "landmarks" and "e" of a person."""
    tx = optax.adam(rate, b1=0.5)

    def update(player, other, loss, players, opts):
      grads = jax.grad(loss)(players[player], players[other], batch)
      updates, opt = tx.update(grads, opts[player])
      moved = optax.apply_updates(players[player], updates)
      return players | {player: moved}, opts | {player: opt}

    def step(carry, _):
      if adversarial:
        carry = update("critic", "gen", critic_loss, *carry)
      return update("gen", "critic", gen_loss, *carry), None

    opts = {player: tx.init(x) for player, x in players.items()}
    (players, _), _ = jax.lax.scan(step, (players, opts), None, steps)
    return players

  def sample(params, state, key, n, given, steps=40, rate=2e-4):
    players, _ = state["frozen"]["first"]

    def one(given):
      one_person = {name: x[None] for name, x in given.items()}
      e = first.encode(players, {}, one_person)["e"]
      shots = {"image": given["shots"], "landmarks": given["shot_landmarks"]}
      own = tuned(players, shots | {"e": e.repeat(len(given["shots"]), 0)}, steps, rate)
      made = first.parts["mean"](own, {}, {"e": e, "landmarks": one_person["landmarks"]})
      return to_data(2 * made[0] - 1, field)

    return {"image": jax.lax.map(one, given)}

  def calls(steps=40, **options):
    return steps + 1

  return Model(init, sample=sample, given=first.given, calls=calls)
