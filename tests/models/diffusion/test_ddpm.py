"""The diffusion model: its bound is exact for known distributions, its options do what they say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.diffusion import ddpm, improved_ddpm
from genjax_zoo.models.diffusion._space import space_of
from genjax_zoo.prob import schedules
from genjax_zoo.prob.processes import posterior

POINTS = {"x": Field((3,), np.float32)}
IMAGES = {"image": Field((4, 4, 1), np.uint8, 5), "label": Field((), np.int32, 3)}
KEY = jax.random.key(0)
BATCH = {
  "image": jax.random.randint(KEY, (6, 4, 4, 1), 0, 5).astype(jnp.uint8),
  "label": jnp.array([0, 1, 2, 0, 1, 2]),
}
MLP = {"name": "mlp", "hidden": (8,)}
mlp = functools.partial(ddpm.model, network=MLP)
improved = functools.partial(improved_ddpm.model, network=MLP)


def untrained(model, batch):
  """Parameters of a network that has not been trained: its output is 0."""
  return jax.jit(model.init)(KEY, batch)


def perturbed(model, batch):
  """Parameters of a network whose output is not 0."""
  params, state = untrained(model, batch)
  return jax.tree.map(lambda p: p + 0.3 * jax.random.normal(KEY, p.shape), params), state


def gaussian_terms(T, dim, variance):
  """E term_t for t >= 2, exp of var's logarithm at t = 1, of a network with eps_hat = 0: E|eps|² =
  dim.
  """
  a, s = (np.float64(v) for v in schedules.cosine(T))
  t, before = np.arange(2, T + 1), np.arange(1, T)
  large = s[t] ** 2 - (a[t] / a[before]) ** 2 * s[before] ** 2
  small = large * (s[before] / s[t]) ** 2
  var = {"small": small, "large": large, "learned": np.sqrt(small * large)}[variance]
  # |mean - mean_hat|² of |eps - eps_hat|² = 1.
  weight = (a[before] * large / s[t] ** 2) ** 2 * (s[t] / a[t]) ** 2
  first = {"small": small[0], "large": s[1] ** 2, "learned": np.sqrt(small[0] * s[1] ** 2)}[
    variance
  ]
  return dim * 0.5 * (np.log(var / small) + small / var - 1 + weight / var), first, a, s


slow = pytest.mark.slow


@pytest.mark.parametrize(
  "variance", [pytest.param("small", marks=slow), pytest.param("large", marks=slow), "learned"]
)
def test_the_bound_of_an_untrained_network(variance):
  """All terms in closed form, for each of the three variances; the learned one at v = 1/2."""
  T, D, n = 20, 3, 3000
  make = functools.partial(improved, objective="bound") if variance == "learned" else mlp
  model = make(POINTS, T=T, schedule="cosine", variance=variance)
  x = jnp.broadcast_to(jax.random.normal(KEY, (1, D)), (n, D))
  params, state = untrained(model, {"x": x})
  bound = jax.jit(lambda key: model.log_prob(params, state, {"x": x}, key, k=T - 1))(
    jax.random.key(1)
  )
  terms, first, a, s = gaussian_terms(T, D, variance)
  # x0_hat = x_0 + sigma_1 / alpha_1 eps.
  decoder = -0.5 * D * (np.log(2 * np.pi * first) + (s[1] / a[1]) ** 2 / first)
  prior = 0.5 * ((a[-1] * x[0]) ** 2 + s[-1] ** 2 - 1 - 2 * np.log(s[-1])).sum()
  np.testing.assert_allclose(
    bound.mean(), decoder - terms.sum() - prior, atol=5 * bound.std() / n**0.5
  )


@pytest.mark.parametrize("T, bits", [(200, 0.93), (4000, 0.07)])
def test_a_coarse_first_level_costs_bits_that_no_network_saves(T, bits):
  """p(x_0 | x_1) has one variance for all pixels: what is sharp, as black is, costs bits too.

  The bits/dim of an image of MNIST's 81 % black pixels, and of others gray, by a network that knows
  x_0: a black pixel has the mass of all that is below half a gray level above it.
  """
  data = {"image": Field((10, 10, 1), np.uint8, 256)}
  image = np.repeat(np.array([0, 128], np.uint8), [81, 19]).reshape(1, 10, 10, 1)
  chain = ddpm.Chain(space_of(data), schedules.cosine(T), "small")
  knows = lambda x, level: (chain.space.to_floats({"image": image}), None, None)
  first = jnp.ones(1, jnp.int32)
  nats = ddpm.bound_term(knows, {"image": image}, first, jnp.zeros(image.shape), chain)
  _, small, _ = posterior(0.0, 0.0, chain.levels.at(1), chain.levels.at(2))
  below = norm.cdf(1 / 255 / np.sqrt(small))  # A gray level is 2 / 255 in [-1, 1].
  expected = -(0.81 * np.log2(below) + 0.19 * np.log2(2 * below - 1))
  np.testing.assert_allclose(nats[0] / 100 / np.log(2), expected, rtol=2e-3)
  np.testing.assert_allclose(expected, bits, atol=0.005)


def test_the_cosine_schedule_s_last_step_ruins_an_unclipped_bound():
  """snr falls 1000 times in it: an error of 0.02 in eps² costs 10 nats a number, clipped images'
  next to nothing.
  """
  a, s = (np.float64(v) for v in schedules.cosine(1000))
  snr = (a[-2:] / s[-2:]) ** 2
  assert 0.5 * (snr[0] / snr[1] - 1) == pytest.approx(499.5, rel=0.01)
  assert 0.5 * (snr[0] - snr[1]) * 2**2 < 1e-4  # |x_0 - x0_hat| is at most 2.


@slow
def test_the_bound_does_not_depend_on_k_and_the_loss_is_unbiased():
  """However many terms are drawn, and with what probabilities of t."""
  model = improved(POINTS, T=30, objective="bound", variance="small")
  x = jnp.broadcast_to(jax.random.normal(KEY, (1, 3)), (8000, 3))
  params, state = untrained(model, {"x": x})
  draw = jax.jit(lambda k, key: model.log_prob(params, state, {"x": x}, key, k=k), static_argnums=0)
  few, many = draw(2, jax.random.key(2)), draw(29, jax.random.key(3))
  np.testing.assert_allclose(few.mean(), many.mean(), atol=5 * float(few.std() / 8000**0.5))
  assert many.std() < few.std()
  loss = jax.jit(lambda state, key: model.loss(params, state, {"x": x}, key, train=True))
  uniform, (changes, _) = loss(state, jax.random.key(4))
  np.testing.assert_allclose(
    -uniform.mean(), many.mean(), atol=5 * float(uniform.std() / 8000**0.5)
  )
  for i in range(60):
    _, (changes, _) = loss(state, jax.random.key(i))
    state = state | changes
  importance, _ = loss(state, jax.random.key(99))
  np.testing.assert_allclose(
    -importance.mean(), many.mean(), atol=5 * float(importance.std() / 8000**0.5)
  )
  assert importance.std() < 0.7 * uniform.std()


def test_algorithm_1_of_an_untrained_network():
  """eps_hat = 0: L_simple is |eps|² / D, of the expectation 1; x0_hat = 0 has |x_0|² / D."""
  batch = {"x": 2 * jax.random.normal(KEY, (4000, 3))}
  for prediction, expected in ("eps", 1.0), ("x0", 4.0):
    model = mlp(POINTS, T=20, prediction=prediction)
    params, state = untrained(model, batch)
    loss, _ = model.loss(params, state, batch, KEY, train=True)
    assert loss.shape == (4000,)
    np.testing.assert_allclose(loss.mean(), expected, rtol=0.05)


@pytest.mark.parametrize("T", [1, 2, 30])
def test_the_learned_variance_is_between_those_of_the_posterior(T):
  """v = 0 is the smaller one, that of t = 2 at t = 1 where it would be 0; v = 1 the larger one."""
  chain = ddpm.Chain(None, schedules.cosine(T), "learned")
  t = jnp.arange(1, T + 1)
  _, small, large = posterior(0.0, jnp.zeros((T, 1)), chain.levels.at(t - 1), chain.levels.at(t))
  log_var = lambda v: ddpm.reverse_log_variance(chain, small, large, v)[:, 0]
  least = np.array(small[:, 0])
  least[0] = min(least[1], large[0, 0]) if T > 1 else large[0, 0]
  np.testing.assert_allclose(log_var(0.0), np.log(least), rtol=1e-5)
  np.testing.assert_allclose(log_var(1.0), np.log(large[:, 0]), rtol=1e-5)
  np.testing.assert_allclose(log_var(0.3), 0.3 * log_var(1.0) + 0.7 * log_var(0.0), rtol=1e-5)


def test_running_mean():
  mean = improved_ddpm.running_mean(jnp.ones(4), jnp.array([1, 1, 3]), jnp.array([2.0, 4.0, 1.0]))
  np.testing.assert_allclose(mean, [1, 0.9 + 0.3, 1, 1], rtol=1e-6)


def test_probabilities_of_all_levels_sum_to_at_most_one():
  """One pixel of 5 levels, v_hat = 0, right for N(0, 1): the exponential of the bound is less than
  a mass.
  """
  one = {"image": Field((1, 1, 1), np.uint8, 5)}
  model = mlp(one, T=20, schedule="cosine", prediction="v")
  image = jnp.repeat(jnp.arange(5, dtype=jnp.uint8), 500).reshape(-1, 1, 1, 1)
  params, state = untrained(model, {"image": image})
  bound = (
    jax.jit(lambda: model.log_prob(params, state, {"image": image}, KEY, k=19))()
    .reshape(5, 500)
    .mean(1)
  )
  assert 0.1 < jnp.exp(bound).sum() < 1


@slow
def test_the_hybrid_loss_trains_the_variance_by_the_bound_and_the_mean_by_the_simple_loss():
  batch = {"x": jax.random.normal(KEY, (64, 3))}
  hybrid = improved(POINTS, T=20)
  simple = mlp(POINTS, T=20, schedule="cosine")
  params, state = perturbed(hybrid, batch)

  def last(tree):
    """The last layer's kernel: three columns for the mean, three for the variance."""
    layers = tree["net"]["body"].values()
    return next(v for v in layers if "kernel" in v and v["kernel"].shape[-1] in (3, 6))

  def mean_alone(params):
    """The parameters of the same network without its output for the variance."""
    cut = lambda p: p[..., :3] if p.shape[-1] == 6 else p
    return jax.tree.map(cut, params)

  def slope(model, params):
    loss = lambda p: model.loss(p, state, batch, KEY, train=True)[0].mean()
    return last(jax.jit(jax.grad(loss))(params))["kernel"]

  of_hybrid = slope(hybrid, params)
  np.testing.assert_allclose(
    of_hybrid[:, :3], slope(simple, mean_alone(params)), rtol=1e-4, atol=1e-6
  )
  assert np.abs(of_hybrid[:, 3:]).max() > 0


