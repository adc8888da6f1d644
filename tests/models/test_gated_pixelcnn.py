"""The gated PixelCNN: an exact law, causal without a blind spot, also from channel to channel and given a class."""

import jax
import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models import gated_pixelcnn
from tests.models import chain

pytestmark = pytest.mark.slow  # Minutes of compiling.

OPTIONS = dict(width=24, layers=2, first=5)  # Narrow enough, all ReLUs of a channel can be 0.


@pytest.mark.parametrize("data", chain.DATA)
@pytest.mark.parametrize("check", chain.CHECKS)
def test_chain(check, data):
  check(gated_pixelcnn.model(data, conditional=True, **OPTIONS), data)


def test_no_blind_spot():
  """The last pixels but one of a row depend on all above, to the right too, and on all to the left."""
  data = {"image": Field((5, 6, 1), np.uint8, 2)}
  chain.check_causal(gated_pixelcnn.model(data, width=16, layers=4, first=5), data)


def test_classes_differ():
  model = gated_pixelcnn.model(chain.BINARY, conditional=True, **OPTIONS)
  params, image = chain.perturbed(model, chain.BINARY), chain.all_images(chain.BINARY)
  log_prob = jax.jit(lambda label: model.log_prob(params, {}, {"image": image, "label": label}, None))
  nats = [log_prob(np.full(len(image), c)) for c in (0, 1)]
  assert np.abs(nats[0] - nats[1]).max() > 0.1
  assert model.given == ("label",)


def test_mistakes_are_named():
  image = {"image": Field((3, 3, 1), np.uint8, 2)}
  for data, options in (
    (image, dict(conditional=True)),
    ({"x": Field((3,), np.uint8, 2)}, {}),
    (chain.RGB, dict(width=2)),
  ):
    with pytest.raises(UserError):
      gated_pixelcnn.model(data, **options)
