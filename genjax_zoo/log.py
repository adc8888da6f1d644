"""What a run says: the terminal, log.txt, metrics.jsonl and TensorBoard of its folder."""

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


class Log:
  """What process 0 writes of a run of `steps` steps; silent on the other hosts. A context manager."""

  def __init__(self, workdir, steps: int = 0):
    self.folder, self.steps, self.quiet = Path(workdir), steps, jax.process_index() != 0
    self.console, self.progress, self.writer = Console(highlight=False, soft_wrap=True), None, None
    self.last, self.before, self.compile_seconds = (0, 0.0), 0.0, 0.0
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
    """One line on the terminal and in log.txt."""
    if not self.quiet:
      self.console.print(text, markup=False)
      self.text.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
      self.text.flush()

  def begin(self, step: int):
    """Opens the curves at `step`: rows past it, of a run that was killed, are dropped."""
    self.last = step, time.perf_counter()
    if self.quiet:
      return
    from tensorboardX import SummaryWriter  # Half a second, needed only in training.

    path = self.folder / "metrics.jsonl"
    kept = [r for r in read_rows(path) if r["step"] <= step]
    self.before = kept[-1]["seconds"] if kept else 0.0
    path.write_text("".join(json.dumps(r) + "\n" for r in kept))
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
    """Parameters, what a step takes and `left` more will, and a device's memory as the compiled
    program tells it.
    """
    held = memory and sum(
      getattr(memory, f"{k}_size_in_bytes") for k in ("argument", "output", "temp")
    )
    shown = (
      f"; memory: {(held - memory.alias_size_in_bytes) / 2**20:,.1f} MiB a device" if held else ""
    )
    took = f"a step: {1000 * seconds:.3g} ms; {left:,} more: {duration(seconds * left)}"
    self.say(f"{parameters:,} parameters; {took}{shown}")

  def pause(self):
    """Takes the progress bar off the terminal."""
    if self.progress:
      self.progress.stop()
      self.progress = None

  def scalars(self, step: int, row: dict[str, float]):
    """One row of metrics.jsonl and TensorBoard, with the speed since the last; the bar, or a line,
    on the terminal.
    """
    now = time.perf_counter()
    rate = (step - self.last[0]) / (now - self.last[1])
    self.before += now - self.last[1]
    self.last = step, now
    shown = self.measured(step, row | {"steps_per_second": rate})
    if self.progress:
      self.progress.update(self.bar, completed=step, description=shown[:100])

  def measured(self, step: int, row: dict[str, float]) -> str:
    """The same for what was measured at a step, without the speed; returns the line."""
    shown = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if "seconds" not in name)
    if self.quiet:
      return shown
    row = row | {"seconds": self.before, "compile_seconds": self.compile_seconds}
    self.rows.write(json.dumps(finite({"step": step} | row)) + "\n")
    self.rows.flush()
    for name, value in row.items():
      self.writer.add_scalar(name, value, step)
    if self.progress:
      self.text.write(f"step {step}  {shown}\n")
    else:
      self.say(f"step {step}  {shown}")
    return shown

  def image(self, step: int, name: str, image):
    """A picture, uint8 [H, W, 3], in TensorBoard; the caller writes its file."""
    if not self.quiet:
      self.writer.add_image(name, image, step, dataformats="HWC")

  def track(self, blocks):
    """The blocks of a long computation, with a bar on the terminal while it lasts."""
    return track(
      blocks,
      "",
      console=self.console,
      transient=True,
      disable=self.quiet or not self.console.is_terminal,
    )

  @contextlib.contextmanager
  def clock(self, what: str):
    """Shows that something long goes on, and how long it took: `compiling... 2.1 s`."""
    begun, done = time.perf_counter(), threading.Event()

    def tick():
      while not done.wait(1.0):
        sys.stdout.write(f"\r{what}... {time.perf_counter() - begun:.0f} s ")
        sys.stdout.flush()

    if self.console.is_terminal and not self.quiet and not self.progress:
      threading.Thread(target=tick, daemon=True).start()
    try:
      yield
    finally:
      done.set()
    if self.console.is_terminal and not self.quiet:
      sys.stdout.write("\r")
    self.clocked = time.perf_counter() - begun
    self.say(f"{what}... {self.clocked:.1f} s")


def duration(seconds: float) -> str:
  """ "45 s", "12 min" or "3.4 h"."""
  if seconds < 120:
    return f"{seconds:.0f} s"
  return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def finite(tree):
  """A JSON tree with None for numbers that are not finite, which JSON doesn't have."""
  if isinstance(tree, dict):
    return {k: finite(v) for k, v in tree.items()}
  if isinstance(tree, (list, tuple)):
    return [finite(v) for v in tree]
  return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def write_json(path: Path, tree):
  """Writes a JSON file, whole or not at all."""
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
  """The rows of a metrics.jsonl, [] if there is none; a half-written last line is dropped."""
  rows = []
  with contextlib.suppress(OSError, ValueError):
    for line in Path(path).read_text().splitlines():
      rows.append(json.loads(line))
  return rows
