"""Discriminator-driven latent sampling (Che 2020, arXiv:2003.06060): Langevin dynamics in the
latents of a trained GAN.

If a generator G has the density q and the data p, the optimal critic's logit is l = log p / q, so
that p(x) = q(x) exp(l(x)). The latents z of samples of p have the density exp(-E(z)) / Z with

  E(z) = |z|² / 2 - l(G(z)),     z <- z - step_size / 2 grad E(z) + sqrt(step_size) eps

This reweights the generator's samples in its latent space, which is low-dimensional and close to
unimodal, so that chains mix.

The critic of a GAN is not optimal, and samples come from an average of G's weights. So the critic
is first trained further, with the generator frozen (the paper calibrates it likewise):

  loss = softplus(-l(x)) + softplus(l(G(z))),  z ~ N(0, I)

under the constraint that it has in the GAN: that of an SNGAN keeps spectral norms of 1. What the
constraint needs, the vectors of the power iteration, is in `state` as in the GAN's.

Departures: all weights of the critic are trained in this, and its logit is used whatever the loss
of the GAN was.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.prob.adversarial import cross_entropy
from genjax_zoo.prob.langevin import langevin


def model(data, *, first: Model) -> Model:
  """Samples of the GAN `first`, corrected by its critic.

  Raises UserError for a stage without a generator and a critic.
  """
  if not {"critic", "realism", "prior"} <= first.parts.keys():
    raise UserError(
      "stages.first is no GAN: DDLS needs a model with the parts critic, realism and prior"
    )

  def init(key, batch, frozen):
    gan_params, gan_state = frozen["first"]
    return {"critic": gan_params["critic"]}, gan_state | {"frozen": frozen}

  def of_first(params, state):
    """(params, state) of the GAN, with the critic and the state of this model for its own."""
    gan_params, gan_state = state["frozen"]["first"]
    own = {name: x for name, x in state.items() if name != "frozen"}
    return gan_params | params, gan_state | own

  def loss(params, state, batch, key, train):
    gan_params, gan_state = of_first(params, state)
    changes = {}
    if train and "constrain" in first.parts:
      gan_params, changes = first.parts["constrain"](gan_params, gan_state)
    gan = gan_params, gan_state | changes
    given = {name: batch[name] for name in first.given}
    latents = first.parts["prior"](*gan, key, len(batch["weight"])) | given
    real = first.parts["critic"](*gan, batch)
    fake = first.parts["realism"](*gan, latents)
    return cross_entropy(real, fake), (changes, {"real_logit": real, "fake_logit": fake})

  def latent_energy(params, state, latents):
    """|z|² / 2 - l(G(z)), [B]."""
    logit = first.parts["realism"](*of_first(params, state), latents)
    return (latents["z"] ** 2).sum(-1) / 2 - logit

  def sample(params, state, key, n, given={}, steps=1000, step_size=0.01):
    k_z, k_chain, k_x = jax.random.split(key, 3)
    z = first.parts["prior"](*of_first(params, state), k_z, n)["z"]

    def energy(z):
      return latent_energy(params, state, {"z": z} | given)

    z = langevin(energy, z, k_chain, steps, step_size, jnp.sqrt(step_size))
    return first.decode(*state["frozen"]["first"], {"z": z} | given, k_x)

  def calls(steps=1000, **options):
    return steps + 1

  return Model(
    init,
    loss,
    sample,
    given=first.given,
    calls=calls,
    parts={"latent_energy": latent_energy},
  )
