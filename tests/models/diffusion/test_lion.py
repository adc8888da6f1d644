"""LION: two diffusions, the second a set's; a network of zeros is the score of N(0, I)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.diffusion import ddpm, lion
from genjax_zoo.models.latent_variable import point_vae
from genjax_zoo.prob import schedules

KEY = jax.random.key(0)
DATA = {
  "points": Field((10, 3), np.float32, ordered=False, kind="points"),
  "label": Field((), np.int32, 3, ordered=False),
}
BATCH = {
  "points": 2 * jax.random.normal(jax.random.key(3), (6, 10, 3)),
  "label": jnp.arange(6) % 3,
}
SET = {"name": "set", "width": 16, "depth": 1}


def perturbed(params):
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(7), len(leaves))
  moved = [x + 0.3 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys)]
  return jax.tree.unflatten(tree, moved)


@pytest.fixture(scope="module")
def stage():
  first = point_vae.model(DATA, latent=2, widths=(8,), width=8)
  params, state = jax.jit(first.init)(KEY, BATCH)
  return first, {"first": (perturbed(params), state)}


def started(stage, **options):
  first, frozen = stage
  model = lion.model(DATA, first=first, T=20, hidden=(8,), network=SET, **options)
  return model, *jax.jit(model.init)(KEY, BATCH, frozen)


def test_both_latents_have_unit_variance_at_first_and_so_has_the_loss(stage):
  """v of zeros is alpha eps - sigma x0, whose mean square is 1 for latents of unit variance."""
  model, params, state = started(stage)
  latents = model.encode(params, state, BATCH, KEY)
  for name, z in latents.items():
    np.testing.assert_allclose((state["scale"][name] * z).std(), 1, rtol=1e-5)
  many = {k: jnp.tile(x, (200, *[1] * (x.ndim - 1))) for k, x in BATCH.items()}
  loss, (_, metrics) = jax.jit(lambda key: model.loss(params, state, many, key, train=True))(KEY)
  np.testing.assert_allclose(loss, metrics["shape_loss"] + metrics["points_loss"], rtol=1e-5)
  moment = lambda name: (state["scale"][name] * latents[name] ** 2 * state["scale"][name]).mean()
  # E alpha^2 + E sigma^2 m, over t.
  levels = schedules.cosine(20)
  alpha, sigma = (np.asarray(x[1:]) ** 2 for x in (levels.alpha, levels.sigma))
  for name, key in (("z", "shape_loss"), ("h", "points_loss")):
    wanted = alpha.mean() + sigma.mean() * moment(name)
    np.testing.assert_allclose(metrics[key].mean(), wanted, rtol=0.1)


def test_a_network_of_zeros_is_the_denoiser_of_standard_normal_data(stage):
  model = ddpm.model({"x": Field((10, 4), np.float32)}, T=20, schedule="cosine", prediction="v",
                     network=SET)  # fmt: skip
  params, state = model.init(KEY, {"x": jnp.zeros((2, 10, 4))})
  x = jax.random.normal(KEY, (2, 10, 4))
  level = schedules.cosine(20).at(7)
  # E[x_0 | x] = alpha x / (alpha^2 + sigma^2), and the score is -x.
  found = model.parts["denoise"](params, state, x, level, {})
  np.testing.assert_allclose(found, level.alpha * x, rtol=1e-4, atol=1e-5)


def test_permuting_a_cloud_permutes_what_a_diffusion_of_sets_makes_of_it():
  model = ddpm.model(DATA, T=20, schedule="cosine", prediction="v", network=SET | {"depth": 2})
  params, state = jax.jit(model.init)(KEY, BATCH)
  denoise = jax.jit(lambda x: model.parts["denoise"](perturbed(params), state, x, level, {}))
  level = schedules.cosine(20).at(7)
  order = jnp.array([3, 0, 1, 2, 9, 8, 7, 6, 5, 4])
  out = denoise(BATCH["points"])
  np.testing.assert_allclose(
    denoise(BATCH["points"][:, order]), out[:, order], rtol=1e-4, atol=1e-4
  )
  assert (np.abs(denoise(BATCH["points"].at[:, 0].add(1))[:, 5] - out[:, 5]) > 1e-4).any()


def test_latent_points_are_given_the_sampled_shape_and_samples_are_decoded(stage):
  """Latent diffusions whose networks are 0: z and h are noise, scaled back and decoded."""
  model, params, state = started(stage)
  sample = jax.jit(lambda params: model.sample(params, state, KEY, 64, steps=5)["points"])
  assert sample(params).shape == (64, 10, 3)
  first, _ = stage
  seen = {}

  def decode(params, state, latents, key):
    seen.update(latents)
    return first.decode(params, state, latents, key)

  spied = lion.model(DATA, first=first._replace(decode=decode), T=20, hidden=(8,), network=SET)
  spied.sample(params, state, KEY, 64, steps=20)
  for name, z in seen.items():
    np.testing.assert_allclose((z * state["scale"][name]).std(), 1, rtol=0.2)
  other = params | {"shape": perturbed(params["shape"]), "points": perturbed(params["points"])}
  changed = other | {"shape": params["shape"]}
  assert (np.abs(sample(other) - sample(changed)) > 1e-3).any()


def test_points_are_trained_given_the_shape_in_the_units_in_which_it_is_sampled(stage):
  """A stage whose shape latents are in other units, with its own scale: the same loss."""
  first, frozen = stage
  tens = lambda *args: (latents := first.encode(*args)) | {"z": 10 * latents["z"]}
  losses = []
  for encode, scale in ((first.encode, 1.0), (tens, 0.1)):
    model = lion.model(DATA, first=first._replace(encode=encode), T=20, hidden=(8,), network=SET)
    params, _ = jax.jit(model.init)(KEY, BATCH, frozen)
    state = {"scale": {"z": scale, "h": 1.0}, "frozen": frozen}
    loss = lambda params: model.loss(params, state, BATCH, KEY, train=True)[0]
    losses.append(jax.jit(loss)(perturbed(params)))
  np.testing.assert_allclose(*losses, rtol=1e-4)


def test_a_label_is_the_condition_of_the_shape(stage):
  model, params, state = started(stage, condition=("label",))
  assert set(model.given) == {"label"}
  params = params | {"shape": perturbed(params["shape"])}
  sample = jax.jit(
    lambda label: model.sample(params, state, KEY, 6, {"label": label}, steps=3)["points"]
  )
  assert (np.abs(sample(BATCH["label"]) - sample((BATCH["label"] + 1) % 3)) > 1e-4).any()


def test_a_stage_without_latent_points_is_refused():
  first = ddpm.model(DATA, network=SET)
  with pytest.raises(UserError, match="take point_vae"):
    lion.model(DATA, first=first)
