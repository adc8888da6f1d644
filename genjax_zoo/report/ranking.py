"""A sortable table of runs: likelihoods with their kinds, the best of each column marked."""

from collections.abc import Callable
import math
from typing import NamedTuple

from genjax_zoo.report.measures import HIGHER, KINDS, LIKELIHOOD, METRICS, SIGNS, title
from genjax_zoo.report.page import Html, number, plus_minus, tag
from genjax_zoo.report.scatter import Point, scatter

COLUMNS = (
  "parameters",
  "nats",
  "bits_per_dim",
  "bits_per_vertex",
  "bits_per_vertex_uniform",
  "prediction_error",
  "copying_error",
  "one_nearest_neighbour",
  "mmd",
  "fid",
  "kid",
  "precision",
  "recall",
  "density",
  "coverage",
  "agreement",
  "modes",
  "high_quality",
  "copies",
  "seconds_per_image",
  "network_evaluations",
  "seconds",
  "steps_per_second",
  "examples_per_second",
  "compile_seconds",
)

SORTED_BY = "fid", "one_nearest_neighbour", "nats", "bits_per_vertex"  # The first that there is.


class Trade(NamedTuple):
  """Two measures of which a model may be good at one at the cost of the other."""

  up: str
  across: str
  scales: dict[str, bool]  # Which are logarithmic.
  corner: str  # Where both are best.


TRADES = (
  Trade("fid", "seconds_per_image", {"log_x": True, "log_y": True}, "at the lower left"),
  Trade("recall", "precision", {}, "at the upper right"),
  Trade("coverage", "density", {}, "at the upper right"),
  Trade("bits_per_dim", "fid", {"log_x": True}, "at the lower left"),
  Trade("nats", "fid", {"log_x": True}, "at the lower left"),
)
MARKS = "Discs are exact, triangles upper bounds (the truth is below their tip), squares estimates."

STYLE = r"""
.ranking { font-size: .8125rem; line-height: 1.35 }
.ranking th, .ranking td { padding: .35rem .4rem }
.ranking thead th { vertical-align: bottom; text-align: right; hyphens: manual }
.ranking thead a { color: inherit; text-decoration: none }
.ranking thead a:hover, .ranking thead a:focus { text-decoration: underline }
.ranking [aria-sort] a { color: var(--curve) }
.ranking [aria-sort] a::after { content: "\00a0▲" }
.ranking [aria-sort=descending] a::after { content: "\00a0▼" }
.ranking tr > :first-child { position: sticky; left: 0; background: var(--card); text-align: left;
  padding-left: 0 }
.ranking tbody a { color: var(--ink) }
.ranking .soft { font-size: inherit }
.ranking th .soft { font-weight: 400; font-size: .75rem; display: block }
.trades { display: grid; gap: 1.5rem; margin-top: 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)) }
.trades figure { margin: 0 }
.label { fill: var(--ink) }
.lead { stroke: var(--soft); stroke-width: .75 }
.best { font-weight: 700; color: var(--curve) }
"""
SCRIPT = """
function sort() {
  const [, minus, key] = location.hash.match(/^#sort=(-?)(\\w+)$/) ?? [];
  for (const table of document.querySelectorAll(".ranking")) {
    const heads = [...table.tHead.rows[0].cells];
    const column = heads.findIndex(head => head.dataset.key === key);
    if (column < 0) continue;
    const cell = row => row.cells[column].dataset;
    const missing = x => x.value === undefined;
    const order = (x, y) => key === "name" ? x.localeCompare(y) : x - y;
    const compare = (x, y) => missing(x) - missing(y) || (x.kind ?? 0) - (y.kind ?? 0)
      || (missing(x) ? 0 : (minus ? -1 : 1) * order(x.value, y.value));
    const rows = [...table.tBodies[0].rows].sort((a, b) => compare(cell(a), cell(b)));
    table.tBodies[0].append(...rows);
    for (const head of heads) {
      const now = head.dataset.key === key;
      if (now) head.setAttribute("aria-sort", minus ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      const sign = now ? (minus ? "" : "-") : head.dataset.first;
      head.firstChild.hash = `#sort=${sign}${head.dataset.key}`;
    }
  }
}
addEventListener("hashchange", sort);
sort();
"""  # A column's name is a link to #sort=KEY, or to #sort=-KEY for the highest first.


class Row(NamedTuple):
  """A run of the table."""

  name: str
  values: dict[str, float]  # By column, in the column's unit; missing ones are left out.
  kind: str = "exact"  # Of the likelihood.
  about: str = ""  # A line below the name.
  link: str = ""
  device: str = ""


