"""An encoder that has learned to restore images needs fewer labels; where they are many, it gains
nothing.

A denoising autoencoder of all training digits, without their labels (Vincent 2008), then a linear
layer on its encoder, both trained on few labels a class; beside it the same network from random
weights. In both the layer starts at zero, and what it sees with unit variance. Test accuracy, the
mean of 8 draws of the labels, from scratch and pre-trained: with 2 labels a class 0.73 and 0.77, 5:
0.83 and 0.86, 10: 0.88 and 0.90, 50: 0.95 and 0.95, 100: 0.97 and 0.96.
"""

from pathlib import Path
import tempfile

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot
from genjax_zoo.sharding import jit

LABELS, DRAWS, STEPS, BATCH = (2, 5, 10, 50, 100), 8, 400, 64


def chosen(label, n, seed):
  """Rows of n examples of each class, drawn by `seed`."""
  rng = np.random.default_rng(seed)
  return np.concatenate(
    [rng.choice(np.flatnonzero(label == c), n, replace=False) for c in np.unique(label)]
  )


def lesson(smoke):
  with tempfile.TemporaryDirectory() as folder:
    run, dataset = trained("denoising_digits", Path(folder) / "run", smoke)
  train, test = (jax.tree.map(jnp.asarray, dataset.splits[split]) for split in ("train", "test"))
  head = nn.Dense(dataset.fields["label"].num_values, kernel_init=nn.initializers.zeros)
  tx = optax.adam(1e-3)

  def features(encoder, batch):
    return jax.nn.relu(run.model.encode({"encoder": encoder}, {}, batch, None)["z"])

  def logits(params, scale, batch):
    return head.apply({"params": params["head"]}, features(params["encoder"], batch) / scale)

  def accuracy(key, encoder, rows):
    """Of a network trained on these rows, from `encoder` on, on the test split."""
    k_head, k_rows = jax.random.split(key)
    seen = features(encoder, train)
    scale, params = seen.std(), {"encoder": encoder, "head": head.init(k_head, seen[:1])["params"]}

    def step(carry, key):
      params, opt = carry
      drawn = jax.random.choice(key, rows, (BATCH,))
      batch = jax.tree.map(lambda x: x[drawn], train)
      cross_entropy = optax.softmax_cross_entropy_with_integer_labels
      loss = lambda p: cross_entropy(logits(p, scale, batch), batch["label"]).mean()
      updates, opt = tx.update(jax.grad(loss)(params), opt)
      return (optax.apply_updates(params, updates), opt), None

    keys = jax.random.split(k_rows, 5 if smoke else STEPS)
    (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), keys)
    return (logits(params, scale, test).argmax(-1) == test["label"]).mean()

  starts = {
    "from scratch": lambda key: run.model.init(key, train)[0]["encoder"],
    "pre-trained": lambda key: run.weights["encoder"],
  }
  keys = jax.random.split(jax.random.key(0), 2 if smoke else DRAWS)
  each = lambda start, rows: jax.lax.map(lambda a: accuracy(a[0], start(a[0]), a[1]), (keys, rows))
  accuracies = jit(each, static_argnums=0)
  numbers = {}
  for n in LABELS:
    rows = np.stack(
      [chosen(dataset.splits["train"]["label"], n, seed) for seed in range(len(keys))]
    )
    found = {name: accuracies(start, rows) for name, start in starts.items()}
    numbers[f"{n} labels a class"] = {k: float(v.mean()) for k, v in found.items()}

  def paint(ax):
    for name in found:
      ax.semilogx(LABELS, [row[name] for row in numbers.values()], marker="o", label=name)
    ax.set(xlabel="labels a class", ylabel="test accuracy")
    ax.legend()

  return numbers, [
    (plot(paint), "Accuracy against labels, with and without a denoising autoencoder first.")
  ]
