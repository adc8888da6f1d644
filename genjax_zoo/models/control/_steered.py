"""A frozen model that a few parameters steer by label: what the ways to steer share.

The frozen model is called in a context that changes what flows through it (nn/hooks.py), so that
its own loss, likelihood and sampler are those of the steered model.
"""

from collections.abc import Callable

from genjax_zoo.core import Model, UserError
from genjax_zoo.models._condition import condition_fields, label_classes


def classes_of(data, first: Model) -> int:
  """The number of labels. Raises UserError without them, and for a stage that takes conditions."""
  classes = label_classes(condition_fields(data, ("label",)))
  if first.given:
    raise UserError(
      f"stages.first is given {', '.join(first.given)}: steer a model that is given nothing"
    )
  return classes


def part(first: Model, name: str) -> Callable:
  """A part of the stage. Raises UserError where it lacks that."""
  if name not in first.parts:
    raise UserError(
      f"stages.first has no part {name!r}: take a model of tokens, language_model or token_prior"
    )
  return first.parts[name]


def steered(data, first: Model, init: Callable, steering: Callable) -> Model:
  """The Model of the stage `first` given a "label", in the context steering(params, state, label).

  init(key, batch, frozen) -> params. The loss is that of the stage, whose parameters are not
  trained. Further options of `sample` are those of the stage.
  """

  def frozen_of(state):
    return state["frozen"]["first"]

  def loss(params, state, batch, key, train):
    with steering(params, state, batch["label"]):
      value, (_, metrics) = first.loss(*frozen_of(state), batch, key, train=False)
    return value, ({}, metrics)

  def log_prob(params, state, batch, key, **options):
    with steering(params, state, batch["label"]):
      return first.log_prob(*frozen_of(state), batch, key, **options)

  def sample(params, state, key, n, given={}, **options):
    """Samples of the stage, steered to given["label"]; where it has one, by a "strength".

    What else is given is completed as the stage completes it: a sentence begun, part of an image.
    """
    own = {name: options.pop(name) for name in ("strength",) if name in options}
    others = {name: x for name, x in given.items() if name != "label"}
    with steering(params, state, given["label"], **own):
      return first.sample(*frozen_of(state), key, n, others, **options)

  return Model(
    lambda key, batch, frozen: (init(key, batch, frozen), {"frozen": frozen}),
    loss,
    sample,
    log_prob if first.log_prob else None,
    likelihood=first.likelihood,
    given={"label": data["label"]},
    dequantization=first.dequantization,
    calls=lambda strength=1.0, **options: first.calls(**options),
  )
