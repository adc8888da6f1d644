"""Priors of codes: normalised, causal, cached as naive, guided, and a bound by enumeration."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.models.tokens import _prior, dalle, token_prior
from tests.models.tokens import toy

SIZE = dict(width=8, layers=1, heads=2)
KEY = jax.random.key(0)


def random_params(model):
  """Parameters none of which is 0, as those of the last layer are at first."""
  params, state = model.init(KEY, toy.batch(), toy.FROZEN)
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(7), len(leaves))
  noisy = [x + 0.3 * jax.random.normal(k, x.shape) for x, k in zip(leaves, keys)]
  return jax.tree.unflatten(tree, noisy), state


@pytest.fixture(scope="module")
def labelled():
  model = token_prior.model(toy.FIELDS, first=toy.first(), condition=("label",), **SIZE)
  return model, *random_params(model)


@pytest.fixture(scope="module")
def captioned():
  options = SIZE | dict(layers=2, patterns=("row", "conv"), drop=0.5)
  model = dalle.model(toy.FIELDS, first=toy.first(), **options)
  return model, *random_params(model)


def all_codes():
  codes = np.array(list(itertools.product(range(toy.CODES), repeat=4)), np.int32)
  return codes.reshape(-1, *toy.GRID)


def test_at_first_every_token_is_as_probable_as_any_other():
  model = token_prior.model(toy.FIELDS, first=toy.first(), **SIZE)
  params, state = model.init(KEY, toy.batch(), toy.FROZEN)
  loss, _ = model.loss(params, state, toy.batch(), KEY, train=True)
  np.testing.assert_allclose(loss, np.log(toy.CODES), rtol=1e-6)
  model = dalle.model(toy.FIELDS, first=toy.first(), **SIZE)
  params, state = model.init(KEY, toy.batch(), toy.FROZEN)
  loss, (_, metrics) = model.loss(params, state, toy.batch(), KEY, train=True)
  np.testing.assert_allclose(loss, np.log(3) / 8 + 7 / 8 * np.log(toy.CODES), rtol=1e-6)
  np.testing.assert_allclose(metrics["text_nats"], 2 * np.log(3), rtol=1e-6)
  np.testing.assert_allclose(metrics["image_nats"], 4 * np.log(toy.CODES), rtol=1e-6)


def tiny_prior():
  fields = {"tokens": toy.FIELDS["tokens"], **toy.first().latents}
  p = _prior.prior(fields, 8, 2, 2, ("dense", "column"), "float32")
  params = _prior.initial_params(p, KEY)
  noise = lambda x: x + 0.3 * jax.random.normal(jax.random.key(x.size), x.shape)
  return p, jax.tree.map(noise, params)


def test_the_probabilities_of_all_sequences_sum_to_one():
  p, params = tiny_prior()
  words = np.array(list(itertools.product(range(3), repeat=2)))
  codes = all_codes().reshape(-1, 4) + 3
  pairs = [np.concatenate(pair) for pair in itertools.product(words, codes)]
  nats = _prior.log_probs(p, params, jnp.array(pairs)).sum(-1)
  np.testing.assert_allclose(jax.nn.logsumexp(nats), 0, atol=1e-5)


def test_no_token_depends_on_a_later_one_or_on_itself():
  p, params = tiny_prior()
  tokens = jnp.array([[0, 1, 3, 4, 5, 3]])
  logits = _prior.all_logits(p, params, tokens)
  for i in range(6):
    # Another value of the same segment.
    other = tokens.at[0, i].set((tokens[0, i] + 1) % 3 + 3 * (i >= 2))
    changed = _prior.all_logits(p, params, other) != logits
    places = np.flatnonzero(np.asarray(changed).any((0, 2)))
    assert len(places) == 0 or places[0] == i + 1
    assert i == 5 or i + 1 in places  # Each sees the one before.


def test_the_latents_of_samples_decode_to_the_samples(captioned):
  model, params, state = captioned
  given = {"tokens": toy.batch(4)["tokens"]}
  latents = model.parts["latent_samples"](params, state, KEY, 4, given)
  assert {k: x.shape for k, x in latents.items()} == {"codes": (4, *toy.GRID)}
  images = model.sample(params, state, KEY, 4, given)["image"]
  np.testing.assert_array_equal((latents["codes"] == 1)[..., None], images)


def test_cached_sampling_equals_naive(labelled, captioned):
  for (model, params, state), given, scale in (
    (labelled, "label", None),
    (captioned, "tokens", 2.0),
  ):
    condition = {given: toy.batch(4)[given]}
    both = [
      model.parts["sample_log_prob"](params, state, KEY, 4, condition, scale=scale, cached=cached)
      for cached in (True, False)
    ]
    np.testing.assert_array_equal(both[0][0]["image"], both[1][0]["image"])
    np.testing.assert_allclose(both[0][1], both[1][1], rtol=1e-4)


def test_guidance_extrapolates_and_scale_one_changes_nothing(labelled):
  a = jnp.array([1.0, 2.0, -jnp.inf])
  b = jnp.array([0.5, 3.0, -jnp.inf])
  np.testing.assert_allclose(_prior.guided(a, b, 1.0), a)
  np.testing.assert_allclose(_prior.guided(a, b, 0.0), b)
  np.testing.assert_allclose(_prior.guided(a, b, 3.0), [2, 0, -np.inf])
  model, params, state = labelled
  given = {"label": toy.batch(5)["label"]}
  sample = lambda **options: model.sample(params, state, KEY, 5, given, **options)["image"]
  np.testing.assert_array_equal(sample(), sample(scale=1.0))
  unconditional = model.sample(params, state, KEY, 5)["image"]
  np.testing.assert_array_equal(sample(scale=0.0), unconditional)


@pytest.mark.parametrize("cold", [dict(temperature=0.0), dict(top_k=1), dict(top_p=1e-6)])
def test_cold_samples_are_the_most_probable_codes(labelled, cold):
  model, params, state = labelled
  given = {"label": toy.batch(5)["label"]}
  sample = lambda seed: model.sample(params, state, jax.random.key(seed), 5, given, **cold)["image"]
  np.testing.assert_array_equal(sample(0), sample(1))


@pytest.mark.parametrize("grid", [(1, 4), (4, 1)])
def test_a_token_knows_where_those_before_it_stand(grid):
  """Rows alone or columns alone tell two tokens that are exchanged."""
  field = toy.first().latents["codes"]._replace(shape=grid)
  p = _prior.prior({"codes": field}, 8, 1, 2, ("dense",), "float32")
  noise = lambda x: x + 0.3 * jax.random.normal(jax.random.key(x.size), x.shape)
  params = jax.tree.map(noise, _prior.initial_params(p, KEY))
  last = lambda *codes: _prior.all_logits(p, params, jnp.array([codes]))[0, -1]
  assert np.abs(last(0, 1, 2, 0) - last(1, 0, 2, 0)).max() > 1e-3


def test_a_caption_that_the_model_writes_is_not_guided(captioned):
  """What it was given nothing for: an unguided model writes the same one."""
  model, params, state = captioned
  sample = lambda **options: model.sample(params, state, KEY, 40, **options)
  plain, guided = sample(), sample(scale=5.0)
  np.testing.assert_array_equal(guided["tokens"], plain["tokens"])
  assert (guided["image"] != plain["image"]).any()


def test_samples_without_a_label_have_the_probability_of_their_codes_alone(labelled):
  model, params, state = labelled
  _, nats = model.parts["sample_log_prob"](params, state, KEY, 5)
  codes = model.parts["latent_samples"](params, state, KEY, 5)["codes"]
  p = _prior.prior(
    {"label": toy.FIELDS["label"], **toy.first().latents}, 8, 1, 2, ("dense",), "float32"
  )
  tokens = jnp.pad(codes.reshape(5, 4) + 4, ((0, 0), (1, 0)))
  log_p = _prior.log_probs(p, params, tokens, {"label": jnp.zeros(5)})
  np.testing.assert_allclose(nats, log_p[:, 1:].sum(1), rtol=1e-5)


def test_a_bound_of_dequantized_pixels_stays_one():
  first = toy.first()._replace(dequantization="uniform")
  assert token_prior.model(toy.FIELDS, first=first, **SIZE).dequantization == "uniform"


def test_the_condition_reaches_the_codes_and_a_dropped_one_does_not(labelled):
  _, params, state = labelled
  batch = toy.batch(4) | {"label": np.zeros(4, np.int32)}
  other = batch | {"label": np.full(4, 3, np.int32)}
  nats = lambda m, b: m.loss(params, state, b, KEY, train=True)[0]
  always = token_prior.model(toy.FIELDS, first=toy.first(), condition=("label",), drop=1.0, **SIZE)
  never = token_prior.model(toy.FIELDS, first=toy.first(), condition=("label",), drop=0.0, **SIZE)
  assert np.all(nats(never, batch) != nats(never, other))
  np.testing.assert_array_equal(nats(always, batch), nats(always, other))


def test_the_likelihood_bounds_the_sum_over_all_codes(labelled):
  model, params, state = labelled
  stage = toy.first()
  batch = toy.batch(5)
  codes = all_codes()
  total = []
  for i in range(5):
    one = {name: np.repeat(x[i : i + 1], len(codes), 0) for name, x in batch.items()}
    # log p(codes | label), by a first stage that returns these codes.
    fixed = stage._replace(encode=lambda params, state, b, key: {"codes": jnp.asarray(codes)})
    prior = token_prior.model(toy.FIELDS, first=fixed, condition=("label",), **SIZE)
    _, (_, metrics) = prior.loss(params, state, one, KEY, train=False)
    decoder = stage.parts["log_given"]({}, {}, one, {"codes": codes}, KEY)
    np.testing.assert_allclose(jax.nn.logsumexp(-metrics["codes_nats"]), 0, atol=1e-5)
    total.append(jax.nn.logsumexp(decoder - metrics["codes_nats"]))
    own = int(np.flatnonzero((codes == batch["image"][i, ..., 0]).all((1, 2)))[0])
    term = decoder[own] - metrics["codes_nats"][own]
    np.testing.assert_allclose(model.log_prob(params, state, batch, KEY)[i], term, rtol=1e-5)
  assert np.all(model.log_prob(params, state, batch, KEY) < np.array(total))


def test_a_caption_that_is_not_given_is_sampled_and_a_given_one_is_kept(captioned):
  model, params, state = captioned
  tokens = toy.batch(5)["tokens"]
  np.testing.assert_array_equal(
    model.sample(params, state, KEY, 5, {"tokens": tokens})["tokens"], tokens
  )
  free = model.sample(params, state, KEY, 64)["tokens"]
  assert free.shape == (64, 2) and free.max() < 3 and len(np.unique(free, axis=0)) > 3


def test_a_given_image_is_completed(labelled):
  model, params, state = labelled
  batch = toy.batch(6)
  given = {"label": batch["label"], "image": batch["image"]}
  done = model.sample(params, state, KEY, 6, given)["image"]
  np.testing.assert_array_equal(done[:, 0], batch["image"][:, 0])
  assert (done[:, 1] != batch["image"][:, 1]).any()
  keep = np.zeros((6, 2, 2))
  keep[:, :, 0] = 1
  done = model.sample(params, state, KEY, 6, given | {"keep": keep})["image"]
  np.testing.assert_array_equal(done[:, :, 0], batch["image"][:, :, 0])


def test_a_hidden_caption_adds_nothing_to_the_loss():
  options = dict(SIZE, drop=1.0)
  model = dalle.model(toy.FIELDS, first=toy.first(), **options)
  params, state = model.init(KEY, toy.batch(), toy.FROZEN)
  loss, _ = model.loss(params, state, toy.batch(), KEY, train=True)
  np.testing.assert_allclose(loss, 7 / 8 * np.log(toy.CODES), rtol=1e-6)


def test_stages_without_codes_are_refused():
  stage = toy.first()
  with pytest.raises(UserError, match="can't encode and decode"):
    token_prior.model(toy.FIELDS, first=stage._replace(decode=None))
  real = {"z": toy.FIELDS["image"]._replace(num_values=None)}
  with pytest.raises(UserError, match="latent_diffusion"):
    token_prior.model(toy.FIELDS, first=stage._replace(latents=real))
  with pytest.raises(UserError, match="captions"):
    dalle.model({"image": toy.FIELDS["image"]}, first=stage)


def test_outputs_are_dropped_in_training_alone():
  for dropout in (0.0, 0.5):
    model = token_prior.model(toy.FIELDS, first=toy.first(), dropout=dropout, **SIZE)
    params, state = random_params(model)
    loss = lambda key, train: model.loss(params, state, toy.batch(), key, train)[0]
    keys = jax.random.split(KEY)
    np.testing.assert_array_equal(loss(keys[0], False), loss(keys[1], False))
    same = np.array_equal(loss(keys[0], True), loss(keys[1], True))
    assert same == (dropout == 0)
