"""Training is the same however it is cut into dispatches, interrupted, or sharded."""

import json
import os
from pathlib import Path
import re
import signal
import socket
import subprocess
import sys
import time

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_zoo import checkpoint, data, dispatch, loop
from genjax_zoo.core import Model, UserError, descend, start
from genjax_zoo.data.loader import train_loader
from genjax_zoo.evaluate import training_cost
from genjax_zoo.interrupt import Stopped
from genjax_zoo.log import Log, read_rows
from genjax_zoo.sharding import make_mesh, put
from tests import toy

ROOT = Path(__file__).parent.parent
DIGITS = data.load("digits")


def run(folder, *, K=5, steps=40, learner=None, **options):
  loader = train_loader(DIGITS, batch=32, steps_per_dispatch=K, seed=0, devices=jax.device_count())
  options = {"log_every": K, "save_every": 20} | options
  with Log(folder, steps) as log:
    return loop.train(
      learner or toy.learner(DIGITS.fields),
      loader,
      log,
      workdir=folder,
      steps=steps,
      steps_per_dispatch=K,
      **options,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """40 uninterrupted steps on 4 devices, 5 a dispatch: (folder, final state)."""
  folder = tmp_path_factory.mktemp("whole")
  return folder, jax.device_get(run(folder))


def test_another_seed_is_the_same_program_and_another_run(tmp_path, monkeypatch):
  """So that it is not compiled again."""
  programs = []
  compile = jax.stages.Lowered.compile

  def recording(lowered, *args):
    programs.append(lowered.as_text())
    return compile(lowered, *args)

  monkeypatch.setattr(jax.stages.Lowered, "compile", recording)
  first, second = (run(tmp_path / str(seed), steps=5, seed=seed).params for seed in (0, 1))
  assert len(programs) == 2 and programs[0] == programs[1]
  differ = jax.tree.map(lambda a, b: bool((a != b).any()), first, second)
  assert any(jax.tree.leaves(differ))


def test_steps_per_dispatch_change_nothing(whole, tmp_path):
  one = jax.device_get(run(tmp_path, K=1, log_every=10))
  chex.assert_trees_all_close(one, whole[1], rtol=1e-5, atol=1e-6)
  assert int(one.state["seen"]) == 40 * 32


def test_the_log_says_what_training_costs_after_the_first_dispatch(whole):
  log = (whole[0] / "log.txt").read_text()
  time = r"[\d.e+]+ ms a step, [\d.]+ (s|min|h) for the other 35"
  found = re.search(rf"([\d,]+) parameters; {time}; memory: ([\d.]+) MiB a device", log)
  assert found and log.count("ms a step") == 1
  assert int(found[1].replace(",", "")) == sum(x.size for x in jax.tree.leaves(whole[1].params))
  held = sum(x.nbytes for x in jax.tree.leaves(whole[1]))
  assert float(found[3]) * 2**20 > held


def test_resume_is_bit_exact(whole, tmp_path):
  run(tmp_path, steps=20)
  trained = []
  hooks = {"sample_every": (5, lambda step, ts: trained.append(step))}
  chex.assert_trees_all_equal(jax.device_get(run(tmp_path, hooks=hooks)), whole[1])
  assert trained == [25, 30, 35, 40]  # It resumed; it did not begin again.
  steps = [row["step"] for row in read_rows(tmp_path / "metrics.jsonl")]
  assert steps == list(range(5, 41, 5))


def test_a_run_with_a_checkpoint_makes_no_first_state(whole, monkeypatch):
  """Of some models it takes longer to make than a checkpoint to read."""
  made = []
  monkeypatch.setattr(loop, "jit", lambda *args, **options: made.append(args))
  chex.assert_trees_all_equal(jax.device_get(run(whole[0])), whole[1])
  assert not made


def test_resume_with_the_newest_checkpoint_truncated(whole, tmp_path):
  run(tmp_path)
  for file in (tmp_path / "checkpoints" / "40").rglob("*"):
    if file.is_file() and file.stat().st_size > 100:
      os.truncate(file, file.stat().st_size // 2)
  (tmp_path / "checkpoints" / "stray").mkdir()
  chex.assert_trees_all_equal(jax.device_get(run(tmp_path)), whole[1])
  assert "checkpoint 40 can't be read" in (tmp_path / "log.txt").read_text()
  with checkpoint.Checkpoints(tmp_path) as checkpoints:
    assert checkpoints.restore(jax.tree.map(jnp.asarray, whole[1])).step == 40


def test_steps_that_take_long_are_sent_in_parts(whole, tmp_path, monkeypatch):
  """A signal between two of them stops the run there, and it resumes there."""
  monkeypatch.setattr(dispatch, "LONGEST", 1e-9)
  sizes = []

  def interrupted(*args):
    for n, sent in enumerate(dispatch.dispatches(*args), 1):
      _, (_, part), _ = sent
      sizes.append(part.stop - part.start)
      if n == 7:
        signal.raise_signal(signal.SIGTERM)
      yield sent

  with monkeypatch.context() as patched, pytest.raises(Stopped) as stopped:
    patched.setattr(loop, "dispatches", interrupted)
    run(tmp_path)
  assert sizes == 7 * [1] and stopped.value.signum == signal.SIGTERM
  with checkpoint.Checkpoints(tmp_path) as checkpoints:
    assert checkpoints.latest == 7
  chex.assert_trees_all_equal(jax.device_get(run(tmp_path)), whole[1])
  rows = read_rows(tmp_path / "metrics.jsonl")
  assert [row["step"] for row in rows] == [5, 7, 10, *range(15, 41, 5)]


def test_a_gpu_s_dispatches_are_whole(whole, tmp_path, monkeypatch):
  """There the number of steps is a constant of the program, and the result the same."""
  monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
  chex.assert_trees_all_close(jax.device_get(run(tmp_path)), whole[1], rtol=1e-5, atol=1e-6)
  assert (tmp_path / "log.txt").read_text().count("for the other 35") == 1


def test_a_part_runs_the_steps_it_names():
  step = lambda ts, batch, key: (ts.replace(step=ts.step + 1), {"x": 10 * ts.step + batch["x"]})
  run = dispatch.unroll_part(step, jax.random.key(0), 4)
  ts, rows = jax.jit(run)(start({}, {}), {"x": jnp.arange(4)}, 1, 3)
  assert ts.step == 2 and [*rows["x"]] == [0, 1, 12, 0]


def test_a_step_is_traced_once():
  """For the shapes of its metrics and for the loop."""
  traced = []

  def step(ts, batch, key):
    traced.append(batch)
    return ts.replace(step=ts.step + 1), {"x": batch["x"].mean()}

  run = dispatch.unroll_part(step, jax.random.key(0), 2)
  mesh = make_mesh()
  with jax.set_mesh(mesh):
    batches = put({"x": np.ones((2, 8))}, mesh, None, "data")
    jax.jit(run).lower(start({}, {}), batches, 0, 2)
  assert len(traced) == 1


def test_sessions_add_up(tmp_path):
  run(tmp_path, steps=20)
  rows = read_rows(tmp_path / "metrics.jsonl")
  first = rows[-1]
  (tmp_path / "metrics.jsonl").write_text(
    "".join(json.dumps(row | {"jax": "0.0.1"}) + "\n" for row in rows)
  )
  run(tmp_path)
  last = read_rows(tmp_path / "metrics.jsonl")[-1]
  assert last["seconds"] > first["seconds"] and last["compile_seconds"] > first["compile_seconds"]
  cost = training_cost(tmp_path, 32)
  assert cost["seconds"] == last["seconds"]
  assert cost["versions"]["jax"] == f"0.0.1, {jax.__version__}"


def test_fsdp_equals_replicated(whole, tmp_path):
  sharded = run(tmp_path, fsdp_min_size=1)
  assert len(sharded.params["down"].sharding.device_set) == 4
  assert sharded.params["down"].addressable_shards[0].data.shape == (16, 32)
  chex.assert_trees_all_close(jax.device_get(sharded), whole[1], rtol=1e-4, atol=1e-5)


def worker(*args, **options):
  """Starts `python -m tests.worker`."""
  command = [
    sys.executable,
    "-m",
    "tests.worker",
    *map(str, args),
    *(f"--{k}={v}" for k, v in options.items()),
  ]
  return subprocess.Popen(
    command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
  )


def finish(process):
  """The output of a process that must end well."""
  out, _ = process.communicate(timeout=300)
  assert process.returncode == 0, out
  return out


def assert_saved(path, ts, exact=False):
  """Asserts that the arrays in a file of `tests.worker` are those of `ts`."""
  saved = dict(np.load(path))
  wanted = dict(zip(checkpoint.arrays_of(ts), jax.tree.leaves(ts)))
  assert saved.keys() == wanted.keys()
  for name in saved:
    np.testing.assert_allclose(
      saved[name], wanted[name], rtol=0 if exact else 1e-4, atol=0 if exact else 1e-5
    )


def test_one_device_equals_four_and_loads_what_four_saved(whole, tmp_path):
  finish(worker(tmp_path / "one", tmp_path / "one.npz", K=5, steps=40))
  assert_saved(tmp_path / "one.npz", whole[1])
  finish(worker(whole[0], tmp_path / "loaded.npz", K=5, steps=40))  # Finished: only restores.
  assert_saved(tmp_path / "loaded.npz", whole[1], exact=True)


def test_two_processes_equal_one(whole, tmp_path):
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{s.getsockname()[1]}"
  both = [
    worker(
      tmp_path / "two",
      tmp_path / "two.npz",
      K=5,
      steps=40,
      devices=2,
      coordinator=address,
      process=i,
      processes=2,
    )
    for i in range(2)
  ]
  for process in both:
    finish(process)
  assert_saved(tmp_path / "two.npz", whole[1])


def wait_for(process, text):
  """Returns when a process prints a line that begins like this."""
  for line in process.stdout:
    if re.match(text, line):
      return
  raise AssertionError(f"{text!r} was never printed")


def test_kill_9_in_the_middle_loses_nothing(whole, tmp_path):
  process = worker(
    tmp_path, tmp_path / "never.npz", K=5, steps=40, devices=4, slow=0.2, save_every=10
  )
  wait_for(process, "step 30")
  process.kill()
  process.wait()
  finish(worker(tmp_path, tmp_path / "out.npz", K=5, steps=40, devices=4))
  assert_saved(tmp_path / "out.npz", whole[1], exact=True)


def test_sigterm_saves_and_the_same_command_resumes(whole, tmp_path):
  process = worker(tmp_path, tmp_path / "out.npz", K=5, steps=40, devices=4, slow=0.2)
  wait_for(process, "step 10")
  process.send_signal(signal.SIGTERM)
  out, _ = process.communicate(timeout=300)
  assert process.returncode == 1 and "stopped by signal 15" in out
  with checkpoint.Checkpoints(tmp_path) as checkpoints:
    assert checkpoints.latest in (15, 20)
  finish(worker(tmp_path, tmp_path / "out.npz", K=5, steps=40, devices=4))
  assert_saved(tmp_path / "out.npz", whole[1], exact=True)


def test_a_loss_that_diverges_stops_the_run_and_names_the_step(tmp_path):
  def loss(params, state, batch, key, train):
    value = params["w"] * jnp.where(state["n"] == 24, jnp.nan, 1.0) + jnp.zeros(len(batch["image"]))
    return value, ({"n": state["n"] + 1}, {})

  init = lambda key, batch: ({"w": jnp.ones(())}, {"n": jnp.zeros((), jnp.int32)})
  with pytest.raises(
    UserError, match=r"loss is nan at step 25; the last good checkpoint is .*checkpoints/20"
  ):
    run(tmp_path, learner=descend(Model(init, loss), optax.sgd(1e-3)))


def test_parameters_that_overflow_are_not_saved(tmp_path):
  def loss(params, state, batch, key, train):
    return jnp.zeros(len(batch["image"])), ({}, {})

  explode = optax.stateless(lambda g, p: jax.tree.map(lambda x: jnp.full_like(x, jnp.inf), g))
  learner = descend(Model(lambda key, batch: ({"w": jnp.ones(())}, {}), loss), explode)
  with pytest.raises(
    UserError, match=r"no longer finite at step 20; no checkpoint was saved before it"
  ):
    run(tmp_path, learner=learner)


def test_lazy_metrics_are_means_of_the_measured_steps(tmp_path):
  def loss(params, state, batch, key, train):
    zero = jnp.zeros(len(batch["image"]))
    n = state["n"]
    lazy = zero + jnp.where(n % 4 == 0, n.astype(jnp.float32), jnp.nan)
    return params["w"] + zero, ({"n": n + 1}, {"lazy": lazy, "never": zero * jnp.nan})

  init = lambda key, batch: ({"w": jnp.ones(())}, {"n": jnp.zeros((), jnp.int32)})
  run(tmp_path, learner=descend(Model(init, loss), optax.sgd(1e-3)), steps=20, log_every=10)
  rows = read_rows(tmp_path / "metrics.jsonl")
  assert [row["lazy"] for row in rows] == [4.0, 14.0]
  assert not any("never" in row for row in rows)


@pytest.mark.parametrize("options", [{"steps": 42}, {"log_every": 7}, {"save_every": 3}])
def test_intervals_must_be_multiples_of_a_dispatch(tmp_path, options):
  with pytest.raises(
    UserError,
    match=f"train.{next(iter(options))}=.* must be a multiple of train.steps_per_dispatch=5",
  ):
    run(tmp_path, **options)


def test_another_models_checkpoint_is_refused(whole, tmp_path):
  other = toy.learner(DIGITS.fields, ema=0.0)
  with pytest.raises(
    UserError, match=r"of another model or optimizer: ema/down is float32.* there and absent here"
  ):
    run(whole[0], learner=other, steps=60)


def test_an_unwritable_folder_is_one_line(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(UserError, match=r"can't write .*choose another --workdir"):
    run(tmp_path / "file" / "run")


def test_a_full_disk_is_one_line(tmp_path):
  """A file size limit of the process stands for the full disk."""
  code = (
    "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "from tests.test_loop import *\n"
    "big = lambda key, batch: ({'w': jax.random.normal(key, (2**18,))}, {})\n"
    "ones = lambda batch: jnp.ones(len(batch['image']))\n"
    "loss = lambda p, s, batch, key, train: (p['w'].sum() * ones(batch), ({}, {}))\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))\n"
    f"try: run({str(tmp_path)!r}, learner=descend(Model(big, loss), optax.sgd(0.0)))\n"
    "except UserError as e: print('error:', e)\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300
  )
  expected = "error: can't write to .*free some disk"
  assert re.search(expected, done.stdout), done.stdout + done.stderr


def test_speed_counts_steps_not_dispatches(tmp_path):
  begun = time.perf_counter()
  run(tmp_path, steps=20)
  rows = read_rows(tmp_path / "metrics.jsonl")
  total = sum(5 / row["steps_per_second"] for row in rows)
  assert total == pytest.approx(rows[-1]["seconds"], rel=1e-6)
  assert total <= time.perf_counter() - begun
