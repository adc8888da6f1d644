"""A scatter plot as SVG: each point with its name beside it, where there is room."""

import itertools
import math
from typing import NamedTuple

import numpy as np

from genjax_zoo.report.page import Html, decades, number, short, tag, ticks

WIDTH, HEIGHT = 460, 346
LEFT, RIGHT, TOP, BOTTOM = 48, 448, 34, 304  # The frame.
LINE = 13  # The height of a label, in pixels,
POINT = 11  # and the room of a point.
# Directions in which a label may lie from its point, as angles: right, left, above, below, ...
AROUND = [math.tau * i / 16 for i in (0, 8, 12, 4, 14, 2, 10, 6, 15, 1, 9, 7, 13, 3, 11, 5)]
FAR = range(0, WIDTH, 8)  # Distances, the nearest first.
SHAPES = {  # Of a kind of likelihood; the truth lies below the tip of a bound.
  "exact": "M-4.5,0a4.5,4.5 0 1 0 9,0a4.5,4.5 0 1 0 -9,0",
  "lower_bound": "M-5.5,-4h11l-5.5,9z",
  "estimate": "M-4,-4h8v8h-8z",
}


class Point(NamedTuple):
  """A named point; its shape is that of its `kind`."""

  name: str
  x: float
  y: float
  kind: str = "exact"


class Axis(NamedTuple):
  """Where values and marks are on an axis, in pixels."""

  places: list[float]
  marks: list[tuple[float, float]]  # (round value, place)


def scatter(points: list[Point], x_name: str, y_name: str, log_x=False, log_y=False) -> Html | None:
  """The points in a frame; None where there are fewer than two.

  A log scale leaves out values that are not positive.
  """
  points = [p for p in points if (p.x > 0 or not log_x) and (p.y > 0 or not log_y)]
  if len(points) < 2:
    return None
  across = axis([p.x for p in points], log_x, LEFT, RIGHT)
  upward = axis([p.y for p in points], log_y, BOTTOM, TOP)
  y_title = f"{y_name}{scale(log_y, upward)}"
  x_title = f"{x_name}{scale(log_x, across)}"
  parts = [tag("text", y_title, x=4, y=16, class_="name")]
  parts.append(tag("text", x_title, x=RIGHT, y=HEIGHT - 6, text_anchor="end", class_="name"))
  for value, y in upward.marks:
    parts.append(tag("line", x1=LEFT, x2=RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
    parts.append(tag("text", short(value), x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
  for value, x in across.marks:
    parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=TOP, y2=BOTTOM, class_="rule"))
    parts.append(tag("text", short(value), x=f"{x:.1f}", y=BOTTOM + 16, text_anchor="middle"))
  spots = list(zip(across.places, upward.places))
  for p, (x, y) in zip(points, spots):
    values = tag("title", f"{p.name}: {x_name} {number(p.x)}, {y_name} {number(p.y)}")
    at = f"translate({x:.1f},{y:.1f})"
    parts.append(tag("path", values, d=SHAPES[p.kind], transform=at, class_="dot"))
  boxes = place(spots, [width(p.name) for p in points])
  for p, spot, box in zip(points, spots, boxes):
    parts += label(p.name, spot, box) if box else []
  view, text = f"0 0 {WIDTH} {HEIGHT}", f"{y_name} against {x_name}"
  return tag("svg", *parts, viewBox=view, role="img", aria_label=text)


def scale(log: bool, axis: Axis) -> str:
  """What is said of an axis beside its name: that it is logarithmic, or does not begin at 0."""
  if log:
    return ", log scale"
  return "" if any(value == 0 for value, _ in axis.marks) else ", not from 0"


def axis(values, log: bool, start: float, end: float) -> Axis:
  """An axis for these values from `start` to `end`."""
  v = np.log10(values) if log else np.asarray(values, float)
  margin = 0.06 * np.ptp(v) or 0.5 * (abs(v[0]) or 1)
  low, high = v.min() - margin, v.max() + margin
  place = lambda t: float(start + (t - low) / (high - low) * (end - start))
  places = [place(t) for t in v]
  if not log:
    return Axis(places, [(t, place(t)) for t in ticks(low, high)])
  powers = decades(low, high)
  if len(powers) < 2:  # No power of ten is in a small range.
    powers = np.log10(ticks(10**low, 10**high))
  return Axis(places, [(10**t, place(t)) for t in powers])


def width(name: str) -> float:
  """The width of a label in pixels, in the wider of the usual fonts."""
  return sum(letter_width(c) for c in name)


def letter_width(c: str) -> float:
  """The width of a letter in pixels."""
  if c in "fijlrt":
    return 5.0
  return 11.0 if c in "mw" or c.isupper() else 7.1


def place(spots, widths) -> list[tuple[float, float] | None]:
  """The centres of labels of these widths, each as near to its spot as there is room; None without.

  A label overlaps neither a spot, nor a label before it, nor the frame's edge.
  """
  boxes = [(x, y, POINT, POINT) for x, y in spots]
  found = []
  for (x, y), w in zip(spots, widths):
    taken = np.array(boxes)
    centre = None
    for far, angle in itertools.product(FAR, AROUND):
      candidate = x + offset(math.cos(angle), w, far), y + offset(math.sin(angle), LINE, far)
      if is_free(candidate, w, taken):
        centre = candidate
        boxes.append((*centre, w, LINE))
        break
    found.append(centre)
  return found


def is_free(centre, w: float, boxes) -> bool:
  """Whether a label of width w at a centre is in the frame and overlaps no box of [N, 4]."""
  x, y = centre
  if not (LEFT + w / 2 <= x <= RIGHT - w / 2 and TOP + LINE / 2 <= y <= BOTTOM - LINE / 2):
    return False
  sizes = boxes[:, 2:] + np.array([w, LINE])[None]
  gap = np.abs(boxes[:, :2] - np.array(centre)[None]) - sizes / 2
  return bool((gap >= 0).any(1).all())


def offset(direction: float, size: float, far: float) -> float:
  """How far from a spot a box's centre is along one axis, for the box to be `far` away.

  `direction` in [-1, 1] is the sine or cosine of the angle at which it lies.
  """
  return max(-1.0, min(1.5 * direction, 1.0)) * (size / 2 + POINT / 2 + 1 + far)


def label(name, spot, box) -> list[Html]:
  """A name in its box, with a line to its spot where that is not beside it."""
  (x, y), (cx, cy) = spot, box
  half = width(name) / 2
  near = min(max(x, cx - half), cx + half), min(max(y, cy - LINE / 2), cy + LINE / 2)
  ends = dict(zip(("x1", "y1", "x2", "y2"), (f"{v:.1f}" for v in (x, y, *near))))
  line = [tag("line", class_="lead", **ends)] if math.dist(spot, near) > POINT else []
  if cx - half >= x:  # The box is to the right of its spot, to the left, or above or below.
    at, anchor = cx - half, "start"
  elif cx + half <= x:
    at, anchor = cx + half, "end"
  else:
    at, anchor = cx, "middle"
  text = tag("text", name, x=f"{at:.1f}", y=f"{cy + 4:.1f}", text_anchor=anchor, class_="label")
  return [*line, text]
