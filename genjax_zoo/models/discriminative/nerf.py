"""NeRF (Mildenhall 2020, arXiv:2003.08934): a scene as a field, fitted to views from known cameras.

The examples are views of one scene, images with the angles of their cameras. A field gives each
point a density and a colour, and prob/rendering.py the colour C(ray) that a pixel's ray sees:

  loss = |C(ray) - pixel|² / 3, the mean over random pixels of a view

A sample is the scene from the cameras that it is given, also from such as no image was taken from.

The field is the paper's network of encoded positions ("mlp"), or values on a grid ("voxels"), which
are fitted several times faster and take more memory (Sun 2022, arXiv:2111.11215). What a ray sees
that passes the cube depends on its direction alone: `surroundings`.

Departures: one field for coarse and fine samples, of which the fine ones alone are fitted; weights
by the lengths of intervals (prob/rendering.py); a network of the surroundings, where the paper's
rays end at `far`.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, Model, UserError
from genjax_zoo.models.latent_variable._observation import from_unit, unit
from genjax_zoo.models.latent_variable.autoencoder import psnr
from genjax_zoo.nn.fields import RadianceField, Surroundings, VoxelField
from genjax_zoo.prob import cameras
from genjax_zoo.prob.rendering import render_finely

EXTENT = 1.2  # Half of the side of the cube in which the field is.
NEAR, FAR = cameras.DISTANCE - 1.6, cameras.DISTANCE + 1.6  # Where rays may end.


def views_of(data) -> tuple[Field, Field]:
  """The Fields of "image" [S, S, 3] and "camera" [2]. Raises UserError for data without them."""
  fields = [data.get(name, Field((), np.float32)) for name in ("image", "camera")]
  height, *rest = fields[0].shape or (0,)
  if rest != [height, 3] or fields[1].shape != (2,):
    raise UserError(
      f"the model is of square images with a 'camera', and the data have {', '.join(data)}: take "
      "data.name=scene_views or coloured_scenes"
    )
  return tuple(fields)


def pixels(key, images, directions, n: int):
  """(colours, directions) [B, n, 3] of n random pixels of each image [B, S, S, 3]."""
  flat = lambda x: x.reshape(len(x), -1, 3)
  at = jax.random.randint(key, (len(images), n, 1), 0, flat(images).shape[1])
  return tuple(jnp.take_along_axis(flat(x), at, 1) for x in (images, directions))


def model(
  data,
  *,
  field: str = "mlp",
  width: int = 64,
  depth: int = 4,
  grid: int = 48,
  rays: int = 64,
  coarse: int = 32,
  fine: int = 32,
) -> Model:
  """A field of the scene of which the data are views; it samples "image" given "camera".

  `field` is "mlp", of `depth` layers of `width`, or "voxels", of `grid`³ corners. A step fits
  `rays` pixels of each view, with `coarse` and `fine` points of each ray. Raises UserError for
  other fields, and for data without cameras.
  """
  fields = {"mlp": RadianceField(width, depth), "voxels": VoxelField(grid)}
  if field not in fields:
    raise UserError(f"unknown model.field={field!r}; there are {', '.join(fields)}")
  image, camera = views_of(data)
  nets = {"field": fields[field], "surroundings": Surroundings()}
  size = image.shape[0]

  def apply(params, name, *args):
    return nets[name].apply({"params": params[name]}, *args)

  def seen(params, origins, directions, key=None):
    """The `Rendering` of rays, origins and directions [..., 3]."""
    at = lambda points, directions: apply(params, "field", points / EXTENT, directions)
    around = apply(params, "surroundings", directions)
    return render_finely(at, origins, directions, NEAR, FAR, coarse, fine, around, key)

  def view(params, angles, key=None, size=size):
    """The `Rendering` of all pixels of a camera with the `angles` [2]."""
    origin, directions = cameras.rays(*angles, size)
    return seen(params, jnp.broadcast_to(origin, directions.shape), directions, key)

  def init(key, batch):
    ray = jnp.zeros((1, 3)), jnp.ones((1, 3))
    keys = dict(zip(nets, jax.random.split(key)))
    return {
      "field": nets["field"].init(keys["field"], *ray)["params"],
      "surroundings": nets["surroundings"].init(keys["surroundings"], ray[1])["params"],
    }, {}

  def loss(params, state, batch, key, train):
    k_pixel, k_ray = jax.random.split(key)
    origins, directions = cameras.rays(*batch["camera"].T, size)
    colours = unit(batch["image"], image.num_values)
    colours, directions = pixels(k_pixel, colours, directions, rays)
    origins = jnp.broadcast_to(origins[:, None], directions.shape)
    made = seen(params, origins, directions, k_ray).colour
    return ((made - colours) ** 2).mean((1, 2)), ({}, {})

  def evaluate(params, state, batch, key):
    """The mean squared error and the PSNR of whole views."""
    made = jax.lax.map(lambda angles: view(params, angles).colour, batch["camera"])
    true = unit(batch["image"], image.num_values)
    return {"loss": ((made - true) ** 2).mean((1, 2, 3)), "psnr": psnr(true, made)}

  def sample(params, state, key, n, given={}):
    """The views of n cameras, from random points of their rays."""
    draw = lambda angles_key: view(params, *angles_key).colour
    colours = jax.lax.map(draw, (given["camera"], jax.random.split(key, n)))
    return {"image": from_unit(colours, image)}

  def views(params, state, angles, size):
    """What cameras [n, 2] see of the one scene: {name: [1, n, size, size, ...]}."""
    made = jax.lax.map(partial(view, params, size=size), angles)
    return {k: getattr(made, k)[None] for k in ("colour", "depth", "opacity")}

  def density(params, state, points):
    """The density at points [P, 3] of the cube [-1, 1]³, [1, P]."""
    return apply(params, "field", points, jnp.ones_like(points))[0][None]

  return Model(
    init,
    loss,
    sample,
    evaluate=evaluate,
    given={"camera": camera},
    calls=lambda **options: coarse + fine,
    parts={"views": views, "density": density},
  )
