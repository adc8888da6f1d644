"""Every autoregressive model: an exact law, causal, drawn with caches as without; on images that
can be counted.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import (
  fvsbn,
  gated_pixelcnn,
  made,
  nade,
  pixel_transformer,
  pixelcnn,
  pixelcnn_pp,
  pixelrnn,
  rnn,
  window,
)
from genjax_zoo.prob.autoregressive import logistics
from genjax_zoo.prob.distributions import discretized_logistic_log_prob

BINARY = {"image": Field((3, 3, 1), np.uint8, 2), "label": Field((), np.int32, 3)}
RGB = {"image": Field((1, 2, 3), np.uint8, 3), "label": Field((), np.int32, 3)}
DATA = {"binary": BINARY, "rgb": RGB}
MODELS = {  # Narrow, but wide enough that not all ReLUs of a channel are 0.
  "window": (window, dict(window=9, hidden=(8, 8))),
  "fvsbn": (fvsbn, {}),
  "nade": (nade, dict(hidden=12)),
  "made": (made, dict(hidden=(40, 40), order="raster")),
  "rnn": (rnn, dict(hidden=8)),
  "lstm": (rnn, dict(hidden=8, cell="lstm")),
  "pixel_transformer": (pixel_transformer, dict(width=8, layers=2, heads=2)),
  "stem": (pixel_transformer, dict(width=8, layers=1, heads=2, stem=3)),
  "strided": (pixel_transformer, dict(width=8, layers=2, heads=2, pattern="strided", stride=2)),
  "fixed": (pixel_transformer, dict(width=8, layers=2, heads=2, pattern="fixed", stride=3)),
  "pixelcnn": (pixelcnn, dict(width=24, blocks=1, first=5)),
  "pixelcnn_mixture": (pixelcnn, dict(width=24, blocks=1, first=5, mixtures=2)),
  "row": (pixelrnn, dict(width=12, layers=2, first=5)),
  "diagonal": (pixelrnn, dict(width=12, layers=1, first=5, lstm="diagonal")),
  "pixelcnn_pp": (pixelcnn_pp, dict(width=8, blocks=1, scales=1, mixtures=2)),
  "gated_pixelcnn": (gated_pixelcnn, dict(width=24, layers=2, first=5, conditional=True)),
}
# Logistics so narrow that rounding decides are of no use.
SCALE = {"pixelcnn_mixture": 0.2, "pixelcnn_pp": 0.2}
# MADE has no cheaper conditional.
CACHED = [name for name in MODELS if not name.startswith("made")]
QUICK = ["fvsbn", "gated_pixelcnn"]  # One without caches and one with; the others are slow tests.
CASES = [
  pytest.param(name, data, marks=[] if name in QUICK and data == "rgb" else pytest.mark.slow)
  for name in MODELS
  for data in DATA
  if (name, data) != ("pixelcnn_mixture", "binary")
]


def made_of(name, data):
  module, options = MODELS[name]
  return module.model(data, **options)


def perturbed(model, data, seed=0, scale=0.7):
  """Parameters far from their initial values, where no weight is 0."""
  # Random images, for what starts with the moments of the first batch.
  rng = np.random.default_rng(seed)
  batch = {
    k: rng.integers(f.num_values, size=(8, *f.shape)).astype(f.dtype) for k, f in data.items()
  }

  @jax.jit
  def draw(key):
    leaves, tree = jax.tree.flatten(model.init(key, batch)[0])
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    return tree.unflatten([x + scale * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves)])

  return draw(jax.random.key(seed))


def all_images(data):
  shape, dtype, levels = data["image"][:3]
  values = itertools.product(range(levels), repeat=math.prod(shape))
  return np.array(list(values), dtype).reshape(-1, *shape)


def labels(model, n, label=1):
  return {"label": jnp.full(n, label)} if model.given else {}


def depends(model, params, data):
  """[D, D]: whether the numbers of dimension i depend on x_j."""
  x = jax.random.uniform(jax.random.key(3), (math.prod(data["image"].shape),))
  jacobian = jax.jit(
    jax.jacrev(lambda x: model.parts["numbers"](params, x[None], labels(model, 1))[0])
  )(x)
  return np.abs(jax.device_get(jacobian)).max(1) > 0


@pytest.mark.parametrize("name, data", CASES)
def test_probabilities_of_all_images_sum_to_one(name, data):
  model, data = made_of(name, DATA[data]), DATA[data]
  params, image = perturbed(model, data, scale=SCALE.get(name, 0.7)), all_images(data)
  batch = {"image": image} | labels(model, len(image))
  nats = jax.jit(lambda batch: model.log_prob(params, {}, batch, jax.random.key(0)))(batch)
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)
  assert nats.std() > 0.1 and model.likelihood == {"exact": "exact"}


@pytest.mark.parametrize("name, data", CASES)
def test_each_conditional_knows_all_before_it_and_nothing_else(name, data):
  model, data = made_of(name, DATA[data]), DATA[data]
  i = np.arange(math.prod(data["image"].shape))
  expected = i[:, None] > i[None]
  np.testing.assert_array_equal(depends(model, perturbed(model, data), data), expected)


@pytest.mark.parametrize("name, data", CASES)
def test_samples_their_log_probability_and_caches(name, data):
  """log p of a sample is the sum of its draws' log-probabilities; without caches the draws are the
  same.
  """
  model, data, n = made_of(name, DATA[data]), DATA[data], 8
  params = perturbed(model, data, scale=SCALE.get(name, 0.7))
  batch, nats = jax.jit(lambda key: model.parts["draw"](params, {}, key, n, labels(model, n)))(
    jax.random.key(4)
  )
  batch |= labels(model, n)
  np.testing.assert_allclose(
    nats, jax.jit(lambda b: model.log_prob(params, {}, b, None))(batch), atol=5e-5
  )
  assert model.calls() == math.prod(data["image"].shape)
  if name in CACHED:
    naive = jax.jit(
      lambda key: model.parts["draw"](params, {}, key, n, labels(model, n), cached=False)
    )
    again, of_naive = naive(jax.random.key(4))
    np.testing.assert_array_equal(again["image"], batch["image"])
    np.testing.assert_allclose(of_naive, nats, atol=5e-5)


@pytest.mark.slow
def test_one_component_of_a_pixelcnn_pp_draws_all_channels_of_a_pixel():
  """p(R, G, B) = sum_k w_k p_k(R) p_k(G | R) p_k(B | R, G), though channels are drawn in turn."""
  model, image = made_of("pixelcnn_pp", RGB), all_images(RGB)
  params = perturbed(model, RGB, scale=0.2)
  numbers = jax.jit(model.parts["numbers"])(params, image.reshape(len(image), -1), {})
  logits, mean, log_scale = logistics(numbers.reshape(len(image), 2, 3, -1))
  each = discretized_logistic_log_prob(image[:, 0, ..., None], mean, log_scale, 3).sum(2)
  nats = jax.nn.logsumexp(jax.nn.log_softmax(logits[:, :, 0]) + each, -1).sum(1)
  found = jax.jit(lambda x: model.log_prob(params, {}, {"image": x}, None))(image)
  np.testing.assert_allclose(found, nats, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("data", DATA)
def test_completion(name, data):
  """Given pixels stay, also with the coldest and the narrowest sampling; the others are drawn, and
  are the mode.
  """
  model, data, n = made_of(name, DATA[data]), DATA[data], 6
  params = perturbed(model, data, scale=SCALE.get(name, 0.7))
  shape, dtype, levels = data["image"][:3]
  rng = np.random.default_rng(0)
  image, keep = rng.integers(levels, size=(n, *shape)).astype(dtype), rng.random((n, *shape)) < 0.5
  given = {"image": image, "keep": keep} | labels(model, n)
  sample = lambda given, **options: jax.jit(
    lambda k: model.sample(params, {}, k, n, given, **options)
  )
  key, other = jax.random.key(6), jax.random.key(7)
  x = sample(given)(key)["image"]
  np.testing.assert_array_equal(x[keep], image[keep])
  assert (x != image).any() and x.dtype == dtype
  half = {k: v for k, v in given.items() if k != "keep"}
  first = math.prod(shape) // 2
  np.testing.assert_array_equal(
    sample(half)(key)["image"].reshape(n, -1)[:, :first], image.reshape(n, -1)[:, :first]
  )
  coldest = [
    sample(given, **options) for options in (dict(temperature=0.0), dict(top_k=1), dict(top_p=1e-6))
  ]
  modes = [draw(k)["image"] for draw in coldest for k in (key, other)]
  for mode in modes:
    np.testing.assert_array_equal(mode, modes[0])
  np.testing.assert_array_equal(modes[0][keep], image[keep])


@pytest.mark.slow
def test_frequencies_are_the_probabilities(n=20_000):
  """Each image is drawn as often as its probability says, within five standard deviations."""
  model, image = fvsbn.model(BINARY), all_images(BINARY)
  params = perturbed(model, BINARY)
  probability = np.exp(model.log_prob(params, {}, {"image": image}, None))
  drawn = jax.jit(lambda key: model.sample(params, {}, key, n))(jax.random.key(5))["image"]
  counts = np.bincount(drawn.reshape(n, -1).astype(int) @ 2 ** np.arange(9)[::-1], minlength=512)
  assert (np.abs(counts - n * probability) < 5 * np.sqrt(n * probability) + 5).all()


@pytest.mark.slow
def test_the_blind_spot_of_the_plain_network_is_gone_in_the_gated_one():
  data = {"image": Field((7, 7, 1), np.uint8, 2)}
  i = np.arange(49)
  before = i[:, None] > i[None]
  plain, gated = (
    pixelcnn.model(data, width=24, blocks=5, first=3),
    gated_pixelcnn.model(data, width=8, layers=7, first=3),
  )
  seen = [depends(model, perturbed(model, data), data) for model in (plain, gated)]
  # Beyond a slope of one pixel a row.
  right = i[None] % 7 - i[:, None] % 7 > i[:, None] // 7 - i[None] // 7
  np.testing.assert_array_equal(seen[0], before & ~right)
  np.testing.assert_array_equal(seen[1], before)


@pytest.mark.slow
def test_classes_differ():
  model = made_of("gated_pixelcnn", BINARY)
  params, image = perturbed(model, BINARY), all_images(BINARY)
  log_prob = jax.jit(
    lambda label: model.log_prob(params, {}, {"image": image, "label": label}, None)
  )
  nats = [log_prob(np.full(len(image), c)) for c in (0, 1)]
  assert np.abs(nats[0] - nats[1]).max() > 0.1 and model.given == ("label",)


def test_mistakes_are_named():
  image, real, flat = (
    {"image": BINARY["image"]},
    {"x": Field((2,), np.float32)},
    {"x": Field((3,), np.uint8, 2)},
  )
  for module, data, options in (
    (gated_pixelcnn, image, dict(conditional=True)),
    (gated_pixelcnn, flat, {}),
    (gated_pixelcnn, RGB, dict(width=2)),
    (pixelcnn, flat, {}),
    (rnn, BINARY, dict(cell="elman")),
    (pixel_transformer, BINARY, dict(pattern="none")),
    (made, BINARY, dict(order="spiral")),
    (made, BINARY, dict(masks=0)),
    *((module, real, {}) for module in (fvsbn, window, nade, made)),
  ):
    with pytest.raises(UserError):
      module.model(data, **options)
