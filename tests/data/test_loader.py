"""Order, resume, padding, hosts and streaming: a batch is a pure function of (seed, step)."""

from itertools import islice

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.data import Dataset, Source
from genjax_zoo.data.loader import test_loader as make_test_loader, train_loader

N = 23
KEY = jax.random.key(0)


def numbers(n=N, **kwargs):
  """A set whose example i is the number i, twice."""
  i = np.arange(n, dtype=np.int32)
  examples = {"x": np.stack([i, 2 * i], 1).astype(np.float32), "label": i}
  fields = {"x": Field((2,), np.float32), "label": Field((), np.int32, n)}
  return Dataset("numbers", fields, {"train": examples, "test": examples}, **kwargs)


def on_disk(dataset):
  """The same set as a source that reads one example at a time."""
  source = lambda x: Source(range(len(x["label"])), lambda i: {k: v[i] for k, v in x.items()})
  return dataset._replace(splits={split: source(x) for split, x in dataset.splits.items()})


def steps(loader, start, dispatches):
  """The batches of some dispatches as they come out of `fetch`, one a step."""
  fetch = jax.jit(loader.fetch)
  for inputs in islice(loader.inputs(start), dispatches):
    for k in range(len(inputs["weight"])):
      yield jax.device_get(fetch(loader.resident, jax.tree.map(lambda x: x[k], inputs), KEY))


