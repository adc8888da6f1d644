"""Every autoregressive model, on images that can be enumerated.

The likelihood is exact, the conditionals are causal, and sampling with caches equals sampling
without. test_every_image.py asks it of smaller images in seconds.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.autoregressive import (
  fvsbn,
  gated_pixelcnn,
  made,
  nade,
  pixel_iqn,
  pixel_transformer,
  pixelcnn,
  pixelcnn_pp,
  pixelrnn,
  rnn,
  window,
)
from genjax_zoo.prob.autoregressive import mixture_parameters
from genjax_zoo.prob.distributions import discretized_logistic_log_prob

LABEL = Field((), np.int32, 3)
BINARY = {"image": Field((3, 3, 1), np.uint8, 2), "label": LABEL}
RGB = {"image": Field((1, 2, 3), np.uint8, 3), "label": LABEL}
CODES = {"image": Field((2, 2, 1), np.uint8, 3, ordered=False), "label": LABEL}
CODE_PAIRS = {"image": Field((1, 2, 2), np.uint8, 3, ordered=False), "label": LABEL}
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
  "gated_pixelcnn": (gated_pixelcnn, dict(width=24, layers=2, first=5, condition=("label",))),
  "dilated": (gated_pixelcnn, dict(width=24, layers=3, first=5, dilations=(1, 2), place=True)),
}
# NADE, logistics and quantiles want an order; the others are variants.
UNORDERED = ["window", "fvsbn", "made", "rnn", "pixel_transformer", "stem", "pixelcnn"]
UNORDERED += ["row", "diagonal", "gated_pixelcnn"]
# Logistics so narrow that rounding decides are of no use.
SCALE = {"pixelcnn_mixture": 0.2, "pixelcnn_pp": 0.2}
# MADE has no cheaper conditional.
CACHED = [name for name in MODELS if not name.startswith("made")]
CASES = [
  (name, data) for name in MODELS for data in DATA if (name, data) != ("pixelcnn_mixture", "binary")
]


def build(name, data):
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
  def noisy(key):
    leaves, tree = jax.tree.flatten(model.init(key, batch)[0])
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    return tree.unflatten([x + scale * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves)])

  return noisy(jax.random.key(seed))


def all_images(data):
  field = data["image"]
  values = itertools.product(range(field.num_values), repeat=math.prod(field.shape))
  return np.array(list(values), field.dtype).reshape(-1, *field.shape)


def labels(model, n, label=1):
  return {"label": jnp.full(n, label)} if model.given else {}


def log_prob(model, params):
  return jax.jit(lambda batch: model.log_prob(params, {}, batch, None))


def sampler(model, params, n, given, **options):
  """key -> (samples, their log-probability)."""
  sample = model.parts["sample_log_prob"]
  return jax.jit(lambda key: sample(params, {}, key, n, given, **options))


def depends(model, params, data):
  """[D, D]: whether the outputs of dimension i depend on x_j."""
  x = jax.random.uniform(jax.random.key(3), (math.prod(data["image"].shape),))

  def conditionals(x):
    return model.parts["conditionals"](params, {}, x[None], labels(model, 1))[0]

  jacobian = jax.jit(jax.jacrev(conditionals))(x)
  return np.abs(jax.device_get(jacobian)).max(1) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name, data", CASES)
def test_probabilities_of_all_images_sum_to_one(name, data):
  model, data = build(name, DATA[data]), DATA[data]
  params = perturbed(model, data, scale=SCALE.get(name, 0.7))
  image = all_images(data)
  nats = log_prob(model, params)({"image": image} | labels(model, len(image)))
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)
  assert nats.std() > 0.1 and model.likelihood == {"exact": "exact"}


@pytest.mark.slow
@pytest.mark.parametrize("name, data", CASES)
def test_each_conditional_depends_on_all_dimensions_before_it_and_on_nothing_else(name, data):
  model, data = build(name, DATA[data]), DATA[data]
  i = np.arange(math.prod(data["image"].shape))
  expected = i[:, None] > i[None]
  np.testing.assert_array_equal(depends(model, perturbed(model, data), data), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name, data", CASES)
def test_samples_their_log_probability_and_caches(name, data):
  """log p of a sample is the sum of its conditionals' log p; caches change nothing."""
  model, data, n = build(name, DATA[data]), DATA[data], 8
  params = perturbed(model, data, scale=SCALE.get(name, 0.7))
  batch, nats = sampler(model, params, n, labels(model, n))(jax.random.key(4))
  batch |= labels(model, n)
  np.testing.assert_allclose(nats, log_prob(model, params)(batch), atol=5e-5)
  assert model.calls() == math.prod(data["image"].shape)
  if name in CACHED:
    naive = sampler(model, params, n, labels(model, n), cached=False)
    again, naive_nats = naive(jax.random.key(4))
    np.testing.assert_array_equal(again["image"], batch["image"])
    np.testing.assert_allclose(naive_nats, nats, atol=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("data", [CODES, CODE_PAIRS], ids=["codes", "code_pairs"])
@pytest.mark.parametrize("name", UNORDERED)
def test_unordered_values(name, data):
  """Codes enter as one-hot vectors: exact, causal and cached as gray levels are."""
  model, n = build(name, data), 8
  params, image = perturbed(model, data), all_images(data)
  nats = log_prob(model, params)({"image": image} | labels(model, len(image)))
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)

  # Dimension j takes each of its 3 values: outputs of later dimensions change, and no others.
  dim = math.prod(data["image"].shape)
  conditionals = jax.jit(lambda x: model.parts["conditionals"](params, {}, x, labels(model, 3)))
  for j in range(dim):
    x = np.zeros((3, dim), int)
    x[:, j] = range(3)
    outputs = np.asarray(conditionals(x))
    different = [len(np.unique(outputs[:, i], axis=0)) for i in range(dim)]
    assert different == [3 if i > j else 1 for i in range(dim)]

  batch, _ = sampler(model, params, n, labels(model, n))(jax.random.key(4))
  naive = {} if name == "made" else dict(cached=False)
  again, _ = sampler(model, params, n, labels(model, n), **naive)(jax.random.key(4))
  np.testing.assert_array_equal(again["image"], batch["image"])


