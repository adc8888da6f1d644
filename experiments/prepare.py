"""Prepares a tensorflow-datasets set for `tfds:NAME`: `python -m experiments.prepare mnist` (`make
data DATASET=mnist`).

Building a set needs TensorFlow, reading one does not. So TensorFlow is installed into an
environment that is thrown away afterwards (about 2 GB while it lasts); what stays are ArrayRecord
files in $TFDS_DATA_DIR, or ~/tensorflow_datasets. Exits with one line that says which part failed.
"""

import contextlib
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
PACKAGES = ("tensorflow", "tensorflow-datasets", "importlib_resources", "scipy")

BUILD = """
import logging
import sys
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import downloader
from tensorflow_datasets.core.utils import gcs_utils

# Google's copies of prepared sets are TFRecord, and asking for them can hang.
gcs_utils._is_gcs_disabled = True
downloader.MAX_RETRIES = 3  # Ten take minutes to say that there is no network.
logging.getLogger("urllib3").setLevel(logging.ERROR)
try:
  builder = tfds.builder(sys.argv[1], data_dir=sys.argv[2], file_format="array_record")
  builder.download_and_prepare()
except Exception as e:
  sys.exit(f"building {sys.argv[1]} failed: {type(e).__name__}: {(str(e).strip() or '?').splitlines()[0]}")
"""


def main(name: str):
  """Builds one set, unless it is there; raises UserError if that is no name or the folder can't be
  written.
  """
  tfds.parse(name)
  with contextlib.suppress(UserError):
    print(f"tfds:{name} is prepared: {tfds.find(name)}")
    return
  try:
    tfds.root().mkdir(parents=True, exist_ok=True)
  except OSError as e:
    raise UserError(
      f"{tfds.root()} can't be made; set TFDS_DATA_DIR to a folder that can: {e}"
    ) from e
  with tempfile.TemporaryDirectory(prefix="tfds-build-") as scratch:
    print(f"installing TensorFlow into {scratch}, for this build only", flush=True)
    venv.create(scratch, with_pip=True)
    python = Path(scratch) / ("Scripts" if os.name == "nt" else "bin") / "python"
    if subprocess.run(
      [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", *PACKAGES]
    ).returncode:
      sys.exit(
        "make data: TensorFlow can't be installed for this Python or platform; pip says why above"
      )
    print(f"building {name} in {tfds.root()}", flush=True)
    quiet = {
      "TF_CPP_MIN_LOG_LEVEL": "3",
      "NO_GCE_CHECK": "true",
      "CUDA_VISIBLE_DEVICES": "",
      "TMPDIR": scratch,
    }
    if subprocess.run([python, "-c", BUILD, name, tfds.root()], env=os.environ | quiet).returncode:
      sys.exit(f"make data: {name} was not built; the line above says why")
  print(f"tfds:{name} is prepared: {tfds.find(name)}")


if __name__ == "__main__":
  if len(sys.argv) != 2:
    sys.exit("usage: python -m experiments.prepare NAME, such as mnist, cifar10 or celeb_a")
  try:
    main(sys.argv[1].removeprefix("tfds:"))
  except UserError as e:
    sys.exit(f"make data: {e}")
