"""Makes data/mnist_usps.npz of a file with USPS: `python -m experiments.mnist_usps usps.npz`.

Two domains of digits, 16 x 16, without pairs: "image_a" is MNIST (tfds:mnist), reduced from
28 x 28, "image_b" is USPS (Hull 1994), 7,291 to train and 2,007 to test, whose file has the arrays
train_image, test_image [N, 16, 16(, 1)] uint8, train_label and test_label. "label" is that of
MNIST's digit, in training of no use. data/usps.npz, which is written too, is USPS by itself.
"""

from pathlib import Path
import sys

import numpy as np
from PIL import Image

from genjax_zoo import data
from genjax_zoo.core import UserError

SIZE = 16
FOLDER = Path("data")


def reduced(images) -> np.ndarray:
  """Images uint8 [N, H, W, 1] at 16 x 16 pixels, each the mean of those whose centres it covers."""
  small = [Image.fromarray(x[..., 0]).resize((SIZE, SIZE), Image.Resampling.BOX) for x in images]
  return np.stack([np.asarray(x) for x in small])[..., None]


def domains(mnist: dict, usps: dict, seed: int) -> dict:
  """The entries of a split: as many of each domain as the smaller one has."""
  n = min(len(mnist["image"]), len(usps["image"]))
  rows = np.sort(np.random.default_rng(seed).permutation(len(mnist["image"]))[:n])
  return {
    "image_a": reduced(mnist["image"][rows]),
    "image_b": usps["image"][:n].reshape(n, SIZE, SIZE, 1),
    "label": mnist["label"][rows],
  }


def main(path: Path):
  """Writes both files. Raises UserError where a set is not there."""
  usps, mnist = data.load(f"npz:{path}"), data.load("tfds:mnist")
  both, alone = {}, {}
  for seed, split in enumerate(("train", "test")):
    both |= {
      f"{split}_{k}": x for k, x in domains(mnist.splits[split], usps.splits[split], seed).items()
    }
    alone |= {f"{split}_{k}": x for k, x in usps.splits[split].items()}
  FOLDER.mkdir(exist_ok=True)
  for name, arrays in {"mnist_usps": both, "usps": alone}.items():
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
    print(f"{FOLDER / name}.npz: {', '.join(f'{k} {list(x.shape)}' for k, x in arrays.items())}")


if __name__ == "__main__":
  if len(sys.argv) != 2:
    sys.exit("usage: python -m experiments.mnist_usps FILE.npz")
  try:
    main(Path(sys.argv[1]))
  except UserError as e:
    sys.exit(f"error: {e}")
