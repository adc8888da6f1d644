"""The cross-aligned autoencoder: its losses where all is known, what they reach, and which style
each critic sees.
"""

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


def speechless(gen):
  """The generator says all words alike, whatever its state."""
  generator = gen["generator"]
  return gen | {"generator": generator | {"head": jax.tree.map(jnp.zeros_like, generator["head"])}}


def test_losses_of_heads_that_say_nothing_and_the_critic_of_each_style(made):
  """Zero logits are a uniform law of words, L log V nats; a critic of biases alone sees y, and then
  1 - y.
  """
  _, ts, step = made
  critic = jax.tree.map(jnp.zeros_like, ts.params["critic"])
  bias, last = jnp.array([1.5, -0.5]), max(critic)  # Dense_2, after those of the two windows.
  critic[last]["bias"] = bias
  known = ts.replace(params={"gen": speechless(ts.params["gen"]), "critic": critic})
  out = step(known, BATCH, jax.random.key(1))[1]
  y, softplus = BATCH["label"], jax.nn.softplus
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


def test_a_step_reaches_every_parameter_and_alignment_reaches_the_encoder(made):
  learner, ts, step = made

  def still(ts, part):
    after = step(ts, BATCH, jax.random.key(1))[0]
    moved = jax.tree.map(lambda a, b: (a != b).any(), part(ts.params), part(after.params))
    return [path for path, moved in jax.tree_util.tree_leaves_with_path(moved) if not moved]

  assert not still(ts, lambda params: params)
  # What z says does not help the words.
  deaf = ts.replace(params=ts.params | {"gen": speechless(ts.params["gen"])})
  assert not still(deaf, lambda params: params["gen"]["encoder"])
  latents = lambda p, y: learner.model.decode(
    p, {}, learner.model.encode(p, {}, BATCH, None) | {"label": y}, None
  )
  given = {k: BATCH[k] for k in learner.model.given}
  turned = learner.model.sample(ts.params, {}, jax.random.key(2), B, given, temperature=0.0)
  np.testing.assert_array_equal(turned["tokens"], latents(ts.params, 1 - BATCH["label"])["tokens"])


def test_wrong_data_are_told():
  for data in ({"tokens": DATA["tokens"]}, DATA | {"label": Field((), np.int32, 3)}):
    with pytest.raises(UserError, match="two styles"):
      cross_aligned.learner(data, {})
