"""The disentanglement study: do methods differ by more than seeds? (Locatello et al. 2019,
arXiv:1811.12359)

  python -m experiments.zoo --suite=disentanglement [--workdir=runs/disentanglement]

VAEs, beta-VAEs, a beta-TCVAE and a FactorVAE of dSprites, each with several seeds, scored by five
metrics against the true factors. Each run has its folder under the workdir, and a run that is done
is not trained again. Writes results.json and report.html.

Scores are of fewer votes and examples than published ones, of models trained 100 times shorter at
half the size: they compare with each other, not with papers.

Found with three seeds each: in six of seven scores seeds deviate by more than methods do
(FactorVAE's score 0.084 against 0.00, MIG 0.024 against 0.00), but not in DCI completeness (0.018
against 0.020). Reconstruction is monotone in beta: 18.9, 25.1, 34.6 and 46.5 nats at 1, 2, 4 and 8.
32 minutes of CPU time.
"""

from pathlib import Path

import numpy as np

from experiments import main, resolve as configs
from genjax_zoo.figures.common import held_out
from genjax_zoo.figures.latents import DIMS, traversed
from genjax_zoo.figures.pictures import grid, plot, save
from genjax_zoo.log import Log, write_json
from genjax_zoo.metrics.disentanglement import draw, information, scores
from genjax_zoo.report.page import image, page, section, table, tag
from genjax_zoo.sharding import jit

SEEDS = 0, 1, 2
BETA = "schedules.beta.value"
METHODS = {  # A config, and what is changed in it.
  "VAE": ("vae_dsprites", {BETA: 1}),
  "beta-VAE, 2": ("vae_dsprites", {BETA: 2}),
  "beta-VAE, 4": ("vae_dsprites", {BETA: 4}),
  "beta-VAE, 8": ("vae_dsprites", {BETA: 8}),
  "beta-TCVAE, 6": ("vae_dsprites", {BETA: 1, "model.tc": 6}),
  "FactorVAE, 35": ("factor_vae_dsprites", {}),
}
VOTES, EXAMPLES = (1000, 500), (5000, 2000)
# Whose latent is set beside the other methods'; so short a training learns nothing of the
# orientation.
FACTOR = "x"


def settings(method, seed, smoke):
  """The config of a method and a seed."""
  name, changes = METHODS[method]
  config = configs.resolve(f"configs/{name}.py" + (":smoke" if smoke else ""))
  for key, value in {**changes, "train.seed": seed}.items():
    configs.override(config, f"{key}={value}")
  return config


def measure(config, folder, dataset, smoke):
  """(scores, reconstruction and KL; traversals [D, columns, H, W, C]; I(z_d; FACTOR) [D]), in nats,
  of a run.

  It is trained if it is not.
  """
  with Log(folder, config.train.steps) as log:
    run = main.fit(config.to_dict(), folder, dataset, {}, log)
  if run.step < config.train.steps:
    raise KeyboardInterrupt
  factors, test = dataset.truth["factors"], held_out(run, dataset)
  mean = lambda weights, levels: run.model.encode(
    weights, run.state, {"image": factors.render(levels)}, None
  )["z"]
  encode = jit(mean)
  few = dict(votes=(50, 50), examples=(200, 100)) if smoke else dict(votes=VOTES, examples=EXAMPLES)
  code = lambda levels: np.asarray(encode(run.weights, levels))
  found = scores(factors.sizes, code, **few)
  metrics = run.evaluate(test)
  found |= {k: float(np.mean(metrics[k])) for k in ("reconstruction", "kl")}
  pixels = lambda params, state, latents, key: {
    "image": run.model.parts["mean"](params, state, latents)
  }
  shown, z = run._replace(model=run.model._replace(decode=pixels)), run.encode(test)
  codes, levels = draw(np.random.default_rng(0), factors.sizes, code, few["examples"][0])
  told = information(codes, levels)[:, factors.names.index(FACTOR)]
  return found, traversed(shown, dataset, z, "z", range(z["z"].shape[1])), told


