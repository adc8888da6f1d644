"""Multimodal factorisation model (Tsai et al. 2019, arXiv:1806.06176): what modalities share, and
what each has alone.

Each modality x_m, an image and a sound, say, is made of a style of its own and of what all share
and tells the label:

  z_m, z_y ~ N(0, I),   f_m = G_m(z_m),  f_y = G_y(z_y),   x_m = F_m(f_m, f_y),   p(y) = softmax(D(f_y))

Encoders z_m = E_m(x_m) and z_y = E_y(x_1, x_2, ..) are deterministic, as in a Wasserstein
autoencoder, and the maximum mean discrepancy of their joint law from the prior takes the place of a
KL:

  loss = sum_m |x_m - x_m_hat|² - log p(y) + weight MMD²(z, N(0, I))
  MMD² = E k(z, z') - 2 E k(z, n) + E k(n, n'),   k(a, b) = exp(-|a - b|² / dim),   n ~ N(0, I)

E_y averages its features of the modalities that are there, and in training one is left out now and
then: z_y can be told by any of them. So a missing modality is inferred, x_2 is generated from x_1,
and one example's style is put on another's content.

Departures: one network in place of the paper's surrogate for missing modalities; perceptrons, no
recurrent networks.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._form import to_data, to_floats
from genjax_zoo.nn.mlp import MLP


def mmd(z, key):
  """MMD² of z [B, D] from N(0, I), from one draw of as many; [], unbiased."""
  n, dim = z.shape
  prior = jax.random.normal(key, z.shape)
  k = lambda a, b: jnp.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / dim)
  others = lambda a: (k(a, a).sum() - n) / (n * (n - 1))
  return others(z) + others(prior) - 2 * k(z, prior).mean()


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
  """An MFM of all entries of the data but "label": `latent` numbers of each, `shared` ones of the
  label's.

  In training a modality drawn by chance is left out of z_y with probability `missing`. Raises
  UserError for data without a label or with fewer than two modalities.
  """
  names = sorted(data.keys() - {"label"})
  if "label" not in data or len(names) < 2:
    raise UserError(f"mfm wants a label and two modalities; the data have {', '.join(data)}")
  classes, sizes = data["label"].num_values, {m: math.prod(data[m].shape) for m in names}
  mlp = lambda *widths: MLP(widths, jax.nn.relu)
  nets = {f"style_{m}": (mlp(*hidden, latent), size) for m, size in sizes.items()}
  nets |= {f"seen_{m}": (mlp(*hidden, features), size) for m, size in sizes.items()}
  nets |= {f"factor_{m}": (mlp(features, features), latent) for m in names}
  nets |= {f"made_{m}": (mlp(*hidden[::-1], size), 2 * features) for m, size in sizes.items()}
  nets |= {"shared": (mlp(features, shared), features), "factor": (mlp(features, features), shared)}
  nets |= {"label": (nn.Dense(classes), features)}

  def net(params, name, x):
    return nets[name][0].apply({"params": params[name]}, x)

  def flat(batch, m):
    return to_floats(batch[m], data[m]).reshape(len(batch[m]), -1)

  def content(params, seen):
    """z_y [B, shared] of {modality: (x [B, D], weight [B])}."""
    h = sum(w[:, None] * net(params, f"seen_{m}", x) for m, (x, w) in seen.items())
    return net(params, "shared", jax.nn.relu(h / sum(w for _, w in seen.values())[:, None]))

  def styles(params, batch):
    return {m: net(params, f"style_{m}", flat(batch, m)) for m in names}

  def generate(params, latents):
    """({modality: x [B, D]}, logits of the label)."""
    f_y = net(params, "factor", latents["shared"])
    made = lambda m: net(
      params, f"made_{m}", jnp.concatenate([net(params, f"factor_{m}", latents[m]), f_y], -1)
    )
    return {m: made(m) for m in names}, net(params, "label", f_y)

  def init(key, batch):
    keys = jax.random.split(key, len(nets))
    return {
      name: n.init(k, jnp.zeros((1, d)))["params"] for k, (name, (n, d)) in zip(keys, nets.items())
    }, {}

  def kept(key, n):
    """Of each modality, whether it is seen, [B]."""
    k_some, k_which = jax.random.split(key)
    out = jnp.where(
      jax.random.bernoulli(k_some, missing, (n,)),
      jax.random.randint(k_which, (n,), 0, len(names)),
      -1,
    )
    return {m: (out != i).astype(jnp.float32) for i, m in enumerate(names)}

  def loss(params, state, batch, key, train):
    k_kept, k_prior = jax.random.split(key)
    x, n, y = {m: flat(batch, m) for m in names}, len(batch["label"]), batch["label"]
    there = kept(k_kept, n) if train else {m: jnp.ones(n) for m in names}
    latents = styles(params, batch) | {
      "shared": content(params, {m: (x[m], there[m]) for m in names})
    }
    made, logits = generate(params, latents)
    error = sum(((x[m] - made[m]) ** 2).sum(-1) for m in names)
    discrepancy = mmd(jnp.concatenate([*latents.values()], -1), k_prior)
    label = optax.softmax_cross_entropy_with_integer_labels(logits, y)
    metrics = {"error": error, "label": label, "mmd": jnp.broadcast_to(discrepancy, error.shape)}
    if not train:
      metrics |= {"accuracy": (logits.argmax(-1) == y).astype(jnp.float32)}
      for m in names:
        alone = net(params, "factor", content(params, {m: (x[m], jnp.ones(n))}))
        metrics[f"accuracy_{m}"] = (net(params, "label", alone).argmax(-1) == y).astype(jnp.float32)
    return error + label + weight * discrepancy, ({}, metrics)

  def encode(params, state, batch, key):
    """{"shared": z_y, modality: z_m, ..} of a batch of all modalities; of some, what they tell,
    without labels.
    """
    there = [m for m in names if m in batch]
    seen = {m: (flat(batch, m), jnp.ones(len(batch[m]))) for m in there}
    return {m: net(params, f"style_{m}", seen[m][0]) for m in there} | {
      "shared": content(params, seen)
    }

  def decode(params, state, latents, key):
    """All modalities, and the likeliest label."""
    made, logits = generate(params, latents)
    shaped = {m: to_data(x.reshape(-1, *data[m].shape), data[m]) for m, x in made.items()}
    return shaped | {"label": logits.argmax(-1).astype(data["label"].dtype)}

  def sample(params, state, key, n, given={}):
    """All modalities from the prior; those given [n, ...] tell the shared part, and the styles are
    drawn.
    """
    keys = dict(zip([*names, "shared"], jax.random.split(key, len(names) + 1)))
    latents = {m: jax.random.normal(keys[m], (n, latent)) for m in names}
    latents["shared"] = jax.random.normal(keys["shared"], (n, shared))
    if any(m in given for m in names):
      latents["shared"] = encode(params, state, given, key)["shared"]
    return decode(params, state, latents, key)

  return Model(init, loss, sample, encode=encode, decode=decode)
