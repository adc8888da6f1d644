"""First stages with codes: losses in closed form, gradients, codebooks, and decoders' densities."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.tokens import dvae, vqgan, vqvae, vqvae2
from genjax_zoo.models.tokens._grid import vectors
from genjax_zoo.nn.codebook import codes_of
from genjax_zoo.nn.grid import GridEncoder
from genjax_zoo.nn.patch_critic import PatchCritic
from genjax_zoo.nn.spectral import normalised

FIELDS = {"image": Field((8, 8, 3), np.uint8, 256, kind="image")}
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)
BATCH = {"image": IMAGES}
KEY = jax.random.key(0)
SIZE = dict(widths=(4, 8), codes=5, features=3)


@pytest.fixture(scope="module", params=[vqvae, vqvae2, dvae], ids=lambda m: m.__name__[-6:])
def stage(request):
  size = SIZE | dict(widths=(8,)) if request.param is vqvae2 else SIZE
  model = request.param.model(FIELDS, **size)
  params, state = model.init(KEY, BATCH)
  return model, params, state


def test_codes_decode_to_images_of_the_data(stage):
  model, params, state = stage
  latents = model.encode(params, state, BATCH, KEY)
  assert {k: x.shape[1:] for k, x in latents.items()} == {
    k: field.shape for k, field in model.latents.items()
  }
  assert all(x.dtype == jnp.int32 and x.max() < 5 for x in latents.values())
  image = model.decode(params, state, latents, KEY)["image"]
  assert image.shape == IMAGES.shape and image.dtype == np.uint8
  assert model.parts["log_given"](params, state, BATCH, latents, KEY).shape == (6,)


def test_the_gradient_reaches_every_parameter(stage):
  model, params, state = stage
  nats = lambda params: model.loss(params, state, BATCH, KEY, train=True)[0].mean()
  grads = jax.grad(nats)(params)
  # Residual blocks begin with a last layer of zeros, before which nothing has a gradient.
  silent = {p for p, g in jax.tree_util.tree_leaves_with_path(grads) if not np.any(g)}
  assert all("Residual" in jax.tree_util.keystr(path) for path in silent)


def test_the_use_of_codes_is_that_of_all_examples(stage):
  model, params, state = stage
  rows = jax.device_get(model.evaluate(params, state, BATCH, KEY))
  found = model.summary(rows)
  latents = model.encode(params, state, BATCH, KEY)
  for name, numbers in latents.items():
    prefix = "" if name == "codes" else f"{name}_"
    assert found[f"{prefix}codes_used"] == len(np.unique(numbers))


@pytest.mark.parametrize("module", [vqvae, vqvae2, dvae])
def test_data_without_images_are_refused(module):
  with pytest.raises(UserError, match="'image', and the data have x"):
    module.model({"x": Field((2,), np.float32)})


def test_a_dvae_is_of_gray_levels_that_stay_inside_of_0_and_1():
  """The half gray level beyond the last one is less than EPS from 6 on."""
  image = np.array([0, 5], np.uint8).reshape(2, 1, 1, 1)
  keys = jax.random.split(KEY, 100)
  nats = jax.vmap(lambda key: dvae.log_pixels(image, 0.0, 0.0, 6, key))(keys)
  assert np.isfinite(nats).all()
  with pytest.raises(UserError, match="6 gray levels or more, and these have 5"):
    dvae.model({"image": Field((8, 8, 1), np.uint8, 5)})


def test_the_loss_of_a_vqvae_is_error_over_variance_and_commitment():
  model = vqvae.model(FIELDS, beta=0.3, **SIZE)
  params, state = model.init(KEY, BATCH)
  latents = model.encode(params, state, BATCH, KEY)
  v = IMAGES / 255
  mean = model.parts["mean"](params, state, latents)
  error = ((v - mean) ** 2).reshape(6, -1).mean(1)
  loss, (changes, metrics) = model.loss(params, state, BATCH, KEY, train=True)
  np.testing.assert_allclose(metrics["psnr"], -10 * np.log10(error), rtol=1e-4)
  np.testing.assert_allclose(loss, error / v.var() + 0.3 * metrics["commitment"], rtol=1e-4)
  np.testing.assert_allclose(state["variance"], v.var(), rtol=1e-4)
  assert changes["book"]["count"].shape == (5,)
  assert not model.loss(params, state, BATCH, KEY, train=False)[1][0]


def test_the_commitment_moves_the_vectors_and_a_learned_codebook_the_codes():
  """By hand: |z - e|² is 1 and 4, 2.5 in the mean."""
  z, e = jnp.array([[1.0, 3.0]]), jnp.array([[0.0, 1.0]])
  for learned, expected, to_codes in ((False, 1.25, [[0, 0]]), (True, 3.75, [[-1, -2]])):
    loss = lambda z, e: vqvae.quantization_loss(z, e, 0.5, learned)
    np.testing.assert_allclose(loss(z, e), ([expected], [2.5]), rtol=1e-6)
    to_z, to_e = jax.grad(lambda z, e: loss(z, e)[0].sum(), (0, 1))(z, e)
    np.testing.assert_allclose(to_z, [[0.5, 1]], rtol=1e-6)
    np.testing.assert_allclose(to_e, to_codes, rtol=1e-6)


def test_a_learned_codebook_adds_the_same_distance_once_more():
  options = dict(SIZE, beta=0.25)
  model = vqvae.model(FIELDS, codebook="loss", **options)
  params, state = model.init(KEY, BATCH)
  loss, (changes, metrics) = model.loss(params, state, BATCH, KEY, train=True)
  ema = vqvae.model(FIELDS, **options)
  own = {k: x for k, x in params.items() if k != "codes"}
  book = {"count": jnp.ones(5), "total": params["codes"]}
  reference, _ = ema.loss(own, state | {"book": book}, BATCH, KEY, train=True)
  np.testing.assert_allclose(loss - reference, metrics["commitment"], rtol=1e-3)
  assert not changes
  grads = jax.grad(lambda p: model.loss(p, state, BATCH, KEY, train=True)[0].sum())(params)
  assert np.any(grads["codes"])


def test_the_scale_of_the_pixels_is_fitted_and_leaves_the_networks_alone():
  """The gradient of the networks is that of the error alone: the same whatever the scale."""
  model = vqvae.model(FIELDS, **SIZE)
  params, state = model.init(KEY, BATCH)
  other = params | {"observation": {"log_scale": params["observation"]["log_scale"] + 1}}
  grad = jax.grad(lambda p: model.loss(p, state, BATCH, KEY, train=True)[0].sum())
  a, b = grad(params), grad(other)
  jax.tree.map(np.testing.assert_array_equal, a["decoder"], b["decoder"])
  assert np.any(a["observation"]["log_scale"] != b["observation"]["log_scale"])
  # The scale's own is that of -log p(x | codes), a number.
  codes = model.encode(params, state, BATCH, KEY)
  key = jax.random.split(KEY)[0]
  nats = lambda p: -model.parts["log_given"](p, state, BATCH, codes, key).sum() / (8 * 8 * 3)
  expected = jax.grad(nats)(params)["observation"]["log_scale"]
  np.testing.assert_allclose(a["observation"]["log_scale"], expected, rtol=1e-4)


def test_dead_codes_restart_in_training():
  model = vqvae.model(FIELDS, restart=2.0, **SIZE)  # Of every code.
  params, state = model.init(KEY, BATCH)
  far = {"count": jnp.full(5, 0.1), "total": jnp.full((5, 3), 50.0)}
  _, (changes, _) = model.loss(params, state | {"book": far}, BATCH, KEY, train=True)
  assert np.abs(codes_of(changes["book"])).max() < 10


def test_the_bottom_codes_depend_on_the_top_and_the_top_alone_on_the_image():
  model = vqvae2.model(FIELDS, **SIZE | dict(widths=(8,)))
  params, state = model.init(KEY, BATCH)
  assert {k: f.shape for k, f in model.latents.items()} == {"top": (2, 2), "bottom": (4, 4)}
  latents = model.encode(params, state, BATCH, KEY)
  mean = lambda latents: model.parts["mean"](params, state, latents)
  for name in ("top", "bottom"):
    other = latents | {name: (latents[name] + 1) % 5}
    assert np.any(mean(other) != mean(latents))
  with pytest.raises(UserError, match="can't be halved"):
    vqvae2.model(FIELDS, widths=(4, 4, 4))


def test_the_loss_of_a_vqvae2_has_the_commitment_of_both_grids():
  model = vqvae2.model(FIELDS, beta=0.3, **SIZE | dict(widths=(8,)))
  params, state = model.init(KEY, BATCH)
  latents = model.encode(params, state, BATCH, KEY)
  v = IMAGES / 255
  error = ((v - model.parts["mean"](params, state, latents)) ** 2).reshape(6, -1).mean(1)
  loss, (_, metrics) = model.loss(params, state, BATCH, KEY, train=False)
  commitment = metrics["top_commitment"] + metrics["bottom_commitment"]
  np.testing.assert_allclose(loss, error / v.var() + 0.3 * commitment, rtol=1e-4)


@pytest.mark.parametrize("drop", [0.0, 1.0])
def test_dropped_bottom_codes_leave_it_to_the_top_in_training_alone(drop):
  size = dict(codes=5, features=3)
  model = vqvae2.model(FIELDS, widths=(8,), beta=0.0, **size)
  params, state = model.init(KEY, BATCH)
  nets = vqvae2.make_networks(FIELDS, "patch", (8,), 3, 1)
  codes = {level: codes_of(book) for level, book in state["books"].items()}
  found = vqvae2.quantized(nets, params, codes, BATCH)
  error = lambda kept: np.square(
    IMAGES / 255
    - jax.nn.sigmoid(vqvae2.outputs(nets, params, found["top"].e, kept * found["bottom"].e))
  )
  for train in (True, False):
    loss, _ = model.loss(params, state, BATCH, KEY, train=train, drop=drop)
    expected = error(1 - drop if train else 1).mean((1, 2, 3)) / state["variance"]
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_the_bottom_is_encoded_beside_the_codes_of_the_top():
  nets = vqvae2.make_networks(FIELDS, "patch", (8,), 3, 1)
  params = vqvae2.initial_params(nets, KEY, BATCH, 3)
  codes = {level: 5.0 + jax.random.normal(KEY, (4, 3)) for level in vqvae2.LEVELS}
  found = vqvae2.quantized(nets, params, codes, BATCH)
  top = vqvae2.upsampled(nets, params, codes["top"][found["top"].numbers])
  both = jnp.concatenate([vectors(nets.ae, params, BATCH), top], -1)
  z = nets.to_bottom.apply({"params": params["to_bottom"]}, both)
  np.testing.assert_allclose(found["bottom"].z, z, rtol=1e-4, atol=1e-4)


def test_logit_laplace_is_a_density():
  x = jnp.linspace(1e-5, 1 - 1e-5, 200_001)
  for mu, log_b in ((0.0, 0.0), (1.0, -1.0), (-0.5, -0.5)):
    total = jnp.trapezoid(jnp.exp(dvae.logit_laplace(x, mu, log_b)), x)
    np.testing.assert_allclose(total, 1, atol=2e-3)
  # At x = 1/2 the logit is 0: exp(-|mu| / b) / (2 b / 4).
  expected = -0.5 / np.exp(-1) + 1 + np.log(2)
  np.testing.assert_allclose(dvae.logit_laplace(0.5, 0.5, -1.0), expected, rtol=1e-5)


def test_phi_keeps_a_tenth_at_each_end_and_is_inverted():
  np.testing.assert_allclose(dvae.phi(jnp.array([0, 0.5, 1])), [0.1, 0.5, 0.9], rtol=1e-6)
  np.testing.assert_allclose(
    dvae.phi_inverse(dvae.phi(jnp.array([0, 0.3, 1]))), [0, 0.3, 1], atol=1e-6
  )
  np.testing.assert_allclose(dvae.phi_inverse(jnp.array([0.0, 1.0])), [0, 1])


def test_the_pixels_bound_adds_up_to_at_most_one():
  """E_u exp of the bound, summed over all gray levels, is the mass of phi's range, at most 1."""
  levels = jnp.arange(8)
  keys = jax.random.split(KEY, 4000)
  bound = lambda key, x: dvae.log_pixels(x[None, None], 0.2, -0.3, 8, key)[0]
  nats = jax.jit(jax.vmap(jax.vmap(bound, (None, 0)), (0, None)))(keys, levels)
  mass = jnp.exp(nats).mean(0).sum()
  x = jnp.linspace(dvae.phi(-1 / 14), dvae.phi(15 / 14), 10_001)
  expected = jnp.trapezoid(jnp.exp(dvae.logit_laplace(x, 0.2, -0.3)), x)
  np.testing.assert_allclose(mass, expected, rtol=0.02)
  assert mass < 1


