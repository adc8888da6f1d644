"""A scatter plot as SVG: each point with its name beside it, where there is room."""

import math
from typing import NamedTuple

import numpy as np

from genjax_zoo.report.page import Html, decades, number, short, tag, ticks

WIDTH, HEIGHT = 560, 372
LEFT, RIGHT, TOP, BOTTOM = 48, 548, 34, 330  # The frame.
LINE, POINT = 13, 11  # The height of a label, and the room of a point.
# Right, left, above, ...
AROUND = [math.tau * i / 16 for i in (0, 8, 12, 4, 14, 2, 10, 6, 15, 1, 9, 7, 13, 3, 11, 5)]
FAR = range(0, WIDTH, 8)
SHAPES = {  # Of a kind of likelihood; the truth lies below the tip of a bound.
  "exact": "M-4.5,0a4.5,4.5 0 1 0 9,0a4.5,4.5 0 1 0 -9,0",
  "lower_bound": "M-5.5,-4h11l-5.5,9z",
  "estimate": "M-4,-4h8v8h-8z",
}


class Point(NamedTuple):
  """A named point; `kind` is its shape."""

  name: str
  x: float
  y: float
  kind: str = "exact"


def scatter(points: list[Point], x_name: str, y_name: str, log_x=False, log_y=False) -> Html | None:
  """The points in a frame; None where there are fewer than two. A log scale leaves out what is not
  positive.
  """
  points = [p for p in points if (p.x > 0 or not log_x) and (p.y > 0 or not log_y)]
  if len(points) < 2:
    return None
  across, vertical = (
    scale([p.x for p in points], log_x, LEFT, RIGHT),
    scale([p.y for p in points], log_y, BOTTOM, TOP),
  )
  parts = [tag("text", y_name, x=4, y=16, class_="name")]
  parts.append(tag("text", x_name, x=RIGHT, y=HEIGHT - 6, text_anchor="end", class_="name"))
  for value, y in vertical[1]:
    parts.append(tag("line", x1=LEFT, x2=RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
    parts.append(tag("text", short(value), x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
  for value, x in across[1]:
    parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=TOP, y2=BOTTOM, class_="rule"))
    parts.append(tag("text", short(value), x=f"{x:.1f}", y=BOTTOM + 16, text_anchor="middle"))
  spots = list(zip(across[0], vertical[0]))
  for p, (x, y) in zip(points, spots):
    told = f"{p.name}: {x_name} {number(p.x)}, {y_name} {number(p.y)}"
    parts.append(
      tag(
        "path",
        tag("title", told),
        d=SHAPES[p.kind],
        transform=f"translate({x:.1f},{y:.1f})",
        class_="dot",
      )
    )
  for p, spot, box in zip(points, spots, place(spots, [width(p.name) for p in points])):
    parts += label(p.name, spot, box) if box else []
  return tag(
    "svg",
    *parts,
    viewBox=f"0 0 {WIDTH} {HEIGHT}",
    role="img",
    aria_label=f"{y_name} against {x_name}",
  )


def scale(
  values, log: bool, start: float, end: float
) -> tuple[list[float], list[tuple[float, float]]]:
  """(where the values are, [(round value, where it is)]) on an axis from `start` to `end`, in
  pixels.
  """
  v = np.log10(values) if log else np.asarray(values, float)
  margin = 0.06 * np.ptp(v) or 0.5 * (abs(v[0]) or 1)
  low, high = v.min() - margin, v.max() + margin
  at = lambda t: float(start + (t - low) / (high - low) * (end - start))
  if not log:
    return [at(t) for t in v], [(t, at(t)) for t in ticks(low, high)]
  powers = decades(low, high)
  # No power of ten is in a small range.
  powers = powers if len(powers) > 1 else np.log10(ticks(10**low, 10**high))
  return [at(t) for t in v], [(10**t, at(t)) for t in powers]


def width(name: str) -> float:
  """What a label takes across, in pixels, in the wider of the usual fonts."""
  return sum(
    5.0 if c in "fijlrt" else 7.1 if c not in "mw" and not c.isupper() else 11.0 for c in name
  )


def place(spots, widths) -> list[tuple[float, float] | None]:
  """The middles of labels of these widths: each as near to its spot as overlaps neither a spot, nor
  a label before it, nor the frame's edge; None where there is no such place.
  """
  boxes, found = [(x, y, POINT, POINT) for x, y in spots], []
  for (x, y), w in zip(spots, widths):
    taken = np.array(boxes)

    def free(c, w=w, taken=taken):
      inside = LEFT + w / 2 <= c[0] <= RIGHT - w / 2 and TOP + LINE / 2 <= c[1] <= BOTTOM - LINE / 2
      gap = (
        np.abs(taken[:, :2] - np.array(c)[None]) - (taken[:, 2:] + np.array([w, LINE])[None]) / 2
      )
      return inside and (gap >= 0).any(1).all()

    around = (
      (x + out(math.cos(a), w, far), y + out(math.sin(a), LINE, far)) for far in FAR for a in AROUND
    )
    centre = next(filter(free, around), None)
    boxes += [(*centre, w, LINE)] if centre else []
    found.append(centre)
  return found


def out(direction: float, size: float, far: float) -> float:
  """How far from a spot a box's middle is, along one axis, for the box to be `far` away in a
  direction in [-1, 1].
  """
  return max(-1.0, min(1.5 * direction, 1.0)) * (size / 2 + POINT / 2 + 1 + far)


def label(name, spot, box) -> list[Html]:
  """A name in its box, with a line to its spot where that is not beside it."""
  (x, y), (cx, cy) = spot, box
  half = width(name) / 2
  near = min(max(x, cx - half), cx + half), min(max(y, cy - LINE / 2), cy + LINE / 2)
  ends = dict(zip(("x1", "y1", "x2", "y2"), (f"{v:.1f}" for v in (x, y, *near))))
  line = [tag("line", class_="lead", **ends)] if math.dist(spot, near) > POINT else []
  at, anchor = (
    (cx - half, "start")
    if cx - half >= x
    else (cx + half, "end")
    if cx + half <= x
    else (cx, "middle")
  )
  return [
    *line,
    tag("text", name, x=f"{at:.1f}", y=f"{cy + 4:.1f}", text_anchor=anchor, class_="label"),
  ]
