"""Prepared tensorflow-datasets, read from disk without TensorFlow and without the network."""

import io
import json
import os
from pathlib import Path
import re

import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.cache import in_memory
from genjax_zoo.data.dataset import Dataset, Source, hold_out
from genjax_zoo.data.images import decode

SPLITS = ("train", "validation", "test")
CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
# Larochelle's draw, the static binarization of tables of likelihoods: pixels are 0 and 1.
BINARY = ("binarized_mnist",)


def root() -> Path:
  """The folder of prepared sets: $TFDS_DATA_DIR, or ~/tensorflow_datasets."""
  return Path(os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets"))


def prepared() -> list[str]:
  """The names of the sets that are there."""
  found = (path for depth in ("*/*", "*/*/*") for path in root().glob(f"{depth}/dataset_info.json"))
  return sorted({path.relative_to(root()).parts[0] for path in found})


def load(name: str, *, size: int | None = None, memory: int = 2**32, seed: int = 0) -> Dataset:
  """The images and class labels of `tfds:NAME`, `tfds:NAME/CONFIG` or `tfds:NAME:VERSION`.

  Splits are "train", "validation" and "test" as the set has them; without a test split "validation"
  is it, else a tenth of "train" drawn by `seed`. `size` crops and resizes, which is needed where
  images differ in size. Sets over `memory` bytes stay on disk. Raises UserError when the set is not
  prepared on this machine, or has no images to read.
  """
  wanted = name.removeprefix("tfds:")
  folder = find(wanted)
  import tensorflow_datasets as tfds  # Late: it takes most of a second, and few runs need it.

  # From files alone: a builder by name would try the network.
  builder = tfds.builder_from_directory(folder)
  fields = fields_of(name, builder, size)
  modes = {k: CHANNELS[f.shape[-1]] for k, f in fields.items() if f.kind == "image"}

  def read(record):
    example = {k: np.asarray(record[k], f.dtype) for k, f in fields.items() if k not in modes}
    images = {k: decode(io.BytesIO(record[k]), mode, size) for k, mode in modes.items()}
    return {k: (example | images)[k] for k in fields}

  raw = {key: tfds.decode.SkipDecoding() for key in modes}
  splits = {}
  for split in SPLITS:
    if split in builder.info.splits:
      splits[split] = Source(builder.as_data_source(split, decoders=raw), read)
  if "train" not in splits:
    raise UserError(f"{name!r} has no split 'train'; it has {', '.join(builder.info.splits)}")
  splits = in_memory(splits, fields, builder.info.full_name, sorted(folder.iterdir()), memory)
  binarization = "static" if builder.name in BINARY else None
  return Dataset(name, fields, hold_out(splits, seed), binarization=binarization)


def fields_of(name: str, builder, size: int | None) -> dict[str, Field]:
  """The images and class labels of a set, labels last. Raises UserError where there is no image."""
  import tensorflow_datasets as tfds

  fields = {}
  features = builder.info.features
  for key in sorted(features, key=lambda key: (key == "label", key)):
    feature = features[key]
    if isinstance(feature, tfds.features.ClassLabel):
      words = tuple(feature.names or ())
      fields[key] = Field((), np.int32, feature.num_classes, words, ordered=False)
    elif isinstance(feature, tfds.features.Image) and feature.np_dtype == np.uint8:
      shape = (size, size, feature.shape[-1] or 3) if size else tuple(feature.shape)
      if None in shape:
        raise UserError(f"the images of {name!r} differ in size: choose data.size, such as 64")
      num_values = 2 if builder.name in BINARY else 256
      fields[key] = Field(shape, np.uint8, num_values, kind="image")
  if not any(field.kind == "image" for field in fields.values()):
    raise UserError(f"{name!r} has no 8-bit images; it has {', '.join(features)}")
  return fields


def parse(wanted: str) -> tuple[str, str | None, str | None]:
  """The (name, config, version) of NAME, NAME/CONFIG or NAME:VERSION; UserError if it is none."""
  match = re.fullmatch(r"(\w+)(?:/([^/:]+))?(?::([\d.]+))?", wanted)
  if not match:
    raise UserError(
      f"data 'tfds:{wanted}' is no set's name: "
      "write tfds:NAME, tfds:NAME/CONFIG or tfds:NAME:VERSION"
    )
  return match.groups()


def find(wanted: str) -> Path:
  """The folder of the newest version of a prepared set; UserError, at once, if there is none."""
  name, config, version = parse(wanted)
  parent = root() / name / (config or "")
  infos = [info for depth in ("*", "*/*") for info in parent.glob(f"{depth}/dataset_info.json")]
  pattern = version or r"\d+\.\d+\.\d+"
  found = [info.parent for info in infos if re.fullmatch(pattern, info.parent.name)]
  if not found:
    there = ", ".join(prepared()) or "nothing"
    raise UserError(
      f"data 'tfds:{wanted}' is not prepared in {root()} (there: {there}): "
      f"run `make data DATASET={wanted}`, or set TFDS_DATA_DIR to the folder that holds it"
    )
  configs = sorted({path.parent for path in found})
  if len(configs) > 1:
    listed = ", ".join(f"tfds:{name}/{path.name}" for path in configs)
    raise UserError(f"'tfds:{name}' has several configs, choose: {listed}")
  folder = max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])
  form = json.loads((folder / "dataset_info.json").read_text()).get("fileFormat")
  if form != "array_record":
    raise UserError(
      f"{folder} holds {form} files, which can't be read at random: "
      f"delete it and run `make data DATASET={wanted}`"
    )
  return folder
