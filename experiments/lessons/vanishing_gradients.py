"""The better the critic, the smaller the slope of the minimax loss; the Wasserstein critic's stays.

Deck C: where the discriminator is perfect the "loss function falls to zero and we end up with no
gradient", and its figure 21 of Arjovsky & Bottou 2017 (arXiv:1701.04862). Here a generator of
digits is frozen, untrained or after a short training, a critic is trained against it from the
start, and after every few updates the slopes of three losses in the generator's parameters are
measured: log(1 - D) and -log D at the critic of the cross-entropy, and -f at a Wasserstein critic
held by the gradient penalty.

Against the untrained generator, whose samples are far from the data, log(1 - D) loses eight orders
of magnitude of its slope within 500 updates. To tell the trained one's samples from the data the
critic needs longer, and in 2,000 updates does not get perfect. The deck's cure, -log D, has the
slope of the logit where D is sure: it does not vanish but grows with the critic, by orders of
magnitude, so that the size of a step depends on how long the critic was trained. The Wasserstein
critic's settles.
"""

from pathlib import Path
import tempfile

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

BATCH, EVERY, LATENT, HIDDEN = 128, 20, 16, (256, 256)
LOSSES = {"minimax": "log(1 - D)", "non_saturating": "-log D", "wasserstein": "-f, Wasserstein"}


def slopes(gen, images, kind: str, rounds: int):
  """(norms of the mean gradient, its cosine between two batches), [rounds] each, of the generator's
  losses of `kind`.

  A round is EVERY updates of the critic, "cross_entropy" or "wasserstein".
  """
  critic_net, gen_net = encoder_decoder("mlp", HIDDEN, 1, images.shape[1:], leaky_relu, "float32")
  tx, players = (
    optax.adam(5e-4, b1=0.5, b2=0.9),
    [k for k in LOSSES if (k == "wasserstein") == (kind == "wasserstein")],
  )
  logits = lambda critic, x: critic_net.apply({"params": critic}, x)[..., 0]
  fakes = lambda gen, key: jnp.tanh(
    gen_net.apply({"params": gen}, jax.random.normal(key, (BATCH, LATENT)))
  )

  def critic_loss(critic, key):
    k_rows, k_z, k_t = jax.random.split(key, 3)
    real, fake = images[jax.random.randint(k_rows, (BATCH,), 0, len(images))], fakes(gen, k_z)
    loss = GAMES[players[0]].critic(logits(critic, real), logits(critic, fake))
    held = (
      10 * gradient_penalty(lambda x: logits(critic, x), real, fake, k_t)
      if kind == "wasserstein"
      else 0.0
    )
    return (loss + held).mean()

  def update(carry, key):
    critic, opt = carry
    updates, opt = tx.update(jax.grad(critic_loss)(critic, key), opt)
    return (optax.apply_updates(critic, updates), opt), None

  def measure(critic, key):
    def gradient(name, key):
      grads = jax.grad(lambda gen: GAMES[name].gen(logits(critic, fakes(gen, key))).mean())(gen)
      return jnp.concatenate([g.ravel() for g in jax.tree.leaves(grads)])

    pairs = {name: [gradient(name, k) for k in jax.random.split(key)] for name in players}
    norm = jnp.linalg.norm
    return {
      k: (norm(a), a @ b / jnp.maximum(norm(a) * norm(b), 1e-30)) for k, (a, b) in pairs.items()
    }

  def one(carry, key):
    k_measure, k_train = jax.random.split(key)
    found = measure(carry[0], k_measure)
    return jax.lax.scan(update, carry, jax.random.split(k_train, EVERY))[0], found

  critic = critic_net.init(jax.random.key(0), images[:1])["params"]
  carry = critic, tx.init(critic)
  return jit(
    lambda carry: jax.lax.scan(one, carry, jax.random.split(jax.random.key(1), rounds))[1]
  )(carry)


def lesson(smoke):
  images = jnp.asarray(load("digits").splits["train"]["image"], jnp.float32) / 8 - 1
  rounds, numbers, found = (3 if smoke else 100), {}, {}
  with tempfile.TemporaryDirectory() as folder:
    run, _ = trained(
      "gan_digits", Path(folder) / "gan", smoke, **{} if smoke else {"train.steps": "1000"}
    )
    _, gen_net = encoder_decoder("mlp", HIDDEN, 1, images.shape[1:], leaky_relu, "float32")
    fresh = gen_net.init(jax.random.key(2), jnp.zeros((1, LATENT)))["params"]
    for name, gen in {
      "untrained generator": fresh,
      "generator after 1,000 updates": run.weights["gen"],
    }.items():
      gen = jax.tree.map(jnp.asarray, gen)
      found[name] = slopes(gen, images, "cross_entropy", rounds) | slopes(
        gen, images, "wasserstein", rounds
      )
      last = {
        k: {"norm": float(n[-1]), "of the first": float(n[-1] / n[0])}
        for k, (n, _) in found[name].items()
      }
      aligned = {k: float(np.mean(c[rounds // 2 :])) for k, (_, c) in found[name].items()}
      numbers[name] = {LOSSES[k]: last[k] | {"cosine of two batches": aligned[k]} for k in LOSSES}

  def paint(*axes):
    for ax, (name, curves) in zip(axes, found.items()):
      for k, label in LOSSES.items():
        ax.semilogy(EVERY * np.arange(rounds), np.maximum(curves[k][0], 1e-12), label=label)
      ax.set(title=name, xlabel="updates of the critic", ylabel="|gradient of the generator|")
      ax.legend()

  return numbers, [
    (plot(paint, 2), "The slope of a frozen generator's loss as the critic gets better.")
  ]
