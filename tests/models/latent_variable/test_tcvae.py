"""beta-TCVAE: the total correlation is penalised, in training alone."""

import jax
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.models.latent_variable import tcvae, vae

DATA = {"x": Field((2,), np.float32)}
X = {"x": np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)}


def test_the_total_correlation_weighs_tc_times_and_in_evaluation_once():
  options = dict(latent=3, hidden=(8,), likelihood="gaussian")
  plain = vae.model(DATA, **options)
  penalised = tcvae.model(DATA, tc=5.0, **options)
  params, _ = plain.init(jax.random.key(0), X)
  key = jax.random.key(1)
  loss, _ = plain.loss(params, {}, X, key, train=True, beta=0.5)
  more, (_, metrics) = penalised.loss(params, {}, X, key, train=True, beta=0.5)
  expected = 0.5 * 4 * metrics["total_correlation"]
  np.testing.assert_allclose(more - loss, expected, rtol=1e-4, atol=1e-4)
  losses = [m.loss(params, {}, X, key, train=False)[0] for m in (plain, penalised)]
  np.testing.assert_array_equal(*losses)
