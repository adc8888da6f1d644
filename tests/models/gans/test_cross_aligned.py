"""The cross-aligned autoencoder: its losses in closed form, what they train, and the styles."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.gans import cross_aligned

L, V, B = 5, 7, 12
DATA = {"tokens": Field((L,), np.int32, V), "label": Field((), np.int32, 2)}
RNG = np.random.default_rng(0)
BATCH = {
  "tokens": RNG.integers(V, size=(B, L)).astype("i4"),
  "label": (np.arange(B) % 3 == 0).astype("i4"),
}


@pytest.fixture(scope="module")
def made():
  tx = dict.fromkeys(("gen", "critic"), optax.sgd(1.0))
  learner = cross_aligned.learner(
    DATA, tx, latent=3, hidden=8, embed=4, weight=0.5, widths=(1, 3), features=4
  )
  return learner, learner.init(jax.random.key(0), BATCH), jax.jit(learner.step)


def uniform_words(gen):
  """The generator gives all words the same probability, whatever its state."""
  generator = gen["generator"]
  return gen | {"generator": generator | {"head": jax.tree.map(jnp.zeros_like, generator["head"])}}


def test_losses_of_a_uniform_generator_and_of_the_critic_of_each_style(made):
  """Uniform words have L log V nats; a critic of biases alone depends on the style, y or 1 - y."""
  _, ts, step = made
  critic = jax.tree.map(jnp.zeros_like, ts.params["critic"])
  bias, last = jnp.array([1.5, -0.5]), max(critic)  # Dense_2, after those of the two windows.
  critic[last]["bias"] = bias
  known = ts.replace(params={"gen": uniform_words(ts.params["gen"]), "critic": critic})
  out = step(known, BATCH, jax.random.key(1))[1]
  y = BATCH["label"]
  softplus = jax.nn.softplus
  critic_loss = lambda bias: (softplus(-bias[y]) + softplus(bias[1 - y])).mean()
  np.testing.assert_allclose(out["reconstruction"], L * np.log(V), rtol=1e-5)
  np.testing.assert_allclose(out["real_logit"], bias[y].mean(), rtol=1e-5)
  np.testing.assert_allclose(out["fake_logit"], bias[1 - y].mean(), rtol=1e-5)
  np.testing.assert_allclose(out["critic_loss"], critic_loss(bias), rtol=1e-5)
  # The critic's step comes first; of all else its gradient is 0.
  learned = bias - jax.grad(critic_loss)(bias)
  np.testing.assert_allclose(
    out["gen_loss"], L * np.log(V) + 0.5 * softplus(-learned[1 - y]).mean(), rtol=1e-5
  )


def test_what_the_critic_judges_is_written_in_the_other_style(made):
  """A generator whose states are its style's embedding alone, h_t = e(y) / 2^t."""
  _, ts, step = made
  gen = uniform_words(ts.params["gen"])
  zeros = jax.tree.map(jnp.zeros_like, gen["generator"])
  embedding = jax.random.normal(jax.random.key(5), (2, 8))
  gen |= {"generator": zeros | {"of_y": {"embedding": embedding}}}
  known = ts.replace(params=ts.params | {"gen": gen})
  after, metrics = step(known, BATCH, jax.random.key(1))

  def logit(params, y):
    """d_y of what is written in the style y."""
    h = embedding[y][:, None] / 2.0 ** jnp.arange(1, L + 1)[None, :, None]
    both = cross_aligned.Critic((1, 3), 4, 2).apply({"params": params["critic"]}, h)
    return np.asarray(both)[np.arange(B), y]

  y = BATCH["label"]
  np.testing.assert_allclose(metrics["real_logit"], logit(ts.params, y).mean(), rtol=1e-4)
  np.testing.assert_allclose(metrics["fake_logit"], logit(ts.params, 1 - y).mean(), rtol=1e-4)
  fake = logit(after.params, 1 - y)  # The critic's update comes first.
  expected = L * np.log(V) + 0.5 * np.logaddexp(0, -fake).mean()
  np.testing.assert_allclose(metrics["gen_loss"], expected, rtol=1e-5)


