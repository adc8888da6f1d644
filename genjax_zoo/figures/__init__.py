"""The figures of a run: those that its model and its data allow, whatever the model's name.

Each is a function (run, dataset, test, encoded) -> (picture, caption), or None where the model or
the data can't have it: `test` is a batch of held-out examples in random order, and `encoded()`
returns their latents.
"""

import functools
import json
from pathlib import Path
import time

import jax

from genjax_zoo.data.dataset import Dataset, main_entry
from genjax_zoo.figures.autoregressive import attention, completions, receptive_field
from genjax_zoo.figures.clouds import noise_interpolations
from genjax_zoo.figures.common import held_out
from genjax_zoo.figures.diffusion import (
  forward_strip,
  inpainting,
  noise_errors,
  reverse_strip,
  score_fields,
  trajectories,
)
from genjax_zoo.figures.flows import attributes, temperatures, warped_grid
from genjax_zoo.figures.images import (
  cycles,
  interpolations,
  portraits,
  reconstructions,
  restorations,
  samples,
  spherical_interpolations,
  styles,
)
from genjax_zoo.figures.latents import active_units, clusters, latent_grid, latent_map, traversals
from genjax_zoo.figures.mapping import mixed_styles, paths, projections, truncations
from genjax_zoo.figures.pictures import save
from genjax_zoo.figures.plane import critic, density
from genjax_zoo.figures.scenes import surfaces, turntables
from genjax_zoo.figures.text import transfers
from genjax_zoo.figures.tokens import code_grids, codebook_use, mixed_codes, tokens_drawn
from genjax_zoo.log import WORTH_SAYING
from genjax_zoo.run import Run

FIGURES = (
  samples,
  reconstructions,
  restorations,
  cycles,
  styles,
  portraits,
  interpolations,
  spherical_interpolations,
  noise_interpolations,
  mixed_styles,
  paths,
  truncations,
  projections,
  traversals,
  latent_grid,
  latent_map,
  active_units,
  clusters,
  density,
  critic,
  forward_strip,
  reverse_strip,
  inpainting,
  noise_errors,
  trajectories,
  score_fields,
  warped_grid,
  temperatures,
  attributes,
  completions,
  receptive_field,
  attention,
  code_grids,
  codebook_use,
  tokens_drawn,
  mixed_codes,
  transfers,
  turntables,
  surfaces,
)

LONGEST = 300  # Seconds for the figures of a run.


def draw(run: Run, dataset: Dataset, folder, say=print) -> list[tuple[str, str]]:
  """Writes all figures of a run to `folder`, with captions.json; returns [(file name, caption)].

  A figure that fails has no file, and the reason as its caption, which `say` reports. After
  LONGEST seconds no other is begun.
  """
  folder = Path(folder)
  captions = []
  late = []
  begun = time.perf_counter()
  writes = jax.process_index() == 0
  test = held_out(run, dataset)
  encoded = functools.cache(lambda: run.encode(test))
  run = decoding_means(run, dataset)
  for figure in FIGURES:
    name = f"{figure.__name__}.png"
    title = figure.__name__.replace("_", " ")
    if writes:
      (folder / name).unlink(missing_ok=True)
    # Hosts that measure their own time would not agree on the last figure.
    if time.perf_counter() - begun > LONGEST and jax.process_count() == 1:
      late.append(title)
      continue
    started = time.perf_counter()
    try:
      made = figure(run, dataset, test, encoded)
      if made is None:
        continue
      picture, caption = made
      if writes:
        save(folder / name, picture)
    except Exception as e:  # A figure is not worth a run.
      reason = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
      caption = f"The figure of {title} could not be drawn: {reason}"
      say(f"figures/{name}: {reason}")
    if (took := time.perf_counter() - started) > WORTH_SAYING:
      say(f"figures/{name}: {took:.0f} s")
    captions.append((name, caption))
  if late:
    say(f"{LONGEST} s are over; these figures are left out: {', '.join(late)}")
  if writes:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "captions.json").write_text(json.dumps(captions, indent=1))
  return captions


def decoding_means(run: Run, dataset: Dataset) -> Run:
  """The run whose `decode` gives E[x | z] instead of a draw, where the model has the former."""
  mean = run.model.parts.get("mean")
  if mean is None:
    return run
  name = main_entry(dataset.fields)

  def decode(params, state, latents, key):
    return {name: mean(params, state, latents)}

  return run._replace(model=run.model._replace(decode=decode))
