"""Prepares a tensorflow-datasets set for `tfds:NAME`: `python -m experiments.prepare mnist`.

(`make data DATASET=mnist` does the same.) Building a set needs TensorFlow, reading one does not. So
TensorFlow is installed into an environment that is deleted afterwards (about 2 GB); the result is
ArrayRecord files in $TFDS_DATA_DIR, or ~/tensorflow_datasets. On failure it exits with one line
that says which part failed.
"""

import os
from pathlib import Path
import subprocess
import sys
import tempfile
import venv

from genjax_zoo.core import UserError
from genjax_zoo.data import tfds

# importlib_resources is used by tensorflow-datasets but not declared; scipy reads the .mat files of
# some sets.
PACKAGES = "tensorflow", "tensorflow-datasets", "importlib_resources", "scipy"

BUILD = """
import logging
import sys
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import downloader
from tensorflow_datasets.core.utils import gcs_utils

name, folder = sys.argv[1:]
# Google's copies of prepared sets are TFRecord, and asking for them can hang.
gcs_utils._is_gcs_disabled = True
downloader.MAX_RETRIES = 3  # The default, ten, takes minutes to say that there is no network.
logging.getLogger("urllib3").setLevel(logging.ERROR)
try:
  builder = tfds.builder(name, data_dir=folder, file_format="array_record")
  builder.download_and_prepare()
except Exception as e:
  reason = (str(e).strip() or "?").splitlines()[0]
  sys.exit(f"building {name} failed: {type(e).__name__}: {reason}")
"""
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "NO_GCE_CHECK": "true", "CUDA_VISIBLE_DEVICES": ""}


def main(name: str):
  """Builds a set unless it is there.

  Raises UserError for a name that tensorflow-datasets can't have, and for an unwritable folder.
  """
  tfds.parse(name)
  if not is_prepared(name):
    try:
      tfds.root().mkdir(parents=True, exist_ok=True)
    except OSError as e:
      raise UserError(
        f"can't make the folder {tfds.root()}; set TFDS_DATA_DIR to one that can be made: {e}"
      ) from e
    with tempfile.TemporaryDirectory(prefix="tfds-build-") as scratch:
      build(name, Path(scratch))
  print(f"tfds:{name} is prepared: {tfds.find(name)}")


def is_prepared(name: str) -> bool:
  """Whether the files of a set are there."""
  try:
    tfds.find(name)
  except UserError:
    return False
  return True


def build(name: str, scratch: Path):
  """Builds a set with a TensorFlow that is installed in `scratch`; exits when that fails."""
  print(f"installing TensorFlow into {scratch}, for this build only", flush=True)
  venv.create(scratch, with_pip=True)
  python = scratch / ("Scripts" if os.name == "nt" else "bin") / "python"
  install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", *PACKAGES]
  if subprocess.run(install).returncode:
    sys.exit(
      "make data: TensorFlow can't be installed for this Python or platform; pip says why above"
    )
  print(f"building {name} in {tfds.root()}", flush=True)
  environment = os.environ | QUIET | {"TMPDIR": str(scratch)}
  if subprocess.run([python, "-c", BUILD, name, tfds.root()], env=environment).returncode:
    sys.exit(f"make data: {name} was not built; the line above says why")


if __name__ == "__main__":
  if len(sys.argv) != 2:
    sys.exit("usage: python -m experiments.prepare NAME, such as mnist, cifar10 or celeb_a")
  try:
    main(sys.argv[1].removeprefix("tfds:"))
  except UserError as e:
    sys.exit(f"make data: {e}")