@slow
def test_samplers_and_guidance():
  model = mlp(IMAGES, T=10, schedule="cosine", condition=("label",))
  params, state = perturbed(model, BATCH)
  given = {"label": BATCH["label"]}

  def draw(**options):
    return np.asarray(
      jax.jit(lambda: model.sample(params, state, KEY, 6, given, **options)["image"])()
    )

  assert model.given == {"label": IMAGES["label"]}
  other = draw(sampler="ddim", eta=0.0) != draw(sampler="ddim", eta=0.0, scale=1.0)
  assert other.mean() < 0.02  # Two programs: gray levels may round otherwise.
  assert (draw(sampler="ddim") != draw(sampler="ancestral")).any()
  assert (draw(sampler="ddim", scale=5.0) != draw(sampler="ddim", scale=5.0, threshold=0.9)).any()
  assert (
    model.calls(steps=5) == 5
    and model.calls(steps=5, sampler="heun", scale=2.0) == 18
    and model.calls() == 10
  )
  learned = improved(IMAGES, T=10, condition=("label",))
  assert (
    learned.calls() == 10
    and learned.calls(scale=2.0) == 30
    and learned.calls(scale=2.0, variance="small") == 20
  )


def test_what_is_known_stays():
  """Painting in keeps the known pixels and changes others with the key."""
  model = mlp(IMAGES, T=10, schedule="cosine")
  params, state = perturbed(model, BATCH)
  known = jnp.zeros((6, 4, 4, 1), bool).at[:, :2].set(True)
  given = {"image": BATCH["image"], "known": known}
  draw = jax.jit(lambda key: model.sample(params, state, key, 6, given, repeats=2)["image"])
  one, two = draw(KEY), draw(jax.random.key(1))
  np.testing.assert_array_equal(one[:, :2], BATCH["image"][:, :2])
  assert (one[:, 2:] != two[:, 2:]).any()


