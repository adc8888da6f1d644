"""The table of measures: every column of the ranking is in it, with what is better."""

import pytest

from genjax_zoo.report.measures import (
  HALF,
  HIGHER,
  LOWER,
  METRICS,
  Measure,
  in_words,
  meaning,
  restores,
  title,
  unit,
)
from genjax_zoo.report.ranking import COLUMNS, TRADES


def test_every_column_and_every_plot_is_of_a_known_measure():
  no_best = {k for k in COLUMNS if not METRICS[k].better}
  baselines = {"bits_per_vertex_uniform", "copying_error"}
  # Bits a vertex are of vertices, of faces given them or of both.
  assert no_best == {"parameters", "steps_per_second", "bits_per_vertex"} | baselines
  assert {k for trade in TRADES for k in trade[:2]} <= set(COLUMNS)
  assert {k for k, m in METRICS.items() if not m.better} >= {"psnr_baseline", "fid_train_vs_test"}


@pytest.mark.parametrize(
  "better, order", [(LOWER, [0.0, 0.4, 0.9]), (HIGHER, [0.9, 0.4, 0.0]), (HALF, [0.4, 0.9, 0.0])]
)
def test_the_best_value_has_the_lowest_cost(better, order):
  assert sorted([0.0, 0.9, 0.4], key=Measure("m", better).cost) == order


def test_titles_units_and_meanings():
  assert title("precision") == "precision" and title("psnr") == "PSNR"
  assert unit("elbo") == "nats" and unit("fid") is None and unit("unknown") is None
  assert meaning("fid").endswith(LOWER) and meaning("unknown") is None
  assert meaning("copies").endswith(HALF) and meaning("seconds") == LOWER
  assert meaning("fid_noise_vs_test") == METRICS["fid_noise_vs_test"].meaning


def test_features_are_named_in_words():
  assert in_words("mnist@sha256:1a2b3c4d") == "features of a mnist classifier"
  assert in_words("own_classes@sha256:1a2b") == (
    "features of a small classifier trained on these classes"
  )
  assert "pixels" in in_words("own_pixels") and in_words("x") == "the numbers of x themselves"
  assert in_words("inception-2015-12-05") == "Inception's features"


def test_a_restoration_has_a_baseline():
  assert restores({"metrics": {"psnr": 1.0, "psnr_baseline": 0.5}})
  assert not restores({"metrics": {"psnr": 1.0}}) and not restores({"metrics": None})
