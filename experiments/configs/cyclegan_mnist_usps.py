"""CycleGAN between MNIST and USPS, 16 x 16, without pairs.

  python -m experiments.main --config=configs/cyclegan_mnist_usps.py

experiments/mnist_usps.py makes data/mnist_usps.npz.

Expected (seed 0): of 2,007 translations of MNIST 0.852 keep their class, as the network of USPS
reads them, and their FID from USPS is 0.92; MNIST as it is has 0.66 and an FID of 7.1, train
against test gives 0.04. There and back is an L1 of 0.042 from MNIST and 0.067 from USPS, where
black and white are 2 apart. Digits are as bold and as wide as those of USPS, some with specks at
the border. Four CPU minutes.

At 2,000 updates (seed 0), label kept, FID, and the L1 from MNIST and from USPS:

  as above, --config.train.steps=2000    0.823  1.40  0.045  0.072
  no pool: --config.model.pool=0         0.817  1.40  0.045  0.072
  --config.model.identity=0.5            0.733  2.04  0.047  0.072

The pool changes nothing here: the two runs are within 0.01 of labels. The identity loss holds what
should change, how wide and how bold digits are.
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
