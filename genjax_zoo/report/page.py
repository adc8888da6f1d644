"""Self-contained HTML pages: elements, tables, pictures and curves."""

import base64
import html
import math
from pathlib import Path

import numpy as np

POINTS = 300  # The most points of a curve, each a mean of neighbouring steps.
WIDTH, HEIGHT = 372, 224  # Of the picture of a curve,
LEFT, RIGHT, TOP, BOTTOM = 50, 352, 30, 190  # and its frame.

STYLE = """
:root { color-scheme: light dark; --ink: #1c2530; --soft: #5b6775; --line: #d9dee5;
  --back: #f5f6f8; --card: #fff; --curve: #2460c8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa6b5; --line: #333c48;
  --back: #12161c; --card: #1a2028; --curve: #7fb0ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 1140px; margin: auto; padding: 1.5rem 1rem 3rem }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 0 0 .8rem }
h3 { font-size: .95rem; margin: 1rem 0 .3rem }
p { margin: .4rem 0; max-width: 75ch }
header p { max-width: none }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem; margin-top: 1rem }
figure { margin: 0 0 1.5rem }
figcaption, .soft { color: var(--soft); font-size: .875rem }
figure:last-child { margin-bottom: 0 }
figcaption { margin-top: .3rem; max-width: 85ch }
img { display: block; max-width: 100%; height: auto; border-radius: 3px }
.tiles { display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 310px), 1fr)) }
.tiles figure { margin: 0 }
.tiles h3 { margin-top: 0 }
.tiles table { width: 100% }
.scroll { overflow-x: auto; background: /* A shadow where more columns are out of sight. */
  linear-gradient(to right, var(--card) 30%, transparent) left / 3rem 100% no-repeat local,
  linear-gradient(to left, var(--card) 30%, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to right, #0004, transparent) left / .8rem 100% no-repeat scroll,
  linear-gradient(to left, #0004, transparent) right / .8rem 100% no-repeat scroll }
td .soft { display: block; max-width: 60ch }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .25rem 1.5rem .25rem 0;
  border-bottom: 1px solid var(--line) }
@media (max-width: 600px) { th, td { padding-right: .7rem } }
th { color: var(--soft); font-weight: 600 }
.number { text-align: right; white-space: nowrap }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: .7rem;
  margin: .3rem 0; overflow-x: auto; font-size: .875rem }
details { margin-top: 1rem }
summary { cursor: pointer; font-weight: 600 }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif;
  fill: var(--soft) }
.curve { fill: none; stroke: var(--curve); stroke-width: 1.75; stroke-linejoin: round }
.dot { fill: var(--curve) }
.rule { stroke: var(--line) }
.name { fill: var(--ink); font-weight: 600; font-size: 13px }
"""


class Html(str):
  """Text that is HTML already; all other text is escaped on its way into a page."""


def tag(name: str, /, *children, **attributes) -> Html:
  """An element; children that are None are left out, and `class_` is the attribute class.

  Children and attributes are escaped unless they are `Html`.
  """
  given = []
  for k, value in attributes.items():
    attribute = k.rstrip("_").replace("_", "-")
    given.append(f' {attribute}="{html.escape(str(value))}"')
  inner = [c if isinstance(c, Html) else html.escape(str(c)) for c in children if c is not None]
  end = "" if name in ("img", "meta") else f"</{name}>"
  return Html(f"<{name}{''.join(given)}>{''.join(inner)}{end}")


def page(title: str, *body, style: str = "") -> str:
  """A whole document; `style` adds rules to those of all pages."""
  viewport = "width=device-width, initial-scale=1"
  metas = tag("meta", charset="utf-8"), tag("meta", name="viewport", content=viewport)
  head = tag("head", *metas, tag("title", title), tag("style", Html(STYLE + style)))
  return "<!doctype html>\n" + tag("html", head, tag("body", tag("main", *body)), lang="en")


def section(title: str, *body) -> Html | None:
  """A section of the page under its title; None when there is nothing in it."""
  return tag("section", tag("h2", title), *body) if any(body) else None


def tiles(*children) -> Html | None:
  """Children side by side as the window allows; None when there are none."""
  return tag("div", *children, class_="tiles") if children else None


def table(rows, head=()) -> Html | None:
  """Rows of cells, numbers to the right, None empty; None when there are no rows."""
  if not rows:
    return None
  is_number = lambda x: isinstance(x, (int, float)) and not isinstance(x, bool)

  def cell(kind, x, right):
    text = number(x) if is_number(x) else x
    return tag(kind, text, class_="number") if right else tag(kind, text)

  top = [cell("th", h, any(is_number(row[i]) for row in rows)) for i, h in enumerate(head)]
  lines = [tag("tr", *top)] if top else []
  for row in rows:
    lines.append(tag("tr", *(cell("td", x, is_number(x)) for x in row)))
  return tag("div", tag("table", *lines), class_="scroll")


