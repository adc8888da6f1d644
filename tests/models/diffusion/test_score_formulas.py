"""Denoisers, losses and noise levels of one network each, by the formulas of their papers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import kstest, norm

from genjax_zoo.core import Field
from genjax_zoo.models.diffusion import (
  consistency,
  ddpm,
  edm,
  flow_matching,
  ncsn,
  noisy_classifier,
  score_sde,
  vdm,
)
from genjax_zoo.models.diffusion._network import make_network
from genjax_zoo.prob.processes import denoising_loss
from genjax_zoo.prob.schedules import NoiseLevel

POINTS = {"x": Field((2,), np.float32)}
LABELLED = POINTS | {"label": Field((), np.int32, 3)}
MLP = {"name": "mlp", "hidden": (8,)}
KEY, SD, LOW, N = jax.random.key(0), 0.7, 0.002, 20_000
BIAS = 0.5
MODELS = {
  "ncsn": ncsn.model(POINTS, network=MLP),
  "score_sde, vp": score_sde.model(POINTS, network=MLP),
  "score_sde, ve": score_sde.model(POINTS, sde="ve", network=MLP),
  "edm": edm.model(POINTS, sd=SD, network=MLP),
  "flow_matching": flow_matching.model(POINTS, network=MLP),
  "consistency": consistency.model(POINTS, sd=SD, network=MLP),
  "vdm": vdm.model(POINTS, network=MLP),
  **{f"ddpm, {p}": ddpm.model(POINTS, prediction=p, network=MLP) for p in ddpm.PREDICTIONS},
}


def score_formula(x, a, s, net):
  score = -net(x / np.hypot(a, s), np.log(s / a)) / s
  return (x + s**2 * score) / a  # Tweedie's formula.


def edm_formula(x, a, s, net):
  """Karras 2022, table 1; c_noise is log sigma."""
  x, s = x / a, s / a
  c_skip = SD**2 / (s**2 + SD**2)
  c_out = s * SD / np.sqrt(SD**2 + s**2)
  c_in = 1 / np.sqrt(s**2 + SD**2)
  return c_skip * x + c_out * net(c_in * x, np.log(s))


def consistency_formula(x, a, s, net):
  """Song 2023, appendix C."""
  x, s = x / a, s / a
  c_skip = SD**2 / ((s - LOW) ** 2 + SD**2)
  c_out = SD * (s - LOW) / np.sqrt(SD**2 + s**2)
  return c_skip * x + c_out * net(x / np.sqrt(s**2 + SD**2), np.log(s))


def flow_formula(x, a, s, net):
  """On the line alpha = 1 - t, sigma = t the velocity is eps - x_0."""
  t = s / (a + s)
  x = x / (a + s)
  return x - t * net(x, 20 * t - 10)


def vdm_formula(x, a, s, net):
  z = x / np.hypot(a, s)
  eps = z + net(z, np.log(s / a))
  return (x - s * eps) / a


PREDICTIONS = {
  "eps": lambda x, a, s, value: (x - s * value) / a,
  "x0": lambda x, a, s, value: value,
  "v": lambda x, a, s, value: (a * x - s * value) / (a**2 + s**2),
  "score": lambda x, a, s, value: (x + s**2 * value) / a,
  "velocity": lambda x, a, s, value: (x - s * value) / (a + s),
}
FORMULAS = {
  "ncsn": score_formula,
  "score_sde, vp": score_formula,
  "score_sde, ve": score_formula,
  "edm": edm_formula,
  "flow_matching": flow_formula,
  "consistency": consistency_formula,
  "vdm": vdm_formula,
  **{
    f"ddpm, {p}": lambda x, a, s, net, p=p: PREDICTIONS[p](x, a, s, net(x, np.log(s / a)))
    for p in PREDICTIONS
  },
}


def network(outputs=1):
  """(the function (params, x, noise) of the network of all these models, untrained params)."""
  module = make_network(MLP, (2,), outputs)
  params = jax.jit(module.init)(KEY, jnp.zeros((2, 2)), jnp.zeros(2))["params"]

  def apply(params, x, noise):
    return module.apply({"params": params}, jnp.array(x), jnp.array(noise[:, 0]))

  return jax.jit(apply), params


APPLY, UNTRAINED = network()


def perturbed(params):
  """Parameters of a network whose output is not 0."""
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(KEY, len(leaves))
  return tree.unflatten([p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys)])


@pytest.mark.parametrize("name", MODELS)
def test_denoisers_are_their_papers_formulas(name):
  """At three noise levels, from a network that is applied by itself."""
  model = MODELS[name]
  params = perturbed(UNTRAINED)
  a, s = np.array([[0.9], [0.7], [0.3]]), np.array([[0.05], [0.8], [6.0]])
  x = np.random.default_rng(0).normal(size=(3, 2))
  net = functools.partial(APPLY, params)
  denoise = model.parts.get("denoise") or model.parts["consistency"]
  level = NoiseLevel(jnp.array(a[:, 0]), jnp.array(s[:, 0]))
  found = jax.jit(denoise)({"net": params}, {}, jnp.array(x), level)
  np.testing.assert_allclose(found, FORMULAS[name](x, a, s, net), rtol=1e-4, atol=1e-5)


def constant():
  """Parameters of a network whose outputs are BIAS."""
  last = UNTRAINED["body"]["Dense_4"]
  assert not last["kernel"].any() and last["bias"].shape == (2,)
  body = UNTRAINED["body"] | {"Dense_4": last | {"bias": last["bias"] + BIAS}}
  return {"net": UNTRAINED | {"body": body}}


@pytest.mark.parametrize(
  "name, expected",
  [
    ("ncsn", (1 + BIAS**2) / 2),
    ("score_sde, vp", 1 + BIAS**2),
    ("score_sde, ve", 1 + BIAS**2),
    ("edm", 1 + BIAS**2),
    ("flow_matching", 1 + SD**2 + BIAS**2),
    ("ddpm, eps", 1 + BIAS**2),
    ("ddpm, score", None),
    ("ddpm, x0", SD**2 + BIAS**2),
    ("ddpm, velocity", 1 + SD**2 + BIAS**2),
  ],
)
def test_the_loss_of_a_constant_network(name, expected):
  """Of data N(0, SD²) all targets have mean 0, and but for x_0 and eps - x_0 the variance 1.

  By a fixed tolerance: in a wrong loss, few examples may outweigh all others.
  """
  x = SD * jax.random.normal(jax.random.key(1), (N, 2))
  model = MODELS[name]
  params = constant()
  loss, _ = jax.jit(lambda: model.loss(params, {}, {"x": x}, KEY, train=False))()
  if expected is None:  # Of a score c, eps_hat = -sigma c.
    sigma = np.asarray(ddpm.schedules.linear(1000).sigma[1:])
    expected = 1 + BIAS**2 * (sigma**2).mean()
  assert loss.shape == (N,)
  np.testing.assert_allclose(loss.mean(), expected, rtol=0.03)


def pseudo_huber(error, dim):
  """Song & Dhariwal 2023, equation 8, c = 0.00054 sqrt(D)."""
  c = 0.00054 * dim**0.5
  return np.sqrt((error**2).sum(-1) + c**2) - c


@pytest.mark.parametrize("sigma", [0.01, 0.5, 20.0])
def test_the_loss_of_a_consistency_model_has_its_weight(sigma):
  """1 / (sigma_n+1 - sigma_n) times the distance of f at neighbouring levels, of the same noise."""
  model = consistency.model(POINTS, sd=SD, mean=float(np.log(sigma)), spread=0.0, network=MLP)
  x0 = np.full((N, 2), 0.4, np.float32)
  params = constant()
  loss, _ = jax.jit(lambda: model.loss(params, {}, {"x": x0}, KEY, train=False, N=12.0))()
  grid = np.linspace(LOW ** (1 / 7), 80 ** (1 / 7), 12) ** 7
  n = np.searchsorted(grid, sigma) - 1
  eps = np.random.default_rng(0).normal(size=(N, 2))
  f = lambda s: consistency_formula(x0 + s * eps, 1.0, s, lambda x, noise: BIAS)
  expected = pseudo_huber(f(grid[n + 1]) - f(grid[n]), 2).mean() / (grid[n + 1] - grid[n])
  np.testing.assert_allclose(loss.mean(), expected, rtol=0.03)


def trained_on(module, model, monkeypatch, batch):
  """The arguments (predict, x_0, eps, level, kind, weight) of a model's `denoising_loss`."""
  seen = []

  def record(*args):
    seen.extend(args)
    return jnp.zeros(len(args[1]))

  monkeypatch.setattr(module, "denoising_loss", record)
  model.loss({"net": UNTRAINED}, {}, batch, KEY, train=False)
  return seen


