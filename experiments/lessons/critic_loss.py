"""A Wasserstein critic's distance falls as samples improve; a classifying critic's loss need not.

The practical promise of WGAN (Arjovsky 2017, arXiv:1701.07875, figures 3 and 4). During the
training of a GAN with R1 and of a WGAN-GP on digits, the critic's report over the last updates of
the generator is compared with the FID of the samples. For the GAN the report is 2 log 2 -
critic_loss, which is 2 JSD at the best critic without R1; for the WGAN it is f(x) - f(G(z)), the
distance. The distance falls with the FID for 2,000 updates; then the critic, which is trained on
the same 1,500 images again and again, keeps it constant while the samples still improve. The GAN's
loss never says anything about the FID.

Verdict: holds for 2,000 updates, until the critic knows the training images.
"""

from pathlib import Path
import tempfile

import numpy as np
from scipy.stats import spearmanr

from experiments.lessons._runs import trained_in
from genjax_zoo.figures.pictures import plot
from genjax_zoo.log import read_rows

REPORTS = {
  "gan_digits": ("2 log 2 - critic loss", lambda row: 2 * np.log(2) - row["critic_loss"]),
  "wgan_gp_digits": ("f(x) - f(G(z))", lambda row: row["distance"]),
}


def lesson(smoke):
  steps = 300 if smoke else 4000
  changes = {
    "train.steps": steps,
    "train.save_every": steps,
    "train.log_every": 100,
    "train.fid_every": 100,
    "train.sample_every": 0,
  }
  if smoke:
    changes["evaluate.samples"] = 100
  results = {}
  for config, (_, report) in REPORTS.items():
    with tempfile.TemporaryDirectory() as folder:
      trained_in(Path(folder), config, **changes)
      rows = read_rows(Path(folder) / "metrics.jsonl")
    fids = {row["step"]: row["fid"] for row in rows if "fid" in row}
    reports = {row["step"]: float(report(row)) for row in rows if "critic_loss" in row}
    found = {
      "steps": sorted(fids),
      "fid": [fids[step] for step in sorted(fids)],
      "critic": [reports[step] for step in sorted(fids)],
    }
    correlation = float(spearmanr(found["fid"], found["critic"]).statistic)
    results[config] = found | {"rank correlation": correlation}

  def paint(*axes):
    for ax, (config, found) in zip(axes, results.items()):
      ax.loglog(found["steps"], found["fid"], label="FID of the samples")
      ax.loglog(found["steps"], found["critic"], label=REPORTS[config][0])
      title = f"{config}: rank correlation {found['rank correlation']:.2f}"
      ax.set(title=title, xlabel="updates of the generator")
      ax.legend()

  caption = "The critic's report and the quality of the samples during training."
  return results, [(plot(paint, 2), caption)]
