"""Digits with a sound each: the embedded images, and a made-up second modality of the same class."""

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data import digits
from genjax_zoo.data.dataset import Dataset

LENGTH = 32
# Of the classes 0 .. 9, in periods a sound.
TONES = [(low, high) for low in (2, 3) for high in (5, 7, 9, 11, 13)]


def tones(label, loudness, phase):
  """Sounds [N, LENGTH]: two tones, their frequencies those of the class, their size and their start
  free.
  """
  t = 2 * np.pi * np.arange(LENGTH) / LENGTH
  low, high = np.array(TONES)[label].T[..., None]
  turn = phase[:, None]
  return (loudness[:, None] * (np.sin(low * t + turn) + np.sin(high * t + 2 * turn))).astype(
    np.float32
  )


def load(name: str, *, seed: int = 0) -> Dataset:
  """The digits with "sound" [LENGTH] and its style, "loudness" in [0.5, 1] and "phase" in [0, 2
  pi), drawn by `seed`.

  Nothing of the style of an image is in its sound: what they share is the class.
  """
  images, rng = digits.load("digits"), np.random.default_rng(seed)
  fields = images.fields | {"sound": Field((LENGTH,), np.float32)}
  splits = {}
  for split, rows in images.splits.items():
    n = len(rows["label"])
    loudness, phase = rng.uniform(0.5, 1, n), rng.uniform(0, 2 * np.pi, n)
    splits[split] = rows | {"sound": tones(rows["label"], loudness, phase)}
  return Dataset(name, fields, splits)


def classify(sound) -> np.ndarray:
  """(classes [N], loudness [N]) of sounds [N, LENGTH]: the pair of tones with the most energy, and
  its size.
  """
  size = 2 / LENGTH * np.abs(np.fft.rfft(np.asarray(sound)))
  energy = np.stack([size[:, low] ** 2 + size[:, high] ** 2 for low, high in TONES], 1)
  return energy.argmax(1), np.sqrt(energy.max(1) / 2)
