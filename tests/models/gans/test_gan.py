"""The GAN: R1 in closed form and in training, Algorithm 1, and how often each player is updated."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import expit, rel_entr
from scipy.stats import norm

from genjax_zoo.core import Field, UserError, unroll
from genjax_zoo.models.gans import gan

PLANE = {"x": Field((2,), np.float32)}
IMAGES = {"image": Field((6, 5, 3), np.uint8, 17)}


def players(tx):
  return {"gen": tx, "critic": tx}


def plane(n, seed=0):
  x = 2 + np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)
  return {"x": jnp.asarray(x), "weight": jnp.ones(n)}


def test_r1_of_a_linear_critic_is_half_its_squared_weights():
  batch, found = plane(32), {}
  for r1 in (0.0, 3.0):
    learner = gan.learner(PLANE, players(optax.sgd(0.1)), hidden=(), latent=3, r1=r1)
    ts = learner.init(jax.random.key(0), batch)
    found[r1] = jax.jit(learner.step)(ts, batch, jax.random.key(1))[1]["critic_loss"]
  kernel = next(w for w in jax.tree.leaves(ts.params["critic"]) if w.ndim == 2)
  np.testing.assert_allclose(found[3.0] - found[0.0], 3.0 / 2 * (kernel**2).sum(), rtol=1e-4)


@pytest.mark.parametrize("n_critic", [1, 3])
def test_algorithm_1(n_critic):
  """n_critic updates of the critic, each on a part of the batch, then one of the generator."""
  learner = gan.learner(
    PLANE, players(optax.sgd(0.3)), hidden=(4,), latent=3, n_critic=n_critic, loss="minimax"
  )
  batch, key = plane(12), jax.random.key(1)
  ts = learner.init(jax.random.key(0), batch)
  after, metrics = jax.jit(learner.step)(ts, batch, key)

  logits = lambda critic, x: learner.model.parts["critic"]({"critic": critic}, {}, {"x": x})

  def fakes(gen, key, n):
    k_z, _ = jax.random.split(key)  # The other key is that of augmentation.
    return learner.model.sample({"gen": gen}, {}, k_z, n)["x"]

  k_critic, k_gen = jax.random.split(key)
  gen, critic, losses = ts.params["gen"], ts.params["critic"], []
  descend = lambda params, grads: jax.tree.map(lambda p, g: p - 0.3 * g, params, grads)
  for i, k in enumerate(jax.random.split(k_critic, n_critic)):
    x = batch["x"][i::n_critic]

    def minus_value(critic, x=x, k=k):
      k_fake, _ = jax.random.split(k)
      D_real = jax.nn.sigmoid(logits(critic, x))
      D_fake = jax.nn.sigmoid(logits(critic, fakes(gen, k_fake, len(x))))
      return -(jnp.log(D_real) + jnp.log(1 - D_fake)).mean()

    value, grads = jax.value_and_grad(minus_value)(critic)
    critic, losses = descend(critic, grads), [*losses, value]

  def log_1_minus_D(gen):
    D_fake = jax.nn.sigmoid(logits(critic, fakes(gen, k_gen, 12 // n_critic)))
    return jnp.log(1 - D_fake).mean()

  value, grads = jax.value_and_grad(log_1_minus_D)(gen)
  close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
  jax.tree.map(close, after.params, {"gen": descend(gen, grads), "critic": critic})
  close(metrics["critic_loss"], np.mean(losses))
  close(metrics["gen_loss"], value)


def test_updates_are_counted_and_the_generator_averaged():
  learner = gan.learner(
    PLANE, players(optax.adam(1e-2)), hidden=(8,), latent=3, n_critic=4, ema=0.9
  )
  batch = plane(40)
  ts = learner.init(jax.random.key(0), batch)
  assert set(ts.ema) == {"gen"}
  step, mean = jax.jit(learner.step), ts.params["gen"]
  for i in range(5):
    ts, metrics = step(ts, batch, jax.random.key(i))
    decay = min(0.9, (1 + i) / (10 + i))
    mean = jax.tree.map(lambda m, p, d=decay: d * m + (1 - d) * p, mean, ts.params["gen"])
  counts = {name: int(opt[0].count) for name, opt in ts.opt.items()}
  assert counts == {"gen": 5, "critic": 20} and int(ts.step) == 5
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ts.weights["gen"], mean
  )
  assert set(metrics) == {"gen_loss", "critic_loss", "real_logit", "fake_logit"}


def test_the_optimal_discriminator_is_p_over_p_plus_q_and_its_value_2_jsd_less_log_4():
  """G(z) = z is frozen, as leaky(leaky(z)) - leaky(leaky(-z)) = 1.04 z; the data are N(1, 0.6²)."""
  line = {"x": Field((1,), np.float32)}
  n = 512
  tx = {"gen": optax.set_to_zero(), "critic": optax.adam(optax.linear_schedule(5e-3, 0.0, 2000))}
  learner = gan.learner(line, tx, latent=1, hidden=(32, 32))
  draw = lambda key: {"x": 1 + 0.6 * jax.random.normal(key, (n, 1)), "weight": jnp.ones(n)}
  ts = learner.init(jax.random.key(0), draw(jax.random.key(0)))
  ends = jnp.zeros((1, 32)).at[0, :2].set(jnp.array([1.0, -1.0]))
  for name, kernel in {"Dense_0": ends, "Dense_1": jnp.eye(32), "Dense_2": ends.T / 1.04}.items():
    ts.params["gen"]["layers_0"][name]["kernel"] = kernel
  step = lambda ts, _, key: learner.step(ts, draw(key), jax.random.fold_in(key, 1))
  ts, _ = jax.jit(unroll(step, jax.random.key(1), 2000))(ts, None)

  x = np.linspace(-6, 6, 2001, dtype=np.float32)
  p, q, cell = norm.pdf(x, 1, 0.6), norm.pdf(x, 0, 1), x[1] - x[0]
  logits = np.asarray(learner.model.parts["critic"](ts.params, {}, {"x": x[:, None]}), np.float64)
  m = (p + q) / 2
  jsd = (rel_entr(p, m) + rel_entr(q, m)).sum() * cell / 2
  value = -(p * np.logaddexp(0, -logits) + q * np.logaddexp(0, logits)).sum() * cell
  assert value == pytest.approx(2 * jsd - np.log(4), abs=1e-2)
  assert (np.abs(expit(logits) - p / (p + q)) * m).sum() * cell < 1e-2


def test_r1_makes_the_dirac_gan_converge():
  """Data at one point, a generator that moves a point, a linear critic (Mescheder 2018, section 2).

  After 2,000 steps gradient descent circles around the equilibrium without R1, and has reached it
  with R1.
  """
  batch, distance = {"x": jnp.ones((8, 2)), "weight": jnp.ones(8)}, {}
  for r1 in (0.0, 1.0):
    learner = gan.learner(PLANE, players(optax.sgd(0.1)), hidden=(), latent=1, r1=r1)
    ts = learner.init(jax.random.key(0), batch)
    # The generator's bias alone: one point.
    still = lambda x: jnp.zeros_like(x) if x.ndim == 2 else x
    ts = ts.replace(
      params={"gen": jax.tree.map(still, ts.params["gen"]), "critic": ts.params["critic"]}
    )

    def step(ts, _, key, learner=learner):
      new, _ = learner.step(ts, batch, key)
      new = new.replace(params=new.params | {"gen": jax.tree.map(still, new.params["gen"])})
      return new, jnp.abs(learner.model.sample(new.params, {}, key, 1)["x"] - 1).max()

    _, distance[r1] = jax.jit(unroll(step, jax.random.key(1), 2000))(ts, None)
  assert distance[1.0][-500:].max() < 1e-3
  assert distance[0.0][-500:].max() > 0.1


@pytest.mark.parametrize("network, hidden", [("mlp", (16,)), ("conv", (4, 8))])
def test_samples_have_the_shape_dtype_and_gray_levels_of_the_data(network, hidden):
  learner = gan.learner(
    IMAGES, players(optax.adam(1e-3)), latent=4, hidden=hidden, network=network, r1=1.0
  )
  image = np.random.default_rng(0).integers(17, size=(8, 6, 5, 3)).astype(np.uint8)
  batch = {"image": jnp.asarray(image), "weight": jnp.ones(8)}
  ts = jax.jit(learner.init)(jax.random.key(0), batch)
  ts, metrics = jax.jit(learner.step)(ts, batch, jax.random.key(1))
  assert all(np.isfinite(v) for v in metrics.values())
  sample = jax.jit(learner.model.sample, static_argnames="n")
  # tanh saturates: the lowest and the highest gray level are reached, and not exceeded.
  large = jax.tree.map(lambda x: 1e3 * x, ts.weights)
  out = sample(large, {}, jax.random.key(2), n=50)["image"]
  assert out.shape == (50, 6, 5, 3) and out.dtype == np.uint8
  assert int(out.min()) == 0 and int(out.max()) == 16
  cold = sample(ts.weights, {}, jax.random.key(2), n=3, temperature=0.0)["image"]
  np.testing.assert_array_equal(cold, cold[:1].repeat(3, 0))


@pytest.mark.parametrize(
  "data, options, message",
  [
    (PLANE, {"loss": "minmax"}, "minimax"),
    (PLANE, {"network": "conv"}, "'mlp'"),
    (IMAGES, {"network": "cnn"}, "conv"),
    (PLANE, {"augment": ("cutout",)}, "images"),
    (IMAGES, {"augment": ("color",)}, "colour"),
  ],
)
def test_options_that_do_not_fit_are_refused(data, options, message):
  with pytest.raises(UserError, match=message):
    gan.learner(data, players(optax.sgd(1.0)), **options)