def test_the_kl_of_codes_to_the_uniform_distribution():
  q = np.array([0.5, 0.25, 0.25])
  expected = (q * np.log(q * 3)).sum()
  np.testing.assert_allclose(dvae.kl_to_uniform(jnp.log(q)), expected, rtol=1e-5)
  np.testing.assert_allclose(dvae.kl_to_uniform(jnp.log(jnp.full(7, 1 / 7))), 0, atol=1e-6)


def test_codes_are_used_alike_where_their_mean_is_uniform():
  """One-hot q that take turns: each has the KL log K, and their mean none."""
  one_hot = jnp.log(jnp.eye(4) + 1e-30)
  np.testing.assert_allclose(dvae.imbalance(one_hot.reshape(2, 2, 4)), 0, atol=1e-6)
  np.testing.assert_allclose(dvae.kl_to_uniform(one_hot), np.log(4), rtol=1e-6)
  same = jnp.broadcast_to(one_hot[0], (2, 2, 4))
  np.testing.assert_allclose(dvae.imbalance(same), np.log(4), rtol=1e-6)
  q = jnp.array([[0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0]])
  expected = np.log(4) + 0.5 * np.log(0.5) + 0.5 * np.log(0.25)
  np.testing.assert_allclose(dvae.imbalance(jnp.log(q + 1e-30)), expected, rtol=1e-5)


