"""Games: other critics, several networks a player, schedules, slower sub-networks, resuming."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

from genjax_zoo import data, loop
from genjax_zoo.core import Field, Model, UserError, unroll
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log
from genjax_zoo.models._game import play, translator_model
from genjax_zoo.models.gans import cgan, dcgan, gan, sngan, wgan
from genjax_zoo.prob.adversarial import GAMES, squared_slope

LINE = {"x": Field((1,), np.float32)}
IMAGES = {"image": Field((8, 8, 1), np.uint8, 17), "label": Field((), np.int32, 3)}
SMALL = {
  wgan: {"hidden": (8,)},
  cgan: {"hidden": (8,)},
  sngan: {"widths": (4,)},
  dcgan: {"widths": (4, 4)},
}


def players(gen, critic=None):
  return {"gen": gen, "critic": critic or gen}


def images(n=12):
  rng = np.random.default_rng(0)
  image = rng.integers(17, size=(n, 8, 8, 1)).astype(np.uint8)
  return {"image": jnp.asarray(image), "label": jnp.arange(n) % 3, "weight": jnp.ones(n)}


def started(module, tx=None, **options):
  learner = module.learner(
    IMAGES, tx or players(optax.sgd(0.1)), latent=3, **SMALL[module] | options
  )
  return learner, jax.jit(learner.init)(jax.random.key(0), images())


@pytest.mark.parametrize("mean, sd", [(1.0, 0.5), (0.7, 1.0)])
def test_a_critic_between_two_gaussians_estimates_their_wasserstein_distance(mean, sd):
  """G(z) = relu(z) - relu(-z) = z against N(mean, sd²).

  On a line W1 couples equal quantiles: E |mean + (sd - 1) z|. The penalty lets the norm of the
  optimal gradient be about 1 + W1 / (2 penalty), a few percent too much.
  """
  tx = players(optax.set_to_zero(), optax.adam(optax.cosine_decay_schedule(3e-3, 1500)))
  learner = wgan.learner(LINE, tx, latent=1, hidden=(32, 32), n_critic=1, penalty=20.0)
  draw = lambda key: {"x": mean + sd * jax.random.normal(key, (256, 1)), "weight": jnp.ones(256)}
  ts = learner.init(jax.random.key(0), draw(jax.random.key(0)))
  ends = jnp.zeros((1, 32)).at[0, :2].set(jnp.array([1.0, -1.0]))
  for name, kernel in {"Dense_0": ends, "Dense_1": jnp.eye(32), "Dense_2": ends.T}.items():
    ts.params["gen"]["layers_0"][name]["kernel"] = kernel
  z = jax.random.normal(jax.random.key(5), (4, 1))
  np.testing.assert_allclose(learner.model.decode(ts.params, {}, {"z": z})["x"], z, rtol=1e-6)
  step = lambda ts, _, key: learner.step(ts, draw(key), jax.random.fold_in(key, 1))
  _, metrics = jax.jit(unroll(step, jax.random.key(1), 1500))(ts, None)
  quantiles = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
  w1 = np.abs(mean + (sd - 1) * quantiles).mean()
  assert metrics["distance"][-300:].mean() == pytest.approx(w1, rel=0.1)


def test_the_penalty_of_a_linear_critic_in_the_loss():
  batch = {"x": jnp.full((8, 1), 2.0), "weight": jnp.ones(8)}
  found = {}
  for penalty in (1.0, 4.0):
    learner = wgan.learner(
      LINE, players(optax.sgd(0.1)), latent=2, hidden=(), n_critic=1, penalty=penalty
    )
    ts = learner.init(jax.random.key(0), batch)
    found[penalty] = learner.step(ts, batch, jax.random.key(1))[1]["critic_loss"]
  w = next(w for w in jax.tree.leaves(ts.params["critic"]) if w.ndim == 2)
  np.testing.assert_allclose(
    found[4.0] - found[1.0], 3 * (np.linalg.norm(w) - 1) ** 2, rtol=1e-3, atol=1e-5
  )


def test_clipping_holds_every_weight_and_only_the_critics():
  learner, ts = started(
    wgan, players(optax.sgd(0.0), optax.sgd(10.0)), penalty=0.0, clip=0.02, n_critic=3
  )
  assert max(np.abs(w).max() for w in jax.tree.leaves(ts.params["critic"])) <= 0.02
  after, _ = jax.jit(learner.step)(ts, images(), jax.random.key(1))
  weights = np.concatenate([w.ravel() for w in jax.tree.leaves(after.params["critic"])])
  assert np.abs(weights).max() <= 0.02 and (np.abs(weights) == np.float32(0.02)).mean() > 0.2
  chex.assert_trees_all_equal(after.params["gen"], ts.params["gen"])
  assert max(np.abs(w).max() for w in jax.tree.leaves(after.params["gen"])) > 0.1


@pytest.mark.parametrize("module", [wgan, cgan, sngan, dcgan])
def test_each_player_has_its_own_updates(module):
  learner, ts = started(module, players(optax.adam(1e-2)), n_critic=3, ema=0.9)
  step = jax.jit(learner.step)
  for i in range(2):
    ts, metrics = step(ts, images(), jax.random.key(i))
  assert {name: int(opt[0].count) for name, opt in ts.opt.items()} == {"gen": 2, "critic": 6}
  assert set(ts.ema) == {"gen"} and all(np.isfinite(x) for x in metrics.values())


def test_the_scale_of_a_spectrally_normalised_kernel_is_without_effect():
  learner, ts = started(sngan)
  scaled = jax.tree.map(lambda w: 7.0 * w if w.ndim > 1 else w, ts.params["critic"])
  critic = jax.jit(lambda params: learner.model.parts["critic"](params, ts.state, images()))
  np.testing.assert_allclose(
    critic(ts.params | {"critic": scaled}), critic(ts.params), rtol=1e-4, atol=1e-5
  )


@pytest.mark.parametrize("critic", ["projection", "concatenation"])
def test_the_label_reaches_both_players(critic):
  learner, ts = started(cgan, critic=critic)
  batch, other = images(), images() | {"label": (images()["label"] + 1) % 3}
  logits = lambda batch: learner.model.parts["critic"](ts.params, ts.state, batch)
  assert np.abs(logits(batch) - logits(other)).min() > 0

  def sample(batch):
    return learner.model.sample(ts.params, ts.state, jax.random.key(1), 12, batch)["image"]

  assert (sample(batch) != sample(other)).any((1, 2, 3)).all()
  assert learner.model.given == {"label": IMAGES["label"]}


def test_a_projection_critic_is_linear_in_the_class_vector():
  """l(x, y) - l(x, y') = (v(y) - v(y')) . phi(x): twice the embedding, twice the difference."""
  learner, ts = started(cgan, critic="projection")
  batch, other = images(), images() | {"label": (images()["label"] + 1) % 3}

  def difference(scale):
    embedding = scale * ts.params["critic"]["Embed_0"]["embedding"]
    critic = ts.params["critic"] | {"Embed_0": {"embedding": embedding}}
    params = ts.params | {"critic": critic}
    logits = lambda batch: learner.model.parts["critic"](params, ts.state, batch)
    return logits(batch) - logits(other)

  np.testing.assert_allclose(difference(2.0), 2 * difference(1.0), rtol=1e-3, atol=1e-4)


def test_a_sample_of_the_dcgan_does_not_depend_on_its_batch_but_training_does():
  learner, ts = started(dcgan, n_critic=1)
  z = jax.random.normal(jax.random.key(1), (6, 3))
  together = learner.model.decode(ts.params, ts.state, {"z": z})["image"]
  alone = learner.model.decode(ts.params, ts.state, {"z": z[2:3]})["image"]
  # Two programs: gray levels may round otherwise.
  np.testing.assert_allclose(together[2:3].astype(int), alone.astype(int), atol=1)
  after, _ = jax.jit(learner.step)(ts, images(), jax.random.key(2))
  for player in ("gen", "critic"):
    moved = jax.tree.map(
      lambda a, b: not np.array_equal(a, b), after.state[player], ts.state[player]
    )
    assert all(jax.tree.leaves(moved)), player


@pytest.mark.parametrize(
  "module, data, options, message",
  [
    (wgan, IMAGES, {"penalty": 0.0}, "constraint"),
    (wgan, IMAGES, {"clip": 0.01}, "one constraint.*penalty=10"),
    (cgan, {"x": Field((2,), np.float32)}, {}, "'label'"),
    (wgan, IMAGES, {"n_critic": 0}, "n_critic=0"),
    (cgan, IMAGES, {"critic": "sum"}, "projection"),
    (cgan, IMAGES, {"condition": ()}, "needs a condition"),
    (cgan, IMAGES, {"condition": ("image",)}, "one label"),
    (sngan, LINE, {}, "images"),
    (dcgan, LINE, {}, "images"),
  ],
)
def test_options_that_do_not_fit_are_refused(module, data, options, message):
  with pytest.raises(UserError, match=message):
    module.learner(data, players(optax.sgd(1.0)), **options)
  with pytest.raises(UserError, match="lacks 'critic'"):
    gan.learner(IMAGES, {"gen": optax.sgd(1.0)})


PAIRS = {"a": jnp.arange(12.0).reshape(6, 2), "b": jnp.ones((6, 2)), "weight": jnp.ones(6)}


def cycle_losses():
  """CycleGAN (1703.10593) with linear networks: "ab" and "ba" translate, "a" and "b" criticize."""
  game = GAMES["least_squares"]

  def critic_loss(critic, gen, state, batch, key):
    fakes = {"b": batch["a"] @ gen["ab"], "a": batch["b"] @ gen["ba"]}
    return sum(game.critic(batch[x] @ critic[x], fakes[x] @ critic[x]) for x in "ab"), ({}, {})

  def gen_loss(gen, critic, state, batch, key):
    b, a = batch["a"] @ gen["ab"], batch["b"] @ gen["ba"]
    cycle = ((b @ gen["ba"] - batch["a"]) ** 2 + (a @ gen["ab"] - batch["b"]) ** 2).sum(-1)
    return game.gen(b @ critic["b"]) + game.gen(a @ critic["a"]) + cycle, ({}, {"cycle": cycle})

  return critic_loss, gen_loss


def test_a_player_may_be_several_networks():
  """Two generators and two critics: each player's optimizer, and its clipping, is over its tree."""
  gen = {"ab": 0.5 * jnp.eye(2), "ba": -jnp.eye(2)}
  critic = {"a": jnp.array([1.0, 2.0]), "b": jnp.array([-1.0, 0.5])}
  model = Model(lambda key, batch: ({"gen": gen, "critic": critic}, {}))
  clipped = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.01))
  critic_loss, gen_loss = cycle_losses()
  learner = play(model, players(clipped, optax.sgd(0.01)), critic_loss, gen_loss, ema=0.5)
  ts = learner.init(jax.random.key(0), PAIRS)
  after, metrics = jax.jit(learner.step)(ts, PAIRS, jax.random.key(1))

  grads = jax.grad(lambda c: critic_loss(c, gen, {}, PAIRS, None)[0].mean())(critic)
  critic = jax.tree.map(lambda p, g: p - 0.01 * g, critic, grads)
  grads = jax.grad(lambda g: gen_loss(g, critic, {}, PAIRS, None)[0].mean())(gen)
  norm = optax.global_norm(grads)
  gen = jax.tree.map(lambda p, g: p - 0.01 * g / norm, gen, grads)
  assert norm > 1
  close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
  jax.tree.map(close, after.params, {"gen": gen, "critic": critic})
  assert set(after.ema["gen"]) == {"ab", "ba"}
  assert set(metrics) == {"gen_loss", "critic_loss", "cycle"}


