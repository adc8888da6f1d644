"""The page of a data set's runs: what may stand in one table does, in the order asked for, and every number is there."""

import json

import numpy as np
import pytest

from genjax_zoo.compare import write_comparison
from genjax_zoo.pictures import save

QUALITY = {
  "fid": 12.5, "kid": 0.0042, "kid_standard_error": 0.0003, "sliced_wasserstein": 0.7, "precision": 0.8, "recall": 0.7,
  "density": 0.9, "coverage": 0.85, "copies": 0.45, "fid_train_vs_test": 2.75, "fid_noise_vs_test": 271.25,
  "samples": 1000, "reference": "digits test", "reference_examples": 297, "features": "digits@sha256:6170c57c",
}  # fmt: skip


def evaluation(name, model, likelihood=None, quality={}, seconds=7.5, device="cpu"):
  kind, nats = likelihood or (None, None)
  found = None if likelihood is None else {
    "kind": kind, "estimator": kind, "nats": -nats, "standard_error": 0.5, "bits_per_dim": nats / (64 * np.log(2)),
  }  # fmt: skip
  return {
    "model": model, "config": name, "data": "digits", "split": "test", "examples": 297, "step": 400, "parameters": 45665,
    "seed": 0, "likelihood": found, "quality": QUALITY | quality if quality is not None else None,
    "sampling": {"seconds_per_image": 3e-5, "network_evaluations": 1, "batch": 64, "device": device},
    "training": {
      "seconds": seconds, "compile_seconds": 11.5, "steps_per_second": 760.0, "examples_per_second": 76000.0,
      "device": device, "versions": {"jax": "0.10.2"},
    },
  }  # fmt: skip


def run(folder, name, about, losses=("loss",), seed=0, binarize=None):
  """A run folder, as training leaves it."""
  rng, folder = np.random.default_rng(seed), folder / name
  for step in (200, 400):
    save(folder / "samples" / f"step_{step:07d}.png", rng.integers(0, 255, (90, 90, 3), np.uint8))
  rows = [
    {"step": 20 * i, "seconds": 0.1 * i} | {loss: 100 / i + 3 + rng.normal() / 9 for loss in losses}
    for i in range(1, 21)
  ]
  (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  (folder / "config.json").write_text(json.dumps({"name": name, "data": {"name": "digits", "binarize": binarize}}))
  fields = {"image": {"shape": [8, 8, 1], "dtype": "uint8", "levels": 2 if binarize else 17}}
  (folder / "data.json").write_text(json.dumps({"fields": fields, "stages": {}}))
  (folder / "evaluation.json").write_text(json.dumps(about))
  (folder / "report.html").write_text("<p>the run's own report")
  return folder


@pytest.fixture
def runs(tmp_path):
  """Runs of all kinds: exact, bound, estimate, none; one conditional, one without quality, one with other features."""
  other = {"features": "inception-2015-12-05", "fid": 1.5}
  return [
    run(tmp_path, "vae_digits", evaluation("vae_digits", "vae", ("lower_bound", 100.0), {"fid": 19.5}), seed=1),
    run(tmp_path, "flow_digits", evaluation("flow_digits", "flow", ("exact", 104.25), {"fid": 9.25}, 100.0), seed=2),
    run(
      tmp_path, "ar_digits", evaluation("ar_digits", "ar", ("exact", 88.5), {"fid": 101.0, "agreement": 0.9}), seed=3
    ),
    run(tmp_path, "gan_digits", evaluation("gan_digits", "gan", None, {"fid": 7.5}, 12.0), ("gen_loss", "critic_loss")),
    run(tmp_path, "score_digits", evaluation("score_digits", "score", ("estimate", 90.0), None), seed=5),
    run(tmp_path, "other_digits", evaluation("other_digits", "vae", ("lower_bound", 80.0), other), seed=6),
  ]


FAILURES = {"glow_digits": "FloatingPointError: loss is nan <at> step 30"}
NOTES = ["vae_digits: 0.50 of its steps, to train for 60 s"]


@pytest.fixture
def folder(runs, tmp_path):
  write_comparison(tmp_path / "zoo page", runs, FAILURES, NOTES, "python -m experiments.zoo --data=digits --budget=1m")
  return tmp_path / "zoo page"