def test_the_codes_of_a_dvae_are_gaussians_about_which_vectors_lie():
  model = dvae.model(FIELDS, **SIZE)
  params, state = model.init(KEY, BATCH)
  _, (_, metrics) = model.loss(params, state, BATCH, KEY, train=False)
  grid = GridEncoder("patch", SIZE["widths"], SIZE["features"], 1)
  z = grid.apply({"params": params["encoder"]}, IMAGES / 127.5 - 1)
  distance = ((np.asarray(z)[..., None, :] - np.asarray(params["codes"])) ** 2).sum(-1)
  log_q = jax.nn.log_softmax(-distance / 2)
  kl = (jnp.exp(log_q) * (log_q + np.log(5))).sum((1, 2, 3))
  np.testing.assert_allclose(metrics["kl"], kl, rtol=1e-3)
  codes = model.encode(params, state, BATCH, KEY)["codes"]
  np.testing.assert_array_equal(codes, distance.argmin(-1))


def test_the_loss_of_a_dvae_adds_up():
  models = {
    (squared, balance): dvae.model(FIELDS, squared=squared, balance=balance, **SIZE)
    for squared, balance in ((0.0, 0.0), (2.0, 0.0), (0.0, 3.0))
  }
  model = models[0.0, 0.0]
  params, state = model.init(KEY, BATCH)
  dims = 8 * 8 * 3

  def loss_of(model, **scheduled):
    loss, (_, metrics) = model.loss(params, state, BATCH, KEY, train=True, **scheduled)
    return loss, metrics

  for weight in (0.0, 2.5):
    plain, m = loss_of(model, kl_weight=weight)
    np.testing.assert_allclose(plain, (m["nats"] + weight * m["kl"]) / dims, rtol=1e-5)
  plain, m = loss_of(model)
  # A decoder whose outputs are inside of phi's range has the error of the PSNR.
  error = 10 ** (-m["psnr"] / 10) / np.var(IMAGES / 255)
  squared, _ = loss_of(models[2.0, 0.0])
  assert (squared - plain >= 1.99 * error).all()
  balanced, _ = loss_of(models[0.0, 3.0])
  difference = balanced - plain
  np.testing.assert_allclose(difference, difference[0], rtol=1e-4)
  assert 0 < difference[0] <= 3 * np.log(5)
  cold, _ = loss_of(model, tau=0.05)
  warm, _ = loss_of(model, tau=1.0)
  assert np.all(warm != cold)


