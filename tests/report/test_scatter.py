"""A scatter plot shows its points where they are, each with a name that can be read."""

import re

import numpy as np
import pytest

from genjax_zoo.report.scatter import (
  BOTTOM,
  LEFT,
  LINE,
  POINT,
  RIGHT,
  SHAPES,
  TOP,
  Point,
  place,
  scatter,
)
from tests.report.test_run_page import Page


def overlap(a, b):
  """Whether two boxes (x, y, width, height) share an area."""
  return all(abs(a[i] - b[i]) < (a[i + 2] + b[i + 2]) / 2 - 1e-9 for i in (0, 1))


@pytest.mark.parametrize("n, spread", [(12, 1.0), (45, 1.0), (45, 0.1), (20, 0.0)])
def test_labels_overlap_nothing(n, spread):
  rng = np.random.default_rng(n)
  middle, half = (
    np.array([(LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2]),
    np.array([RIGHT - LEFT, BOTTOM - TOP]) * 0.45,
  )
  spots = [tuple(middle + spread * half * rng.uniform(-1, 1, 2)) for _ in range(n)]
  widths = rng.uniform(14, 110, n)
  centres = place(spots, widths)
  assert None not in centres
  boxes = [(*c, w, LINE) for c, w in zip(centres, widths)]
  for i, (x, y, w, h) in enumerate(boxes):
    assert x - w / 2 >= LEFT and x + w / 2 <= RIGHT and y - h / 2 >= TOP and y + h / 2 <= BOTTOM
    assert not any(overlap(boxes[i], other) for other in boxes[:i])
    assert not any(overlap(boxes[i], (*spot, POINT, POINT)) for spot in spots)
  if n == 12:  # With room enough a name is right beside its point.
    assert all(abs(c[0] - s[0]) <= w / 2 + 2 * POINT for c, s, w in zip(centres, spots, widths))


def test_a_name_for_which_there_is_no_room_is_left_out():
  assert place([(300, 200), (100, 100)], [RIGHT - LEFT + 1, 50])[0] is None
  assert place([(300, 200), (100, 100)], [RIGHT - LEFT + 1, 50])[1] is not None


def drawn(svg):
  """The points [N, 2] of a plot, and the marks of its axes: [(value, pixel)] across and upward."""
  spots = np.array([a["transform"][10:-1].split(",") for a in Page(svg).all("path")], float)
  rules = [a for a in Page(svg).all("line") if a["class"] == "rule"]
  values = [float(v.replace("k", "e3")) for v in re.findall(r"<text[^>]*>(-?[\d.]+k?)</text>", svg)]
  marks = list(zip(values, rules))
  return spots, *(
    [(v, float(a[f"{axis}1"])) for v, a in marks if a[f"{axis}1"] == a[f"{axis}2"]] for axis in "xy"
  )


@pytest.mark.parametrize(
  "log_x, log_y", [(False, False), (True, False), (False, True), (True, True)]
)
def test_points_are_where_they_are(log_x, log_y):
  rng = np.random.default_rng(0)
  for spread in (0.01, 1.0, 3.0):
    values = np.exp(rng.normal(0, spread, (15, 2)))
    spots, across, upward = drawn(scatter([Point("m", *v) for v in values], "x", "y", log_x, log_y))
    for i, (marks, log) in enumerate(((across, log_x), (upward, log_y))):
      assert len(marks) >= 2
      f = np.log10 if log else np.asarray
      # The ruled lines give the scale.
      slope, offset = np.polyfit([p for _, p in marks], f([v for v, _ in marks]), 1)
      np.testing.assert_allclose(
        spots[:, i] * slope + offset, f(values[:, i]), atol=0.01 * np.ptp(f(values[:, i]))
      )
  assert spots[:, 0].min() > LEFT and spots[:, 0].max() < RIGHT
  assert spots[:, 1].min() > TOP and spots[:, 1].max() < BOTTOM


def test_a_kind_is_a_shape_and_a_point_has_its_numbers_as_title():
  points = [
    Point("a <b>", 1.0, 2.0, "exact"),
    Point("b", 2.0, 1.5, "lower_bound"),
    Point("c", 3.0, 0.5, "estimate"),
  ]
  page = Page(scatter(points, "FID", "bits/dim"))
  assert [a["d"] for a in page.all("path")] == list(SHAPES.values()) and len(
    {*SHAPES.values()}
  ) == 3
  for line in ("a <b>: FID 1, bits/dim 2", "b: FID 2, bits/dim 1.5", "c: FID 3, bits/dim 0.5"):
    assert line in page.text
  assert page.all("svg")[0]["aria-label"] == "bits/dim against FID"


def test_a_log_scale_leaves_out_what_is_not_positive_and_a_plot_has_two_points():
  points = [Point("a", 1.0, 2.0), Point("zero", 0.0, 3.0), Point("c", 5.0, -1.0)]
  assert len(drawn(scatter(points, "x", "y", log_x=True))[0]) == 2
  assert len(drawn(scatter(points, "x", "y", log_y=True))[0]) == 2
  assert (
    scatter(points, "x", "y", log_x=True, log_y=True) is None
    and scatter(points[:1], "x", "y") is None
  )
  assert len(drawn(scatter([points[0]] * 3, "x", "y"))[0]) == 3  # No extent on either axis.