def quadratic(schedules={}, rates={}, n_critic=1, lr=0.1):
  """A toy game with scheduled arguments: a generator of two networks, a critic with a lazy R1."""

  def critic_loss(critic, gen, state, batch, key, r1=0.0):
    f = lambda x: (x**2 * critic["w"][None]).sum(-1)
    penalty = jax.lax.cond(
      r1 > 0,
      lambda: squared_slope(f, batch["a"]),
      lambda: jnp.full(len(batch["a"]), jnp.nan),
    )
    value = f(batch["a"]) + jnp.where(r1 > 0, r1 / 2 * penalty, 0.0)
    return value, ({}, {"r1_penalty": penalty})

  def gen_loss(gen, critic, state, batch, key, weight=1.0):
    out = batch["a"] @ gen["mapping"]["kernel"] @ gen["synthesis"]["kernel"]
    return weight * (out**2).sum(-1), ({}, {})

  gen = {"mapping": {"kernel": jnp.eye(2)}, "synthesis": {"kernel": jnp.ones((2, 1))}}
  init = lambda key, batch: ({"gen": gen, "critic": {"w": jnp.ones(2)}}, {})
  tx = players(optax.sgd(lr))
  options = dict(n_critic=n_critic, schedules=schedules, rates=rates)
  return play(Model(init), tx, critic_loss, gen_loss, **options)


