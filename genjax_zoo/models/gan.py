"""Generative adversarial network (Goodfellow 2014, arXiv:1406.2661).

A generator G turns noise z ~ N(0, I) into samples; a critic, whose logit is l, tells them from the data.
With D = sigmoid(l), they play min_G max_D V,  V = E_x log D(x) + E_z log(1 - D(G(z))):

  critic_loss = softplus(-l(x)) + softplus(l(G(z)))  (+ r1 / 2 |grad_x l(x)|²)  = -V
  gen_loss    = -softplus(l(G(z)))      "minimax": log(1 - D), whose slope vanishes where the critic is sure
              =  softplus(-l(G(z)))     "non_saturating": -log D, the same fixed point and slope enough

For fixed densities p of data and q of G(z) the best critic is l = log p / q, where V = 2 JSD(p, q) - log 4.

Departures: Gaussian z; Adam; the zero-centred penalty R1 on real data (Mescheder 2018, arXiv:1801.04406,
equation 9), off by default, makes the game converge locally and keeps all modes in experience; sampling
uses an average of the generator's weights. Images are scaled to [-1, 1], the range of tanh.

The deck (C, line 313) writes "min_G max_D = E ...", without V, and (C, line 420) offers the non-saturating
loss, as "gradient ascent on the generator", as the cure of a critic that is too good. It cures the
vanishing slope; the game may still circle or lose modes, which the configs gan_8gaussians_plain and
gan_8gaussians show.
"""

import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, Model, UserError, average, minimize, split, start
from genjax_zoo.nn.convnet import Decoder, Encoder
from genjax_zoo.nn.mlp import MLP


def critic_loss(real, fake):
  """-V at the logits of a real and a generated example; nats."""
  return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def minimax(fake):
  """log(1 - D) at the logit of a generated example; nats."""
  return -jax.nn.softplus(fake)


def non_saturating(fake):
  """-log D at the logit of a generated example; nats."""
  return jax.nn.softplus(-fake)


def squared_slope(logits, x):
  """|grad_x logits(x)|² of each example, [B]; `logits` maps [B, ...] to [B], one example at a time."""
  slope = jax.grad(lambda x: logits(x).sum())(x)
  return (slope**2).reshape(len(x), -1).sum(-1)


def networks(network, hidden, shape, dtype):
  """Flax modules: the generator, from noise to [B, *shape], and the critic, from there to [B, 1]."""
  if network not in ("mlp", "conv") or (network == "conv" and len(shape) != 3):
    raise UserError(f"model.network={network!r}: take 'mlp', or 'conv' for images [H, W, C]")
  options = dict(activation=functools.partial(jax.nn.leaky_relu, negative_slope=0.2), dtype=dtype)
  if network == "conv":
    return Decoder(hidden[::-1], shape, **options), Encoder(hidden, 1, **options)
  flatten, shaped = lambda x: x.reshape(len(x), -1), lambda x: x.reshape(-1, *shape)
  gen, critic = MLP((*hidden[::-1], math.prod(shape)), **options), MLP((*hidden, 1), **options)
  return nn.Sequential([gen, shaped]), nn.Sequential([flatten, critic])


def learner(
  data, tx, *, latent: int = 64, hidden: tuple[int, ...] = (256, 256), network: str = "mlp",
  loss: str = "non_saturating", r1: float = 0.0, n_critic: int = 1, ema: float = 0.0, dtype: str = "float32",
) -> Learner:  # fmt: skip
  """A GAN of "image" or "x"; `tx = {"gen": ..., "critic": ...}`.

  `hidden` are the widths of the critic, the generator's in reverse: of its layers ("mlp"), or of its
  convolutions ("conv"). `n_critic` updates of the critic, each on its part of the batch, go before one of
  the generator, whose `loss` is "non_saturating" or "minimax". Metrics: the two losses, and the accuracy of the
  critic on real and on generated examples.
  """
  gen_losses = {"non_saturating": non_saturating, "minimax": minimax}
  if loss not in gen_losses:
    raise UserError(f"unknown model.loss={loss!r}; there are {', '.join(gen_losses)}")
  name = "image" if "image" in data else "x"
  shape, form, levels = data[name]
  gen_net, critic_net = networks(network, hidden, shape, dtype)

  def points(batch):
    """The data as floats, images in [-1, 1]."""
    x = batch[name].astype(jnp.float32)
    return 2 * x / (levels - 1) - 1 if levels else x

  def generate(gen, key, n, temperature=1.0):
    x = gen_net.apply({"params": gen}, temperature * jax.random.normal(key, (n, latent)))
    return jnp.tanh(x) if levels else x

  def logits(critic, x):
    return critic_net.apply({"params": critic}, x)[..., 0]

  def critic_objective(critic, gen, batch, key):
    x = points(batch)
    real, fake = logits(critic, x), logits(critic, generate(gen, key, len(x)))
    value = critic_loss(real, fake)
    if r1:
      value += r1 / 2 * squared_slope(lambda x: logits(critic, x), x)
    return value, ({}, {"real_accuracy": real > 0, "fake_accuracy": fake < 0})

  def gen_objective(gen, critic, batch, key):
    return gen_losses[loss](logits(critic, generate(gen, key, len(batch[name])))), ({}, {})

  def model_init(key, batch):
    k_gen, k_critic = jax.random.split(key)
    gen = gen_net.init(k_gen, jnp.zeros((1, latent)))["params"]
    return {"gen": gen, "critic": critic_net.init(k_critic, points(batch))["params"]}, {}

  def init(key, batch):
    params, state = model_init(key, batch)
    return start(params, state, {name: tx[name].init(params[name]) for name in params}, ema=("gen",) if ema else ())

  def step(ts, batch, key):
    """Algorithm 1 of the paper: `n_critic` updates of the critic, then one of the generator."""
    k_critic, k_gen = jax.random.split(key)
    parts = split(batch, n_critic)

    def critic_step(carry, part):
      critic, opt, value, (_, metrics) = minimize(critic_objective, tx["critic"], *carry, ts.params["gen"], *part)
      return (critic, opt), {"critic_loss": value} | metrics

    (critic, critic_opt), metrics = jax.lax.scan(
      critic_step, (ts.params["critic"], ts.opt["critic"]), (parts, jax.random.split(k_critic, n_critic))
    )
    last = jax.tree.map(lambda x: x[-1], parts)
    gen, gen_opt, value, _ = minimize(gen_objective, tx["gen"], ts.params["gen"], ts.opt["gen"], critic, last, k_gen)

    params, opt = {"gen": gen, "critic": critic}, {"gen": gen_opt, "critic": critic_opt}
    ts = ts.replace(step=ts.step + 1, params=params, opt=opt, ema=average(ts.ema, params, ts.step, ema))
    return ts, {"gen_loss": value} | jax.tree.map(jnp.mean, metrics)

  def sample(params, state, key, n, given={}, temperature=1.0):
    x = generate(params["gen"], key, n, temperature)
    return {name: (jnp.round((x + 1) / 2 * (levels - 1)) if levels else x).astype(form)}

  critic = lambda params, state, batch: logits(params["critic"], points(batch))
  return Learner(init, step, Model(model_init, sample=sample, parts={"critic": critic}))
