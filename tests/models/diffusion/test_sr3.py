"""SR3: pooling, its baseline, and the exact posterior of a linear-Gaussian pair."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import edm, sr3
from tests.prob.test_corruptions import cubic_matrix

KEY, N = jax.random.key(0), 4000
REAL = {"image": Field((2, 2, 1), np.float32)}
MEAN = np.array([0.5, -0.3, 0.1, 0.9])
ROOT = np.array([[1, 0, 0, 0], [0.8, 0.5, 0, 0], [0.2, 0.1, 0.6, 0], [0.3, -0.4, 0.2, 0.7]])
COV = ROOT @ ROOT.T
POOL = np.full(4, 0.25)  # The low resolution of 2 x 2 pixels is their mean.


def posterior(s):
  """(gain [4], covariance) of x ~ N(MEAN, COV) given POOL x + s eps: mean = MEAN + gain rest."""
  gain = COV @ POOL / (POOL @ COV @ POOL + s**2)
  return gain, COV - np.outer(gain, POOL @ COV)


def exact_network(space, network, residual=False):
  """The network of an EDM of that posterior, for the condition that SR3 gives it.

  With `residual` of the difference from low, which enlarged is the same in all 4 pixels.
  """

  def apply(params, x, noise, c, key=None):
    low, _ = c["low"]
    s = c["augmentation"][0] if "augmentation" in c else jnp.zeros(len(x))
    sigma = jnp.broadcast_to(jnp.exp(noise), s.shape)
    skip, out, scale = edm.preconditioning(sigma, 0.5)

    def denoised(x, low, s, sigma):
      """E[x_0 | x, low], whose posterior is Gaussian; less what was taken away."""
      away = jnp.clip(low.reshape(()), -1, 1) if residual else 0.0
      rest = low.reshape(()) - POOL @ MEAN
      gain = COV @ POOL / (POOL @ COV @ POOL + s**2)
      mean = MEAN + gain * rest
      cov = COV - jnp.outer(gain, POOL @ COV)
      shift = jnp.linalg.solve(cov + sigma**2 * jnp.eye(4), x + away - mean)
      return mean - away + cov @ shift

    noisy = x.reshape(-1, 4) / scale[:, None]
    x0 = jax.vmap(denoised)(noisy, low, s, sigma)
    return ((x0 - skip[:, None] * noisy) / out[:, None]).reshape(x.shape)

  return lambda key, batch: ({}, {}), apply


CASES = [(0.0, 0.0, False), (1.0, 0.0, False), (1.0, 0.7, False), (1.0, 0.7, True)]


@pytest.mark.parametrize("augment, s, residual", CASES)
def test_a_linear_gaussian_pair_has_its_exact_posterior(augment, s, residual, monkeypatch):
  """Noise of `augmentation` is added to low, and the network is told of it."""
  network = functools.partial(exact_network, residual=residual)
  monkeypatch.setattr(edm, "network_functions", network)
  model = sr3.model(REAL, factor=2, augment=augment, residual=residual)
  low = 1.3
  given = {"low": jnp.full((N, 1, 1, 1), low)}
  options = {"augmentation": s} if augment else {}
  draw = lambda: model.sample({}, {}, KEY, N, given, steps=40, **options)["image"]
  samples = np.asarray(jax.jit(draw)()).reshape(N, 4)
  gain, cov = posterior(s)
  # What the network is given varies by s about low.
  spread = cov + np.outer(gain, gain) * s**2
  np.testing.assert_allclose(samples.mean(0), MEAN + gain * (low - POOL @ MEAN), atol=0.06)
  np.testing.assert_allclose(np.cov(samples.T), spread, atol=0.08)
  if not s:  # A sample has the low resolution that it is given.
    np.testing.assert_allclose(samples @ POOL, low, atol=0.01)


def test_in_training_low_has_noise_of_any_deviation_up_to_the_most(monkeypatch):
  """What the network is given of gray images, 0 in [-1, 1]: noise, and how much of it."""
  seen = lambda params, state, batch, key, train: (batch["augmentation"], ({}, batch))
  monkeypatch.setattr(edm, "model", lambda *args, **options: Model(None, seen))
  model = sr3.model(REAL, factor=2, augment=0.6)
  batch = {"image": jnp.zeros((N, 2, 2, 1))}
  s, (_, given) = model.loss({}, {}, batch, KEY, train=True)
  quartiles = np.quantile(s, [0, 0.25, 0.5, 0.75, 1])
  np.testing.assert_allclose(quartiles, [0, 0.15, 0.3, 0.45, 0.6], atol=0.02)
  eps = given["low"].reshape(N) / s
  np.testing.assert_allclose([eps.mean(), eps.std()], [0, 1], atol=0.05)


@pytest.mark.parametrize("residual", [False, True])
def test_what_is_diffused_is_the_image_or_its_difference_from_low_enlarged(residual, monkeypatch):
  """In training, whose low has the noise of augmentation."""
  seen = lambda params, state, batch, key, train: (batch["image"], ({}, batch))
  monkeypatch.setattr(edm, "model", lambda *args, **options: Model(None, seen))
  model = sr3.model(REAL, factor=2, augment=0.2, residual=residual)
  image = jax.random.normal(KEY, (3, 2, 2, 1)) / 3
  x, (_, given) = model.loss({}, {}, {"image": image}, KEY, train=True)
  away = jnp.clip(given["low"], -1, 1) if residual else 0.0 * given["low"]
  np.testing.assert_allclose(x, image - jnp.tile(away, (1, 2, 2, 1)), atol=1e-6)


def test_one_step_from_noise_that_hides_everything_is_regression(monkeypatch):
  """The mean of the posterior, for every seed."""
  monkeypatch.setattr(edm, "network_functions", exact_network)
  model = sr3.model(REAL, factor=2)
  given = {"low": jnp.full((8, 1, 1, 1), 1.3)}
  samples = model.sample({}, {}, KEY, 8, given, steps=1)["image"].reshape(8, 4)
  gain, _ = posterior(0.0)
  expected = MEAN + gain * (1.3 - POOL @ MEAN)
  np.testing.assert_allclose(samples, np.broadcast_to(expected, (8, 4)), atol=0.05)


def test_guidance_leads_away_from_what_training_drops_alone(monkeypatch):
  """The low resolution and its noise are always given, with the caption and without."""
  seen = []

  def record(params, x, noise, c={}, key=None):
    seen.append({name: known for name, (_, known) in c.items()})
    return jnp.zeros_like(x)

  monkeypatch.setattr(edm, "network_functions", lambda *_, **__: (None, record))
  data = REAL | {"tokens": Field((2,), np.int32, 5)}
  model = sr3.model(data, factor=2, augment=0.5, condition=("tokens",))
  given = {"low": jnp.zeros((3, 1, 1, 1)), "tokens": jnp.ones((3, 2), jnp.int32)}
  for scale in 2.0, {"tokens": 2.0}:
    with jax.disable_jit():  # The samplers scan.
      model.sample({}, {}, KEY, 3, given, sampler="ddim", steps=1, scale=scale)
    known = seen.pop()
    np.testing.assert_array_equal(known["tokens"], [1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal([known["low"], known["augmentation"]], np.ones((2, 6)))
  with pytest.raises(UserError, match="one scale for each of tokens"):
    model.calls(scale={"low": 2.0, "augmentation": 1.0, "tokens": 2.0})
  with pytest.raises(UserError, match="training has always given low"):
    sr3.model(REAL, factor=2).calls(scale=2.0)


FIELDS = {"image": Field((4, 4, 3), np.uint8, 256), "tokens": Field((2,), np.int32, 5)}
OPTIONS = dict(factor=2, network=dict(name="dit", width=8, depth=1, patch=2), augment=0.5)


@pytest.fixture(scope="module")
def batch():
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (4, 4, 4, 3)).astype(np.uint8)
  tokens = rng.integers(1, 5, (4, 2)).astype(np.int32)
  return {"image": images, "tokens": tokens, "weight": np.ones(4, np.float32)}


def test_what_is_observed_of_an_image_are_means_of_blocks(batch):
  model = sr3.model(FIELDS, condition=("tokens",), **OPTIONS)
  seen = model.observe({}, {}, batch, KEY)
  blocks = batch["image"].reshape(4, 2, 2, 2, 2, 3).astype("f4").mean((2, 4))
  assert seen["low"].dtype == np.uint8
  np.testing.assert_allclose(seen["low"], blocks, atol=0.51)
  np.testing.assert_array_equal(seen["tokens"], batch["tokens"])
  assert {k: f.shape for k, f in model.given.items()} == {"low": (2, 2, 3), "tokens": (2,)}


def test_the_baseline_is_bicubic_interpolation(batch):
  """Flat images are enlarged exactly; half a gray level off, 20 log10 255 + 10 log10 2 dB."""
  model = sr3.model(FIELDS, **OPTIONS)
  params, state = jax.jit(model.init)(KEY, batch)
  flat = batch | {"image": jnp.full((4, 4, 4, 3), 101, jnp.uint8)}
  np.testing.assert_allclose(model.evaluate(params, state, flat, KEY)["bicubic_psnr"], 100)
  # Half of the pixels of each block are a gray level off, and low is rounded to their side.
  striped = batch | {"image": flat["image"].at[:, ::2].add(1)}
  found = model.evaluate(params, state, striped, KEY)["bicubic_psnr"]
  np.testing.assert_allclose(found, 20 * np.log10(255) + 10 * np.log10(2), rtol=1e-4)
  low = jnp.arange(-1.0, 3.0).reshape(1, 2, 2, 1)
  cubic = cubic_matrix(2, 2)
  expected = np.clip(cubic @ low[0, :, :, 0] @ cubic.T, -1, 1)
  np.testing.assert_allclose(sr3.enlarged(low, (4, 4, 1))[0, :, :, 0], expected, atol=1e-6)


def test_a_factor_that_does_not_divide_the_image_is_named():
  with pytest.raises(UserError, match=r"model\.factor=3 must"):
    sr3.model(FIELDS, factor=3)
