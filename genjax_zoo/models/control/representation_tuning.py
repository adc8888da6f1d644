"""Edits of a frozen model's activations: a steering vector, or a low-rank edit.

What flows through the network at the hook `at` is h [..., W]. Given the label y it becomes

  difference   h + strength (mean h of y - mean h)                   Turner 2023, 2308.10248
  vector       h + strength v_y                                      Subramani 2022, 2205.05124
  low_rank     h + strength R_y^T (A_y h + b_y - R_y h)              LoReFT, Wu 2024, 2404.03592

The first has nothing to learn: its means are those of the first batch, over all places. The others
are learned by the model's own loss, of examples with their labels. R_y [rank, W] has orthonormal
rows: in the subspace that they span h is replaced by an affine function of it. At first A = R and
b = 0: no edit. At strength 0 it is the frozen model.

The hook may be one of a transformer ("layer_0", after its first layer) or the middle of a U-Net
("middle", the h-space of Kwon 2022, arXiv:2210.10960). The edit is the same at all places.
"""

import jax
import jax.numpy as jnp

from genjax_zoo.core import Model, UserError
from genjax_zoo.models.control._steered import classes_of, steered
from genjax_zoo.nn.hooks import edited, reading

EDITS = "difference", "vector", "low_rank"


def at_places(x, h):
  """x [B, ...], one for each example, with the axes that make it broadcast over places of h."""
  return x.reshape(len(x), *[1] * (h.ndim - x.ndim), *x.shape[1:])


def shift(params, h, label):
  """The steering vectors of labels [B], as h [B, ..., W] is."""
  return at_places(params["vector"][label], h)


def orthonormal(raw):
  """Orthonormal rows [..., rank, W] that span those of raw [..., rank, W]."""
  return jnp.linalg.qr(raw.swapaxes(-1, -2))[0].swapaxes(-1, -2)


def low_rank(params, h, label):
  """R^T (A h + b - R h), for those of labels [B]; h [B, ..., W]."""
  R = orthonormal(params["subspace"])[label]
  # Rows of the subspace as columns at each place.
  coordinates = jnp.einsum("b...w,brw->b...r", h, params["target"][label] - R)
  change = coordinates + at_places(params["offset"][label], h)
  return jnp.einsum("b...r,brw->b...w", change, R)


def means(h, label, classes: int):
  """The mean of h [B, ..., W] over the examples of each label less that over all, [classes, W]."""
  h = h.reshape(len(h), -1, h.shape[-1]).astype(jnp.float32).mean(1)
  member = jax.nn.one_hot(label, classes)
  # A label that the batch lacks has no direction.
  count = member.sum(0)[:, None]
  own = member.T @ h / jnp.maximum(count, 1)
  return jnp.where(count > 0, own - h.mean(0)[None], 0.0)


def model(
  data, *, first: Model, edit: str = "low_rank", at: str = "layer_0", rank: int = 4
) -> Model:
  """The model `first`, whose activations at the hook `at` are edited by "label".

  Raises UserError for an unknown `edit`, for data without labels, and where `first` has no such
  hook.
  """
  if edit not in EDITS:
    raise UserError(f"model.edit={edit!r}; there are {', '.join(EDITS)}")
  classes = classes_of(data, first)

  def activations(frozen, batch, key):
    """What flows through the hook, [B, ..., W]."""
    _, found = reading(at, lambda: first.loss(*frozen["first"], batch, key, train=False))
    if not found:
      raise UserError(f"model.at={at!r}: stages.first has no hook of this name")
    return found[0]

  def init(key, batch, frozen):
    k_first, key = jax.random.split(key)
    h = activations(frozen, batch, k_first)
    width = h.shape[-1]
    if edit == "difference":
      return {"vector": means(h, batch["label"], classes)}
    if edit == "vector":
      return {"vector": jnp.zeros((classes, width))}
    R = orthonormal(jax.random.normal(key, (classes, rank, width)))
    return {"subspace": R, "target": orthonormal(R), "offset": jnp.zeros((classes, rank))}

  def steering(params, state, label, strength=1.0):
    if edit == "difference":  # Of means: no step of training moves it.
      params = jax.lax.stop_gradient(params)
    change = low_rank if edit == "low_rank" else shift
    return edited({at: lambda h: h + strength * change(params, h, label)})

  return steered(data, first, init, steering)
