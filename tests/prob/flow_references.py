"""Writes tests/fixtures/flows.npz: splines of nflows, coupling and autoregressive flows of zuko.

All in float64.

python tests/prob/flow_references.py      # in an environment with torch, nflows and zuko
"""

import math
from pathlib import Path

from nflows.transforms.splines.rational_quadratic import (
  unconstrained_rational_quadratic_spline as spline,
)
import numpy as np
import torch
from zuko.transforms import AutoregressiveTransform, CouplingTransform, MonotonicAffineTransform

N, DIM, BINS, HIDDEN, BOUND, LEAST = 32, 5, 6, 8, 3.0, 1e-3


def main():
  rng = np.random.default_rng(0)
  found = {}
  draw = lambda *shape: torch.tensor(rng.normal(size=shape))
  params = 2 * draw(N, 3 * BINS - 1)
  x = torch.tensor(rng.uniform(-1.3 * BOUND, 1.3 * BOUND, N))
  start = math.log(math.expm1(1 - LEAST))  # Where nflows' slopes are 1.
  raw = params[:, :BINS], params[:, BINS : 2 * BINS], params[:, 2 * BINS :] + start
  for name, inverse in {"spline": False, "inverse_spline": True}.items():
    y, log_slope = spline(x, *raw, inverse=inverse, tail_bound=BOUND)
    found |= {f"{name}_y": y, f"{name}_log_slope": log_slope}
  found |= {"spline_params": params, "spline_x": x}

  def affine(params):
    """s = 2 tanh(raw / 2), with zuko's own softening of scales undone."""
    s = 2 * torch.tanh(params[..., 0] / 2)
    return MonotonicAffineTransform(params[..., 1], s / (1 - abs(s / math.log(1e-3))))

  v = draw(N, DIM)
  fixed = DIM // 2
  w = draw(fixed, HIDDEN)
  u = draw(HIDDEN, (DIM - fixed) * 2)
  net = lambda x: (torch.tanh(x @ w) @ u).reshape(len(x), -1, 2)
  mask = torch.arange(DIM) < fixed
  masked = draw(DIM, DIM, 2) * (torch.arange(DIM)[:, None] < torch.arange(DIM))[..., None]
  causal = lambda x: torch.tanh(torch.einsum("bi,idk->bdk", x, masked))
  flows = {
    "coupling": CouplingTransform(lambda x: affine(net(x)), mask),
    "autoregressive": AutoregressiveTransform(lambda x: affine(causal(x)), DIM),
  }
  for name, flow in flows.items():
    y, log_det = flow.call_and_ladj(v)
    found |= {
      f"{name}_y": y,
      f"{name}_log_det": log_det.reshape(N, -1).sum(-1),
      f"{name}_inverse": flow.inv(v),
    }
  found |= {"x": v, "w": w, "u": u, "masked": masked}
  path = Path(__file__).parents[1] / "fixtures" / "flows.npz"
  np.savez(path, **{k: x.numpy() for k, x in found.items()})


if __name__ == "__main__":
  main()
