"""Exact images of scenes of solids: the nearest hit of each ray, shaded by Lambert's cosine."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_zoo.prob import cameras

LIGHT = (0.48, 0.36, 0.8)  # The direction of the light, of length 1, in the world.
AMBIENT = 0.4  # The light on what faces away from it, of 1 in all.
SMOOTH = 2  # Rays a pixel along each axis, whose mean it is.
GROUND = 0.75  # The gray of the ground, lit from above,
SKY = (0.78, 0.87, 0.96)  # and the colour behind it.


class Objects(NamedTuple):
  """K solids; each is a shape of `SHAPES` in the cube [-1, 1]^3, scaled, turned and moved."""

  shape: jax.Array  # int [K], numbers of the shapes that `render` is called with.
  centre: jax.Array  # [K, 3]
  half: jax.Array  # [K, 3], half of the extent before the turn.
  angle: jax.Array  # [K], about the vertical axis.
  colour: jax.Array  # [K, 3] in [0, 1].


# A ray o + t d enters a solid at the least t > 0 of its candidates: where it meets a surface,
# whether it does so on the solid, and the normal there. Cameras are outside of all solids. The
# coordinates are the first axis, [3, ...]: so all is done elementwise.


def cube(o, d):
  """Entries into [-1, 1]^3 of rays o, d [3, ...]: t [...], inf where there is none, and normals."""
  d = nonzero(d)
  near = (-jnp.sign(d) - o) / d
  far = (jnp.sign(d) - o) / d
  t = near.max(0)
  return jnp.where((t <= far.min(0)) & (t > 0), t, jnp.inf), -jnp.sign(d) * (near == t[None])


def sphere(o, d):
  """Entries into the unit ball, as `cube`."""
  first, _, real = roots((d * d).sum(0), (o * d).sum(0), (o * o).sum(0) - 1)
  t = jnp.where(real & (first > 0), first, jnp.inf)
  return t, at(o, d, t)


def cylinder(o, d):
  """Entries into x^2 + y^2 <= 1, |z| <= 1, as `cube`."""
  flat = lambda a, b: a[0] * b[0] + a[1] * b[1]
  first, _, real = roots(flat(d, d), flat(o, d), flat(o, o) - 1)
  x, y, z = at(o, d, first)
  side = first, real & (jnp.abs(z) <= 1), jnp.stack([x, y, jnp.zeros_like(z)])
  return earliest([side, disc(o, d, -1.0), disc(o, d, 1.0)])


def cone(o, d):
  """Entries into the cone from the apex (0, 0, 1) to the unit disc in z = -1, as `cube`.

  With w = (1 - z) / 2 its side is x^2 + y^2 = w^2.
  """
  o_w = o.at[2].set((1 - o[2]) / 2)
  d_w = d.at[2].set(-d[2] / 2)
  form = lambda a, b: a[0] * b[0] + a[1] * b[1] - a[2] * b[2]
  *both, real = roots(form(d_w, d_w), form(o_w, d_w), form(o_w, o_w))
  candidates = [disc(o, d, -1.0)]
  for t in both:
    x, y, z = at(o, d, t)
    candidates.append((t, real & (jnp.abs(z) <= 1), jnp.stack([x, y, (1 - z) / 4])))
  return earliest(candidates)


def nonzero(x):
  """x, away from 0 so that one can divide by it."""
  return jnp.where(jnp.abs(x) < 1e-9, 1e-9, x)


def roots(a, b, c):
  """The roots t of a t^2 + 2 b t + c, (-b -+ sqrt(b^2 - a c)) / a, and whether they are real."""
  discriminant = b * b - a * c
  root = jnp.sqrt(jnp.maximum(discriminant, 0))
  a = nonzero(a)
  return (-b - root) / a, (-b + root) / a, discriminant >= 0


def at(o, d, t):
  """The point o + t d [3, ...]; o where t is infinite."""
  return o + jnp.where(jnp.isfinite(t), t, 0)[None] * d


def disc(o, d, height: float):
  """The candidate in the unit disc at a height, whose normal points away from z = 0."""
  t = (height - o[2]) / nonzero(d[2])
  x, y, _ = at(o, d, t)
  normal = jnp.stack([jnp.zeros_like(x), jnp.zeros_like(x), jnp.full_like(x, height)])
  return t, x**2 + y**2 <= 1, normal


def earliest(candidates):
  """The least t > 0 [...] of the candidates (t, valid, normal), inf where none is, its normal."""
  t = jnp.stack([jnp.where(valid & (t > 0), t, jnp.inf) for t, valid, _ in candidates])
  best = t.argmin(0)
  normals = [normal for *_, normal in candidates]
  return t.min(0), jnp.select([best[None] == i for i in range(len(normals))], normals)


SHAPES: Mapping[str, Callable] = {
  "cube": cube,
  "sphere": sphere,
  "cylinder": cylinder,
  "cone": cone,
}


def enter(shape, centre, half, angle, origin, directions, shapes: Sequence[str]):
  """Where rays enter objects: t [H, W], inf where they do not, and unit normals [3, H, W].

  shape, angle [H, W], centre, half [3, H, W] have the object of each ray, or one of all where H and
  W are 1; origin [3], directions [3, H, W].
  """
  cos, sin = jnp.cos(angle), jnp.sin(angle)
  turn = lambda p, sin: jnp.stack([cos * p[0] + sin * p[1], cos * p[1] - sin * p[0], p[2]])
  # In the frame of the shape rays keep their t.
  d = turn(directions, sin) / half
  o = jnp.broadcast_to(turn(origin[:, None, None] - centre, sin) / half, d.shape)
  entries = [SHAPES[name](o, d) for name in shapes]
  ts, normals = zip(*entries)
  t = jnp.select([shape == i for i in range(len(shapes))], ts)
  normal = jnp.select([shape[None] == i for i in range(len(shapes))], normals)
  normal = turn(normal / half, -sin)
  return t, normal / jnp.maximum(jnp.linalg.norm(normal, axis=0, keepdims=True), 1e-9)


def hits(objects: Objects, origin, directions, shapes: Sequence[str]):
  """The nearest hits of rays [3, H, W]: t [H, W], inf for none, unit normals, object's number."""
  spread = lambda x: x[..., None, None]
  one = lambda *of: enter(*map(spread, of), origin, directions, shapes)[0]
  nearest = jax.vmap(one)(*objects[:4]).argmin(0)
  # Normals are only needed of the nearest.
  of_ray = [jnp.moveaxis(x[nearest], 2, 0) if x.ndim > 1 else x[nearest] for x in objects[:4]]
  t, normal = enter(*of_ray, origin, directions, shapes)
  return t, normal, nearest


