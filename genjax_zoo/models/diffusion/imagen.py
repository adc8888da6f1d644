"""Imagen (Saharia 2022, arXiv:2205.11487): diffusion given what a frozen network reads in captions.

  states = text(caption), frozen,   loss = the denoising loss given states, and given low

The text encoder was trained before, on something else, and the gradient does not reach it: what
learns to draw need not learn to read. Without a `factor` it is the first stage of a cascade
(cascade.py, edm.py), with one a second stage (sr3.py). Captions are dropped in training, and the
paper's large guidance weights push x0_hat out of the data's range at every step: dynamic
thresholding brings it back (`sample` with scale and threshold, prob/guidance.py).

Departures: the encoder is CLIP's, which the paper compares with T5; EDM's noise levels for a cosine
schedule; the networks of `_network.py` for an efficient U-Net.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models._form import image_of
from genjax_zoo.models.diffusion import edm, sr3

TEXT, STATES = "tokens", "states"


def states_field(data: Mapping[str, Field], text: Model) -> Field:
  """The Field of the states that a text encoder makes of a caption, [L, E].

  Raises UserError for data without captions, and for a stage that reads none.
  """
  if TEXT not in data:
    raise UserError(f"imagen wants images with captions, 'tokens'; the data have {', '.join(data)}")
  if "read_text" not in text.parts:
    raise UserError("stages.text reads no captions: take clip")
  batch = {name: jnp.zeros((1, *field.shape), field.dtype) for name, field in data.items()}

  def read():
    return text.parts["read_text"](*text.init(jax.random.key(0), batch), batch[TEXT])

  return Field(jax.eval_shape(read).shape[1:], np.float32, kind=STATES)


def model(
  data,
  *,
  text: Model,
  factor: int = 1,
  augment: float = 0.0,
  sd: float = 0.5,
  mean: float = -1.2,
  spread: float = 1.2,
  low: float = 0.002,
  high: float = 80.0,
  network: Mapping = {"name": "unet"},
  drop: float = 0.1,
) -> Model:
  """Text to image by captions that the stage `text` reads; with `factor` > 1 super-resolution.

  The other arguments are those of `edm` and `sr3`. Raises UserError for data without images and
  captions, and for a stage that reads none.
  """
  fields = {"image": image_of(data), STATES: states_field(data, text)}
  levels = dict(sd=sd, mean=mean, spread=spread, low=low, high=high)
  options = levels | dict(network=network, condition=(STATES,), drop=drop)
  if factor > 1:
    inner = sr3.model(fields, factor=factor, augment=augment, **options)
  else:
    inner = edm.model(fields, **options)

  def read(state, given):
    """`given` with the states of its captions in their place; without captions as it is."""
    if TEXT not in given:
      return given
    states = text.parts["read_text"](*state["frozen"]["text"], given[TEXT])
    return {name: x for name, x in given.items() if name != TEXT} | {STATES: states}

  def init(key, batch, frozen):
    state = {"frozen": frozen}
    params, _ = inner.init(key, read(state, batch))
    return params, state

  def loss(params, state, batch, key, train):
    return inner.loss(params, {}, read(state, batch), key, train)

  def sample(params, state, key, n, given={}, **options):
    """n images; the options are those of `edm` or `sr3`."""
    return inner.sample(params, {}, key, n, read(state, given), **options)

  def evaluate(params, state, batch, key):
    return inner.evaluate(params, {}, read(state, batch), key)

  def observe(params, state, batch, key):
    seen = inner.observe(params, {}, read(state, batch), key)
    return {TEXT: batch[TEXT]} | {name: x for name, x in seen.items() if name != STATES}

  given = {name: field for name, field in inner.given.items() if name != STATES}
  return Model(
    init,
    loss,
    sample,
    evaluate=evaluate if inner.evaluate else None,
    observe=observe if inner.observe else None,
    given={TEXT: data[TEXT]} | given,
    calls=inner.calls,
  )
