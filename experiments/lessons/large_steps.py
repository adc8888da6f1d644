"""A large denoising step has many outcomes, which a conditional GAN expresses and a Gaussian can't.

The reverse chain is Gaussian only for small steps (decks A, line 905; B, line 637; D, line 385):
q(x_s | x_t) is p(x_s) q(x_t | x_s), normalised. For two modes on a line its divergence from the
Gaussian of its mean and variance is 1e-7 nats for a step of t - s = 1/1000, 2e-4 for 1/20, and 0.39
for 1/4, where it has two modes itself.

Deck C asks for diffusion that samples fast. On 25 Gaussians in four steps: flow matching, whose
steps move towards the mean of all x_0 that x_t may come from; and the denoising diffusion GAN (Xiao
2021, arXiv:2112.07804, table 3) with and without its latent z, with the same network, steps and
batch. A mode counts as found if it gets at least a fifth of its expected share of 10,000 samples; a
sample is of high quality within 3 standard deviations of a mode.

Seed 0: flow matching finds no mode, 3 % of high quality; without z 23 modes and 90 %, with z 24 and
93 %. How even the modes are says more: the reverse KL of their shares is 0.12 without z and 0.05
with it.

Verdict: holds: with a Gaussian for each step no mode is found, with the GAN 24 of 25.
"""

import numpy as np

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot
from genjax_zoo.metrics.modes import gaussian_modes
from genjax_zoo.metrics.quality import draw
from genjax_zoo.prob.processes import transition
from genjax_zoo.prob.schedules import vp

AS_DDGAN = {
  "data.name": "25gaussians",
  "data.batch": 512,
  "train.steps": 5000,
  "train.ema": 0.999,
  "model.network.hidden": (128, 128),
  "model.network.fourier": (-1, 0, 1, 2),
}
RUNS = {  # Name: (config, changes, options of sampling).
  "flow matching": ("flow_matching_2d", AS_DDGAN, {"sampler": "ddim", "steps": 4}),
  "DDGAN without z": ("ddgan_25gaussians", {"model.z_dim": 0}, {}),
  "DDGAN": ("ddgan_25gaussians", {}, {}),
}

# On a line: the data are two Gaussians at -MODE and MODE.
MODE, SD = 1.0, 0.1
LINE = np.linspace(-4, 4, 2001)
NOW = 0.35
STEPS = {"1/1000": 1 / 1000, "1/20": 1 / 20, "1/4": 1 / 4}


def normal(x, mean, sd):
  return np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))


def marginal(level):
  """p(x_t) on LINE: the two Gaussians, scaled and with noise."""
  sd = np.hypot(level.alpha * SD, level.sigma)
  return (normal(LINE, level.alpha * MODE, sd) + normal(LINE, -level.alpha * MODE, sd)) / 2


def integral(f):
  """The integral of a function given on LINE."""
  return f.sum() * (LINE[1] - LINE[0])


def step_back(step, x=0.2):
  """(q(x_s | x_t = x) on LINE, the Gaussian of its moments, KL between them); s = t - step."""
  s, t = vp(NOW - step), vp(NOW)
  ratio, sd = transition(s, t)
  q = marginal(s) * normal(x, ratio * LINE, sd)  # Bayes' rule, up to a factor.
  q = q / integral(q)
  mean = integral(q * LINE)
  gaussian = normal(LINE, mean, np.sqrt(integral(q * (LINE - mean) ** 2)))
  log_ratio = np.log(np.maximum(q, 1e-30) / np.maximum(gaussian, 1e-30))
  return q, gaussian, integral(q * log_ratio)


def line_plot(steps):
  """A picture of p(x_t) at all t, and of q(x_s | x_t) for each of `steps`."""
  times = np.linspace(1e-3, 1, 300)

  def paint(first, *axes):
    first.imshow(
      np.stack([marginal(vp(t)) for t in times], 1) ** 0.5,
      aspect="auto",
      origin="lower",
      extent=(0, 1, -4, 4),
    )
    first.set(title="p(x_t)", xlabel="t", ylim=(-3, 3))
    for ax, (name, (q, gaussian, nats)) in zip(axes, steps.items()):
      ax.fill_between(LINE, q, alpha=0.4)
      ax.plot(LINE, gaussian, color="black", linewidth=1)
      support = LINE[q > 1e-3 * q.max()]
      ax.set(title=f"t - s = {name}: {nats:.2g} nats", yticks=[], xlim=(support[0], support[-1]))

  return plot(paint, 1 + len(steps), 3.5)


def lesson(smoke):
  results, samples = {}, {}
  for name, (config, changes, options) in RUNS.items():
    if smoke:
      changes = changes | {"train.steps": 2}
    run, dataset = trained(config, smoke, **changes)
    samples[name] = draw(run, dataset, 200 if smoke else 10_000, **options)["x"]
    centres, sd = dataset.truth["centres"], dataset.truth["sd"]
    results[name] = gaussian_modes(samples[name], centres, sd, share=0.2)
  edge = 1.3 * abs(centres).max()

  def paint(*axes):
    for ax, (name, x) in zip(axes, samples.items()):
      ax.scatter(*x[:3000].T, s=1)
      ax.set(title=name, xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")

  steps = {name: step_back(step) for name, step in STEPS.items()}
  results["nats from a Gaussian"] = {name: float(nats) for name, (_, _, nats) in steps.items()}
  caption = (
    f"Two modes on a line turn into noise; and q(x_s | x_t) at t = {NOW}, in blue, with the "
    "Gaussian of its mean and variance, for steps of three lengths."
  )
  return results, [
    (plot(paint, len(RUNS), 3.5), "Samples in four steps."),
    (line_plot(steps), caption),
  ]
