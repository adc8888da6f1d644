"""`python -m genjax_zoo.metrics.features runs/classifier_mnist` commits the feature net of a run
folder.
"""

import sys

from genjax_zoo.metrics.features import write

print(write(sys.argv[1]))
