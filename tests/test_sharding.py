"""On a mesh the work of a device is constant, and sharded parameters are gathered once."""

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import numpy as np
import optax
import pytest

from experiments.bench.scale import collectives
from genjax_zoo.core import Field, descend
from genjax_zoo.models.diffusion import ddpm, flow_matching
from genjax_zoo.models.energy import ebm
from genjax_zoo.models.gans import wgan
from genjax_zoo.sharding import fsdp, make_mesh, replicated, shard_batch

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


def test_sharded_parameters_are_gathered_once():
  network = dict(name="dit", width=32, depth=2, patch=2)
  model = ddpm.model(IMAGES, T=10, network=network)
  program, params = compiled(descend(model, TX), (), 4, 4, smallest=1)
  sent = collectives(program.as_text())
  size = sum(4 * x.size for x in jax.tree.leaves(params))
  assert sent.keys() == {"all-gather", "all-reduce"} and max(sent.values()) < 1.1 * size


def test_generated_examples_are_sharded_where_the_devices_divide_them():
  with jax.set_mesh(make_mesh()):
    draw = jax.jit(lambda n: shard_batch(jax.random.normal(KEY, (n, 2))), static_argnums=0)
    assert draw(8).sharding.spec == P("data") and len(draw(6)) == 6
  np.testing.assert_allclose(draw(8), jax.random.normal(KEY, (8, 2)), rtol=1e-6)
