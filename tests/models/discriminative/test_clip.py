"""CLIP: its loss is InfoNCE of the global batch, and its embeddings are of unit length."""

import jax
import jax.numpy as jnp
from jax.sharding import AxisType
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.discriminative import clip
from genjax_zoo.prob.contrastive import info_nce
from genjax_zoo.sharding import put, replicated

FIELDS = {"image": Field((8, 8, 3), np.uint8, 256), "tokens": Field((4,), np.int32, 9)}
N = 8
KEY = jax.random.key(0)
MODEL = clip.model(FIELDS, embedding=5, widths=(8,), features=6, text_width=8, text_depth=1)


@pytest.fixture(scope="module")
def batch():
  rng = np.random.default_rng(0)
  tokens = rng.integers(1, 9, (N, 4)).astype(np.int32)
  tokens[3] = tokens[0]
  images = rng.integers(0, 256, (N, 8, 8, 3)).astype(np.uint8)
  return {"image": images, "tokens": tokens, "weight": np.ones(N, np.float32)}


@pytest.fixture(scope="module")
def params(batch):
  return MODEL.init(KEY, batch)[0]


def value_and_gradient(params, batch):
  loss = lambda params: MODEL.loss(params, {}, batch, KEY, train=True)[0]
  return loss(params), jax.grad(lambda params: loss(params).mean())(params)


def test_the_loss_is_info_nce_of_scaled_cosines(params, batch):
  z = MODEL.encode(params, {}, batch, KEY)
  images, texts = z["image_embedding"], z["text_embedding"]
  for x in images, texts:
    np.testing.assert_allclose(jnp.linalg.norm(x, axis=-1), 1, rtol=1e-5)
  scale = np.exp(params["log_scale"])
  assert scale == pytest.approx(1 / 0.07)
  same = np.eye(N, dtype=bool)
  same[0, 3] = same[3, 0] = True  # Equal captions are no negatives.
  loss, (_, metrics) = MODEL.loss(params, {}, batch, KEY, train=True)
  np.testing.assert_allclose(loss, info_nce(scale * images @ texts.T, same), rtol=1e-5)
  np.testing.assert_allclose(metrics["scale"], scale, rtol=1e-6)
  warm = MODEL.loss(params | {"log_scale": jnp.log(1e4)}, {}, batch, KEY, train=True)[1][1]
  np.testing.assert_allclose(warm["scale"], 100, rtol=1e-6)


def test_padding_of_a_batch_is_no_negative(params, batch):
  padded = batch | {"weight": np.arange(N) < 6}
  part = {k: x[:6] for k, x in batch.items()}
  loss = MODEL.evaluate(params, {}, padded, KEY)["loss"][:6]
  np.testing.assert_allclose(loss, MODEL.evaluate(params, {}, part, KEY)["loss"], rtol=1e-5)


def test_the_negatives_are_those_of_all_devices(params, batch):
  """Value and gradient on 4 devices are those on 1, and not those of each device's part."""
  alone = jax.jit(value_and_gradient)(params, batch)
  mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
  with jax.set_mesh(mesh):
    everywhere = jax.device_put(params, replicated(mesh))
    spread = jax.jit(value_and_gradient)(everywhere, put(batch, mesh, "data"))
  for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(spread)):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
  parts = [{k: x[i : i + 2] for k, x in batch.items()} for i in range(0, N, 2)]
  apart = [MODEL.loss(params, {}, part, KEY, train=True)[0] for part in parts]
  assert (np.concatenate(apart) < alone[0] - 0.1).all()


def test_the_score_is_the_cosine_of_image_and_caption(params, batch):
  z = MODEL.encode(params, {}, batch, KEY)
  score = MODEL.parts["score"](params, {}, batch["image"], {"tokens": batch["tokens"]})
  expected = (z["image_embedding"] * z["text_embedding"]).sum(-1)
  np.testing.assert_allclose(score, expected, atol=1e-6)


def test_retrieval_of_known_embeddings():
  """Three captions of two images each; one image of the third is nearest to the first caption."""
  tokens = np.array([[1, 1], [2, 1], [3, 1]] * 2)
  texts = np.tile(np.eye(3, dtype="f4"), (2, 1))
  images = texts.copy()
  images[5] = [1, 0, 0.5]
  found = clip.retrieval(images, texts, tokens)
  assert found == {"retrieval": pytest.approx(5 / 6), "caption_of_64": 1.0, "image_of_64": 1.0}
  # The images of the captions that stand first: that of the third is the first caption's.
  images[2] = [1, 0, 0.5]
  found = clip.retrieval(images, texts, tokens)
  assert found["retrieval"] == pytest.approx(4 / 6)
  assert found["caption_of_64"] == pytest.approx(2 / 3)
  # The first caption has a tie, and the third still finds its image.
  assert found["image_of_64"] == pytest.approx(2 / 3)


def test_data_without_captions_are_refused():
  with pytest.raises(UserError, match="captions, 'tokens', and the data have image"):
    clip.model({"image": FIELDS["image"]})
