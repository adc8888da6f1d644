"""Video diffusion: known frames cost nothing and stay; windows cover videos of any length."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import video_diffusion

KEY, N = jax.random.key(0), 4000
VIDEO = {
  "video": Field((6, 4, 4, 1), np.uint8, 17, kind="video"),
  "label": Field((), np.int32, 3),
}
NETWORK = {"name": "dit", "width": 8, "depth": 1, "patch": 4, "frames": 1}
FIRST = Model(
  None,
  encode=lambda params, state, batch, key: {
    "z": batch["video"].reshape(len(batch["video"]), 6, 16)
  },
  decode=lambda params, state, latents, key: {"video": latents["z"].reshape(-1, 6, 4, 4, 1)},
  latents={"z": Field((6, 16), np.float32)},
)


def test_first_frames_are_known_uniformly_many_in_the_share_of_videos_that_is_masked():
  known = np.asarray(video_diffusion.known_frames(KEY, N, 5, 0.4))
  m = known.sum(1)
  np.testing.assert_array_equal(known, np.arange(5)[None] < m[:, None])
  shares = np.bincount(m, minlength=6) / N
  np.testing.assert_allclose(shares, [0.6, 0.1, 0.1, 0.1, 0.1, 0], atol=0.02)


@pytest.mark.parametrize("masked", [0.0, 0.5])
def test_known_frames_cost_nothing(masked):
  """A network of zeros predicts v = 0, whose error is 1 of N(0, I): 1 - masked / 2 in the mean.

  Half of a video's frames are known in the mean, if any are.
  """
  options = dict(masked=masked, T=20, network={"name": "dit", "width": 8, "depth": 1})
  model = video_diffusion.model(VIDEO, first=FIRST, condition=(), **options)
  batch = {"video": jax.random.normal(KEY, (N, 6, 4, 4, 1))}
  weights = jax.jit(model.init)(KEY, batch, {"first": ({}, {})})
  loss, _ = jax.jit(lambda: model.loss(*weights, batch, KEY, train=True))()
  np.testing.assert_allclose(loss.mean(), 1 - masked / 2, rtol=0.03)


@pytest.mark.parametrize(
  "frames, window, overlap, starts",
  [(8, 8, 2, [0]), (16, 8, 2, [0, 6, 8]), (16, 8, 4, [0, 4, 8]), (5, 2, 1, [0, 1, 2, 3])],
)
def test_windows_cover_the_video_and_overlap(frames, window, overlap, starts):
  assert video_diffusion.window_starts(frames, window, overlap) == starts


def test_windows_are_parts_of_their_own_video():
  x = jnp.arange(24).reshape(3, 8)
  found = video_diffusion.windows_of(x, jnp.array([0, 5, 2]), 3)
  np.testing.assert_array_equal(found, [[0, 1, 2], [13, 14, 15], [18, 19, 20]])


@pytest.mark.parametrize("masked", [0.0, 1.0])
def test_windows_without_known_frames_are_the_first_and_others_may_be_anywhere(masked):
  """Every frame after the first window is infinite, and so is a loss that looks at it."""
  options = dict(masked=masked, T=20, window=3, overlap=1)
  network = {"name": "dit", "width": 8, "depth": 1}
  model = video_diffusion.model(VIDEO, first=FIRST, condition=(), network=network, **options)
  video = jnp.ones((200, 6, 4, 4, 1)).at[:, ::2].set(-1)
  weights = jax.jit(model.init)(KEY, {"video": video}, {"first": ({}, {})})
  batch = {"video": video.at[:, 3:].set(jnp.inf)}
  loss, _ = jax.jit(lambda: model.loss(*weights, batch, KEY, train=True))()
  finite = np.isfinite(loss).mean()
  # Of the four places of a window one sees none of the frames from the third on.
  assert finite == 1 if masked == 0 else 0.15 < finite < 0.35


def test_known_frames_stay_in_latents_of_any_scale():
  network = {"name": "dit", "width": 8, "depth": 1}
  model = video_diffusion.model(VIDEO, first=FIRST, condition=(), T=20, network=network)
  video = 5 * jax.random.normal(KEY, (8, 6, 4, 4, 1))
  weights = jax.jit(model.init)(KEY, {"video": video}, {"first": ({}, {})})
  known = jnp.broadcast_to((jnp.arange(6) < 4)[None, :, None, None, None], (8, 6, 1, 1, 1))
  made = jax.jit(lambda: model.sample(*weights, KEY, 8, {"video": video, "known": known}, steps=3))
  np.testing.assert_allclose(made()["video"][:, :4], video[:, :4], rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module", params=[0, 4])
def pixels(request):
  """A model in pixels, of whole videos or of windows of 4, and its first weights, moved from 0."""
  model = video_diffusion.model(
    VIDEO, condition=("label",), network=NETWORK, T=20, window=request.param, overlap=2
  )
  batch = {"video": jnp.zeros((2, 6, 4, 4, 1), jnp.uint8), "label": jnp.array([0, 2])}
  params, state = jax.jit(model.init)(KEY, batch)
  moved = jax.tree.map(lambda p: p + 0.1 * jax.random.normal(KEY, p.shape), params)
  # Windows begin at frames 0 and 2.
  assert model.calls(steps=5) == (10 if request.param else 5)
  return model, moved, state


def test_known_frames_stay_and_decide_on_the_others(pixels):
  model, params, state = pixels
  videos = jax.random.randint(KEY, (2, 2, 6, 4, 4, 1), 0, 17).astype(jnp.uint8)
  known = jnp.broadcast_to(jnp.arange(6)[None] < 2, (2, 6))

  @jax.jit
  def sample(video):
    given = {"video": video, "known": known, "label": jnp.array([0, 2])}
    return model.sample(params, state, KEY, 2, given, steps=4, scale=3.0)

  made = [sample(video)["video"] for video in videos]
  for video, x in zip(videos, made):
    assert x.dtype == jnp.uint8
    np.testing.assert_array_equal(x[:, :2], video[:, :2])
  assert (made[0][:, 2:] != made[1][:, 2:]).any()
  # What is not known is not looked at.
  hidden = videos[0].at[:, 2:].set(0)
  np.testing.assert_array_equal(sample(hidden)["video"], made[0])


@pytest.mark.parametrize(
  "options, wrong",
  [
    ({"window": 7}, "model.window=7: take 2 to 6"),
    ({"window": 1}, "model.window=1"),
    ({"window": 4, "overlap": 4}, "model.overlap=4: take 1 to 3"),
    ({"network": NETWORK | {"frames": 4}}, "model.network.frames=4 must divide the 6 frames"),
    ({"network": NETWORK | {"patch": 3}}, "model.network.patch=3 must divide"),
  ],
)
def test_mistakes_are_named(options, wrong):
  with pytest.raises(UserError, match=wrong):
    video_diffusion.model(VIDEO, condition=(), **({"network": NETWORK} | options))


def test_images_are_refused():
  with pytest.raises(UserError, match="is of 'video', and the data have image"):
    video_diffusion.model({"image": Field((4, 4, 1), np.uint8, 17)}, condition=())
