"""Avatars: heads of people in poses; who it is and the pose are independent.

A head is an ellipsoid that turns and tilts, with features on its surface. The landmarks of a pose
are drawn of one mean head, so that they say nothing of the person.
"""

from collections.abc import Callable
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_zoo.core import Field, UserError
from genjax_zoo.data.dataset import Dataset
from genjax_zoo.data.factors import Factors, in_parts, render

GROUND, COAT = (196, 214, 226), (70, 84, 110)
SKIN = ((246, 212, 184), (224, 172, 130), (172, 116, 78), (104, 66, 46))
HAIR = ((36, 30, 34), (124, 70, 34), (226, 184, 84), (196, 72, 36), (156, 156, 166), (86, 110, 190))
EYES = ((40, 84, 190), (40, 130, 60), (84, 48, 26))
LIPS, WHITE, DARK = (178, 56, 62), (252, 252, 252), (26, 22, 26)
FRINGE, LONG = 2, 3  # Styles of hair, after none and short.
PERSON = {  # The number of values of what a person is made of.
  "face": 3,
  "skin": len(SKIN),
  "style": 4,
  "hair": len(HAIR),
  "glasses": 2,
  "beard": 2,
  "eyes": len(EYES),
}
POSE = {"yaw": 5, "tilt": 3, "mouth": 2, "blink": 2}
FACES = ((0.25, 0.30), (0.22, 0.335), (0.29, 0.285))  # Half axes, in widths of the image.
MEAN_FACE = (0.25, 0.31)
# Longitude and latitude from the middle of the face, radians, and half axes of what is there.
BROW = (0.45, 0.42), (0.08, 0.018)
OPEN_EYE = (0.45, 0.12), (0.075, 0.055)
IRIS = (0.45, 0.12), (0.04, 0.05)
CLOSED_EYE = (0.45, 0.12), (0.075, 0.016)
FRAME = (0.45, 0.12), (0.12, 0.1)
GLASS = (0.45, 0.12), (0.08, 0.065)
NOSE = (0.0, -0.12), (0.035, 0.05)
LIP = (0.0, -0.55), (0.1, 0.03)
OPEN_LIPS = (0.0, -0.55), (0.085, 0.07)
OPEN_MOUTH = (0.0, -0.55), (0.05, 0.035)
BEARD = (0.0, -0.95), (0.22, 0.17)
YAW = (-0.8, -0.4, 0.0, 0.4, 0.8)  # Radians, to the right.
TILT = (-0.25, 0.0, 0.25)  # Radians, to the left.
PEOPLE, POSES = math.prod(PERSON.values()), math.prod(POSE.values())
EACH = 8  # Poses of a person in the data.
SHOTS = 4  # Other images of the person beside each image.


class Place(NamedTuple):
  """Where the pixels are in a head's own frame, in widths of the image, and how the head turns."""

  right: jax.Array  # [H, W]
  up: jax.Array
  yaw: jax.Array
  axes: jax.Array  # Half axes of the head, [2].


def place(size: int, yaw, tilt, axes) -> Place:
  """The frame of a head in the middle of an image."""
  centres = (np.arange(size) + 0.5) / size
  x, y = centres[None] - 0.5, 0.46 - centres[:, None]
  cos, sin = jnp.cos(tilt), jnp.sin(tilt)
  return Place(cos * x + sin * y, cos * y - sin * x, yaw, axes)


def inside(right, up, axes, size: int) -> jax.Array:
  """The share of each pixel inside an ellipse about the origin, nearly: edges are a pixel wide."""
  radius = jnp.sqrt((right / axes[0]) ** 2 + (up / axes[1]) ** 2)
  return jnp.clip((1 - radius) * jnp.minimum(*axes) * size + 0.5, 0, 1)


def feature(at: Place, angles, axes) -> jax.Array:
  """The cover [H, W] of an ellipse on the surface of a head; seen from the side it is narrower."""
  longitude, latitude = angles
  turned = longitude + at.yaw
  right = at.right - at.axes[0] * jnp.sin(turned) * math.cos(latitude)
  up = at.up - at.axes[1] * math.sin(latitude)
  width = axes[0] * jnp.maximum(jnp.cos(turned), 0.3)
  return inside(right, up, (width, axes[1]), at.up.shape[0])


def both(at: Place, angles, axes) -> jax.Array:
  """The cover of a feature on either side of a face."""
  longitude, latitude = angles
  left = feature(at, (-longitude, latitude), axes)
  right = feature(at, (longitude, latitude), axes)
  return jnp.maximum(left, right)


