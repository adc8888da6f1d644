"""Plug and play: its gain, its steps and what its classifier says, in closed form."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.models.control import plug_and_play
from tests.models.control import toy

V = toy.V


def test_a_step_of_plug_and_play_on_a_linear_model():
  """Of log sigmoid(w h) the gradient is sigmoid(-w h) w."""
  w = jnp.array([1.0, -2.0])
  h = jnp.array([[0.5, 0.1], [0.0, 0.3]])
  objective = lambda delta: jax.nn.log_sigmoid((h + delta) @ w)
  one = plug_and_play.ascend(objective, jnp.zeros_like(h), 1, 0.5)
  expected = 0.5 * jax.nn.sigmoid(-h @ w)[:, None] * w[None]
  np.testing.assert_allclose(one, expected, rtol=1e-5)
  two = plug_and_play.ascend(objective, jnp.zeros_like(h), 2, 0.5)
  more = 0.5 * jax.nn.sigmoid(-(h + expected) @ w)[:, None] * w[None]
  np.testing.assert_allclose(two, expected + more, rtol=1e-5)


def test_the_classifier_reads_means_of_what_was_said_and_kl_is_that_of_sums():
  rng = np.random.default_rng(1)
  h = rng.normal(size=(2, 3, 4))
  classifier = {"kernel": rng.normal(size=(4, 2)), "bias": np.array([0.3, -0.1])}
  found = plug_and_play.log_labels(jax.tree.map(jnp.asarray, classifier), jnp.asarray(h))
  for j in range(3):
    logits = h[:, : j + 1].mean(1) @ classifier["kernel"] + classifier["bias"]
    expected = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    np.testing.assert_allclose(found[:, j], expected, rtol=1e-4)
  p, q = np.array([0.2, 0.8]), np.array([0.5, 0.5])
  kl = plug_and_play.kl(jnp.log(p)[None], jnp.log(q)[None])
  np.testing.assert_allclose(kl, (p * np.log(p / q)).sum(), rtol=1e-5)


def test_the_best_next_word_is_the_known_one_where_every_distribution_can_be_made():
  """The maximum of the gain is at p(w) p(y | w)^(1 / kl_weight), and is a log-sum-exp."""
  rng = np.random.default_rng(3)
  unmoved = jnp.asarray(rng.normal(size=(2, 5)))
  log_p = jax.nn.log_sigmoid(jnp.asarray(rng.normal(size=(2, 5))))
  gain = lambda logits: plug_and_play.gain(logits, unmoved, log_p, 0.25)
  best = unmoved + log_p / 0.25
  highest = 0.25 * jax.nn.logsumexp(jax.nn.log_softmax(unmoved) + log_p / 0.25, -1)
  np.testing.assert_allclose(gain(best), highest, rtol=1e-5)
  np.testing.assert_allclose(jax.grad(lambda x: gain(x).sum())(best), 0, atol=1e-6)
  assert (gain(unmoved) < highest).all()
  expected = (jax.nn.softmax(unmoved) * log_p).sum(-1)
  np.testing.assert_allclose(gain(unmoved), expected, rtol=1e-5)


def test_the_reward_of_a_next_word_is_what_the_classifier_says_when_it_stands_there():
  rng = np.random.default_rng(2)
  h, vectors = rng.normal(size=(2, 4, 3)), rng.normal(size=(5, 3))
  classifier = {"kernel": jnp.asarray(rng.normal(size=(3, 2))), "bias": jnp.array([0.3, -0.1])}
  for i in (0, 3):
    found = plug_and_play.log_next(classifier, jnp.asarray(h), jnp.asarray(vectors), i)
    for w, vector in enumerate(vectors):
      said = np.concatenate([h[:, : i + 1], np.tile(vector, (2, 1, 1))], 1)
      expected = plug_and_play.log_labels(classifier, jnp.asarray(said))[:, -1]
      np.testing.assert_allclose(found[:, w], expected, rtol=1e-4)


def test_plug_and_play_moves_words_to_the_style_that_its_classifier_expects():
  """A classifier that knows one word by its vector: the steered model says it more often."""
  first = toy.language()
  made = plug_and_play.model(toy.DATA, first=first[0], at="layer_0")
  _, state = made.init(toy.KEY, toy.batch(), {"first": first[1:]})
  table = first[0].parts["vectors"](*first[1:])
  direction = 20 * (table[3] - table[:V].mean(0))
  kernel = jnp.stack([-direction, direction], 1)
  params = {"classifier": {"kernel": kernel, "bias": jnp.zeros(2)}}

  @jax.jit
  def steered(label, strength, kl_weight):
    given = {"label": jnp.full(200, label)}
    options = dict(strength=strength, steps=2, kl_weight=kl_weight)
    return made.sample(params, state, toy.KEY, 200, given, **options)["tokens"]

  sample = lambda label, strength, kl_weight=0.2: steered(label, strength, kl_weight)
  said = {y: (sample(y, 30.0) == 3).mean() for y in (0, 1)}
  plain = (sample(1, 0.0) == 3).mean()
  assert said[0] < plain < said[1]
  held_back = (sample(1, 30.0, kl_weight=5.0) == 3).mean()
  assert held_back < (plain + said[1]) / 2
