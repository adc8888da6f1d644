"""A Wasserstein critic's distance falls as the samples get better; a classifying critic's loss need
not.

The practical promise of WGAN (Arjovsky 2017, arXiv:1701.07875, figures 3 and 4). Along the training
of a GAN with R1 and of a WGAN-GP of digits, what their critics report over the last updates of the
generator is put beside the FID of the samples: of the GAN 2 log 2 - critic_loss, which without R1
is 2 JSD at the best critic, of the WGAN f(x) - f(G(z)), the distance. The distance falls with the
FID for 2,000 updates; then the critic, which sees the same 1,500 images again and again, holds it
while the samples still get better. Of the GAN's loss the FID can't be read at any time.
"""

from pathlib import Path
import tempfile

import numpy as np
from scipy.stats import spearmanr

from experiments.lessons._runs import trained
from genjax_zoo.figures.pictures import plot
from genjax_zoo.log import read_rows

REPORTS = {
  "gan_digits": ("2 log 2 - critic loss", lambda row: 2 * np.log(2) - row["critic_loss"]),
  "wgan_gp_digits": ("f(x) - f(G(z))", lambda row: row["distance"]),
}


def lesson(smoke):
  steps = {f"train.{k}": 100 for k in ("log_every", "fid_every")} | {"train.sample_every": 0}
  steps |= {"train.steps": 300, "evaluate.samples": 100} if smoke else {"train.steps": 4000}
  numbers, found = {}, {}
  for config, (_, report) in REPORTS.items():
    with tempfile.TemporaryDirectory() as folder:
      trained(config, Path(folder), **steps, **{"train.save_every": steps["train.steps"]})
      rows = read_rows(Path(folder) / "metrics.jsonl")
    fids = {row["step"]: row["fid"] for row in rows if "fid" in row}
    reports = {row["step"]: float(report(row)) for row in rows if "critic_loss" in row}
    at = sorted(fids)
    found[config] = at, [fids[s] for s in at], [reports[s] for s in at]
    rank = float(spearmanr(*found[config][1:]).statistic)
    numbers[config] = dict(zip(("steps", "fid", "critic"), found[config])) | {
      "rank correlation": rank
    }

  def paint(*axes):
    for ax, (config, (at, fids, reports)) in zip(axes, found.items()):
      ax.loglog(at, fids, label="FID of the samples")
      ax.loglog(at, reports, label=REPORTS[config][0])
      title = f"{config}: rank correlation {numbers[config]['rank correlation']:.2f}"
      ax.set(title=title, xlabel="updates of the generator")
      ax.legend()

  return numbers, [
    (plot(paint, 2), "What the critic reports, and the quality of the samples, along training.")
  ]
