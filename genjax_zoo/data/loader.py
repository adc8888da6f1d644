"""Batches as a pure function of (seed, step), from arrays on the device or streamed from the host.

The order of training is the endless concatenation of one permutation an epoch: row r of step s is
position p = s * batch + r, which is example permutation_{p // N}[p % N], with permutation_e drawn
by the generator of (seed, e). So a run resumes at any step without a state of the loader, and a
batch may be larger than the set.
"""

from collections.abc import Callable
import functools
import sys
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import PyTree, UserError
from genjax_zoo.data.dataset import Dataset, Source, count, nbytes, take

OTHERS = 2**32  # Added to the seed of the order of `Dataset.unpaired` entries.
READERS = 8  # Threads that read ahead when a set does not fit on the device.


class Loader(NamedTuple):
  """Where batches come from: `fetch` runs inside the jitted step, `inputs` on the host."""

  # {name: [N, ...]} to be put on the device once; () when examples stream from the host.
  resident: PyTree
  # (resident, inputs of one step, key) -> batch with "weight" float32 [B], pure JAX.
  fetch: Callable
  # (step) -> iterator from that step on: NumPy [K, B, ...] to train, [B, ...] to test.
  inputs: Callable
  batch: int  # Examples a step, over all hosts.


def train_loader(
  dataset: Dataset,
  *,
  batch: int,
  steps_per_dispatch: int,
  seed: int,
  budget: int = 2**30,
  process_index: int = 0,
  process_count: int = 1,
  devices: int = 1,
) -> Loader:
  """Endless shuffled batches of the split "train", K = `steps_per_dispatch` of them stacked.

  `batch` counts the examples of a step over all hosts, each of which gets a contiguous share of the
  rows; 0 is all examples in every step, in order, padded to a multiple of `devices` with weight 0
  (for EM). Sets over `budget` bytes are read by threads as they are needed, in the same order.
  Raises UserError when `devices` doesn't divide the batch.
  """
  n = count(dataset.splits["train"])
  if batch < 0 or batch % devices:
    below = batch // devices * devices
    near = " or ".join(str(b) for b in (below, below + devices) if b > 0)
    raise UserError(
      f"data.batch={batch} can't be split evenly over {devices} devices: "
      f"take {near}, or 0 for all {n} examples"
    )
  if batch:
    rows = shuffled(n, batch, seed)
  else:
    batch = round_up(n, devices)
    once = in_order(n, batch)
    rows = lambda step, steps: tuple(np.tile(x, steps) for x in once(0, 1))
  share = share_of(rows, process_index, process_count)
  if dataset.unpaired and batch:
    # In an order of their own: another seed's.
    others = share_of(shuffled(n, batch, seed + OTHERS), process_index, process_count)
    paired = share
    share = lambda step, steps: paired(step, steps) | {"others": others(step, steps)["index"]}

  def indices(step):
    while True:
      yield share(step, steps_per_dispatch)
      step += steps_per_dispatch

  def examples(step):
    steps = stream(dataset.splits["train"], share, step, sys.maxsize, dataset.unpaired)
    return iter(steps.batch(steps_per_dispatch))

  return loader(dataset, "train", batch, budget, indices, examples)


