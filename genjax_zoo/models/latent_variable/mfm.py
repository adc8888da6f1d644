"""Multimodal factorisation model (Tsai et al. 2019, arXiv:1806.06176).

Each modality x_m, such as an image and a sound, is generated from a style z_m of its own and from
content z_y, which all modalities share and which predicts the label:

  z_m, z_y ~ N(0, I),   f_m = G_m(z_m),   f_y = G_y(z_y)
  x_m = F_m(f_m, f_y),   p(y) = softmax(D(f_y))

Encoders z_m = E_m(x_m) and z_y = E_y(x_1, x_2, ...) are deterministic, as in a Wasserstein
autoencoder, and the maximum mean discrepancy of the joint distribution of all z from the prior
takes the place of a KL:

  loss = sum_m |x_m - x_m_hat|² - log p(y) + weight MMD²(z, N(0, I))
  MMD² = E k(z, z') - 2 E k(z, n) + E k(n, n'),   k(a, b) = exp(-|a - b|² / dim),   n ~ N(0, I)

E_y averages features of the modalities that are present, and in training one of them is left out at
random, so that z_y can be inferred from any of them. Then x_2 is generated from x_1 alone, and one
example's style is combined with another's content.

Departures: E_y serves for missing modalities too, where the paper has a surrogate network;
perceptrons, no recurrent networks. The authors' code has one MMD for each factor and sums them, and
the kernel exp(-|a - b|² / dim²); the MMD of all z together also sees how factors depend on each
other.
"""

from collections.abc import Mapping
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import to_data, to_floats
from genjax_zoo.nn.mlp import MLP


class Networks(NamedTuple):
  """Networks by name, and the size of each one's input; params has their names.

  style_<m>   E_m:  x_m -> z_m           seen_<m>   E_y:  x_m -> features of content
  factor_<m>  G_m:  z_m -> f_m           shared     E_y:  mean of these features -> z_y
  made_<m>    F_m:  (f_m, f_y) -> x_m    factor     G_y:  z_y -> f_y
                                         label      D:    f_y -> logits of y
  """

  nets: Mapping[str, nn.Module]
  inputs: Mapping[str, int]
  modalities: tuple[str, ...]

  def __call__(self, params, name, x):
    return self.nets[name].apply({"params": params[name]}, x)


def networks(sizes: Mapping[str, int], classes, latent, shared, hidden, features) -> Networks:
  """The networks for modalities of `sizes` dimensions; for the rest see `model`."""

  def mlp(*widths):
    return MLP(widths, jax.nn.relu)

  nets = {}
  for m, size in sizes.items():
    nets[f"style_{m}"] = mlp(*hidden, latent), size
  for m, size in sizes.items():
    nets[f"seen_{m}"] = mlp(*hidden, features), size
  for m in sizes:
    nets[f"factor_{m}"] = mlp(features, features), latent
  for m, size in sizes.items():
    nets[f"made_{m}"] = mlp(*hidden[::-1], size), 2 * features
  nets["shared"] = mlp(features, shared), features
  nets["factor"] = mlp(features, features), shared
  nets["label"] = nn.Dense(classes), features
  modules = {name: net for name, (net, _) in nets.items()}
  inputs = {name: size for name, (_, size) in nets.items()}
  return Networks(modules, inputs, tuple(sizes))


def styles(nets: Networks, params, xs):
  """{m: z_m [B, latent]} of {m: x_m [B, D]}."""
  return {m: nets(params, f"style_{m}", x) for m, x in xs.items()}


def content(nets: Networks, params, xs, present):
  """z_y [B, shared] of {m: x_m [B, D]}, of which those with `present` {m: [B]} = 0 do not count."""
  features = sum(present[m][:, None] * nets(params, f"seen_{m}", x) for m, x in xs.items())
  count = sum(present[m] for m in xs)
  return nets(params, "shared", jax.nn.relu(features / count[:, None]))


def label_logits(nets: Networks, params, z_y):
  """Logits of the label, [B, classes]."""
  return nets(params, "label", nets(params, "factor", z_y))


def generate(nets: Networks, params, latents):
  """({m: x_m [B, D]}, logits of the label) of {m: z_m, "shared": z_y}."""
  f_y = nets(params, "factor", latents["shared"])
  xs = {}
  for m in nets.modalities:
    f_m = nets(params, f"factor_{m}", latents[m])
    xs[m] = nets(params, f"made_{m}", jnp.concatenate([f_m, f_y], -1))
  return xs, nets(params, "label", f_y)


