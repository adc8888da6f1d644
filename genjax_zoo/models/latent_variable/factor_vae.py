"""FactorVAE (Kim & Mnih 2018, arXiv:1802.05983): a critic measures how dependent the latents are.

As in tcvae.py, the total correlation of q(z) = E_x q(z | x) is added to the loss of the VAE of
vae.py, where beta would also penalise what z tells about x. A critic estimates it as a density
ratio, as in a GAN: d(z) are its logits that z is drawn from q(z), and not from prod_d q(z_d), whose
draws are those of the batch with each coordinate permuted over the examples:

  critic_loss = -log sigmoid(d(z)) - log sigmoid(-d(permuted z))
  gen_loss = -elbo + gamma d(z),   E d(z) = KL(q(z) || prod_d q(z_d)) for the optimal critic (eq. 3)

where d scores the very z that is decoded.

Departures: the critic is updated before the VAE, not after it, and on the VAE's own batch, which is
also the one that is permuted; the paper permutes a second batch. The paper's critic loss is half of
this one, which Adam does not notice.
"""

from functools import partial, wraps

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model
from genjax_zoo.models._game import play
from genjax_zoo.models.latent_variable import vae
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob.adversarial import cross_entropy


def permute(key, z):
  """z [B, D], each coordinate permuted over the batch by itself: draws of prod_d q(z_d)."""
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
  """A FactorVAE whose critic has hidden layers of widths `critic`; `tx = {"gen", "critic"}`.

  "gen" is the VAE, and the other arguments are its own. Metrics: the two losses, those of the VAE,
  and "total_correlation", E d(z), in nats.
  """
  inner = vae.model(
    data, latent=latent, hidden=hidden, network=network, likelihood=likelihood, dtype=dtype
  )
  critic_net = MLP((*critic, 1), activation=partial(jax.nn.leaky_relu, negative_slope=0.2))

  def logits(params, z):
    return critic_net.apply({"params": params}, z)[..., 0]

  def init(key, batch):
    k_vae, k_critic = jax.random.split(key)
    gen, _ = inner.init(k_vae, batch)
    return {"gen": gen, "critic": critic_net.init(k_critic, jnp.zeros((1, latent)))["params"]}, {}

  def evaluate(params, state, batch, key):
    loss, (_, metrics) = inner.loss(params["gen"], state, batch, key, train=False)
    return {"loss": loss} | metrics

  def critic_loss(critic, gen, state, batch, key):
    k_z, k_permute = jax.random.split(key)
    z = inner.parts["posterior_sample"](gen, state, batch, k_z)["z"]
    permuted = permute(k_permute, z)
    return cross_entropy(logits(critic, z), logits(critic, permuted)), ({}, {})

  def gen_loss(gen, critic, state, batch, key):
    z, _, metrics = inner.parts["elbo_terms"](gen, state, batch, key)
    metrics["total_correlation"] = logits(critic, z)
    loss = metrics["reconstruction"] + metrics["kl"] + gamma * metrics["total_correlation"]
    return loss, ({}, metrics)

  model = of_generator(inner)._replace(init=init, evaluate=evaluate)
  return play(model, tx, critic_loss, gen_loss, ema=ema)


def of_generator(inner: Model) -> Model:
  """`inner` as a model whose params hold its own under "gen"; without a loss."""

  def lift(f):
    @wraps(f)
    def lifted(params, *args, **options):
      return f(params["gen"], *args, **options)

    return lifted

  names = ("sample", "log_prob", "encode", "decode")
  parts = {name: lift(part) for name, part in inner.parts.items()}
  functions = {name: lift(getattr(inner, name)) for name in names}
  return inner._replace(loss=None, parts=parts, **functions)
