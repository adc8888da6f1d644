"""FactorVAE (Kim & Mnih 2018, arXiv:1802.05983): a VAE whose latents a second player can't tell
from shuffled ones.

The VAE of `models/latent_variable/vae.py` pays for the total correlation of q(z) = E_x q(z | x),
which beta also presses out of it at the cost of what z says of x. A critic estimates it as a
density ratio, as in a GAN: d(z) are its logits that z is a draw of q(z), and not of prod_d q(z_d),
whose draws are the batch's with each coordinate shuffled among the examples:

  critic_loss = -log sigmoid(d(z)) - log sigmoid(-d(shuffled z))
  gen_loss = -elbo + gamma d(z),   E d(z) = KL(q(z) || prod_d q(z_d))  at the best critic (eq. 3)

where d scores the very z that is decoded.

Departures: the critic learns before the VAE, not after it, and from draws of the VAE's own batch,
which are those that it shuffles too; the paper shuffles those of a second batch.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model
from genjax_zoo.models._game import play
from genjax_zoo.models.latent_variable import vae
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.adversarial import cross_entropy


def shuffle(key, z):
  """z [B, D] with each coordinate in an order of its own: draws of the product of q's marginals."""
  return jax.random.permutation(key, z, axis=0, independent=True)


def learner(
  data,
  tx,
  *,
  gamma: float = 10.0,
  critic: tuple[int, ...] = (1000,) * 6,
  latent: int = 10,
  hidden: tuple[int, ...] = (400,),
  network: str = "mlp",
  likelihood: str = "bernoulli",
  ema: float = 0.0,
  dtype: str = "float32",
) -> Learner:
  """A FactorVAE; `critic` are the widths of the second player, `tx = {"gen": ..., "critic": ...}`,
  the rest the VAE's.

  "gen" is the VAE, as far as the game goes. Metrics: the two losses, the VAE's, and
  "total_correlation", E d(z), nats.
  """
  inner = vae.model(
    data, latent=latent, hidden=hidden, network=network, likelihood=likelihood, dtype=dtype
  )
  net = MLP((*critic, 1), activation=lambda x: jax.nn.leaky_relu(x, 0.2))
  logits = lambda params, z: net.apply({"params": params}, z)[..., 0]

  def init(key, batch):
    k_vae, k_critic = jax.random.split(key)
    gen, _ = inner.init(k_vae, batch)
    return {"gen": gen, "critic": net.init(k_critic, jnp.zeros((1, latent)))["params"]}, {}

  def evaluate(params, state, batch, key):
    loss, (_, metrics) = inner.loss(params["gen"], state, batch, key, train=False)
    return {"loss": loss} | metrics

  def critic_loss(critic, gen, state, batch, key):
    k_z, k_shuffle = jax.random.split(key)
    z = inner.parts["draw"](gen, batch, k_z)
    return cross_entropy(logits(critic, z), logits(critic, shuffle(k_shuffle, z))), ({}, {})

  def gen_loss(gen, critic, state, batch, key):
    z, _, metrics = inner.parts["terms"](gen, batch, key)
    metrics["total_correlation"] = logits(critic, z)
    return metrics["reconstruction"] + metrics["kl"] + gamma * metrics["total_correlation"], (
      {},
      metrics,
    )

  of_gen = lambda f: lambda params, *args, **options: f(params["gen"], *args, **options)
  parts = {"log_joint": of_gen(inner.parts["log_joint"]), "mean": of_gen(inner.parts["mean"])}
  lifted = {
    name: of_gen(getattr(inner, name)) for name in ("sample", "log_prob", "encode", "decode")
  }
  same = dict(likelihood=inner.likelihood, dequantization=inner.dequantization)
  model = Model(init, evaluate=evaluate, parts=parts, **same, **lifted)
  return play(model, tx, critic_loss, gen_loss, ema=ema)