def test_the_adaptive_weight_makes_both_gradients_equal():
  a, b = np.array([3.0, 4.0]), np.array([0.0, 2.0])
  last = jnp.array([0.5, -0.5])
  weight = vqgan.adaptive_weight(lambda k: (a * k).sum()[None], lambda k: (b * k).sum()[None], last)
  np.testing.assert_allclose(weight, 5 / (2 + 1e-6), rtol=1e-6)
  nothing = vqgan.adaptive_weight(lambda k: (a * k).sum()[None], lambda k: 0 * k, last)
  np.testing.assert_allclose(nothing, vqgan.LARGEST)
  grad = jax.grad(
    lambda k: vqgan.adaptive_weight(lambda l: l * l * k, lambda l: l + 0 * k, last).sum()
  )
  assert not np.any(grad(last))


def test_the_perceptual_distance_is_relative_to_the_maps():
  maps = lambda v: [v, 3 * v]
  v = jnp.ones((2, 2, 2, 1)) * jnp.array([1.0, 2.0])[:, None, None, None]
  np.testing.assert_allclose(vqgan.perceptual_distance(maps, v, 1.5 * v), 0.25, rtol=1e-6)


def test_the_generator_of_a_vqgan_adds_the_critic_as_strongly_as_the_reconstruction():
  """At step k the critic's weight is k; the critic is bounded, and SGD moves nothing."""
  judge = Model(None, parts={"maps": lambda params, state, x: [x]})
  tx = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  schedules = {"gen": {"weight": lambda step: 1.0 * step}}
  options = SIZE | dict(critic=(4,), spectral=True)
  learner = vqgan.learner(FIELDS, tx, judge=judge, schedules=schedules, **options)
  ts = learner.init(KEY, BATCH, {"judge": ({}, {})})
  step = jax.jit(learner.step)
  steps = [step(ts.replace(step=jnp.array(k)), BATCH, KEY) for k in range(3)]
  after = steps[0][0]
  assert np.any(after.state["book"]["count"] != 1)
  losses = [metrics["gen_loss"] for _, metrics in steps]
  strength = [metrics["strength"] for _, metrics in steps]
  assert strength[0] == 0 and strength[1] > 0
  np.testing.assert_allclose(strength[2], 2 * strength[1], rtol=1e-5)
  np.testing.assert_allclose(losses[2] - losses[1], losses[1] - losses[0], rtol=1e-3)
  # The mean of the critic, with kernels of norm 1, of reconstructions is to rise.
  critic, _ = normalised(ts.params["critic"], after.state["u"])
  codes = learner.model.encode(ts.params, ts.state, BATCH, KEY)
  v_hat = learner.model.parts["mean"](ts.params, ts.state, codes)
  fake = PatchCritic((4,)).apply({"params": critic}, 2 * v_hat - 1).mean()
  np.testing.assert_allclose(losses[1] - losses[0], -strength[1] * fake, rtol=1e-3)


