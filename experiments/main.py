"""Trains a model, then evaluates it, samples from it and writes a report:

  python -m experiments.main --config=configs/vae_digits.py [--config.model.latent=8 ...]
  [--workdir=runs/mine]

The same command again resumes. `--config=configs/vae_digits.py:smoke` does the same in seconds.
`--mode=evaluate`, `sample` or `report` does only that, for an existing run: `--mode=evaluate
--workdir=runs/mine`.
"""

import os

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import signal
import sys

from absl import app, flags, logging
import jax

from experiments import pipeline
from genjax_zoo import data
from genjax_zoo.core import UserError
from genjax_zoo.sharding import join_hosts

flags.DEFINE_string("config", None, "A config, configs/vae_digits.py; :smoke after it: in seconds.")
flags.DEFINE_string("workdir", None, "The run folder; runs/<config> by default.")
flags.DEFINE_enum("mode", "train", ["train", "evaluate", "sample", "report"], "What to do.")
flags.DEFINE_string("coordinator", "", "host:port of process 0; SLURM and TPU pods set it.")
flags.DEFINE_integer("process", -1, "The index of this process, with --coordinator.")
flags.DEFINE_integer("processes", 0, "The number of processes, with --coordinator.")
flags.DEFINE_bool("distributed", False, "Join the other hosts of a cluster that JAX knows.")
FLAGS = flags.FLAGS


def main(argv):
  """Runs the command; errors that the user can fix are reported in one line."""
  overrides = [a.removeprefix("--config.") for a in argv[1:] if a.startswith("--config.")]
  unknown = [a for a in argv[1:] if not a.startswith("--config.")]
  signal.signal(signal.SIGTERM, signal.default_int_handler)
  logging.set_verbosity(logging.WARNING)
  try:
    if unknown:
      raise UserError(
        f"{unknown[0]!r} is not a flag; write --config=... and --config.section.key=value"
      )
    join_hosts(FLAGS.coordinator, FLAGS.process, FLAGS.processes, FLAGS.distributed)
    jax.config.update("jax_compilation_cache_dir", str(data.cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    pipeline.perform(FLAGS.mode, FLAGS.config, FLAGS.workdir, overrides)
  except UserError as e:
    sys.exit(f"error: {e}")
  except OSError as e:
    sys.exit(f"error: {e.filename or FLAGS.workdir or 'runs'}: {e.strerror or e}")
  except KeyboardInterrupt:
    print(
      f"\nstopped; the same command resumes from the last checkpoint: {pipeline.command()}",
      file=sys.stderr,
    )


def parse(argv):
  """Parses the flags; assignments --config.KEY=VALUE are left to `main`."""
  overrides = [a for a in argv if a.startswith("--config.")]
  others = [a for a in argv if not a.startswith("--config.")]
  return app.parse_flags_with_usage(others) + overrides


if __name__ == "__main__":
  app.run(main, flags_parser=parse)
