"""StarGAN v2: its losses from its networks, styles by latents and by references, domains."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import to_floats
from genjax_zoo.models.gans import stargan_v2
from genjax_zoo.models.gans.stargan_v2 import Networks, of_domain
from genjax_zoo.nn import styled

FIELD = Field((8, 8, 1), np.uint8, 17, kind="image")
DATA = {"image": FIELD, "label": Field((), np.int32, 3)}
SMALL = {"widths": (4, 6), "blocks": 1, "critic": (4, 4), "latent": 2, "features": 3, "hidden": 5}
KEY, N = jax.random.key(0), 6
softplus = lambda x: np.logaddexp(0, x)


@functools.cache
def started(**options):
  """(learner, its state, a batch)."""
  still = {"gen": optax.sgd(0.0), "critic": optax.sgd(0.0)}
  learner = stargan_v2.learner(DATA, still, **SMALL | options)
  image = jax.random.randint(KEY, (N, 8, 8, 1), 0, 17).astype(jnp.uint8)
  batch = {"image": image, "label": jnp.arange(N) % 3, "weight": jnp.ones(N)}
  ts = jax.jit(learner.init)(KEY, batch)
  # Larger logits, so that their losses tell them apart.
  critic = jax.tree.map(lambda p: 2 * p, ts.params["critic"])
  return learner, ts.replace(params=ts.params | {"critic": critic}), batch


def networks():
  return Networks(
    styled.StyledTranslator((4, 6), 1),
    styled.DomainHeads((4, 4), 3, 3),
    styled.Mapping(5, 3, 3),
    styled.DomainHeads((4, 4), 3, 1),
    2,
  )


def test_the_losses_are_those_of_the_paper():
  learner, ts, batch = started(style=0.5, cycle=2.0, r1=3.0)
  _, metrics = jax.jit(learner.step)(ts, batch, jax.random.key(1))
  nets, gen, critic = networks(), ts.params["gen"], ts.params["critic"]
  k_critic, k_gen = jax.random.split(jax.random.key(1))
  x, y = to_floats(batch["image"], FIELD), batch["label"]

  def expected():
    s, other = nets.wanted(gen, x, y, jax.random.split(k_critic, 1)[0])
    logits = functools.partial(nets.logits, critic)
    slopes = jax.vmap(jax.grad(lambda x, y: logits(x[None], y[None])[0]))(x, y)
    penalty = 1.5 * (slopes**2).sum((1, 2, 3)).mean()
    real, fake = logits(x, y), logits(nets.make(gen, x, s), other)
    k_wanted, k_other = jax.random.split(k_gen)
    s, other = nets.wanted(gen, x, y, k_wanted)
    made = nets.make(gen, x, s)
    apart = made - nets.make(gen, x, nets.mapped(gen, other, k_other))
    back = nets.make(gen, made, nets.read(gen, x, y)) - x
    misread = nets.read(gen, made, other) - s
    means = [jnp.abs(a).mean() for a in (misread, apart, back)]
    return (real, fake, penalty), logits(made, other), means

  (real, fake, penalty), fooled, (misread, apart, back) = jax.jit(expected)()
  np.testing.assert_allclose(
    metrics["critic_loss"], (softplus(-real) + softplus(fake)).mean() + penalty, rtol=1e-4
  )
  value = softplus(-fooled).mean() + 0.5 * misread - apart + 2 * back
  np.testing.assert_allclose(metrics["gen_loss"], value, rtol=1e-4)
  assert min(misread, apart, back) > 1e-3 and np.abs(real - fake).max() > 1e-3


def test_a_style_is_of_the_latents_or_of_a_reference_in_the_domain_asked_for():
  learner, ts, batch = started()
  model = learner.model
  sample = jax.jit(lambda given, key: model.sample(ts.params, {}, key, N, given)["image"])
  one = {k: batch[k] for k in model.given}
  reference = one | {"reference": batch["image"][::-1]}
  other = one | {"label": (one["label"] + 1) % 3}
  keys = KEY, jax.random.key(1)
  assert (sample(one, keys[0]) != sample(one, keys[1])).any((1, 2, 3)).all()
  np.testing.assert_array_equal(*(sample(reference, key) for key in keys))
  assert (sample(one, KEY) != sample(other, KEY)).any((1, 2, 3)).all()
  by_reference = sample(reference | {"label": other["label"]}, KEY)
  assert (by_reference != sample(reference, KEY)).any((1, 2, 3)).all()
  s = model.parts["style"](ts.params, {}, batch["image"], batch["label"])
  expected = networks().read(ts.params["gen"], to_floats(batch["image"], FIELD), batch["label"])
  np.testing.assert_allclose(s, expected, atol=1e-5)


def test_what_is_observed_are_images_and_the_labels_of_others():
  learner, ts, batch = started()
  given = learner.model.observe(ts.params, {}, batch, KEY)
  np.testing.assert_array_equal(given["image"], batch["image"])
  assert sorted(given["label"]) == sorted(batch["label"])
  assert (given["label"] != batch["label"]).any()


def test_half_of_the_styles_are_of_images_and_all_have_the_domain_of_one():
  """Of images in the same order as their domains: read again they are the same styles."""
  nets, (_, ts, batch) = networks(), started()
  gen = ts.params["gen"]
  x, y = to_floats(batch["image"], FIELD), batch["label"]
  every = np.asarray(nets.read(gen, x, y))
  of_images, domains = 0, []
  for i in range(20):
    s, other = nets.wanted(gen, x, y, jax.random.key(i))
    match = (np.abs(np.asarray(s)[:, None] - every[None]) < 1e-5).all(-1)
    of_images += match.any(1).sum()
    rows, found = np.nonzero(match)
    np.testing.assert_array_equal(np.asarray(other)[rows], np.asarray(y)[found])
    domains.append(sorted(np.asarray(other)))
  assert 40 <= of_images <= 80 and all(d == domains[0] for d in domains)


def test_the_head_of_a_domain_is_taken():
  x = jnp.arange(24).reshape(2, 3, 4)
  np.testing.assert_array_equal(of_domain(x, jnp.array([2, 0])), [x[0, 2], x[1, 0]])


def test_adain_sets_mean_and_deviation_by_the_style():
  x, s = jax.random.normal(KEY, (2, 6, 6, 3)), jax.random.normal(KEY, (2, 4))
  net = styled.AdaIN()
  params = net.init(KEY, x, s)
  y = np.asarray(net.apply(params, x, s))
  dense = params["params"]["Dense_0"]
  scale, shift = np.split(s @ dense["kernel"] + dense["bias"][None], 2, -1)
  np.testing.assert_allclose(y.mean((1, 2)), shift, atol=1e-4)
  np.testing.assert_allclose(y.std((1, 2)), np.abs(1 + scale), rtol=1e-3)


def test_odd_sizes_come_back():
  x = jnp.ones((1, 9, 7, 2))
  net = styled.StyledTranslator((4, 4, 4), 1)
  params = jax.eval_shape(net.init, KEY, x, jnp.ones((1, 3)))
  assert jax.eval_shape(net.apply, params, x, jnp.ones((1, 3))).shape == x.shape


@pytest.mark.parametrize("data", [{"image": FIELD}, {"x": FIELD, "label": DATA["label"]}])
def test_data_without_images_or_classes_are_refused(data):
  with pytest.raises(UserError):
    stargan_v2.learner(data, {"gen": optax.sgd(1.0), "critic": optax.sgd(1.0)})