def head(factors, size: int) -> jax.Array:
  """The image uint8 [size, size, 3] of factors [11], painted from the back to the front."""
  face, skin, style, hair, glasses, beard, eyes, yaw, tilt, mouth, blink = factors
  axes = jnp.array(FACES)[face]
  at = place(size, jnp.array(YAW)[yaw], jnp.array(TILT)[tilt], axes)
  skin = jnp.array(SKIN, jnp.float32)[skin]
  hair = jnp.array(HAIR, jnp.float32)[hair]
  eyes = jnp.array(EYES, jnp.float32)[eyes]
  oval = inside(at.right, at.up, axes, size)
  frames = both(at, *FRAME) - both(at, *GLASS)
  neck, shoulders = body(size)
  long, cap = hairstyle(at, style)
  layers = (
    (long, hair),
    (neck, 0.85 * skin),
    (shoulders, COAT),
    (oval, skin),
    (oval * feature(at, *BEARD) * beard, hair),
    (feature(at, *NOSE), 0.75 * skin),
    (feature(at, *LIP) * (1 - mouth), LIPS),
    (feature(at, *OPEN_LIPS) * mouth, LIPS),
    (feature(at, *OPEN_MOUTH) * mouth, DARK),
    (both(at, *OPEN_EYE) * (1 - blink), WHITE),
    (both(at, *IRIS) * (1 - blink), eyes),
    (both(at, *CLOSED_EYE) * blink, DARK),
    (both(at, *BROW), 0.6 * hair),
    (cap, hair),
    (frames * glasses, DARK),
  )
  image = jnp.broadcast_to(jnp.array(GROUND, jnp.float32), (size, size, 3))
  for cover, colour in layers:
    colour = jnp.asarray(colour, jnp.float32)[None, None]
    image += cover[..., None] * (colour - image)
  return jnp.round(image).astype(jnp.uint8)


def body(size: int) -> tuple[jax.Array, jax.Array]:
  """The covers of the neck and the shoulders, which do not move with the head."""
  still = place(size, 0.0, 0.0, jnp.array(MEAN_FACE))
  neck = inside(still.right, still.up + 0.36, (0.1, 0.2), size)
  return neck, inside(still.right, still.up + 0.62, (0.4, 0.24), size)


def hairstyle(at: Place, style) -> tuple[jax.Array, jax.Array]:
  """The covers of the hair behind the head and on it, which leaves the face open."""
  size = at.up.shape[0]
  behind = inside(at.right, at.up + 0.12, (0.36, 0.42), size) * (style == LONG)
  height = jnp.where(style == FRINGE, 0.8, 1.05) * at.axes[1]
  face = feature(at, (0.0, -0.25), (0.95 * at.axes[0], height))
  above_ears = jnp.clip((at.up + 0.05) * size + 0.5, 0, 1)
  scalp = inside(at.right, at.up, 1.13 * at.axes, size)
  reach = jnp.where(style == LONG, 1.0, above_ears)
  return behind, scalp * (1 - face) * reach * (style > 0)


def landmarks(factors, size: int) -> jax.Array:
  """The landmarks uint8 [size, size, 1] of a pose [4]: brows, eyes, nose, mouth and outline."""
  yaw, tilt, mouth, blink = factors
  axes = jnp.array(MEAN_FACE)
  at = place(size, jnp.array(YAW)[yaw], jnp.array(TILT)[tilt], axes)
  outline = inside(at.right, at.up, axes, size) - inside(at.right, at.up, axes - 0.04, size)
  lips = feature(at, *OPEN_LIPS) - feature(at, *OPEN_MOUTH)
  drawn = jnp.stack([
    outline * (at.up < 0.05),
    both(at, *BROW),
    both(at, *OPEN_EYE) * (1 - blink),
    both(at, *CLOSED_EYE) * blink,
    feature(at, *NOSE),
    feature(at, *LIP) * (1 - mouth),
    lips * mouth,
  ])  # fmt: skip
  return jnp.round(255 * drawn.max(0))[..., None].astype(jnp.uint8)


def avatars(size: int = 32) -> Factors:
  """Heads [size, size, 3]: 3,456 people, the first seven factors, in 60 poses, the last four."""
  return Factors(
    names=(*PERSON, *POSE),
    sizes=(*PERSON.values(), *POSE.values()),
    render=jnp.vectorize(functools.partial(head, size=size), signature="(f)->(h,w,c)"),
    num_values=256,
  )


def poses(size: int) -> Factors:
  """The landmarks [size, size, 1] of the 60 poses."""
  draw = jnp.vectorize(functools.partial(landmarks, size=size), signature="(f)->(h,w,c)")
  return Factors(tuple(POSE), tuple(POSE.values()), draw, num_values=256)


