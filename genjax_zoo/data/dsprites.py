"""dSprites: binary images of white shapes with five known factors of variation."""

import jax.numpy as jnp
import numpy as np

from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.drawing import Pose, mask
from genjax_zoo.data.factors import Factors, draw_numbers, rendered


def dsprites(size: int = 64) -> Factors:
  """dSprites (Matthey et al. 2017): 737,280 binary images [size, size, 1] of white shapes on black.

  This is a new rendering with the factors of the original file, their values and their order, not
  its pixels. As there, edges are not smoothed (a pixel is 1 if its centre is inside the shape), and
  the 40 orientations go from 0 to 2 pi, so that the last equals the first. Positions are one pixel
  apart at size 64. Smaller images are for quick runs: there the smallest rotations of small squares
  and ellipses don't change a pixel. The factor of the original that never varies, the colour, is
  left out.
  """
  shapes = ("square", "ellipse", "heart")
  scales = jnp.linspace(0.5, 1, 6)
  angles = jnp.asarray(np.linspace(0, 2 * np.pi, 40) % (2 * np.pi), jnp.float32)

  def one(factors):
    shape, scale, angle, x, y = factors
    place = lambda i: 0.5 + (i - 15.5) / 64
    pose = Pose(0.2 * scales[scale], place(x), place(y), angles[angle])
    return mask(size, shapes, shape, pose)[..., None].astype(jnp.uint8)

  names = ("shape", "scale", "orientation", "x", "y")
  render = jnp.vectorize(one, signature="(f)->(h,w,c)")
  return Factors(names, (3, 6, 40, 32, 32), render, num_values=2)


def load(name: str, *, size: int = 32, examples: int = 50_000, seed: int = 0) -> Dataset:
  """`examples` training images of `dsprites(size)` and a tenth as many to test, all different.

  The entry "factors" int32 [5] has their factors, and truth["factors"] is the `Factors`.
  """
  images = dsprites(size)
  return rendered(name, images, draw_numbers(name, images.total, examples, seed))
