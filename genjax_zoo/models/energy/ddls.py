"""Discriminator-driven latent sampling (Che 2020, arXiv:2003.06060): Langevin dynamics in a trained
GAN's latents.

For a generator G whose samples have the density q, the best logit is l = log p / q: the data's law
is q(x) exp(l(x)), and the latents that give it have the density exp(-E(z)) with

  E(z) = |z|² / 2 - l(G(z)),     z <- z - step_size / 2 grad E(z) + sqrt(step_size) eps

What the generator does too often is rejected in its own latents, which are low-dimensional and of
one mode.

A critic in a game is not at its best, and an average of G's weights samples: so the critic is first
trained on alone, its generator frozen, until it is (the paper calibrates it likewise):

  loss = softplus(-l(x)) + softplus(l(G(z))),  z ~ N(0, I)

Departures: every weight of the critic is trained in this, and its logit is the energy whatever game
it comes from.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.prob.adversarial import cross_entropy
from genjax_zoo.prob.langevin import langevin


def model(data, *, first: Model) -> Model:
  """Samples of the GAN `first`, corrected by its critic. Raises UserError for a stage without
  generator and critic.
  """
  if not {"critic", "realism", "prior"} <= first.parts.keys():
    raise UserError(
      "stages.first is no GAN: DDLS needs a model with the parts critic, realism and prior"
    )

  def init(key, batch, frozen):
    return {"critic": frozen["first"][0]["critic"]}, {"frozen": frozen}

  def weights(params, state):
    """What the stage's functions take: its own, with the critic of `params`."""
    own, own_state = state["frozen"]["first"]
    return own | params, own_state

  def loss(params, state, batch, key, train):
    n = len(batch["weight"])
    latents = first.parts["prior"](key, n) | {k: batch[k] for k in first.given}
    real = first.parts["critic"](*weights(params, state), batch)
    fake = first.parts["realism"](*weights(params, state), latents)
    return cross_entropy(real, fake), ({}, {"real_logit": real, "fake_logit": fake})

  def energy(params, state, z, given={}):
    """|z|² / 2 - l(G(z)), [B]."""
    logit = first.parts["realism"](*weights(params, state), {"z": z} | given)
    return (z**2).sum(-1) / 2 - logit

  def sample(params, state, key, n, given={}, steps=1000, step_size=0.01):
    k_z, k_chain, k_x = jax.random.split(key, 3)
    E = lambda z: energy(params, state, z, given)
    z = langevin(
      E, first.parts["prior"](k_z, n)["z"], k_chain, steps, step_size, jnp.sqrt(step_size)
    )
    return first.decode(*state["frozen"]["first"], {"z": z} | given, k_x)

  return Model(
    init,
    loss,
    sample,
    given=first.given,
    calls=lambda steps=1000, **options: steps + 1,
    parts={"energy": energy},
  )
