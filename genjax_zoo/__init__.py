"""Deep generative models in JAX: pure functions, one loop, the same measures for all."""

from genjax_zoo.core import Field, Learner, Model, TrainState, UserError
from genjax_zoo.published import pretrained
from genjax_zoo.run import Run, load

__all__ = ["Field", "Learner", "Model", "Run", "TrainState", "UserError", "load", "pretrained"]
