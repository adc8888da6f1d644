"""The language model: normalised, counted by words, conditioned, guided and cached."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.autoregressive import language_model
from tests.models.control import toy

L, V = toy.L, toy.V
SENTENCES = np.array(list(itertools.product(range(V), repeat=L)), np.int32)


@pytest.fixture(scope="module")
def labelled():
  return toy.language(condition=("label",), drop=0.5)


def test_the_probabilities_of_all_sentences_sum_to_one_given_each_label(labelled):
  model, params, state = labelled
  log_prob = jax.jit(
    lambda label: model.log_prob(
      params, state, {"tokens": SENTENCES, "label": jnp.full(len(SENTENCES), label)}, toy.KEY
    )
  )
  nats = [log_prob(label) for label in (0, 1)]
  for of_label in nats:
    np.testing.assert_allclose(jax.nn.logsumexp(of_label), 0, atol=1e-4)
  assert np.abs(nats[0] - nats[1]).max() > 0.01


def test_nats_a_token_count_words_and_the_end(labelled):
  tokens = np.array([[0, 0, 0, 0], [2, 0, 0, 0], [1, 1, 3, 0], [1, 2, 3, 4]])
  np.testing.assert_array_equal(language_model.words(tokens), [1, 2, 4, 4])
  model, params, state = labelled
  batch = toy.batch()
  loss, (_, metrics) = model.loss(params, state, batch, toy.KEY, train=False)
  np.testing.assert_allclose(loss, -model.log_prob(params, state, batch, toy.KEY), rtol=1e-6)
  np.testing.assert_array_equal(metrics["nats_per_token"][0], loss)
  np.testing.assert_array_equal(metrics["nats_per_token"][1], language_model.words(batch["tokens"]))


def test_a_dropped_label_is_unknown(labelled):
  batch = toy.batch()
  other = batch | {"label": 1 - batch["label"]}
  _, params, state = labelled
  always, _, _ = toy.language(condition=("label",), drop=1.0)
  loss = lambda b, train: always.loss(params, state, b, toy.KEY, train=train)[0]
  np.testing.assert_array_equal(loss(batch, True), loss(other, True))
  assert (loss(batch, False) != loss(other, False)).all()


def test_guidance_of_scale_one_is_the_conditional_model_and_zero_the_unconditional(labelled):
  model, params, state = labelled
  given = {"label": toy.batch(64)["label"]}
  sample = lambda given, **options: np.asarray(
    model.sample(params, state, toy.KEY, 64, given, **options)["tokens"]
  )
  plain = sample(given)
  np.testing.assert_array_equal(sample(given, scale=1.0), plain)
  np.testing.assert_array_equal(sample(given, scale=0.0), sample({}))
  np.testing.assert_array_equal(sample(given, cached=False), plain)
  assert (sample(given, scale=4.0) != plain).any()


def test_samples_have_the_likelihood_that_they_were_drawn_with(labelled):
  model, params, state = labelled
  given = {"label": toy.batch()["label"]}
  batch, nats = model.parts["sample_log_prob"](params, state, toy.KEY, toy.B, given)
  expected = model.log_prob(params, state, batch | given, toy.KEY)
  np.testing.assert_allclose(nats, expected, rtol=1e-4)
  logits = model.parts["conditionals"](params, state, batch["tokens"], given)
  assert logits.shape == (toy.B, L, V)
  own = jnp.take_along_axis(jax.nn.log_softmax(logits), batch["tokens"][..., None], 2)
  np.testing.assert_allclose(own[..., 0].sum(1), nats, rtol=1e-4)


def test_a_sentence_begun_is_completed(labelled):
  model, params, state = labelled
  batch = toy.batch()
  keep = np.zeros((toy.B, L))
  keep[:, :3] = 1
  given = {**batch, "keep": keep}
  done = model.sample(params, state, toy.KEY, toy.B, given)["tokens"]
  np.testing.assert_array_equal(done[:, :3], batch["tokens"][:, :3])


def test_data_without_sentences_are_refused():
  for data in ({"x": Field((2,), np.float32)}, {"tokens": Field((2, 2), np.int32, 3)}):
    with pytest.raises(UserError, match="sentences"):
      language_model.model(data)


def test_a_word_is_written_by_the_vector_that_it_is_read_by():
  """Words with one vector are equally likely everywhere, however many there are before."""
  model, params, state = toy.language()
  table = params["net"]["token"]["embedding"]
  assert jax.tree.reduce(lambda n, x: n + (x.shape[-1] == V), params["net"], 0) == 0
  params["net"]["token"]["embedding"] = table.at[3].set(table[1])
  logits = model.parts["conditionals"](params, state, toy.batch()["tokens"], {})
  np.testing.assert_array_equal(logits[..., 3], logits[..., 1])
  assert (logits[..., 2] != logits[..., 1]).all()