def test_loader(
  dataset: Dataset,
  split: str,
  *,
  batch: int,
  examples: int | None = None,
  budget: int = 2**30,
  process_index: int = 0,
  process_count: int = 1,
  devices: int = 1,
) -> Loader:
  """The first `examples` of a split (all by default), each once and in order.

  `inputs` ends, and has no axis K. The batch is rounded up to a multiple of `devices`, and is no
  larger than the examples need. The last batch is padded by its last example, with weight 0. Images
  are never flipped; dynamic binarization is drawn from the key given to `fetch`. Raises UserError
  when the data have no such split.
  """
  if split not in dataset.splits:
    names = ", ".join(dataset.splits)
    raise UserError(f"data {dataset.name!r} has no split {split!r}; it has {names}")
  n = min(count(dataset.splits[split]), examples or sys.maxsize)
  batch = round_up(min(batch or n, n), devices)
  stop = -(-n // batch)
  share = share_of(in_order(n, batch), process_index, process_count)

  def indices(step):
    for s in range(step, stop):
      yield {name: x[0] for name, x in share(s, 1).items()}

  def streamed(step):
    return iter(stream(dataset.splits[split], share, step, stop) if step < stop else ())

  return loader(dataset, split, batch, budget, indices, streamed)


def loader(
  dataset: Dataset, split: str, batch: int, budget: int, indices: Callable, examples: Callable
) -> Loader:
  """A loader of indices into arrays on the device, or of examples over `budget` bytes."""
  source = dataset.splits[split]
  fits = not isinstance(source, Source) and nbytes(dataset.fields, count(source)) <= budget
  # `fetch` is kept with the compiled step: it holds no data.
  augment = dataset.augment
  unpaired = dataset.unpaired

  def fetch(resident, inputs, key):
    batch = inputs["examples"] if resident == () else gather_rows(resident, inputs["index"])
    if "others" in inputs and resident != ():
      batch |= gather_rows({name: resident[name] for name in unpaired}, inputs["others"])
    if augment is not None:
      batch = augment(batch, key, train=split == "train")
    return batch | {"weight": inputs["weight"]}

  return Loader(dict(source) if fits else (), fetch, indices if fits else examples, batch)


def gather_rows(arrays: dict, index) -> dict:
  """Rows of arrays on the device. The promise saves checking the bounds."""
  return {
    name: jnp.asarray(x).at[index].get(mode="promise_in_bounds") for name, x in arrays.items()
  }


def stream(source, share: Callable, step: int, stop: int, unpaired: tuple[str, ...] = ()):
  """A grain pipeline of the examples of each step from `step` to `stop`, read ahead by threads."""
  import grain  # Late: it takes a second, and only large sets need it.

  def read(step):
    inputs = {name: x[0] for name, x in share(step, 1).items()}
    examples = take(source, inputs["index"])
    if "others" in inputs:
      others = take(source, inputs["others"])
      examples |= {name: others[name] for name in unpaired}
    return {"examples": examples, "weight": inputs["weight"]}

  options = grain.ReadOptions(num_threads=READERS, prefetch_buffer_size=2 * READERS)
  return grain.MapDataset.range(step, stop).map(read).to_iter_dataset(options)


def shuffled(n: int, batch: int, seed: int) -> Callable:
  """(step, steps) -> (examples, weights) of their rows [steps * batch], shuffled each epoch."""

  @functools.lru_cache(maxsize=4)
  def permutation(epoch):
    return np.random.default_rng((seed, epoch)).permutation(n).astype(np.int32)

  def rows(step, steps):
    epoch, place = np.divmod(np.arange(step * batch, (step + steps) * batch), n)
    epochs = range(epoch[0], epoch[-1] + 1)
    index = np.concatenate([permutation(e)[place[epoch == e]] for e in epochs])
    return index, np.ones(steps * batch, np.float32)

  return rows


def in_order(n: int, batch: int) -> Callable:
  """As `shuffled`, but once and in order: rows past the end repeat the last example, weight 0."""

  def rows(step, steps):
    position = np.arange(step * batch, (step + steps) * batch)
    return np.minimum(position, n - 1).astype(np.int32), (position < n).astype(np.float32)

  return rows


def share_of(rows: Callable, process_index: int, process_count: int) -> Callable:
  """(step, steps) -> this process's rows, {"index": int32, "weight": float32} [steps, B]."""

  def share(step, steps):
    parts = (x.reshape(steps, process_count, -1)[:, process_index] for x in rows(step, steps))
    return dict(zip(("index", "weight"), parts))

  return share


def round_up(n: int, multiple: int) -> int:
  """The least multiple that is not below n."""
  return -(-n // multiple) * multiple
