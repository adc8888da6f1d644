"""Occlusion completion: what is seen and what is compared."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.models.discriminative import occo
from genjax_zoo.prob.clouds import chamfer

KEY = jax.random.key(0)
DATA = {"points": Field((20, 3), np.float32, ordered=False, kind="points")}
BATCH = {"points": 3 + 2 * jax.random.normal(jax.random.key(3), (4, 20, 3))}


def started(**options):
  model = occo.model(DATA, latent=5, widths=(8,), width=16, **options)
  return model, *model.init(KEY, BATCH)


def test_the_seen_part_is_of_the_cloud_and_does_not_depend_on_its_units():
  x = BATCH["points"][0]
  part = occo.seen_part(x, KEY)
  rows = {tuple(row) for row in np.asarray(x).tolist()}
  seen = {tuple(row) for row in np.asarray(part).tolist()}
  assert seen < rows
  np.testing.assert_allclose(occo.seen_part(10 * x - 7, KEY), 10 * part - 7, rtol=1e-4, atol=1e-4)


def test_the_loss_is_the_chamfer_distance_of_the_completion_to_the_whole():
  model, params, state = started()
  loss, (_, metrics) = model.loss(params, state, BATCH, KEY, train=True)
  clouds = model.parts["restorations"](params, state, BATCH, KEY)
  whole = {"points": clouds["corrupted"]}
  completed = model.decode(params, state, model.encode(params, state, whole, KEY), KEY)["points"]
  np.testing.assert_allclose(loss, chamfer(completed, BATCH["points"]), rtol=1e-5)
  np.testing.assert_array_equal(metrics["chamfer"], loss)
  np.testing.assert_allclose(
    metrics["chamfer_of_seen"], chamfer(clouds["corrupted"], BATCH["points"]), rtol=1e-5
  )
  assert (metrics["chamfer_of_seen"] > 0).all()


def test_an_autoencoder_sees_all():
  model, params, state = started(occlude=False)
  clouds = model.parts["restorations"](params, state, BATCH, KEY)
  np.testing.assert_array_equal(clouds["corrupted"], BATCH["points"])
  order = jnp.arange(20)[::-1]
  turned = model.encode(params, state, {"points": BATCH["points"][:, order]}, KEY)
  np.testing.assert_allclose(turned["z"], model.encode(params, state, BATCH, KEY)["z"], rtol=1e-5)