@pytest.mark.slow
def test_one_component_of_a_pixelcnn_pp_gives_all_channels_of_a_pixel():
  """p(R, G, B) = sum_k w_k p_k(R) p_k(G | R) p_k(B | R, G), as the product of its conditionals."""
  model, image = build("pixelcnn_pp", RGB), all_images(RGB)
  params = perturbed(model, RGB, scale=0.2)
  outputs = jax.jit(model.parts["conditionals"])(params, {}, image.reshape(len(image), -1), {})
  logits, mean, log_scale = mixture_parameters(outputs.reshape(len(image), 2, 3, -1))
  components = discretized_logistic_log_prob(image[:, 0, ..., None], mean, log_scale, 3).sum(2)
  nats = jax.nn.logsumexp(jax.nn.log_softmax(logits[:, :, 0]) + components, -1).sum(1)
  np.testing.assert_allclose(log_prob(model, params)({"image": image}), nats, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("data", DATA)
def test_completion(name, data):
  """Given pixels are kept under all sampling options; the coldest sample is the mode."""
  model, data, n = build(name, DATA[data]), DATA[data], 6
  params = perturbed(model, data, scale=SCALE.get(name, 0.7))
  field = data["image"]
  rng = np.random.default_rng(0)
  image = rng.integers(field.num_values, size=(n, *field.shape)).astype(field.dtype)
  keep = rng.random((n, *field.shape)) < 0.5
  given = {"image": image, "keep": keep} | labels(model, n)

  def sample(given, **options):
    return jax.jit(lambda k: model.sample(params, {}, k, n, given, **options)["image"])

  key, other = jax.random.key(6), jax.random.key(7)
  x = sample(given)(key)
  np.testing.assert_array_equal(x[keep], image[keep])
  assert (x != image).any() and x.dtype == field.dtype

  without_keep = {k: v for k, v in given.items() if k != "keep"}
  half = math.prod(field.shape) // 2
  completed = sample(without_keep)(key).reshape(n, -1)
  np.testing.assert_array_equal(completed[:, :half], image.reshape(n, -1)[:, :half])

  coldest = dict(temperature=0.0), dict(top_k=1), dict(top_p=1e-6)
  modes = [sample(given, **options)(k) for options in coldest for k in (key, other)]
  for mode in modes:
    np.testing.assert_array_equal(mode, modes[0])
  np.testing.assert_array_equal(modes[0][keep], image[keep])


@pytest.mark.slow
def test_frequencies_are_the_probabilities(n=20_000):
  """Each image is sampled as often as its probability says, within five standard deviations."""
  model, image = fvsbn.model(BINARY), all_images(BINARY)
  params = perturbed(model, BINARY)
  probability = np.exp(model.log_prob(params, {}, {"image": image}, None))
  x = jax.jit(lambda key: model.sample(params, {}, key, n))(jax.random.key(5))["image"]
  index = x.reshape(n, -1).astype(int) @ 2 ** np.arange(9)[::-1]
  counts = np.bincount(index, minlength=512)
  assert (np.abs(counts - n * probability) < 5 * np.sqrt(n * probability) + 5).all()


@pytest.mark.slow
def test_the_blind_spot_of_the_pixelcnn_is_absent_from_the_gated_one():
  data = {"image": Field((7, 7, 1), np.uint8, 2)}
  i = np.arange(49)
  before = i[:, None] > i[None]
  plain = pixelcnn.model(data, width=24, blocks=5, first=3)
  gated = gated_pixelcnn.model(data, width=8, layers=7, first=3)
  plain, gated = (depends(model, perturbed(model, data), data) for model in (plain, gated))
  # Beyond a slope of one pixel a row.
  right = i[None] % 7 - i[:, None] % 7 > i[:, None] // 7 - i[None] // 7
  np.testing.assert_array_equal(plain, before & ~right)
  np.testing.assert_array_equal(gated, before)


def test_dilations_widen_the_receptive_field(size=6):
  """To the first layer's 2 rows each other layer adds as many as its dilation."""
  data = {"image": Field((size, size, 1), np.uint8, 2)}
  x = jax.random.uniform(jax.random.key(3), (1, size * size))

  def seen(**options):
    """bool [size, size]: the pixels that pixel 3 of the last row depends on."""
    model = gated_pixelcnn.model(data, width=24, first=3, **options)
    params = perturbed(model, data)
    pixel = size * (size - 1) + 3
    output = lambda x: model.parts["conditionals"](params, {}, x, {})[0, pixel].sum()
    return np.asarray(jax.jit(jax.grad(output))(x)).reshape(size, size) != 0

  np.testing.assert_array_equal(seen(layers=2).any(1), [False] * 2 + [True] * 4)
  before = np.arange(size * size).reshape(size, size) < size * (size - 1) + 3
  np.testing.assert_array_equal(seen(layers=3, dilations=(1, 2)), before)


def test_a_place_is_known_where_no_edge_is_seen():
  """Far from all edges, pixels of a black image have the same outputs, but with `place`."""
  data = {"image": Field((12, 12, 1), np.uint8, 2)}
  for place in (False, True):
    model = gated_pixelcnn.model(data, width=6, layers=1, first=3, place=place)
    black = jnp.zeros((1, 144), int)
    outputs = model.parts["conditionals"](perturbed(model, data), {}, black, {})
    inner = np.asarray(outputs).reshape(12, 12)[3:9, 3:9]
    assert len(np.unique(inner)) == (36 if place else 1)


@pytest.mark.slow
def test_classes_differ():
  model = build("gated_pixelcnn", BINARY)
  params, image = perturbed(model, BINARY), all_images(BINARY)
  density = log_prob(model, params)
  nats = [density({"image": image, "label": np.full(len(image), c)}) for c in (0, 1)]
  assert np.abs(nats[0] - nats[1]).max() > 0.1 and model.given == {"label": LABEL}


def test_a_condition_of_another_name():
  data = {"image": BINARY["image"], "kind": LABEL}
  model = gated_pixelcnn.model(data, width=8, layers=1, condition=("kind",))
  image = jnp.zeros((2, 3, 3, 1), jnp.uint8)
  params = perturbed(model, data)
  nats = model.log_prob(params, {}, {"image": image, "kind": jnp.array([0, 1])}, None)
  assert nats[0] != nats[1] and model.given == {"kind": LABEL}


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["dense", "strided", "fixed"])
def test_attention_weights(pattern):
  """They sum to 1 over the tokens that the pattern allows."""
  model = pixel_transformer.model(BINARY, width=8, layers=2, heads=2, pattern=pattern, stride=2)
  batch = {"image": all_images(BINARY)[100:104]}
  weights = jax.jit(model.parts["attention"])(perturbed(model, BINARY), {}, batch)
  assert weights.shape == (2, 4, 2, 9, 9)
  np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
  allowed = pixel_transformer.allowed(pattern, 9, 2)
  np.testing.assert_array_equal(np.asarray(weights).max((0, 1, 2)) > 0, allowed)


