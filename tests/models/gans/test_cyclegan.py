"""CycleGAN: the pool is the paper's, the losses are made of its parts, and training resumes."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo import loop
from genjax_zoo.core import Field, UserError, check_sizes
from genjax_zoo.data import Dataset
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log
from genjax_zoo.models._form import to_floats
from genjax_zoo.models.gans import cyclegan
from genjax_zoo.models.gans.cyclegan import empty_pool, exchange
from genjax_zoo.nn.patch_critic import PatchCritic
from genjax_zoo.nn.translators import ResidualTranslator

FIELD = Field((8, 8, 1), np.uint8, 17, kind="image")
DATA = {"image_a": FIELD, "image_b": FIELD}
SMALL = {"width": 4, "blocks": 1, "critic": (4,)}
KEY, N = jax.random.key(0), 8
swapping = jax.jit(exchange)


def images(n=N):
  rng = np.random.default_rng(0)
  return {name: rng.integers(17, size=(n, 8, 8, 1)).astype(np.uint8) for name in DATA}


def test_the_pool_is_that_of_the_paper_one_image_after_the_other():
  """Against a loop; images are numbers, each of its own."""
  pool, mine = empty_pool(3, (1,)), []
  for step in range(6):
    key = jax.random.key(step)
    x = 1.0 + np.arange(4) + 4 * step
    shown, pool = swapping(pool, jnp.asarray(x)[:, None], key)
    k_swap, k_place = jax.random.split(key)
    swaps = np.asarray(jax.random.bernoulli(k_swap, 0.5, (4,)))
    places = np.asarray(jax.random.randint(k_place, (4,), 0, 3))
    expected = []
    for image, swap, place in zip(x, swaps, places):
      if len(mine) < 3:
        mine.append(image)
        expected.append(image)
      elif swap:
        expected.append(mine[place])
        mine[place] = image
      else:
        expected.append(image)
    np.testing.assert_array_equal(shown[:, 0], expected)
    np.testing.assert_array_equal(pool["images"][:, 0], mine)
  assert int(pool["filled"]) == 3


def test_half_of_what_is_shown_is_old_and_from_any_place():
  pool, _ = empty_pool(5, ()), None
  _, pool = swapping(pool, jnp.arange(5.0), KEY)
  np.testing.assert_array_equal(pool["images"], np.arange(5.0))  # The first fill it.
  first = [swapping(pool, jnp.full(1, 9.0), jax.random.key(i))[0][0] for i in range(300)]
  old = np.asarray(first)[np.asarray(first) < 9].astype(int)
  assert abs(len(old) - 150) < 4 * 9 and (np.bincount(old, minlength=5) > 10).all()


def test_without_a_pool_what_comes_is_shown():
  shown, pool = exchange(empty_pool(0, (2,)), jnp.ones((3, 2)), KEY)
  assert (shown == 1).all() and pool == {}
  check_sizes("model", {"pool": 0}, {"pool": 50})  # A config may ask for none.


@functools.cache
def moved(**options):
  """(learner, its state with biases that are not 0, a batch)."""
  still = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  learner = cyclegan.learner(DATA, still, **SMALL | options)
  batch = {name: jnp.asarray(x) for name, x in images().items()}
  ts = jax.jit(learner.init)(KEY, batch)
  keys = iter(jax.random.split(KEY, 100))
  noisy = lambda p: p + 0.2 * jax.random.normal(next(keys), p.shape)
  return learner, ts.replace(params=jax.tree.map(noisy, ts.params)), batch


def by_hand(params, batch):
  """((critic_loss, gen_loss, what both cycles lose), ab(a)), with cycle = 3, identity = 1/4."""
  a, b = (to_floats(batch[name], FIELD) for name in DATA)
  net, patches = ResidualTranslator(4, 1, 1), PatchCritic((4,))
  to = lambda name, x: jnp.tanh(net.apply({"params": params["gen"][name]}, x))
  l_a, l_b = (lambda x, p=params["critic"][name]: patches.apply({"params": p}, x) for name in DATA)
  made_a, made_b = to("image_a", b), to("image_b", a)
  squares = lambda real, fake: (((real - 1) ** 2 + fake**2) / 2).mean()
  critic_loss = squares(l_a(a), l_a(made_a)) + squares(l_b(b), l_b(made_b))
  away = lambda x, y: jnp.abs(x - y).mean()
  lost = away(to("image_a", made_b), a) + away(to("image_b", made_a), b)
  changed = away(to("image_b", b), b) + away(to("image_a", a), a)
  fooled = ((l_b(made_b) - 1) ** 2 / 2).mean() + ((l_a(made_a) - 1) ** 2 / 2).mean()
  return (critic_loss, fooled + 3 * (lost + changed / 4), lost), made_b


def test_losses_are_those_of_the_paper():
  """Least squares, both cycles, both identities; the pool is empty, so all fakes are shown."""
  learner, ts, batch = moved(cycle=3.0, identity=0.25)
  after, metrics = jax.jit(learner.step)(ts, batch, KEY)
  (critic_loss, gen_loss, lost), made_b = jax.jit(by_hand)(ts.params, batch)
  np.testing.assert_allclose(metrics["critic_loss"], critic_loss, rtol=1e-4)
  np.testing.assert_allclose(metrics["gen_loss"], gen_loss, rtol=1e-4)
  np.testing.assert_allclose(metrics["cycle_l1"], lost / 2, rtol=1e-4)
  np.testing.assert_allclose(after.state["pool"]["image_b"]["images"][:N], made_b, atol=1e-5)
  evaluated = jax.jit(learner.model.evaluate)(ts.params, ts.state, batch, KEY)
  np.testing.assert_allclose(
    evaluated["cycle_l1_a"].mean() + evaluated["cycle_l1_b"].mean(), lost, rtol=1e-4
  )


def test_samples_are_of_the_other_domain_and_go_there_and_back():
  learner, ts, batch = moved()
  sample = jax.jit(learner.model.sample, static_argnums=3)
  made = sample(ts.params, ts.state, KEY, N, {"image_a": batch["image_a"]})
  assert set(made) == {"image_b"} and set(learner.model.given) == {"image_a"}
  both = sample(ts.params, ts.state, KEY, N, batch)
  assert set(both) == set(DATA) and not np.array_equal(both["image_a"], both["image_b"])
  cycles = jax.jit(learner.model.parts["cycles"])(ts.params, ts.state, batch)
  np.testing.assert_array_equal(cycles["image_a"][0], made["image_b"])
  assert (cycles["image_a"][1] != cycles["image_a"][0]).any()


@pytest.mark.slow
def test_resuming_is_bit_exact_with_the_pool(tmp_path):
  splits = {"train": images(40), "test": images(8)}
  dataset = Dataset("domains", DATA, splits, unpaired=("image_b",))

  def run(folder, steps):
    tx = {"gen": optax.adam(1e-3), "critic": optax.adam(1e-3)}
    learner = cyclegan.learner(DATA, tx, pool=9, ema=0.9, **SMALL)
    loader = train_loader(dataset, batch=4, steps_per_dispatch=2, seed=0)
    with Log(folder, steps) as log:
      options = dict(steps=steps, steps_per_dispatch=2, log_every=2, save_every=2)
      return jax.device_get(loop.train(learner, loader, log, workdir=folder, **options))

  whole = run(tmp_path / "whole", 6)
  run(tmp_path / "cut", 4)
  chex.assert_trees_all_equal(run(tmp_path / "cut", 6), whole)
  assert whole.state["pool"]["image_a"]["filled"] == 9


@pytest.mark.parametrize(
  "data", [{"image": FIELD}, {"image_a": FIELD, "image_b": FIELD._replace(shape=(8, 8, 3))}]
)
def test_data_without_two_domains_of_one_shape_are_refused(data):
  with pytest.raises(UserError, match="take domains:PATH or two_renderings"):
    cyclegan.learner(data, {"gen": optax.sgd(1.0), "critic": optax.sgd(1.0)})