def test_teacher_forcing_shows_the_words_before(made):
  """Another third word changes the logits of the fourth and later ones alone."""
  _, ts, _ = made
  generator = cross_aligned.Generator(8, 4, V, 2)
  words = jax.nn.one_hot(BATCH["tokens"], V)
  other = words.at[:, 2].set(jnp.roll(words[:, 2], 1, -1))
  z = jnp.ones((B, 3))
  forced = jax.jit(
    lambda words: cross_aligned.teacher_forced(
      generator, ts.params["gen"]["generator"], z, BATCH["label"], words
    )[1]
  )
  changed = np.abs(forced(words) - forced(other)).max((0, 2)) > 1e-6
  np.testing.assert_array_equal(changed, [False, False, False, True, True])


def test_a_step_reaches_every_parameter_and_alignment_reaches_the_encoder(made):
  _, ts, step = made

  def still(ts, part):
    after = step(ts, BATCH, jax.random.key(1))[0]
    moved = jax.tree.map(lambda a, b: (a != b).any(), part(ts.params), part(after.params))
    return [path for path, moved in jax.tree_util.tree_leaves_with_path(moved) if not moved]

  assert not still(ts, lambda params: params)
  # With uniform words the reconstruction does not depend on z: the encoder learns by the critic.
  uniform = ts.replace(params=ts.params | {"gen": uniform_words(ts.params["gen"])})
  assert not still(uniform, lambda params: params["gen"]["encoder"])


def test_a_sample_is_the_sentence_decoded_in_the_other_style(made):
  learner, ts, _ = made
  model = learner.model
  latents = model.encode(ts.params, {}, BATCH, None)
  assert {k: z.shape[1:] for k, z in latents.items()} == {
    k: field.shape for k, field in model.latents.items()
  }
  other = model.decode(ts.params, {}, latents | {"label": 1 - BATCH["label"]}, None)
  given = {k: BATCH[k] for k in model.given}
  sampled = model.sample(ts.params, {}, jax.random.key(2), B, given, temperature=0.0)
  np.testing.assert_array_equal(sampled["tokens"], other["tokens"])


def test_free_running_at_temperature_0_is_teacher_forcing_with_the_words_written(made):
  """The states of a rollout depend on the words that it is fed alone, wherever these come from."""
  _, ts, _ = made
  generator = cross_aligned.Generator(8, 4, V, 2)
  params = ts.params["gen"]["generator"]
  z = jax.random.normal(jax.random.key(3), (B, 3))
  y = BATCH["label"]
  # Relaxed samples are one-hot, up to rounding, at a low temperature.
  keys = jax.random.split(jax.random.key(4), L)
  free = cross_aligned.free_running(generator, params, z, y, keys, 1e-4)
  sampled = lambda key, logits: jax.nn.one_hot(
    cross_aligned.gumbel_softmax_sample(key, logits, 1e-4).argmax(-1), V
  )
  _, _, words = cross_aligned.rollout(generator, params, z, y, keys, sampled)
  forced, logits = cross_aligned.teacher_forced(generator, params, z, y, words)
  np.testing.assert_allclose(free, forced, rtol=1e-3, atol=1e-4)
  # The most likely words, fed back, are the most likely ones again.
  most_likely = lambda _, logits: logits.argmax(-1)
  tokens = cross_aligned.decode_tokens(generator, params, z, y, jnp.zeros(L), most_likely)
  _, logits = cross_aligned.teacher_forced(generator, params, z, y, jax.nn.one_hot(tokens, V))
  np.testing.assert_array_equal(logits.argmax(-1), tokens)


def test_data_without_two_styles_are_refused():
  for data in ({"tokens": DATA["tokens"]}, DATA | {"label": Field((), np.int32, 3)}):
    with pytest.raises(UserError, match="two styles"):
      cross_aligned.learner(data, {})
