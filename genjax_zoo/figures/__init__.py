"""The figures that a run's model can make, from what it has and never by its name.

Each is a function (run, dataset, test, encoded) -> (picture, caption), None where the model or the
data can't: `test` is a batch of held-out examples in random order and `encoded()` their latents.
"""

import functools
import json
from pathlib import Path

import jax

from genjax_zoo.data.dataset import Dataset
from genjax_zoo.figures.autoregressive import attention, completions, receptive_field
from genjax_zoo.figures.common import held_out
from genjax_zoo.figures.diffusion import (
  fields,
  forward_strip,
  inpainting,
  noise_errors,
  reverse_strip,
  ways,
)
from genjax_zoo.figures.flows import attributes, temperatures, warped_grid
from genjax_zoo.figures.images import arcs, interpolations, reconstructions, restorations, samples
from genjax_zoo.figures.latents import active_units, clusters, latent_grid, latent_map, traversals
from genjax_zoo.figures.pictures import save
from genjax_zoo.figures.plane import critic, density
from genjax_zoo.figures.text import transfers
from genjax_zoo.run import Run

FIGURES = (
  samples,
  reconstructions,
  restorations,
  interpolations,
  arcs,
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
  ways,
  fields,
  warped_grid,
  temperatures,
  attributes,
  completions,
  receptive_field,
  attention,
  transfers,
)


def draw(run: Run, dataset: Dataset, folder, say=print) -> list[tuple[str, str]]:
  """Writes all figures of a run to `folder`, with captions.json; returns pairs (file name,
  caption).

  A figure that fails has no file, the reason as its caption, and is told by `say`. The pictures are
  of `model.parts["mean"]`, (params, state, latents) -> floats in [0, 1], where there is one in
  place of `decode`.
  """
  folder, captions, writes = Path(folder), [], jax.process_index() == 0
  test = held_out(run, dataset)
  encoded = functools.cache(lambda: run.encode(test))
  if mean := run.model.parts.get("mean"):
    decode = lambda params, state, latents, key: {"image": mean(params, state, latents)}
    run = run._replace(model=run.model._replace(decode=decode))
  for figure in FIGURES:
    name = f"{figure.__name__}.png"
    if writes:
      (folder / name).unlink(missing_ok=True)
    try:
      if made := figure(run, dataset, test, encoded):
        captions.append((name, made[1]))
        if writes:
          save(folder / name, made[0])
    except Exception as e:  # A figure is not worth a run.
      reason = f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"
      captions.append(
        (name, f"The figure of {figure.__name__.replace('_', ' ')} could not be drawn: {reason}")
      )
      say(f"figures/{name}: {reason}")
  if writes:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "captions.json").write_text(json.dumps(captions, indent=1))
  return captions