def test_schedules_are_functions_of_a_players_own_updates_and_logged():
  schedules = {"critic": {"r1": lambda count: 1.0 + count}, "gen": {"weight": lambda count: count}}
  learner = quadratic(schedules, n_critic=3, lr=0.0)
  ts = learner.init(jax.random.key(0), PAIRS)
  step = jax.jit(learner.step)
  for i in range(3):
    ts, metrics = step(ts, PAIRS, jax.random.key(i))
    assert metrics["gen_weight"] == i
    assert metrics["critic_r1"] == 1 + np.arange(3 * i, 3 * i + 3).mean()
  # The generator, which does not move, is x1 + x2; its update is on the last part of the batch.
  last = PAIRS["a"].reshape(2, 3, 2)[:, -1]
  np.testing.assert_allclose(metrics["gen_loss"], 2 * (last.sum(-1) ** 2).mean(), rtol=1e-5)


def test_a_lazy_penalty_is_computed_every_few_updates_and_measured_then_alone():
  """R1 every 4 updates, at 4 times its weight; its metric is the mean of what was measured."""
  lazy = lambda count: jnp.where(count % 4 == 0, 4 * 0.5, 0.0)
  learner = quadratic({"critic": {"r1": lazy}}, n_critic=3, lr=0.0)
  ts = learner.init(jax.random.key(0), PAIRS)
  step = jax.jit(learner.step)
  parts = PAIRS["a"].reshape(2, 3, 2).swapaxes(0, 1)
  penalties = (4 * parts**2).sum(-1).mean(-1)  # grad of x² is 2 x.
  values = (parts**2).sum(-1).mean(-1)
  for i in range(4):
    ts, metrics = step(ts, PAIRS, jax.random.key(i))
    measured = (3 * i + np.arange(3)) % 4 == 0
    expected = penalties[measured].mean() if measured.any() else np.nan
    np.testing.assert_allclose(metrics["r1_penalty"], expected, rtol=1e-5)
    loss = (values + measured * penalties).mean()  # 4 * 0.5 / 2 = 1.
    np.testing.assert_allclose(metrics["critic_loss"], loss, rtol=1e-5)


