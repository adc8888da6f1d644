"""A Wasserstein critic's distance falls as the samples get better; a classifying critic's loss need not.

The practical promise of WGAN (Arjovsky 2017, arXiv:1701.07875, figures 3 and 4). A GAN with R1 and a WGAN-GP of digits
are stopped along their training, and what their critics report over the last 100 updates of the generator is put
beside the FID of the samples: of the GAN 2 log 2 - critic_loss, which without R1 is 2 JSD at the best critic, of the
WGAN f(x) - f(G(z)), the distance.
"""

from pathlib import Path
import tempfile

import numpy as np
from scipy.stats import spearmanr

from experiments.lessons._runs import measured, trained
from genjax_zoo.log import read_rows
from genjax_zoo.pictures import plot

STOPS = 100, 200, 400, 700, 1000, 2000, 4000
REPORTS = {
  "gan_digits": ("2 log 2 - critic loss", lambda row: 2 * np.log(2) - row["critic_loss"]),
  "wgan_gp_digits": ("f(x) - f(G(z))", lambda row: row["distance"]),
}


def lesson(smoke):
  stops, n = (STOPS[:3], 100) if smoke else (STOPS, 1000)
  numbers, found = {}, {}
  for config, (_, report) in REPORTS.items():
    fids, reports = [], []
    with tempfile.TemporaryDirectory() as folder:
      for stop in stops:
        steps = {"train.steps": stop, "train.log_every": 100, "train.save_every": 100, "train.sample_every": 0}
        run, dataset = trained(config, Path(folder), False, **steps)
        fids.append(measured(run, dataset, n)["fid"])
        reports.append(float(report(read_rows(Path(folder) / "metrics.jsonl")[-1])))
    rank = float(spearmanr(fids, reports).statistic)
    numbers[config] = {"steps": list(stops), "fid": fids, "critic": reports, "rank correlation": rank}
    found[config] = fids, reports, rank

  def paint(*axes):
    for ax, (config, (fids, reports, rank)) in zip(axes, found.items()):
      ax.loglog(stops, fids, "o-", label="FID of the samples")
      ax.loglog(stops, reports, "s-", label=REPORTS[config][0])
      ax.set(title=f"{config}: rank correlation {rank:.2f}", xlabel="updates of the generator")
      ax.legend()

  return numbers, [(plot(paint, 2), "What the critic reports, and the quality of the samples, along training.")]
