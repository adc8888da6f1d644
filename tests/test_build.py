"""From a config to a learner: what can't be built is told with the option that is wrong."""

import jax
import numpy as np
import pytest

from experiments import resolve as configs
from genjax_zoo.build import build, dummy
from genjax_zoo.core import Field, UserError

DIGITS = {"image": Field((8, 8, 1), np.uint8, 17), "label": Field((), np.int32, 10)}


def built(name: str, **options):
  config = configs.resolve(f"configs/{name}.py").to_dict()
  return build(config | {"model": config["model"] | options}, DIGITS)


@pytest.mark.parametrize(
  "name, options, told",
  [
    ("vae_digits", {"latent": 0}, "model.latent=0: there must be 1 or more"),
    ("vae_digits", {"hidden": (256, 0)}, r"model.hidden=\(256, 0\): there must be 1"),
    ("vae_digits", {"components": -1}, "model.components=-1: there must be 0"),
    ("gmm_digits", {"components": 0}, "model.components=0: there must be 1"),
    ("ebm_digits", {"buffer": 0}, "model.buffer=0"),
    ("pixelcnn_digits", {"blocks": -1}, "model.blocks=-1: there must be 0"),
    ("dcgan_digits", {"widths": ()}, r"model.widths=\(\): there must be 1"),
    ("ddpm_digits", {"hidden": ()}, r"model.hidden=\(\)"),
    ("ddpm_digits", {"patch": 0}, "model.patch=0"),
    ("gan_digits", {"augment": (0,)}, "unknown model.augment 0"),
  ],
)
def test_what_no_network_has_is_refused(name, options, told):
  with pytest.raises(UserError, match=told):
    built(name, **options)


@pytest.mark.parametrize(
  "name, options",
  [
    ("vae_digits", {"components": 0}),
    ("pixelcnn_digits", {"blocks": 0}),
    ("window_digits", {"hidden": ()}),
    ("ddgan_digits", {"latent": 0}),
  ],
)
def test_nothing_is_a_size_where_it_makes_sense(name, options):
  params = jax.eval_shape(built(name, **options).init, jax.random.key(0), dummy(DIGITS)).params
  assert all(x.size for x in jax.tree.leaves(params))