def number(x: int | float) -> str:
  """A number for a table: floats to two decimals, small ones to four digits, large ones to none."""
  if isinstance(x, int) or 1e4 <= abs(x) < 1e12:
    return f"{x:,.0f}"
  return f"{x:,.2f}" if 10 <= abs(x) < 1e4 else f"{x:.4g}"


def plus_minus(error: float) -> str:
  """A standard error in two digits, with its sign: "± 0.21"."""
  return f"± {float(f'{error:.2g}'):g}"


def image(path: Path, caption: str) -> Html:
  """A PNG or WebP file, embedded, above its caption."""
  data = base64.b64encode(path.read_bytes()).decode()
  picture = tag("img", src=f"data:image/{path.suffix[1:]};base64,{data}", alt=caption)
  return tag("figure", picture, tag("figcaption", caption))


def curve(name: str, steps, values) -> Html:
  """A metric by step, as SVG.

  Positive values whose extremes differ by a factor of 30 get a log scale. Otherwise the first tenth
  is left out where it would press the rest into a fifth of the height; the curve says so.
  """
  last = float(values[-1])
  steps, y = thinned(steps), thinned(values)
  notes = []
  tenth = len(y) // 10
  log = y.min() > 0 and y.max() > 30 * y.min()
  if log:
    y = np.log10(y)
    notes.append("log scale")
  elif 0 < np.ptp(y[tenth:]) < np.ptp(y) / 5:
    steps, y = steps[tenth:], y[tenth:]
    notes.append("first tenth left out")
  notes.append(f"last {number(last)}")
  margin = 0.5 * (np.ptp(y) == 0)  # Of a constant, so that the frame has a height.
  low, high = y.min() - margin, y.max() + margin
  extent = max(steps[-1] - steps[0], 1)

  def across(step):
    return f"{LEFT + (step - steps[0]) / extent * (RIGHT - LEFT):.1f}"

  def up(value):
    return f"{BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP):.1f}"

  parts = [tag("text", name, x=4, y=16, class_="name")]
  parts.append(tag("text", ", ".join(notes), x=RIGHT, y=16, text_anchor="end"))
  for v in (decades if log else ticks)(low, high):
    label = short(10**v if log else v)
    parts.append(tag("line", x1=LEFT, x2=RIGHT, y1=up(v), y2=up(v), class_="rule"))
    parts.append(tag("text", label, x=LEFT - 6, y=float(up(v)) + 4, text_anchor="end"))
  for s in ticks(steps[0], steps[-1]):
    parts.append(tag("text", short(s), x=across(s), y=BOTTOM + 16, text_anchor="middle"))
  points = " ".join(f"{across(s)},{up(v)}" for s, v in zip(steps, y))
  parts.append(tag("text", "step", x=RIGHT, y=BOTTOM + 31, text_anchor="end"))
  parts.append(tag("polyline", points=points, class_="curve"))
  parts.append(tag("circle", cx=across(steps[-1]), cy=up(y[-1]), r=3, class_="dot"))
  view = f"0 0 {WIDTH} {HEIGHT}"
  return tag("svg", *parts, viewBox=view, role="img", aria_label=f"{name} by step")


def thinned(x) -> np.ndarray:
  """The means of at most POINTS groups of neighbouring numbers."""
  x = np.asarray(x, float)
  return np.array([group.mean() for group in np.array_split(x, min(len(x), POINTS))])


def ticks(low: float, high: float) -> np.ndarray:
  """Round numbers from low to high, 2 to 6 of them; one where the two are equal."""
  if low == high:
    return np.array([low])
  rough = (high - low) / 5
  power = 10.0 ** math.floor(math.log10(rough))
  # The slack keeps numbers that are round but for float rounding.
  step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
  return np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step


def decades(low: float, high: float) -> list[float]:
  """log10 of the powers of ten from 10^low to 10^high.

  Where these are few, also of twice and five times as much; where many, of every second or so.
  """
  every = math.ceil((high - low) / 6)
  times = (1, 2, 5) if high - low < 2.5 else (1,)
  found = []
  for exponent in range(math.floor(low), math.ceil(high) + 1):
    if exponent % every == 0:
      found += [exponent + math.log10(m) for m in times]
  return [v for v in found if low <= v <= high]


def short(x: float) -> str:
  """A tick's label: 0.5, 2000, 40k, 1.5M."""
  for least, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
    if abs(x) >= least:
      return f"{x / unit:.4g}{letter}"
  return f"{x:.4g}"
