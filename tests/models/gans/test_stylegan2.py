"""StyleGAN2: losses with lazy penalties, path lengths in closed form, truncation, projection."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo import data, loop
from genjax_zoo.core import Field, UserError
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log
from genjax_zoo.models._form import to_floats
from genjax_zoo.models.gans import stylegan2
from genjax_zoo.models.gans.stylegan2 import Networks, periodic, truncated
from genjax_zoo.nn.stylegan import Critic, Mapping, Synthesis
from genjax_zoo.prob.adversarial import pulled_back

FIELD = Field((4, 4, 1), np.uint8, 17)
DATA = {"image": FIELD}
SMALL = {"latent": 3, "mapping": 2, "widths": (4, 4), "critic": (4, 4), "lazy": 2}
KEY, N = jax.random.key(0), 8
softplus = lambda x: np.logaddexp(0, x)
NETS = Networks(Mapping(2), Synthesis((4, 4), (4, 4, 1)), Critic((4, 4)), 3)


@functools.cache
def started(**options):
  """(learner, its state, a batch), with noise and styles that show."""
  still = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  learner = stylegan2.learner(DATA, still, **SMALL | options)
  image = jax.random.randint(KEY, (N, 4, 4, 1), 0, 17).astype(jnp.uint8)
  batch = {"image": image, "weight": jnp.ones(N)}
  ts = jax.jit(learner.init)(KEY, batch)
  scalars = lambda p: p + 0.3 if p.ndim == 0 else p
  gen = jax.tree.map(scalars, ts.params["gen"])
  state = ts.state | {"path": jnp.array(0.5), "w": jnp.full(3, 0.1)}
  return learner, ts.replace(params=ts.params | {"gen": gen}, state=state), batch


@functools.cache
def stepped():
  """The state and metrics after each of two steps in which no weight moves, and a first state."""
  learner, ts, batch = started(r1=3.0, path=0.7)
  step = jax.jit(learner.step)
  first, one = step(ts, batch, jax.random.key(1))
  _, two = step(first, batch, jax.random.key(2))
  new, _ = step(ts.replace(state=ts.state | {"path": jnp.zeros(())}), batch, jax.random.key(1))
  return first, one, two, new


def recomputed(key):
  """What the losses of a step are made of, from the networks."""
  _, ts, batch = started(r1=3.0, path=0.7)
  gen, critic = ts.params["gen"], ts.params["critic"]
  k_critic, k_gen = jax.random.split(key)
  logits = functools.partial(NETS.logits, critic)
  x = to_floats(batch["image"], FIELD)

  def made(key):
    k_w, k_noise = jax.random.split(key)
    ws = NETS.mixed(gen, k_w, N, 0.9)
    return NETS.make(gen, ws, k_noise), ws

  fake, _ = made(jax.random.split(k_critic, 1)[0])
  slopes = jax.grad(lambda x: logits(x).sum())(x)
  k_fake, k_path = jax.random.split(k_gen)
  fooled, ws = made(k_fake)
  k_w, k_y, k_noise = jax.random.split(k_path, 3)
  y = jax.random.normal(k_y, (N // 2, 4, 4, 1)) / 4
  other = NETS.mixed(gen, k_w, N // 2, 0.9)
  _, pull = jax.vjp(lambda ws: NETS.make(gen, ws, k_noise), other)
  lengths = jnp.sqrt((pull(y)[0] ** 2).sum(-1).mean(-1))
  return logits(x), logits(fake), (slopes**2).sum((1, 2, 3)), logits(fooled), ws, lengths


def test_the_losses_are_those_of_the_paper_with_penalties_at_every_second_update():
  """R1 and the path penalty, twice their weight in the first update and none in the second."""
  first, one, two, _ = stepped()
  real, fake, slopes, fooled, ws, lengths = jax.jit(recomputed)(jax.random.key(1))
  loss = (softplus(-real) + softplus(fake)).mean() + 2 * 3.0 / 2 * slopes.mean()
  np.testing.assert_allclose(one["critic_loss"], loss, rtol=1e-4)
  mean = 0.99 * 0.5 + 0.01 * lengths.mean()
  loss = softplus(-fooled).mean() + 2 * 0.7 * ((lengths - mean) ** 2).mean()
  np.testing.assert_allclose(one["gen_loss"], loss, rtol=1e-4)
  np.testing.assert_allclose(first.state["path"], mean, rtol=1e-5)
  expected = 0.995 * 0.1 + 0.005 * ws[:, 0].mean(0)
  np.testing.assert_allclose(first.state["w"], expected, rtol=1e-4)
  assert lengths.std() > 1e-2 and slopes.mean() > 1e-2 and np.abs(real - fake).max() > 1e-3

  real, fake, _, fooled, *_ = jax.jit(recomputed)(jax.random.key(2))
  np.testing.assert_allclose(
    two["critic_loss"], (softplus(-real) + softplus(fake)).mean(), rtol=1e-4
  )
  np.testing.assert_allclose(two["gen_loss"], softplus(-fooled).mean(), rtol=1e-4)
  assert np.isnan(two["path_length"]) and np.isnan(two["squared_slope"])
  np.testing.assert_allclose(one["path_length"], lengths.mean(), rtol=1e-4)


def test_the_mean_of_path_lengths_starts_at_the_first():
  *_, new = stepped()
  np.testing.assert_allclose(new.state["path"], stepped()[1]["path_length"], rtol=1e-4)


def test_a_lazy_weight_is_the_weight_in_the_mean():
  weights = [float(periodic(0.3, 4)(i)) for i in range(8)]
  np.testing.assert_allclose(weights, [1.2, 0, 0, 0] * 2, rtol=1e-6)


def test_the_path_length_of_a_linear_generator_and_its_gradient_in_closed_form():
  """G(w) = A w: |J^T y| = |A^T y|, and of (|A^T y| - a)² 2 (|A^T y| - a) y (A^T y)^T / |A^T y|."""
  A = jax.random.normal(KEY, (6, 3))
  y = jax.random.normal(jax.random.key(1), (1, 6))
  ws = jax.random.normal(jax.random.key(2), (1, 1, 3))
  generate = lambda A: lambda ws: ws.sum(1) @ A.T
  lengths = lambda A: pulled_back(generate(A), ws, y)[0]
  v = A.T @ y[0]
  norm = jnp.linalg.norm(v)
  np.testing.assert_allclose(lengths(A), norm, rtol=1e-5)
  gradient = jax.grad(lambda A: (lengths(A) - 0.4) ** 2)(A)
  np.testing.assert_allclose(gradient, 2 * (norm - 0.4) * jnp.outer(y[0], v) / norm, rtol=1e-4)
  # Of layers that all do the same, the mean over layers is that of one.
  twice = pulled_back(generate(A), ws.repeat(2, 1), y)
  np.testing.assert_allclose(twice[0], norm, rtol=1e-5)
  # And its mean square is the squared size of J, over the pixels: E |A^T y|² = |A|².
  many = jax.random.normal(KEY, (20_000, 6))
  found = pulled_back(generate(A), jnp.zeros((20_000, 1, 3)), many)
  assert (found**2).mean() == pytest.approx(float((A**2).sum()), rel=0.03)


def test_layers_before_a_random_one_take_the_first_style_and_the_others_the_second():
  gen = started()[1].params["gen"]
  n = 400
  ws = np.asarray(NETS.mixed(gen, KEY, n, 0.7))
  assert ws.shape == (n, 4, 3)
  changes = (np.abs(np.diff(ws, axis=1)) > 1e-6).any(-1)
  assert changes.sum(1).max() == 1
  # Uniform over the three places, in 70 % of the images.
  np.testing.assert_allclose(changes.mean(0), np.full(3, 0.7 / 3), atol=0.08)
  one = np.asarray(NETS.mixed(gen, KEY, n, 0.0))
  np.testing.assert_array_equal(one, one[:, :1].repeat(4, 1))


def test_truncation_1_is_none_and_0_the_mean():
  learner, ts, _ = started()
  w, mean = jax.random.normal(KEY, (5, 3)), jnp.array([1.0, 2.0, 3.0])
  np.testing.assert_allclose(truncated(w, mean, 1.0), w, atol=1e-6)
  np.testing.assert_array_equal(truncated(w, mean, 0.0), mean[None].repeat(5, 0))
  np.testing.assert_allclose(truncated(w, mean, 0.5), (w + mean[None]) / 2, rtol=1e-5)
  model = learner.model

  @jax.jit
  def samples(truncation):
    return model.sample(ts.params, ts.state, KEY, 6, truncation=truncation)["image"]

  k_z, k_noise = jax.random.split(KEY)
  gen, z = ts.params["gen"], jax.random.normal(k_z, (6, 3))
  w = model.parts["map"](ts.params, ts.state, {"z": z})["w"]
  ends = {1.0: w, 0.0: ts.state["w"][None].repeat(6, 0)}
  for truncation, expected in ends.items():
    made = NETS.make(gen, NETS.every_layer(expected), k_noise)
    found = to_floats(samples(truncation), FIELD)
    np.testing.assert_allclose(found, jnp.clip(made, -1, 1), atol=0.07)  # Half a gray level.


def test_latents_are_decoded_of_z_of_w_and_of_a_w_for_each_layer():
  learner, ts, _ = started()
  model = learner.model
  decode = lambda latents: model.decode(ts.params, ts.state, latents)["image"].astype(int)
  z = model.parts["prior"](ts.params, ts.state, KEY, 4)
  w = model.parts["map"](ts.params, ts.state, z)
  layers = {"w": NETS.every_layer(w["w"])}
  np.testing.assert_allclose(decode(z), decode(w), atol=1)
  np.testing.assert_allclose(decode(z), decode(layers), atol=1)
  unit = model.parts["mean"](ts.params, ts.state, z)
  np.testing.assert_allclose(np.clip(unit, 0, 1) * 16, decode(z), atol=0.51)
  assert {k: f.shape for k, f in model.latents.items()} == {"z": (3,)}


def test_an_image_of_the_generator_is_found_again_in_w():
  learner, ts, _ = started()
  model, gen = learner.model, ts.params["gen"]
  w = model.parts["map"](ts.params, ts.state, model.parts["prior"](ts.params, ts.state, KEY, 4))
  batch = model.decode(ts.params, ts.state, w)
  found = jax.jit(functools.partial(model.parts["project"], steps=300))(
    ts.params, ts.state, batch, KEY
  )
  error = lambda w: ((NETS.make(gen, NETS.every_layer(w)) - x) ** 2).mean()
  x = to_floats(batch["image"], FIELD)
  at_start = error(ts.state["w"][None].repeat(4, 0))
  assert found["w"].shape == (4, 3) and error(found["w"]) < 0.05 * at_start


@pytest.mark.parametrize(
  "fields", [{"x": Field((2,), np.float32)}, {"image": Field((4, 4), "u1", 2)}]
)
def test_data_without_images_are_refused(fields):
  with pytest.raises(UserError):
    stylegan2.learner(fields, {"gen": optax.sgd(1.0), "critic": optax.sgd(1.0)})
  with pytest.raises(UserError, match="lazy=0"):
    stylegan2.learner(DATA, {"gen": optax.sgd(1.0), "critic": optax.sgd(1.0)}, lazy=0)


def test_resuming_is_bit_exact(tmp_path):
  """The running means of w and of path lengths and, with augmentation, p come back."""
  digits = data.load("digits")

  def run(folder, steps):
    adam = optax.adam(1e-3, b1=0.0)
    ada = {"augment": ("blit",), "target": -2.0, "speed": 100.0}
    options = SMALL | ada | {"widths": (4,)}
    learner = stylegan2.learner(digits.fields, {"gen": adam, "critic": adam}, ema=0.9, **options)
    loader = train_loader(digits, batch=8, steps_per_dispatch=3, seed=0, devices=jax.device_count())
    with Log(folder, steps) as log:
      options = dict(steps=steps, steps_per_dispatch=3, log_every=3, save_every=6)
      return jax.device_get(loop.train(learner, loader, log, workdir=folder, **options))

  whole = run(tmp_path / "whole", 12)
  run(tmp_path / "cut", 6)
  chex.assert_trees_all_equal(run(tmp_path / "cut", 12), whole)
  assert whole.state["path"] > 0 and np.abs(whole.state["w"]).min() > 0
  # 12 updates of 8 images, always up: three changes of 32 / 100.
  np.testing.assert_allclose(whole.state["ada"]["p"], 0.96, rtol=1e-5)
