"""On a mesh the work of a device is constant, and sharded parameters are gathered once."""

import functools

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import numpy as np
import optax
import pytest

from experiments import pipeline
from experiments.bench.scale import collectives
from experiments.resolve import resolve
from genjax_zoo import sharding
from genjax_zoo.core import Field, descend
from genjax_zoo.models.diffusion import ddpm, flow_matching
from genjax_zoo.models.energy import ebm
from genjax_zoo.models.gans import wgan
from genjax_zoo.run import load
from genjax_zoo.sharding import compiler_options, fsdp, is_known, make_mesh, replicated, shard_batch

IMAGES = {"image": Field((8, 8, 1), np.uint8, 17)}
KEY = jax.random.key(0)
TX = optax.sgd(0.1)
MLP = dict(network=dict(name="mlp", hidden=(32,)))


def gan():
  return wgan.learner(
    IMAGES, {"gen": TX, "critic": TX}, hidden=(32, 32), n_critic=2, network="mlp"
  ), ()


def chains():
  return descend(ebm.model(IMAGES, steps=3, hidden=(32,), network="mlp", buffer=64), TX), ()


def reflow():
  teacher = flow_matching.model(IMAGES, **MLP)
  weights = jax.eval_shape(teacher.init, KEY, batch(4))
  return descend(flow_matching.model(IMAGES, teacher=teacher, pairs=1000, **MLP), TX), (
    {"teacher": weights},
  )


def batch(n):
  return {"image": jax.ShapeDtypeStruct((n, 8, 8, 1), np.uint8)}


def compiled(learner, frozen, n, devices, smallest=2**60):
  """A step on n examples a device, and the shapes of its parameters."""
  mesh = jax.make_mesh(
    (devices,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:devices]
  )
  with jax.set_mesh(mesh):
    examples = batch(n * devices)
    ts = jax.eval_shape(learner.init, KEY, examples, *frozen)
    state = fsdp(mesh, ts, smallest)
    data = {"image": NamedSharding(mesh, P("data"))}
    step = jax.jit(
      learner.step, in_shardings=(state, data, None), out_shardings=(state, replicated(mesh))
    )
    return step.lower(ts, examples, KEY).compile(), ts.params


@pytest.mark.parametrize("make", [gan, chains, reflow])
def test_the_work_of_a_device_does_not_grow_with_their_number(make):
  """These models generate examples in a step, which nothing but `shard_batch` shards."""
  one, four = (compiled(*make(), 64, devices)[0].cost_analysis()["flops"] for devices in (1, 4))
  assert four < 1.1 * one


@functools.cache
def dit(depth, smallest=1):
  """(learner, step on 4 devices, shapes of the parameters) of a DiT with blocks of 292 KiB."""
  network = dict(name="dit", width=64, depth=depth, patch=2)
  learner = descend(ddpm.model(IMAGES, T=10, network=network), TX)
  return learner, *compiled(learner, (), 1, 4, smallest)


def test_sharded_parameters_are_gathered_once():
  program, params = compiled(descend(ddpm.model(IMAGES, T=10, **MLP), TX), (), 4, 4, smallest=1)
  sent = collectives(program.as_text())
  size = sum(4 * x.size for x in jax.tree.leaves(params))
  assert sent.keys() == {"all-gather", "all-reduce"} and max(sent.values()) < 1.1 * size


def test_blocks_are_gathered_one_at_a_time_forwards_and_backwards():
  """What a device holds besides its shards grows by less than half of a block's parameters."""
  (_, shallow, small), (_, deep, large) = dit(2), dit(6)
  size, more = (sum(4 * x.size for x in jax.tree.leaves(p)) for p in (small, large))
  block = (more - size) / 4
  temp = lambda program: program.memory_analysis().temp_size_in_bytes
  assert (temp(deep) - temp(shallow)) / 4 < 0.5 * block
  sent = collectives(deep.as_text())
  assert more + 5 * block < sent["all-gather"] < 2 * more and sent["all-reduce"] < 1.1 * more


def test_sharded_blocks_learn_what_replicated_ones_learn():
  learner, sharded, _ = dit(2)
  _, on_all, _ = dit(2, 2**60)
  examples = {"image": np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8, 1) % 17}
  ts = jax.jit(learner.init)(KEY, examples)
  # Last layers start at 0: through them no block would learn.
  moved = lambda x: x + 0.1 * jax.random.normal(KEY, x.shape)
  ts = ts.replace(params=jax.tree.map(moved, ts.params))
  after = []
  for program in sharded, on_all:
    placed = jax.device_put((ts, examples, KEY), program.input_shardings[0])
    after.append(program(*placed)[0].params)
  steps = [np.abs(x - y).max() for x, y in zip(*map(jax.tree.leaves, (after[0], ts.params)))]
  assert np.median(steps) > 1e-4
  for x, y in zip(*map(jax.tree.leaves, after)):
    np.testing.assert_allclose(x, y, atol=1e-6)


