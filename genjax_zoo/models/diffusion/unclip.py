"""unCLIP, known as DALL-E 2: images by way of CLIP's embeddings (Ramesh 2022, arXiv:2204.06125).

  p(image | caption) = p(u | caption) p(image | u),   u = CLIP's embedding of the image

The first factor is the prior, a trained stage (unclip_prior.py or unclip_ar_prior.py). The second,
trained here, is a diffusion model that is given u, left out now and then for classifier-free
guidance:

  loss = the denoising loss of x_t, given u

The decoder inverts CLIP's encoder: what u says of an image is kept, and the rest is sampled. With
the noise x_T to which the probability-flow ODE, given u, takes an image, it is kept too: `encode`
gives both, u at length 1 and x_T as "z". Three things follow, all by `decode`:

  variations         u and new noise: another image of the same content
  interpolations     on the arc between two u, `prob.interpolation.spherical`
  text differences   u moved towards the difference of two captions, `text_difference`

Departures: EDM (edm.py) in place of the improved DDPM; the decoder is given no caption, which the
paper found of little help; images are small, and nothing enlarges them.
"""

from collections.abc import Mapping

import jax
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import image_of
from genjax_zoo.models.diffusion import edm
from genjax_zoo.models.diffusion.unclip_prior import IMAGE_EMBEDDING
from genjax_zoo.models.discriminative.clip import unit
from genjax_zoo.prob.interpolation import spherical

NOISE = "z"


def text_difference(u, old, new, t):
  """u [B, D] moved by t in [0, 1] towards what changes from caption `old` to `new`, [B, D].

  That is on the arc to (new - old) at length 1, embeddings of captions [B, D] (section 3.3; there t
  rises to at most 0.25 to 0.5, and the image's own inferred noise is decoded).
  """
  return spherical(u, unit(new - old), t)


def check_prior(prior: Model) -> Field:
  """The Field of the prior's embeddings. Raises UserError for a stage that samples none."""
  if IMAGE_EMBEDDING not in prior.latents or "latent_samples" not in prior.parts:
    raise UserError(
      "stages.prior samples no embeddings of images: take unclip_prior or unclip_ar_prior"
    )
  return prior.latents[IMAGE_EMBEDDING]


def model(
  data,
  *,
  prior: Model,
  sd: float = 0.5,
  mean: float = -1.2,
  spread: float = 1.2,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
  drop: float = 0.1,
) -> Model:
  """The decoder of "image" on the stage `prior`; samples are of captions, by both.

  `drop` is the probability that the embedding is left out in training; the other arguments are
  those of `edm`. Raises UserError for another stage, and for data without images.
  """
  image_field = image_of(data)
  field = check_prior(prior)
  scale = field.shape[-1] ** 0.5  # Embeddings of this length have entries of unit variance.
  levels = dict(sd=sd, mean=mean, spread=spread, low=low, high=high)
  inner = edm.model(
    {**data, IMAGE_EMBEDDING: field},
    **levels,
    network=network,
    condition=(IMAGE_EMBEDDING,),
    drop=drop,
  )

  def embed_image(params, state, images):
    return prior.parts["embed_image"](*state["frozen"]["prior"], images)

  def embed_text(params, state, tokens):
    return prior.parts["embed_text"](*state["frozen"]["prior"], tokens)

  def latent_samples(params, state, key, n, given, candidates=2):
    return prior.parts["latent_samples"](*state["frozen"]["prior"], key, n, given, candidates)

  def conditioned(batch, u):
    return {**batch, IMAGE_EMBEDDING: scale * u}

  def init(key, batch, frozen):
    params, _ = inner.init(key, batch)
    return params, {"frozen": frozen}

  def loss(params, state, batch, key, train):
    u = embed_image(params, state, batch["image"])
    return inner.loss(params, {}, conditioned(batch, u), key, train)

  def sample(params, state, key, n, given={}, candidates=2, **options):
    """n images of captions; of so many `candidates` of the prior the best is decoded.

    The other options are those of `edm`.
    """
    k_u, k_x = jax.random.split(key)
    u = latent_samples(params, state, k_u, n, given, candidates)[IMAGE_EMBEDDING]
    return inner.sample(params, {}, k_x, n, conditioned({}, u), **options)

  def encode(params, state, batch, key):
    u = embed_image(params, state, batch["image"])
    found = inner.encode(params, {}, conditioned({"image": batch["image"]}, u), key)
    return {IMAGE_EMBEDDING: u, NOISE: found["z"]}

  def decode(params, state, latents, key, **options):
    """Images of embeddings, with the noise "z" where it is given, or else sampled, as by `edm`."""
    u = latents[IMAGE_EMBEDDING]
    if NOISE in latents:
      return inner.decode(params, {}, conditioned({NOISE: latents[NOISE]}, u), key)
    return inner.sample(params, {}, key, len(u), conditioned({}, u), **options)

  def calls(candidates=2, **options):
    return prior.calls(candidates=candidates) + inner.calls(**options)

  return Model(
    init,
    loss,
    sample,
    encode=encode,
    decode=decode,
    given=prior.given,
    latents={IMAGE_EMBEDDING: field, NOISE: Field(image_field.shape, np.float32)},
    calls=calls,
    parts={
      "latent_samples": latent_samples,
      "embed_image": embed_image,
      "embed_text": embed_text,
    },
  )
