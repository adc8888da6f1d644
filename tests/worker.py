"""One training process for the tests of the loop:

  python -m tests.worker WORKDIR OUT --devices=4 --K=5 --steps=40 [--coordinator=... --process=0
  --processes=2]

Trains the toy on digits and writes the final state, gathered, to OUT (.npz); prints "step N" as it
goes.
"""

import argparse
import sys

parser = argparse.ArgumentParser()
parser.add_argument("workdir")
parser.add_argument("out")
DEFAULTS = {"devices": 1, "K": 1, "steps": 20, "process": -1, "processes": 0, "save_every": 20}
for name, default in DEFAULTS.items():
  parser.add_argument(f"--{name}", type=int, default=default)
parser.add_argument("--coordinator", default="")
parser.add_argument("--fsdp", action="store_true")
parser.add_argument("--slow", type=float, default=0.0)
args = parser.parse_args()

import time

import jax

jax.config.update("jax_num_cpu_devices", args.devices)

import numpy as np

from genjax_zoo import data, interrupt, loop, sharding
from genjax_zoo.checkpoint import arrays_of
from genjax_zoo.data.loader import train_loader
from genjax_zoo.log import Log
from tests import toy

sharding.join_hosts(args.coordinator, args.process, args.processes)
digits = data.load("digits")
loader = train_loader(
  digits,
  batch=32,
  steps_per_dispatch=args.K,
  seed=0,
  process_index=jax.process_index(),
  process_count=jax.process_count(),
  devices=jax.device_count(),
)
with Log(args.workdir, args.steps) as log:

  def hook(step, ts):
    print("step", step, flush=True)
    time.sleep(args.slow)

  try:
    ts = loop.train(
      toy.learner(digits.fields),
      loader,
      log,
      workdir=args.workdir,
      steps=args.steps,
      steps_per_dispatch=args.K,
      log_every=args.K,
      save_every=args.save_every,
      fsdp_min_size=1 if args.fsdp else 2**20,
      hooks={"sample_every": (args.K, hook)},
    )
  except interrupt.Stopped as e:
    sys.exit(f"stopped by signal {e.signum}")
final = sharding.gather(ts)
if jax.process_index() == 0:
  names = arrays_of(final)
  np.savez(args.out, **dict(zip(names, jax.tree.leaves(final))))
