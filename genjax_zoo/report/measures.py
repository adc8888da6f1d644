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
  "nats": Measure(
    "−log p(x), nats",
    LOWER,
    "nats",
    "the negative log-likelihood of a test example",
    digits=4,
    scale=-1,
    error="standard_error",
  ),
  "bits_per_dim": Measure(
    "bits/dim", LOWER, "bits/dim", "−log2 p(x) over the numbers of an example, pixels say", digits=4
  ),
  "bits_per_vertex": Measure(
    "bits/ver\u00adtex", "", "bits/vertex", "−log2 p over the vertices of all meshes", digits=4
  ),
  "bits_per_vertex_uniform": Measure(
    "uniform bits/ver\u00adtex", "", "bits/vertex", "those of tokens drawn evenly among valid ones"
  ),
  "elbo": Measure("ELBO", HIGHER, "nats", "the evidence lower bound, at most log p(x)"),
  "kl": Measure(
    "KL", "", "nats", "KL(q(z | x) ‖ p(z)), what the latents say of an example beyond the prior"
  ),
  "rate": Measure("rate", "", "nats", "the KL divergence of the latents from the prior"),
  "reconstruction": Measure(
    "recon\u00adstruction", "", "nats", "−log p(x | z) of an example given its own latents"
  ),
  "nll": Measure("NLL", LOWER, "nats", "the negative log-likelihood of a test example"),
  "log_likelihood": Measure("log-likelihood", HIGHER, "nats", "log p of a test example"),
  "log_prob": Measure("log p", HIGHER, "nats", "log p of a test example"),
  # Quality of samples.
  "fid": Measure(
    "FID", LOWER, "", "Fréchet distance of samples from test examples in a feature space; 0 is best"
  ),
  "kid": Measure(
    "KID",
    LOWER,
    "",
    "an unbiased squared distance (MMD), 0 for equal sets",
    error="kid_standard_error",
  ),
  "sliced_wasserstein": Measure(
    "sliced Wasser\u00adstein", LOWER, "", "the mean distance of projections of the features"
  ),
  "inception_score": Measure(
    "Inception Score", HIGHER, "", "clear and diverse classes; at most the number of classes"
  ),
  "precision": Measure("pre\u00adcision", HIGHER, "", "samples that are near a test example"),
  "recall": Measure("recall", HIGHER, "", "test examples that are near a sample"),
  "density": Measure(
    "density", HIGHER, "", "how many test examples a sample is near, 1 for the data themselves"
  ),
  "coverage": Measure("cover\u00adage", HIGHER, "", "test examples with a sample close by"),
  "agreement": Measure(
    "agree\u00adment", HIGHER, "", "samples that a classifier takes for the class asked for"
  ),
  "one_nearest_neighbour": Measure(
    "1-NNA", HALF, "", "whether the nearest neighbour tells samples from data: 1 where it does"
  ),
  "mmd": Measure("MMD", LOWER, "", "the mean distance of test examples from their nearest sample"),
  "modes": Measure("modes", HIGHER, "", "modes of the data that have samples"),
  "high_quality": Measure("near a mode", HIGHER, "", "samples within a few deviations of a mode"),
  "copies": Measure(
    "copies",
    HALF,
    "",
    "probability that a sample is nearer to the training set than a test example is: 1 for copies, "
    "near 0 for samples that are far from all data",
  ),
  "fid_train_vs_test": Measure("FID of training data", "", "", "the training set's, hard to beat"),
  "fid_noise_vs_test": Measure("FID of noise", "", "", "that of uniform noise, the worst"),
  # Restoration and classification.
  "psnr": Measure("PSNR", HIGHER, "dB", "peak signal-to-noise ratio beside the true image"),
  "psnr_baseline": Measure("PSNR of the baseline", "", "dB", "that of a method without learning"),
  "hole_psnr": Measure("PSNR in the hole", HIGHER, "dB", "that of the pixels that were missing"),
  "hole_psnr_baseline": Measure(
    "PSNR in the hole, baseline", "", "dB", "that of the nearest known pixels"
  ),
  "prediction_error": Measure(
    "pre\u00addiction error", LOWER, "gray levels", "of frames that the model was not given"
  ),
  "copying_error": Measure(
    "error of copying", "", "gray levels", "the same error of copies of the last given frame"
  ),
  "turned_error": Measure(
    "error of turned views", LOWER, "", "mean squared error of views made from one other"
  ),
  "azimuth_own": Measure(
    "azimuth, own latents", HIGHER, "", "R² of a linear map from the latents meant for the azimuth"
  ),
  "azimuth_rest": Measure(
    "azimuth, other latents", LOWER, "", "R² of a linear map from all other latents"
  ),
  "accuracy": Measure("accuracy", HIGHER, "fraction", "test examples of which the class is right"),
  # Cost.
  "parameters": Measure("para\u00admeters"),
  "seconds_per_image": Measure("ms a sample", LOWER, "ms", scale=1e3, timed=True),
  "network_evaluations": Measure("network calls", LOWER, "", "a sample"),
  "seconds": Measure("training, s", LOWER, "s", timed=True),
  "steps_per_second": Measure("steps/s", "", "steps/s", timed=True),  # Batches differ.
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
  """What a measure is, and which values are better; None where it isn't known."""
  if name not in METRICS:
    return None
  return "; ".join(filter(None, (METRICS[name].meaning, METRICS[name].better))) or None


def in_words(features: str) -> str:
  """The name of a feature space, "mnist@sha256:1a2b3c4d", in words: "features of a classifier"."""
  network, _, digest = features.partition("@")
  if network == "own_classes":
    return "features of a small classifier trained on these classes"
  if network == "own_pixels":
    return "principal components of pixels, no network's features"
  if network.startswith("inception"):
    return "Inception's features"
  return f"features of a {network} classifier" if digest else f"the numbers of {network} themselves"


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