def spread(values) -> tuple[float, float]:
  """(deviation between methods, between seeds of a method) of scores [methods, seeds], n seeds.

  A one-way analysis of variance: a method's mean varies between methods, and by its seeds,
  var(seeds) / n, as well.
  """
  within = values.var(1, ddof=1).mean()
  between = max(values.mean(1).var(ddof=1) - within / values.shape[1], 0)
  return float(between**0.5), float(within**0.5)


def study(folder: Path, methods=tuple(METHODS), seeds=SEEDS, smoke: bool = False):
  """Trains, scores and writes all; a run that is there is not trained again."""
  results, pictures, moves = {}, [], {}
  dataset = main.load_data(settings(methods[0], 0, smoke))
  for method in methods:
    name = method.lower().replace(", ", "_").replace(" ", "_")
    results[method] = []
    for seed in seeds:
      found, images, nats = measure(
        settings(method, seed, smoke), folder / f"{name}_{seed}", dataset, smoke
      )
      results[method].append(found)
      print(
        f"{method}, seed {seed}: " + ", ".join(f"{k} {v:.3f}" for k, v in found.items()), flush=True
      )
      if seed == seeds[0]:
        save(folder / f"{name}.png", grid(np.concatenate(images[:DIMS]), columns=images.shape[1]))
        moves[f"{method} ({nats.max():.2f} nats)"] = images[nats.argmax()]
        pictures.append(
          image(folder / f"{name}.png", f"{method}: each row moves one latent, seed {seed}.")
        )
  moved = np.stack(list(moves.values()))
  save(folder / "factor.png", grid(np.concatenate(moved), columns=moved.shape[1]))
  caption = f"The latent that says most of {FACTOR}, seed {seeds[0]}, from top to bottom: {', '.join(moves)}."
  write_report(folder, results, (image(folder / "factor.png", caption), *pictures))


def write_report(folder: Path, results: dict[str, list[dict]], pictures):
  """results.json, scores.png and report.html of the runs of every method; `pictures` are HTML, that
  of FACTOR first.
  """
  found = next(iter(results.values()))[0]
  kinds = [k for k in found if k not in ("reconstruction", "kl")]
  table_of = lambda k: np.array([[run[k] for run in runs] for runs in results.values()])
  apart = {k: dict(zip(("methods", "seeds"), spread(table_of(k)))) for k in kinds}
  write_json(folder / "results.json", {"runs": results, "deviation between": apart})

  def paint(*axes):
    for ax, kind in zip(axes, found):
      for i, scored in enumerate(table_of(kind)):
        ax.scatter(scored, [-i] * len(scored))
      ax.set(title=kind, yticks=range(0, -len(results), -1), xlim=(0, 1 if kind in kinds else None))
      ax.set_yticklabels(results if ax is axes[0] else [])

  save(folder / "scores.png", plot(paint, len(found), 2.4))
  cells = {k: [f"{row.mean():.2f} ± {row.std(ddof=1):.2f}" for row in table_of(k)] for k in found}
  rows = [(method, *(cells[k][i] for k in found)) for i, method in enumerate(results)]
  told = [f"{k}: methods {v['methods']:.3f}, seeds {v['seeds']:.3f}" for k, v in apart.items()]
  body = [
    tag(
      "header",
      tag("h1", "Disentanglement: methods and seeds"),
      tag("p", " ".join(__doc__.split("\n\n")[2].split())),
    ),
    section(
      "Scores",
      image(
        folder / "scores.png",
        "A dot is a run: one colour a method, one dot a seed; the last two in nats.",
      ),
    ),
    section("Means and deviations over seeds", table(rows, ("method", *found))),
    section(
      "Deviation between methods, and between seeds of a method", *(tag("p", line) for line in told)
    ),
    section(f"What moves {FACTOR}", pictures[0]),
    section("Traversals", *pictures[1:]),
  ]
  (folder / "report.html").write_text(page("Disentanglement", *body))