@pytest.mark.parametrize(
  "name, module, standard",
  [
    ("score_sde, vp", score_sde, lambda a, s: norm.ppf(time_of(-2 * np.log(a)))),
    ("score_sde, ve", score_sde, lambda a, s: norm.ppf(np.log(s / 0.01) / np.log(5000))),
    ("edm", edm, lambda a, s: (np.log(s) + 1.2) / 1.2),
    ("flow_matching", flow_matching, lambda a, s: norm.ppf(s)),
  ],
)
def test_noise_levels_have_their_papers_distribution(name, module, standard, monkeypatch):
  """t is uniform, log sigma of EDM N(-1.2, 1.2²): `standard` makes it N(0, 1)."""
  _, _, _, level, *_ = trained_on(module, MODELS[name], monkeypatch, {"x": jnp.zeros((N, 2))})
  alpha, sigma = (np.asarray(v, np.float64) for v in level)
  assert kstest(standard(alpha, sigma), "norm").pvalue > 1e-3


def time_of(integral):
  """t of the VP SDE, where int_0^t beta = `integral`, beta from 0.1 to 20."""
  return (-0.1 + np.sqrt(0.01 + 2 * 19.9 * integral)) / 19.9


def test_ncsn_s_levels_are_a_geometric_progression(monkeypatch):
  _, _, _, level, *_ = trained_on(ncsn, MODELS["ncsn"], monkeypatch, {"x": jnp.zeros((4000, 2))})
  found, count = np.unique(np.asarray(level.sigma), return_counts=True)
  np.testing.assert_allclose(found, np.geomspace(0.01, 10, 50), rtol=1e-4)
  assert (np.abs(count - 80) < 5 * 80**0.5).all() and (level.alpha == 1).all()


