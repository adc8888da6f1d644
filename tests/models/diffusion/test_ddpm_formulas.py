"""The losses of diffusion chains, exact for networks that say the same of every x_t."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion import ddpm, improved_ddpm
from genjax_zoo.models.diffusion._space import space_of
from genjax_zoo.prob import processes, schedules

T, D, KEY = 5, 3, jax.random.key(0)
POINTS = space_of({"x": Field((D,), np.float32)})
IMAGES = space_of({"image": Field((1, 3, 1), np.uint8, 5)})
rng = np.random.default_rng(0)
X0, EPS, OUT = rng.normal(size=(3, T, D))
STEPS = np.arange(1, T + 1)
A, S = (np.asarray(v, np.float64) for v in schedules.cosine(T))
LARGE = S[1:] ** 2 - (A[1:] / A[:-1]) ** 2 * S[:-1] ** 2
SMALL = LARGE * (S[:-1] / S[1:]) ** 2
LEAST = np.append(SMALL[1], SMALL[1:])  # At t = 1 the variance of t = 2.
MLP = {"name": "mlp", "hidden": (8,)}


def chain(variance="small", space=POINTS):
  return ddpm.Chain(space, schedules.cosine(T), variance)


@pytest.fixture(autouse=True)
def double():
  with jax.enable_x64(True):
    yield


def predicts(kind, value, v=None):
  """A network that predicts `value` whatever x_t is, with the share v of the larger variance."""
  return lambda x, level: (*processes.split(value, x, level, kind), v)


TARGETS = {
  "eps": EPS,
  "x0": X0,
  "v": A[1:, None] * EPS - S[1:, None] * X0,
  "velocity": EPS - X0,
}


@pytest.mark.parametrize("kind", TARGETS)
def test_the_simple_loss_is_the_mean_square_of_what_is_predicted(kind):
  loss = ddpm.simple_loss(predicts(kind, OUT), X0, STEPS, EPS, chain(), kind)
  np.testing.assert_allclose(loss, ((TARGETS[kind] - OUT) ** 2).mean(-1), rtol=1e-6)


SHARES = {"small": 0.0, "large": 1.0, "v = 0": 0.0, "v = 0.3": 0.3, "v = 1": 1.0}


def variance_of(name):
  """(the chain's variance, v, var of p(x_s | x_t) at t = 1..T)."""
  var = LARGE ** SHARES[name] * LEAST ** (1 - SHARES[name])
  if name in ("small", "large"):
    return name, None, var
  return "learned", np.full((T, D), SHARES[name]), var


def terms(x0_hat, var):
  """The terms of the bound at t = 1..T, each of one row of x_0 and x0_hat."""
  of_x0 = A[:-1] * LARGE / S[1:] ** 2  # In the posterior's mean.
  squared = of_x0**2 * ((X0 - x0_hat) ** 2).sum(-1)
  with np.errstate(divide="ignore"):
    kl = 0.5 * (D * (np.log(var / SMALL) + SMALL / var - 1) + squared / var)
  kl[0] = -norm.logpdf(X0[0], x0_hat[0], var[0] ** 0.5).sum()
  return kl


@pytest.mark.parametrize("name", SHARES)
def test_terms_of_the_bound_are_kls_and_the_first_a_density(name):
  variance, v, var = variance_of(name)
  found = ddpm.bound_term(predicts("x0", OUT, v), {"x": X0}, STEPS, EPS, chain(variance))
  np.testing.assert_allclose(found, terms(OUT, var), rtol=2e-5)


def test_the_bound_is_the_sum_of_all_its_terms():
  """x0_hat is off by the same number at any t: a term does not depend on its noise."""
  x = np.broadcast_to(X0[:1], (4, D))

  @functools.partial(jax.jit, static_argnames="k")
  def bound(x, k):
    return ddpm.bound(predicts("x0", x + 0.2), {"x": x}, chain(), KEY, k)

  found = bound(x, k=T - 1)
  prior = 0.5 * ((A[-1] * x[0]) ** 2 + S[-1] ** 2 - 1) - np.log(S[-1])
  expected = terms(X0 + 0.2, LEAST).sum() + prior.sum()
  np.testing.assert_allclose(found, np.full(4, expected), rtol=1e-5)
  few = bound(np.broadcast_to(X0[:1], (20_000, D)), k=2)
  np.testing.assert_allclose(few.mean(), expected, rtol=0.02)


def test_images_are_clipped_in_the_bound():
  batch = {"image": np.arange(T * 3, dtype=np.uint8).reshape(T, 1, 3, 1) % 5}
  eps = EPS.reshape(T, 1, 3, 1)
  images = chain(space=IMAGES)
  predict = lambda x0_hat: predicts("x0", jnp.full(eps.shape, x0_hat))

  @jax.jit
  def term(x0_hat, clip):
    one = functools.partial(ddpm.bound_term, predict(x0_hat), batch, STEPS, eps, images)
    return jnp.where(clip, one(), one(clip=False))

  clipped = term(7.0, True)
  np.testing.assert_allclose(clipped, term(1.0, False))
  assert (term(7.0, False) > clipped + 1).all()
  bound = jax.jit(lambda x0_hat: ddpm.bound(predict(x0_hat), batch, images, KEY, k=T - 1))
  np.testing.assert_allclose(bound(7.0), bound(1.0))


@pytest.mark.parametrize("objective", ["hybrid", "bound"])
def test_improved_ddpm_clips_images_in_evaluation_alone(objective, monkeypatch):
  seen = []

  def record(predict, batch, t, eps, chain, clip=True):
    seen.append(clip)
    return jnp.zeros(len(t))

  monkeypatch.setattr(improved_ddpm, "bound_term", record)
  data = {"image": IMAGES.field}
  model = improved_ddpm.model(data, T=T, objective=objective, network=MLP)
  batch = {"image": jnp.zeros((2, 1, 3, 1), jnp.uint8)}
  weights = jax.eval_shape(model.init, KEY, batch)
  for train in True, False:
    jax.eval_shape(
      lambda params, state, t=train: model.loss(params, state, batch, KEY, t), *weights
    )
  assert seen == [False, True]


@pytest.mark.parametrize("kind", ["eps", "v"])
def test_the_hybrid_loss_is_simple_and_a_thousandth_of_the_bound(kind):
  """Nichol & Dhariwal, equation 16: of the whole bound, that is T times one term; both over D."""
  variance, v, var = variance_of("v = 0.3")
  predict = predicts(kind, OUT, v)
  x_t = A[1:, None] * X0 + S[1:, None] * EPS
  x0_hat, _, _ = predict(x_t, chain().levels.at(STEPS))
  batch = {"x": X0}
  found = improved_ddpm.hybrid_loss(predict, batch, STEPS, EPS, chain(variance), kind, clip=False)
  simple = ((TARGETS[kind] - OUT) ** 2).mean(-1)
  expected = simple + 0.001 * T * terms(np.asarray(x0_hat), var) / D
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_bound_of_a_level_that_is_drawn_is_divided_by_its_probability():
  """And p_t is the root of the mean square, with one thousandth that is uniform (equation 18)."""
  square = np.array([4.0, 1.0, 9.0, 0.0, 1.0])
  p = 0.999 * np.sqrt(square) / 7 + 0.001 / T
  np.testing.assert_allclose(improved_ddpm.importance(square), p, rtol=1e-6)
  n = 200
  x = np.broadcast_to(X0[:1], (n, D))
  eps = np.zeros((n, D))
  nats, after = improved_ddpm.bound_loss(
    predicts("x0", x + 0.2), {"x": x}, eps, chain(), square, KEY, clip=False
  )
  expected = terms(X0 + 0.2, LEAST)
  prior = (0.5 * ((A[-1] * x[0]) ** 2 + S[-1] ** 2 - 1) - np.log(S[-1])).sum()
  # All terms are different, so that the value tells which one was drawn.
  drawn = np.abs((nats[:, None] - prior) * p[None] / expected[None] - 1).argmin(1)
  np.testing.assert_allclose(nats, expected[drawn] / p[drawn] + prior, rtol=1e-5)
  np.testing.assert_allclose(np.bincount(drawn, minlength=T) / n, p, atol=0.12)
  occurs = np.bincount(drawn, minlength=T) > 0
  mean = np.where(occurs, 0.9 * square + 0.1 * (expected / D) ** 2, square)
  np.testing.assert_allclose(after, mean, rtol=1e-5)


@pytest.mark.parametrize("output, variance", [(-1.0, "small"), (1.0, "large")])
def test_a_learned_variance_of_1_is_the_large_one_in_bound_and_sampler(output, variance):
  """v = (output + 1) / 2, in both: so they are those of the network without this output."""
  data = {"x": POINTS.field}
  options = dict(T=T, schedule="cosine", prediction="v", network=MLP)
  learned = improved_ddpm.model(data, **options)
  plain = ddpm.model(data, variance=variance, **options)
  params, _ = jax.jit(plain.init)(KEY, {"x": jnp.zeros((1, D))})
  last = params["net"]["body"]["Dense_4"]
  last["bias"] = jnp.array([0.3, -0.2, 0.1])
  wide = {
    "kernel": jnp.concatenate([last["kernel"], 0 * last["kernel"]], -1),
    "bias": jnp.append(last["bias"], jnp.full(D, output)),
  }
  body = params["net"]["body"] | {"Dense_4": wide}
  pairs = (plain, params), (learned, {"net": {"body": body}})
  bounds = [jax.jit(model.log_prob)(p, {}, {"x": X0}, KEY) for model, p in pairs]
  np.testing.assert_allclose(*bounds, rtol=1e-6)
  samples = [jax.jit(lambda p, f=model.sample: f(p, {}, KEY, 4)["x"])(p) for model, p in pairs]
  np.testing.assert_allclose(*samples, rtol=1e-5)


def test_t_is_uniform_from_1_to_T(monkeypatch):
  for module, name in (ddpm, "simple_loss"), (improved_ddpm, "hybrid_loss"):
    seen = []

    def record(predict, x0, t, *rest, seen=seen, **more):
      seen.append(t)
      return jnp.zeros(len(t))

    monkeypatch.setattr(module, name, record)
    model = module.model({"x": POINTS.field}, T=T, network=MLP)
    batch = {"x": jnp.zeros((5000, D))}
    weights = jax.jit(model.init)(KEY, {"x": jnp.zeros((1, D))})
    model.loss(*weights, batch, KEY, train=True)
    values, counts = np.unique(seen[0], return_counts=True)
    np.testing.assert_array_equal(values, STEPS)
    np.testing.assert_allclose(counts, 1000, atol=5 * 800**0.5)