def test_patterns_of_the_sparse_transformer():
  rows = lambda pattern: [np.flatnonzero(row) for row in pixel_transformer.allowed(pattern, 8, 3)]
  np.testing.assert_array_equal(rows("dense")[7], range(8))
  np.testing.assert_array_equal(rows("strided")[7], [1, 4, 5, 6, 7])
  np.testing.assert_array_equal(rows("fixed")[7], [2, 5, 6, 7])


def test_skew_makes_columns_of_diagonals():
  x = jax.random.normal(jax.random.key(0), (2, 3, 4, 5))
  skewed = pixelrnn.skew(x)
  assert skewed.shape == (6, 2, 3, 5)
  for t, y in itertools.product(range(6), range(3)):
    inside = 0 <= t - y < 4
    np.testing.assert_array_equal(skewed[t, :, y], x[:, y, t - y] if inside else 0 * x[:, 0, 0])
  np.testing.assert_array_equal(pixelrnn.unskew(skewed), x)


IMAGE = {"image": BINARY["image"]}
REAL = {"x": Field((2,), np.float32)}
FLAT = {"x": Field((3,), np.uint8, 2)}


@pytest.mark.parametrize(
  "module, data, options",
  [
    (gated_pixelcnn, IMAGE, dict(condition=("label",))),
    (gated_pixelcnn, BINARY, dict(condition=("image",))),
    (gated_pixelcnn, FLAT, {}),
    (gated_pixelcnn, RGB, dict(width=2)),
    (pixelcnn, FLAT, {}),
    (rnn, BINARY, dict(cell="elman")),
    (pixel_transformer, BINARY, dict(pattern="none")),
    (made, BINARY, dict(order="spiral")),
    (made, BINARY, dict(masks=0)),
    *((module, REAL, {}) for module in (fvsbn, window, nade, made)),
    (pixelcnn, CODES, dict(mixtures=2)),
    *((module, CODES, {}) for module in (nade, pixelcnn_pp, pixel_iqn)),
  ],
)
def test_mistakes_are_named(module, data, options):
  with pytest.raises(UserError):
    module.model(data, **options)
