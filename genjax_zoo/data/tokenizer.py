"""Text as tokens and back, by words of a closed vocabulary or by byte-level BPE of any text.

One interface for both: a Field of tokens [L] says which it is, so a run folder, which keeps the
fields, is enough to tokenize a typed caption. Token 0 pads, and all padding is no caption.

Words are what white space separates, in lower case; `Field.names` are the vocabulary. Byte-pair
encoding (Sennrich 2016, arXiv:1508.07909) on bytes (GPT-2): the 256 bytes are tokens, and so is
each pair of tokens that was merged in training since it was the most frequent one. So there is no
unknown text: every string comes back from its tokens. `Field.tokenizer` keeps the merges.
"""

from collections.abc import Sequence
import functools

import numpy as np

from genjax_zoo.core import Field, UserError, nearest

BYTES = 256


def field_of(texts: Sequence[str], vocabulary: int) -> Field:
  """The Field of tokens of texts, by a BPE of at most `vocabulary` tokens; by words if it is 0."""
  return bpe_field(texts, vocabulary) if vocabulary else words_field(texts)


def words_field(texts: Sequence[str]) -> Field:
  """The Field of tokens of these texts by their words, as long as the longest of them."""
  split = [text.lower().split() for text in texts]
  names = ("<pad>", *sorted({word for words in split for word in words}))
  return tokens_field(max(map(len, split)), names)


def bpe_field(texts: Sequence[str], size: int) -> Field:
  """The Field of tokens of these texts by a BPE trained on them, of at most `size` tokens.

  Raises UserError where these are fewer than the 256 bytes and the padding.
  """
  if size <= BYTES:
    raise UserError(
      f"data.vocabulary={size}: the bytes are {BYTES} tokens; take more, or 0 for words"
    )
  from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

  bpe = Tokenizer(models.BPE())
  bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
  bpe.decoder = decoders.ByteLevel()
  trainer = trainers.BpeTrainer(
    vocab_size=size - 1,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
  )
  bpe.train_from_iterator(texts, trainer)
  pieces = sorted(bpe.get_vocab().items(), key=lambda item: item[1])
  names = ("<pad>", *(piece for piece, _ in pieces))
  length = max(len(x.ids) for x in bpe.encode_batch(list(texts)))
  return tokens_field(length, names, bpe.to_str())


def tokens_field(length: int, names: tuple[str, ...], tokenizer: str = "") -> Field:
  """The Field of `length` tokens of a vocabulary."""
  # Tokens of padding alone have no length: one place for it.
  return Field((max(length, 1),), np.int32, len(names), names, ordered=False, tokenizer=tokenizer)


def encode(field: Field, texts: Sequence[str]) -> np.ndarray:
  """The tokens int32 [N, L] of texts, padded at the end.

  Raises UserError for a text that is too long and, of a vocabulary of words, for an unknown word.
  """
  (length,) = field.shape
  if not field.tokenizer:
    return tokenize(field.names, texts, length)
  # Token 0 is padding, which the BPE does not know: no text can contain it.
  rows = [
    [1 + i for i in found.ids] for found in trained(field.tokenizer).encode_batch(list(texts))
  ]
  return padded(rows, texts, length)


def decode(field: Field, tokens) -> list[str]:
  """The texts of tokens [N, L], without the padding."""
  if not field.tokenizer:
    return captions(field.names, tokens)
  rows = [[int(i) - 1 for i in row if i] for row in np.asarray(tokens)]
  return trained(field.tokenizer).decode_batch(rows, skip_special_tokens=False)


@functools.lru_cache(maxsize=8)
def trained(tokenizer: str):
  """The BPE of its JSON."""
  from tokenizers import Tokenizer

  return Tokenizer.from_str(tokenizer)


def captions(vocabulary: Sequence[str], tokens: np.ndarray) -> list[str]:
  """Tokens [N, L] of words as text, without the padding."""
  return [" ".join(vocabulary[t] for t in row if t) for row in np.asarray(tokens)]


def tokenize(vocabulary: Sequence[str], captions: Sequence[str], length: int) -> np.ndarray:
  """Tokens int32 [N, length] of the words of captions, padded at the end.

  Raises UserError for an unknown word and for a caption that is too long.
  """
  number = {word: i for i, word in enumerate(vocabulary)}
  rows = []
  for caption in captions:
    words = caption.lower().split()
    unknown = [word for word in words if word not in number or not number[word]]
    if unknown:
      listed = ", ".join(vocabulary[1:40]) + (", ..." if len(vocabulary) > 40 else "")
      raise UserError(
        f"caption {caption!r}: no word {unknown[0]!r} in the vocabulary"
        f"{nearest(unknown[0], vocabulary)}; it has {listed}"
      )
    rows.append([number[word] for word in words])
  return padded(rows, captions, length)


def padded(rows: Sequence[Sequence[int]], texts: Sequence[str], length: int) -> np.ndarray:
  """Rows of tokens as int32 [N, length]. Raises UserError for one that is longer, by its text."""
  found = np.zeros((len(rows), length), np.int32)
  for to, row, text in zip(found, rows, texts):
    if len(row) > length:
      raise UserError(
        f"caption {text!r} has {len(row)} words or tokens, the model takes {length}: shorten it"
      )
    to[: len(row)] = row
  return found
