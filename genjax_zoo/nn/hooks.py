"""Hooks: what flows through a network is read and edited, and the network's code stays as it is.

A network says where by a `HookPoint`, the identity with a name. Whatever is called in the context
`edited` of an edit has it, be it a loss or a sampler: a trained model needs no argument for it.
"""

from collections.abc import Callable, Mapping

import flax.linen as nn


class HookPoint(nn.Module):
  """The identity, whose name is that of a place in a network."""

  def __call__(self, h):
    return h


def edited(edits: Mapping[str, Callable]):
  """A context in which the output h of each module NAME is edits[NAME](h).

  Of contexts within each other the inner one edits first.
  """

  def interceptor(call, args, kwargs, context):
    out = call(*args, **kwargs)
    if context.method_name == "__call__" and context.module.name in edits:
      return edits[context.module.name](out)
    return out

  return nn.intercept_methods(interceptor)


def reading(name: str, f: Callable):
  """(f(), [the output of the module NAME at each call of it in f]); a scan hides its calls."""
  found = []

  def read(h):
    found.append(h)
    return h

  with edited({name: read}):
    return f(), found