@slow
def test_labels_are_dropped_in_training_only():
  model = lambda drop: mlp(IMAGES, T=10, condition=("label",), drop=drop)
  params, state = perturbed(model(0.0), BATCH)
  unlabelled = {"image": BATCH["image"]}

  def loss(drop, batch, train):
    return jax.jit(lambda: model(drop).loss(params, state, batch, KEY, train)[0])()

  null = loss(0.0, unlabelled, True)
  np.testing.assert_allclose(loss(1.0, BATCH, True), null, rtol=1e-6)
  np.testing.assert_allclose(loss(1.0, BATCH, False), loss(0.0, BATCH, False), rtol=1e-6)
  assert not np.allclose(loss(0.0, BATCH, True), null)


def test_inversion_is_undone():
  """v_hat = 0 is exact for N(0, I) data: there encode and decode are the identity."""
  model = mlp(POINTS, T=60, schedule="cosine", prediction="v")
  batch = {"x": jax.random.normal(KEY, (50, 3))}
  params, state = untrained(model, batch)
  z = jax.jit(model.encode)(params, state, batch, KEY)
  np.testing.assert_allclose(z["z"], batch["x"], atol=0.02)
  np.testing.assert_allclose(
    jax.jit(model.decode)(params, state, z, KEY)["x"], batch["x"], atol=0.02
  )