def mmd(z, key):
  """The unbiased MMD² of z [B, D] from N(0, I), of which as many points are drawn; []."""
  n, dim = z.shape
  prior = jax.random.normal(key, z.shape)

  def kernel(a, b):
    return jnp.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / dim)

  def mean_of_pairs(a):
    # The n pairs of a point with itself, each 1, are left out: they would bias the estimate.
    return (kernel(a, a).sum() - n) / (n * (n - 1))

  return mean_of_pairs(z) + mean_of_pairs(prior) - 2 * kernel(z, prior).mean()


def leave_out(key, modalities, n: int, probability: float):
  """{m: 1 where it is present, [n]}: with `probability` one modality of an example is left out."""
  k_some, k_which = jax.random.split(key)
  some = jax.random.bernoulli(k_some, probability, (n,))
  out = jnp.where(some, jax.random.randint(k_which, (n,), 0, len(modalities)), -1)
  return {m: (out != i).astype(jnp.float32) for i, m in enumerate(modalities)}


def model(
  data,
  *,
  latent: int = 8,
  shared: int = 8,
  hidden: tuple[int, ...] = (256, 128),
  features: int = 64,
  weight: float = 100.0,
  missing: float = 0.5,
) -> Model:
  """An MFM of all entries of the data but "label", which are the modalities.

  z_m has `latent` dimensions, z_y `shared`. In training, one modality of an example is left out of
  z_y with probability `missing`. Raises UserError if the data have no label or fewer than two
  modalities.
  """
  names = sorted(data.keys() - {"label"})
  if "label" not in data or len(names) < 2:
    raise UserError(f"mfm needs a label and two modalities; the data have {', '.join(data)}")
  sizes = {m: math.prod(data[m].shape) for m in names}
  nets = networks(sizes, data["label"].num_values, latent, shared, hidden, features)

  def flat(batch):
    """{m: x_m [B, D]} of the modalities that a batch has."""
    return {m: to_floats(batch[m], data[m]).reshape(len(batch[m]), -1) for m in names if m in batch}

  def init(key, batch):
    keys = dict(zip(nets.nets, jax.random.split(key, len(nets.nets))))
    inputs = {name: jnp.zeros((1, size)) for name, size in nets.inputs.items()}
    return {
      name: net.init(keys[name], inputs[name])["params"] for name, net in nets.nets.items()
    }, {}

  def accuracies(params, xs, logits, label):
    """Whether the label is predicted right from all modalities, and from each alone, [B]."""

    def correct(logits):
      return (logits.argmax(-1) == label).astype(jnp.float32)

    found = {"accuracy": correct(logits)}
    for m, x in xs.items():
      alone = content(nets, params, {m: x}, {m: jnp.ones(len(x))})
      found[f"accuracy_{m}"] = correct(label_logits(nets, params, alone))
    return found

  def loss(params, state, batch, key, train):
    k_missing, k_prior = jax.random.split(key)
    xs = flat(batch)
    n = len(batch["label"])
    present = {m: jnp.ones(n) for m in names}
    if train:
      present = leave_out(k_missing, names, n, missing)
    latents = styles(nets, params, xs) | {"shared": content(nets, params, xs, present)}
    outs, logits = generate(nets, params, latents)
    error = sum(((xs[m] - outs[m]) ** 2).sum(-1) for m in names)
    discrepancy = mmd(jnp.concatenate([*latents.values()], -1), k_prior)
    label = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
    metrics = {"error": error, "label": label, "mmd": jnp.broadcast_to(discrepancy, error.shape)}
    if not train:
      metrics |= accuracies(params, xs, logits, batch["label"])
    return error + label + weight * discrepancy, ({}, metrics)

  def encode(params, state, batch, key):
    """{"shared": z_y, m: z_m, ...} of the modalities that a batch has; it needs no label."""
    xs = flat(batch)
    present = {m: jnp.ones(len(x)) for m, x in xs.items()}
    return styles(nets, params, xs) | {"shared": content(nets, params, xs, present)}

  def decode(params, state, latents, key):
    """All modalities, and the likeliest label."""
    outs, logits = generate(nets, params, latents)
    batch = {m: to_data(x.reshape(-1, *data[m].shape), data[m]) for m, x in outs.items()}
    return batch | {"label": logits.argmax(-1).astype(data["label"].dtype)}

  def sample(params, state, key, n, given={}):
    """All modalities; z ~ N(0, I), but for the content if modalities [n, ...] are given."""
    keys = dict(zip([*names, "shared"], jax.random.split(key, len(names) + 1)))
    latents = {m: jax.random.normal(keys[m], (n, latent)) for m in names}
    latents["shared"] = jax.random.normal(keys["shared"], (n, shared))
    if any(m in given for m in names):
      latents["shared"] = encode(params, state, given, key)["shared"]
    return decode(params, state, latents, key)

  fields = {m: Field((latent,), np.float32) for m in names}
  fields["shared"] = Field((shared,), np.float32)
  return Model(init, loss, sample, encode=encode, decode=decode, latents=fields)
