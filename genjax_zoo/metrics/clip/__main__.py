"""`python -m genjax_zoo.metrics.clip runs/clip_shapes` commits a run's CLIP as a measure."""

import json
import sys

from genjax_zoo.metrics import weights
from genjax_zoo.metrics.clip import commit

file = commit(sys.argv[1])
print(file, json.dumps(weights.read(file)[2]["measures"], indent=1))
