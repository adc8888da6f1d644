"""What training on many devices sends between them, from programs compiled for simulated ones; and
a pod on paper:

  python -m experiments.bench.scale [workloads]

The first table compiles a step of each workload for 1, 2, 4 and 8 devices, every device taking the
same batch: the work of a device must not grow, and what it sends is the gradient; with parameters
sharded, they are gathered as well. The second is arithmetic, written below it.
"""

from collections import Counter
import math
import re
import sys

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

from experiments.bench import ours
from experiments.bench.cost import flops
from experiments.bench.workloads import DIT, UNET, WORKLOADS
from genjax_zoo.evaluate import parameters
from genjax_zoo.sharding import fsdp, jit, replicated

COLLECTIVES = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute"
BYTES = {
  "pred": 1,
  "s8": 1,
  "u8": 1,
  "bf16": 2,
  "f16": 2,
  "s32": 4,
  "u32": 4,
  "f32": 4,
  "s64": 8,
  "u64": 8,
  "f64": 8,
}
LARGE = {  # (model, changes of the workload): the batch is a chip's.
  "U-Net, 32 x 32 x 3": (UNET | dict(hidden=(128, 256, 256)), dict(size=32, channels=3, batch=32)),
  "DiT-S/2, 32 x 32 x 4": (DIT | dict(hidden=(384,) * 12), dict(size=32, channels=4, batch=32)),
  "DiT-XL/2, 32 x 32 x 4": (DIT | dict(hidden=(1152,) * 28), dict(size=32, channels=4, batch=8)),
}
# Of a TPU v5e: bf16 operations, bytes of its links a second; of the first.
PEAK, LINK, ATTAINED = 197e12, 200e9, 0.4

ARITHMETIC = f"""
Computing = TFLOP / ({ATTAINED:.0%} of {PEAK / 1e12:.0f} TFLOP/s). In an all-reduce each of N chips sends
2 (N - 1) / N of the float32 gradient, 4 bytes a parameter, at {LINK / 1e9:.0f} GB/s. Efficiency = computing /
(computing + sending): none of the sending is hidden behind the computing, which XLA does where it can. But so many
bytes need all four links of every chip, which only the torus of 256 has: the rims of 8 and 64 chips lack some, and
these send slower than the table says.
"""


def program(w, devices, fsdp_min_size: int):
  """A training step of `w.batch` examples a device, compiled for these devices; and the shapes of
  its parameters.
  """
  mesh = jax.make_mesh((len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices)
  learner, field = ours.learner(w), ours.dataset(w).fields["image"]
  batch = {"image": jax.ShapeDtypeStruct((w.batch * len(devices), *field.shape), field.dtype)}
  key = jax.eval_shape(lambda: jax.random.key(0))
  ts = jax.eval_shape(learner.init, key, batch)
  state, all_devices = fsdp(mesh, ts, fsdp_min_size), replicated(mesh)
  spread = {"image": NamedSharding(mesh, P("data"))}
  with jax.set_mesh(mesh):
    step = jit(
      learner.step, in_shardings=(state, spread, all_devices), out_shardings=(state, all_devices)
    )
    return step.lower(ts, batch, key).compile(), ts.params


def collectives(text: str) -> Counter:
  """{kind: bytes of its results} of a compiled program's text; a loop's body counts as often as it
  runs.
  """
  found = re.findall(r"^(ENTRY )?%?([\w.\-]+) [^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
  bodies, total = {name: body for _, name, body in found}, Counter()

  def visit(name, times):
    for line in bodies[name].splitlines():
      if sent := re.search(rf"= (.*?) ({COLLECTIVES})(?:-start)?\(", line):
        arrays = re.findall(r"(\w+)\[([\d,]*)\]", sent[1])
        total[sent[2]] += times * sum(
          BYTES[k] * math.prod(map(int, filter(None, n.split(",")))) for k, n in arrays
        )
      trips = re.search(r'"known_trip_count":\{"n":"(\d+)"', line)
      for inner in re.findall(r"(?:body|to_apply|calls)=%?([\w.\-]+)", line):
        visit(inner, times * int(trips[1] if trips else 1))

  visit(next(name for entry, name, _ in found if entry), 1)
  return total


def simulated(workloads) -> str:
  """The table of compiled programs."""
  head = (
    "workload (parameters)",
    "devices",
    "MFLOP a device",
    "KiB sent a step",
    "parameters sharded: KiB sent a step",
  )
  rows = [head, ["---"] * len(head)]
  for w in workloads:
    alone = None
    for n in (1, 2, 4, 8):
      sent = []
      for smallest in (2**60, 2**10):
        compiled, params = program(w, jax.devices()[:n], smallest)
        bytes_of = collectives(compiled.as_text())
        sent.append(", ".join(f"{k} {v / 1024:,.0f}" for k, v in sorted(bytes_of.items())) or "0")
        if smallest == 2**60:
          told = compiled.cost_analysis()["flops"]
      alone = alone or told
      # XLA counts a loop's body once: of its count, what it grows by.
      work = flops(w) * told / alone
      rows.append(
        (f"{w.name} ({4 * parameters(params) / 1024:,.0f} KiB)", n, f"{work / 1e6:,.0f}", *sent)
      )
  return table(rows)


def pod(chips=(8, 64, 256)) -> str:
  """The table of a TPU v5e pod, and its arithmetic."""
  head = (
    "model",
    "parameters",
    "batch a chip",
    "TFLOP a step",
    "chips",
    "MiB sent",
    "computing",
    "sending",
    "efficiency",
  )
  rows = [head, ["---"] * len(head)]
  for name, (model, changes) in LARGE.items():
    w = WORKLOADS[-1]._replace(model=model, **changes)
    key, batch = jax.random.key(0), {"image": ours.dataset(w).splits["train"]["image"][:1]}
    size = parameters(jax.eval_shape(ours.learner(w).init, key, batch).params)
    work = flops(w)
    for n in chips:
      sent, computing = 2 * (n - 1) / n * 4 * size, work / (ATTAINED * PEAK)
      sending = sent / LINK
      cells = f"{size / 1e6:.0f} M", w.batch, f"{work / 1e12:.2f}", n, f"{sent / 2**20:,.0f}"
      times = (
        f"{1e3 * computing:.1f} ms",
        f"{1e3 * sending:.1f} ms",
        f"{computing / (computing + sending):.0%}",
      )
      rows.append((name, *cells, *times))
  return table(rows) + ARITHMETIC


def table(rows) -> str:
  """Rows in Markdown."""
  return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def main(names):
  jax.config.update("jax_platforms", "cpu")
  jax.config.update("jax_num_cpu_devices", 8)
  if unknown := set(names) - {w.name for w in WORKLOADS}:
    sys.exit(f"error: no workload is named {unknown.pop()!r}")
  print(simulated([w for w in WORKLOADS if w.name in (names or ("vae", "wgan_gp", "ddpm", "dit"))]))
  print(pod())


if __name__ == "__main__":
  main(sys.argv[1:])
