"""CLIP of noisy images: its loss at the start, and the log p by which it guides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models.diffusion import noisy_clip
from genjax_zoo.models.discriminative.clip import CaptionEncoder
from genjax_zoo.prob import schedules

FIELDS = {"image": Field((2, 2, 1), np.uint8, 256), "tokens": Field((2,), np.int32, 5)}
KEY, N = jax.random.key(0), 5
OPTIONS = dict(embedding=3, text_width=8, text_depth=1, network=dict(name="mlp", hidden=(8,)))


@pytest.fixture(scope="module")
def batch():
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (N, 2, 2, 1)).astype(np.uint8)
  tokens = np.array([[1, 2], [2, 1], [3, 4], [1, 2], [4, 4]], np.int32)
  return {"image": images, "tokens": tokens, "weight": np.ones(N, np.float32)}


def test_guidance_is_by_the_scaled_cosine_of_image_and_caption(batch):
  """At the start all images have one embedding, the direction of the offset."""
  model = noisy_clip.model(FIELDS, **OPTIONS)
  params, state = jax.jit(model.init)(KEY, batch)
  x = jax.random.normal(KEY, (N, 2, 2, 1))
  level = schedules.cosine(1000).at(300)
  found = jax.jit(model.parts["log_caption"])(params, state, x, level, batch["tokens"])
  u = params["offset"] / jnp.linalg.norm(params["offset"])
  v, _ = CaptionEncoder(5, 8, 1, 3).apply({"params": params["text"]}, batch["tokens"])
  np.testing.assert_allclose(found, v @ u / 0.07, rtol=1e-4)
  large = params | {"log_scale": jnp.array(9.0)}
  found = jax.jit(model.parts["log_caption"])(large, state, x, level, batch["tokens"])
  np.testing.assert_allclose(found, 100 * v @ u, rtol=1e-4)
  loss, (_, metrics) = jax.jit(lambda: model.loss(params, state, batch, KEY, train=False))()
  # Rows 0 and 3 have one caption, no negatives of each other; columns are constant.
  s = np.broadcast_to(v @ u / 0.07, (N, N))
  allowed = ~(batch["tokens"][:, None] == batch["tokens"][None]).all(-1) | np.eye(N, dtype=bool)
  rows = np.log((np.exp(s) * allowed).sum(1))
  columns = np.log((np.exp(s) * allowed).sum(0))
  np.testing.assert_allclose(loss, (rows + columns) / 2 - np.diagonal(s), rtol=1e-4)
  best = [i == np.where(row, v @ u, -np.inf).argmax() for i, row in enumerate(allowed)]
  np.testing.assert_array_equal(metrics["caption_found"], best)


def test_data_without_captions_are_refused():
  with pytest.raises(UserError, match="clip wants images with captions"):
    noisy_clip.model({"image": FIELDS["image"]}, **OPTIONS)