@pytest.mark.parametrize("batch", [1, 4, 7, N, 3 * N + 5])
def test_each_epoch_has_each_example_once_and_is_shuffled_again(batch):
  loader = train_loader(numbers(), batch=batch, steps_per_dispatch=3, seed=1)
  labels = np.concatenate([b["label"] for b in steps(loader, 0, -(-4 * N // (3 * batch)))])
  epochs = labels[: 3 * N].reshape(3, N)
  assert (np.sort(epochs, 1) == np.arange(N)[None]).all()
  assert (
    (epochs[0] != epochs[1]).any()
    and (epochs[1] != epochs[2]).any()
    and (epochs[0] != np.arange(N)).any()
  )


def test_rows_of_a_batch_belong_together_and_have_the_form_of_the_fields():
  dataset = numbers()
  for b in steps(train_loader(dataset, batch=6, steps_per_dispatch=2, seed=1), 0, 2):
    np.testing.assert_array_equal(b["x"], np.stack([b["label"], 2 * b["label"]], 1))
    assert {k: (x.shape[1:], x.dtype) for k, x in b.items()} == {
      "x": ((2,), np.float32),
      "label": ((), np.int32),
      "weight": ((), np.float32),
    }
    assert (b["weight"] == 1).all()


@pytest.mark.parametrize("disk", [False, True])
@pytest.mark.parametrize("start", [1, 6, 17])
def test_resume_is_the_stream_skipped_to_any_step(start, disk):
  dataset = on_disk(numbers()) if disk else numbers()
  make = lambda k: train_loader(dataset, batch=5, steps_per_dispatch=k, seed=3)
  resumed = list(steps(make(3), start, 2))
  # Neither does the order depend on the steps a dispatch.
  whole = list(steps(make(1), 0, start + 6))[start:]
  jax.tree.map(np.testing.assert_array_equal, resumed, whole)


def test_seeds_give_different_orders():
  first = lambda seed: next(
    steps(train_loader(numbers(), batch=N, steps_per_dispatch=1, seed=seed), 0, 1)
  )["label"]
  assert (first(0) != first(1)).any() and (first(1) == first(1)).all()


@pytest.mark.parametrize("dataset", [on_disk(numbers()), numbers()])
def test_streamed_batches_equal_resident_ones(dataset):
  kwargs = dict(batch=6, steps_per_dispatch=4, seed=2)
  resident, streamed = train_loader(numbers(), **kwargs), train_loader(dataset, budget=0, **kwargs)
  assert resident.resident != () and streamed.resident == ()
  jax.tree.map(
    np.testing.assert_array_equal, list(steps(resident, 2, 3)), list(steps(streamed, 2, 3))
  )


@pytest.mark.parametrize("budget", [0, 2**30])
@pytest.mark.parametrize("batch", [8, 0])
def test_slices_of_processes_concatenate_to_the_global_batch(batch, budget):
  make = lambda i, n: train_loader(
    numbers(),
    batch=batch,
    steps_per_dispatch=2,
    seed=5,
    budget=budget,
    process_index=i,
    process_count=n,
    devices=4,
  )
  whole, parts = make(0, 1), [make(i, 2) for i in range(2)]
  for inputs, *shares in islice(zip(whole.inputs(3), *(part.inputs(3) for part in parts)), 3):
    assert all(x.shape[:2] == (2, whole.batch // 2) for x in jax.tree.leaves(shares))
    jax.tree.map(
      lambda x, *y: np.testing.assert_array_equal(x, np.concatenate(y, 1)), inputs, *shares
    )


def test_batch_0_is_all_examples_each_step_padded_with_weight_0():
  loader = train_loader(numbers(), batch=0, steps_per_dispatch=2, seed=0, devices=4)
  assert loader.batch == 24
  for b in steps(loader, 7, 2):
    np.testing.assert_array_equal(b["label"][b["weight"] == 1], np.arange(N))
    assert b["weight"].sum() == N and b["weight"].shape == (24,)


@pytest.mark.parametrize(("batch", "near"), [(3, "take 4,"), (10, "8 or 12"), (-4, "take 0")])
def test_a_batch_that_cannot_be_spread_names_the_devices_and_the_nearest(batch, near):
  near = near if batch > 0 else "4 devices"
  with pytest.raises(UserError, match=rf"batch={batch} .*4 devices.*{near}" if batch > 0 else near):
    train_loader(numbers(), batch=batch, steps_per_dispatch=1, seed=0, devices=4)


@pytest.mark.parametrize("disk", [False, True])
@pytest.mark.parametrize(
  ("batch", "examples", "size"),
  [(8, None, 8), (6, None, 8), (1000, None, 24), (4, 10, 4), (8, 99, 8)],
)
def test_the_test_loader_gives_each_example_once_in_order(batch, examples, size, disk):
  dataset = on_disk(numbers()) if disk else numbers()
  loader = make_test_loader(dataset, "test", batch=batch, examples=examples, devices=4)
  batches = [
    jax.device_get(loader.fetch(loader.resident, inputs, KEY)) for inputs in loader.inputs(0)
  ]
  n = min(N, examples or N)
  assert loader.batch == size and len(batches) == -(-n // size)
  assert all(x.shape[0] == size for x in jax.tree.leaves(batches))
  whole = jax.tree.map(lambda *x: np.concatenate(x), *batches)
  np.testing.assert_array_equal(whole["label"], np.minimum(np.arange(len(whole["label"])), n - 1))
  np.testing.assert_array_equal(whole["weight"], np.arange(len(whole["label"])) < n)


def test_test_slices_of_processes_concatenate():
  make = lambda i, n: make_test_loader(
    numbers(), "test", batch=8, process_index=i, process_count=n, devices=4
  )
  for inputs, *shares in zip(
    make(0, 1).inputs(0), make(0, 2).inputs(0), make(1, 2).inputs(0), strict=True
  ):
    jax.tree.map(lambda x, *y: np.testing.assert_array_equal(x, np.concatenate(y)), inputs, *shares)


def test_no_such_split():
  with pytest.raises(UserError, match="no split 'valid'; it has train, test"):
    make_test_loader(numbers(), "valid", batch=8)


def test_augmentation_gets_the_key_and_knows_training_from_testing():
  noise = lambda batch, key, train=True: (
    batch | {"x": batch["x"] + train * jax.random.normal(key, batch["x"].shape)}
  )
  dataset = numbers(augment=noise)
  train = train_loader(dataset, batch=4, steps_per_dispatch=1, seed=0)
  inputs = jax.tree.map(lambda x: x[0], next(train.inputs(0)))
  one, two = (train.fetch(train.resident, inputs, jax.random.key(i))["x"] for i in range(2))
  assert (one != two).all()
  test = make_test_loader(dataset, "test", batch=4)
  one, two = (
    test.fetch(test.resident, next(test.inputs(0)), jax.random.key(i))["x"] for i in range(2)
  )
  np.testing.assert_array_equal(one, two)


def test_an_error_while_streaming_reaches_the_caller():
  def read(i):
    raise UserError(f"example {i} is damaged")

  dataset = numbers()._replace(splits={"train": Source(range(N), read)})
  with pytest.raises(UserError, match="is damaged"):
    next(train_loader(dataset, batch=4, steps_per_dispatch=1, seed=0).inputs(0))
