"""The outputs of a run: the terminal, log.txt, metrics.jsonl and TensorBoard."""

import contextlib
import json
import math
from pathlib import Path
import sys
import threading
import time

import jax
from rich.console import Console
from rich.progress import (
  BarColumn,
  MofNCompleteColumn,
  Progress,
  TextColumn,
  TimeRemainingColumn,
  track,
)

from genjax_zoo.core import UserError
from genjax_zoo.sharding import device_name

WORTH_SAYING = 20.0  # Seconds that a computation takes.


class Log:
  """Writes the log of a run of `steps` steps on process 0; silent on other hosts.

  A context manager.
  """

  def __init__(self, workdir, steps: int = 0):
    self.folder = Path(workdir)
    self.steps = steps
    self.quiet = jax.process_index() != 0
    self.console = Console(highlight=False, soft_wrap=True)
    self.progress = None
    self.writer = None
    self.last_step = 0
    self.last_time = 0.0
    self.seconds = 0.0  # Of training, in earlier sessions too, as those of compilation.
    self.compile_seconds = 0.0
    self.began = False  # Whether this session trains.
    if not self.quiet:
      try:
        (self.folder / "samples").mkdir(parents=True, exist_ok=True)
        self.text = open(self.folder / "log.txt", "a")
      except OSError as e:
        raise UserError(
          f"can't write in {self.folder}: {e.strerror}; choose another --workdir"
        ) from e

  def __enter__(self):
    return self

  def __exit__(self, *_):
    if not self.quiet:
      self.pause()
      self.text.close()
      if self.writer:
        self.writer.close()
        self.rows.close()

  def say(self, text: str):
    """Writes one line on the terminal and in log.txt."""
    if not self.quiet:
      self.console.print(text, markup=False)
      self.text.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
      self.text.flush()

  def begin(self, step: int):
    """Opens the curves at `step`; rows past it, from a run that was killed, are dropped."""
    self.began = True
    self.last_step = step
    self.last_time = time.perf_counter()
    if self.quiet:
      return
    from tensorboardX import SummaryWriter  # Half a second, needed only in training.

    path = self.folder / "metrics.jsonl"
    rows = [row for row in read_rows(path) if row["step"] <= step]
    if rows:
      self.seconds = rows[-1]["seconds"]
      self.compile_seconds += rows[-1].get("compile_seconds", 0.0)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    self.rows = open(path, "a")
    self.writer = SummaryWriter(
      str(self.folder / "tensorboard"), purge_step=step + 1 if step else None
    )
    if self.console.is_terminal:
      columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
      )
      self.progress = Progress(*columns, console=self.console)
      self.bar = self.progress.add_task("training", total=self.steps, completed=step)
      self.progress.start()

  def cost(self, parameters: int, seconds: float, left: int, memory):
    """Says the number of parameters, the time of a step and of those left, and the memory.

    `memory` is the memory analysis of the compiled program, None where the platform has none.
    """
    text = (
      f"{parameters:,} parameters; {1000 * seconds:.3g} ms a step, "
      f"{duration(seconds * left)} for the other {left:,}"
    )
    if memory:
      total = (
        memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        + memory.temp_size_in_bytes
        - memory.alias_size_in_bytes  # Outputs in the place of donated arguments count once.
      )
      if total:
        text += f"; memory: {total / 2**20:,.1f} MiB a device"
    self.say(text)

  def pause(self):
    """Takes the progress bar off the terminal."""
    if self.progress:
      self.progress.stop()
      self.progress = None

  def scalars(self, step: int, row: dict[str, float]):
    """Logs the metrics of the steps since the last call, with their speed."""
    now = time.perf_counter()
    rate = (step - self.last_step) / (now - self.last_time)
    self.seconds += now - self.last_time
    self.last_step = step
    self.last_time = now
    line = self.measured(step, row | {"steps_per_second": rate})
    if self.progress:
      self.progress.update(self.bar, completed=step, description=line[:100])

  def measured(self, step: int, row: dict[str, float]) -> str:
    """Logs values measured at one step, without speed; returns the line for the terminal.

    The row goes to metrics.jsonl and TensorBoard. While there is a progress bar the line goes to
    log.txt only.
    """
    values = [f"{name} {x:.4g}" for name, x in row.items() if "seconds" not in name]
    line = "  ".join(values)
    if self.quiet:
      return line
    row = row | {"seconds": self.seconds, "compile_seconds": self.compile_seconds}
    where = {"device": device_name(), "jax": jax.__version__}  # Sessions may differ in them.
    self.rows.write(json.dumps(finite({"step": step} | row | where)) + "\n")
    self.rows.flush()
    for name, value in row.items():
      self.writer.add_scalar(name, value, step)
    if self.progress:
      self.text.write(f"step {step}  {line}\n")
    else:
      self.say(f"step {step}  {line}")
    return line

  def image(self, step: int, name: str, image):
    """Adds a picture, uint8 [H, W, 3], to TensorBoard; the caller writes its file."""
    if not self.quiet:
      self.writer.add_image(name, image, step, dataformats="HWC")

  def track(self, blocks):
    """Iterates over the blocks of a long computation, with a progress bar on the terminal."""
    return track(
      blocks,
      "",
      console=self.console,
      transient=True,
      disable=self.quiet or not self.console.is_terminal,
    )

  def bounded(self, total: int, examples: str, seconds: float = math.inf):
    """`track` for a pass over `total` blocks, which says how long it takes where that is long.

    It ends once `seconds` are over. The caller must have done with a block before it asks for the
    next.
    """

    def progress(blocks):
      begun = time.perf_counter()
      for done, block in enumerate(self.track(blocks), 1):
        yield block
        now = time.perf_counter()
        if done == 1:
          compiled = now  # The first block waits for its program to be compiled.
        if done == 2 and (left := (now - compiled) * (total - 2)) > WORTH_SAYING:
          self.say(f"{duration(left)} for the other {total - 2:,} blocks of {examples}")
        if done < total and now - begun > seconds:
          self.say(f"{duration(seconds)} are over: {done:,} of {total:,} blocks of {examples} done")
          return

    return progress

  @contextlib.contextmanager
  def clock(self, what: str):
    """Shows that a long computation is running, then its time: `compiling... 2.1 s`."""
    begun = time.perf_counter()
    done = threading.Event()

    def tick():
      while not done.wait(1.0):
        sys.stdout.write(f"\r{what}... {time.perf_counter() - begun:.0f} s ")
        sys.stdout.flush()

    on_terminal = self.console.is_terminal and not self.quiet
    if on_terminal and not self.progress:
      threading.Thread(target=tick, daemon=True).start()
    try:
      yield
    finally:
      done.set()
    if on_terminal:
      sys.stdout.write("\r")
    self.clocked = time.perf_counter() - begun
    self.say(f"{what}... {self.clocked:.1f} s")


def duration(seconds: float) -> str:
  """ "45 s", "12 min" or "3.4 h"."""
  if seconds < 120:
    return f"{seconds:.0f} s"
  return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def finite(tree):
  """A JSON tree with None in place of NaN and infinities, which JSON doesn't have."""
  if isinstance(tree, dict):
    return {k: finite(v) for k, v in tree.items()}
  if isinstance(tree, (list, tuple)):
    return [finite(v) for v in tree]
  return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def write_json(path: Path, tree):
  """Writes a JSON file atomically: a reader finds the old content or the new."""
  temporary = path.with_name(f".{path.name}.tmp")
  temporary.write_text(json.dumps(finite(tree), indent=1, allow_nan=False))
  temporary.replace(path)


def read_json(path: Path, default=None):
  """The content of a JSON file, `default` when it isn't there or can't be read; NaN is None."""
  try:
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
  except (OSError, ValueError):
    return default


def read_rows(path) -> list[dict]:
  """The rows of a metrics.jsonl, [] if there is none; an incomplete last line is dropped."""
  rows = []
  with contextlib.suppress(OSError, ValueError):
    for line in Path(path).read_text().splitlines():
      rows.append(json.loads(line))
  return rows
