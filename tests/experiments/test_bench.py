"""The benchmark: its arithmetic, traffic between devices, and twins that equal our models."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.bench import cost, measure, ours, peers, scale
from experiments.bench.workloads import WORKLOADS
from genjax_zoo.core import UserError
from genjax_zoo.evaluate import parameters

VAE, *_ = WORKLOADS


def test_operations_are_counted_through_loops_and_gradients():
  weights = jnp.ones((3, 5, 5))

  def loss(weights, x):
    return jax.lax.scan(lambda x, w: (x @ w, None), x, weights)[0].sum()

  forward = jax.make_jaxpr(loss)(weights, jnp.ones((7, 5)))
  both = jax.make_jaxpr(jax.grad(loss, (0, 1)))(weights, jnp.ones((7, 5)))
  assert cost.flops(forward.jaxpr) == 3 * 2 * 7 * 5 * 5
  assert cost.flops(both.jaxpr) == 3 * cost.flops(forward.jaxpr)


def test_only_what_runs_more_than_once_is_a_loop():
  scan = lambda n: jax.make_jaxpr(
    jax.jit(lambda x: jax.lax.scan(lambda x, _: (x + 1, None), x, length=n)[0])
  )(1.0)
  assert cost.loops(scan(2).jaxpr) and not cost.loops(scan(1).jaxpr)


@pytest.mark.parametrize("groups", [1, 4])
def test_a_convolution_and_its_gradients_cost_alike(groups):
  kernel, x = jnp.ones((3, 3, 4 // groups, 8)), jnp.ones((2, 10, 10, 4))
  layout = dict(dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups)

  def loss(kernel, x):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", **layout).sum()

  forward = cost.flops(jax.make_jaxpr(loss)(kernel, x).jaxpr)
  assert forward == 2 * (2 * 8 * 8 * 8) * (3 * 3 * 4 // groups)
  by_kernel = jax.make_jaxpr(jax.grad(loss))(kernel, x)
  # XLA drops the forward pass, which is linear; we count it.
  assert cost.flops(by_kernel.jaxpr) == 2 * forward


def test_devices_send_the_gradient_once_and_share_the_work():
  small = VAE._replace(model=VAE.model | dict(hidden=(32,)), size=8, batch=16)
  alone, params = scale.program(small, jax.devices()[:1], 2**60)
  four, _ = scale.program(small, jax.devices()[:4], 2**60)
  assert not scale.collectives(alone.as_text())
  sent = scale.collectives(four.as_text())
  assert set(sent) == {"all-reduce"}
  assert 0 <= sent["all-reduce"] - 4 * parameters(params) <= 64  # The metrics too.
  ratio = four.cost_analysis()["flops"] / alone.cost_analysis()["flops"]
  assert 0.95 < ratio < 1.05


def test_two_chips_of_a_pod_hold_half_of_the_state_and_send_half_as_much_again(monkeypatch):
  small = dict(model=scale.dit(width=256, depth=2), size=8, channels=1, batch=2)
  monkeypatch.setattr(scale, "LARGE", {"DiT": small})
  monkeypatch.setattr(scale, "LINK", 1e6)  # Bytes a second: seconds of sending.
  row = scale.pod((2,)).splitlines()[2].strip("| ").split(" | ")
  millions, (held, sending, _, half, more, _) = float(row[1].split()[0]), row[6:]
  assert float(held) == pytest.approx(2 * float(half), abs=0.01)
  milliseconds = [float(text.split()[0]) for text in (sending, more)]
  # An all-reduce of two sends 4 bytes a parameter.
  np.testing.assert_allclose(milliseconds, [4e3 * millions, 6e3 * millions], rtol=0.3)
  assert milliseconds[1] == pytest.approx(1.5 * milliseconds[0], rel=1e-3)


def test_a_ratio_is_ours_over_the_best_of_the_package_and_stands_in_its_row():
  rates = {"ours": 12.0, "zuko, 1 threads": 3.0, "zuko, 2 threads": 4.0}
  assert measure.ratio(rates) == 3
  found = {
    "model": "flow", "version": "1.6", "parameters": {"ours": 1234, "zuko": 567},
    "training": rates, "training_ratio": 3.0, "sampling": rates, "sampling_ratio": 0.5,
  }  # fmt: skip
  machine = {"device": "cpu", "processor": "Z80", "cores": 2}
  table = peers.table(
    {"machine": machine, "versions": {"jax": "0.9"}, "peers": {"zuko": found}}
  ).splitlines()
  assert table[2] == "| zuko 1.6 | flow | 3.00 | 0.50 |  | 567 | 1,234 |"
  assert table[-1] == "On cpu: Z80, 2 of its cores; jax 0.9."


def test_peers_are_chosen_by_package():
  assert [peer.package for peer in peers.chosen(["pythae", "zuko"])] == ["pythae", "zuko"]
  assert peers.chosen([]) == peers.PEERS
  with pytest.raises(UserError, match="zoku: the peers are zuko"):
    peers.chosen(["zoku"])


@pytest.mark.parametrize("peer", peers.PEERS, ids=[peer.package for peer in peers.PEERS])
def test_our_side_of_each_peer_has_parameters(peer):
  """Our model is built, by shapes alone; theirs needs the package."""
  w = peer.workload
  batch = {k: jnp.asarray(x[:2]) for k, x in ours.dataset(w).splits["train"].items()}
  ts = jax.eval_shape(ours.learner(w).init, jax.random.key(0), batch)
  assert parameters(ts.params) > 0


HLO = """HloModule m

%body (p: (s32[], f32[8])) -> (s32[], f32[8]) {
  %r = f32[8]{0} all-reduce(%x)
}

ENTRY %main (a: f32[8]) -> f32[8] {
  %w = (s32[], f32[8]) while(%t), body=%body, backend_config=CONFIG
  %g = (f32[4,2]{1,0}, bf16[3]{0}) all-gather(%a, %b), dimensions={0}
}
"""


def test_collectives_in_loops_count_as_often_as_they_run():
  text = HLO.replace("CONFIG", '{"known_trip_count":{"n":"5"}}')
  assert scale.collectives(text) == {"all-reduce": 5 * 32, "all-gather": 32 + 6}


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs the extra bench")
@pytest.mark.parametrize("w", WORKLOADS, ids=lambda w: w.name)
def test_twins_compute_the_same(w):
  from experiments.bench import theirs

  theirs.agreement(w, ours.some_params(w))


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs the extra bench")
def test_a_contender_runs_with_its_own_threads():
  import torch

  from experiments.bench import theirs

  runs = {n: theirs.sampling(VAE, ours.some_params(VAE), False, n).run for n in (1, 2)}
  for n, run in runs.items():
    run(1)
    assert torch.get_num_threads() == n
