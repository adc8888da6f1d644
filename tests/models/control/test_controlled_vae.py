"""The controlled VAE: its losses in closed form, whom they reach, and the code's strength."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo.core import UserError
from genjax_zoo.models.control import controlled_vae
from tests.models.control import toy

L, V, B = toy.L, toy.V, toy.B
BATCH = toy.batch()
OPTIONS = dict(latent=3, hidden=8, embed=4, widths=(1, 2), features=4)
NETS = controlled_vae.Networks(
  controlled_vae.Encoder(8, 4, 6, 2),
  controlled_vae.Writer(8, 4, V, 2),
  controlled_vae.Discriminator(4, (1, 2), 4, 2),
)


def learner(**options):
  tx = dict.fromkeys(("gen", "critic"), optax.sgd(1.0))
  return controlled_vae.learner(toy.DATA, tx, **OPTIONS | options)


@pytest.fixture(scope="module")
def made():
  trained = learner(kl_weight=0.5, code=2.0, rest=3.0, dreams=0.25, balance=0.5)
  return trained, trained.init(toy.KEY, BATCH), jax.jit(trained.step)


def zeros(tree):
  return jax.tree.map(jnp.zeros_like, tree)


def test_losses_where_all_networks_say_nothing(made):
  """Words and styles equally likely, q(z | x, c) = N(0, I): all terms are known."""
  _, ts, step = made
  _, metrics = step(ts.replace(params=zeros(ts.params)), BATCH, jax.random.key(1))
  log_2 = np.log(2)
  np.testing.assert_allclose(metrics["reconstruction"], L * np.log(V), rtol=1e-5)
  np.testing.assert_allclose(metrics["kl"], 0, atol=1e-6)
  np.testing.assert_allclose(
    metrics["critic_loss"], log_2 + 0.25 * (0.5 * log_2 + log_2), rtol=1e-5
  )
  # -log N(z; 0, 1) of z ~ N(0, I), a mean over the latents.
  known = metrics["reconstruction"] + 3 * metrics["dream_rest"] + 2 * metrics["dream_code"]
  np.testing.assert_allclose(metrics["gen_loss"], known, rtol=1e-5)
  assert 0.9 < metrics["dream_rest"] < 2.5


def posterior_of(gen, bias):
  """A generator whose posterior of every sentence has this mean [3] and this logvar [3]."""
  last = next(k for k, x in gen["encoder"].items() if "bias" in x)
  constant = zeros(gen["encoder"]) | {last: zeros(gen["encoder"][last]) | {"bias": bias}}
  return gen | {"encoder": constant}


def test_the_kl_is_weighted(made):
  """A posterior of its own: KL = (mean² + variance - logvar - 1) / 2, and -log q of far dreams."""
  _, ts, step = made
  params = zeros(ts.params)
  params["gen"] = posterior_of(params["gen"], jnp.array([1.0, -2.0, 0.5, 16.0, 16.0, 16.0]))
  _, metrics = step(ts.replace(params=params), BATCH, jax.random.key(1))
  known = (1 + 4 + 0.25) / 2 + 3 * (np.exp(16) - 16 - 1) / 2
  np.testing.assert_allclose(metrics["kl"], known, rtol=1e-5)
  # So wide a posterior has all dreams at its mean.
  np.testing.assert_allclose(metrics["dream_rest"], np.log(2 * np.pi) / 2 + 8, rtol=1e-5)
  known = metrics["reconstruction"] + 0.5 * metrics["kl"]
  known += 2 * metrics["dream_code"] + 3 * metrics["dream_rest"]
  np.testing.assert_allclose(metrics["gen_loss"], known, rtol=1e-5)


def test_a_step_reaches_every_parameter(made):
  _, ts, step = made
  after, _ = step(ts, BATCH, jax.random.key(1))
  moved = jax.tree.map(lambda a, b: (a != b).any(), ts.params, after.params)
  still = [path for path, x in jax.tree_util.tree_leaves_with_path(moved) if not x]
  assert not still


def test_dreams_are_of_all_styles_alike_and_of_latents_of_the_prior(made):
  _, ts, _ = made
  dream = lambda key: controlled_vae.dream(NETS, ts.params["gen"], key, 2000, L, 0.5)
  z, y, words = jax.jit(dream)(toy.KEY)
  np.testing.assert_allclose(np.bincount(y) / 2000, [0.5, 0.5], atol=0.05)
  np.testing.assert_allclose(np.cov(z.T), np.eye(3), atol=0.1)
  assert words.shape == (2000, L, V)
  np.testing.assert_allclose(words.sum(-1), 1, rtol=1e-4)


def test_the_code_is_read_at_every_step_not_at_the_first_alone():
  """Of a cell that forgets its state, the last word still depends on z."""
  writer = controlled_vae.Writer(8, 4, V, 2)
  variables = writer.init(toy.KEY, jnp.ones((1, 3)), jnp.zeros(1, int), jnp.ones((1, V)),
    method="start_and_step")  # fmt: skip
  start = lambda z: writer.apply(variables, z * jnp.ones((1, 3)), jnp.zeros(1, int), method="start")
  (h, code), (other, other_code) = start(1.0), start(2.0)
  np.testing.assert_array_equal(h, code)
  logits = lambda h, code: writer.apply(variables, (h, code), jnp.ones((1, V)))
  (state, kept), found = logits(h, code)
  np.testing.assert_array_equal(kept, code)
  assert (found != logits(h, other_code)[1]).any()
  assert (found != logits(other, code)[1]).any()
  assert state.shape == h.shape


def test_hidden_words_are_not_shown_but_asked_for(made):
  trained, ts, _ = made
  gen = ts.params["gen"]
  z = jnp.ones((B, 3))
  hidden = jnp.zeros((B, L))
  other = BATCH | {"tokens": BATCH["tokens"][::-1]}
  nats = lambda batch, shown: NETS.reconstruction(gen, z, batch, shown)
  # Without words before, log p is a sum over places of functions of their own word.
  first, second = ({**BATCH, "tokens": np.full((B, L), k, np.int32)} for k in (1, 2))
  mixed = {**BATCH, "tokens": np.tile([1, 2, 1, 2], (B, 1)).astype(np.int32)}
  swapped = {**BATCH, "tokens": np.tile([2, 1, 2, 1], (B, 1)).astype(np.int32)}
  np.testing.assert_allclose(
    nats(first, hidden) + nats(second, hidden),
    nats(mixed, hidden) + nats(swapped, hidden),
    rtol=1e-5,
  )
  assert (nats(other, hidden) != nats(other, hidden + 1)).any()
  # Words are hidden with the probability `hide`, by default none, of a z that is known.
  gen = posterior_of(gen, jnp.array([1.0, 1.0, 1.0, -60.0, -60.0, -60.0]))
  for hide, shown in ((0.0, hidden + 1), (1.0, hidden)):
    found, _ = NETS.elbo_terms(gen, BATCH, toy.KEY, hide)
    np.testing.assert_allclose(found, nats(BATCH, shown), rtol=1e-5)
  params = ts.params | {"gen": gen}
  kl = 3 * (1 + np.exp(-60) + 60 - 1) / 2
  bound = trained.model.log_prob(params, {}, BATCH, toy.KEY)
  np.testing.assert_allclose(bound, -nats(BATCH, hidden + 1) - kl, rtol=1e-5)


def test_the_strength_moves_the_code_from_the_mean_of_both(made):
  trained, ts, _ = made
  sample = lambda label, strength: np.asarray(
    trained.model.sample(
      ts.params, {}, toy.KEY, 32, {"label": np.full(32, label)}, strength=strength
    )["tokens"]
  )
  np.testing.assert_array_equal(sample(0, 0.0), sample(1, 0.0))
  assert (sample(0, 1.0) != sample(1, 1.0)).any()
  np.testing.assert_array_equal(sample(0, -1.0), sample(1, 1.0))


def test_a_transfer_keeps_z_and_changes_the_style(made):
  trained, ts, _ = made
  latents = trained.model.encode(ts.params, {}, BATCH, None)
  assert {k: z.shape[1:] for k, z in latents.items()} == {
    k: field.shape for k, field in trained.model.latents.items()
  }
  other = trained.model.decode(ts.params, {}, latents | {"label": 1 - BATCH["label"]}, None)
  assert other["tokens"].shape == (B, L)


def test_data_without_styles_are_refused():
  with pytest.raises(UserError, match="label"):
    controlled_vae.learner({"tokens": toy.DATA["tokens"]}, {})
