"""VAE with binary latents, which can't be reparameterised (NVIL, Mnih & Gregor 2014,
arXiv:1402.0030).

  p(x, z) = Bernoulli(z; prior) Bernoulli(x; decoder(z)),   q(z | x) = Bernoulli(z; encoder(x)),   z in {0, 1}^D
  loss = -elbo = E_q f(z) + kl,   f(z) = -log p(x | z),   kl = KL(q(z | x) || p(z)) in closed form

The encoder's gradient of E_q f(z) is where `estimator` chooses; see prob/estimators.py:

  "score"             f(z) d log q(z | x): REINFORCE
  "running"           the same of f - the running mean of f
  "leave_one_out"     the same of f - the mean of f at the example's other draws (RLOO, Kool 2019)
  "relaxed"           f of a relaxation of z, a Gumbel-softmax of two classes (biased; Jang 2016, Maddison 2016)
  "straight_through"  f of that relaxation rounded, with its gradient (biased; Jang 2016, section 2.2)

Departures: the KL in closed form, which has less noise than log q - log p at the draws; one layer
of latents; no network that predicts the baseline from x.
"""

import math

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.nn.mlp import MLP
from genjax_zoo.prob import estimators
from genjax_zoo.prob.distributions import bernoulli_log_prob
from genjax_zoo.prob.divergences import kl_bernoulli

ESTIMATORS = "score", "running", "leave_one_out", "straight_through", "relaxed"


def model(
  data,
  *,
  latent: int = 200,
  hidden: tuple[int, ...] = (200,),
  estimator: str = "leave_one_out",
  k: int = 4,
  temperature: float = 0.5,
) -> Model:
  """A VAE of binary "image" with `latent` bits; `k` draws an example, `temperature` that of the
  relaxations.

  Raises UserError for data that aren't binary, for an unknown `estimator`, and for "leave_one_out"
  with k = 1.
  """
  shape, form, levels = data["image"][:3]
  if levels != 2:
    raise UserError(
      f"model bernoulli_vae wants 2 levels and the data have {levels}: set data.binarize"
    )
  if estimator not in ESTIMATORS:
    raise UserError(f"unknown model.estimator={estimator!r}; there are {', '.join(ESTIMATORS)}")
  if estimator == "leave_one_out" and k < 2:
    raise UserError("model.estimator='leave_one_out' needs other draws: set model.k to 2 or more")
  encoder, decoder = MLP((*hidden, latent)), MLP((*hidden[::-1], math.prod(shape)))
  relaxes = estimator in ("straight_through", "relaxed")

  def flat(batch):
    return batch["image"].reshape(len(batch["image"]), -1).astype(jnp.float32)

  def posterior(params, batch):
    """Logits of q(z | x), [B, D]."""
    return encoder.apply({"params": params["encoder"]}, flat(batch))

  def draw(key, logits):
    """z in {0, 1}, float32."""
    return jax.random.bernoulli(key, jax.nn.sigmoid(logits)).astype(jnp.float32)

  def log_likelihood(params, x, z):
    """log p(x | z), nats [...]."""
    logits = decoder.apply({"params": params["decoder"]}, z)
    return bernoulli_log_prob(jnp.broadcast_to(x, logits.shape), logits).sum(-1)

  def init(key, batch):
    k_enc, k_dec = jax.random.split(key)
    params = {
      "encoder": encoder.init(k_enc, flat(batch))["params"],
      "decoder": decoder.init(k_dec, jnp.zeros((1, latent)))["params"],
      "prior": jnp.zeros(latent),
    }
    return params, {"baseline": jnp.zeros(())} if estimator == "running" else {}

  def surrogate(params, state, x, logits, key, train):
    """f [k, B] with the estimator's gradient; in evaluation always that of bits."""
    if relaxes and train:
      soft = estimators.bernoulli_relaxed(key, logits, temperature)
      z = (
        soft
        if estimator == "relaxed"
        else estimators.straight_through((soft > 0.5).astype(jnp.float32), soft)
      )
      return -log_likelihood(params, x, z)
    z = draw(key, logits)
    f = -log_likelihood(params, x, z)
    baseline = {"leave_one_out": estimators.leave_one_out, "running": lambda f: state["baseline"]}
    return estimators.score_function(
      f, bernoulli_log_prob(z, logits).sum(-1), baseline.get(estimator, lambda f: 0.0)(f)
    )

  def loss(params, state, batch, key, train):
    logits = posterior(params, batch)
    repeated = lambda x: jnp.broadcast_to(x[None], (k, *x.shape))
    f = surrogate(params, state, repeated(flat(batch)), repeated(logits), key, train)
    kl = kl_bernoulli(logits, jnp.broadcast_to(params["prior"], logits.shape))
    changes = (
      {"baseline": estimators.running_mean(state["baseline"], f)} if estimator == "running" else {}
    )
    return f.mean(0) + kl, (changes, {"reconstruction": f.mean(0), "kl": kl})

  def log_prob(params, state, batch, key, k=100):
    """log 1/k sum p(x, z_i) / q(z_i | x) of k draws of bits, a lower bound of log p(x) in
    expectation, nats [B].
    """
    x, logits = flat(batch), posterior(params, batch)
    prior = jnp.broadcast_to(params["prior"], logits.shape)

    def log_weight(key):
      z = draw(key, logits)
      ratio = bernoulli_log_prob(z, prior) - bernoulli_log_prob(z, logits)
      return log_likelihood(params, x, z) + ratio.sum(-1)

    return estimators.importance_bound(log_weight, key, k)

  def encode(params, state, batch, key):
    """{"z": the probability of each bit, [B, D]}."""
    return {"z": jax.nn.sigmoid(posterior(params, batch))}

  def mean(params, state, latents):
    return jax.nn.sigmoid(decoder.apply({"params": params["decoder"]}, latents["z"])).reshape(
      -1, *shape
    )

  def decode(params, state, latents, key):
    return {"image": jnp.round(mean(params, state, latents)).astype(form)}

  def sample(params, state, key, n, given={}):
    """The likelier value of each pixel, z ~ p(z)."""
    z = draw(key, jnp.broadcast_to(params["prior"], (n, latent)))
    return decode(params, state, {"z": z}, key)

  bound = {"iwae": "lower_bound"}
  return Model(init, loss, sample, log_prob, encode, decode, likelihood=bound, parts={"mean": mean})
