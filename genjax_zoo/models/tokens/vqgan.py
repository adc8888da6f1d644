"""VQGAN (Esser 2021, arXiv:2012.09841): a VQ-VAE whose reconstructions a critic can't tell.

  reconstruction = error + perceptual mean over maps of |phi(v) - phi(v_hat)|²
  error = mean |v - v_hat|, or with `error` "squared" |v - v_hat|² / (D var v), as in vqvae.py
  gen_loss = reconstruction + quantization (vqvae.py) + lambda adversarial
  lambda   = weight |grad_L reconstruction| / (|grad_L adversarial| + 1e-6)   [eq. 7]
  critic_loss = mean over patches of relu(1 - real) + relu(1 + fake)

grad_L is the gradient of the decoder's last layer: the critic pulls on it as strongly as the
reconstruction does. phi are the feature maps of a frozen classifier (the stage `judge`), each over
its mean square; without one there is no perceptual loss. The critic's part starts late, by the
generator's schedule `weight`.

With `spectral` the critic's kernels have spectral norm 1 (nn/spectral.py): a smooth critic asks for
more contrast where images are blurred, one without a bound also for patterns that only it sees.

Departures: the feature network is one of this project, trained on the same data; PatchGAN's critic
without normalisation, unless `spectral`; lambda is at most 1e4, as in the authors' code.
"""

from collections.abc import Mapping
import functools

import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError
from genjax_zoo.models._form import mean_of
from genjax_zoo.models._game import play
from genjax_zoo.models.tokens import vqvae
from genjax_zoo.models.tokens._grid import autoencoder, scale_loss, vectors
from genjax_zoo.nn.codebook import codes_of, straight_through
from genjax_zoo.nn.patch_critic import PatchCritic
from genjax_zoo.nn.spectral import directions, normalised
from genjax_zoo.prob.adversarial import GAMES

ERRORS = {
  "absolute": lambda v, v_hat, variance: mean_of(jnp.abs(v - v_hat)),
  "squared": lambda v, v_hat, variance: mean_of(jnp.square(v - v_hat)) / variance,
}
LARGEST = 1e4  # The most that the adversarial loss is multiplied by.


def perceptual_distance(maps, v, v_hat):
  """The mean over feature maps of |phi(v) - phi(v_hat)|² / mean phi(v)², [B]; v in [0, 1].

  `maps` are images [B, H, W, C] to lists of [B, h, w, K].
  """
  pairs = list(zip(maps(v), maps(v_hat)))
  distances = [mean_of((a - b) ** 2) / jnp.maximum(mean_of(a**2), 1e-6) for a, b in pairs]
  return sum(distances) / len(pairs)


def adaptive_weight(reconstruction, adversarial, last):
  """|grad reconstruction| / (|grad adversarial| + 1e-6) of functions of the last layer, []."""
  norm = lambda f: jnp.linalg.norm(jax.grad(lambda kernel: f(kernel).mean())(last))
  ratio = norm(reconstruction) / (norm(adversarial) + 1e-6)
  return jax.lax.stop_gradient(jnp.clip(ratio, 0, LARGEST))


def bounded(critic, state):
  """(the critic, changes of state): its kernels with spectral norm 1 if the state has their "u"."""
  if "u" not in state:
    return critic, {}
  critic, u = normalised(critic, state["u"])
  return critic, {"u": u}


def of_generator(f):
  """A function of the first stage, of the parameters of both players."""
  return functools.wraps(f)(lambda params, *args: f(params["gen"], *args))


