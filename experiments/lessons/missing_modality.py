"""Image and sound share a class: one generates the other, and styles can be swapped.

A multimodal factorization model of digits and their sounds (Tsai 2019, arXiv:1806.06176). The class
of generated images is read by the digits' feature network, that of sounds from the energies of the
tones: neither was trained with the model.

With styles of 2 dimensions per modality the class of the input is preserved, in generation and in
style transfer, in 80 to 91 of 100 test examples; with styles of 8, which can encode the class
themselves, in 18 to 31.

Verdict: holds with styles of 2 dimensions, not with 8, which can encode the class.
"""

import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.data.spoken import classify
from genjax_zoo.figures.pictures import beside, grid, plot
from genjax_zoo.metrics.features import choose

STYLES = 8, 2  # Dimensions of a style: enough to encode the class too, and too few.


def exchange(run, test, other):
  """(images generated from sounds, sounds from images, both in the style of `other` examples)."""
  image = run.sample(len(other), given={"sound": test["sound"]})["image"]
  sound = run.sample(len(other), given={"image": test["image"]})["sound"]
  z = run.encode(test)
  swapped = {"shared": z["shared"], "image": z["image"][other], "sound": z["sound"][other]}
  return image, sound, run.decode(swapped)


def lesson(smoke):
  class_preserved = {}
  for size in STYLES:
    run, dataset = trained("mfm_spoken_digits", smoke, **{"model.latent": size})
    test = dataset.splits["test"]
    label = test["label"]
    features = choose("auto", "digits", dataset.fields)

    def image_accuracy(x, features=features, label=label):
      return float((features.extract({"image": x})[1].argmax(-1) == label).mean())

    def sound_accuracy(x, label=label):
      return float((classify(x)[0] == label).mean())

    other = np.random.default_rng(0).permutation(len(label))  # Whose style each example gets.
    image, sound, swapped = exchange(run, test, other)
    class_preserved[f"styles of {size}"] = {
      "image generated from a sound": image_accuracy(image),
      "sound generated from an image": sound_accuracy(sound),
      "image in another's style": image_accuracy(swapped["image"]),
      "sound in another's style": sound_accuracy(swapped["sound"]),
    }
  metrics = run.evaluate({k: test[k] for k in dataset.fields})
  loudness = [classify(x)[1] for x in (swapped["sound"], test["sound"][other], test["sound"])]
  results = {
    "classifiers on test examples": {
      "image": image_accuracy(test["image"]),
      "sound": sound_accuracy(test["sound"]),
    },
    "label predicted from": {
      k.removeprefix("accuracy_"): float(np.mean(v))
      for k, v in metrics.items()
      if k.startswith("accuracy")
    },
    "class preserved": class_preserved,
    "loudness of the sound in another's style correlates": {
      "with that of the style": float(np.corrcoef(loudness[0], loudness[1])[0, 1]),
      "with that of the content": float(np.corrcoef(loudness[0], loudness[2])[0, 1]),
    },
  }
  num_values = dataset.fields["image"].num_values
  columns = [test["image"], test["image"][other], swapped["image"], image]
  return results, [
    (
      beside(*(grid(x[:8], num_values, columns=1) for x in columns)),
      "Columns: content, style, content in that style, image generated from the sound alone.",
    ),
    (
      sound_plot(test["sound"], test["sound"][other], sound, swapped["sound"]),
      "Sounds: test examples in gray, the model's in colour.",
    ),
  ]


def sound_plot(content, style, generated, swapped):
  """Four sounds of each, [N, T]."""

  def paint(left, right):
    for i in range(4):
      left.plot(content[i] - 3 * i, color="gray")
      left.plot(generated[i] - 3 * i)
      right.plot(style[i] - 3 * i, color="gray")
      right.plot(swapped[i] - 3 * i)
    left.set(title="sounds, and those generated from the images", yticks=[])
    right.set(title="styles, and contents in these styles", yticks=[])

  return plot(paint, 2)
