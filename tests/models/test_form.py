"""The entry that is modelled: what is made of an image, not the image that it is made of."""

import numpy as np
import pytest

from genjax_zoo.core import Field, UserError
from genjax_zoo.models._form import entry

IMAGE, VECTOR = Field((4, 4, 1), np.uint8, 17), Field((2,), np.float32)


@pytest.mark.parametrize(
  "data, name",
  [
    ({"label": Field((), np.int32, 3), "image": IMAGE}, "image"),
    ({"image": IMAGE, "target": IMAGE}, "target"),
    ({"video": IMAGE, "tokens": VECTOR}, "video"),
    ({"label": VECTOR, "x": VECTOR}, "x"),
  ],
)
def test_the_entry_that_is_modelled(data, name):
  assert entry(data) == (name, data[name])


def test_data_without_one_are_refused_and_domains_are_told_what_to_take():
  with pytest.raises(UserError, match="the data have factors: choose other data"):
    entry({"factors": VECTOR})
  with pytest.raises(UserError, match="image_a and image_b: take cyclegan to translate"):
    entry({"image_a": IMAGE, "image_b": IMAGE})
