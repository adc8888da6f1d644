"""One condition for all networks: what is unknown has no effect, one function drops it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._condition import condition_fields, condition_of, drop, label_classes, null
from genjax_zoo.nn.attention import attend
from genjax_zoo.nn.condition import Condition, condition_channels

FIELDS = {
  "label": Field((), np.int32, 5),
  "azimuth": Field((), np.float32),
  "tokens": Field((6,), np.int32, 9),
  "code": Field((3,), np.float32),
  "map": Field((4, 4), np.int32, 3),
  "low": Field((2, 2, 3), np.uint8, 256),
}
KEY, N = jax.random.key(0), 4


def batch(seed=0, n=N):
  rng = np.random.default_rng(seed)
  draw = lambda f: rng.integers(1, f.num_values, (n, *f.shape)).astype(f.dtype)
  real = lambda f: rng.normal(size=(n, *f.shape)).astype(f.dtype)
  return {name: draw(f) if f.num_values else real(f) for name, f in FIELDS.items()}


def network(names, tokens=2):
  fields = tuple((name, FIELDS[name]) for name in names)
  return Condition(16, fields, tuple(names), tokens=tokens)


def test_what_is_given_is_known_and_the_rest_is_null():
  c = condition_of(FIELDS, {"label": jnp.arange(N)}, N)
  assert list(c) == list(FIELDS)
  np.testing.assert_array_equal(c["label"][1], 1)
  for name in FIELDS.keys() - {"label"}:
    value, known = c[name]
    assert value.shape == (N, *FIELDS[name].shape) and not value.any() and not known.any()


def test_null_keeps_the_form():
  c = condition_of(FIELDS, batch(), N)
  nothing = null(c)
  assert jax.tree.map(jnp.shape, nothing) == jax.tree.map(jnp.shape, c)
  assert not any(x.any() for x in jax.tree.leaves(nothing))


def test_one_probability_drops_all_entries_at_once_and_several_each_on_its_own():
  n = 4000
  c = condition_of(FIELDS, batch(n=n), n)
  flags = np.stack([known for _, known in drop(c, KEY, 0.3).values()])
  assert (flags == flags[0]).all() and abs(flags.mean() - 0.7) < 4 * np.sqrt(0.21 / n)
  apart = drop(c, KEY, {"label": 0.5, "code": 0.2})
  known = {name: np.asarray(entry[1]) for name, entry in apart.items()}
  assert abs(known["label"].mean() - 0.5) < 0.04 and abs(known["code"].mean() - 0.8) < 0.03
  assert abs(np.corrcoef(known["label"], known["code"])[0, 1]) < 0.08
  assert all(known[name].all() for name in FIELDS.keys() - {"label", "code"})
  assert drop(c, None, 0.0) is c
  value, flag = apart["code"]
  assert not value[flag == 0].any() and value[flag == 1].any(-1).all()


@pytest.mark.parametrize("name", [name for name in FIELDS if len(FIELDS[name].shape) < 2])
def test_what_is_not_known_reaches_no_vector_and_no_sequence(name):
  """Changing the value of an unknown entry changes nothing, changing its flag does."""
  net = network([name])
  c = condition_of({name: FIELDS[name]}, batch(), N)
  params = net.init(KEY, jnp.zeros(N), c)
  value, _ = c[name]
  off = {name: (value, jnp.zeros(N))}
  other = {name: (batch(1)[name], jnp.zeros(N))}
  a, b, on = (net.apply(params, jnp.zeros(N), x) for x in (off, other, c))
  np.testing.assert_array_equal(a.vector, b.vector)
  assert jnp.abs(a.vector - on.vector).max() > 1e-4
  if on.sequence is not None:
    assert on.mask.all() and not a.mask.any()


@pytest.mark.parametrize("name", ["azimuth", "tokens", "code"])
def test_the_null_vector_has_a_gradient_where_all_is_known(name):
  net = network([name])
  c = condition_of({name: FIELDS[name]}, batch(), N)
  params = net.init(KEY, jnp.zeros(N), c)["params"]
  loss = lambda params: net.apply({"params": params}, jnp.zeros(N), c).vector.sum()
  assert jnp.abs(jax.grad(loss)(params)[f"null_{name}"]).max() > 0


def test_channels_are_scaled_resized_and_flagged():
  size = (4, 4)
  fields = [(name, FIELDS[name]) for name in ("map", "low")]
  c = condition_of(FIELDS, batch(), N) | {"map": (batch()["map"], jnp.array([1.0, 0, 1, 1]))}
  x = condition_channels(c, fields, size)
  assert x.shape == (N, 4, 4, 3 + 1 + 3 + 1)
  np.testing.assert_array_equal(x[0, ..., :3].argmax(-1), batch()["map"][0])
  assert not x[1, ..., :4].any() and (x[1, ..., -1] == 1).all()
  low = condition_channels(c, fields[1:], (2, 2))
  np.testing.assert_allclose(low[..., :3], batch()["low"] / 127.5 - 1, atol=1e-6)
  np.testing.assert_allclose(
    x[..., 4:7], jax.image.resize(low[..., :3], (N, 4, 4, 3), "cubic"), atol=1e-6
  )
  assert condition_channels({}, [], size) is None


def test_a_mask_may_differ_by_example():
  q, k, v = jax.random.normal(KEY, (3, 2, 3, 1, 4))
  masks = jnp.array([[[1, 0, 0], [1, 1, 0], [1, 1, 1]], [[0, 0, 1], [1, 1, 1], [1, 0, 0]]]) > 0
  out = attend(q, k, v, masks)
  for i in range(2):
    np.testing.assert_allclose(
      out[i], attend(q[i : i + 1], k[i : i + 1], v[i : i + 1], masks[i])[0]
    )


def test_what_can_not_be_a_condition_is_refused():
  with pytest.raises(UserError, match="no 'lable', did you mean 'label'"):
    condition_fields(FIELDS, ("lable",))
  assert label_classes({}) == 0 and label_classes({"label": FIELDS["label"]}) == 5
  for names in ("code",), ("label", "code"):
    with pytest.raises(UserError, match="one label of known classes"):
      label_classes({name: FIELDS[name] for name in names})
