"""Games with other critics: Wasserstein's distance, spectral norms, classes, batch statistics; and
resuming one.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

from genjax_zoo import data, loop
from genjax_zoo.core import Field, UserError, unroll
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log
from genjax_zoo.models.gans import cgan, dcgan, gan, sngan, wgan

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
  """G(z) = relu(z) - relu(-z) = z against N(mean, sd²). On a line W1 is that of equal quantiles, E
  |mean + (sd - 1) z|.

  The penalty lets the best slope be about 1 + W1 / (2 penalty): a few percent too much.
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
  batch, found = {"x": jnp.full((8, 1), 2.0), "weight": jnp.ones(8)}, {}
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
  loud = jax.tree.map(lambda w: 7.0 * w if w.ndim > 1 else w, ts.params["critic"])
  critic = jax.jit(lambda params: learner.model.parts["critic"](params, ts.state, images()))
  np.testing.assert_allclose(
    critic(ts.params | {"critic": loud}), critic(ts.params), rtol=1e-4, atol=1e-5
  )


@pytest.mark.parametrize("condition", ["projection", "concatenation"])
def test_the_label_reaches_both_players(condition):
  learner, ts = started(cgan, condition=condition)
  batch, other = images(), images() | {"label": (images()["label"] + 1) % 3}
  logits = lambda batch: learner.model.parts["critic"](ts.params, ts.state, batch)
  assert np.abs(logits(batch) - logits(other)).min() > 0
  draw = lambda batch: learner.model.sample(ts.params, ts.state, jax.random.key(1), 12, batch)[
    "image"
  ]
  assert (draw(batch) != draw(other)).any((1, 2, 3)).all()


def test_a_projection_critic_is_linear_in_the_class_vector():
  """l(x, y) - l(x, y') = (v(y) - v(y')) . phi(x): its table of classes, doubled, doubles the
  difference.
  """
  learner, ts = started(cgan, condition="projection")
  batch, other = images(), images() | {"label": (images()["label"] + 1) % 3}

  def difference(scale):
    critic = ts.params["critic"] | {
      "Embed_0": {"embedding": scale * ts.params["critic"]["Embed_0"]["embedding"]}
    }
    logits = lambda batch: learner.model.parts["critic"](
      ts.params | {"critic": critic}, ts.state, batch
    )
    return logits(batch) - logits(other)

  np.testing.assert_allclose(difference(2.0), 2 * difference(1.0), rtol=1e-3, atol=1e-4)


def test_a_sample_of_the_dcgan_does_not_depend_on_its_batch_but_training_does():
  learner, ts = started(dcgan, n_critic=1)
  z = jax.random.normal(jax.random.key(1), (6, 3))
  together = learner.model.decode(ts.params, ts.state, {"z": z})["image"]
  alone = learner.model.decode(ts.params, ts.state, {"z": z[2:3]})["image"]
  np.testing.assert_array_equal(together[2:3], alone)
  after, _ = jax.jit(learner.step)(ts, images(), jax.random.key(2))
  for player in ("gen", "critic"):
    moved = jax.tree.map(
      lambda a, b: not np.array_equal(a, b), after.state[player], ts.state[player]
    )
    assert all(jax.tree.leaves(moved)), player


@pytest.mark.parametrize(
  "module, data, options, told",
  [
    (wgan, IMAGES, {"penalty": 0.0}, "constraint"),
    (cgan, {"x": Field((2,), np.float32)}, {}, "'label'"),
    (wgan, IMAGES, {"n_critic": 0}, "n_critic=0"),
    (cgan, IMAGES, {"condition": "sum"}, "projection"),
    (sngan, LINE, {}, "images"),
    (dcgan, LINE, {}, "images"),
  ],
)
def test_what_does_not_fit_is_told(module, data, options, told):
  with pytest.raises(UserError, match=told):
    module.learner(data, players(optax.sgd(1.0)), **options)
  with pytest.raises(UserError, match="lacks 'critic'"):
    gan.learner(IMAGES, {"gen": optax.sgd(1.0)})


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
