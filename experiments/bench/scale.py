"""Traffic between devices in training, from programs compiled for simulated ones; a pod on paper:

  python -m experiments.bench.scale [workloads]

The first table compiles a step of each workload for 1, 2, 4 and 8 devices, with the same batch for
each device: the work of a device must not grow, and what it sends is the gradient; sharded
parameters are gathered as well. The second is of models that fill a device: sharded over eight,
with a block's parameters gathered at a time. The third is arithmetic, explained below it, of models
with up to three billion parameters.
"""

from collections import Counter
import math
import re
import sys

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

from experiments.bench import ours
from experiments.bench.cost import step_flops
from experiments.bench.workloads import BY_NAME, dit, unet
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
LARGE = {  # Models for the pod: the batch is that of a chip.
  "U-Net, 32 x 32 x 3": dict(model=unet(hidden=(128, 256, 256)), size=32, channels=3, batch=32),
  "DiT-S/2, 32 x 32 x 4": dict(model=dit(width=384, depth=12), size=32, channels=4, batch=32),
  "DiT-XL/2, 32 x 32 x 4": dict(model=dit(width=1152, depth=28), size=32, channels=4, batch=8),
  "DiT, 28 blocks of 1408": dict(model=dit(width=1408, depth=28), size=32, channels=4, batch=8),
  "transformer, 24 blocks of 3200, 32 x 32 x 1": dict(
    model=dict(name="pixel_transformer", width=3200, layers=24, heads=25),
    size=32,
    channels=1,
    batch=8,
  ),
}
# Of eight devices; the batch is that of a device.
HUGE = {
  name: LARGE[name] | dict(batch=4) for name in ("DiT-XL/2, 32 x 32 x 4", "DiT, 28 blocks of 1408")
}
# Of a TPU v5e: bf16 operations a second, bytes of its links a second; the share attained.
PEAK, LINK, ATTAINED = 197e12, 200e9, 0.4
NEVER, SMALL = 2**60, 2**10  # Sizes from which arrays are sharded.

ARITHMETIC = f"""
The state is parameters, Adam's moments and averages, in float32; activations come on top, of one
block at a time where they are rematerialised. Computing = TFLOP / ({ATTAINED:.0%} of
{PEAK / 1e12:.0f} TFLOP/s). In an all-reduce each of N chips sends 2 (N - 1) / N of the gradient, 4
bytes a parameter, at {LINK / 1e9:.0f} GB/s; sharded, parameters are gathered for each of the two
passes and gradients are scattered, 3 (N - 1) / N. Efficiency = computing / (computing + sending):
none of the sending is hidden behind the computing, although XLA overlaps them where it can. This
bandwidth needs all four links of every chip, which only the torus of 256 has: 8 and 64 chips lack
some at their edges, and send more slowly than the table says. A chip has 16 GiB.
"""


