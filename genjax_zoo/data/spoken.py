"""Digits with a sound each: a synthetic second modality, which shares nothing but the class."""

import numpy as np

from genjax_zoo.core import Field
from genjax_zoo.data import digits
from genjax_zoo.data.dataset import Dataset

LENGTH = 32
# The two frequencies of each of the classes 0 .. 9, in periods a sound.
TONES = [(low, high) for low in (2, 3) for high in (5, 7, 9, 11, 13)]


def tones(label, loudness, phase):
  """Sounds [N, LENGTH], sums of the class's two tones, of amplitudes and phases [N]."""
  t = 2 * np.pi * np.arange(LENGTH) / LENGTH
  low, high = np.array(TONES)[label].T[..., None]
  start = phase[:, None]
  waves = np.sin(low * t + start) + np.sin(high * t + 2 * start)
  return (loudness[:, None] * waves).astype(np.float32)


def load(name: str, *, seed: int = 0) -> Dataset:
  """The digits with a "sound" [LENGTH] each.

  Its style, the loudness in [0.5, 1] and the phase in [0, 2 pi), is drawn by `seed` and independent
  of the style of the image.
  """
  images = digits.load("digits")
  rng = np.random.default_rng(seed)
  fields = images.fields | {"sound": Field((LENGTH,), np.float32)}
  splits = {}
  for split, rows in images.splits.items():
    n = len(rows["label"])
    loudness = rng.uniform(0.5, 1, n)
    phase = rng.uniform(0, 2 * np.pi, n)
    splits[split] = rows | {"sound": tones(rows["label"], loudness, phase)}
  return Dataset(name, fields, splits)


def classify(sound) -> tuple[np.ndarray, np.ndarray]:
  """(classes [N], loudness [N]) of sounds [N, LENGTH], by the two tones with the most energy."""
  size = 2 / LENGTH * np.abs(np.fft.rfft(np.asarray(sound)))
  energy = np.stack([size[:, low] ** 2 + size[:, high] ** 2 for low, high in TONES], 1)
  return energy.argmax(1), np.sqrt(energy.max(1) / 2)
