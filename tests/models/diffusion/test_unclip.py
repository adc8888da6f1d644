"""unCLIP: the prior keeps the better of its samples, and the decoder inverts an exact embedding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.diffusion import edm, unclip, unclip_prior
from genjax_zoo.models.tokens import unclip_ar_prior

KEY, N, D = jax.random.key(0), 6, 4
FIELDS = {"image": Field((2, 2, 1), np.uint8, 256), "tokens": Field((2,), np.int32, 5)}
VECTOR = Field((D,), np.float32)


def embed_image(params, state, images):
  """The four pixels, at length 1."""
  return unclip_prior.unit(images.reshape(-1, D) / 255.0)


def embed_text(params, state, tokens):
  """The axis of the first word."""
  return jax.nn.one_hot(tokens[:, 0] % D, D)


CLIP = Model(
  None,
  encode=lambda params, state, batch, key: {
    "image_embedding": embed_image(params, state, batch["image"]),
    "text_embedding": embed_text(params, state, batch["tokens"]),
  },
  latents={"image_embedding": VECTOR, "text_embedding": VECTOR},
  parts={"embed_image": embed_image, "embed_text": embed_text},
)
FROZEN = {"clip": ({}, {})}


@pytest.fixture(scope="module")
def batch():
  rng = np.random.default_rng(0)
  images = rng.integers(1, 256, (N, 2, 2, 1)).astype(np.uint8)
  tokens = np.array([[1, 2], [2, 1], [3, 4], [1, 2], [4, 4], [2, 3]], np.int32)
  return {"image": images, "tokens": tokens, "weight": np.ones(N, np.float32)}


def test_of_two_samples_the_one_nearer_to_the_caption_is_kept():
  samples = jnp.array([[[1.0, 0], [0, 1]], [[0, 1.0], [1, 0]], [[0.6, 0.8], [0.6, 0.8]]])
  v = jnp.array([[1.0, 0], [1, 0]])
  np.testing.assert_array_equal(unclip_prior.best_of(samples, v), [[1, 0], [1, 0]])


def test_candidates_are_of_length_1_and_the_best_of_many_is_nearer_to_the_caption(batch):
  def draw(params, state, key, v, given):
    return 7 * jax.random.normal(key, v.shape)

  model = unclip_prior.prior_model(FIELDS, CLIP, None, None, draw, 3)
  v = embed_text({}, {}, batch["tokens"])

  def cosine(candidates):
    u = model.parts["latent_samples"]({}, {"frozen": FROZEN}, KEY, N, batch, candidates)
    u = u["image_embedding"]
    np.testing.assert_allclose(jnp.linalg.norm(u, axis=-1), 1, rtol=1e-5)
    return (u * v).sum(-1)

  assert model.calls() == 2 * 3 and model.calls(candidates=5) == 5 * 3
  several = cosine(50)
  assert several.min() > 0.7 and several.mean() > cosine(1).mean() + 0.3


def test_the_cosine_of_samples_is_that_of_two_independent_ones(batch):
  """Samples are one of two axes: half of the pairs are equal, the others at right angles."""
  axis = lambda params, state, key, v, given: jax.nn.one_hot(
    jax.random.randint(key, (len(v),), 0, 2), D
  )
  loss = lambda params, state, u, v, batch, key, train: jnp.zeros(len(u))
  model = unclip_prior.prior_model(FIELDS, CLIP, None, loss, axis, 3)
  many = {name: np.repeat(x, 100, 0) for name, x in batch.items()}
  rows = model.evaluate({}, {"frozen": FROZEN}, many, KEY)
  np.testing.assert_allclose(rows["cosine_samples"].mean(), 0.5, atol=0.06)
  np.testing.assert_array_equal(np.unique(rows["cosine_samples"]), [0, 1])


def test_what_an_exact_prior_reaches_is_the_cosine_of_two_images_of_one_caption():
  u = np.array([[1.0, 0], [0, 1], [0.6, 0.8], [-1, 0]])
  tokens = np.array([[1, 2], [1, 2], [3, 3], [1, 2]])
  # The pairs are (0, 1), (0, 3), (1, 3).
  assert unclip_prior.same_caption_cosine(u, tokens) == pytest.approx((0 - 1 + 0) / 3)
  assert np.isnan(unclip_prior.same_caption_cosine(u[1:3], tokens[1:3]))


def test_the_diffusion_prior_has_the_error_of_embeddings_of_unit_variance(batch):
  """A network of zeros predicts 0, and |u|² / D is 1 at length sqrt(D)."""
  model = unclip_prior.model(FIELDS, clip=CLIP, T=8, network=dict(name="mlp", hidden=(4,)), steps=2)
  params, state = jax.jit(model.init)(KEY, batch, FROZEN)
  loss, _ = jax.jit(lambda: model.loss(params, state, batch, KEY, train=False))()
  np.testing.assert_allclose(loss, 1, rtol=1e-5)
  rows = jax.jit(model.evaluate)(params, state, batch, KEY)
  u, v = (CLIP.encode({}, {}, batch, KEY)[f"{k}_embedding"] for k in ("image", "text"))
  np.testing.assert_allclose(rows["cosine_text"], (u * v).sum(-1), rtol=1e-5)
  expected = unclip_prior.same_caption_cosine(np.asarray(u), batch["tokens"])
  assert model.summary(rows)["cosine_same_caption"] == pytest.approx(expected)


def test_codes_are_principal_components_in_equal_bins():
  u = jax.random.normal(KEY, (500, 3)) * jnp.array([[0.1, 3.0, 1.0]]) + 5
  pca = unclip_ar_prior.components(u, 2)
  values, vectors = np.linalg.eigh(np.cov(u.T, bias=True))
  np.testing.assert_allclose(pca.sd, np.sqrt(values[:0:-1]), rtol=1e-4)
  np.testing.assert_allclose(np.abs(pca.directions.T @ vectors[:, :0:-1]), np.eye(2), atol=1e-4)
  codes = unclip_ar_prior.to_codes(u, pca, 60)
  y = (u - u.mean(0)[None]) @ pca.directions / pca.sd[None]
  np.testing.assert_array_equal(codes, np.clip(np.floor((np.asarray(y) + 3) * 10), 0, 59))
  assert codes.min() == 0 or codes.max() == 59  # Some of 500 are further out than 3.
  # Inside the bins no component is off by more than half a bin.
  back = (unclip_ar_prior.from_codes(codes, pca, 60) - u.mean(0)[None]) @ pca.directions
  inside = np.abs(y) < 3
  assert np.abs(back / pca.sd[None] - y)[inside].max() <= 0.05 + 1e-4


def test_the_autoregressive_prior_is_of_the_codes_alone(batch):
  """A network of zeros gives each of the codes 1 / bins; the caption is given."""
  model = unclip_ar_prior.model(FIELDS, clip=CLIP, dims=3, bins=8, width=8, layers=1, heads=2)
  params, state = jax.jit(model.init)(KEY, batch, FROZEN)
  loss, _ = jax.jit(lambda: model.loss(params, state, batch, KEY, train=False))()
  np.testing.assert_allclose(loss, 3 * np.log(8), rtol=1e-5)
  drawn = jax.jit(lambda: model.parts["latent_samples"](params, state, KEY, N, batch, 2))()
  assert drawn["image_embedding"].shape == (N, D)
  with pytest.raises(UserError, match=r"model\.dims=9: an embedding has 4"):
    unclip_ar_prior.model(FIELDS, clip=CLIP, dims=9)


def exact_network(space, network):
  """The network of an EDM whose image is its embedding."""

  def apply(params, x, noise, c, key=None):
    u, _ = c["image_embedding"]
    sigma = jnp.broadcast_to(jnp.exp(noise), len(x))[:, None, None, None]
    skip, out, scale = edm.preconditioning(sigma, 0.5)
    image = 2 * (u / D**0.5).reshape(x.shape) - 1
    return (image - skip * x / scale) / out

  return lambda key, batch: ({}, {}), apply


def prior_of(u):
  """A prior whose samples are u."""
  return CLIP._replace(
    given={"tokens": FIELDS["tokens"]},
    parts=CLIP.parts | {"latent_samples": lambda *args: {"image_embedding": u}},
  )


def test_a_caption_becomes_an_embedding_that_is_decoded(batch, monkeypatch):
  monkeypatch.setattr(edm, "network_functions", exact_network)
  u = embed_image({}, {}, batch["image"])
  model = unclip.model(FIELDS, prior=prior_of(u))
  state = {"frozen": {"prior": ({}, {})}}
  expected = np.round(255 * np.asarray(u)).reshape(N, 2, 2, 1)
  assert model.calls(steps=2) == 1 + 3  # Of the prior, and of Heun's rule.
  draw = lambda: model.sample({}, state, KEY, N, {"tokens": batch["tokens"]}, steps=2)
  np.testing.assert_allclose(draw()["image"], expected, atol=1)
  latents = jax.jit(model.encode)({}, state, batch, KEY)
  np.testing.assert_allclose(latents["image_embedding"], u, rtol=1e-5)
  without = {"image_embedding": u}
  np.testing.assert_allclose(model.decode({}, state, without, KEY)["image"], expected, atol=1)


def test_an_embedding_is_decoded_with_the_noise_that_is_given(monkeypatch):
  """The decoder here gives its noise back, and samples zeros."""
  decode = lambda params, state, latents, key: {"image": latents["z"], **latents}
  sample = lambda params, state, key, n, given: {"image": jnp.zeros(n), **given}
  inner = Model(None, sample=sample, decode=decode)
  monkeypatch.setattr(edm, "model", lambda *args, **options: inner)
  u, z = jnp.eye(D)[:2], jnp.array([3.0, 4.0])
  model = unclip.model(FIELDS, prior=prior_of(u))
  with_noise = model.decode({}, {}, {"image_embedding": u, "z": z}, KEY)
  without = model.decode({}, {}, {"image_embedding": u}, KEY)
  np.testing.assert_array_equal(with_noise["image"], z)
  np.testing.assert_array_equal(without["image"], [0, 0])
  for found in with_noise, without:
    np.testing.assert_allclose(found["image_embedding"], D**0.5 * u, rtol=1e-6)


def test_a_text_difference_turns_an_embedding_by_its_share_of_the_right_angle():
  """Between orthogonal axes t is the share of 90 degrees, whatever the length of the difference."""
  u = jnp.eye(3)[None, 0]
  old = jnp.array([[0, 0, 0.3]])
  new = old + 5 * jnp.eye(3)[None, 1]
  for t in (0.0, 0.25, 1.0):
    expected = [[np.cos(t * np.pi / 2), np.sin(t * np.pi / 2), 0]]
    np.testing.assert_allclose(unclip.text_difference(u, old, new, t), expected, atol=1e-6)


def test_stages_of_another_kind_are_named():
  with pytest.raises(UserError, match=r"stages\.clip embeds no images"):
    unclip_prior.model(FIELDS, clip=CLIP._replace(latents={}))
  with pytest.raises(UserError, match=r"stages\.prior samples no embeddings"):
    unclip.model(FIELDS, prior=CLIP)