def test_pairs_of_the_least_distance_are_trained_on(monkeypatch):
  model = flow_matching.model(POINTS, coupling="ot", network=MLP)
  x = jax.random.normal(KEY, (30, 2))
  _, x0, eps, *_ = trained_on(flow_matching, model, monkeypatch, {"x": x})
  cost = ((np.asarray(x0)[:, None] - np.asarray(eps)[None]) ** 2).sum(-1)
  np.testing.assert_array_equal(linear_sum_assignment(cost)[1], np.arange(30))


def test_the_denoising_loss_is_a_weighted_mean_of_squares():
  x0, eps, out = np.random.default_rng(0).normal(size=(3, 4, 2, 3))
  level = NoiseLevel(jnp.linspace(0.2, 0.9, 4), jnp.linspace(0.8, 0.1, 4))
  weight = np.arange(4.0)
  loss = denoising_loss(lambda x, t: out, x0, eps, level, "eps", weight)
  np.testing.assert_allclose(loss, weight * ((eps - out) ** 2).mean((1, 2)), rtol=1e-5)


def test_a_noisy_classifier_is_a_softmax_of_the_mean_of_its_outputs():
  """The network is given x_t / sqrt(alpha² + sigma²) and log(sigma / alpha)."""
  model = noisy_classifier.model(LABELLED, T=10, network=MLP)
  apply, params = network(3)
  params = perturbed(params)
  a, s = np.array([[0.9], [0.7], [0.3]]), np.array([[0.05], [0.8], [6.0]])
  x = np.random.default_rng(0).normal(size=(3, 2))
  out = apply(params, x / np.hypot(a, s), np.log(s / a))
  log_p = jax.nn.log_softmax(out.reshape(3, 2, 3).mean(1))
  level = NoiseLevel(jnp.array(a[:, 0]), jnp.array(s[:, 0]))
  found = jax.jit(model.parts["log_label"])({"net": params}, {}, jnp.array(x), level)
  np.testing.assert_allclose(found, log_p, rtol=1e-4, atol=1e-5)
