"""Each mistake that a first model makes is one sentence, said before the first step."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments import resolve
from genjax_zoo import UserError, contract
from genjax_zoo.build import build
from genjax_zoo.core import Field, Model, descend
from tests import toy

FIELDS = {
  "image": Field((8, 8, 1), np.uint8, 17, kind="image"),
  "label": Field((), np.int32, 10, ordered=False),
}
RIGHT = toy.model(FIELDS)._replace(
  log_prob=lambda params, state, batch, key: jnp.zeros(len(batch["image"])),
  encode=lambda params, state, batch, key: {"z": batch["image"].reshape(-1, 64) / 16.0},
  decode=lambda params, state, latents, key: {
    "image": (16 * latents["z"]).astype(np.uint8).reshape(-1, 8, 8, 1)
  },
  likelihood={"elbo": "lower_bound"},
  latents={"z": Field((64,), np.float32)},
)


def check(model: Model):
  contract.check("mine.toy", descend(model, optax.adam(1e-3)), FIELDS, 6)


def loss(value=None, changes=None, metrics=None, returned=None):
  """The toy's loss with another value, changes, metrics, or another return value altogether."""

  def f(params, state, batch, key, train):
    right, (right_changes, right_metrics) = RIGHT.loss(params, state, batch, key, train)
    new = value(right) if value else right
    pair = (right_changes if changes is None else changes, metrics or right_metrics)
    return returned(new, pair) if returned else (new, pair)

  return {"loss": f}


def sampled(f):
  return {"sample": lambda params, state, key, n, given={}: f(n)}


def encoded(latents):
  return {"encode": lambda params, state, batch, key: latents(len(batch["image"]))}


def test_a_model_that_keeps_the_contract_passes():
  check(RIGHT)
  check(RIGHT._replace(latents={}, sample=None, log_prob=None, likelihood={}))
  check(RIGHT._replace(**loss(metrics={"ratio": (jnp.ones(6), jnp.ones(6))})))


@pytest.mark.parametrize(
  "changes, expected",
  [
    (loss(jnp.mean), r"the loss must be a number for each of 6 examples, \[6\], not float32 \[\]:"),
    (loss(lambda x: x[:, None]), r"not float32 \[6, 1\]: sum over the other axes of an example"),
    (loss(lambda x: x.astype(int)), "the loss must be real numbers, not int32"),
    (loss(returned=lambda x, pair: x), r"must return \(loss \[B\], .* not float32 \[6\]"),
    (loss(returned=lambda x, pair: (x, pair[1])), r"not \(loss, dict\): return loss, \(\{\}, "),
    (loss(changes=[]), "changes of state and metrics must be dicts, not a list of 0"),
    (loss(changes={"men": jnp.zeros(64)}), r"changes state\['men'\], did you mean 'mean'\?, which"),
    (
      loss(changes={"mean": jnp.zeros(3)}),
      r"makes state\['mean'\] float32 \[3\], .* float32 \[64\]",
    ),
    (loss(metrics={"kl": jnp.zeros(())}), r"the metric 'kl' must be a number for each of 6"),
    ({"likelihood": {}}, r"log_prob needs Model\(likelihood=.*: exact, lower_bound, estimate"),
    ({"likelihood": {"elbo": "bound"}}, "log_prob needs"),
    ({"log_prob": lambda *_: jnp.zeros(())}, r"log_prob must be a number for each of 6 examples"),
    (sampled(lambda n: jnp.zeros((n, 8, 8, 1))), r"sample must return a dict, \{'image': array\}"),
    (
      sampled(lambda n: {"image": jnp.zeros((n, 8, 8, 1))}),
      r"float32 .*the data's is uint8 .*17\):",
    ),
    (
      sampled(lambda n: {"image": jnp.zeros((n, 64), np.uint8)}),
      r"uint8 \[6, 64\], and the data's",
    ),
    (sampled(lambda n: {"images": 0}), "returns 'images', did you mean 'image'"),
    ({"sample": lambda params, state, key, n: 0}, "sample must take what it is given"),
    (encoded(lambda n: jnp.zeros((n, 64))), "encode must return a dict of latents"),
    (encoded(lambda n: {"z": jnp.zeros(64)}), "its first axis must be the batch's"),
    (encoded(lambda n: {"y": jnp.zeros((n, 64))}), r"encode returns y, and Model\(latents=...\)"),
    (encoded(lambda n: {"z": jnp.zeros((n, 9))}), r"encode returns z float32 \[6, 9\], and the"),
    ({"decode": lambda *_: {"image": jnp.zeros((6, 8, 8, 1))}}, "decode returns image float32"),
  ],
)
def test_each_mistake_is_one_sentence(changes, expected):
  with pytest.raises(UserError, match=expected) as error:
    check(RIGHT._replace(**changes))
  assert str(error.value).startswith("model 'mine.toy': ") and "\n" not in str(error.value)


def test_a_constructor_must_return_a_model(tmp_path, monkeypatch):
  (tmp_path / "not_a_model").mkdir()
  (tmp_path / "not_a_model" / "yet.py").write_text("def model(data, *, k: int = 1):\n  return k\n")
  monkeypatch.syspath_prepend(tmp_path)
  config = resolve.resolve("vae_digits").to_dict() | {"model": {"name": "not_a_model.yet"}}
  with pytest.raises(UserError, match=r"model 'not_a_model.yet' returns int: it must return a Mod"):
    build(config, FIELDS)


@pytest.mark.parametrize("name", ["vae_digits", "cvae_digits", "made_digits", "realnvp_digits"])
def test_models_of_the_zoo_keep_it_and_it_is_quick(name):
  learner = build(resolve.resolve(name).to_dict(), FIELDS)
  jax.eval_shape(lambda: 0)
  begun = time.process_time()
  contract.check(name, learner, FIELDS, 100)
  assert time.process_time() - begun < 3  # 0.1 to 0.3 s on an idle core.
