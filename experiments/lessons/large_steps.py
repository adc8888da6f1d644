"""A large step back from noise has many ends: a Gaussian can't say so, a conditional GAN can, if it has a latent.

Deck C asks for diffusion that samples fast. On 25 Gaussians in four steps: flow matching, whose steps lead towards the
mean of where x may have come from; and the denoising diffusion GAN (Xiao 2021, arXiv:2112.07804, table 3) with and
without its latent z. A mode is found if it gets at least a fifth of its due of 10,000 samples; of high quality are
those within 3 standard deviations of one.

Seed 0: flow matching finds none, 3 % of high quality; without z 23 and 90 %, with z 24 and 93 %. What tells more is how
evenly: the reverse KL of the modes' shares is 0.12 without z and 0.05 with it.
"""

from pathlib import Path
import tempfile

from experiments.lessons._runs import trained
from genjax_zoo.metrics.modes import gaussian_modes
from genjax_zoo.pictures import plot
from genjax_zoo.quality import draw

RUNS = {
  "flow matching": ("flow_matching_2d", {"data.name": "25gaussians"}, {"sampler": "ddim", "steps": 4}),
  "DDGAN without z": ("ddgan_25gaussians", {"model.latent": 0}, {}),
  "DDGAN": ("ddgan_25gaussians", {}, {}),
}


def lesson(smoke):
  numbers, shown = {}, {}
  for name, (config, changes, options) in RUNS.items():
    with tempfile.TemporaryDirectory() as folder:
      run, dataset = trained(config, Path(folder) / "run", smoke, **changes)
      x = shown[name] = draw(run, dataset, 200 if smoke else 10_000, **options)["x"]
    numbers[name] = gaussian_modes(x, dataset.truth["centres"], dataset.truth["sd"], share=0.2)
  edge = 1.3 * abs(dataset.truth["centres"]).max()

  def paint(*axes):
    for ax, (name, x) in zip(axes, shown.items()):
      ax.scatter(*x[:3000].T, s=1)
      ax.set(title=name, xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")

  return numbers, [(plot(paint, len(RUNS), 3.5), "Samples in four steps.")]
