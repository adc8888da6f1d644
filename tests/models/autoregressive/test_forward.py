"""Networks beside NumPy: what normalisation, causality and caches can't tell, which hold for any.

Each formula is written out once more, from its paper.
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, log_softmax, logsumexp

from genjax_zoo.core import Field
from genjax_zoo.models.autoregressive import (
  _chain,
  fvsbn,
  gated_pixelcnn,
  nade,
  pixel_iqn,
  pixel_transformer,
  pixelcnn_pp,
  pixelrnn,
)
from genjax_zoo.prob.autoregressive import head

RNG = np.random.default_rng(0)
VECTOR = {"x": Field((4,), np.uint8, 3)}


def normal(*shape):
  return RNG.normal(size=shape).astype(np.float32)


def relu(x):
  return np.maximum(x, 0)


def test_inputs_are_gray_levels_in_0_to_1_or_one_hot():
  x = jnp.array([[0, 1, 2]])
  ordered = _chain.network_inputs(x, VECTOR["x"])
  np.testing.assert_allclose(ordered, [[[0], [0.5], [1]]])
  codes = VECTOR["x"]._replace(ordered=False)
  np.testing.assert_array_equal(_chain.network_inputs(x, codes), np.eye(3)[None])


def test_a_gate_is_tanh_times_sigmoid_of_the_other_half():
  x = normal(5, 6)
  expected = np.tanh(x[:, :3]) * expit(x[:, 3:])
  np.testing.assert_allclose(gated_pixelcnn.gate(jnp.asarray(x)), expected, rtol=1e-5)


def test_an_lstm_forgets_and_writes_by_its_gates():
  """Equation 3 of 1601.06759 with the forget gate's bias of 1."""
  gates, kernel, neighbours, c = normal(5, 8), normal(6, 8), normal(5, 6), normal(5, 2)
  o, f, i, g = np.split(gates + neighbours @ kernel, 4, -1)
  new_c = expit(f + 1) * c + expit(i) * np.tanh(g)
  s, found_c = pixelrnn.lstm(*map(jnp.asarray, (kernel, gates, neighbours, c)))
  np.testing.assert_allclose(found_c, new_c, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(s, expit(o) * np.tanh(new_c), rtol=1e-4, atol=1e-6)


def test_an_fvsbn_is_a_logistic_regression_for_each_dimension():
  model = fvsbn.model(VECTOR)
  params = {"weight": normal(4, 4, 3), "bias": normal(4, 3)}
  x = RNG.integers(3, size=(6, 4))
  logits = [params["bias"][i] + x[:, :i] / 2 @ params["weight"][:i, i] for i in range(4)]
  log_p = [log_softmax(logits[i], -1)[range(6), x[:, i]] for i in range(4)]
  nats = model.log_prob(params, {}, {"x": jnp.asarray(x)}, None)
  np.testing.assert_allclose(nats, np.sum(log_p, 0), rtol=1e-5)
  loss, _ = model.loss(params, {}, {"x": jnp.asarray(x)}, None, train=True)
  np.testing.assert_allclose(loss, -nats)


def test_a_nade_adds_a_column_for_each_dimension_before():
  model = nade.model(VECTOR, hidden=5)
  params = {"W": normal(4, 5), "c": normal(5), "V": normal(4, 5, 3), "b": normal(4, 3)}
  x = RNG.integers(3, size=(6, 4))
  a = [params["c"] + x[:, :i] / 2 @ params["W"][:i] for i in range(4)]
  expected = np.stack([relu(a[i]) @ params["V"][i] + params["b"][i] for i in range(4)], 1)
  found = model.parts["conditionals"](params, {}, jnp.asarray(x), {})
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_token_is_the_value_before_it():
  field = Field((1, 2, 1), np.uint8, 3)
  v, tokens = pixel_transformer.token_inputs(jnp.array([[1, 2]]), field)
  np.testing.assert_array_equal(v, np.array([0.5, 1]).reshape(1, 1, 2, 1))
  np.testing.assert_array_equal(tokens, [[[0, 0], [0.5, 1]]])


def test_channels_of_a_pixelcnn_pp_shift_the_means_of_later_ones():
  """The official code's formula: one set of weights for the three channels of a pixel.

  Its coefficients are those of red in green, of red in blue, and of green in blue.
  """
  M, values = 2, 4
  outputs, x = 0.5 * normal(3, M + 2 * 3 * M + 3 * M), RNG.integers(values, size=(3, 3))
  log_weights = log_softmax(outputs[:, :M], -1)
  means, log_scales, slopes = np.split(outputs[:, M:].reshape(3, 9, M), [3, 6], 1)
  slopes = np.tanh(slopes)
  v = (2 * x / (values - 1) - 1)[:, :, None]
  shifted = [
    means[:, 0],
    means[:, 1] + slopes[:, 0] * v[:, 0],
    means[:, 2] + slopes[:, 1] * v[:, 0] + slopes[:, 2] * v[:, 1],
  ]
  centred = v - np.stack(shifted, 1)
  inverse = np.exp(2 - log_scales)  # Outputs are of scales exp(-2) times as large.
  high = np.where(x[..., None] == values - 1, 1, expit((centred + 1 / 3) * inverse))
  low = np.where(x[..., None] == 0, 0, expit((centred - 1 / 3) * inverse))
  components = np.log(np.float64(high) - low).sum(1)
  expected = logsumexp(log_weights + components, -1)

  image = jnp.asarray(x).reshape(3, 1, 1, 3)
  mixtures = pixelcnn_pp.channel_mixtures(outputs.reshape(3, 1, 1, -1), image, M, values)
  log_prob = head(values, M).log_prob
  found = log_prob(image, mixtures).sum(-1)[:, 0, 0]
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_blocks_of_a_pixelcnn_pp():
  x = normal(2, 3)
  halves = np.concatenate([x, -x], -1)
  expected = np.where(halves > 0, halves, np.exp(halves) - 1)
  np.testing.assert_allclose(pixelcnn_pp.concat_elu(jnp.asarray(x)), expected, rtol=1e-5)

  # Outputs of the first batch have the mean 0 and the scale that is asked for.
  image = normal(8, 4, 4, 2)
  conv = pixelcnn_pp.Conv(3, (2, 3), scale=0.1)
  y, _ = conv.init_with_output(jax.random.key(0), image)
  np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
  np.testing.assert_allclose(y.std((0, 1, 2)), 0.1, rtol=1e-4)

  # Of one pixel a convolution is a product: w = g direction / |direction|.
  conv, pixel = pixelcnn_pp.Conv(3), image[:, :1, :1]
  params = jax.jit(conv.init)(jax.random.key(0), image)["params"]
  direction = np.asarray(params["direction"])[0, 0]
  weights = np.asarray(params["g"])[0, 0] * direction / np.linalg.norm(direction, axis=0)
  expected = pixel[:, 0, 0] @ weights + np.asarray(params["bias"])[0, 0]
  np.testing.assert_allclose(conv.apply({"params": params}, pixel)[:, 0, 0], expected, rtol=1e-4)

  block, other = pixelcnn_pp.Block((1, 1), "float32"), normal(8, 1, 1, 2)
  params = jax.jit(block.init)(jax.random.key(1), image, normal(8, 4, 4, 2))["params"]
  apply = lambda name, scale, x: np.asarray(
    pixelcnn_pp.Conv(params[name]["g"].shape[-1], scale=scale).apply({"params": params[name]}, x)
  )
  elu = lambda x: np.asarray(pixelcnn_pp.concat_elu(jnp.asarray(x)))
  h = apply("Conv_0", 1.0, elu(pixel)) + apply("Conv_1", 1.0, elu(other))
  a, b = np.split(apply("Conv_2", 0.1, elu(h)), 2, -1)
  found = block.apply({"params": params}, pixel, other)
  np.testing.assert_allclose(found, pixel + a * expit(b), rtol=1e-4, atol=1e-5)


def test_the_loss_of_a_new_pixel_iqn_is_that_of_uniform_quantiles():
  """Its quantiles are Q(tau) = tau, and the data (x + u) / num_values."""
  data = {"image": Field((2, 2, 1), np.uint8, 3)}
  model = pixel_iqn.model(data, width=2, layers=1, first=3, embedding=2, kappa=0.1)
  x = RNG.integers(3, size=(6, 4))
  batch, key = {"image": jnp.asarray(x, jnp.uint8).reshape(6, 2, 2, 1)}, jax.random.key(2)
  params, _ = jax.jit(model.init)(jax.random.key(0), batch)
  u, tau = np.asarray(jax.random.uniform(key, (2, 6, 4)))
  d = (x + u) / 3 - tau
  huber = np.where(np.abs(d) <= 0.1, d**2 / 2, 0.1 * (np.abs(d) - 0.05)) / 0.1
  expected = (np.where(d < 0, 1 - tau, tau) * huber).sum(1)
  loss, _ = jax.jit(lambda: model.loss(params, {}, batch, key, train=True))()
  np.testing.assert_allclose(loss, expected, rtol=1e-4)
