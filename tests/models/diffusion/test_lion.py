"""LION: two diffusions, the second a set's; a network of zeros is the score of N(0, I)."""

import functools

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
SMALL = {"name": "mlp", "hidden": (8,)}  # Compiled sooner, where what it is does not matter.


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


def started(stage, network=SET, T=20, **options):
  first, frozen = stage
  model = lion.model(DATA, first=first, T=T, hidden=(8,), network=network, **options)
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


def still(shape, T=20):
  """A prior of "x" whose network is 0 and which is not conditioned: the score of N(0, I)."""
  prior = ddpm.model({"x": Field(shape, np.float32)}, T=T, network={"name": "mlp", "hidden": (4,)},
                     **lion.CHOICES)  # fmt: skip
  params, _ = prior.init(KEY, {"x": jnp.zeros((1, *shape))})
  return prior, params, prior.parts["path"](None, {}, T)


def test_where_latents_are_noise_already_the_ode_stands_still():
  prior, params, levels = still((3,))
  batch = {"x": jax.random.normal(KEY, (5, 3))}
  # It starts at alpha x and ends at sigma times the noise; both are nearly 1.
  noise = lion.to_noise(prior, params, batch, levels)
  np.testing.assert_allclose(noise * levels.sigma[0], levels.alpha[-2] * batch["x"], rtol=1e-2)
  back = lion.from_noise(prior, params, {"x": noise}, levels)
  np.testing.assert_allclose(back, levels.alpha[-2] * batch["x"], rtol=2e-2)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_diffuse_denoise_forgets_as_much_as_its_share_of_the_levels(share):
  """Where the ODE stands still what is left is alpha x + sigma eps, at that level."""
  prior, params, levels = still((1,))
  x = jnp.full((4000, 1), 3.0)
  made = lion.diffuse_denoise(prior, params, {"x": x}, levels, KEY, share)
  level = levels.at(20 - round(share * 20))
  np.testing.assert_allclose(made.mean(), 3 * level.alpha, atol=0.05)
  np.testing.assert_allclose(made.std(), level.sigma, atol=0.03)


def test_clouds_go_to_noise_and_back(stage):
  """By small networks, along whose ODE a few steps are nearly exact."""
  first, frozen = stage
  decode = lambda params, state, z, key: first.decode(params, state, z, key) | {"h": z["h"]}
  shown = first._replace(decode=decode), frozen
  model, fresh, state = started(shown, SMALL, T=100, condition=("label",))
  little = lambda x, y: 0.9 * x + 0.1 * y
  params = {name: jax.tree.map(little, p, perturbed(p)) for name, p in fresh.items()}
  noise = jax.jit(lambda batch: model.parts["noise"](params, state, batch, KEY))(BATCH)
  back = jax.jit(lambda params, latents: model.decode(params, state, latents, KEY))
  assert set(noise) == {"noise_z", "noise_h", "label"}
  latents = first.encode(*frozen["first"], BATCH, KEY)
  moved = np.abs(noise["noise_h"] / state["scale"]["h"] - latents["h"]).max()
  wanted = first.decode(*frozen["first"], latents, KEY)["points"]
  found = back(params, noise)["points"]
  assert moved > 0.5
  np.testing.assert_allclose(found, wanted, atol=0.05 * moved)
  # A shape of noise is denoised given the label, and points given that shape.
  for name, other in (("label", (BATCH["label"] + 1) % 3), ("noise_z", -noise["noise_z"])):
    assert np.abs(back(params, noise | {name: other})["points"] - found).max() > 1e-3
  of_other = back(params | {"shape": fresh["shape"]}, noise)["h"]
  assert np.abs(of_other - back(params, noise)["h"]).max() > 1e-3


def test_given_clouds_are_varied_about_themselves(stage):
  first, frozen = stage
  decode = lambda params, state, z, key: first.decode(params, state, z, key) | {"h": z["h"]}
  model, params, state = started((first._replace(decode=decode), frozen), SMALL)
  params = {"shape": params["shape"], "points": perturbed(params["points"])}

  @functools.partial(jax.jit, static_argnums=1)
  def sample(params, share):
    return model.sample(params, state, KEY, 6, BATCH, share=share)

  latents = first.encode(*frozen["first"], BATCH, KEY)
  same = first.decode(*frozen["first"], latents, KEY)["points"]
  np.testing.assert_allclose(sample(params, 0.0)["points"], same, rtol=1e-4, atol=1e-4)
  near, far = (sample(params, share) for share in (0.1, 0.8))
  assert 0 < np.abs(near["points"] - same).mean() < np.abs(far["points"] - same).mean()
  # Latent points are denoised given the shape that came out.
  other = sample(params | {"shape": perturbed(params["shape"])}, 0.8)
  assert np.abs(other["h"] - far["h"]).max() > 1e-3
