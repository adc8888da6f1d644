"""BigGAN (Brock 2018, arXiv:1809.11096): class-conditional, with a trade of variety for fidelity.

The generator's batch normalisation is conditioned: the gain and the bias of each are linear in
(e(y), z_k), where e(y) is one embedding of the class, shared by all, and z is split into a part for
each block (skip-z). The critic is that of sngan.py with the projection of cgan.py, and the game
its hinge. The generator's kernels are kept near orthogonal, whatever their norms:

  critic_loss = relu(1 - l(x, y)) + relu(1 + l(G(z, y), y))
  gen_loss    = -l(G(z, y), y) + ortho sum over kernels |W^T W o (1 - I)|², but for e

Then samples may take z from a truncated normal distribution, |z_i| < truncation, though G was
trained on the whole: each more like its class, and all more alike.

Statistics are of the whole batch over all devices; sampling uses running averages.

Departures: the generator is not spectrally normalised; no attention; widths fit small images;
statistics are not measured again for each truncation.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_zoo.core import Learner, UserError
from genjax_zoo.models._condition import condition_fields, label_classes
from genjax_zoo.models._form import image_of, to_floats
from genjax_zoo.models._game import generator_model, noise, play
from genjax_zoo.models.gans.dcgan import BatchNorm, by_batch, by_running_averages
from genjax_zoo.nn.conv import Conv
from genjax_zoo.nn.orthogonal import overlap
from genjax_zoo.nn.resize import downsample, halvings, upsample
from genjax_zoo.nn.spectral import directions, normalised
from genjax_zoo.prob.adversarial import GAMES

orthogonal = nn.initializers.orthogonal()


class ConditionalBatchNorm(nn.Module):
  """x [B, H, W, C], c [B, D] -> x normalised by the batch, times 1 + a gain of c, plus a bias."""

  @nn.compact
  def __call__(self, x, c, train):
    x = BatchNorm(not train, use_scale=False, use_bias=False)(x)
    both = nn.Dense(2 * x.shape[-1], use_bias=False, kernel_init=orthogonal)(c)
    gain, bias = jnp.split(both[:, None, None], 2, -1)
    return (1 + gain) * x + bias


class Generator(nn.Module):
  """z [B, D], classes y [B] -> images [B, *shape] in [-1, 1]; each of `widths` doubles them."""

  widths: tuple[int, ...]
  shape: tuple[int, int, int]
  classes: int
  features: int

  @nn.compact
  def __call__(self, z, y, train):
    conv = lambda width, size: Conv(width, (size, size), kernel_init=orthogonal)
    e = nn.Embed(self.classes, self.features)(y)
    first, *parts = jnp.split(z, len(self.widths) + 1, -1)
    sizes = halvings(self.shape[:2], len(self.widths))
    start = (*sizes[0], self.widths[0])
    x = nn.Dense(math.prod(start), kernel_init=orthogonal)(first).reshape(len(z), *start)
    for width, part, (height, across) in zip(self.widths, parts, sizes[1:]):
      c = jnp.concatenate([e, part], -1)
      twice = lambda x, h=height, w=across: upsample(x)[:, :h, :w]
      h = conv(width, 3)(twice(nn.relu(ConditionalBatchNorm()(x, c, train))))
      h = conv(width, 3)(nn.relu(ConditionalBatchNorm()(h, c, train)))
      x = h + twice(conv(width, 1)(x))
    return jnp.tanh(conv(self.shape[-1], 3)(nn.relu(BatchNorm(not train)(x))))


class Critic(nn.Module):
  """Images [B, H, W, C], classes y [B] -> logits [B]; each of `widths` halves the image."""

  widths: tuple[int, ...]
  classes: int

  @nn.compact
  def __call__(self, x, y):
    conv = lambda width, size: Conv(width, (size, size), kernel_init=orthogonal)
    for i, width in enumerate(self.widths):
      h = conv(width, 3)(nn.relu(x) if i else x)
      h = downsample(conv(width, 3)(nn.relu(h)))
      x = h + conv(width, 1)(downsample(x))
    phi = nn.relu(x).sum((1, 2))
    v = nn.Embed(self.classes, phi.shape[-1])(y)
    return nn.Dense(1, kernel_init=orthogonal)(phi)[..., 0] + (v * phi).sum(-1)


def truncated_normal(key, n: int, latent: int, truncation):
  """z ~ N(0, I) given that |z_i| < truncation for all i, [n, latent]."""
  return jax.random.truncated_normal(key, -truncation, truncation, (n, latent))


def learner(
  data,
  tx,
  *,
  latent: int = 24,
  widths: tuple[int, ...] = (32, 64),
  features: int = 16,
  ortho: float = 1e-4,
  n_critic: int = 2,
  ema: float = 0.0,
) -> Learner:
  """A BigGAN of "image" given "label"; `tx = {"gen": ..., "critic": ...}`.

  `widths` are those of the critic's blocks, in reverse of the generator's; z has `latent` numbers,
  the class embedding `features`. Raises UserError for data without images or classes, and for a
  latent that can't be split into equal parts.
  """
  field = image_of(data)
  given = condition_fields(data, ("label",))
  classes = label_classes(given)
  if len(field.shape) != 3 or latent % (len(widths) + 1):
    raise UserError(
      f"biggan makes images [H, W, C] of {len(widths) + 1} parts of z: make model.latent={latent} "
      f"a multiple of that; 'image' has the shape {list(field.shape)}"
    )
  game = GAMES["hinge"]
  gen_net = Generator(tuple(widths[::-1]), field.shape, classes, features)
  critic_net = Critic(tuple(widths), classes)

  def init(key, batch):
    k_gen, k_critic, k_u = jax.random.split(key, 3)
    x, y = to_floats(batch["image"], field), batch["label"]
    gen = gen_net.init(k_gen, jnp.zeros((len(x), latent)), y, train=False)
    critic = critic_net.init(k_critic, x, y)["params"]
    state = {"gen": gen["batch_stats"], "u": directions(k_u, critic)}
    return {"gen": gen["params"], "critic": critic}, state

  def generate(params, state, latents):
    z, y = latents["z"], latents["label"]
    return by_running_averages(gen_net, params["gen"], state["gen"], z, y)

  def logits(critic, u, x, y):
    """l(x, y), by the spectral norms that u gives."""
    weights, _ = normalised(critic, u, iterations=0)
    return critic_net.apply({"params": weights}, x, y)

  def fakes(gen, state, y, key):
    """(an image of each class of y [B], the running averages)."""
    return by_batch(gen_net, gen, state["gen"], noise(key, len(y), latent), y)

  def critic_loss(critic, gen, state, batch, key):
    y = batch["label"]
    weights, u = normalised(critic, state["u"])
    made, _ = fakes(gen, state, y, key)
    real = critic_net.apply({"params": weights}, to_floats(batch["image"], field), y)
    fake = critic_net.apply({"params": weights}, made, y)
    return game.critic(real, fake), ({"u": u}, {"real_logit": real, "fake_logit": fake})

  def gen_loss(gen, critic, state, batch, key):
    made, stats = fakes(gen, state, batch["label"], key)
    value = game.gen(logits(critic, state["u"], made, batch["label"]))
    apart = overlap({k: v for k, v in gen.items() if not k.startswith("Embed")})
    return value + ortho * apart, ({"gen": stats}, {"overlap": apart})

  critic = lambda params, state, x, given: logits(params["critic"], state["u"], x, given["label"])
  model = generator_model({"image": field}, latent, init, generate, critic, given)

  def sample(params, state, key, n, given, truncation=math.inf):
    """G(z, y), every |z_i| < truncation: for small ones images more typical and more alike."""
    z = truncated_normal(key, n, latent, truncation)
    return model.decode(params, state, {"z": z} | given)

  return play(model._replace(sample=sample), tx, critic_loss, gen_loss, n_critic=n_critic, ema=ema)
