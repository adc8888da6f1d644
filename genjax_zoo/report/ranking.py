"""A table of runs that a reader can sort: likelihoods with their kinds, the best of each column
marked.
"""

from typing import NamedTuple

from genjax_zoo.report.page import Html, number, tag
from genjax_zoo.report.run_page import KINDS, SIGNS
from genjax_zoo.report.scatter import Point, scatter

# Least where a column is best.
LOW, HIGH, HALF = (lambda v: v), (lambda v: -v), (lambda v: abs(v - 0.5))
COLUMNS = {  # By their names in evaluation.json: (title, what is best).
  "parameters": ("para\u00admeters", LOW),
  "nats": ("−log p, nats", LOW),
  "bits_per_dim": ("bits/dim", LOW),
  "fid": ("FID", LOW),
  "kid": ("KID", LOW),
  "precision": ("pre\u00adcision", HIGH),
  "recall": ("recall", HIGH),
  "density": ("density", HIGH),
  "coverage": ("cover\u00adage", HIGH),
  "agreement": ("agree\u00adment", HIGH),
  "modes": ("modes", HIGH),
  "high_quality": ("near a mode", HIGH),
  "copies": ("copies", HALF),
  "seconds_per_image": ("ms an image", LOW),
  "network_evaluations": ("network calls", LOW),
  "seconds": ("training, s", LOW),
  "steps_per_second": ("steps/s", HIGH),
  "examples_per_second": ("exam\u00adples/s", HIGH),
  "compile_seconds": ("compil\u00ading, s", LOW),
}
LIKELIHOOD = "nats", "bits_per_dim"
COST = "seconds_per_image", "seconds", "steps_per_second", "examples_per_second", "compile_seconds"
ERRORS = {"nats": "standard_error", "kid": "kid_standard_error"}
# The generative learning trilemma: (upward, across, which scales are logarithmic, where both are
# best).
TRADES = (
  ("fid", "seconds_per_image", {"log_x": True, "log_y": True}, "at the lower left"),
  ("recall", "precision", {}, "at the upper right"),
  ("coverage", "density", {}, "at the upper right"),
  ("bits_per_dim", "fid", {"log_x": True}, "at the lower left"),
  ("nats", "fid", {"log_x": True}, "at the lower left"),
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
.ranking tr > :first-child { position: sticky; left: 0; background: var(--card); text-align: left; padding-left: 0 }
.ranking tbody a { color: var(--ink) }
.ranking .soft { font-size: inherit }
.ranking th .soft { font-weight: 400; font-size: .75rem; display: block }
.trades { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr));
  margin-top: 1.25rem }
