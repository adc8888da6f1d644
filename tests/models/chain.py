"""What every autoregressive model must satisfy, on images so small that all of them can be counted."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field

BINARY = {"image": Field((3, 3, 1), np.uint8, 2), "label": Field((), np.int32, 3)}
RGB = {"image": Field((1, 2, 3), np.uint8, 3), "label": Field((), np.int32, 3)}
DATA = [BINARY, RGB]


def perturbed(model, data, seed=0):
  """Parameters far from their initial values, where no weight is 0."""
  batch = {k: jnp.zeros((1, *f.shape), f.dtype) for k, f in data.items()}

  @jax.jit
  def draw(key):
    leaves, tree = jax.tree.flatten(model.init(key, batch)[0])
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    return tree.unflatten([x + 0.7 * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves)])

  return draw(jax.random.key(seed))


def all_images(data):
  shape, dtype, levels = data["image"]
  values = itertools.product(range(levels), repeat=math.prod(shape))
  return np.array(list(values), dtype).reshape(-1, *shape)


def labels(model, n, label=1):
  return {"label": jnp.full(n, label)} if model.given else {}


def check_normalised(model, data):
  """The probabilities of all images sum to 1, and are not all alike."""
  params, image = perturbed(model, data), all_images(data)
  batch = {"image": image} | labels(model, len(image))
  nats = jax.jit(lambda batch: model.log_prob(params, {}, batch, jax.random.key(0)))(batch)
  np.testing.assert_allclose(np.exp(np.float64(nats)).sum(), 1, atol=1e-5)
  assert nats.std() > 0.1
  assert model.likelihood == {"exact": "exact"}


def check_causal(model, data, sequence=None):
  """logits_i depend on what is earlier in the sequence, all of it, and on nothing else."""
  params, dim = perturbed(model, data), math.prod(data["image"].shape)
  x = jax.random.uniform(jax.random.key(3), (dim,))
  jacobian = jax.jit(jax.jacrev(lambda x: model.parts["logits"](params, x[None], labels(model, 1))[0]))(x)
  depends = np.abs(jax.device_get(jacobian)).max(1) > 0  # [logits of i, x_j]
  place = np.argsort(np.arange(dim) if sequence is None else sequence)
  np.testing.assert_array_equal(depends, place[:, None] > place[None])


def check_sampling(model, data, n=8):
  """log p of a sample is the sum of its sampling log-probabilities; frequencies are the probabilities."""
  params = perturbed(model, data)
  draw = jax.jit(lambda key: model.parts["draw"](params, {}, key, n, labels(model, n)))
  batch, nats = draw(jax.random.key(4))
  batch |= labels(model, n)
  log_prob = jax.jit(lambda batch: model.log_prob(params, {}, batch, None))
  np.testing.assert_allclose(nats, log_prob(batch), atol=2e-5)
  assert model.calls() == math.prod(data["image"].shape)


def check_frequencies(model, data, n=20_000):
  """Each image is drawn as often as its probability says, within five standard deviations."""
  params, image = perturbed(model, data), all_images(data)
  batch = {"image": image} | labels(model, len(image))
  probability = np.exp(jax.jit(lambda batch: model.log_prob(params, {}, batch, None))(batch))
  drawn = jax.jit(lambda key: model.sample(params, {}, key, n, labels(model, n)))(jax.random.key(5))["image"]
  index = drawn.reshape(n, -1).astype(int) @ data["image"].levels ** np.arange(math.prod(data["image"].shape))[::-1]
  counts = np.bincount(index, minlength=len(image))
  assert (np.abs(counts - n * probability) < 5 * np.sqrt(n * probability) + 5).all()


def check_completion(model, data):
  """Given pixels stay, also with the coldest and the narrowest sampling; the others are drawn, and are the mode."""
  params, n = perturbed(model, data), 6
  shape, dtype, levels = data["image"]
  rng = np.random.default_rng(0)
  image, keep = rng.integers(levels, size=(n, *shape)).astype(dtype), rng.random((n, *shape)) < 0.5
  given = {"image": image, "keep": keep} | labels(model, n)
  sample = lambda given, **options: jax.jit(lambda k: model.sample(params, {}, k, n, given, **options))
  key, other = jax.random.key(6), jax.random.key(7)
  x = sample(given)(key)["image"]
  np.testing.assert_array_equal(x[keep], image[keep])
  assert (x != image).any() and x.dtype == dtype
  half = {k: v for k, v in given.items() if k != "keep"}
  first = math.prod(shape) // 2
  np.testing.assert_array_equal(sample(half)(key)["image"].reshape(n, -1)[:, :first], image.reshape(n, -1)[:, :first])
  coldest = [sample(given, **options) for options in (dict(temperature=0.0), dict(top_k=1), dict(top_p=1e-6))]
  modes = [draw(k)["image"] for draw in coldest for k in (key, other)]
  for mode in modes[1:]:
    np.testing.assert_array_equal(mode, modes[0])
  np.testing.assert_array_equal(modes[0][keep], image[keep])


CHECKS = check_normalised, check_causal, check_sampling, check_completion
