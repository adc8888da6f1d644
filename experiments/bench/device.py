"""What share of a device's own rates training attains, and what caches save in sampling:

  python -m experiments.bench.device [--workdir=runs/bench] [--smoke]

A diffusion transformer and a transformer of pixels are trained in bfloat16 in batches of two sizes,
by the loop's own step; the rates are those of a large matrix product and of a large copy on the
same device. A PixelCNN samples images of 32 x 32 with its caches, and without. It needs no PyTorch.
--smoke takes seconds on a CPU. Writes device.json.
"""

import argparse
from pathlib import Path

from experiments.bench import measure, ours
from experiments.bench.cost import utilisation
from experiments.bench.workloads import BY_NAME, ON_GPU, TRANSFORMER, Workload, dit
from genjax_zoo.evaluate import device_name
from genjax_zoo.log import write_json

WIDE = TRANSFORMER | dict(width=512, layers=8, heads=8, dtype="bfloat16")
TRAINED = [
  BY_NAME["dit"]._replace(**ON_GPU["dit"]),
  BY_NAME["transformer"]._replace(model=WIDE, size=16, num_values=256),
]
SAMPLED = BY_NAME["gated_pixelcnn"]._replace(**ON_GPU["gated_pixelcnn"])
BATCHES = 64, 256

SMOKE_TRAINED = [
  BY_NAME["dit"]._replace(model=dit(width=32, depth=2), size=8, steps=2),
  BY_NAME["transformer"]._replace(model=TRANSFORMER | dict(layers=2), size=8, steps=2),
]
SMOKE_SAMPLED = BY_NAME["gated_pixelcnn"]._replace(size=8)
SMOKE_BATCHES = 4, 8


def attained(w: Workload, seconds: float, rounds: int, n: int) -> dict:
  """{"examples_per_second", "matmul", "copy"} of training; the rates are of matrices [n, n]."""
  contender, _, program = ours.training(w, w.steps)
  examples = measure.rates({"ours": contender}, seconds, rounds)["ours"]
  return {"examples_per_second": examples} | utilisation(w, program, examples, n)


def sampling(w: Workload, seconds: float, rounds: int) -> dict:
  """{"cached", "naive"}: samples a second, with the model's caches and without."""
  params = ours.some_params(w)
  contenders = {
    "cached": ours.sampling(w, params),
    "naive": ours.sampling(w, params, **w.naive),
  }
  return measure.rates(contenders, seconds, rounds)


def main(arguments=None):
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("--workdir", type=Path, default=Path("runs/bench"))
  parser.add_argument("--smoke", action="store_true")
  options = parser.parse_args(arguments)
  options.workdir.mkdir(parents=True, exist_ok=True)
  trained, batches, sampled, seconds, rounds, n = (
    (SMOKE_TRAINED, SMOKE_BATCHES, SMOKE_SAMPLED, 0.1, 1, 512)
    if options.smoke
    else (TRAINED, BATCHES, SAMPLED, 1.0, 5, 8192)
  )
  found = {"device": device_name(), "training": {}, "sampling": {}}

  def keep(task, name, measured):
    found[task][name] = measured
    print(f"{name}: {', '.join(f'{k} {x:,.3g}' for k, x in measured.items())}", flush=True)
    write_json(options.workdir / "device.json", found)

  for w in trained:
    for batch in batches:
      name = f"{w.name}, {w.dtype}, batches of {batch}"
      keep("training", name, attained(w._replace(batch=batch), seconds, rounds, n))
  name = f"{sampled.name}, {sampled.size} x {sampled.size}"
  keep("sampling", name, sampling(sampled, seconds, rounds))


if __name__ == "__main__":
  main()
