"""VAE with binary latents (NVIL, Mnih & Gregor 2014, arXiv:1402.0030).

Binary latents can't be reparameterised:

  p(x, z) = Bernoulli(z; prior) Bernoulli(x; decoder(z)),   z in {0, 1}^D
  q(z | x) = Bernoulli(z; encoder(x))
  loss = -elbo = E_q f(z) + kl,   f(z) = -log p(x | z),   kl = KL(q(z | x) || p(z)) in closed form

`estimator` chooses how the encoder's gradient of E_q f(z) is estimated; see prob/estimators.py:

  "score"             f(z) d log q(z | x): REINFORCE
  "running"           (f - the running mean of f) d log q(z | x)
  "leave_one_out"     (f - the mean of f over the example's other draws) d log q(z | x)
                      (RLOO, Kool 2019)
  "relaxed"           f of a relaxation of z, a Gumbel-softmax of two classes; biased
                      (Jang 2016, Maddison 2016)
  "straight_through"  f of that relaxation rounded, with its gradient; biased
                      (Jang 2016, section 2.2)

Departures: the KL in closed form, of less variance than log q - log p at the draws; one layer of
latents; no network that predicts the baseline from x, and no division of f by its running standard
deviation (NVIL's variance normalization).
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import image_of
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob import estimators
from genjax_zoo.prob.distributions import bernoulli_log_prob
from genjax_zoo.prob.divergences import kl_bernoulli

ESTIMATORS = "score", "running", "leave_one_out", "straight_through", "relaxed"


class Networks(NamedTuple):
  """The encoder, from x [..., dim] to logits of z; the decoder, from z to logits of x."""

  encoder: MLP
  decoder: MLP

  def posterior(self, params, x):
    """Logits of q(z | x), [..., D]."""
    return self.encoder.apply({"params": params["encoder"]}, x)

  def x_logits(self, params, z):
    """Logits of p(x | z), [..., dim]."""
    return self.decoder.apply({"params": params["decoder"]}, z)

  def log_likelihood(self, params, x, z):
    """log p(x | z), nats [...]."""
    logits = self.x_logits(params, z)
    return bernoulli_log_prob(jnp.broadcast_to(x, logits.shape), logits).sum(-1)


def flat(batch):
  """x [B, dim], float32."""
  return batch["image"].reshape(len(batch["image"]), -1).astype(jnp.float32)


def sample_bits(key, logits):
  """z ~ Bernoulli(sigmoid(logits)), float32."""
  return jax.random.bernoulli(key, jax.nn.sigmoid(logits)).astype(jnp.float32)


def score_estimate(nets: Networks, estimator: str, params, state, x, logits, key):
  """f [k, B] at z ~ q, with a score-function gradient; x and logits are [k, B, ...]."""
  z = sample_bits(key, logits)
  f = -nets.log_likelihood(params, x, z)
  if estimator == "leave_one_out":
    baseline = estimators.leave_one_out(f)
  elif estimator == "running":
    baseline = state["baseline"]
  else:
    baseline = 0.0
  return estimators.score_function(f, bernoulli_log_prob(z, logits).sum(-1), baseline)


def relaxed_estimate(nets: Networks, estimator: str, params, x, logits, key, temperature):
  """f [k, B] at relaxed bits, or at these rounded ("straight_through"); x, logits: [k, B, ...]."""
  z = estimators.bernoulli_relaxed(key, logits, temperature)
  if estimator == "straight_through":
    z = estimators.straight_through((z > 0.5).astype(jnp.float32), z)
  return -nets.log_likelihood(params, x, z)


def check(field: Field, estimator: str, k: int):
  """Raises UserError if data are not binary, or the estimator is unknown or needs more draws."""
  if field.num_values != 2:
    raise UserError(
      f"model bernoulli_vae needs 2 gray levels, but the data have {field.num_values}: "
      "set data.binarize"
    )
  if estimator not in ESTIMATORS:
    raise UserError(f"unknown model.estimator={estimator!r}; there are {', '.join(ESTIMATORS)}")
  if estimator == "leave_one_out" and k < 2:
    raise UserError("model.estimator='leave_one_out' needs other draws: set model.k to 2 or more")


def model(
  data,
  *,
  latent: int = 200,
  hidden: tuple[int, ...] = (200,),
  estimator: str = "leave_one_out",
  k: int = 4,
  temperature: float = 0.5,
) -> Model:
  """A VAE of binary "image" with `latent` bits, trained on `k` draws of z for each example.

  `temperature` is that of the relaxations. Raises UserError if the data aren't binary, for an
  unknown `estimator`, and for "leave_one_out" with k = 1.
  """
  field = image_of(data)
  check(field, estimator, k)
  nets = Networks(MLP((*hidden, latent)), MLP((*hidden[::-1], math.prod(field.shape))))
  relaxes = estimator in ("straight_through", "relaxed")

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    params = {
      "encoder": nets.encoder.init(k_enc, flat(batch))["params"],
      "decoder": nets.decoder.init(k_dec, jnp.zeros((1, latent)))["params"],
      "prior": jnp.zeros(latent),
    }
    return params, {"baseline": jnp.zeros(())} if estimator == "running" else {}

  def loss(params, state, batch, key, train):
    x = flat(batch)
    logits = nets.posterior(params, x)
    xs = jnp.broadcast_to(x[None], (k, *x.shape))
    each = jnp.broadcast_to(logits[None], (k, *logits.shape))
    if relaxes and train:
      f = relaxed_estimate(nets, estimator, params, xs, each, key, temperature)
    else:  # Evaluation is always at bits.
      f = score_estimate(nets, estimator, params, state, xs, each, key)
    kl = kl_bernoulli(logits, jnp.broadcast_to(params["prior"], logits.shape))
    changes = {}
    if estimator == "running":
      changes["baseline"] = estimators.running_mean(state["baseline"], f)
    return f.mean(0) + kl, (changes, {"reconstruction": f.mean(0), "kl": kl})

  def log_prob(params, state, batch, key, k=100):
    """log 1/k sum_i p(x, z_i) / q(z_i | x), z_i ~ q: a lower bound of log p(x), nats [B]."""
    x = flat(batch)
    logits = nets.posterior(params, x)
    prior = jnp.broadcast_to(params["prior"], logits.shape)

    def log_weight(key):
      z = sample_bits(key, logits)
      log_ratio = bernoulli_log_prob(z, prior) - bernoulli_log_prob(z, logits)
      return nets.log_likelihood(params, x, z) + log_ratio.sum(-1)

    return estimators.importance_bound(log_weight, key, k)

  def encode(params, state, batch, key):
    """{"z": q(z_d = 1 | x), [B, D]}."""
    return {"z": jax.nn.sigmoid(nets.posterior(params, flat(batch)))}

  def mean(params, state, latents):
    """E[x | z], [B, H, W, C]."""
    return jax.nn.sigmoid(nets.x_logits(params, latents["z"])).reshape(-1, *field.shape)

  def decode(params, state, latents, key):
    return {"image": jnp.round(mean(params, state, latents)).astype(field.dtype)}

  def sample(params, state, key, n, given={}, noise=True):
    """x ~ p(x | z), or without `noise` the likelier value of each pixel; z ~ p(z)."""
    k_z, k_x = jax.random.split(key)
    latents = {"z": sample_bits(k_z, jnp.broadcast_to(params["prior"], (n, latent)))}
    if not noise:
      return decode(params, state, latents, k_x)
    x = jax.random.bernoulli(k_x, mean(params, state, latents))
    return {"image": x.astype(field.dtype)}

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood={"iwae": "lower_bound"},
    latents={"z": Field((latent,), np.float32)},
    parts={"mean": mean},
  )