@pytest.mark.parametrize("error, spectral", [("absolute", False), ("squared", True)])
def test_the_losses_of_a_vqgan_are_those_of_reconstructions_in_the_range_of_both_judges(
  error, spectral
):
  """The judge's one map is what it sees, and the critic is one of known weights: in [-1, 1]."""
  judge = Model(None, parts={"maps": lambda params, state, x: [x]})
  tx = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  schedules = {"gen": {"weight": optax.constant_schedule(0.0)}}
  options = SIZE | dict(critic=(4,), perceptual=0.5, error=error, spectral=spectral)
  learner = vqgan.learner(FIELDS, tx, judge=judge, schedules=schedules, **options)
  ts = learner.init(KEY, BATCH, {"judge": ({}, {})})
  after, metrics = jax.jit(learner.step)(ts, BATCH, KEY)
  model = learner.model
  codes = model.encode(ts.params, ts.state, BATCH, KEY)
  v, v_hat = IMAGES / 255, model.parts["mean"](ts.params, ts.state, codes)
  mean = lambda x: (x**2).reshape(6, -1).mean(1)
  errors = {"absolute": np.abs(v - v_hat).mean(), "squared": mean(v - v_hat).mean() / v.var()}
  perceptual = (mean(2 * v - 2 * v_hat) / mean(2 * v - 1)).mean()
  expected = errors[error] + 0.5 * perceptual + 0.25 * metrics["commitment"]
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=1e-4)
  critic = ts.params["critic"]
  if spectral:
    critic, u = normalised(critic, ts.state["u"])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), after.state["u"], u)
  says = lambda v: PatchCritic((4,)).apply({"params": critic}, 2 * v - 1)
  hinge = jax.nn.relu(1 - says(v)).mean() + jax.nn.relu(1 + says(v_hat)).mean()
  np.testing.assert_allclose(metrics["critic_loss"], hinge, rtol=1e-4)


def test_wrong_networks_and_sizes_are_refused():
  with pytest.raises(UserError, match="patch and conv"):
    vqvae.model(FIELDS, network="vit")
  with pytest.raises(UserError, match="ema and loss"):
    vqvae.model(FIELDS, codebook="kmeans")
  with pytest.raises(UserError, match="absolute and squared"):
    vqgan.learner(FIELDS, {}, error="huber")
  with pytest.raises(UserError, match="8 x 8"):
    dvae.model(FIELDS, widths=(4, 4, 4, 4))
