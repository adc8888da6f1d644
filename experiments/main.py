"""Trains a model, then evaluates it, samples from it and writes a report:

  python -m experiments.main --config=vae_digits [--config.model.latent=8 ...]
  [--workdir=runs/mine]

The same command again resumes. `--config=vae_digits:smoke` does the same in seconds. A config is a
name in experiments/configs or the path of a file. `--mode=train_only` leaves out all that follows
the training; `--mode=evaluate`, `sample` or `report` does only that, for an existing run:
`--mode=evaluate --workdir=runs/mine`. `--mode=publish` makes it a trained model of the package.
`--watch` shows the training on a local page, where it can be paused.
"""

import contextlib
import signal
import sys

from experiments.start import importing, on_large_pages

if __name__ == "__main__":
  on_large_pages()

with importing():
  from absl import app, flags, logging
  import jax

  from experiments import pipeline, resolve
  from genjax_zoo import data
  from genjax_zoo.core import UserError
  from genjax_zoo.interrupt import SIGNALS, stop
  from genjax_zoo.sharding import join_hosts, split_over_cores

MODES = "train", "train_only", "evaluate", "sample", "report", "publish"

flags.DEFINE_string("config", None, "A config, vae_digits or its file; :smoke after it: seconds.")
flags.DEFINE_string("workdir", None, "The run folder; runs/<config> by default.")
flags.DEFINE_enum("mode", "train", MODES, "What to do.")
flags.DEFINE_bool("watch", False, "Show the training on a local page.")
flags.DEFINE_string("coordinator", "", "host:port of process 0; SLURM and TPU pods set it.")
flags.DEFINE_integer("process", -1, "The index of this process, with --coordinator.")
flags.DEFINE_integer("processes", 0, "The number of processes, with --coordinator.")
flags.DEFINE_bool("distributed", False, "Join the other hosts of a cluster that JAX knows.")
FLAGS = flags.FLAGS
OWN = "config", "workdir", "mode", "watch", "coordinator", "process", "processes", "distributed"


def main(argv):
  """Runs the command; errors that the user can fix are reported in one line.

  The exit code is 0, 1 after an error, and 130 or 143 after Ctrl-C or SIGTERM, as of any process
  that they end: `main ... && next` does not go on, and a scheduler sees what happened.
  """
  overrides = [a.removeprefix("--config.") for a in argv[1:] if a.startswith("--config.")]
  unknown = [a for a in argv[1:] if not a.startswith("--config.")]
  for s in SIGNALS:
    signal.signal(s, stop)
  logging.set_verbosity(logging.WARNING)
  try:
    if unknown:
      raise UserError(
        f"{unknown[0]!r} is not a flag; write --config=... and --config.section.key=value"
      )
    if not join_hosts(FLAGS.coordinator, FLAGS.process, FLAGS.processes, FLAGS.distributed):
      split_over_cores()
    jax.config.update("jax_compilation_cache_dir", str(data.cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    with watching() if FLAGS.watch else contextlib.nullcontext() as seen:
      pipeline.perform(FLAGS.mode, FLAGS.config, FLAGS.workdir, overrides, seen)
  except UserError as e:
    sys.exit(f"error: {e}")
  except OSError as e:
    sys.exit(f"error: {e.filename or FLAGS.workdir or 'runs'}: {e.strerror or e}")
  except KeyboardInterrupt as e:
    print(
      f"\nstopped; the same command resumes from the last checkpoint: {pipeline.command()}",
      file=sys.stderr,
    )
    sys.exit(128 + getattr(e, "signum", signal.SIGINT))


@contextlib.contextmanager
def watching():
  """Serves the page of the training, and says where; it ends with the command."""
  from experiments.explore.server import watched
  from experiments.explore.watching import Watching

  training = Watching()
  server = watched(training, 8000)
  print(f"watch it at http://127.0.0.1:{server.server_port}/", flush=True)
  try:
    yield training
  finally:
    server.shutdown()


def parse(argv):
  """Parses the flags; assignments --config.KEY=VALUE are left to `main`."""
  if {"--help", "-help", "-h"} & set(argv):
    app.usage(shorthelp=True, writeto_stdout=True, exitcode=0)
  overrides = [a for a in argv if a.startswith("--config.")]
  others = [a for a in argv if not a.startswith("--config.")]
  try:
    return FLAGS(others) + overrides
  except flags.UnrecognizedFlagError as e:
    config = [a.partition("=")[2] for a in others if a.startswith("--config=")]
    sys.exit(f"error: {resolve.not_a_flag(e.flagname, (config or [''])[0], OWN)}")
  except flags.Error as e:
    sys.exit(f"error: {' '.join(str(e).split())}")


if __name__ == "__main__":
  app.run(main, flags_parser=parse)
