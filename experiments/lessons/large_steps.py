"""A large step back from noise has many ends: a Gaussian can't say so, a conditional GAN can, if it
has a latent.

The reverse chain is Gaussian only for small steps (decks A, line 905; B, line 637; D, line 385):
q(x_s | x_t) is p(x_s) q(x_t | x_s), normalised. Of two modes on a line its divergence from the
Gaussian of its mean and variance is 1e-7 nats for a step of 1/1000 of the way, 2e-4 for 1/20, and
0.39 for 1/4, where it has two modes itself.

Deck C asks for diffusion that samples fast. On 25 Gaussians in four steps: flow matching, whose
steps lead towards the mean of where x may have come from; and the denoising diffusion GAN (Xiao
2021, arXiv:2112.07804, table 3) with and without its latent z, of the same network, steps and
batch. A mode is found if it gets at least a fifth of its due of 10,000 samples; of high quality are
those within 3 standard deviations of one.

Seed 0: flow matching finds none, 3 % of high quality; without z 23 and 90 %, with z 24 and 93 %.
What tells more is how evenly: the reverse KL of the modes' shares is 0.12 without z and 0.05 with
it.
"""

from pathlib import Path
import tempfile

import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot
from genjax_zoo.metrics.modes import gaussian_modes
from genjax_zoo.metrics.quality import draw
from genjax_zoo.prob.processes import transition
from genjax_zoo.prob.schedules import vp

SAME = {  # As the DDGAN has it.
  "data.name": "25gaussians",
  "data.batch": 512,
  "train.steps": 5000,
  "train.ema": 0.999,
  "model.hidden": (128, 128),
  "model.octaves": (-1, 0, 1, 2),
}
RUNS = {
  "flow matching": ("flow_matching_2d", SAME, {"sampler": "ddim", "steps": 4}),
  "DDGAN without z": ("ddgan_25gaussians", {"model.latent": 0}, {}),
  "DDGAN": ("ddgan_25gaussians", {}, {}),
}

MODE, SD = 1.0, 0.1  # Data on a line: two Gaussians, at -MODE and MODE.
LINE, NOW, STEPS = (
  np.linspace(-4, 4, 2001),
  0.35,
  {"1/1000": 1 / 1000, "1/20": 1 / 20, "1/4": 1 / 4},
)


def normal(x, mean, sd):
  return np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))


def diffused(level):
  """p(x_t) on LINE: the two Gaussians, moved and widened."""
  sd = np.hypot(level.alpha * SD, level.sigma)
  return (normal(LINE, level.alpha * MODE, sd) + normal(LINE, -level.alpha * MODE, sd)) / 2


def step_back(step, x=0.2):
  """q(x_s | x_t) on LINE, s = NOW - `step`, t = NOW; the Gaussian of its moments; and its
  divergence from that.
  """
  s, t = vp(NOW - step), vp(NOW)
  ratio, sd = transition(s, t)
  mass = lambda f: f.sum() * (LINE[1] - LINE[0])
  q = diffused(s) * normal(x, ratio * LINE, sd)  # By Bayes' rule, but for a factor.
  q = q / mass(q)
  mean = mass(q * LINE)
  gaussian = normal(LINE, mean, np.sqrt(mass(q * (LINE - mean) ** 2)))
  return q, gaussian, mass(q * np.log(np.maximum(q, 1e-30) / np.maximum(gaussian, 1e-30)))


def line(steps):
  """A picture of p(x_t) at all t, and of the ways back from one x_t."""
  times = np.linspace(1e-3, 1, 300)

  def paint(first, *axes):
    first.imshow(
      np.stack([diffused(vp(t)) for t in times], 1) ** 0.5,
      aspect="auto",
      origin="lower",
      extent=(0, 1, -4, 4),
    )
    first.set(title="p(x_t)", xlabel="t", ylim=(-3, 3))
    for ax, (name, (q, gaussian, nats)) in zip(axes, steps.items()):
      ax.fill_between(LINE, q, alpha=0.4)
      ax.plot(LINE, gaussian, color="black", linewidth=1)
      seen = LINE[q > 1e-3 * q.max()]
      ax.set(title=f"t - s = {name}: {nats:.2g} nats", yticks=[], xlim=(seen[0], seen[-1]))

  return plot(paint, 1 + len(steps), 3.5)


def lesson(smoke):
  numbers, shown = {}, {}
  for name, (config, changes, options) in RUNS.items():
    with tempfile.TemporaryDirectory() as folder:
      run, dataset = trained(
        config, Path(folder) / "run", smoke, **changes | ({"train.steps": 2} if smoke else {})
      )
      x = shown[name] = draw(run, dataset, 200 if smoke else 10_000, **options)["x"]
    numbers[name] = gaussian_modes(x, dataset.truth["centres"], dataset.truth["sd"], share=0.2)
  edge = 1.3 * abs(dataset.truth["centres"]).max()

  def paint(*axes):
    for ax, (name, x) in zip(axes, shown.items()):
      ax.scatter(*x[:3000].T, s=1)
      ax.set(title=name, xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")

  steps = {name: step_back(step) for name, step in STEPS.items()}
  numbers["nats from a Gaussian"] = {name: float(nats) for name, (_, _, nats) in steps.items()}
  caption = (
    f"Two modes on a line on their way to noise; and q(x_s | x_t) at t = {NOW}, in blue, with the Gaussian of its mean "
    "and variance, for steps back of three lengths."
  )
  return numbers, [(plot(paint, len(RUNS), 3.5), "Samples in four steps."), (line(steps), caption)]