def learner(
  data,
  tx,
  *,
  judge: Model | None = None,
  network: str = "patch",
  widths: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  codes: int = 256,
  features: int = 16,
  beta: float = 0.25,
  decay: float = 0.98,
  restart: float = 0.1,
  critic: tuple[int, ...] = (32, 64),
  spectral: bool = False,
  error: str = "absolute",
  perceptual: float = 1.0,
  schedules: Mapping = {},
  ema: float = 0.0,
) -> Learner:
  """A VQGAN of "image"; `critic` are the widths of the patch critic, `judge` a classifier.

  The schedule gen.weight is that of the adversarial loss, 1 by default. Raises UserError as `vqvae`
  does, and for an unknown `error`.
  """
  if error not in ERRORS:
    raise UserError(f"model.error={error!r}; there are {' and '.join(ERRORS)}")
  book = dict(codes=codes, features=features, beta=beta, decay=decay, restart=restart)
  stage = vqvae.model(data, network=network, widths=widths, blocks=blocks, **book)
  ae = autoencoder(data, network, widths, features, blocks)
  patches = PatchCritic(critic)
  game = GAMES["hinge"]

  def logits(critic, v):
    """The critic's logits [B, h, w] of v in [0, 1]."""
    return patches.apply({"params": critic}, 2 * v - 1)

  def init(key, batch, frozen={}):
    k_gen, k_critic = jax.random.split(key)
    gen, state = stage.init(k_gen, batch)
    critic = patches.init(k_critic, ae.observation.floats(batch))["params"]
    if spectral:
      state |= {"u": directions(jax.random.fold_in(k_critic, 1), critic)}
    return {"gen": gen, "critic": critic}, state | ({"frozen": frozen} if frozen else {})

  def distance(state, v, v_hat):
    """The reconstruction loss [B]."""
    loss = ERRORS[error](v, v_hat, state["variance"])
    if judge is None:
      return loss
    maps = lambda v: judge.parts["maps"](*state["frozen"]["judge"], 2 * v - 1)
    return loss + perceptual * perceptual_distance(maps, v, v_hat)

  def critic_loss(critic, gen, state, batch, key):
    v_hat = stage.parts["mean"](gen, state, stage.encode(gen, state, batch, key))
    critic, changes = bounded(critic, state)
    real = logits(critic, ae.observation.floats(batch))
    fake = logits(critic, v_hat)
    metrics = {"real": mean_of(real), "fake": mean_of(fake)}
    return mean_of(game.critic(real, fake)), (changes, metrics)

  def gen_loss(gen, critic, state, batch, key, weight=1.0):
    k_out, k_book = jax.random.split(key)
    critic, _ = bounded(critic, state)
    v = ae.observation.floats(batch)
    z = vectors(ae, gen, batch)
    numbers, e = vqvae.quantize(codes_of(state["book"]), z)
    through = straight_through(z, e)

    def v_hat(kernel):
      """The reconstruction, as a function of the last layer."""
      last = gen["decoder"]["last"] | {"kernel": kernel}
      out = vqvae.decoded(ae, gen | {"decoder": gen["decoder"] | {"last": last}}, through)
      return ae.observation.mean(out)

    reconstruction = lambda kernel: distance(state, v, v_hat(kernel))
    adversarial = lambda kernel: mean_of(game.gen(logits(critic, v_hat(kernel))))
    kernel = gen["decoder"]["last"]["kernel"]
    strength = weight * adaptive_weight(reconstruction, adversarial, kernel)
    penalty, commitment = vqvae.quantization_loss(z, e, beta, learned=False)
    out = vqvae.decoded(ae, gen, through)
    scale, metrics = scale_loss(ae, gen, batch, out, k_out)
    loss = reconstruction(kernel) + strength * adversarial(kernel) + penalty + scale
    fixed = jax.lax.stop_gradient(z)
    changes = {"book": vqvae.follow(state["book"], fixed, numbers, k_book, decay, restart)}
    metrics |= {"commitment": commitment, "strength": jnp.broadcast_to(strength, loss.shape)}
    return loss, (changes, metrics)

  parts = {name: of_generator(f) for name, f in stage.parts.items()}
  model = Model(
    init,
    encode=of_generator(stage.encode),
    decode=of_generator(stage.decode),
    evaluate=of_generator(stage.evaluate),
    latents=stage.latents,
    summary=stage.summary,
    parts=parts,
  )
  return play(model, tx, critic_loss, gen_loss, ema=ema, schedules=schedules)
