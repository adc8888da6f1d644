"""Denoising diffusion (Ho 2020, arXiv:2006.11239): a network that takes noise away, a little at a time.

The forward process q mixes data with noise, x_t = alpha_t x_0 + sigma_t eps, t = 0..T, until x_T is N(0, I). A network
that sees x_t and t predicts eps; from it follow x0_hat and the reverse process, by the posterior of q,

  p(x_s | x_t) = N(mean of q(x_s | x_t, x0_hat), var I),  s = t - 1

The two losses, t ~ U, differ by the weights of the levels: the bound, in nats, and the mean that gives better samples,

  bound  = KL(q(x_T | x_0) || N(0, I)) + sum_{t >= 2} KL(q(x_s | x_t, x_0) || p(x_s | x_t)) - log p(x_0 | x_1)
         = prior_kl + sum_{t >= 2} (snr_s / snr_t - 1) / 2 |eps - eps_hat|² - log p(x_0 | x_1),   snr = alpha² / sigma²
  simple = |eps - eps_hat|² / D

p(x_0 | x_1) is a Gaussian about x0_hat of standard deviation sigma_1 / alpha_1; of integers, its mass in their cells.

With `conditional` the network is told the label too, or now and then in training that there is none: guidance combines
both (Ho & Salimans 2022, arXiv:2207.12598). Samplers and their options are those of `prob.samplers`.

Departures: the network is told log snr, not t, and so knows the levels of any sampler; scale-and-shift group norm.
The decks: L_0 + ... + L_T (C, line 628) is the negative ELBO, and T of its terms have a weight that is infinite at
t = 1 (B, lines 770 and 780): that one is the likelihood. Guidance needs a model trained with and without labels (E,
line 755), not an unconditional one.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError, nearest
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.nn.unet import UNet, sinusoids
from genjax_zoo.prob import guidance, processes, samplers, schedules
from genjax_zoo.prob.distributions import discretized_normal_log_prob, normal_log_prob
from genjax_zoo.prob.schedules import Level

SAMPLERS = "ancestral", "ddim", "heun", "dpm_solver", "euler_maruyama", "annealed_langevin", "predictor_corrector"
SCHEDULES = "linear", "quadratic", "cosine"


class Network(nn.Module):
  """x [B, ...], log snr [B] and, where there are `classes`, labels [B] -> [B, ...]; label `classes` is none."""

  kind: str
  hidden: tuple[int, ...]
  classes: int
  blocks: int
  attention: tuple[int, ...]
  dropout: float
  dtype: str

  @nn.compact
  def __call__(self, x, log_snr, label=None, train: bool = False):
    c = sinusoids(log_snr / 2)
    if self.kind == "mlp":
      if self.classes:
        c = jnp.concatenate([c, nn.Embed(self.classes + 1, c.shape[-1])(label)], -1)
      sizes = *self.hidden, math.prod(x.shape[1:])
      flat = jnp.concatenate([x.reshape(len(x), -1), c], -1)
      return MLP(sizes, nn.silu, self.dtype)(flat).reshape(x.shape)
    c = MLP((4 * self.hidden[0],) * 2, nn.silu)(c)
    if self.classes:
      c += nn.Embed(self.classes + 1, c.shape[-1])(label)
    return UNet(self.hidden, self.blocks, self.attention, self.dropout, self.dtype)(x, nn.silu(c), train)


def check(**choices):
  """Raises UserError for a value that is not among those known: name=(value, known)."""
  for name, (value, known) in choices.items():
    if value not in known:
      raise UserError(f"{name}={value!r} is unknown{nearest(value, known)}; there are {', '.join(known)}")


def model(
  data, *, T: int = 1000, schedule: str = "linear", prediction: str = "eps", objective: str = "simple",
  network: str = "unet", hidden: tuple[int, ...] = (32, 64), blocks: int = 1, attention: tuple[int, ...] = (),
  dropout: float = 0.0, conditional: bool = False, drop_label: float = 0.1, dtype: str = "float32",
) -> Model:  # fmt: skip
  """Diffusion of "image", or of real "x", in T steps of a "linear", "quadratic" or "cosine" schedule.

  `network` is a "unet" of widths `hidden`, one a resolution, or an "mlp"; it predicts "eps", "x0", "v", "score" or
  "velocity". `objective` is "simple" or the "bound". `conditional` on "label", left out with probability `drop_label`.
  """
  name = "image" if "image" in data else "x"
  shape, form, levels = data[name]
  check(**{
    "model.schedule": (schedule, SCHEDULES), "model.prediction": (prediction, tuple(processes.SPLITS)),
    "model.objective": (objective, ("simple", "bound")), "model.network": (network, ("mlp", "unet")),
  })  # fmt: skip
  if network == "unet" and len(shape) != 3:
    raise UserError("model.network='unet' wants images [H, W, C]: take 'mlp'")
  if conditional and ("label" not in data or not data["label"].levels):
    raise UserError("model.conditional=true wants data with a label")
  classes = data["label"].levels if conditional else 0
  net = Network(network, hidden, classes, blocks, attention, dropout, dtype)
  chain, dim = getattr(schedules, schedule)(T), math.prod(shape)

  def floats(batch):
    """Gray levels as numbers in [-1, 1]; real numbers as they are."""
    x = batch[name].astype(jnp.float32)
    return 2 * x / (levels - 1) - 1 if levels else x

  def in_form(x):
    """The reverse, in the form of the data."""
    return {name: (jnp.clip(jnp.round((x + 1) / 2 * (levels - 1)), 0, levels - 1) if levels else x).astype(form)}

  def predicted(params, x, level, label, key=None):
    """(x0_hat, eps_hat), each [B, ...], of x at a level of numbers [] or [B]; `key` is that of dropout in training."""
    rngs = {"dropout": key} if key is not None else {}
    log_snr = jnp.broadcast_to(level.log_snr, len(x))
    value = net.apply({"params": params["net"]}, x, log_snr, label, train=key is not None, rngs=rngs)
    return processes.split(value, x, level, prediction)

  def denoise(params, state, x, level: Level, label=None):
    """x0_hat; of images in their range. A label `classes`, or none given, is no label."""
    label = jnp.full(len(x), classes) if label is None else label
    x0 = predicted(params, x, level, label)[0]
    return jnp.clip(x0, -1, 1) if levels else x0

  def error(params, x0, t, label, key, train=False):
    """|eps - eps_hat|² [B] at integer times t [B]."""
    k_eps, k_drop = jax.random.split(key)
    eps, level = jax.random.normal(k_eps, x0.shape), chain.at(t)
    _, eps_hat = predicted(params, processes.diffuse(x0, eps, level), level, label, k_drop if train else None)
    return ((eps - eps_hat) ** 2).reshape(len(x0), -1).sum(-1)

  def decoder(params, batch, key):
    """log p(x_0 | x_1), nats [B]."""
    x0, level = floats(batch), chain.at(1)
    x = processes.diffuse(x0, jax.random.normal(key, x0.shape), level)
    mean = predicted(params, x, level, batch.get("label"))[0]
    log_scale = jnp.broadcast_to(-level.log_snr / 2, mean.shape)
    if levels:
      log_p = discretized_normal_log_prob(batch[name], mean, log_scale, levels)
    else:
      log_p = normal_log_prob(x0, mean, log_scale)
    return log_p.reshape(len(x0), -1).sum(-1)

  def log_prob(params, state, batch, key, k=100):
    """The bound, the sum over t by k times, one in each of k equal parts of 2..T: its mean is right for every k."""
    k_decoder, key = jax.random.split(key)
    x0, label = floats(batch), batch.get("label")

    def term(i_key):
      i, k_t, k_eps = i_key[0], *jax.random.split(i_key[1])
      u = (i + jax.random.uniform(k_t, (len(x0),))) / k
      t = 2 + jnp.minimum(jnp.floor(u * (T - 1)), T - 2).astype(jnp.int32)
      return processes.elbo_weight(chain.at(t - 1), chain.at(t)) * error(params, x0, t, label, k_eps)

    kl = (T - 1) * jax.lax.map(term, (jnp.arange(k), jax.random.split(key, k))).mean(0)
    return decoder(params, batch, k_decoder) - kl - processes.prior_kl(x0, chain.at(T))

  def init(key, batch):
    x0 = floats(batch)
    return {"net": net.init(key, x0, jnp.zeros(len(x0)), jnp.zeros(len(x0), jnp.int32))["params"]}, {}

  def loss(params, state, batch, key, train):
    k_label, k_t, key = jax.random.split(key, 3)
    if conditional and train:
      dropped = jax.random.bernoulli(k_label, drop_label, (len(batch["label"]),))
      batch = batch | {"label": jnp.where(dropped, classes, batch["label"])}
    if objective == "bound":
      return -log_prob(params, state, batch, key, k=1), ({}, {})
    t = jax.random.randint(k_t, (len(batch[name]),), 1, T + 1)
    return error(params, floats(batch), t, batch.get("label"), key, train) / dim, ({}, {})

  def sample(params, state, key, n, given={}, sampler="ancestral", steps=0, scale=None, rescale=0.0, **options):
    """`steps` of T, all for 0, by a sampler and its options; with labels, guidance of a `scale` unless None."""
    check(sampler=(sampler, SAMPLERS))
    if steps > T or (scale is not None and not conditional):
      raise UserError(f"sample.steps={steps} of T={T}" if steps > T else "sample.scale wants model.conditional=true")
    path = schedules.respaced(chain, steps or T)
    k_x, key = jax.random.split(key)
    label = given.get("label", jnp.full(n, classes))
    tell = lambda x, level, label: denoise(params, state, x, level, label)
    if scale is None:
      f = lambda x, level: tell(x, level, label)
    else:
      f = guidance.classifier_free(tell, label, jnp.full(n, classes), scale, rescale)
      f = guidance.clipped(f) if levels else f
    x = jax.random.normal(k_x, (n, *shape))
    return in_form(getattr(samplers, sampler)(f, x, path, key, **options))

  def calls(sampler="ancestral", steps=0, scale=None, rescale=0.0, **options):
    return (2 if scale is not None else 1) * samplers.evaluations(sampler, steps or T, **options)

  given = ("label",) if conditional else ()
  parts, kinds = {"denoise": denoise}, {"bound": "lower_bound"}
  return Model(init, loss, sample, log_prob, likelihood=kinds, given=given, calls=calls, parts=parts)