def render(
  objects: Objects,
  azimuth,
  elevation,
  size: int,
  *,
  shapes: Sequence[str] = tuple(SHAPES),
  ground: float | None = None,
):
  """The image [size, size, 3] in [0, 1] of a scene from a camera of `prob.cameras`.

  `ground` is the height of a gray plane under a sky; with None the background is white.
  """
  origin, directions = cameras.rays(azimuth, elevation, SMOOTH * size)
  t, normal, nearest = hits(objects, origin, jnp.moveaxis(directions, -1, 0), shapes)
  light = sum(n * x for n, x in zip(normal, LIGHT))
  shade = AMBIENT + (1 - AMBIENT) * jnp.maximum(light, 0)[..., None]
  behind = background(origin, directions, ground)
  image = jnp.where(jnp.isfinite(t)[..., None], objects.colour[nearest] * shade, behind)
  return image.reshape(size, SMOOTH, size, SMOOTH, 3).mean((1, 3))


def background(origin, directions, ground: float | None):
  """What rays see that hit no object, [H, W, 3]: the ground if they fall, else the sky."""
  if ground is None:
    return jnp.ones_like(directions)
  falls = (directions[..., 2:] < 0) & (origin[2] > ground)
  lit = GROUND * (AMBIENT + (1 - AMBIENT) * LIGHT[2])
  return jnp.where(falls, lit, jnp.broadcast_to(jnp.array(SKY), directions.shape))


def few_at_once(one: Callable) -> Callable:
  """The function `one` of rows [F] over an array [..., F], 25 rows at a time.

  All rays of more images than that do not stay in the cache of a processor, and take 2.5 times as
  long.
  """

  def many(rows):
    flat = rows.reshape(-1, rows.shape[-1])
    found = jax.lax.map(one, flat, batch_size=25)
    return found.reshape(*rows.shape[:-1], *found.shape[1:])

  return many


def to_bytes(image):
  """An image in [0, 1] as uint8."""
  return jnp.round(255 * jnp.clip(image, 0, 1)).astype(jnp.uint8)
