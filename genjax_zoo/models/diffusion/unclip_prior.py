"""The prior of unCLIP: CLIP's embedding of an image, given a caption (Ramesh 2022, 2204.06125).

A caption says less than an image, and the embedding v of a caption is not that of one of its
images, even where both are unit vectors of one space. The prior samples one, u, given the words and
v, by a diffusion that predicts the embedding itself:

  loss = |u_0 - u_hat(u_t, t, caption, v)|² / D,   u_t = alpha_t u_0 + sigma_t eps

u and v are scaled to length sqrt(D), at which their entries have unit variance. Of `candidates`
samples the one with the greatest u . v is kept: two in the paper. The other prior of the paper,
autoregressive, is unclip_ar_prior.py; what both share is here.

CLIP is a frozen stage; so is this model one, of unclip.py, which makes images of embeddings.

Departures: a residual MLP in place of a causal transformer of words, v, t and u_t; samples are not
guided, though captions are left out in training as in the paper.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.diffusion import ddpm
from genjax_zoo.models.discriminative.clip import TEXT, equal_captions, unit

IMAGE_EMBEDDING, TEXT_EMBEDDING = "image_embedding", "text_embedding"


def check_clip(clip: Model) -> Field:
  """The Field of CLIP's embeddings. Raises UserError for a stage that has none."""
  if not {IMAGE_EMBEDDING, TEXT_EMBEDDING} <= clip.latents.keys():
    has = ", ".join(clip.latents) or "none"
    raise UserError(f"stages.clip embeds no images and captions; its latents are: {has}; take clip")
  return clip.latents[IMAGE_EMBEDDING]


def best_of(samples, v):
  """Of embeddings [candidates, B, D] those nearest to v [B, D], [B, D]."""
  best = (samples * v[None]).sum(-1).argmax(0)
  return jnp.take_along_axis(samples, best[None, :, None], 0)[0]


def same_caption_cosine(u, tokens) -> float:
  """The mean cosine of the embeddings u [N, D] of two images with one caption, NaN without any.

  An exact prior's sample has it with its caption's image, and so have two samples. A prior that
  always gave their mean would have more with the image, and 1 with itself.
  """
  pairs = np.asarray(equal_captions(tokens, tokens)) & ~np.eye(len(u), dtype=bool)
  return float((u @ u.T)[pairs].mean()) if pairs.any() else float("nan")


def prior_model(
  data, clip: Model, init: Callable, loss: Callable, draw: Callable, calls: int
) -> Model:
  """The Model of a prior by its functions of embeddings at unit length.

  init(key, u, batch) -> (params, state); loss(params, state, u, v, batch, key, train) -> [B];
  draw(params, state, key, v, given) -> [B, D], of any length, in so many `calls` of the network.
  `state` is without the frozen CLIP.
  """
  given_fields = condition_fields(data, (TEXT,))

  def embed_image(params, state, images):
    return clip.parts["embed_image"](*state["frozen"]["clip"], images)

  def embed_text(params, state, tokens):
    return clip.parts["embed_text"](*state["frozen"]["clip"], tokens)

  def start(key, batch, frozen):
    u = embed_image(None, {"frozen": frozen}, batch["image"])
    params, state = init(key, u, batch)
    return params, state | {"frozen": frozen}

  def objective(params, state, batch, key, train):
    u = embed_image(params, state, batch["image"])
    v = embed_text(params, state, batch[TEXT])
    return loss(params, state, u, v, batch, key, train), ({}, {})

  def latent_samples(params, state, key, n, given, candidates=2):
    """Embeddings of images of given captions, the best of so many `candidates`."""
    v = embed_text(params, state, given[TEXT])
    one = lambda key: unit(draw(params, state, key, v, given))
    return {IMAGE_EMBEDDING: best_of(jax.lax.map(one, jax.random.split(key, candidates)), v)}

  def evaluate(params, state, batch, key):
    """The loss; cosines with the image of a sample, of the better of two and of the caption.

    "cosine_samples" is that of two samples of one caption.
    """
    k_loss, k_one, k_two, k_other = jax.random.split(key, 4)
    u = embed_image(params, state, batch["image"])

    def sampled(key, candidates=1):
      return latent_samples(params, state, key, len(u), batch, candidates)[IMAGE_EMBEDDING]

    cosine = lambda u, v: (u * v).sum(-1)
    one = sampled(k_one)
    error, _ = objective(params, state, batch, k_loss, train=False)
    return {
      "loss": error,
      "cosine": cosine(one, u),
      "cosine_of_two": cosine(sampled(k_two, 2), u),
      "cosine_samples": cosine(one, sampled(k_other)),
      "cosine_text": cosine(embed_text(params, state, batch[TEXT]), u),
      IMAGE_EMBEDDING: u,
      TEXT: batch[TEXT],
    }

  def summary(rows):
    return {"cosine_same_caption": same_caption_cosine(rows[IMAGE_EMBEDDING], rows[TEXT])}

  def encode(params, state, batch, key):
    return clip.encode(*state["frozen"]["clip"], batch, key)

  return Model(
    start,
    objective,
    encode=encode,
    evaluate=evaluate,
    summary=summary,
    given=given_fields,
    latents=clip.latents,
    calls=lambda candidates=2: candidates * calls,
    parts={
      "latent_samples": latent_samples,
      "embed_image": embed_image,
      "embed_text": embed_text,
    },
  )


def model(
  data,
  *,
  clip: Model,
  T: int = 1000,
  steps: int = 30,
  network: Mapping = {"name": "mlp"},
  drop: float = 0.1,
) -> Model:
  """The diffusion prior of the stage `clip`, of "image" given "tokens", sampled in `steps`.

  `network` and `drop` are those of `ddpm`. Raises UserError for another stage, and for data without
  captions.
  """
  field = check_clip(clip)
  scale = field.shape[-1] ** 0.5
  entries = condition_fields(data, (TEXT,)) | {TEXT_EMBEDDING: field}
  inner = ddpm.model(
    {"x": field} | entries,
    T=T,
    schedule="cosine",
    prediction="x0",
    network=network,
    condition=tuple(entries),
    drop=drop,
  )

  def conditioned(given, v):
    return {TEXT: given[TEXT], TEXT_EMBEDDING: scale * v}

  def init(key, u, batch):
    return inner.init(key, {"x": u})

  def loss(params, state, u, v, batch, key, train):
    return inner.loss(params, {}, {"x": scale * u} | conditioned(batch, v), key, train)[0]

  options = dict(sampler="dpm_solver", steps=steps)

  def draw(params, state, key, v, given):
    return inner.sample(params, {}, key, len(v), conditioned(given, v), **options)["x"]

  return prior_model(data, clip, init, loss, draw, inner.calls(**options))
