"""Suites: the configs that answer one question, and what is measured of those alone."""

from collections.abc import Sequence
from pathlib import Path
import textwrap
from typing import NamedTuple

import numpy as np

from experiments import pipeline
from experiments.hooks import given_rows
from genjax_zoo.core import Model
from genjax_zoo.figures.kinds import words
from genjax_zoo.figures.pictures import grid, plot, save
from genjax_zoo.log import read_json, write_json
from genjax_zoo.metrics.features.own import chosen
from genjax_zoo.metrics.sweep import sweep
from genjax_zoo.run import Run, load
from genjax_zoo.sample import sample_options

COLUMNS = 8  # Captions in the picture of samples.
GUIDED = 250  # Samples at each guidance scale.


class Suite(NamedTuple):
  """Configs that one question compares."""

  configs: tuple[str, ...]
  data: dict  # Options of their data, and of their stages'.
  scales: tuple[float, ...]  # Of guidance.


SUITES = {
  "text_to_image": Suite(
    configs=(
      "cascade_shapes",
      "dalle_shapes",
      "imagen_shapes",
      "latent_diffusion_shapes",
      "stackgan_shapes",
      "text_diffusion_shapes",
      "token_prior_shapes",
      "unclip_shapes",
    ),
    data={"unseen": True},
    scales=(1.0, 2.0, 4.0),
  )
}


def add_guidance(folder: Path, scales: Sequence[float]):
  """Adds "guidance", what `guidance_curve` finds, to evaluation.json of the run in a folder.

  Nothing is measured twice; of a model without guidance it is [].
  """
  evaluation = read_json(folder / "evaluation.json")
  if "guidance" in evaluation:
    return
  run = load(folder)
  found = (
    guidance_curve(run, pipeline.load_data(run.config), scales, GUIDED) if guided(run.model) else []
  )
  write_json(folder / "evaluation.json", evaluation | {"guidance": found})


def guided(model: Model) -> bool:
  """Whether samples can be guided: the network is then evaluated twice."""
  return model.calls(scale=2.0) > model.calls()


def guidance_curve(run: Run, dataset, scales: Sequence[float], n: int) -> list[dict]:
  """The `sweep` over guidance scales: the agreement of n samples with their captions, FID, ..."""
  options = [sample_options(run.config) | {"scale": scale} for scale in scales]
  return sweep(run, dataset, options, n, chosen("auto", dataset, dataset.fields))


def draw_guidance(evaluations: dict[str, dict], path: Path):
  """Draws the guidance curves of evaluations {name: evaluation.json}, where there are any."""
  curves = {name: e["guidance"] for name, e in evaluations.items() if e.get("guidance")}

  def paint(*axes):
    for ax, measure in zip(axes, ("all", "recall", "fid")):
      for name, curve in curves.items():
        ax.plot([row["scale"] for row in curve], [row[measure] for row in curve], "o-", label=name)
      ax.set(xlabel="guidance scale", title=measure, ylim=(0, None))
    axes[-1].legend(fontsize=7)  # FID rises with guidance and leaves room.

  if curves:
    save(path, plot(paint, 3, 4))


def draw_asked(folders: Sequence[Path], path: Path):
  """Draws test images, below their captions, and the samples of each run given these captions."""
  rows, names = [], ["test images"]
  for folder in folders:
    run = load(folder)
    dataset = pipeline.load_data(run.config)
    n = run.config["sample"]["n"]
    given = given_rows(run, dataset, n)
    options = sample_options(run.config)
    rows.append(run.sample(n, run.config["sample"]["seed"], given, **options)["image"][:COLUMNS])
    names.append(folder.name)
  real = {k: x[:COLUMNS] for k, x in dataset.splits["test"].items()}
  picture = grid(np.concatenate([real["image"], *rows]), 256, columns=COLUMNS)
  captions = words(real["tokens"], dataset.fields["tokens"])
  save(path, plot(lambda ax: label(ax, picture, names, captions), 1, 10))


def label(ax, picture, rows: Sequence[str], columns: Sequence[str]):
  """Shows a grid of images with the names of its rows and columns."""
  middles = lambda n, length: (np.arange(n) + 0.5) * length / n
  wrapped = [textwrap.fill(text, 14) for text in columns]
  ax.imshow(picture)
  ax.set_yticks(middles(len(rows), len(picture)), rows)
  ax.set_xticks(middles(len(columns), picture.shape[1]), wrapped, fontsize=7)
  ax.tick_params(length=0, labeltop=True, labelbottom=False)
  ax.spines[:].set_visible(False)