def test_generated_examples_are_sharded_where_the_devices_divide_them():
  with jax.set_mesh(make_mesh()):
    draw = jax.jit(lambda n: shard_batch(jax.random.normal(KEY, (n, 2))), static_argnums=0)
    assert draw(8).sharding.spec == P("data") and len(draw(6)) == 6
  np.testing.assert_allclose(draw(8), jax.random.normal(KEY, (8, 2)), rtol=1e-6)


def test_options_of_xla_are_those_it_knows_and_no_flag_sets(monkeypatch):
  assert is_known("xla_backend_optimization_level", 1)
  assert not is_known("xla_backend_optimisation_level", 1)
  options = compiler_options.__wrapped__
  monkeypatch.setenv("XLA_FLAGS", "")
  assert options()["xla_backend_optimization_level"] == 1
  assert options(once=True)["xla_backend_optimization_level"] == 0
  library = "xla_cpu_experimental_ynn_fusion_type"
  assert "CONVOLUTION" in options(forward=True)[library] and "CONVOLUTION" not in options()[library]
  asked = []
  monkeypatch.setattr(sharding, "jit", lambda f, **options: asked.append(options))
  sharding.compiled.__wrapped__(abs)
  assert asked[0]["forward"]
  monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=2")
  assert "xla_backend_optimization_level" not in options()


def test_of_a_cpu_split_over_its_cores_one_device_trains_and_all_sample(monkeypatch, tmp_path):
  """A run on a stage, with a picture at each step: what was trained on one moves to all."""
  assert sharding.training_mesh().size == 4 and sharding.device_name() == "4 x cpu"
  monkeypatch.setattr(sharding.Cores, "split", True)
  assert sharding.training_mesh().size == 1 and sharding.device_name() == "cpu"
  config = resolve("configs/latent_diffusion_shapes.py:smoke").to_dict()
  run = pipeline.train_run(config, tmp_path / "run")
  assert (tmp_path / "run/samples/step_0000002.png").exists()
  on = lambda tree: {len(x.devices()) for x in jax.tree.leaves(tree)}
  assert on(run.weights) == on(run.state) == {4}
  again = load(tmp_path / "run")
  assert on(again.weights) == {4}
  caption = {"tokens": "a small red heart at the top left on black"}
  images = [r.sample(3, 1, caption)["image"] for r in (run, again)]
  np.testing.assert_array_equal(*images)
  weights, state = sharding.placed((run.weights, run.state), sharding.training_mesh())
  assert on(weights) == {1}
  batch = {"image": np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)}
  trained = run._replace(weights=weights, state=state).encode(batch)["z"]
  np.testing.assert_allclose(trained, run.encode(batch)["z"], atol=1e-5)


def test_dense_networks_sample_on_one_core(monkeypatch):
  monkeypatch.setattr(sharding.Cores, "split", True)
  dense = {"kernel": np.zeros((3, 4)), "bias": np.zeros(4)}
  assert sharding.sampling_mesh(dense).size == 1
  assert sharding.sampling_mesh(dense | {"conv": np.zeros((3, 3, 1, 4))}).size == 4
  monkeypatch.setattr(sharding.Cores, "split", False)
  assert sharding.sampling_mesh(dense).size == 4


def test_a_cpu_is_split_over_its_cores_unless_the_environment_says_how(monkeypatch):
  asked = []
  monkeypatch.setattr(jax.config, "update", lambda *option: asked.append(option))
  monkeypatch.setattr(sharding.Cores, "split", False)
  monkeypatch.setattr(sharding, "cores", lambda: 99)
  for name, value in ("XLA_FLAGS", f"--{sharding.DEVICE_COUNT}=2"), ("JAX_NUM_CPU_DEVICES", "2"):
    with monkeypatch.context() as environment:
      environment.setenv("XLA_FLAGS", "")
      environment.setenv(name, value)
      sharding.split_over_cores()
    assert not asked and not sharding.Cores.split
  monkeypatch.setenv("XLA_FLAGS", "")
  sharding.split_over_cores()
  assert asked == [("jax_num_cpu_devices", sharding.MOST_CORES)] and sharding.Cores.split


def test_the_cores_counted_are_those_that_this_process_may_use(monkeypatch):
  monkeypatch.setattr(sharding.os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
  assert sharding.processor()["cores"] == 3 and sharding.processor()["processor"]
  monkeypatch.delattr(sharding.os, "sched_getaffinity")
  assert sharding.processor()["cores"] == sharding.os.cpu_count()
