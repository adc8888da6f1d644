"""Prompt tuning (Lester 2021, arXiv:2104.08691): vectors before the tokens steer a frozen model.

Of each label k vectors are learned, which the frozen transformer sees in the place of embedded
tokens before all others:

  loss = -log p(x | prompt_y),   by gradient descent in prompt_y [k, width] alone

They start at vectors of random tokens. With k = 0 it is the frozen model.

Departure: the vectors' places in the sequence are all the first one.
"""

import jax

from genjax_zoo.core import Model
from genjax_zoo.models.control._steered import classes_of, part, steered
from genjax_zoo.nn.causal import attending_to


def random_vectors(first: Model, frozen, key, classes: int, k: int):
  """The vectors of random tokens, [classes, k, width]."""
  table = part(first, "vectors")(*frozen["first"])
  return table[jax.random.randint(key, (classes, k), 0, len(table))]


def model(data, *, first: Model, prompt: int = 5) -> Model:
  """The transformer `first`, of sentences or of codes of images, after `prompt` learned vectors.

  Raises UserError for data without labels, and for a stage that is no transformer of tokens.
  """
  classes = classes_of(data, first)
  prefix = part(first, "prefix")

  def init(key, batch, frozen):
    return {"prompt": random_vectors(first, frozen, key, classes, prompt)}

  def steering(params, state, label):
    vectors = params["prompt"][label]
    return attending_to(prefix(*state["frozen"]["first"], vectors))

  return steered(data, first, init, steering)
