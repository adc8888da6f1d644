"""A language model: a causal transformer over sentences (Vaswani 2017, arXiv:1706.03762).

  p(w) = prod_i p(w_i | w_1 .. w_{i-1}, c),   loss = -log p(w)

The word 0 ends a sentence and pads it, and is learned like the others: all sentences have L words.
With a `condition`, a label, say, it stands before the sentence as a control token, which is given
and not modelled (CTRL, Keskar 2019, arXiv:1909.05858). A control token is left out of an example
with probability `drop`; the model is then the unconditional one too, and `scale` guides from it:

  logits = logits(w) + scale (logits(w | c) - logits(w))

A word's logit is the product of the last state and the vector that the word is read by (weight
tying, Press & Wolf 2016, arXiv:1608.05859). Words that follow the same words, tasty and bland, get
all but equal rows of a last layer of its own; the vectors that they are read by differ, as what
follows them does. So a style is a direction, in which the model can be steered (lesson `control`).

Perplexity is exp of "nats_per_token": -log p of all sentences over all of their words, the end
counted as one.

Departures: pre-norm; words of a closed vocabulary, or a BPE of a user's text.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_fields, condition_of, drop as dropped
from genjax_zoo.models.tokens._model import kept, prefix_parts
from genjax_zoo.models.tokens._prior import (
  Prior,
  all_logits,
  initial_params,
  log_probs,
  prior,
  sample_tokens,
)
from genjax_zoo.models.tokens._stream import from_tokens, to_tokens

TEXT = "tokens"


def words(tokens):
  """The number of words of sentences [B, L], with one for the end where there is one, [B]."""
  return jnp.minimum((tokens > 0).sum(-1) + 1, tokens.shape[-1])


def model(
  data,
  *,
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
  width: int = 64,
  layers: int = 2,
  heads: int = 4,
  dropout: float = 0.0,
  dtype: str = "float32",
) -> Model:
  """A language model of the sentences "tokens" [L], given a `condition` of labels or of none.

  Raises UserError for data without sentences, and for heads that do not divide the width.
  """
  if TEXT not in data or len(data[TEXT].shape) != 1:
    raise UserError(
      f"language_model is of sentences, 'tokens' [L], and the data have {', '.join(data)}"
    )
  given_fields = condition_fields(data, condition)
  fields = {**given_fields, TEXT: data[TEXT]}
  p = prior(fields, width, layers, heads, ("dense",), dtype, dropout, tied=True)
  return sentence_model(p, given_fields, drop)


def sentence_model(p: Prior, given_fields, drop: float) -> Model:
  """The Model of the prior of a stream whose last segment is the sentence."""
  text = p.stream.segments[-1]

  def stream_of(c, tokens):
    """(the stream [B, T], {entry: known [B]}) of a condition and sentences."""
    entries = {name: value for name, (value, _) in c.items()}
    known = {name: flags for name, (_, flags) in c.items()}
    return to_tokens(p.stream, entries | {TEXT: tokens}), known

  def nats(params, batch, c, key=None):
    """-log p(w | c), [B]; with dropout by a `key`."""
    tokens, known = stream_of(c, batch[TEXT])
    return -log_probs(p, params, tokens, known, key)[:, text.places].sum(-1)

  def loss(params, state, batch, key, train):
    k_drop, k_net = jax.random.split(key)
    c = condition_of(given_fields, batch, len(batch[TEXT]))
    value = (
      nats(params, batch, dropped(c, k_drop, drop), k_net) if train else nats(params, batch, c)
    )
    return value, ({}, {"nats_per_token": (value, words(batch[TEXT]))})

  def log_prob(params, state, batch, key):
    return -nats(params, batch, condition_of(given_fields, batch, len(batch[TEXT])))

  def conditionals(params, state, x, context):
    """Logits [B, L, V] of all words; what `context` lacks of the condition is unknown."""
    tokens, known = stream_of(condition_of(given_fields, context, len(x)), x)
    values = slice(text.offset, text.offset + text.field.num_values)
    return all_logits(p, params, tokens, known)[:, text.places, values]

  def sample_log_prob(params, state, key, n, given={}, **options):
    """Sentences and the log-probability of drawing them, nats [n]; options as in `sample`."""
    tokens, keep = kept(p, given, n, {TEXT: text.field})
    known = {name: jnp.full(n, float(name in given)) for name in given_fields}
    tokens, log_p = sample_tokens(p, params, key, tokens, keep, known, **options)
    return from_tokens(p.stream, tokens, (TEXT,)), log_p

  def sample(
    params, state, key, n, given={}, scale=None, temperature=1.0, top_k=0, top_p=None, cached=True
  ):
    """Sentences, given the condition or without it; for the options see `sample_tokens`.

    Of given sentences the words are kept where given["keep"], or in the first half.
    """
    options = dict(scale=scale, temperature=temperature, top_k=top_k, top_p=top_p, cached=cached)
    return sample_log_prob(params, state, key, n, given, **options)[0]

  return Model(
    lambda key, batch: (initial_params(p, key), {}),
    loss,
    sample,
    log_prob,
    likelihood={"exact": "exact"},
    given=given_fields,
    calls=lambda scale=None, **options: text.length * (1 if scale is None else 2),
    parts={"conditionals": conditionals, "sample_log_prob": sample_log_prob} | prefix_parts(p),
  )
