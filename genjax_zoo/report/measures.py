"""The measures of evaluation.json: what each is called, its unit, and which values are better."""

from collections.abc import Mapping
from typing import NamedTuple

LOWER = "lower is better"
HIGHER = "higher is better"
HALF = "1/2 at best"


class Measure(NamedTuple):
  """How a measure is shown; soft hyphens (\\u00ad) say where the title of a column may break."""

  title: str
  better: str = ""  # LOWER, HIGHER or HALF; "" where no value is better.
  unit: str = ""
  meaning: str = ""  # What it measures, where the title doesn't say it.
  digits: int = 3  # Significant ones, of numbers below 10.
  scale: float = 1.0  # What the value in evaluation.json is multiplied by in a table.
  error: str = ""  # The entry that has its standard error.
  timed: bool = False  # Whether it depends on the hardware.

  def cost(self, value: float) -> float:
    """A number that is the lower, the better the value is."""
    return {HIGHER: -value, HALF: abs(value - 0.5)}.get(self.better, value)


METRICS: Mapping[str, Measure] = {
  # Likelihood.
  "nats": Measure("−log p(x), nats", LOWER, "nats", digits=4, scale=-1, error="standard_error"),
  "bits_per_dim": Measure("bits/dim", LOWER, "bits/dim", digits=4),
  "elbo": Measure("ELBO", HIGHER, "nats"),
  "kl": Measure("KL", "", "nats"),
  "rate": Measure("rate", "", "nats"),
  "reconstruction": Measure("recon\u00adstruction", "", "nats"),
  "nll": Measure("NLL", LOWER, "nats"),
  "log_likelihood": Measure("log-likelihood", HIGHER, "nats"),
  "log_prob": Measure("log p", HIGHER, "nats"),
  # Quality of samples.
  "fid": Measure("FID", LOWER),
  "kid": Measure("KID", LOWER, error="kid_standard_error"),
  "sliced_wasserstein": Measure("sliced Wasser\u00adstein", LOWER),
  "inception_score": Measure("Inception Score", HIGHER),
  "precision": Measure("pre\u00adcision", HIGHER),
  "recall": Measure("recall", HIGHER),
  "density": Measure("density", HIGHER),
  "coverage": Measure("cover\u00adage", HIGHER),
  "agreement": Measure("agree\u00adment", HIGHER),
  "one_nearest_neighbour": Measure("1-NNA", HALF, meaning="1/2 at best, 1 for other clouds"),
  "mmd": Measure("MMD", LOWER),
  "modes": Measure("modes", HIGHER),
  "high_quality": Measure("near a mode", HIGHER),
  "copies": Measure("copies", HALF, meaning="1/2 at best, 1 for copies of the training set"),
  "fid_train_vs_test": Measure("FID of training data", meaning="of the training set itself"),
  "fid_noise_vs_test": Measure("FID of noise", meaning="of noise"),
  # Restoration and classification.
  "psnr": Measure("PSNR", HIGHER, "dB"),
  "psnr_baseline": Measure("PSNR of the baseline", "", "dB"),
  "accuracy": Measure("accuracy", HIGHER, "fraction"),
  # Cost.
  "parameters": Measure("para\u00admeters", LOWER),
  "seconds_per_image": Measure("ms an image", LOWER, "ms", scale=1e3, timed=True),
  "network_evaluations": Measure("network calls", LOWER),
  "seconds": Measure("training, s", LOWER, "s", timed=True),
  "steps_per_second": Measure("steps/s", HIGHER, "steps/s", timed=True),
  "examples_per_second": Measure("exam\u00adples/s", HIGHER, "examples/s", timed=True),
  "compile_seconds": Measure("compil\u00ading, s", LOWER, "s", timed=True),
}

# A likelihood is of one of these kinds, and stands beside its sign: that of -log p.
KINDS = {"exact": "exact", "lower_bound": "lower bound", "estimate": "estimate"}
SIGNS = {"exact": "=", "lower_bound": "≤", "estimate": "≈"}
LIKELIHOOD = "nats", "bits_per_dim"


def title(name: str) -> str:
  """The title of a measure outside narrow columns."""
  return METRICS[name].title.replace("\u00ad", "")


def unit(name: str) -> str | None:
  """The unit of a measure, None where it has none or isn't known."""
  return METRICS[name].unit or None if name in METRICS else None


def meaning(name: str) -> str | None:
  """What a measure is, or which values are better; None where it isn't known."""
  if name not in METRICS:
    return None
  return METRICS[name].meaning or METRICS[name].better or None


def restores(evaluation: Mapping) -> bool:
  """Whether a model undoes a corruption, so that its PSNR counts, not the quality of samples."""
  return "psnr_baseline" in (evaluation.get("metrics") or {})


def density(likelihood: Mapping) -> str:
  """What a likelihood is of: "p(x)", or what it is conditioned on, "p(x | label)"."""
  given = likelihood.get("given")
  return f"p(x | {', '.join(given)})" if given else "p(x)"


def of_data(likelihood: Mapping | None) -> Mapping | None:
  """The likelihood of the data alone: of a conditional model its marginal; None if not known.

  Only these can be compared: log p(x | label) is up to log C higher, for C classes.
  """
  if likelihood and likelihood.get("given"):
    return likelihood.get("marginal")
  return likelihood
