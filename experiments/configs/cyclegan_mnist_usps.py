"""CycleGAN between MNIST and USPS, 16 x 16, without pairs.

  python -m experiments.main --config=configs/cyclegan_mnist_usps.py

experiments/mnist_usps.py makes data/mnist_usps.npz.

Expected (seed 0): the translations stay too near to what they are made of: their FID from USPS is
5.3 and 0.65 of 2,007 keep their class, as the network of USPS reads them; both ways lead back
within an L1 of 0.003. MNIST as it is has an FID of 7.1 and 0.66; train against test gives 0.04.
5 CPU minutes.
"""

from ml_collections import ConfigDict


def get_config():
  adam = dict(name="adam", learning_rate=1e-3, b1=0.5, schedule="linear")
  return ConfigDict(dict(
    model=dict(name="cyclegan", width=16, blocks=2, critic=(24, 48), identity=0.0),
    data=dict(name="npz:data/mnist_usps.npz", batch=16),
    optimizer=dict(gen=dict(**adam), critic=dict(**adam)),
    train=dict(
      steps=8000, steps_per_dispatch=50, ema=0.995, log_every=400, save_every=2000,
      sample_every=2000,
    ),
    evaluate=dict(samples=2000),
  ))  # fmt: skip
