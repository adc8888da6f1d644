"""Prefix tuning (Li & Liang 2021, arXiv:2101.00190): keys and values of every layer steer a model.

Of each label, all attention of the frozen transformer is to k learned keys and values too, before
those of the sequence:

  loss = -log p(x | prefix_y),   by gradient descent in prefix_y alone

That is more than a prompt can be, whose keys and values are functions of k vectors. They start at
those of random tokens. With k = 0 it is the frozen model.

Departure: the prefix is learned itself, where the paper's is the output of an MLP in training.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model
from genjax_zoo.models.control._steered import classes_of, part, steered
from genjax_zoo.models.control.prompt_tuning import random_vectors
from genjax_zoo.nn.causal import attending_to


def model(data, *, first: Model, prefix: int = 5) -> Model:
  """The transformer `first`, of sentences or of codes of images, after a prefix of this length.

  Raises UserError for data without labels, and for a stage that is no transformer of tokens.
  """
  classes = classes_of(data, first)
  prefix_of = part(first, "prefix")

  def init(key, batch, frozen):
    vectors = random_vectors(first, frozen, key, classes, prefix)
    found = prefix_of(*frozen["first"], vectors)
    # Steps of training are too small for the digits of a model in bfloat16.
    return {"prefix": jax.tree.map(lambda x: x.astype(jnp.float32), found)}

  def steering(params, state, label):
    return attending_to(jax.tree.map(lambda x: x[label], params["prefix"]))

  return steered(data, first, init, steering)
