"""The table of control: every point resolves, and means keep their spread."""

import numpy as np

from experiments.lessons import _control, control
from experiments.resolve import override, resolve


def test_every_point_names_a_config_that_takes_its_changes():
  for name, points in (_control.SENTENCES | _control.IMAGES).items():
    assert (
      len({point.strength for point in points}) == len(points) == (1 if name == "nothing" else 3)
    )
    for point in points:
      config = resolve(f"configs/{point.config}.py")
      for key, value in point.changes.items():
        override(config, f"{key}={value}")


def test_means_over_seeds_keep_the_spread():
  points = {"1": [{"both": 0.5, "nll": 8.0}, {"both": 0.7, "nll": 9.0}]}
  found = control.means_of(points)["1"]
  np.testing.assert_allclose([found["both"], found["nll"], found["both, sd"]], [0.6, 8.5, 0.1])
  trees = [{"a": {"b": 1.0}}, {"a": {"b": 3.0}}]
  assert control.averaged(trees) == {"a": {"b": 2.0}}
