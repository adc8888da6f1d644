"""An encoder that has completed occluded point clouds needs fewer labels, even one a class.

OcCo (Wang et al. 2021) trains an encoder and a decoder to complete what one camera sees of a cloud,
without labels. The encoder and a linear layer on top are then trained on few labelled clouds of
each of seven families, as in the lesson few_labels; beside it, the same from random weights and
from an autoencoder, which was trained on whole clouds.

The test accuracy in the mean of ten choices of labelled clouds, from random weights, an autoencoder
and OcCo: 0.50, 0.64 and 0.65 with one label a family (standard errors 0.02), 0.61, 0.78 and 0.84
with five (0.01). With one label the autoencoder does as well; what the occlusion adds shows with
five.

Verdict: holds: 0.65 for 0.50 with one label a family, 0.84 for 0.61 with five.
"""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lessons._runs import mean_and_error, trained
from experiments.lessons.few_labels import choose_rows, fine_tuned_accuracy
from genjax_zoo.figures.kinds import show
from genjax_zoo.sharding import jit

LABELS = 1, 5
REPEATS = 10
STEPS = 150
BATCH = 16
SHOWN = 8


def completions(run, test) -> np.ndarray:
  """What a camera sees of clouds, what the run makes of it, and the clouds, side by side."""
  batch = {name: x[:SHOWN] for name, x in test.items()}
  made = run.model.parts["restorations"](run.weights, run.state, batch, jax.random.key(0))
  columns = {"seen": made["corrupted"], "made": made["restored"], "target": batch["points"]}
  return show(columns, dict.fromkeys(columns, run.fields["points"]))


def lesson(smoke):
  occo, dataset = trained("occo_points", smoke)
  autoencoder, _ = trained("occo_points", smoke, **{"model.occlude": False})
  train = jax.tree.map(jnp.asarray, dataset.splits["train"])
  test = jax.tree.map(jnp.asarray, dataset.splits["test"])
  classes = dataset.fields["label"].num_values
  keys = jax.random.split(jax.random.key(0), 2 if smoke else REPEATS)
  starts = {
    "random": lambda key: occo.model.init(key, train)[0]["encoder"],
    "autoencoder": lambda key: autoencoder.weights["encoder"],
    "occo": lambda key: occo.weights["encoder"],
  }

  def accuracies(start, rows):
    """The accuracy with each row of `rows` [REPEATS, n]."""
    steps = 5 if smoke else STEPS

    def one(arguments):
      key, rows = arguments
      return fine_tuned_accuracy(
        key, start(key), rows, occo.model, train, test, classes, steps, BATCH
      )

    return jax.lax.map(one, (keys, rows))

  accuracies = jit(accuracies, static_argnums=0)
  results = {}
  for n in LABELS:
    label = dataset.splits["train"]["label"]
    rows = np.stack([choose_rows(label, n, seed) for seed in range(len(keys))])
    found = {name: np.asarray(accuracies(start, rows)) for name, start in starts.items()}
    results[f"{n} labels per class"] = {
      "accuracy": {name: mean_and_error(x) for name, x in found.items()},
      "occo above random": mean_and_error(found["occo"] - found["random"]),
    }
  caption = "Test clouds: what one camera sees, completed by OcCo, and the whole."
  return results, [(completions(occo, dataset.splits["test"]), caption)]
