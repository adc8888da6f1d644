"""Opens trained models on a local page, to move sliders, paint and look:

  python -m experiments.explore                             # all trained models of the package
  python -m experiments.explore --workdir runs/vae_digits   # a run of yours, and those
  python -m experiments.explore --pretrained vae_digits     # this one first

Ctrl-C ends it.
"""

from experiments.start import importing, on_large_pages

if __name__ == "__main__":
  on_large_pages()

with importing():
  import argparse
  from pathlib import Path
  import sys

  import jax

  from experiments.explore.server import Server
  from genjax_zoo import data
  from genjax_zoo.core import UserError, nearest
  from genjax_zoo.published import PREFIX, pretrained
  from genjax_zoo.run import read_description


def names(workdirs: list[Path], chosen: list[str]) -> dict[str, str]:
  """{name for `load`: title} of the models on the page, those asked for first.

  Raises UserError for a folder that is no run's, and for a name that is not there.
  """
  found = {}
  for folder in workdirs:
    config, _ = read_description(folder)
    found[str(folder)] = f"{folder}: {config['model']['name']} on {config['data']['name']}"
  known = pretrained()
  for name in chosen:
    if name not in known:
      raise UserError(f"there is no pretrained {name!r}{nearest(name, known)}")
  for name in [*chosen, *known]:
    found[PREFIX + name] = f"{name}: {known[name]}"
  return found


def main(arguments):
  """Serves the page until Ctrl-C."""
  parser = argparse.ArgumentParser(
    prog="python -m experiments.explore", description="Opens trained models on a local page."
  )
  parser.add_argument("--workdir", nargs="+", default=[], type=Path, metavar="RUN")
  parser.add_argument("--pretrained", nargs="+", default=["vae_digits"], metavar="NAME")
  parser.add_argument("--port", type=int, default=8000, help="0 for any that is free")
  options = parser.parse_args(arguments)
  titles = names(options.workdir, options.pretrained)
  jax.config.update("jax_compilation_cache_dir", str(data.cache_folder() / "xla"))
  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
  try:
    server = Server([*titles], options.port, titles)
  except (OSError, OverflowError) as e:
    raise UserError(
      f"port {options.port}: {getattr(e, 'strerror', None) or e}; try --port=0"
    ) from e
  print(f"http://127.0.0.1:{server.server_port}/ until Ctrl-C", flush=True)
  with server:
    server.serve_forever()


if __name__ == "__main__":
  try:
    main(sys.argv[1:])
  except UserError as e:
    sys.exit(f"error: {e}")
  except KeyboardInterrupt:
    print()
