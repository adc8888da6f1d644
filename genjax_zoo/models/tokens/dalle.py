"""DALL-E (Ramesh 2021, arXiv:2102.12092): captions and images as one stream of tokens.

  k = first.encode(x),   s = (words of the caption, codes k)
  p(s) = prod_i p(s_i | s_1 .. s_{i-1})
  loss = -w mean over words of log p(s_i | ...) - (1 - w) mean over codes,   w = 1/8

The caption is modelled as well: without one, the model writes it first. Layers take the attention
`patterns` in turn: all see the caption, and of the image all codes ("dense"), those of their row or
column, or a window ("conv"). An example loses its caption with probability `drop`, which enables
guidance of the logits; the paper has none. The best of several samples as scored by CLIP is
rerank.py.

  log p(x | caption) >= log p(k | caption) + log p(x | k),   k the codes of x

Departures: any first stage with codes (the paper's is dvae.py); one mask for all heads; captions of
a few words of a closed vocabulary, padded by a word like the others.
"""

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.tokens._model import check_first, prior_model
from genjax_zoo.models.tokens._prior import prior

TEXT = "tokens"


def model(
  data,
  *,
  first: Model,
  text_weight: float = 0.125,
  drop: float = 0.0,
  width: int = 128,
  layers: int = 4,
  heads: int = 4,
  patterns: tuple[str, ...] = ("dense",),
  dropout: float = 0.0,
  dtype: str = "float32",
) -> Model:
  """A model of the captions "tokens" and of the codes of the stage `first`; samples are decoded.

  Raises UserError for data without captions, and as `token_prior` does.
  """
  check_first(first)
  if TEXT not in data:
    raise UserError(f"dalle wants captions, 'tokens', and the data have {', '.join(data)}")
  text = condition_fields(data, (TEXT,))
  p = prior({**text, **first.latents}, width, layers, heads, patterns, dtype, dropout)
  words, *grids = p.stream.segments
  codes = sum(segment.length for segment in grids)

  def objective(nats, known):
    """The weighted means of -log p of a word and of a code, [B]."""
    image = sum(nats[name] for name in first.latents)
    # A caption that is hidden is not to be guessed either.
    caption = text_weight * known[TEXT] * nats[TEXT] / words.length
    metrics = {"text_nats": nats[TEXT], "image_nats": image}
    return caption + (1 - text_weight) * image / codes, metrics

  return prior_model(first, p, text, drop, objective, modelled=(TEXT,))
