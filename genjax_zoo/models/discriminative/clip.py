"""CLIP (Radford 2021, arXiv:2103.00020): images and captions in one space of embeddings.

  u_i = f(image_i) / |f(image_i)|,   v_j = g(caption_j) / |g(caption_j)|
  s_ij = scale u_i . v_j
  loss_i = -1/2 (log softmax_j(s_ij) + log softmax_j(s_ji)) at j = i

Of all pairs of a batch, those that stand beside each other belong together. The batch is the global
one: under `jit` the similarities of examples on different devices are taken like all others, so
that every device adds negatives for all. `scale`, the inverse temperature, is learned. With
train.accumulate = n, negatives are of a part of the batch alone.

Departures: captions of a closed world repeat, and an equal caption is no negative; both encoders
are small, f a convolutional network and g a bidirectional transformer, whose words are averaged.
"""

from collections.abc import Mapping
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import image_of, to_floats
from genjax_zoo.nn.convnet import Encoder
from genjax_zoo.nn.text_encoder import TextEncoder
from genjax_zoo.prob.contrastive import first_of, info_nce, ranks

TEXT = "tokens"
SCALE = 1 / 0.07  # At the start.
MOST = 100.0  # The most that it can be.
AMONG = 64  # Candidates of the easier retrieval that is reported.


class ImageEncoder(nn.Module):
  """Images [B, H, W, C] in [-1, 1] -> unit vectors [B, embedding]."""

  widths: tuple[int, ...]
  features: int
  embedding: int
  dtype: str

  @nn.compact
  def __call__(self, x):
    h = Encoder(self.widths, self.features, dtype=self.dtype)(x)
    return unit(nn.Dense(self.embedding, use_bias=False)(nn.gelu(h)))


class CaptionEncoder(nn.Module):
  """Words [B, L], 0 is padding -> (unit vectors [B, embedding], their states [B, L, width])."""

  vocabulary: int
  width: int
  depth: int
  embedding: int

  @nn.compact
  def __call__(self, words):
    states, pooled = TextEncoder(self.vocabulary, self.width, self.depth)(words)
    return unit(nn.Dense(self.embedding, use_bias=False)(pooled)), states


def unit(x):
  """x [B, D] at length 1; 0 stays 0."""
  return x * jax.lax.rsqrt(jnp.maximum((x**2).sum(-1, keepdims=True), 1e-12))


def equal_captions(tokens, others):
  """Whether captions [N, L] are those of others [M, L], word by word: bool [N, M]."""
  return (tokens[:, None] == others[None]).all(-1)


def retrieval(images, texts, tokens) -> dict[str, float]:
  """How well images [N, D] and their captions [N, D] find each other, by embeddings.

  "retrieval" is the share of images to which, of all the different captions, their own is the most
  similar. Of one image for each caption, "caption_of_64" is the expected share that finds its own
  caption among 64, and "image_of_64" that of captions that find their image.
  """
  _, first = np.unique(tokens, axis=0, return_index=True)
  found = ranks(images @ texts[first].T, equal_captions(tokens, tokens[first])) == 0
  square = images[first] @ texts[first].T
  own = np.eye(len(first), dtype=bool)
  among = lambda similarity: first_of(ranks(similarity, own), len(first) - 1, AMONG).mean()
  return {
    "retrieval": float(found.mean()),
    f"caption_of_{AMONG}": float(among(square)),
    f"image_of_{AMONG}": float(among(square.T)),
  }


def check(data: Mapping[str, Field]) -> Field:
  """The Field of the captions. Raises UserError for data without them."""
  if TEXT not in data:
    raise UserError(
      f"clip wants images with captions, 'tokens', and the data have {', '.join(data)}"
    )
  return data[TEXT]


def scale_of(params):
  """The learned scale of cosines, at most MOST."""
  return jnp.minimum(jnp.exp(params["log_scale"]), MOST)


def no_negatives(batch):
  """The pairs [B, B] that are no negatives: of equal captions, and with what pads the batch."""
  padding = batch["weight"] == 0
  return equal_captions(batch[TEXT], batch[TEXT]) | padding[:, None] | padding[None]


def model(
  data,
  *,
  embedding: int = 32,
  widths: tuple[int, ...] = (32, 64, 64),
  features: int = 128,
  text_width: int = 64,
  text_depth: int = 2,
  dtype: str = "float32",
) -> Model:
  """CLIP of "image" and "tokens", with embeddings of `embedding` numbers.

  Each of `widths` halves the images; `features` units lie below their embedding. Raises UserError
  for data without images or captions.
  """
  field = image_of(data)
  words = check(data)
  image_net = ImageEncoder(widths, features, embedding, dtype)
  text_net = CaptionEncoder(words.num_values, text_width, text_depth, embedding)

  def embed_image(params, state, images):
    return image_net.apply({"params": params["image"]}, to_floats(images, field))

  def embed_text(params, state, tokens):
    return text_net.apply({"params": params["text"]}, tokens)[0]

  def read_text(params, state, tokens):
    """The states of the words, [B, L, text_width], 0 at padding."""
    states = text_net.apply({"params": params["text"]}, tokens)[1]
    return states * (tokens > 0)[..., None]

  def score(params, state, images, given):
    texts = embed_text(params, state, given[TEXT])
    return (embed_image(params, state, images) * texts).sum(-1)

  def init(key, batch):
    k_image, k_text = jax.random.split(key)
    x = to_floats(batch["image"], field)
    params = {
      "image": image_net.init(k_image, x)["params"],
      "text": text_net.init(k_text, batch[TEXT])["params"],
      "log_scale": jnp.array(math.log(SCALE)),
    }
    return params, {}

  def encode(params, state, batch, key):
    return {
      "image_embedding": embed_image(params, state, batch["image"]),
      "text_embedding": embed_text(params, state, batch[TEXT]),
    }

  def loss(params, state, batch, key, train):
    images = embed_image(params, state, batch["image"])
    texts = embed_text(params, state, batch[TEXT])
    scale = scale_of(params)
    nats = info_nce(scale * images @ texts.T, no_negatives(batch))
    return nats, ({}, {"scale": jnp.broadcast_to(scale, nats.shape)})

  def evaluate(params, state, batch, key):
    nats, (_, metrics) = loss(params, state, batch, key, train=False)
    rows = encode(params, state, batch, key) | {TEXT: batch[TEXT]}
    return {"loss": nats} | metrics | rows

  def summary(rows):
    return retrieval(rows["image_embedding"], rows["text_embedding"], rows[TEXT])

  vector = Field((embedding,), np.float32)
  return Model(
    init,
    loss,
    encode=encode,
    latents={"image_embedding": vector, "text_embedding": vector},
    evaluate=evaluate,
    summary=summary,
    parts={
      "score": score,
      "embed_image": embed_image,
      "embed_text": embed_text,
      "read_text": read_text,
    },
  )