def test_the_chain_goes_from_noise_to_data():
  """With v_hat = 0, right for N(0, I), x stays and x0_hat = alpha x."""
  model = mlp(POINTS, T=60, schedule="cosine", prediction="v")
  params, state = untrained(model, {"x": jnp.zeros((1, 3))})
  x, x0 = model.parts["chain"](params, state, KEY, 5, frames=6)
  assert x.shape == x0.shape == (6, 5, 3)
  alpha = schedules.respaced(schedules.cosine(60), 6).alpha[:-1]
  np.testing.assert_allclose(x0, alpha[:, None, None] * x, atol=1e-5)


@pytest.mark.parametrize(
  "data, options, wrong",
  [
    (POINTS, {"network": {"name": "unet"}}, "take 'mlp'"),
    (POINTS, {"schedule": "cosin"}, "cosine"),
    (POINTS, {"prediction": "noise"}, "noise"),
    (POINTS, {"condition": ("label",)}, "no 'label'"),
    (POINTS, {"variance": "learned"}, "learned"),
  ],
)
def test_mistakes_are_named(data, options, wrong):
  with pytest.raises(UserError, match=wrong):
    mlp(data, **options)


def test_a_bound_of_no_terms_is_refused():
  model = mlp(POINTS, T=5)
  batch = {"x": jnp.zeros((2, 3))}
  params, state = untrained(model, batch)
  with pytest.raises(UserError, match="k=0"):
    model.log_prob(params, state, batch, KEY, k=0)


def test_several_scales_and_an_interval():
  """Outside of the interval every scale is 1: the conditional model."""
  model = mlp(IMAGES, T=10, condition=("label",))
  params, state = perturbed(model, BATCH)
  draw = jax.jit(
    lambda **options: model.sample(params, state, KEY, 6, BATCH, "ddim", 5, **options)["image"],
    static_argnames=("interval",),
  )
  plain = draw(scale=1.0)
  never = draw(scale={"label": 5.0}, interval=(1e6, 1e7))
  assert np.mean(np.asarray(plain) != np.asarray(never)) < 0.02  # Gray levels may round otherwise.
  assert (draw(scale={"label": 5.0}, interval=(0.0, 1e9)) != plain).any()
  assert model.calls(steps=5, scale={"label": 5.0}) == 10
  with pytest.raises(UserError, match="one scale for each"):
    model.calls(scale={"caption": 2.0})


def test_a_hybrid_loss_needs_a_variance_to_train():
  with pytest.raises(UserError, match="learned"):
    improved(POINTS, variance="small")


def test_a_variance_is_learned_only_where_a_loss_trains_it():
  """The simple losses have no gradient to it."""
  with pytest.raises(UserError, match=r"model\.variance='learned'"):
    mlp(POINTS, variance="learned")
  for objective in ("simple", "min_snr"):
    with pytest.raises(UserError, match=r"model\.objective"):
      improved(POINTS, objective=objective)


@pytest.mark.parametrize(
  "options",
  [
    {"sampler": "ddimm"},
    {"steps": 6},
    {"steps": 0},
    {"scale": 2.0},
    {"sampler": "ddim", "etta": 1.0},
    {"sampler": "dpm_solver_single", "steps": 3},
  ],
)
def test_mistakes_in_sampling_are_named(options):
  """In sampling, and before training, when the evaluations are counted."""
  model = mlp(POINTS, T=5)
  for ask in (lambda: model.sample({}, {}, KEY, 2, **options), lambda: model.calls(**options)):
    with pytest.raises(UserError, match=r"sample\."):
      ask()


def test_levels_even_in_log_snr_begin_and_end_where_the_chain_does():
  model = mlp({"x": Field((2,), np.float32)}, T=60, schedule="cosine")
  path = lambda steps, even: model.parts["path"](None, None, steps, even=even).log_snr
  whole, even = path(60, False), path(10, True)
  np.testing.assert_allclose(np.diff(even[1:-1]), (whole[-2] + 9) / 9, rtol=1e-4)
  np.testing.assert_allclose(even[jnp.array([0, -2, -1])], whole[jnp.array([0, -2, -1])], rtol=1e-5)
