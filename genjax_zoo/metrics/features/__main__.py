"""`python -m genjax_zoo.metrics.features runs/classifier_mnist` commits a run's feature network."""

import sys

from genjax_zoo.metrics.features import write

print(write(sys.argv[1]))
