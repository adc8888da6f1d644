"""One step is enough for models made for it: reflow and consistency models against their teachers.

Deck C ends with the slowness of diffusion. One step of Heun or Euler from pure noise is the mean of
the data, a blur, or near it. A flow trained on its own pairs of noise and sample (reflow) has
straight ways; a consistency model says the end of each way, distilled from its teacher or learned
from data alone. All have one U-Net and as many steps of training; FID is of 1,000 samples of
digits, and straightness the mean squared deviation of ways from their chords.

Seed 0, one step and many: flow matching 10.7 and 0.12 (50 steps), reflow 0.17, its ways 25 times as
straight; EDM 6.4 and 0.12 (35 evaluations), distilled into a consistency model 0.27, and one
trained from data alone 0.22.
"""

from pathlib import Path
import tempfile

import jax

from experiments.lessons._runs import measured, trained
from genjax_zoo.figures.pictures import beside, grid
from genjax_zoo.metrics.quality import draw
from genjax_zoo.prob.transport import straightness
from genjax_zoo.sharding import jit

RUNS = {  # A config, and the steps that it samples in.
  "flow_matching_digits": (1, 50),
  "reflow_digits": (1, 2),
  "edm_digits": (1, 18),
  "consistency_distilled_digits": (1, 2),
  "consistency_digits": (1, 2),
}


def lesson(smoke):
  numbers, shown, n = {}, [], 100 if smoke else 1000
  with tempfile.TemporaryDirectory() as folder:
    for name, counts in RUNS.items():
      run, dataset = trained(name, Path(folder) / (name + "_smoke" * smoke), smoke)
      numbers[name] = {}
      for steps in counts:
        samples = draw(run, dataset, n, steps=steps)
        evaluations = run.model.calls(**{"steps": steps})
        numbers[name][f"{steps} steps"] = {
          "evaluations": evaluations,
          "fid": measured(samples, dataset)["fid"],
        }
        if steps == 1:
          shown.append(grid(samples["image"][:16], 17, 4, 5))
      if name in ("flow_matching_digits", "reflow_digits"):
        denoise = lambda x, level, run=run: run.model.parts["denoise"](
          run.weights, run.state, x, level, None
        )
        eps = jax.random.normal(jax.random.key(0), (200, 8, 8, 1))
        numbers[name]["straightness"] = float(jit(lambda eps: straightness(denoise, eps))(eps))
  return numbers, [(beside(*shown), f"One step each: {', '.join(RUNS)}.")]