def ranking(rows: list[Row], label: str) -> Html:
  """The table of comparable runs, sorted by FID, else by 1-NNA of clouds, else by likelihood."""
  columns = [k for k in COLUMNS if any(k in row.values for row in rows)]
  sorted_by = next((k for k in (*SORTED_BY, *columns) if k in columns), "name")
  marked = {k: best(rows, k) for k in columns}
  if "nats" in marked and "bits_per_dim" in marked:
    marked["bits_per_dim"] = marked["nats"]  # Of one data set they are the same in other units.
  head = [heading("name", "model", "", sorted_by)]
  for k in columns:
    first = "-" if METRICS[k].better == HIGHER else ""
    head.append(heading(k, METRICS[k].title, first, sorted_by))
  body = []
  for row in sorted(rows, key=order(sorted_by)):
    cells = [cell(row, k, row in marked[k]) for k in columns]
    body.append(tag("tr", name_cell(row), *cells))
  table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="ranking")
  return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def order(key: str) -> Callable:
  """The sorting key of rows by a column, upwards: kinds of likelihood apart, missing ones last."""
  if key == "name":
    return lambda row: row.name

  def place(row):
    kind = list(KINDS).index(row.kind) if key in LIKELIHOOD else 0
    return key not in row.values, kind, row.values.get(key, 0)

  return place


def best(rows: list[Row], key: str) -> list[Row]:
  """The best rows of a column; of likelihoods, the best of each kind.

  None where all are equal or the lead over the second is within its standard error, of times that
  are not all from the same hardware, and of numbers of which none is better.
  """
  known = [row for row in rows if key in row.values]
  if not METRICS[key].better:
    return []
  if METRICS[key].timed and len({row.device for row in known}) > 1:
    return []
  found = []
  for kind in KINDS if key in LIKELIHOOD else (None,):
    alike = [row for row in known if kind in (None, row.kind)]
    costs = [METRICS[key].cost(row.values[key]) for row in alike]
    if len(set(costs)) > 1 and leads(alike, costs, METRICS[key].error):
      found += [row for row, cost in zip(alike, costs) if cost == min(costs)]
  return found


def leads(rows: list[Row], costs: list[float], error: str) -> bool:
  """Whether the lowest cost is lower than the next by more than the error of their difference."""
  order = sorted(range(len(rows)), key=costs.__getitem__)
  first, second = order[0], next(i for i in order if costs[i] > costs[order[0]])
  errors = [rows[i].values.get(error) or 0.0 for i in (first, second)]
  return costs[second] - costs[first] > math.hypot(*errors)


def heading(key: str, text: str, first: str, sorted_by: str) -> Html:
  """A column's name, a link that sorts by it and, when clicked again, in reverse.

  `first` is "-" where the highest value comes first.
  """
  now = {"aria_sort": "ascending"} if key == sorted_by else {}
  link = tag("a", text, href=f"#sort={'-' if now else first}{key}")
  return tag("th", link, scope="col", data_key=key, data_first=first, **now)


def name_cell(row: Row) -> Html:
  """A run's name, a link to its own report."""
  name = tag("a", row.name, href=row.link) if row.link else row.name
  about = tag("span", row.about, class_="soft") if row.about else None
  return tag("th", name, about, scope="row", data_value=row.name)


def cell(row: Row, key: str, is_best: bool) -> Html:
  """A number, with its standard error and, of a likelihood, the sign of its kind."""
  value = row.values.get(key)
  if value is None:
    return tag("td", "–", class_="number soft")
  measure = METRICS[key]
  if isinstance(value, int) or abs(value) >= 10:
    text = number(value)
  else:
    text = f"{value:#.{measure.digits}g}"
  text = text.replace("-", "−")
  error = row.values.get(measure.error)
  if error is not None:
    text += f" {plus_minus(error)}"
  kind = {}
  if key in LIKELIHOOD:
    text = f"{SIGNS[row.kind]} {text}"
    kind = {"data_kind": list(KINDS).index(row.kind)}
  return tag("td", text, class_="number best" if is_best else "number", data_value=value, **kind)


def trades(rows: list[Row]) -> Html | None:
  """The runs as points between quality, coverage and speed.

  The generative learning trilemma of Xiao et al. 2021, arXiv:2112.07804.
  """
  known = {k for row in rows for k in row.values}
  names = short_names([row.name for row in rows])
  plots = []
  for up, across, scales, corner in TRADES:
    if up == "nats" and "bits_per_dim" in known:
      continue
    is_likelihood = up in LIKELIHOOD
    points = []
    for name, row in zip(names, rows):
      if across in row.values and up in row.values:
        kind = row.kind if is_likelihood else "exact"
        points.append(Point(name, row.values[across], row.values[up], kind))
    plot = scatter(points, title(across), title(up), **scales)
    if plot:
      caption = f"Best {corner}." + (f" {MARKS}" if is_likelihood else "")
      plots.append(tag("figure", plot, tag("figcaption", caption)))
  return tag("div", *plots, class_="trades") if plots else None


def short_names(names: list[str]) -> list[str]:
  """Names without the end that all share: "vae" and "gan" of "vae_digits" and "gan_digits"."""
  head, _, end = names[0].rpartition("_")
  if not head or not all(name.endswith(f"_{end}") for name in names):
    return names
  return short_names([name.removesuffix(f"_{end}") for name in names])