def load(name: str, *, size: int = 32, people: int = 400, seed: int = 0) -> Dataset:
  """Images of `people` for training, and of a quarter as many others to test, 8 of each.

  The entries are "image"; "landmarks" uint8 [size, size, 1], drawn; "shots" [4, size, size, 3] and
  "shot_landmarks", other images of the same person; "identity" int32, the number of the person,
  and "factors" int32 [11]. No two people differ in their eyes alone, which some images show closed.
  truth["people"] int32 [N, 7] has what each person is made of. Raises UserError for too few people
  and for too many.
  """
  total = people + people // 4
  known = PEOPLE // PERSON["eyes"]
  most = (4 * known + 3) // 5  # With a quarter more they are all.
  if not 4 <= people <= most:
    raise UserError(f"data.people={people}: take 4 to {most:,}, and a quarter more are to test")
  rng = np.random.default_rng(seed)
  *others, eyes = PERSON.values()
  looks = np.stack(np.unravel_index(rng.choice(known, total, replace=False), others), -1)
  who = np.c_[looks, rng.integers(eyes, size=total)].astype(np.int32)
  taken = np.stack([rng.choice(POSES, EACH, replace=False) for _ in range(total)])
  heads, marks = avatars(size), poses(size)
  drawn = render(marks, marks.at(jnp.arange(POSES)))
  pose = np.asarray(marks.at(taken))
  factors = np.c_[who.repeat(EACH, 0), pose.reshape(-1, len(POSE))]
  image = render(heads, factors)
  # The shots of an image are the next ones of the same person, round and round.
  after = np.arange(EACH)[:, None] + 1 + np.arange(SHOTS)[None]
  first = EACH * np.arange(total)[:, None, None]
  shots = (first + after[None] % EACH).reshape(-1, SHOTS)
  arrays = {
    "image": image,
    "landmarks": drawn[taken.ravel()],
    "shots": image[shots],
    "shot_landmarks": drawn[taken.ravel()[shots]],
    "identity": np.arange(total, dtype=np.int32).repeat(EACH),
    "factors": factors,
  }
  fields = {
    "image": Field((), np.uint8, 256, kind="image"),
    "landmarks": Field((), np.uint8, 256, kind="image"),
    "shots": Field((), np.uint8, 256),
    "shot_landmarks": Field((), np.uint8, 256),
    "identity": Field((), np.int32, total, ordered=False),
    "factors": Field((), np.int32, max(heads.sizes)),
  }
  fields = {k: f._replace(shape=arrays[k].shape[1:]) for k, f in fields.items()}
  rows = {"train": slice(EACH * people), "test": slice(EACH * people, None)}
  splits = {split: {k: x[part] for k, x in arrays.items()} for split, part in rows.items()}
  truth = {"factors": heads, "people": who}
  return Dataset(name, fields, splits, truth=truth, judge=judge_of(heads, who[people:], drawn))


def judge_of(heads: Factors, people, drawn) -> Callable:
  """A judge by the people of the test split, int32 [M, 7], in all poses: (samples, given) -> [N]s.

  "rmse" is the distance to the nearest of these images, root mean square in [0, 1]: 0 of real ones.
  "pose" says whether it is in the pose of the "landmarks" given, "identity" whether it is of the
  person on the "shots" given, and "likeness" what share of the seven factors they have in common.
  """

  @functools.cache
  def every():
    pose = np.indices(tuple(POSE.values())).reshape(len(POSE), -1).T
    return render(heads, np.c_[people.repeat(POSES, 0), np.tile(pose, (len(people), 1))])

  def judge(samples, given):
    if "image" not in samples:
      return {}
    found, rmse = nearest_of(samples["image"], every())
    person, pose = np.divmod(found, POSES)
    measured = {"rmse": rmse}
    if "landmarks" in given:
      measured["pose"] = pose == nearest_of(given["landmarks"], drawn)[0]
    if "shots" in given:
      shown = nearest_of(np.asarray(given["shots"])[:, 0], every())[0] // POSES
      measured["identity"] = person == shown
      measured["likeness"] = (people[person] == people[shown]).mean(1)
    return {name: np.asarray(x, np.float32) for name, x in measured.items()}

  return judge


def nearest_of(x, known) -> tuple[np.ndarray, np.ndarray]:
  """(which of `known` uint8 [M, ...] is nearest to each of x uint8 [N, ...], their distance) [N].

  The distance is root mean square in [0, 1].
  """
  known = known.reshape(len(known), -1)

  def search(x):
    x = x.reshape(len(x), -1).astype(np.float32) - 128  # Smaller squares have smaller errors.
    squares = []
    for start in range(0, len(known), 1000):
      y = known[start : start + 1000].astype(np.float32) - 128
      squares.append((y**2).sum(1)[None] - 2 * x @ y.T)
    return np.concatenate(squares, 1).argmin(1)

  x = np.asarray(x)
  found = in_parts(search, x)
  difference = x.reshape(len(x), -1) - known[found].astype(np.float32)
  return found, np.sqrt((difference**2).mean(1)) / 255