.trades figure { margin: 0; overflow-x: auto }
.trades svg { min-width: 440px }
.label { fill: var(--ink) }
.lead { stroke: var(--soft); stroke-width: .75 }
.best { font-weight: 700; color: var(--curve) }
"""
SCRIPT = """
function sort() {
  const [, minus, key] = location.hash.match(/^#sort=(-?)(\\w+)$/) ?? [];
  for (const table of document.querySelectorAll(".ranking")) {
    const heads = [...table.tHead.rows[0].cells], column = heads.findIndex(head => head.dataset.key === key);
    if (column < 0) continue;
    const cell = row => row.cells[column].dataset, missing = x => x.value === undefined;
    const order = (x, y) => key === "name" ? x.localeCompare(y) : x - y;
    const compare = (x, y) => missing(x) - missing(y) || (x.kind ?? 0) - (y.kind ?? 0)
      || (missing(x) ? 0 : (minus ? -1 : 1) * order(x.value, y.value));
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => compare(cell(a), cell(b))));
    for (const head of heads) {
      const now = head.dataset.key === key;
      now ? head.setAttribute("aria-sort", minus ? "descending" : "ascending") : head.removeAttribute("aria-sort");
      head.firstChild.hash = `#sort=${now ? (minus ? "" : "-") : head.dataset.first}${head.dataset.key}`;
    }
  }
}
addEventListener("hashchange", sort);
sort();
"""  # A column's name is a link to #sort=KEY, or to #sort=-KEY for the highest first.


class Row(NamedTuple):
  """A run of the table."""

  name: str
  values: dict[str, float]  # By column; those missing left out.
  kind: str = "exact"  # Of the likelihood.
  about: str = ""  # What stands under the name.
  link: str = ""
  device: str = ""


def ranking(rows: list[Row], label: str) -> Html:
  """The table of comparable runs, sorted by FID, else by likelihood."""
  shown = [k for k in COLUMNS if any(k in row.values for row in rows)]
  key = next((k for k in ("fid", "nats", *shown) if k in shown), "name")
  marked = {k: best(rows, k) for k in shown}
  head = [heading("name", "model", "", key), *(heading(k, *COLUMNS[k], key) for k in shown)]
  line = lambda row: tag("tr", name_cell(row), *(cell(row, k, row in marked[k]) for k in shown))
  body = [line(row) for row in sorted(rows, key=order(key))]
  whole = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="ranking")
  return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=label)


def order(key: str):
  """What sorts rows by a column, upwards: kinds of likelihood apart, the missing last."""
  if key == "name":
    return lambda row: row.name
  kind = lambda row: list(KINDS).index(row.kind) if key in LIKELIHOOD else 0
  return lambda row: (key not in row.values, kind(row), row.values.get(key, 0))


def best(rows: list[Row], key: str) -> list[Row]:
  """The best of a column, of likelihoods the best of each kind; none where all are equal, or the
  hardware is not.
  """
  have = [row for row in rows if key in row.values]
  if key in COST and len({row.device for row in have}) > 1:
    return []
  merit, found = COLUMNS[key][1], []
  for kind in KINDS if key in LIKELIHOOD else (None,):
    merits = [merit(row.values[key]) for row in have if kind in (None, row.kind)]
    if len(set(merits)) > 1:
      found += [
        row for row in have if kind in (None, row.kind) and merit(row.values[key]) == min(merits)
      ]
  return found


def heading(key: str, title: str, merit, sorted_by: str) -> Html:
  """A column's name, which sorts: the best first, and the other way round when clicked again."""
  first = "-" if merit is HIGH else ""
  now = {"aria_sort": "ascending"} if key == sorted_by else {}
  link = tag("a", title, href=f"#sort={'-' if now else first}{key}")
  return tag("th", link, scope="col", data_key=key, data_first=first, **now)


def name_cell(row: Row) -> Html:
  """A run's name, leading to its own report."""
  name = tag("a", row.name, href=row.link) if row.link else row.name
  return tag(
    "th",
    name,
    tag("span", row.about, class_="soft") if row.about else None,
    scope="row",
    data_value=row.name,
  )


def cell(row: Row, key: str, is_best: bool) -> Html:
  """A number, with its standard error and, of a likelihood, the sign of its kind."""
  if (value := row.values.get(key)) is None:
    return tag("td", "–", class_="number soft")
  error = row.values.get(ERRORS.get(key))
  text = (
    number(value)
    if isinstance(value, int) or abs(value) >= 10
    else f"{value:#.{4 if key in LIKELIHOOD else 3}g}"
  )
  text = text.replace("-", "−") + (f" ± {float(f'{error:.2g}'):g}" if error is not None else "")
  kind = {}
  if key in LIKELIHOOD:
    text, kind = f"{SIGNS[row.kind]} {text}", {"data_kind": list(KINDS).index(row.kind)}
  return tag("td", text, class_="number best" if is_best else "number", data_value=value, **kind)


def trades(rows: list[Row]) -> Html | None:
  """The runs as points between quality, coverage and speed: the trilemma of Xiao et al. 2021,
  arXiv:2112.07804.
  """
  plots, have = [], {k for row in rows for k in row.values}
  for up, across, scales, corner in TRADES:
    if up == "nats" and "bits_per_dim" in have:
      continue
    is_likelihood = up in LIKELIHOOD
    points = [
      Point(name, row.values[across], row.values[up], row.kind if is_likelihood else "exact")
      for name, row in zip(short_names([row.name for row in rows]), rows)
      if across in row.values and up in row.values
    ]
    plot = scatter(points, *(COLUMNS[k][0].replace("\u00ad", "") for k in (across, up)), **scales)
    caption = f"Best {corner}." + (f" {MARKS}" if is_likelihood else "")
    plots += [tag("figure", plot, tag("figcaption", caption))] if plot else []
  return tag("div", *plots, class_="trades") if plots else None


def short_names(names: list[str]) -> list[str]:
  """Names without the end that all share: "vae" and "gan" of "vae_digits" and "gan_digits"."""
  head, _, end = names[0].rpartition("_")
  shared = head and all(name.endswith(f"_{end}") for name in names)
  return short_names([name.removesuffix(f"_{end}") for name in names]) if shared else names
