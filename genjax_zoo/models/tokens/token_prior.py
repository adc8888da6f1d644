"""A transformer prior of a frozen first stage's codes (van den Oord 2017; Esser 2021, 2012.09841).

  k = first.encode(x),   p(k | c) = prod_i p(k_i | k_1 .. k_{i-1}, c)
  loss = -mean_i log p(k_i | k_1 .. k_{i-1}, c)

Codes are in raster order; of a first stage with several grids (VQ-VAE-2) the coarsest come first,
so that one transformer is the prior of all levels. What the model is conditioned on, a label or a
caption, stands before the codes, as tokens that are given and not modelled; it is left out of an
example with probability `drop`, for classifier-free guidance of the logits (`scale`). Of the whole,

  log p(x | c) >= log p(k | c) + log p(x | k),   k the codes of x

since log p(x | c) is that of the sum over all codes: a lower bound.

`sample` with a larger `grid` (rows, columns) than that of training slides a window over it, see
_window.py.

Departures: one transformer where VQ-VAE and VQ-VAE-2 have PixelCNNs and PixelSNAILs.
"""

from genjax_zoo.core import Model
from genjax_zoo.models._condition import condition_fields
from genjax_zoo.models.tokens._model import check_first, prior_model
from genjax_zoo.models.tokens._prior import prior


def model(
  data,
  *,
  first: Model,
  condition: tuple[str, ...] = (),
  drop: float = 0.1,
  width: int = 128,
  layers: int = 4,
  heads: int = 4,
  patterns: tuple[str, ...] = ("dense",),
  dropout: float = 0.0,
  dtype: str = "float32",
) -> Model:
  """A prior of the codes of the stage `first`; samples are decoded.

  Raises UserError where `first` has no codes, and for an unknown attention pattern.
  """
  check_first(first)
  given_fields = condition_fields(data, condition)
  p = prior({**given_fields, **first.latents}, width, layers, heads, patterns, dtype, dropout)
  codes = sum(s.length for s in p.stream.segments if s.name in first.latents)

  def objective(nats, known):
    """The mean of -log p of a code, [B]; what is given is not modelled."""
    metrics = {f"{name}_nats": nats[name] for name in first.latents}
    return sum(metrics.values()) / codes, metrics

  return prior_model(first, p, given_fields, drop, objective)
