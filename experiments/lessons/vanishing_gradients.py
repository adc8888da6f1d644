"""As the critic improves the minimax loss's gradient vanishes; a Wasserstein critic's stays.

Deck C: where the discriminator is perfect the "loss function falls to zero and we end up with no
gradient", and its figure 21 of Arjovsky & Bottou 2017 (arXiv:1701.04862). In this lesson a
generator of digits is frozen, untrained or after a short training. A critic is trained against it
from scratch, and after every few updates the gradients of three losses with respect to the
generator's parameters are measured: log(1 - D) and -log D for the critic of the cross-entropy, and
-f for a Wasserstein critic with gradient penalty.

Against the untrained generator, whose samples are far from the data, the gradient of log(1 - D)
shrinks by eight orders of magnitude within 500 updates. To separate the trained generator's samples
from the data the critic needs longer, and is not perfect after 2,000 updates. The deck's cure,
-log D, has the gradient of the logit where D is sure: it does not vanish but grows with the critic,
by orders of magnitude, so that the size of a step depends on how long the critic was trained. The
Wasserstein critic's becomes constant.

Verdict: half: log(1 - D) vanishes, as said; the cure -log D does not stay but grows.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.lessons._runs import trained
from genjax_zoo.data import load
from genjax_zoo.figures.pictures import plot
from genjax_zoo.models._networks import encoder_decoder
from genjax_zoo.models.gans.gan import leaky_relu
from genjax_zoo.prob.adversarial import GAMES, gradient_penalty
from genjax_zoo.sharding import jit

BATCH = 128
EVERY = 20  # Updates of the critic between measurements.
LATENT = 16
HIDDEN = 256, 256
LOSSES = {  # The generator's losses, for each kind of critic.
  "cross_entropy": {"minimax": "log(1 - D)", "non_saturating": "-log D"},
  "wasserstein": {"wasserstein": "-f, Wasserstein"},
}
LABELS = LOSSES["cross_entropy"] | LOSSES["wasserstein"]


def networks(shape):
  """(critic, generator) of images of this shape, as configs/gan_digits.py has them."""
  return encoder_decoder("mlp", HIDDEN, 1, shape, leaky_relu, "float32")


def gradients(gen, images, kind: str, rounds: int) -> dict:
  """{loss: (norm of the generator's mean gradient, its cosine between two batches)}, each [rounds].

  Between measurements a critic of this kind, "cross_entropy" or "wasserstein", is updated.
  """
  critic_net, gen_net = networks(images.shape[1:])
  tx = optax.adam(5e-4, b1=0.5, b2=0.9)
  losses = list(LOSSES[kind])

  def logits(critic, x):
    return critic_net.apply({"params": critic}, x)[..., 0]

  def generate(gen, key):
    z = jax.random.normal(key, (BATCH, LATENT))
    return jnp.tanh(gen_net.apply({"params": gen}, z))

  def critic_loss(critic, key):
    k_rows, k_z, k_t = jax.random.split(key, 3)
    real = images[jax.random.randint(k_rows, (BATCH,), 0, len(images))]
    fake = generate(gen, k_z)
    loss = GAMES[losses[0]].critic(logits(critic, real), logits(critic, fake))
    if kind == "wasserstein":
      loss = loss + 10 * gradient_penalty(lambda x: logits(critic, x), real, fake, k_t)
    return loss.mean()

  def update(carry, key):
    critic, opt = carry
    updates, opt = tx.update(jax.grad(critic_loss)(critic, key), opt)
    return (optax.apply_updates(critic, updates), opt), None

  def gradient(loss, critic, key):
    """The mean gradient of a batch with respect to all parameters of the generator, one vector."""
    mean_loss = lambda gen: GAMES[loss].gen(logits(critic, generate(gen, key))).mean()
    return jnp.concatenate([g.ravel() for g in jax.tree.leaves(jax.grad(mean_loss)(gen))])

  def measure(critic, key):
    found = {}
    for loss in losses:
      a, b = (gradient(loss, critic, k) for k in jax.random.split(key))
      norm, other = jnp.linalg.norm(a), jnp.linalg.norm(b)
      found[loss] = norm, a @ b / jnp.maximum(norm * other, 1e-30)
    return found

  def one_round(carry, key):
    k_measure, k_train = jax.random.split(key)
    critic, _ = carry
    found = measure(critic, k_measure)
    carry, _ = jax.lax.scan(update, carry, jax.random.split(k_train, EVERY))
    return carry, found

  critic = critic_net.init(jax.random.key(0), images[:1])["params"]
  keys = jax.random.split(jax.random.key(1), rounds)
  run = jit(lambda carry: jax.lax.scan(one_round, carry, keys)[1])
  return run((critic, tx.init(critic)))


def lesson(smoke):
  rounds = 3 if smoke else 100
  images = jnp.asarray(load("digits").splits["train"]["image"], jnp.float32) / 8 - 1
  run, _ = trained("gan_digits", smoke, **({} if smoke else {"train.steps": 1000}))
  _, gen_net = networks(images.shape[1:])
  generators = {
    "untrained generator": gen_net.init(jax.random.key(2), jnp.zeros((1, LATENT)))["params"],
    "generator after 1,000 updates": run.weights["gen"],
  }
  curves, results = {}, {}
  for name, gen in generators.items():
    gen = jax.tree.map(jnp.asarray, gen)
    curves[name] = {}
    for kind in LOSSES:
      curves[name] |= gradients(gen, images, kind, rounds)
    results[name] = {}
    for loss, label in LABELS.items():
      norms, cosines = curves[name][loss]
      results[name][label] = {
        "norm": float(norms[-1]),
        "relative to the first": float(norms[-1] / norms[0]),
        "cosine of two batches": float(np.mean(cosines[rounds // 2 :])),
      }

  def paint(*axes):
    updates = EVERY * np.arange(rounds)
    for ax, (name, found) in zip(axes, curves.items()):
      for loss, label in LABELS.items():
        ax.semilogy(updates, np.maximum(found[loss][0], 1e-12), label=label)
      ax.set(title=name, xlabel="updates of the critic", ylabel="|gradient of the generator|")
      ax.legend()

  return results, [(plot(paint, 2), "The gradient of a frozen generator as the critic improves.")]
