"""Variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114).

A latent z ~ p(z) = N(0, I) is decoded to p(x | z). The integral p(x) = E_z p(x | z) can't be
computed, so an encoder learns where to look, q(z | x) = N(mean, diag(exp(logvar))), and gives a
bound whose gap is KL(q || p(z | x)):

  log p(x) >= elbo = E_q log p(x | z) - kl,   z = mean + exp(logvar / 2) * eps,  eps ~ N(0, I)
  kl = KL(q(z | x) || p(z)) = 1/2 sum(mean² + exp(logvar) - 1 - logvar)
  loss = -log p(x | z) + beta (kl + (tc - 1) total correlation)

beta = 1, but for the beta-VAE (Higgins 2017) and for warm-up. Evaluation tightens the bound with k draws
(Burda 2015, arXiv:1509.00519):  log p(x) >= E log 1/k sum_i p(x, z_i) / q(z_i | x).

Four papers are an argument each; `free_bits` and `tc` act in training alone:
  free_bits   kl is sum_d max(free_bits, E_batch kl_d): no dimension is pressed below so many nats (Kingma 2016)
  tc          beta-TCVAE (Chen 2018): the total correlation of q(z), by `prob.divergences.kl_parts`, weighs tc times
  components  VampPrior (Tomczak 2017): p(z) = 1/K sum_k q(z | u_k) of K learned inputs u_k; kl is one of a draw
  conditional p(x | z, y), q(z | x, y) of the label y: y joins z at the decoder, and shifts q (Sohn 2015, where p(z | y)
              is learned too; here p(z) is one for all y)

p(x | z) is one of `_observation`'s: "bernoulli", "discretized_logistic" or "gaussian".

Departures: Adam; ReLU. `sample` and `decode` return the mean of p(x | z), as the paper's figures
do.

All five decks slip here. What q is to be near is p(z | x), not p(x, z) (E, line 169). The KL:
sum(exp(logvar) + mean² - log s - 1) (A, line 740) lacks the 1/2 and the square in log s², and so is
least at s² = 1/2, not at the prior. The reparameterisation: mean + s² * eps (B, line 350) squares
s. The bound: E_q p(x | z) (D, line 122) lacks the log. The reconstruction: |x - x_hat| (C, line
188; D, line 122) lacks the square, and with it (A, line 712) still the 1 / (2 s²).
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._networks import encoder_decoder, nonlinearity
from genjax_zoo.models.latent_variable._observation import observation
from genjax_zoo.prob.ais import log_marginal, sigmoid_schedule
from genjax_zoo.prob.distributions import log_mean_exp, normal_log_prob, normal_sample
from genjax_zoo.prob.divergences import kl_parts, kl_standard_normal
from genjax_zoo.prob.estimators import importance_bound


def model(
  data,
  *,
  latent: int = 20,
  hidden: tuple[int, ...] = (400,),
  network: str = "mlp",
  likelihood: str = "bernoulli",
  scale: float = 0.0,
  free_bits: float = 0.0,
  tc: float = 1.0,
  components: int = 0,
  conditional: bool = False,
  activation: str = "relu",
  dtype: str = "float32",
) -> Model:
  """A VAE of "image" or "x" with one layer of `latent` numbers.

  `hidden` are the widths of the encoder, and in reverse of the decoder: of dense layers ("mlp"), or
  of convolutions ("conv"). `scale` is that of `_observation`; `free_bits` are nats. Raises
  UserError where the data do not fit, and for what splits the KL from N(0, I) together with another
  prior.
  """
  seen = observation(data, likelihood, scale)
  if components and (tc != 1 or free_bits):
    raise UserError(
      "model.tc and model.free_bits split the KL from N(0, I): take them with model.components=0"
    )
  if conditional and "label" not in data:
    raise UserError("model.conditional wants data with a 'label'")
  classes = data["label"].num_values if conditional else 0
  shape = data["image" if "image" in data else "x"].shape
  encoder, decoder = encoder_decoder(
    network, hidden, 2 * latent, shape, nonlinearity(activation), dtype
  )
  bounds = {"iwae": "lower_bound", "elbo": "lower_bound", "ais": "lower_bound"}

  def posterior(params, v, label=None):
    """(mean, logvar) of q(z | x), each [B, latent]."""
    out = encoder.apply({"params": params["encoder"]}, v)
    return jnp.split(out if label is None else out + params["class"][label], 2, -1)

  def of(params, batch):
    return posterior(params, seen.floats(batch), batch["label"] if conditional else None)

  def draw(params, batch, key):
    """z ~ q(z | x), [B, latent]."""
    mean, logvar = of(params, batch)
    return normal_sample(key, mean, logvar / 2)

  def decoded(params, latents):
    """What the decoder says of x, [B, *shape], of {"z"} and perhaps {"label"}."""
    z = latents["z"]
    if conditional:
      z = jnp.concatenate([z, jax.nn.one_hot(latents["label"], classes)], -1)
    return decoder.apply({"params": params["decoder"]}, z)

  def with_label(z, batch):
    return {"z": z} | ({"label": batch["label"]} if conditional else {})

  def prior(params):
    """(mean, logvar) of the components of p(z), each [K, latent]."""
    return posterior(params, seen.mean(params["inputs"]))

  def log_prior(params, z):
    """log p(z), nats [B]."""
    if not components:
      return normal_log_prob(z, 0.0, 0.0).sum(-1)
    mean, logvar = prior(params)
    return log_mean_exp(normal_log_prob(z[:, None], mean[None], logvar[None] / 2).sum(-1), 1)

  def draw_prior(params, key, n, temperature=1.0):
    """z ~ p(z), [n, latent], or of its components, with deviations times `temperature`."""
    if not components:
      return temperature * jax.random.normal(key, (n, latent))
    k_which, k_z = jax.random.split(key)
    mean, logvar = (x[jax.random.randint(k_which, (n,), 0, components)] for x in prior(params))
    return normal_sample(k_z, mean, logvar / 2 + jnp.log(temperature))

  def init(key, batch):
    k_enc, k_dec, k_inputs = jax.random.split(key, 3)
    params = {
      "encoder": encoder.init(k_enc, seen.floats(batch))["params"],
      "decoder": decoder.init(k_dec, jnp.zeros((1, latent + classes)))["params"],
    }
    params |= {"class": jnp.zeros((classes, 2 * latent))} if conditional else {}
    params |= {"inputs": jax.random.normal(k_inputs, (components, *shape))} if components else {}
    return params | seen.params(), {}

  def terms(params, batch, key):
    """(z ~ q(z | x) [B, latent], (mean, logvar) of q, {"reconstruction", "kl"}: nats [B] at that
    z).
    """
    k_z, k_x = jax.random.split(key)
    mean, logvar = of(params, batch)
    z = normal_sample(k_z, mean, logvar / 2)
    if components:
      kl = normal_log_prob(z, mean, logvar / 2).sum(-1) - log_prior(params, z)
    else:
      kl = kl_standard_normal(mean, logvar)
    return z, (mean, logvar), {"reconstruction": -log_likelihood(params, batch, z, k_x), "kl": kl}

  def loss(params, state, batch, key, train, beta=1.0):
    z, (mean, logvar), metrics = terms(params, batch, key)
    value = metrics["kl"]
    if free_bits and train:
      each = kl_standard_normal(mean[..., None], logvar[..., None]).mean(0)
      value = jnp.broadcast_to(jnp.maximum(each, free_bits).sum(), value.shape)
    if tc != 1:
      metrics["total_correlation"] = kl_parts(z, mean, logvar)[1]
      value += train * (tc - 1) * metrics["total_correlation"]
    return metrics["reconstruction"] + beta * value, ({}, metrics)

  def log_likelihood(params, batch, z, key):
    """log p(x | z), nats [B]."""
    return seen.log_prob(params, batch, decoded(params, with_label(z, batch)), key)

  def log_joint(params, state, batch, latents, key):
    """log p(x, z), nats [B]."""
    return log_likelihood(params, batch, latents["z"], key) + log_prior(params, latents["z"])

  def log_prob(params, state, batch, key, estimator="iwae", k=100):
    """A lower bound of log p(x): "iwae" from k draws, tight as k grows; "elbo" from one; "ais" by k
    annealing steps.

    AIS (Wu 2017, arXiv:1611.04273) starts from the prior: it needs no encoder, and tells whether a
    bad one is at fault.
    """
    if estimator not in bounds:
      raise UserError(f"unknown estimator={estimator!r} of log_prob; there are {', '.join(bounds)}")
    if estimator == "elbo":
      return -loss(params, state, batch, key, train=False)[0]
    mean, logvar = of(params, batch)
    if estimator == "ais":
      k_chain, k_x = jax.random.split(key)
      start = lambda key: draw_prior(params, key, len(mean))
      likely = lambda z: log_likelihood(params, batch, z, k_x)
      return log_marginal(
        k_chain, start, lambda z: log_prior(params, z), likely, sigmoid_schedule(k)
      )[0]

    def log_weight(key):
      k_z, k_x = jax.random.split(key)
      z = normal_sample(k_z, mean, logvar / 2)
      return log_joint(params, state, batch, {"z": z}, k_x) - normal_log_prob(
        z, mean, logvar / 2
      ).sum(-1)

    return importance_bound(log_weight, key, k)

  def encode(params, state, batch, key):
    """The means of q(z | x), and the labels of a conditional model."""
    return with_label(of(params, batch)[0], batch)

  def mean(params, state, latents):
    """The mean of p(x | z), [B, *shape], gray levels in [0, 1]."""
    return seen.mean(decoded(params, latents))

  def decode(params, state, latents, key):
    return seen.to_data(mean(params, state, latents))

  def sample(params, state, key, n, given={}, temperature=1.0, noise=False):
    """Means of p(x | z), z ~ p(z) of deviations times `temperature`; with `noise`, x ~ p(x | z),
    grainy as it is.
    """
    k_z, k_x = jax.random.split(key)
    out = decoded(params, with_label(draw_prior(params, k_z, n, temperature), given))
    return seen.to_data(seen.draw(params, out, k_x) if noise else seen.mean(out))

  return Model(
    init,
    loss,
    sample,
    log_prob,
    encode,
    decode,
    likelihood=bounds,
    dequantization=seen.dequantization,
    given=("label",) if conditional else (),
    parts={"log_joint": log_joint, "mean": mean, "draw": draw, "terms": terms},
  )
