"""Equal blocks: their parameters are stacked, compiled once, and whole for one block at a time."""

import flax.linen as nn
import jax
from jax.sharding import PartitionSpec as P

STACK = "blocks"  # The name of every stack: `sharding.all_gather` leaves its parameters to it.


def whole(tree):
  """Sharded parameters, gathered on every device before use; else XLA may send activations."""
  size = jax.sharding.get_abstract_mesh().shape.get("data", 1)
  return jax.lax.with_sharding_constraint(tree, P()) if size > 1 else tree


def stack(block, depth: int):
  """The class of `depth` modules `block`, h, c -> (h, None), one after the other; c is of all.

  For the gradient only products with weights are stored: to compute the rest again is faster, and
  a block's parameters are gathered again rather than kept.
  """
  stored = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
  gathered = nn.map_variables(block, "params", whole, init=True, mutable=True)
  return nn.scan(
    nn.remat(gathered, prevent_cse=False, policy=stored),
    {"params": 0},
    split_rngs={"params": True, "dropout": True},
    in_axes=nn.broadcast,
    length=depth,
  )