def test_a_loss_that_is_nan_in_one_update_is_nan():
  """A metric that is NaN was not measured, but a loss that is NaN is an error."""
  learner = quadratic(n_critic=2)
  ts = learner.init(jax.random.key(0), PAIRS)
  # Row 1 is in the second of the two parts of the batch.
  batch = PAIRS | {"a": PAIRS["a"].at[1].set(jnp.nan)}
  _, metrics = jax.jit(learner.step)(ts, batch, jax.random.key(0))
  assert np.isnan(metrics["critic_loss"])


def test_a_sub_network_with_a_lower_rate_moves_less():
  fast, slow = quadratic(), quadratic(rates={"mapping": 0.01})
  ts = fast.init(jax.random.key(0), PAIRS)
  moved = {}
  for name, learner in {"fast": fast, "slow": slow}.items():
    after, _ = jax.jit(learner.step)(ts, PAIRS, jax.random.key(1))
    moved[name] = jax.tree.map(lambda a, b: a - b, after.params, ts.params)
  expected = moved["fast"]
  expected["gen"]["mapping"]["kernel"] *= 0.01
  close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)
  jax.tree.map(close, moved["slow"], expected)
  assert np.abs(expected["gen"]["mapping"]["kernel"]).min() > 1e-4
  with pytest.raises(UserError, match="did you mean 'mapping'"):
    quadratic(rates={"maping": 0.01}).init(jax.random.key(0), PAIRS)
  with pytest.raises(UserError, match=r"schedules\.generator"):
    quadratic({"generator": {}})


def test_a_translator_samples_translations_of_what_it_is_given():
  fields = {"image": Field((4, 4, 3), np.uint8, 256), "edges": Field((4, 4, 1), np.uint8, 2)}

  def translate(params, state, given, key):
    """The brightness is that of the parameters, where there is an edge."""
    return {"image": 2 * params["gen"] * given["edges"].astype(jnp.float32).repeat(3, -1) - 1}

  init = lambda key, batch: ({"gen": jnp.array(0.5)}, {})
  model = translator_model(fields, init, translate, {"edges": fields["edges"]})
  edges = jnp.arange(32).reshape(2, 4, 4, 1) % 2
  params, state = model.init(jax.random.key(0), {})
  out = model.sample(params, state, jax.random.key(1), 2, {"edges": edges})
  assert set(out) == {"image"} and out["image"].dtype == np.uint8
  np.testing.assert_array_equal(out["image"], (128 * edges).repeat(3, -1))
  assert model.given == {"edges": fields["edges"]} and model.decode is None


def test_resuming_a_game_is_bit_exact(tmp_path):
  """Two players, two optimizers, an average, and the critic's state: all come back."""
  digits = data.load("digits")

  def run(folder, steps):
    tx = players(optax.adam(1e-3, b1=0.5), optax.adam(optax.linear_schedule(1e-3, 0.0, 24)))
    learner = sngan.learner(digits.fields, tx, latent=3, widths=(4,), n_critic=2, ema=0.99)
    loader = train_loader(
      digits, batch=16, steps_per_dispatch=3, seed=0, devices=jax.device_count()
    )
    with Log(folder, steps) as log:
      options = dict(steps=steps, steps_per_dispatch=3, log_every=3, save_every=6)
      return jax.device_get(loop.train(learner, loader, log, workdir=folder, **options))

  whole = run(tmp_path / "whole", 12)
  run(tmp_path / "cut", 6)
  chex.assert_trees_all_equal(run(tmp_path / "cut", 12), whole)
  assert not np.array_equal(*(jax.tree.leaves(w["gen"])[0] for w in (whole.params, whole.weights)))