def program(w, devices, fsdp_min_size: int):
  """(a compiled training step of `w.batch` examples a device, the shapes of its parameters)."""
  mesh = jax.make_mesh((len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices)
  learner = ours.learner(w)
  field = ours.dataset(w).fields["image"]
  batch = {"image": jax.ShapeDtypeStruct((w.batch * len(devices), *field.shape), field.dtype)}
  key = jax.eval_shape(lambda: jax.random.key(0))
  ts = jax.eval_shape(learner.init, key, batch)
  state = fsdp(mesh, ts, fsdp_min_size)
  on_all = replicated(mesh)
  sharded = {"image": NamedSharding(mesh, P("data"))}
  with jax.set_mesh(mesh):
    step = jit(learner.step, in_shardings=(state, sharded, on_all), out_shardings=(state, on_all))
    return step.lower(ts, batch, key).compile(), ts.params


def collectives(text: str) -> Counter:
  """{kind of collective: bytes of its results} of a program's text, in every pass of a loop."""
  found = re.findall(r"^(ENTRY )?%?([\w.\-]+) [^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
  bodies = {name: body for _, name, body in found}
  total = Counter()

  def size(arrays):
    """Bytes of "f32[4,2]{1,0}, bf16[3]{0}"."""
    items = 0
    for kind, shape in re.findall(r"(\w+)\[([\d,]*)\]", arrays):
      items += BYTES[kind] * math.prod(int(n) for n in shape.split(",") if n)
    return items

  def visit(name, times):
    for line in bodies[name].splitlines():
      sent = re.search(rf"= (.*?) ({COLLECTIVES})(?:-start)?\(", line)
      if sent:
        total[sent[2]] += times * size(sent[1])
      trips = re.search(r'"known_trip_count":\{"n":"(\d+)"', line)
      for inner in re.findall(r"(?:body|to_apply|calls)=%?([\w.\-]+)", line):
        visit(inner, times * int(trips[1] if trips else 1))

  visit(next(name for entry, name, _ in found if entry), 1)
  return total


def simulated(workloads) -> str:
  """The table of compiled programs."""
  rows = [
    (
      "workload (parameters)",
      "devices",
      "MFLOP a device",
      "KiB sent a step",
      "parameters sharded: KiB sent a step",
    )
  ]
  for w in workloads:
    alone = None
    for n in (1, 2, 4, 8):
      replicated_params, params = program(w, jax.devices()[:n], NEVER)
      sharded_params, _ = program(w, jax.devices()[:n], SMALL)
      count = replicated_params.cost_analysis()["flops"]
      alone = alone or count
      # XLA counts a loop's body once, so its count serves for the growth only.
      work = step_flops(w) * count / alone
      rows.append(
        (
          f"{w.name} ({4 * parameters(params) / 1024:,.0f} KiB)",
          n,
          f"{work / 1e6:,.0f}",
          sent(replicated_params),
          sent(sharded_params),
        )
      )
  return table(rows)


def sent(compiled) -> str:
  """The collectives of a program, "all-reduce 120"; "0" without any."""
  found = sorted(collectives(compiled.as_text()).items())
  return ", ".join(f"{kind} {size / 1024:,.0f}" for kind, size in found) or "0"


def huge() -> str:
  """The table of what eight devices hold of models that one can hardly hold."""
  rows = [("model", "parameters", "replicated: GiB a device", "sharded: GiB a device")]
  rows[0] += ("replicated: MiB sent a step", "sharded: MiB sent a step")
  for name, changes in HUGE.items():
    w = BY_NAME["dit"]._replace(**changes)
    programs = [program(w, jax.devices(), size) for size in (NEVER, SMALL)]
    held = [f"{memory(compiled) / 2**30:.2f}" for compiled, _ in programs]
    sent = [collectives(compiled.as_text()).total() for compiled, _ in programs]
    traffic = [f"{size / 2**20:,.0f}" for size in sent]
    rows.append((name, f"{parameters(programs[0][1]) / 1e6:.0f} M", *held, *traffic))
  return table(rows)


def memory(compiled) -> int:
  """Bytes that a device holds in a step: the state, which is updated in place, and the rest."""
  analysis = compiled.memory_analysis()
  return analysis.argument_size_in_bytes + analysis.temp_size_in_bytes


def pod(chips=(8, 64, 256)) -> str:
  """The table of a TPU v5e pod, and its arithmetic."""
  rows = [("model", "parameters", "batch a chip", "TFLOP a step", "computing", "chips")]
  for kind in "replicated", "sharded":
    rows[0] += f"{kind}: GiB of state a chip", "sending", "efficiency"
  for name, changes in LARGE.items():
    w = BY_NAME["dit"]._replace(**changes)
    batch = {"image": ours.dataset(w).splits["train"]["image"][:1]}
    ts = jax.eval_shape(ours.learner(w).init, jax.random.key(0), batch)
    size, state = parameters(ts.params), parameters((ts.params, ts.opt, ts.ema))
    work = step_flops(w)
    computing = work / (ATTAINED * PEAK)
    for n in chips:
      row = (name, f"{size / 1e6:,.0f} M", w.batch, f"{work / 1e12:.2f}")
      row += f"{1e3 * computing:.0f} ms", n
      for passes, held in (2, state), (3, state / n):
        sending = passes * (n - 1) / n * 4 * size / LINK
        efficiency = computing / (computing + sending)
        row += f"{4 * held / 2**30:.2f}", f"{1e3 * sending:.0f} ms", f"{efficiency:.0%}"
      rows.append(row)
  return table(rows) + ARITHMETIC


def table(rows) -> str:
  """Rows in Markdown; the first is the head."""
  head, *body = rows
  lines = [head, ["---"] * len(head), *body]
  return "".join(f"| {' | '.join(map(str, row))} |\n" for row in lines)


def main(names):
  jax.config.update("jax_platforms", "cpu")
  jax.config.update("jax_num_cpu_devices", 8)
  unknown = set(names) - set(BY_NAME)
  if unknown:
    sys.exit(f"error: no workload is named {unknown.pop()!r}")
  names = names or ("vae", "wgan_gp", "ddpm", "dit")
  print(simulated([w for name, w in BY_NAME.items() if name in names]))
  print(huge())
  print(pod())


if __name__ == "__main__":
  main(sys.argv[1:])
