"""Denoising diffusion (Ho 2020, arXiv:2006.11239), improved (Nichol & Dhariwal 2021,
arXiv:2102.09672).

The forward process q mixes data with noise, x_t = alpha_t x_0 + sigma_t eps, t = 0..T, until x_T is
N(0, I). A network that sees x_t and its level says x0_hat (or eps, or v: together with x_t each
gives the others), and so the reverse step

  p(x_s | x_t) = N(mean of q(x_s | x_t, x0_hat), var I),  s = t - 1
  var = small, large (the two of `prob.processes.posterior`), or learned: large^v small^(1 - v), v from the network too

The bound, in nats, is a sum of T terms and a constant; its cousin, with all weights 1, gives better
samples:

  term_t = KL(q(x_s | x_t, x_0) || p(x_s | x_t))  for t >= 2,   term_1 = -log p(x_0 | x_1)
  bound  = sum_t term_t + KL(q(x_T | x_0) || N(0, I)) >= -log p(x_0)
  simple = |eps - eps_hat|² / D,   t ~ U{1..T}, or that of x0_hat or v, if the network predicts those
  hybrid = simple + 0.001 bound / D, where the bound's gradient reaches v alone

p(x_0 | x_1) of integers is the Gaussian's mass in their cells. t of the bound is drawn with
probability p_t ~ sqrt(E term_t²), a running mean held in `state`, and term_t divided by p_t. Told
labels, and now and then in training none, the network serves guidance (Ho & Salimans 2022,
arXiv:2207.12598). DDIM is a sampler of this model.

x0_hat of images is clipped in the bound as in sampling. Without it the cosine schedule's last step
ruins the bound of a network that predicts eps: there snr falls 1000 times, and the weight of |eps -
eps_hat|² is 500.

Departures: the network is told log(sigma / alpha), not t, and so knows the levels of any sampler;
scale-and-shift group norm; a running mean in place of the last 10 values of each term.

The decks: L_0 + ... + L_T (C, line 628) is the negative ELBO; T of its terms have a weight that is
infinite at t = 1 (B, lines 770 and 780): that one is the likelihood. Guidance needs a model trained
with and without labels (E, line 755), not an unconditional one.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.diffusion._diffusion import check, diffusion, network as make, space, told
from genjax_zoo.prob import processes, schedules
from genjax_zoo.prob.distributions import discretized_normal_log_prob, normal_log_prob
from genjax_zoo.prob.divergences import kl_normal
from genjax_zoo.prob.schedules import NoiseLevel

# Of the running means of the terms' squares; of all draws of t, so many are uniform.
RATE, FLOOR = 0.1, 0.001


def model(
  data,
  *,
  T: int = 1000,
  schedule: str = "linear",
  prediction: str = "eps",
  objective: str = "simple",
  variance: str = "small",
  network: str = "unet",
  hidden: tuple[int, ...] = (32, 64),
  blocks: int = 1,
  attention: tuple[int, ...] = (),
  patch: int = 1,
  dropout: float = 0.0,
  conditional: bool = False,
  drop_label: float = 0.1,
  dtype: str = "float32",
) -> Model:
  """Diffusion of "image", or of real "x", in T steps of a "linear", "quadratic" or "cosine"
  schedule.

  The network (see `_diffusion.network`) predicts "eps", "x0", "v", "score" or "velocity".
  `objective` is "simple", "min_snr" (2303.09556), "bound" or "hybrid", which wants the variance
  "learned", not "small" or "large". `conditional` on "label", left out with probability
  `drop_label`.
  """
  check(
    **{
      "model.schedule": (schedule, schedules.DISCRETE),
      "model.prediction": (prediction, tuple(processes.SPLITS)),
      "model.objective": (objective, ("simple", "min_snr", "bound", "hybrid")),
      "model.variance": (variance, ("small", "large", "learned")),
    }
  )
  if (objective == "hybrid") > (variance == "learned"):
    raise UserError("model.objective='hybrid' trains the variance: set model.variance='learned'")
  learns, here = variance == "learned", space(data, conditional)
  options = dict(
    classes=here.classes,
    blocks=blocks,
    attention=attention,
    patch=patch,
    dropout=dropout,
    dtype=dtype,
  )
  net = make(network, here.shape, hidden, outputs=1 + learns, **options)
  chain = getattr(schedules, schedule)(T)
  # What `simple` is the error of.
  judged = "eps" if objective == "min_snr" or prediction == "score" else prediction

  def predicted(params, x, level: NoiseLevel, label, key=None):
    """(x0_hat, eps_hat, v), each [B, ...], v None unless learned; `key` is that of dropout in
    training.
    """
    rngs, noise = (
      {"dropout": key} if key is not None else {},
      jnp.broadcast_to(-level.log_snr / 2, len(x)),
    )
    out = net.apply({"params": params["net"]}, x, noise, label, train=key is not None, rngs=rngs)
    value, v = jnp.split(out, 2, -1) if learns else (out, None)
    return *processes.split(value, x, level, prediction), (v + 1) / 2 if learns else None

  def log_var(v, x0, x, s: NoiseLevel, t: NoiseLevel):
    """log var, which broadcasts to x; `small`, which is 0 at s = 0, is there that of t = 2, as in
    2102.09672.
    """
    _, small, large = processes.posterior(x0, x, s, t)
    least = processes.posterior(x0, x, chain.at(min(1, T - 1)), chain.at(min(2, T)))[1]
    low, high = (
      jnp.log(jnp.where(small > 0, small, jnp.minimum(least, large) if T > 1 else large)),
      jnp.log(large),
    )
    return {"small": low, "large": high}[variance] if not learns else v * high + (1 - v) * low

  def term(params, batch, t, label, key, train=False, freeze=False):
    """(term_t in nats, squared error of what is predicted), [B], at integers t [B]; with `freeze`,
    x0_hat is held.
    """
    k_eps, k_drop = jax.random.split(key)
    x0, s, level = here.floats(batch), chain.at(t - 1), chain.at(t)
    eps = jax.random.normal(k_eps, x0.shape)
    x = processes.diffuse(x0, eps, level)
    x0_hat, eps_hat, v = predicted(params, x, level, label, k_drop if train else None)
    error = processes.target(x0, eps, level, judged) - processes.target(
      x0_hat, eps_hat, level, judged
    )
    error = (error**2).reshape(len(x0), -1).sum(-1)
    x0_hat = jax.lax.stop_gradient(x0_hat) if freeze else x0_hat
    x0_hat = jnp.clip(x0_hat, -1, 1) if here.num_values and not train else x0_hat
    mean, small, _ = processes.posterior(x0, x, s, level)
    mean_hat = processes.posterior(x0_hat, x, s, level)[0]
    flat = lambda a: jnp.broadcast_to(a, x.shape).reshape(len(x), -1)
    mean_hat, logvar_hat = flat(mean_hat), flat(log_var(v, x0_hat, x, s, level))
    logvar = flat(jnp.log(jnp.where(small > 0, small, 1.0)))
    if here.num_values:
      log_p = discretized_normal_log_prob(
        flat(batch[here.name]), mean_hat, logvar_hat / 2, here.num_values
      )
    else:
      log_p = normal_log_prob(flat(x0), mean_hat, logvar_hat / 2)
    return jnp.where(
      t == 1, -log_p.sum(-1), kl_normal(flat(mean), logvar, mean_hat, logvar_hat)
    ), error

  def log_prob(params, state, batch, key, k=100):
    """The bound by its first term and k others, one in each of k equal parts of 2..T: its mean is
    right for all k.
    """
    label, n = told(here, batch), len(batch[here.name])
    k_first, key = jax.random.split(key)
    k = min(k, T - 1)

    def one(i_key):
      i, k_t, k_term = i_key[0], *jax.random.split(i_key[1])
      u = (i + jax.random.uniform(k_t, (n,))) / k
      t = jnp.minimum(2 + jnp.floor(u * (T - 1)), T).astype(jnp.int32)
      return term(params, batch, t, label, k_term)[0]

    rest = (
      jax.lax.map(one, (jnp.arange(k), jax.random.split(key, k))).mean(0) * (T - 1) if k else 0.0
    )
    first = term(params, batch, jnp.ones(n, jnp.int32), label, k_first)[0]
    return -first - rest - processes.prior_kl(here.floats(batch), chain.at(T))

  def init(key, batch):
    n = len(batch[here.name])
    label = jnp.zeros(n, jnp.int32) if here.classes else None
    params = {"net": net.init(key, jnp.zeros((n, *here.shape)), jnp.zeros(n), label)["params"]}
    return params, {"square": jnp.ones(T)} if objective == "bound" else {}

  def loss(params, state, batch, key, train):
    k_label, k_t, key = jax.random.split(key, 3)
    label, n = told(here, batch, k_label, drop_label if train else 0.0), len(batch[here.name])
    if objective == "bound":
      p = jnp.sqrt(state["square"])
      p = (1 - FLOOR) * p / p.sum() + FLOOR / T
      t = jax.random.categorical(k_t, jnp.log(p), shape=(n,)) + 1
      nats, _ = term(params, batch, t, label, key, train)
      changes = {
        "square": running_mean(state["square"], t - 1, jax.lax.stop_gradient(nats / here.dim) ** 2)
      }
      return nats / p[t - 1] + processes.prior_kl(here.floats(batch), chain.at(T)), (changes, {})
    t = jax.random.randint(k_t, (n,), 1, T + 1)
    nats, error = term(params, batch, t, label, key, train, freeze=True)
    simple = (
      error / here.dim * (processes.min_snr_weight(chain.at(t)) if objective == "min_snr" else 1)
    )
    return simple + (0.001 * T * nats / here.dim if objective == "hybrid" else 0), ({}, {})

  def denoise(params, state, x, level, label):
    return predicted(params, x, level, label)[0]

  def fraction(params, state, x, level, label):
    return predicted(params, x, level, label)[2]

  path = lambda steps: schedules.respaced(chain, steps)
  about = {"log_prob": log_prob, "likelihood": {"bound": "lower_bound"}}
  return diffusion(
    here,
    init,
    loss,
    denoise,
    path,
    steps=T,
    most=T,
    variance=fraction if learns else variance,
    **about,
  )


def running_mean(mean, index, value):
  """`mean` [T], moved towards the average of the value [B] at each index [B] by RATE, where there
  are any.
  """
  total = jnp.zeros_like(mean).at[index].add(value)
  count = jnp.zeros_like(mean).at[index].add(1)
  return jnp.where(count > 0, (1 - RATE) * mean + RATE * total / jnp.maximum(count, 1), mean)
